# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2154
# After the reboot: the host's own rules are in force and locked, and so are ours.
await 'the plugin' 60 plugin_pid
await 'the lock' 300 sh -c "auditctl -s | grep -q 'enabled 2'"
auditctl -l | grep -q '/etc/shadow' || fail 'the host has lost its rules'
auditctl -l | grep -q '/etc/gshadow' || fail 'the host has lost its rules after ours'
own_rules || fail 'our rules were not loaded before the lock'
say "$(auditctl -l | grep -c audisp-eql) rules of ours, locked"
audisp-eql doctor >/out/last 2>&1
says 'locked (-e 2)'
network
before=$(alerts)
reverse_shell
await 'the alert in syslog' 300 has_alerts $((before + 1))
must audisp-eql disable
[ ! -e /etc/audit/rules.d/80-audisp-eql.rules ] || fail 'the file for the boot is left'
kill "$SERVER"
