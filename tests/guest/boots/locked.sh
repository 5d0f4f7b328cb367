# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2154
# Audit rules locked until the next boot, as hardening guides want it: everything is prepared.
printf -- '-w /etc/shadow -p wa -k host\n' >/etc/audit/rules.d/10-host.rules
# After ours, in the order of names.
printf -- '-w /etc/gshadow -p wa -k host\n' >/etc/audit/rules.d/90-host.rules
printf -- '-e 2\n' >/etc/audit/rules.d/99-finalize.rules
augenrules --load >/dev/null 2>&1
auditctl -s | grep -q 'enabled 2' || fail 'not locked'
must install_it
refused_rule
patient_rule
must audisp-eql enable plugin
say "$(grep reboot /out/last)"
says 'after the next reboot'
must audisp-eql enable plugin
says 'nothing was changed'
