# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2154
# After the reboot: the host's own rules are in force and locked, the plugin runs, and says so.
await 'the plugin' 60 plugin_pid
await 'the lock' 60 sh -c "auditctl -s | grep -q 'enabled 2'"
auditctl -l | grep -q '/etc/shadow' || fail 'the host has lost its rules'
say "$(auditctl -l | grep -c audisp-eql) rules of ours"
audisp-eql doctor >/out/last 2>&1
says 'locked (-e 2)'
must audisp-eql disable
