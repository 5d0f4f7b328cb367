# SPDX-License-Identifier: Apache-2.0
"""Ordinary work that has the outlines of techniques: connections, shells, pipelines and inline
code, as administrators, builds, servers and jobs have them. Each one's last command makes the file
`done`."""

import contextlib
import http.client
import threading

from harness import CLIENT, wait_for
from scenarios import Work

DONE = "touch @D@/done"


def types(*lines):
    """A person goes on typing at the terminal."""

    def play(channel, started, scene):
        for line in lines:
            started.wait_for_prompt()
            started.type(scene.fill(line))

    return play


def gives(*jobs):
    """The server has these jobs, one for each time that it is asked."""

    def play(channel, started, scene):
        for job in jobs:
            channel.say(scene.fill(job))

    return play


def asks(path="/", body=None, times=1):
    """A client on the other side asks the server that the work started on port @R@."""

    def ask(scene):
        connection = http.client.HTTPConnection(CLIENT, scene.port + 2, timeout=10)

        def connect():
            try:
                connection.connect()
                return True
            except OSError:
                return False

        wait_for("the server did not listen", lambda: scene.stage.network.at_server(connect), 15)
        connection.request("POST" if body else "GET", path, scene.fill(body) if body else None)
        # What answers may be a few lines of shell, which end as they please.
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection.getresponse().read()
        connection.close()

    def play(channel, started, scene):
        clients = [threading.Thread(target=ask, args=(scene,)) for _ in range(times)]
        for client in clients:
            client.start()
        for client in clients:
            client.join()

    return play


WAIT_SCRIPT = """\
#!/bin/bash
until (exec 3<>/dev/tcp/@H@/@P@) 2>/dev/null; do sleep 0.2; done
exec bash -l -c 'date; id; touch @D@/done'
"""
ENTRYPOINT = """\
#!/bin/sh
set -e
until nc.openbsd -z @H@ @P@; do sleep 0.2; done
exec "$@"
"""
CREDENTIALS = """\
import os, urllib.request
token = urllib.request.urlopen("http://@H@:@P@/token").read().decode().strip()
os.environ["SESSION_TOKEN"] = token
os.execvp("bash", ["bash", "-l"])
"""
RUNNER = """\
import subprocess, time, urllib.request
while True:
    job = urllib.request.urlopen("http://@H@:@P@/job").read()
    if job:
        log = subprocess.run(["sh"], input=job, stdout=subprocess.PIPE).stdout
        urllib.request.urlopen("http://@H@:@P@/log", log)
    time.sleep(0.3)
"""
WEB_TERMINAL = """\
import os, pty, select, socket
l = socket.create_server(("127.0.0.1", @R@))
c, a = l.accept()
pid, fd = pty.fork()
if pid == 0:
    os.execvp("bash", ["bash", "-l"])
while True:
    for r in select.select([c, fd], [], [])[0]:
        try:
            b = c.recv(4096) if r is c else os.read(fd, 4096)
        except OSError:
            b = b""
        if not b:
            raise SystemExit
        c.sendall(b) if r is fd else os.write(fd, b)
"""
WEBHOOK = """\
import http.server, subprocess
class H(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        subprocess.run(["sh", "@D@/deploy.sh"], check=True)
        self.send_response(204)
        self.end_headers()
http.server.HTTPServer(("@V@", @R@), H).handle_request()
"""
PREFORK = """\
import os, socket, subprocess
l = socket.create_server(("@V@", @R@), backlog=16)
def work():
    for n in range(2):
        c, a = l.accept()
        c.recv(4096)
        b = socket.create_connection(("@H@", @P@)); b.recv(100); b.close()
        r = subprocess.run("date", shell=True, stdout=subprocess.PIPE).stdout
        c.sendall(b"HTTP/1.0 200 OK\\r\\n\\r\\n" + r)
        c.close()
    os._exit(0)
for i in range(4):
    if os.fork() == 0:
        work()
for i in range(4):
    os.wait()
open("@D@/done", "w")
"""
MONITOR = """\
import socket, subprocess, time
for n in range(5):
    v = [subprocess.getoutput(c) for c in ("df / | tail -1", "cat /proc/loadavg", "ps | wc -l")]
    s = socket.create_connection(("@H@", @P@)); s.sendall(repr(v).encode()); s.close()
    time.sleep(0.2)
open("@D@/done", "w")
"""
MAIL = """\
import socketserver, subprocess
class H(socketserver.StreamRequestHandler):
    def handle(self):
        self.rfile.readline()
        subprocess.run(["sh", "-c", "cat >@D@/mail; date >>@D@/mail"], input=b"mail", check=True)
        self.wfile.write(b"HTTP/1.0 250 OK\\r\\n\\r\\n")
with socketserver.ForkingTCPServer(("@V@", @R@), H) as s:
    s.handle_request()
open("@D@/done", "w")
"""
NODE_APP = """\
const { exec } = require('child_process');
require('http').get('http://@H@:@P@/api', r => { r.resume(); r.on('end', () =>
  exec('date; uname -r', () => exec('touch @D@/done'))); });
"""
JAVA_APP = """\
import java.net.*;
public class Build {
    public static void main(String[] a) throws Exception {
        new URL("http://@H@:@P@/pom").openStream().readAllBytes();
        new ProcessBuilder("sh", "-c", "date; uname -m").inheritIO().start().waitFor();
        new ProcessBuilder("sh", "-c", "touch @D@/done").start().waitFor();
    }
}
"""
CGI = """\
#!/bin/sh
printf 'Content-Type: text/plain\\r\\n\\r\\n'
date
touch @D@/done
"""
NGINX = """\
daemon off;
pid @D@/pid;
error_log @D@/error.log;
events { worker_connections 64; }
http {
  access_log @D@/access.log;
  client_body_temp_path @D@/b; proxy_temp_path @D@/p; fastcgi_temp_path @D@/f;
  uwsgi_temp_path @D@/u; scgi_temp_path @D@/s;
  server { listen @V@:@R@; location / { proxy_pass http://@H@:@P@; } }
}
"""
REPOSITORY = """\
set -e
cd @D@
mkdir -p p/DEBIAN p/usr/share/greeting pool lists/partial cache/archives/partial
mkdir -p root/var/lib/dpkg/info
printf '%s\\n' 'Package: greeting' 'Version: 1.0' 'Architecture: all' \\
  'Maintainer: m <m@example.org>' 'Description: d' >p/DEBIAN/control
printf '%s\\n' '#!/bin/sh' '[ "$1" = configure ] && date >@D@/configured' 'exit 0' >p/DEBIAN/postinst
chmod 755 p/DEBIAN/postinst; echo hello >p/usr/share/greeting/text
dpkg-deb -b p pool/greeting.deb >/dev/null
(cd pool && dpkg-scanpackages . >Packages 2>/dev/null)
busybox httpd -f -p 127.0.0.1:@R@ -h @D@/pool & httpd=$!
sleep 0.3
echo 'deb [trusted=yes] http://127.0.0.1:@R@ ./' >sources
touch root/var/lib/dpkg/status
a='-o Dir::Etc::SourceList=@D@/sources -o Dir::Etc::SourceParts=- -o Dir::State::Lists=@D@/lists
 -o Dir::Cache=@D@/cache -o Debug::NoLocking=1 -o APT::Sandbox::User=root
 -o Dir::State::Status=@D@/root/var/lib/dpkg/status'
apt-get $a -q update >/dev/null
apt-get $a -q download greeting >/dev/null
dpkg --root=@D@/root --force-script-chrootless -i greeting*.deb >/dev/null
kill $httpd
touch @D@/done
"""
MAKEFILE = """\
CFLAGS := -O1 $(shell uname -m | sed 's/.*/-DM/')
all: a b
\t./a && ./b && sh -c 'date' && touch done
%: %.c
\t@echo "CC $@"; $(CC) $(CFLAGS) -o $@ $<
"""
CONFIGURE = """\
#!/bin/sh
for f in -O1 -Wall -pipe; do
  echo 'int main(void){return 0;}' | gcc -x c $f -o conftest - && echo "$f ok"
done
rm -f conftest
"""
GIT = """\
set -e
GIT_SSH_COMMAND='ssh -F none -i @D@/key -o StrictHostKeyChecking=no'
GIT_SSH_COMMAND="$GIT_SSH_COMMAND -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"
export GIT_SSH_COMMAND
export HOME=@D@ GIT_CONFIG_NOSYSTEM=1
cd @D@
git init -q --bare r.git
printf '#!/bin/sh\\nwhile read o n r; do date >>@D@/pushed; done\\n' >r.git/hooks/post-receive
chmod 755 r.git/hooks/post-receive
git clone -q ssh://root@@V@:2222@D@/r.git w
cd w; git config user.email m@example.org; git config user.name m
echo hello >f; git add f; git commit -qm first; git push -q origin HEAD
touch @D@/done
"""

# The same work in every recording; the port in a command is its own.
WORKS = [
    Work("wait_for_port_exec_login_shell", "entrypoint", "cron", "@D@/start",
         "A: connects, then the same process becomes bash -l", files={"start": WAIT_SCRIPT},
         serves="late_service"),
    Work("wait_for_port_then_shell", "entrypoint", "ssh",
         "until nc.openbsd -z @H@ @P@; do sleep 0.2; done; exec bash -l",
         "A: connects, then the session becomes bash -l", needs=("nc.openbsd",),
         serves="late_service", plays=types("date", DONE, "exit")),
    Work("entrypoint_exec", "entrypoint", "service", "@D@/entry bash -c @D@/run",
         "B: a shell whose child connects becomes bash", needs=("nc.openbsd",),
         files={"entry": ENTRYPOINT, "run": "#!/bin/sh\ndate\ntouch @D@/done\n"},
         serves="late_service"),
    Work("credential_tool_exec_shell", "credentials", "ssh", "python3 @D@/vault.py",
         "A: an interpreter connects, then becomes bash -l", needs=("python3",),
         files={"vault.py": CREDENTIALS}, serves="site", pages={"/token": "s3cret\n"},
         plays=types("date", "curl -s -H \"X: $SESSION_TOKEN\" http://@H@:@P@/token", DONE,
                     "exit")),
    Work("ci_runner_pipes_jobs", "ci", "service", "python3 @D@/runner.py",
         "H: polls, and pipes what it was given into sh", needs=("python3",),
         files={"runner.py": RUNNER}, serves="site",
         plays=gives("echo build; uname -a; date", "mkdir -p @D@/w && cd @D@/w && ls", DONE)),
    Work("curl_pipe_sh", "install", "ssh", f"curl -fsSL http://@H@:@P@/install.sh | sh; {DONE}",
         "D: a network tool and a shell without a script are siblings", needs=("curl",),
         serves="site", pages={"/install.sh": "set -e\nid -u\ndate >@D@/installed\nuname -s\n"}),
    Work("wget_pipe_bash", "install", "cron",
         f"wget -qO- http://@H@:@P@/setup | bash -s -- --prefix=@D@; {DONE}",
         "D: a network tool and bash are siblings", needs=("wget",), serves="site",
         pages={"/setup": "id -u; date; for i in 1 2 3; do sleep 0.1; done\n"}),
    Work("curl_to_file_then_sh", "install", "ssh",
         f"curl -so @D@/get.sh http://@H@:@P@/get.sh && sh @D@/get.sh; {DONE}",
         "H: fetches a script and runs it", needs=("curl",), serves="site",
         pages={"/get.sh": "date\ncurl -s http://@H@:@P@/part >/dev/null\n", "/part": "x"}),
    Work("eval_curl", "install", "cron",
         f"bash -c 'eval \"$(curl -s http://@H@:@P@/env)\"; {DONE}'",
         "H: what a server said is run by the shell", needs=("curl",), serves="site",
         pages={"/env": "export A=1; date"}),
    Work("web_terminal", "terminal", "cron",
         "python3 @D@/term.py & sleep 0.5; "
         f"(sleep 0.3; echo date; sleep 0.3; echo exit) | nc.openbsd 127.0.0.1 @R@; {DONE}",
         "bind: a server on loopback accepts, and a child is bash on a terminal",
         needs=("python3", "nc.openbsd"), files={"term.py": WEB_TERMINAL}),
    Work("webhook_deploys", "webhook", "service", "python3 @D@/hook.py",
         "bind: accepts, and a child is sh", needs=("python3",),
         files={"hook.py": WEBHOOK, "deploy.sh": f"date\ncurl -s http://@H@:@P@/v\n{DONE}\n"},
         serves="site", plays=asks("/hook", "{}")),
    Work("cgi_busybox", "web", "service", "busybox httpd -f -p @V@:@R@ -h @D@/www",
         "bind: accepts, and a child is a shell script", needs=("busybox",),
         files={"www/cgi-bin/date.cgi": CGI}, plays=asks("/cgi-bin/date.cgi")),
    Work("cgi_python", "web", "service",
         ["python3", "-m", "http.server", "--cgi", "--bind", "@V@", "-d", "@D@", "@R@"],
         "bind: accepts, and a child is a shell script", needs=("python3",),
         files={"cgi-bin/date.cgi": CGI}, plays=asks("/cgi-bin/date.cgi")),
    Work("web_page_runs_tools", "web", "web", f"date; uname -a; df / | tail -1; {DONE}",
         "a web worker that accepted starts sh -c"),
    Work("web_page_fetches_and_runs", "web", "web",
         f"curl -s http://@H@:@P@/rates | sort | head -3; date; {DONE}",
         "a web worker's shell and a network tool in a pipeline", needs=("curl",), serves="site",
         pages={"/rates": "b\na\n"}),
    Work("session_curl_then_shell", "session", "ssh",
         "curl -s http://@H@:@P@/; nc.openbsd -z @H@ @P@; sh",
         "a shell is started within seconds of a connection", needs=("curl", "nc.openbsd"),
         serves="site", plays=types("date", "curl -s http://@H@:@P@/x", "exit", "bash",
                                    "id", "exit", DONE)),
    Work("tail_log_nc_then_shell", "session", "ssh",
         "echo a >@D@/log; tail -f @D@/log | nc.openbsd @H@ @P@ &",
         "D: a network tool lives beside a shell that is started later", needs=("nc.openbsd",),
         serves="service", plays=types("bash", "date", "exit", "sh", "id", "exit", DONE)),
    Work("health_perl_inline", "health", "cron",
         "perl -MIO::Socket::INET -e '$s=IO::Socket::INET->new(\"@H@:@P@\") or die;"
         f"$l=<$s>;system(\"date\");system(\"{DONE}\")'",
         "E: inline code connects, then runs commands", serves="service"),
    Work("health_python_inline", "health", "ssh",
         "python3 -c 'import urllib.request,subprocess;urllib.request.urlopen(\"http://@H@:@P@/\")"
         f".read();subprocess.run(\"date\",shell=True)'; {DONE}",
         "E: inline code connects, then runs a command", needs=("python3",), serves="site"),
    Work("health_gawk_inline", "health", "cron",
         "gawk 'BEGIN{s=\"/inet/tcp/0/@H@/@P@\";s|&getline l;close(s);\"date\"|getline d;"
         f"print l,d}}'; {DONE}", "E: inline code connects, then runs a command",
         needs=("gawk",), serves="service"),
    Work("health_bash_tcp", "health", "cron",
         "bash -c 'exec 3<>/dev/tcp/@H@/@P@; printf \"GET / HTTP/1.0\\r\\n\\r\\n\" >&3; cat <&3; "
         f"exec 3>&-; date'; {DONE}", "A: bash itself connects, then runs commands", serves="site"),
    Work("health_tls_pipe", "health", "cron",
         "echo | timeout 2 openssl s_client -connect @H@:@P@ 2>/dev/null | "
         f"openssl x509 -noout -enddate; date; {DONE}", "J: openssl in a pipeline",
         serves="service"),
    Work("editors_shell_out", "editor", "ssh",
         "curl -s http://@H@:@P@/notes >@D@/n; printf '!date\\nw\\nq\\n' | ed -s @D@/n; "
         f"vim -es -u NONE +'!id' +q @D@/n; {DONE}", "I: an editor runs a command",
         needs=("curl", "ed", "vim"), serves="site", pages={"/notes": "a\n"}),
    Work("lftp_and_sqlite_shell_out", "client", "ssh",
         "lftp -c 'open http://@H@:@P@/; cat n; !date'; sqlite3 @D@/db '.shell id' 'select 1'; "
         f"{DONE}", "I: a client that is connected runs a command", needs=("lftp", "sqlite3"),
         serves="site", pages={"/n": "x", "/": "x"}),
    Work("package_install", "package", "cron", "sh @D@/install", "maintainer scripts are shells "
         "below a program that fetched them", needs=("dpkg-scanpackages", "apt-get", "busybox"),
         files={"install": REPOSITORY}, patience=60),
    Work("build_make", "build", "ssh",
         "cd @D@ && curl -so b.c http://@H@:@P@/b.c && sh ./configure && make -s -j2",
         "a shell in a pipeline, after a fetch", needs=("make", "gcc", "curl"),
         files={"Makefile": MAKEFILE, "configure": CONFIGURE, "a.c": "int main(void){return 0;}\n"},
         serves="site", pages={"/b.c": "int main(void){return 0;}\n"}),
    Work("build_cmake", "build", "cron",
         f"cmake -S @D@ -B @D@/b >/dev/null && cmake --build @D@/b >/dev/null && {DONE}",
         "many shells", needs=("cmake", "gcc"), patience=60,
         files={"CMakeLists.txt": "cmake_minimum_required(VERSION 3.20)\nproject(p C)\n"
                                  "add_executable(a a.c)\nadd_custom_target(t ALL sh -c date)\n",
                "a.c": "int main(void){return 0;}\n"}),
    Work("git_over_ssh", "ssh", "cron", "sh @D@/g",
         "sshd accepts, and its child is a shell with sockets on its descriptors",
         needs=("git", "ssh", "sshd"), files={"g": GIT}),
    Work("remote_commands", "ssh", "cron",
         "s='ssh -F none -i @D@/key -p 2222 -o StrictHostKeyChecking=no "
         "-o UserKnownHostsFile=/dev/null -o LogLevel=ERROR root@@V@'; "
         f"$s uname -a; echo 'date; id' | $s sh; tar c -C @D@ key | $s 'cat >/dev/null'; {DONE}",
         "a shell without a script at the end of a connection", needs=("ssh", "sshd")),
    Work("ssh_through_nc", "ssh", "ssh",
         "ssh -F none -i @D@/key -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null "
         f"-o ProxyCommand='nc.openbsd %h %p' -p 2222 -n root@@V@ 'date; bash -c id'; {DONE}",
         "D: a network tool under a shell, and a shell at the other end",
         needs=("ssh", "nc.openbsd", "sshd")),
    Work("prefork_server", "server", "service", "python3 @D@/srv.py",
         "workers accept, connect and start sh -c", needs=("python3",), files={"srv.py": PREFORK},
         serves="service", plays=asks(times=8)),
    Work("inetd_script", "server", "service",
         "nc.traditional -l -p @R@ -s @V@ -e @D@/finger", "A: an inet socket on the standard "
         "descriptors of a shell that has a script", needs=("nc.traditional",),
         files={"finger": "#!/bin/sh\nread l\nprintf 'HTTP/1.0 200 OK\\r\\n\\r\\n'\ndate\n"
                          "touch @D@/done\n"}, plays=asks()),
    Work("socket_unit_runs_tool", "server", "service",
         "systemd-socket-activate -l @V@:@R@ --inetd -a @D@/motd",
         "K: an inherited connection on the standard descriptors of a script",
         needs=("systemd-socket-activate",),
         files={"motd": "#!/bin/bash\nread -r l\nprintf 'HTTP/1.0 200 OK\\r\\n\\r\\n'\n"
                        "uname -a\ntouch @D@/done\n"}, plays=asks()),
    Work("mail_delivery", "server", "service", "python3 @D@/smtp.py",
         "bind: accepts, forks, and the child starts sh -c", needs=("python3",),
         files={"smtp.py": MAIL}, plays=asks()),
    Work("nginx_proxy", "server", "service", "nginx -c @D@/conf", "workers accept and connect",
         needs=("nginx",), files={"conf": NGINX}, serves="site", pages={"/": "x"},
         plays=lambda channel, started, scene: (
             asks("/")(channel, started, scene),
             scene.stage.start("cron", scene.fill("mv @D@/access.log @D@/access.log.1; date; " +
                                                  DONE)))),
    Work("monitoring_agent", "monitor", "service", "python3 @D@/agent.py",
         "H: short connections, and sh -c between them", needs=("python3",),
         files={"agent.py": MONITOR}, serves="service"),
    Work("backup_tar_nc", "backup", "cron",
         f"mkfifo @D@/p; tar c -C /usr/share/doc bash | tee @D@/p | nc.openbsd -N @H@ @P@ & "
         f"sha256sum <@D@/p; wait; {DONE}", "D: a network tool in a pipeline with a FIFO",
         needs=("nc.openbsd",), serves="service"),
    Work("report_script_to_nc", "backup", "cron",
         f"bash @D@/report.sh | nc.openbsd -N @H@ @P@; sh -c 'date; id' | "
         f"nc.openbsd -N @H@ @P@; {DONE}",
         "D: a shell and a network tool are siblings in a pipeline", needs=("nc.openbsd",),
         files={"report.sh": "date\ndf /\nuname -a\n"}, serves="service"),
    Work("report_uploads", "backup", "cron",
         f"{{ date; df /; }} | curl -sT - http://@H@:@P@/report; {DONE}",
         "D: a subshell's output goes to a network tool", needs=("curl",), serves="site"),
    Work("list_of_urls", "batch", "ssh",
         "curl -s http://@H@:@P@/list | while read -r u; do curl -s http://@H@:@P@/$u; date; done; "
         f"seq 3 | xargs -P3 -I@ sh -c 'curl -s http://@H@:@P@/@; id -u'; {DONE}",
         "I: lines from a server, and a command for each", needs=("curl",), serves="site",
         pages={"/list": "a\nb\nc\n", "/a": "1", "/b": "2", "/c": "3"}),
    Work("metrics_by_datagram", "monitor", "cron",
         "for i in 1 2 3; do bash -c 'echo \"load:$(cut -d\" \" -f1 /proc/loadavg)|g\" "
         f">/dev/udp/@H@/@P@'; logger -n @H@ -P @P@ -d x; date; done; {DONE}",
         "K: datagrams, and commands between them"),
    Work("node_app", "app", "service", "node @D@/app.js", "E: connects, then runs sh -c",
         needs=("node",), files={"app.js": NODE_APP}, serves="site", pages={"/api": "{}"}),
    Work("java_build_tool", "app", "cron", "java @D@/Build.java", "E: connects, then runs sh -c",
         needs=("java", "javac"), files={"Build.java": JAVA_APP}, serves="site", patience=60),
    Work("php_ruby_one_liners", "app", "cron",
         "php -r 'file_get_contents(\"http://@H@:@P@/\");passthru(\"date\");'; "
         "ruby -rnet/http -e 'Net::HTTP.get(URI(\"http://@H@:@P@/\"));puts `id`'; " + DONE,
         "E: inline code connects, then runs a command", needs=("php", "ruby"), serves="site"),
    Work("session_logged", "session", "ssh", "script -qc bash @D@/typescript",
         "J: a wrapper makes a terminal for bash, which fetches", needs=("script", "curl"),
         serves="site", plays=types("curl -s http://@H@:@P@/", "date", "exit", DONE)),
    Work("session_tmux", "session", "ssh",
         "tmux -L @P@ -f /dev/null new -d -s w; tmux -L @P@ send-keys -t w "
         f"'curl -s http://@H@:@P@/; date; {DONE}' Enter",
         "G: a server on a unix socket starts shells", needs=("tmux", "curl"), serves="site"),
    Work("debug_session", "session", "ssh",
         "curl -so @D@/x http://@H@:@P@/; gdb -q -nx -batch -ex run -ex 'shell id' "
         f"--args /bin/sh -c date; {DONE}", "I: a debugger runs a shell",
         needs=("gdb", "curl"), serves="site"),
    Work("containers_of_a_kind", "session", "cron",
         f"unshare -pfm --mount-proc sh -c 'date; bash -c id'; {DONE}", "a shell as pid 1",
         needs=("unshare",)),
]
