# SPDX-License-Identifier: Apache-2.0
"""The host that is attacked, in a network namespace: what starts programs there (a cron, a service
manager, sshd with a login on a terminal, a web server), the compiled tools, and who is who.

All of it runs before the program under test does, as daemons do, and is no child of the test: the
evidence must come from what happens, not from who plays it."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import threading
import time

import harness
from harness import CLIENT, PATIENCE, Failure, wait_for

PROGRAMS = pathlib.Path(__file__).resolve().parent / "programs"
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ENVIRONMENT = {"PATH": PATH, "HOME": "/root", "LANG": "C.UTF-8", "SHELL": "/bin/sh"}
SSH_PORT, WEB_PORT = 2222, 8099
# A shell's or a client's, and what a terminal is told after it.
PROMPT = re.compile(rb"[#$>] (\x1b\[[0-9;?]*[a-zA-Z])*$")
# What a person takes before typing on, in seconds; and when there is no prompt.
PAUSE, NO_PROMPT = 0.35, 2.0
WEB_WORKERS = "16"

BUILDS = {
    "leader": ("gcc", ["gcc", "-O1", "-o", "@OUT@", "leader.c"]),
    "implant": ("gcc", ["gcc", "-O1", "-o", "@OUT@", "implant.c", "-luring"]),
    "client32": ("gcc", ["gcc", "-m32", "-nostdlib", "-static", "-O1", "-fno-stack-protector",
                         "-fno-pie", "-no-pie", "-o", "@OUT@", "client32.c"]),
    "remote": ("go", ["go", "build", "-o", "@OUT@", "remote.go"]),
    "Remote.class": ("javac", ["javac", "-d", "@DIR@", "Remote.java"]),
}


def build(cache):
    """The payloads; what could not be built, with the reason, is left out."""
    cache = pathlib.Path(cache)
    cache.mkdir(parents=True, exist_ok=True)
    missing = {}
    for name, (compiler, command) in BUILDS.items():
        out, source = cache / name, PROGRAMS / command[-1]
        if not source.exists():
            source = next(PROGRAMS / word for word in command if (PROGRAMS / word).is_file())
        if out.exists() and out.stat().st_mtime > source.stat().st_mtime:
            continue
        if shutil.which(compiler) is None:
            missing[name] = f"{compiler} is not installed"
            continue
        command = [w.replace("@OUT@", str(out)).replace("@DIR@", str(cache)) for w in command]
        done = subprocess.run(command, cwd=PROGRAMS, capture_output=True, text=True,
                              env=os.environ | {"GOCACHE": str(cache / "go"), "GO111MODULE": "off"})
        if done.returncode != 0:
            missing[name] = f"{name} cannot be built: {done.stderr.strip().splitlines()[-1]}"
    return missing


def pids_in(namespace):
    return {int(pid) for pid in harness.sh("ip", "netns", "pids", namespace).split()}


def stat_of(pid):
    """(name, parent) of a process; None if it is gone."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    name, rest = text[text.index("(") + 1:].rsplit(")", 1)
    return name, int(rest.split()[1])


def end(pids):
    """Ends processes by their pids and waits until they are gone."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass
        limit = time.monotonic() + 1
        while any(os.path.exists(f"/proc/{pid}") for pid in pids):
            if time.monotonic() > limit:
                break
            time.sleep(0.02)
        else:
            return


class Leader:
    """The stand-in for cron or for the service manager: programs/leader.c under its name."""

    def __init__(self, stage, mode, path):
        program = stage.directory / path
        program.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(stage.cache / "leader", program)
        fifos = [f"{program}.requests", f"{program}.replies"]
        for fifo in fifos:
            os.mkfifo(fifo)
        self.lock = threading.Lock()
        self.requests = os.open(fifos[0], os.O_RDWR | os.O_CLOEXEC)
        self.replies = os.fdopen(os.open(fifos[1], os.O_RDWR | os.O_CLOEXEC), "rb", 0)
        subprocess.run(stage.network.inside(str(program), mode, *fifos), check=True, cwd="/",
                       env=ENVIRONMENT, stdin=subprocess.DEVNULL)
        self.pid = int(self.replies.readline())

    def start(self, *arguments):
        """The pid of what it started."""
        with self.lock:
            os.write(self.requests, b"".join(a.encode() + b"\0" for a in arguments) + b"\0")
            return int(self.replies.readline())

    def close(self):
        os.close(self.requests)
        self.replies.close()


class Stage:
    """directory: a new one below /tmp; cache: where built programs are kept between runs."""

    def __init__(self, directory, cache):
        self.directory, self.cache = pathlib.Path(directory), pathlib.Path(cache)
        self.network = harness.Network()
        self.missing = {}
        self.leaders = []

    def __enter__(self):
        self.missing = build(self.cache)
        # Only processes that began after audit was first on are ever seen; auditd's hosts have it
        # on since the boot.
        self.audit_switch = harness.audit_status()["enabled"]
        harness.sh("auditctl", "-e", "1")
        os.chmod(self.directory, 0o755)
        self.network.__enter__()
        try:
            self.cron = self.leader("cron", "usr/sbin/cron")
            self.services = self.leader("service", "lib/systemd/systemd")
            self.start_sshd()
            self.start_web_server()
        except BaseException:
            self.__exit__()
            raise
        self.daemons = pids_in(self.network.client)
        self.operators = pids_in(self.network.server)
        return self

    def __exit__(self, *_):
        try:
            for namespace in (self.network.client, self.network.server):
                if os.path.exists(f"/run/netns/{namespace}"):
                    end(pids_in(namespace))
            for leader in self.leaders:
                leader.close()
        finally:
            self.network.__exit__()
            harness.sh("auditctl", "-e", str(self.audit_switch))

    def leader(self, mode, path):
        self.leaders.append(Leader(self, mode, path))
        return self.leaders[-1]

    def at_operator(self, *command):
        return ["ip", "netns", "exec", self.network.server, *command]

    # ---- sshd: a login shell on a terminal ----

    def start_sshd(self):
        home = self.directory / "ssh"
        home.mkdir(mode=0o700)
        harness.sh("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=op",
                   "-keyout", f"{home}/tls.key", "-out", f"{home}/tls.crt", "-days", "2")
        (home / "tls.pem").write_text((home / "tls.key").read_text() +
                                      (home / "tls.crt").read_text())
        if shutil.which("sshd") is None:
            self.missing["ssh"] = "sshd is not installed"
            return
        for name in ("host", "user"):
            harness.sh("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(home / name))
        (home / "config").write_text(f"""\
Port {SSH_PORT}
HostKey {home}/host
AuthorizedKeysFile {home}/user.pub
PidFile {home}/pid
PermitRootLogin yes
StrictModes no
UsePAM no
UseDNS no
PrintMotd no
PrintLastLog no
MaxStartups 100
SetEnv PATH={PATH}
Subsystem sftp internal-sftp
""")
        os.makedirs("/run/sshd", exist_ok=True)
        harness.sh(*self.network.inside("env", "-i", f"PATH={PATH}", shutil.which("sshd"), "-f",
                                        str(home / "config"), "-E", str(home / "log")))
        wait_for("sshd did not start", lambda: (home / "pid").exists())
        self.sshd = int((home / "pid").read_text())

    def ssh(self, *options):
        """The command line that logs in on the victim, from the operator's side."""
        home = self.directory / "ssh"
        return self.at_operator(
            "ssh", "-F", "/dev/null", "-i", str(home / "user"), "-p", str(SSH_PORT), "-o",
            "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o",
            "LogLevel=ERROR", "-o", "BatchMode=yes", *options, f"root@{CLIENT}")

    # ---- a web server whose scripts run commands ----

    def start_web_server(self):
        if shutil.which("php") is None:
            self.missing["web"] = "php is not installed"
            return
        pages = self.directory / "www"
        pages.mkdir()
        (pages / "run.php").write_text("<?php echo shell_exec($_POST['c']);")
        self.web = self.services.start(
            "/usr/bin/setpriv", "--reuid=www-data", "--regid=www-data", "--clear-groups", "env",
            f"PHP_CLI_SERVER_WORKERS={WEB_WORKERS}", "php", "-S", f"{CLIENT}:{WEB_PORT}", "-t",
            str(pages))
        wait_for("the web server did not start", lambda: len(
            [p for p in pids_in(self.network.client)
             if (stat_of(p) or ("", 0))[1] == self.web]) >= int(WEB_WORKERS))

    # ---- starting a command below one of them ----

    def start(self, chain, command):
        """Runs a command line below a leader; a Started, whose root is found when asked for."""
        if chain in self.missing:
            raise Failure(self.missing[chain])
        return {"cron": CronJob, "service": Service, "ssh": Login, "web": Request}[chain](
            self, command)


class CronJob:
    def __init__(self, stage, command):
        self.root = stage.cron.start("/bin/sh", "-c", command)

    def close(self):
        pass


class Service:
    """A unit's ExecStart: no shell between."""

    def __init__(self, stage, command):
        words = ["/usr/bin/env", *command] if isinstance(command, list) else command.split()
        if not words[0].startswith("/"):
            words[0] = shutil.which(words[0], path=PATH) or words[0]
        self.root = stage.services.start(*words)

    def close(self):
        pass


class Login:
    """A person at a terminal: the command is typed at the prompt of a login shell."""

    def __init__(self, stage, command):
        self.session = subprocess.Popen(stage.ssh("-tt"), stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.seen = b""
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()
        # The echo has no digits in these places.
        self.type("stty -echo; echo root=$$=")
        self.root = int(wait_for(lambda: f"no login: {self.seen!r}",
                                 lambda: re.search(rb"root=(\d+)=", self.seen))[1])
        for line in command.splitlines():
            self.type(line)

    def type(self, line):
        self.session.stdin.write(line.encode() + b"\n")
        self.session.stdin.flush()

    def read(self):
        while True:
            some = os.read(self.session.stdout.fileno(), 65536)
            if not some:
                return
            self.seen += some

    def wait_for_prompt(self):
        """Until a prompt has stood for a moment, or nothing more came for a while (an editor). A
        shell that begins takes the terminal, and what was typed ahead is lost."""
        length, since = -1, time.monotonic()
        while True:
            if len(self.seen) != length:
                length, since = len(self.seen), time.monotonic()
            quiet = time.monotonic() - since
            if quiet > NO_PROMPT or quiet > PAUSE and PROMPT.search(self.seen):
                return
            time.sleep(0.02)

    def close(self):
        if self.session.poll() is None:
            self.session.terminate()
        self.session.wait(PATIENCE)
        self.reader.join(PATIENCE)
        self.session.stdin.close()
        self.session.stdout.close()


class Request:
    """A request to the web server, whose script runs the command with sh -c."""

    def __init__(self, stage, command):
        before = pids_in(stage.network.client)
        self.request = subprocess.Popen(
            stage.at_operator("curl", "-s", "-m", "200", "--data-urlencode", "c@-",
                              f"http://{CLIENT}:{WEB_PORT}/run.php"),
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.request.stdin.write(command.encode())
        self.request.stdin.close()
        self.before, self.stage = before, stage

    @property
    def root(self):
        """None: only the recording knows which of the workers ran it."""
        return None

    def close(self):
        if self.request.poll() is None:
            self.request.terminate()
        self.request.wait(PATIENCE)
