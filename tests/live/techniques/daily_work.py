# SPDX-License-Identifier: Apache-2.0
"""Ordinary work of other kinds: fleets that are managed over ssh, servers that run helpers for their
clients, agents and scripts that poll, builds that go through a network."""

from ordinary import DONE, asks, gives, types
from scenarios import Work

SSH = "ssh -F none -i @D@/key -p 2222 -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null " \
    "-o LogLevel=ERROR"
ANSIBLE = """\
set -e
export HOME=@D@ ANSIBLE_HOST_KEY_CHECKING=False ANSIBLE_LOCALHOST_WARNING=False
printf '%s\\n' '@V@ ansible_port=2222 ansible_user=root ansible_ssh_private_key_file=@D@/key' >@D@/hosts
cat >@D@/play.yml <<E
- hosts: all
  gather_facts: false
  tasks:
    - command: id
    - shell: date; uname -a
    - script: @D@/part.sh
E
ansible-playbook -i @D@/hosts @D@/play.yml >@D@/log 2>&1
touch @D@/done
"""
GIT_PULLER = """\
import subprocess, time, urllib.request
known = None
for n in range(8):
    rev = urllib.request.urlopen("http://@H@:@P@/rev").read().decode().strip()
    if rev and rev != known:
        subprocess.run(["sh", "-c", "cd @D@ && date >>deployed"], check=True)
        subprocess.run(["uname", "-a"], stdout=subprocess.DEVNULL)
        known = rev
    time.sleep(0.3)
open("@D@/done", "w")
"""
DEPLOY = """\
import subprocess, urllib.request
def api(path, data=None):
    return urllib.request.urlopen("http://@H@:@P@/" + path, data).read()
api("start")
subprocess.run(["sh", "-c", "cd @D@ && ls >list; sleep 0.3"], check=True)
api("built", b"1")
subprocess.run(["tar", "cf", "@D@/t.tar", "-C", "@D@", "list"], check=True)
api("packed", b"1")
subprocess.run(["sha256sum", "@D@/t.tar"], check=True, stdout=subprocess.DEVNULL)
api("end", b"1")
open("@D@/done", "w")
"""
WAITER = """\
import subprocess, time, urllib.request
for n in range(4):
    urllib.request.urlopen("http://@H@:@P@/ready").read()
    time.sleep(0.25)
for command in ("date", "uname -r", "df /"):
    subprocess.run(command.split(), stdout=subprocess.DEVNULL)
open("@D@/done", "w")
"""
EXPORTER = """\
import http.server, subprocess
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        out = b""
        for c in ("df -P /", "cat /proc/loadavg", "ps -e"):
            out += subprocess.run(["sh", "-c", c], stdout=subprocess.PIPE).stdout
        self.send_response(200); self.send_header("Content-Length", str(len(out)))
        self.end_headers(); self.wfile.write(out)
    def log_message(self, *a): pass
s = http.server.HTTPServer(("@V@", @R@), H)
for n in range(4): s.handle_request()
open("@D@/done", "w")
"""
NRPE = """\
import os, socket, subprocess
l = socket.create_server(("@V@", @R@))
checks = [["uptime"], ["df", "-P", "/"], ["sh", "-c", "ps -e | wc -l"], ["uname", "-r"]]
for check in checks:
    c, a = l.accept()
    if os.fork() == 0:
        c.recv(4096)
        out = subprocess.run(check, stdout=subprocess.PIPE).stdout
        c.sendall(b"HTTP/1.0 200 OK\\r\\n\\r\\n" + out)
        os._exit(0)
    c.close(); os.wait()
open("@D@/done", "w")
"""
POSTGRES = """\
set -e
b=$(ls -d /usr/lib/postgresql/*/bin | tail -1)
chown postgres @D@; cd @D@
run() { setpriv --reuid=postgres --regid=postgres --clear-groups env HOME=@D@ "$@"; }
run $b/initdb -A trust -D @D@/db >/dev/null
echo 'host all all @V@/32 trust' >>@D@/db/pg_hba.conf
run $b/pg_ctl -D @D@/db -w -o "-p @R@ -h @V@ -k @D@" -l @D@/log start >/dev/null
psql() { run $b/psql -q -h @V@ -p @R@ -U postgres "$@"; }
psql -c 'create table t(a text)'
(sleep 0.4; echo "copy t from program 'date';"; sleep 0.4; echo "copy t from program 'uname -a';"
 sleep 0.3; echo "\\\\! id -u") | psql >/dev/null
run $b/pg_ctl -D @D@/db -m immediate stop >/dev/null
touch @D@/done
"""
PULLER = """\
n=0
while [ $n -lt 6 ]; do
  v=$(curl -s http://@H@:@P@/version)
  if [ "$v" != "$(cat @D@/v 2>/dev/null)" ]; then printf '%s' "$v" >@D@/v; sh @D@/reload.sh; fi
  n=$((n+1)); sleep 0.2
done
touch @D@/done
"""
HEALTH = """\
n=0
while [ $n -lt 6 ]; do
  curl -sf http://@H@:@P@/health >/dev/null || logger -s down 2>/dev/null
  [ $n = 3 ] && date >@D@/restarted
  n=$((n+1)); sleep 0.2
done
touch @D@/done
"""
XINETD = """\
defaults
{
}
service finger
{
  type = UNLISTED
  port = @R@
  bind = @V@
  socket_type = stream
  protocol = tcp
  wait = no
  user = root
  server = @D@/fingerd
  disable = no
}
"""
CONSUMER = """\
import socket, subprocess
s = socket.create_connection(("@H@", @P@))
f = s.makefile("rwb")
f.readline()
for n in range(4):
    f.write(b"next\\n"); f.flush()
    subprocess.run(["sh", "-c", "sleep 0.3; date"], stdout=subprocess.DEVNULL)
open("@D@/done", "w")
"""
REPL = """\
set timeout 5
spawn python3 -q
expect >>>
send "import os, socket\\r"
expect >>>
sleep 0.4
send "s = socket.create_connection(('@H@', @P@))\\r"
expect >>>
sleep 0.4
send "os.system('date')\\r"
expect >>>
send "exit()\\r"
expect eof
"""
PIP = """\
set -e
cd @D@
mkdir -p pkg simple/greet
printf '%s\\n' 'import subprocess' 'from setuptools import setup' \\
  'subprocess.run(["uname", "-a"])' 'setup(name="greet", version="1.0", py_modules=["greet"])' >pkg/setup.py
echo 'x = 1' >pkg/greet.py
(cd pkg && python3 setup.py -q sdist >/dev/null 2>&1)
cp pkg/dist/*.tar.gz simple/greet/
python3 -m http.server --bind 127.0.0.1 -d @D@ @R@ >/dev/null 2>&1 & server=$!
sleep 1
pip download -q --no-deps --no-build-isolation --index-url http://127.0.0.1:@R@/simple -d @D@/out greet >log 2>&1 || true
kill $server
touch @D@/done
"""

WORKS = [
    Work("ansible_playbook", "fleet", "cron", "sh @D@/a", "a shell below sshd that a program types into",
         needs=("ansible", "ssh", "sshd"), files={"a": ANSIBLE, "part.sh": "#!/bin/sh\ndate\nid\n"},
         patience=90),
    Work("ssh_shell_with_pauses", "fleet", "cron",
         f"(for c in date 'id -u' 'uname -a'; do sleep 0.4; echo \"$c\"; done) | {SSH} root@@V@ bash -s; "
         f"{DONE}", "a shell without a terminal that waits for lines", needs=("ssh", "sshd")),
    Work("rsync_over_ssh", "backup", "cron",
         f"rsync -a -e '{SSH}' /usr/share/doc/bash root@@V@:@D@/copy; {DONE}",
         "sshd starts a program with sockets on its descriptors", needs=("rsync", "ssh", "sshd")),
    Work("dump_over_ssh", "backup", "cron",
         f"tar c -C /usr/share/doc bash | gzip | {SSH} root@@V@ 'cat >@D@/b.tgz; date; sha256sum @D@/b.tgz'"
         f" >/dev/null; {SSH} root@@V@ 'tar c -C /usr/share/doc dash' | tar t >/dev/null; {DONE}",
         "D: a network tool in a pipeline", needs=("ssh", "sshd")),
    Work("deployment_puller", "deploy", "cron", "python3 @D@/p.py",
         "H: polls, and runs commands when there is something new", files={"p.py": GIT_PULLER},
         serves="site", pages={"/rev": "abc"}),
    Work("deployment_script", "deploy", "ssh", "python3 @D@/d.py",
         "H: connects, runs another command, connects again", files={"d.py": DEPLOY}, serves="site"),
    Work("waits_for_api_then_works", "deploy", "cron", "python3 @D@/w.py",
         "H: polls, then runs commands", files={"w.py": WAITER}, serves="site"),
    Work("exporter_runs_tools", "monitor", "service", "python3 @D@/e.py",
         "bind: accepts, and runs sh -c for each request", files={"e.py": EXPORTER},
         plays=asks(times=4)),
    Work("check_daemon", "monitor", "service", "python3 @D@/n.py",
         "bind: accepts, forks, and the child runs a check", files={"n.py": NRPE},
         plays=asks(times=4)),
    Work("database_runs_programs", "database", "cron", "sh @D@/p",
         "bind: accepts, waits, and runs sh -c", needs=("/usr/lib/postgresql",), files={"p": POSTGRES},
         patience=90),
    Work("version_poll_reloads", "deploy", "cron", "sh @D@/u",
         "H: a loop that fetches, and runs a script when it changed", needs=("curl",),
         files={"u": PULLER, "reload.sh": "date\nuname -r\n"}, serves="site",
         pages={"/version": "2"}),
    Work("health_loop", "monitor", "ssh", "sh @D@/h & wait", "H: a loop that fetches, and acts",
         needs=("curl",), files={"h": HEALTH}, serves="site", pages={"/health": "ok"}),
    Work("inetd_service", "server", "service", "xinetd -dontfork -f @D@/conf -pidfile @D@/pid",
         "A: an inet socket on the standard descriptors of a script", needs=("xinetd",),
         files={"conf": XINETD, "fingerd": "#!/bin/sh\nread l\nprintf 'HTTP/1.0 200 OK\\r\\n\\r\\n'\n"
                                           "date\nuname -a\ntouch @D@/done\n"}, plays=asks()),
    Work("queue_consumer", "worker", "cron", "python3 @D@/q.py",
         "E: holds a connection, and runs a command for each message", files={"q.py": CONSUMER},
         serves="service"),
    Work("python_session", "session", "ssh", f"expect @D@/e >/dev/null; {DONE}",
         "E: an interpreter that is typed into connects and runs a command", needs=("expect",),
         files={"e": REPL}, serves="service"),
    Work("pip_from_index", "package", "cron", "sh @D@/p", "connects, then runs a build",
         needs=("pip",), files={"p": PIP}, patience=60),
    Work("parallel_builds", "build", "cron",
         "cd @D@ && for i in 1 2 3 4; do echo 'int main(void){return 0;}' >$i.c; done; "
         f"ls *.c | xargs -P2 -I@ sh -c 'CCACHE_DIR=@D@/cc ccache gcc -c @'; {DONE}",
         "many shells", needs=("ccache", "gcc"), patience=60),
    Work("terminal_copies_and_types", "session", "ssh",
         "curl -s http://@H@:@P@/a >@D@/a; bash", "D: a shell is typed into after a fetch",
         needs=("curl",), serves="site", pages={"/a": "x"},
         plays=types("scp -V 2>/dev/null; date", "curl -s http://@H@:@P@/a; id", "exit", DONE)),
    Work("tail_to_nc_and_typed", "session", "ssh",
         "touch @D@/l; tail -f @D@/l | nc.openbsd @H@ @P@ >/dev/null & sleep 0.3",
         "D: a network tool in the background, and a shell that is typed into", needs=("nc.openbsd",),
         serves="service", plays=types("bash", "date", "id", "exit", "kill %1", DONE)),
    Work("agent_in_tmp_repeats", "monitor", "cron",
         "cp @D@/agent.py /tmp/agent-@P@.py; python3 /tmp/agent-@P@.py; rm /tmp/agent-@P@.py; " + DONE,
         "H: a script in /tmp polls, and runs the same commands", files={"agent.py":
             "import subprocess, time, urllib.request\nfor n in range(5):\n"
             "    subprocess.run(['df', '/'], stdout=-3)\n"
             "    subprocess.run(['uptime'], stdout=-3)\n"
             "    urllib.request.urlopen('http://@H@:@P@/m', b'1').read()\n    time.sleep(0.3)\n"},
         serves="site"),
    Work("build_job_with_steps", "ci", "cron", "python3 @D@/r.py",
         "H: polls, and runs a script of each job", files={"r.py":
             "import os, subprocess, time, urllib.request\nend = time.time() + 20\n"
             "while time.time() < end and not os.path.exists('@D@/done'):\n"
             "    job = urllib.request.urlopen('http://@H@:@P@/job').read()\n"
             "    if job:\n        open('@D@/job.sh', 'wb').write(job)\n"
             "        out = subprocess.run(['bash', '-e', '@D@/job.sh'], stdout=-1).stdout\n"
             "        urllib.request.urlopen('http://@H@:@P@/log', out)\n    time.sleep(0.3)\n"},
         serves="site", plays=gives("date; uname -a", "cd @D@; ls", DONE)),
]
