# SPDX-License-Identifier: Apache-2.0
"""More ordinary work: persons who type at a shell that was started beside, after or below a
connection, and agents that hold one connection and run commands."""

from ordinary import DONE, gives, types
from scenarios import Work

WEB_TERMINAL = """\
import os, pty, select, socket
l = socket.create_server(("127.0.0.1", @R@))
c, a = l.accept()
pid, fd = pty.fork()
if pid == 0:
    os.execvp("sh", ["sh"])
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
# Workers that each hold a connection to a broker, and run what a task needs.
POOL = """\
import os, socket, subprocess, time
def work():
    s = socket.create_connection(("@H@", @P@))
    s.recv(100)
    for n in range(4):
        time.sleep(0.3)
        subprocess.run("date; id -u", shell=True, stdout=subprocess.DEVNULL)
        s.sendall(b"done")
    os._exit(0)
for i in range(3):
    if os.fork() == 0:
        work()
for i in range(3):
    os.wait()
open("@D@/done", "w")
"""
AGENT = """\
import socket, subprocess, time
s = socket.create_connection(("@H@", @P@))
for n in range(6):
    s.sendall(subprocess.run(["cat", "/proc/loadavg"], stdout=subprocess.PIPE).stdout)
    s.sendall(subprocess.run(["sh", "-c", "df / | tail -1"], stdout=subprocess.PIPE).stdout)
    time.sleep(0.3)
open("@D@/done", "w")
"""
PACKAGER = """\
const { execSync } = require('child_process');
require('http').get('http://@H@:@P@/pkg', r => { r.resume(); r.on('end', () => {
  const busy = 'node -e "let d=Date.now();while(Date.now()-d<250);"';
  for (const c of [busy, 'sh -c date', 'uname -a']) {
    execSync(c); const d = Date.now(); while (Date.now() - d < 250);
  }
  execSync('touch @D@/done');
}); });
"""
TASKS = """\
const { spawn } = require('child_process');
const s = require('net').connect(@P@, '@H@', () => {
  const p = spawn('sh', []);
  p.stdout.on('data', d => s.write(d));
  setTimeout(() => p.stdin.write('date\\n'), 300);
  setTimeout(() => p.stdin.end('id\\ntouch @D@/done\\n'), 600);
  p.on('exit', () => s.end());
});
"""
RUNNER = """\
import subprocess, urllib.request
job = urllib.request.urlopen("http://@H@:@P@/job").read()
with subprocess.Popen(["sh"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as p:
    log = p.communicate(job)[0]
urllib.request.urlopen("http://@H@:@P@/log", log)
"""
EXPECT = """\
spawn sh
send "date\\r"
expect -re {[$#] $}
sleep 0.4
send "id\\r"
expect uid=
send "exit\\r"
expect eof
"""

WORKS = [
    Work("curl_pipe_sh_slow", "install", "ssh", f"curl -fsSL http://@H@:@P@/slow | sh; {DONE}",
         "D: siblings, and the shell waits for each line", needs=("curl",), serves="site",
         pages={"/slow": "id -u\ndate\nuname -a\nsleep 0.3\nls /\n"}),
    Work("curl_pipe_sh_slow_job", "install", "cron",
         f"curl -fsSL http://@H@:@P@/slow | bash; {DONE}",
         "D: siblings, and the shell waits for each line", needs=("curl",), serves="site",
         pages={"/slow": "id -u\ndate\nsleep 0.5\nuname -a\n"}),
    Work("curl_pipe_setpriv_sh_slow", "install", "ssh",
         f"curl -fsSL http://@H@:@P@/slow | setpriv --no-new-privs sh; {DONE}",
         "D: siblings, and a wrapper before the shell", needs=("curl",), serves="site",
         pages={"/slow": "id -u\ndate >@D@/d\nsleep 0.4\nuname -a\n"}),
    Work("web_terminal_typed", "terminal", "cron",
         "python3 @D@/t.py & sleep 0.5; (for c in date id 'ls /' exit; do sleep 0.5; echo \"$c\"; "
         f"done) | nc.openbsd 127.0.0.1 @R@; {DONE}", "bind: accepts on loopback, typed into",
         needs=("python3", "nc.openbsd"), files={"t.py": WEB_TERMINAL}),
    Work("lftp_shell_typed", "client", "ssh", "lftp http://@H@:@P@/",
         "I: a connected client starts a shell, typed into", needs=("lftp",), serves="site",
         pages={"/": "<a href=n>n</a>"},
         plays=types("cat n", "!sh", "date", "id", "exit", "quit", DONE)),
    Work("vim_shell_typed", "editor", "ssh", "curl -so @D@/n http://@H@:@P@/; vim -u NONE -N @D@/n",
         "I: an editor starts a shell, typed into", needs=("vim", "curl"), serves="site",
         plays=types(":sh", "date", "id", "exit", ":q!", DONE)),
    Work("ci_runner_slow_job", "ci", "service", "python3 @D@/r.py",
         "C: connects, and relays lines to a bare sh", needs=("python3",), files={"r.py": RUNNER},
         serves="site", plays=gives(f"date; sleep 0.5; id; sleep 0.3; uname -a; {DONE}")),
    Work("worker_pool", "worker", "service", "python3 @D@/pool.py",
         "E: holds a connection, and runs a command every 0.3 s", needs=("python3",),
         files={"pool.py": POOL}, serves="service"),
    Work("agent_one_connection", "monitor", "service", "python3 @D@/agent.py",
         "E, F: holds a connection, and runs commands", needs=("python3",),
         files={"agent.py": AGENT}, serves="service"),
    Work("packager_one_connection", "package", "ssh", "node @D@/install.js",
         "E: connects, then runs commands with pauses between", needs=("node",),
         files={"install.js": PACKAGER}, serves="site", pages={"/pkg": "{}"}),
    Work("task_shell_over_pipes", "app", "service", "node @D@/task.js",
         "C: connects, and a shell reads from its socket pair", needs=("node",),
         files={"task.js": TASKS}, serves="service", twin="node_spawn_service"),
    Work("curl_loop_and_shell", "session", "ssh",
         "while sleep 0.3; do curl -s http://@H@:@P@/status >/dev/null; done &",
         "H: polls beside a shell that is typed into", needs=("curl",), serves="site",
         plays=types("bash", "date", "id", "exit", "kill %1", DONE)),
    Work("expect_session", "session", "ssh",
         f"curl -s http://@H@:@P@/; expect @D@/e >/dev/null; {DONE}",
         "J: a terminal is made for a shell, after a connection", needs=("expect", "curl"),
         files={"e": EXPECT}, serves="site"),
    Work("tmux_typed", "session", "ssh", "tmux -L @P@ -f /dev/null new -s w sh",
         "G: a server on a unix socket starts a shell, typed into", needs=("tmux", "curl"),
         serves="site", plays=types("curl -s http://@H@:@P@/", "date", "id", "exit", DONE)),
]
