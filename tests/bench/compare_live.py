# SPDX-License-Identifier: Apache-2.0
"""The live half of compare: what the program costs on a host that it watches, beside the least that
a reader of the same feeds can do, beside auditd with laurel, and without anybody.

Needs root and an audit feed that nobody holds; holds the lock of the live tests meanwhile. Rules
and settings of audit are put back. CPU is what the scheduler accounted to all threads of a process
(/proc/PID/task/*/schedstat); the load waits until everything that it caused has been read.
"""
import contextlib
import fcntl
import json
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/live"))
import harness  # noqa: E402
import plugin as live_plugin  # noqa: E402

EXECS = 2000
CONNECTIONS = 10_000
TECHNIQUES = 100
PROCESSES = 300
RATE = 1250  # connects in a second: of four records each
# What the load caused has been read once nothing more was done for so long.
QUIET_S = 0.5
LOCK_PATIENCE_S = 60
PLUGIN = """\
active = yes
direction = out
path = {program}
type = always
args = --config {config}
format = string
"""


def family(pid):
    """The process and those that it forked of itself: the confined part is one. Not what else it
    started, as auditd its plugins."""
    found = [pid]
    program = os.readlink(f"/proc/{pid}/exe")
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(OSError):
            for child in (task / "children").read_text().split():
                if os.readlink(f"/proc/{child}/exe") == program:
                    found += family(child)
    return found


def cpu_seconds(pid):
    total = 0
    for one in family(pid):
        for task in pathlib.Path(f"/proc/{one}/task").iterdir():
            with contextlib.suppress(OSError):
                total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def memory_mib(pid):
    """Of all of them: RSS, where what they share is counted in each, and PSS, where it is once."""
    total = {"Rss:": 0, "Pss:": 0}
    for one in family(pid):
        for line in pathlib.Path(f"/proc/{one}/smaps_rollup").read_text().splitlines():
            name, *size = line.split()
            if name in total:
                total[name] += int(size[0])
    return total["Rss:"] / 1024, total["Pss:"] / 1024


def count_processes():
    return sum(name.isdigit() for name in os.listdir("/proc"))


def settle(pids):
    """Their CPU times, once none of them has anything more to do (or the host never rests)."""
    before = [cpu_seconds(pid) for pid in pids]
    for _ in range(10):
        time.sleep(QUIET_S)
        now = [cpu_seconds(pid) for pid in pids]
        if sum(now) - sum(before) < 0.002 * QUIET_S:
            return now
        before = now
    return before


class Live:
    def __init__(self, programs, rules, directory, table, options, seconds):
        self.programs, self.rules, self.directory = programs, rules, directory
        self.table = table
        self.runs = options.runs
        self.seconds = seconds
        self.logs = 0

    def rounds(self, share):
        """As many as there is time for in that share of it all, one at least."""
        begin = time.monotonic()
        for number in range(self.runs):
            took = time.monotonic() - begin
            # The next will take as long as those before it did.
            if number > 0 and took + took / number > share * self.seconds:
                return
            yield number

    def load(self, *arguments, inside=()):
        done = subprocess.run([*inside, self.programs["live_load"], *map(str, arguments)],
                              check=True, text=True, stdout=subprocess.PIPE)
        return done.stdout

    @contextlib.contextmanager
    def agent(self, rules, syslog="off"):
        """The program alone on both feeds."""
        self.logs += 1
        with harness.Process(
                self.programs["audisp-eql"], *harness.RUN, "--rules", rules,
                "--feed", "unicast", "--require", "audit,proc_connector", "--syslog", syslog,
                log=f"{self.directory}/agent-{self.logs}.log") as process:
            process.wait_for_line("started;")
            yield process

    @contextlib.contextmanager
    def kernel_rules(self):
        """The audit rules that the program would load, without it."""
        text = subprocess.run([self.programs["audisp-eql"], "audit-rules", "--config", "/dev/null",
                               "--rules", self.rules["seeds"]], check=True, text=True,
                              stdout=subprocess.PIPE).stdout
        rules = [line.split() for line in text.splitlines() if line.startswith("-a ")]
        for rule in rules:
            subprocess.run(["auditctl", *rule], check=False, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
        try:
            yield
        finally:
            for rule in rules:
                subprocess.run(["auditctl", "-d", *rule[1:]], check=False,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    @contextlib.contextmanager
    def bare_loop(self):
        """Somebody reads both feeds and throws all away."""
        self.logs += 1
        with self.kernel_rules(), harness.Process(
                self.programs["receive_loop"], log=f"{self.directory}/loop-{self.logs}.log",
                stdout=subprocess.PIPE) as process:
            if process.started.stdout.readline() != b"reading\n":
                raise harness.Failure(process.text())
            yield process

    def execs_cost(self, pids):
        """CPU seconds an exec, of each of these processes."""
        before = settle(pids)
        self.load("execs", EXECS)
        return [(now - then) / EXECS for now, then in zip(settle(pids), before)]

    # ---- goal 3 ----

    def standalone(self):
        agent, loop, whole = [], [], []
        for _ in self.rounds(0.18):
            with self.agent(self.rules["seeds"]) as process:
                agent += self.execs_cost([process.pid])
            with self.bare_loop() as process:
                loop += self.execs_cost([process.pid])
            with self.agent(self.rules["all"]) as process:
                whole += self.execs_cost([process.pid])
        agent_us, loop_us, all_us = (statistics.median(costs) * 1e6
                                     for costs in (agent, loop, whole))
        self.table.add("3", "bare receive loop, CPU an exec", f"{loop_us:.1f} us")
        self.table.add("3", "audisp-eql alone, CPU an exec", f"{agent_us:.1f} us",
                       f"{agent_us / loop_us:.2f} x", "<= 2.5 x")
        self.table.add("3", "with all rules of the project", f"{all_us:.1f} us",
                       f"{all_us / loop_us:.2f} x")
        return agent_us

    def plugin(self, laurel, alone_us):
        if laurel is None or shutil.which("auditd") is None:
            self.table.add("3", "as plugin beside laurel", "auditd or laurel is not installed")
            return
        costs = []
        for run in self.rounds(0.2):
            base = f"{self.directory}/auditd-{run}"
            os.mkdir(base)
            costs.append(self.under_auditd(laurel, base))
        ours, peer, daemon = (statistics.median(column) * 1e6 for column in zip(*costs))
        self.table.add("3", "auditd, CPU an exec", f"{daemon:.1f} us")
        self.table.add("3", "laurel under it", f"{peer:.1f} us")
        self.table.add("3", "audisp-eql under the same auditd", f"{ours:.1f} us",
                       f"{ours / peer:.2f} x laurel", "<= 0.33 x")
        self.table.add("3", "audisp-eql alone : auditd + laurel", "",
                       f"{alone_us / (daemon + peer):.2f} x", "<= 0.17 x")

    def under_auditd(self, laurel, base):
        os.mkdir(f"{base}/laurel")
        pathlib.Path(f"{base}/laurel.toml").write_text(
            f'directory = "{base}/laurel"\nuser = "root"\n[auditlog]\nfile = "audit.log"\n'
            "size = 1000000000\ngenerations = 1\n", encoding="ascii")
        settings = {"rules": self.rules["seeds"], "syslog": "off", "require": "audit,proc_connector"}
        program = self.programs["audisp-eql"]
        plugins = {
            "audisp-eql.conf": PLUGIN.format(program=program, config=f"{base}/audisp-eql.conf"),
            "laurel.conf": PLUGIN.format(program=laurel, config=f"{base}/laurel.toml")}
        with live_plugin.Auditd(base, program, settings, plugins) as auditd:
            ours = auditd.wait_for_plugin()
            peer = harness.wait_for("auditd has not started laurel", lambda: auditd.plugin(laurel))
            costs = self.execs_cost([ours, peer, auditd.pid])
            auditd.stop()
            # It takes its rules out of the kernel when auditd has gone.
            harness.wait_for("the plugin outlives auditd", lambda: live_plugin.is_gone(ours))
        return costs

    # ---- goal 4 ----

    def felt_by_the_host(self):
        """Seconds that two kinds of work take: without audit, with the rules and a reader that
        throws all away, with the program."""
        work = {"make -j2 of detect/text": self.make, f"{CONNECTIONS} TCP connections": self.tcp}
        modes = {"no audit": contextlib.nullcontext, "rules": self.bare_loop,
                 "agent": lambda: self.agent(self.rules["seeds"])}
        times = {(kind, mode): [] for kind in work for mode in modes}
        for _ in self.rounds(0.35):
            for mode, begin in modes.items():
                if mode == "no audit":
                    harness.sh("auditctl", "-e", "0")
                with begin():
                    for kind, do in work.items():
                        times[kind, mode].append(do())
        for kind, wanted in zip(work, ("<= 1.03 x", "<= 1.05 x")):
            none, rules, agent = (statistics.median(times[kind, mode]) for mode in modes)
            self.table.add("4", f"{kind}: no audit", f"{none:.2f} s")
            self.table.add("4", f"{kind}: rules, bare loop", f"{rules:.2f} s",
                           f"{rules / none:.2f} x")
            self.table.add("4", f"{kind}: with the agent", f"{agent:.2f} s",
                           f"{agent / rules:.2f} x", wanted)

    def make(self):
        """Compiles some files of the project, each in a process tree of its own, as a build does."""
        directory = tempfile.mkdtemp(dir=self.directory)
        sources = sorted((ROOT / "detect/text").glob("*.cpp"))
        objects = " ".join(f"{source.stem}.o" for source in sources)
        rule = f"%.o: {ROOT}/detect/text/%.cpp\n\tc++ -std=c++20 -O1 -I{ROOT} -c $< -o $@\n"
        pathlib.Path(directory, "Makefile").write_text(f"all: {objects}\n{rule}")
        begin = time.monotonic()
        subprocess.run(["make", "-s", "-j2", "-C", directory], check=True)
        return time.monotonic() - begin

    def tcp(self):
        return float(self.load("tcp", CONNECTIONS))

    # ---- goal 5 ----

    def latency(self, network):
        place = f"{self.directory}/technique"
        os.mkdir(place)
        for name in ("bash", "update"):
            shutil.copy(self.programs["live_load"], f"{place}/{name}")
        for beside, wanted in ((0, ("<= 1 ms", "<= 15 ms")), (RATE, ("", "<= 50 ms"))):
            took = self.latencies(network, place, beside)
            what = f"beside {4 * beside} records/s" if beside else "idle"
            if len(took) < TECHNIQUES // 2:
                self.table.add("5", f"alert latency, {what}",
                               f"only {len(took)} of {TECHNIQUES} alerts came")
                continue
            took.sort()
            for name, share, goal in (("p50", 0.5, wanted[0]), ("p99", 0.99, wanted[1])):
                value = took[min(len(took) - 1, int(share * len(took)))]
                self.table.add("5", f"alert latency, {what}, {name}", f"{value:.2f} ms", "", goal)

    def latencies(self, network, place, rate):
        path = f"{self.directory}/log-{rate}"
        came = {}
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
            log.bind(path)
            os.chmod(path, 0o666)  # what sends alerts is not root
            log.settimeout(0.2)
            done = threading.Event()

            def receive():
                while not done.is_set():
                    with contextlib.suppress(TimeoutError, ValueError, KeyError):
                        line = log.recv(65536)
                        now = time.monotonic_ns()
                        alert = json.loads(line[line.index(b"{"):])
                        if alert["rule"]["id"] == harness.SUSPICIOUS_BINARY:
                            came[alert["process"]["pid"]] = now

            receiver = threading.Thread(target=receive)
            receiver.start()
            try:
                with self.agent(self.rules["seeds"], path):
                    beside = rate and subprocess.Popen(
                        network.inside(self.programs["live_load"], "connects",
                                       str(rate * 60), str(rate)), stdout=subprocess.DEVNULL)
                    try:
                        lines = subprocess.run(
                            network.inside(f"{place}/bash", "technique", str(TECHNIQUES), place),
                            check=True, text=True, stdout=subprocess.PIPE).stdout
                    finally:
                        if beside:
                            beside.terminate()
                            beside.wait()
                    time.sleep(QUIET_S)
            finally:
                done.set()
                receiver.join()
        stamps = {int(pid): int(ns) for pid, ns in map(str.split, lines.splitlines())}
        return [max(0.0, (came[pid] - ns) / 1e6) for pid, ns in stamps.items() if pid in came]

    # ---- goals 6 and 7 ----

    def start(self):
        """Beside as many processes as a small server has."""
        with contextlib.ExitStack() as sleepers:
            for _ in range(count_processes(), PROCESSES):
                sleeper = sleepers.enter_context(subprocess.Popen(["sleep", "600"]))
                sleepers.callback(sleeper.kill)
            self.start_beside(count_processes())

    def start_beside(self, here):
        for count, wanted in (("seeds", "<= 150 ms"), (1000, "<= 1000 ms")):
            times, memory = [], []
            for _ in self.rounds(0.06):
                begin = time.monotonic()
                with self.agent(self.rules[count]) as process:
                    times.append(time.monotonic() - begin)
                    settle([process.pid])
                    memory.append(memory_mib(process.pid))
            name = "both seeds" if count == "seeds" else f"{count} rules"
            self.table.add("7", f"ready, {name}, {here} processes",
                           f"{statistics.median(times) * 1000:.0f} ms", "", wanted)
            resident, own = (statistics.median(one) for one in zip(*memory))
            self.table.add("6", f"memory, idle, {name}", f"{resident:.0f} MiB", "",
                           "<= 24 MiB" if count == "seeds" else "")
            self.table.add("6", f"memory, idle, {name}, shared pages counted once",
                           f"{own:.0f} MiB")

    def all(self, laurel):
        alone_us = self.standalone()
        print("  standalone measured", file=sys.stderr)
        self.start()
        with harness.Network() as network:
            self.latency(network)
        print("  start and latency measured", file=sys.stderr)
        self.felt_by_the_host()
        print("  make and TCP measured", file=sys.stderr)
        self.plugin(laurel, alone_us)


def locked(lock):
    """Why not; None once it is."""
    end = time.monotonic() + LOCK_PATIENCE_S
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return None
        except BlockingIOError:
            if time.monotonic() > end:
                return f"a live test has held {harness.LOCK} for {LOCK_PATIENCE_S} s"
        time.sleep(0.2)


def live_half(options, programs, rules, directory, table, laurel, seconds):
    """Adds its rows to the table, or one that says why there are none."""
    with open(harness.LOCK, "w", encoding="ascii") as lock:
        reason = locked(lock) or harness.reason_to_skip()
        if reason:
            table.add("3-7", "live half", f"skipped: {reason}")
            return
        audit = harness.AuditState()
        before = harness.audit_status()
        harness.sh("auditctl", "-b", "32768")
        try:
            Live(programs, rules, directory, table, options, seconds).all(laurel)
        except (harness.Failure, subprocess.CalledProcessError) as problem:
            table.add("3-7", "live half", f"broken off: {problem}".splitlines()[0])
        finally:
            put_back(audit, before, table)


def put_back(audit, before, table):
    try:
        audit.put_back()
        for option, name in (("-e", "enabled"), ("-b", "backlog_limit"), ("-f", "failure")):
            harness.sh("auditctl", option, str(before[name]))
        audit.check_restored()
    except harness.Failure as problem:
        table.add("-", "audit is not as it was", str(problem))
