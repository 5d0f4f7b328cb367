# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2154
# A host with sixty audit rules of its own, and a detection rule of which the kernel refuses the audit
# rule: after a reboot, with the plugin, all sixty are there.
n=0
while [ $n -lt 60 ]; do
    mkdir -p /srv/watched/$n
    echo "-a always,exit -F arch=b64 -F dir=/srv/watched/$n -F perm=wa -F auid>=$((1000 + n)) -k foreign"
    n=$((n + 1))
done >/etc/audit/rules.d/50-foreign.rules
must augenrules --load
[ "$(auditctl -l | grep -c foreign)" = 60 ] || fail "$(auditctl -l | grep -c foreign) foreign rules"
must install_it
refused_rule
patient_rule
must audisp-eql enable plugin --accept
grep -iE 'refus|kernel|Note|warn' /out/last | cut -c1-200
journalctl -b -t audisp-eql -o cat --no-pager | grep -E '^audit rules|refuse' | cut -c1-200
[ "$(auditctl -l | grep -c foreign)" = 60 ] || fail 'foreign rules are lost'
own_rules || fail 'none of ours'
