# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh disable=SC2154,SC2009
# SELinux enforced, with our module: plugin and service detect, and nothing of it is refused.

# All of it as an administrator at a terminal, and as no service of systemd's: that would go over into
# the domains of what it calls.
CONTEXT=unconfined_u:unconfined_r:unconfined_t:s0-s0:c0.c1023
if [ "$(id -Z)" != "$CONTEXT" ]; then
    say "SELinux: $(getenforce); from $(id -Z)"
    if runcon "$CONTEXT" true 2>/dev/null; then
        exec runcon "$CONTEXT" sh ./script
    fi
    exec systemd-run --quiet --wait --pipe --same-dir --service-type=exec \
        -p SELinuxContext="$CONTEXT" -- sh ./script
fi
say "SELinux: $(getenforce); now $(id -Z)"
[ "$(getenforce)" = Enforcing ] || fail 'SELinux is not enforced'
must systemctl is-active auditd
must install_it
semodule -l | grep -x audisp_eql >/dev/null || fail 'the module is not loaded'
mkdir -p /etc/audisp-eql/rules.d
patient_rule
printf 'fold-window = off\nalert-ceiling = 0\n' >>/etc/audisp-eql/audisp-eql.conf
for path in /usr/sbin/audisp-eql /etc/audisp-eql /etc/audit /var/lib/audisp-eql /var/log/audisp-eql; do
    [ ! -e $path ] || must restorecon -RF $path
done
in_domain() {
    ps -eo label,args | grep -E '^[^ ]*:audisp_eql_t:[^ ]* +[^ ]*audisp-eql run'
}
# Each refusal once; where modules are permissive the kernel says so.
refusals() {
    ausearch -m AVC --raw 2>/dev/null | grep -E 'audisp_eql_t|permissive=1' |
        sed 's/.*avc: *denied *\({[^}]*}\).*comm=\("[^"]*"\).*scontext=\([^ ]*\) tcontext=\([^ ]*\) tclass=\([^ ]*\).*/\1 \2 \3 \4 \5/' | sort | uniq -c
}
network
must audisp-eql enable plugin --accept
in_domain >/out/last || fail "another domain: $(ps -eo label,args | grep 'audisp-eq[l]')"
before=$(alerts)
reverse_shell
await "the plugin's alert in syslog" 300 has_alerts $((before + 1))
must audisp-eql disable
systemctl disable auditd >/dev/null 2>&1
kill -TERM "$(auditd_pid)"
await 'the end of auditd' 300 sh -c '! pgrep -x auditd'
must audisp-eql enable service
in_domain >/out/last || fail "another domain: $(ps -eo label,args | grep 'audisp-eq[l]')"
before=$(alerts)
reverse_shell
await "the service's alert in syslog" 300 has_alerts $((before + 1))
must audisp-eql disable
kill "$SERVER"
{
    refusals
    dmesg | grep 'avc:.*denied' | grep audisp_eql_t
    journalctl -b -o cat --no-pager | grep 'avc:.*denied' | grep audisp_eql_t
} >/out/refusals
[ ! -s /out/refusals ] || fail "refused: $(cat /out/refusals)"
