# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2154
# After the reboot.
await 'our rules' 300 own_rules
[ "$(auditctl -l | grep -c foreign)" = 60 ] || fail "$(auditctl -l | grep -c foreign) foreign rules"
ls /etc/audit/rules.d | grep -q audisp && fail 'a file of ours among the audit rules'
network
before=$(alerts)
reverse_shell
await 'the alert in syslog' 300 has_alerts $((before + 1))
must audisp-eql disable
no_own_rules || fail 'switched off, and its rules are there'
[ "$(auditctl -l | grep -c foreign)" = 60 ] || fail 'foreign rules are lost'
kill "$SERVER"
