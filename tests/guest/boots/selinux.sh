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
# What was refused to the program, in its domain and called by the administrator, each once; and
# whatever a permissive domain would have been refused.
refusals() {
    journalctl -b -o cat --no-pager _TRANSPORT=audit | grep 'avc:.*denied' |
        grep -E 'audisp_eql|comm="audisp-eql"|permissive=1' | sed 's/pid=[0-9]* //' | sort | uniq -c
}
# Refused is what restorecon would write here, and it is none of ours: once journald has that, it has
# what the kernel told before it.
witnesses() {
    journalctl -b -o cat --no-pager _TRANSPORT=audit | grep 'avc:.*denied' | grep -c 'comm="restorecon"'
}
more_witnesses() {
    [ "$(witnesses)" -gt "$1" ]
}
nothing_refused() {
    seen=$(witnesses)
    restorecon /etc/hostname >/out/witness 2>&1
    await 'a refusal in the journal' 300 more_witnesses "$seen"
    refusals >/out/refusals
    [ ! -s /out/refusals ] || fail "refused to the $1: $(cat /out/refusals)"
}
detects() {
    in_domain >/out/last || fail "another domain: $(ps -eo label,args | grep 'audisp-eq[l]')"
    say "$1: $(sed 's/ .*//' /out/last | sort | uniq -c | tr -s ' \n' ' ')"
    before=$(alerts)
    reverse_shell
    await "the $1's alert in syslog" 300 has_alerts $((before + 1))
    audisp-eql doctor >/out/last 2>&1
    says 'SELinux enforces; audisp-eql runs as [^ ]*:audisp_eql_t:'
}
network
must audisp-eql enable plugin --measure 5s --accept
says detected
detects plugin
plugin=$(plugin_pid)
kill -USR2 "$plugin"
await 'the plugin goes on anew' 300 sh -c \
    "journalctl -b -t audisp-eql -o cat --no-pager | grep -c '^started' | grep -q 2"
detects plugin
[ "$(plugin_pid)" = "$plugin" ] || fail 'the plugin is another process'
must audisp-eql disable
nothing_refused plugin
systemctl disable auditd >/dev/null 2>&1
kill -TERM "$(auditd_pid)"
await 'the end of auditd' 300 sh -c '! pgrep -x auditd'
must audisp-eql enable service
says detected
detects service
must audisp-eql disable
nothing_refused service
kill "$SERVER"
