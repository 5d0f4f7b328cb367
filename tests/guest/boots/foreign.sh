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
mkdir -p /etc/audisp-eql/rules.d
# The kernel takes no name of more than 255 bytes.
long=$(printf '%0300d' 0)
cat >/etc/audisp-eql/rules.d/refused.toml <<TEXT
[rule]
name = "refused"
rule_id = "33333333-3333-4333-8333-333333333334"
language = "eql"
type = "eql"
risk_score = 1
severity = "low"
query = '''file where event.type == "creation" and file.path : "/srv/$long/*"'''
TEXT
must audisp-eql enable plugin
grep -iE 'refus|kernel|Note|warn' /out/last | cut -c1-200
journalctl -b -t audisp-eql -o cat --no-pager | grep -E '^audit rules|refuse' | cut -c1-200
[ "$(auditctl -l | grep -c foreign)" = 60 ] || fail 'foreign rules are lost'
own_rules || fail 'none of ours'
