# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2154
# From a host without it to a host without it: install, plugin, upgrade, service, remove, purge.
# debian.py puts the functions in front that install, upgrade, remove and purge it.
must systemctl is-active auditd
printf '%s\n' '-w /etc/shadow -p wa -k host' '-a always,exit -F arch=b64 -S settimeofday -k host' \
    >/etc/audit/rules.d/10-host.rules
must augenrules --load
snapshot before
say 'installs'
must install_it
audit_state >/out/installed.audit
same_as before installed audit
systemctl is-enabled audisp-eql >/dev/null 2>&1 && fail 'installing switched the service on'
no_own_rules || fail 'installing loaded audit rules'

mkdir -p /etc/audisp-eql/rules.d
patient_rule
# Each shell is to be told by itself.
printf 'fold-window = off\nalert-ceiling = 0\n' >>/etc/audisp-eql/audisp-eql.conf
say 'as plugin'
auditd=$(auditd_pid)
# Each turn of this starts a program: the log would be full within the day.
(while :; do /bin/true; done) &
busy=$!
refused audisp-eql enable plugin --measure 5s
say "$(grep Price /out/last)"
says 'less than 7 days, and nothing was changed'
kill $busy
no_own_rules || fail 'refused, and its rules are loaded'
must audisp-eql enable plugin --measure 5s
say "$(grep Price /out/last)"
says detected
must audisp-eql enable plugin
says 'nothing was changed'
refused audisp-eql enable service
says 'disable plugin'
[ "$(auditd_pid)" = "$auditd" ] || fail 'auditd was restarted'
audisp-eql doctor >/out/doctor 2>&1
network
before=$(alerts)
reverse_shell
await "the plugin's alert in syslog" 300 has_alerts $((before + 1))

say 'upgrade of the plugin, with a shell every moment'
printf 'log-level = info\n' >>/etc/audisp-eql/audisp-eql.conf
before=$(alerts)
(
    n=0
    while [ ! -e /tmp/upgraded ]; do
        reverse_shell
        n=$((n + 1))
        echo $n >/tmp/shells
        sleep 0.3
    done
) &
shells=$!
old=$(plugin_pid)
must upgrade_it
await 'the new version as plugin' 300 sh -c "[ -n \"\$(pgrep -P $auditd -x audisp-eql)\" ] &&
    ! readlink /proc/\$(pgrep -P $auditd -x audisp-eql)/exe | grep -q deleted"
await 'the new version reads' 300 sh -c "journalctl -b -t audisp-eql -o cat --no-pager | grep -c '^started' | grep -q 2"
sleep 1
: >/tmp/upgraded
wait $shells
# Of a shell just then half of what it did is in either version: the newer one has what the older one
# saw.
reverse_shell
run=$(($(cat /tmp/shells) + 1))
await "an alert for each of $run shells" 300 has_alerts $((before + run))
[ "$(auditd_pid)" = "$auditd" ] || fail 'the upgrade restarted auditd'
[ "$(plugin_pid)" = "$old" ] || fail "the upgrade ended the plugin's process: $old, $(plugin_pid)"
journalctl -b -t audisp-eql -o cat --no-pager | grep -E '^proc connector: read on' >/out/last || fail 'the connector was opened anew'
say "plugin $old goes on in the new version (same auditd), $run shells, $(($(alerts) - before)) alerts"
grep -q 'log-level = info' /etc/audisp-eql/audisp-eql.conf || fail 'the upgrade took the configuration'

must audisp-eql disable
must audisp-eql disable
says 'nothing was changed'
audit_state >/out/disabled.audit
same_as before disabled audit

say 'as service, without auditd'
systemctl disable auditd >/dev/null 2>&1
kill -TERM "$auditd"
await 'the end of auditd' 300 sh -c '! pgrep -x auditd'
must audisp-eql enable service
says detected
must audisp-eql enable service
says 'nothing was changed'
refused audisp-eql enable plugin
before=$(alerts)
reverse_shell
await "the service's alert in syslog" 300 has_alerts $((before + 1))
say "$(systemd-analyze security audisp-eql.service --no-pager 2>/dev/null | tail -n 1)"

say 'upgrade of the service'
must upgrade_it
must systemctl is-active audisp-eql

say 'after a crash'
must systemctl kill --signal=KILL audisp-eql.service
await 'our audit rules go after a crash' 300 no_own_rules
await 'the service comes up again' 300 own_rules
before=$(alerts)

say 'with the journal alone'
systemctl stop rsyslog.service syslog.socket >/dev/null 2>&1
reverse_shell
await "the alert in the journal" 300 sh -c "journalctl -b -t audisp-eql -o cat | grep -q '\"name\":\"$RULE\"'"
systemctl start rsyslog.service

say 'removes'
must remove_it
no_own_rules || fail 'removed, and its audit rules are there'
must purge_it
systemctl enable auditd >/dev/null 2>&1
must systemctl start auditd
systemctl start audit-rules.service >/dev/null 2>&1
snapshot after
kill "$SERVER"
ip netns del attacker
same_as before after audit files texts logs
say 'ends'
