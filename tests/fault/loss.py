#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is lost is said: the program stands still in a storm of forks, with a small receive buffer.
It tells of the loss in an alert of its own, the figure agrees with a count of what it should have
seen, and a reverse shell right after is found. Once beside auditd (the multicast group), once as
the kernel's reader with a backlog that overflows. Beside auditd it sets nothing of audit."""

import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "live"))
import harness  # noqa: E402
import plugin  # noqa: E402
from harness import expect  # noqa: E402

EVIDENCE_GAP = "8dc87657-bb29-4096-8399-a8c1cdbde435"
MARKERS = 600
NO_PLUGIN = {"audisp-eql.conf": plugin.PLUGIN.replace("active = yes", "active = no")}


RECEIVE_LIMIT = pathlib.Path("/proc/sys/net/core/rmem_max")
SMALL = ("setpriv", "--bounding-set=-net_admin")


@contextlib.contextmanager
def small_buffers():
    """For sockets that are opened meanwhile: some 240 records, 256 process events."""
    before = RECEIVE_LIMIT.read_text()
    RECEIVE_LIMIT.write_text("212992")
    try:
        yield
    finally:
        RECEIVE_LIMIT.write_text(before)


class Agent(harness.Process):
    """With SMALL before it: without the right to have larger socket buffers than everybody."""

    def __init__(self, arguments, directory, feed, *command):
        self.json = pathlib.Path(directory, f"{feed}.ndjson")
        self.capture = pathlib.Path(directory, f"{feed}.capture")
        with small_buffers():
            self.start(arguments, directory, feed, command)

    def start(self, arguments, directory, feed, command):
        super().__init__(
            *command, arguments["program"], *harness.RUN, "--state-dir", "off",
            "--rules", arguments["rules"], "--syslog", "off", "--json-file", str(self.json),
            "--capture", str(self.capture), "--feed", feed, log=f"{directory}/{feed}.log")
        self.wait_for_line(r"started; \d+ processes")

    def processes(self):
        """Its own pid and its children's: whoever runs the program may be its parent."""
        found, look = [], [self.pid]
        while look:
            pid = look.pop()
            found.append(pid)
            with contextlib.suppress(OSError):
                for thread in pathlib.Path(f"/proc/{pid}/task").iterdir():
                    look += [int(c) for c in (thread / "children").read_text().split()]
        return found

    def documents(self):
        if not self.json.exists():
            return []
        lines = self.json.read_text(errors="replace").splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def gaps(self):
        """Count and "at least" by source, of all that was told."""
        told = {}
        for document in self.documents():
            if document["rule"]["id"] == EVIDENCE_GAP:
                gap = document["audisp_eql"]["gap"]
                count, at_least = told.get(gap["source"], (0, False))
                told[gap["source"]] = (count + gap["count"], at_least or gap.get("at_least", False))
        return told

    def alert_of(self, rule, pid):
        for document in self.documents():
            if document["rule"]["id"] == rule and pid in harness.pids_of(document):
                return document
        return None

    def execs(self):
        """The pids whose exec is in the recording, whole or in part."""
        text = self.capture.read_text(errors="replace")
        return {int(pid) for pid in
                re.findall(r"^type=SYSCALL .* syscall=59 .*? pid=(\d+) ", text, re.M)}


@contextlib.contextmanager
def stopped(pids):
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def later_execs(agent):
    """Asked again and again: whether one of the programs started since then is recorded. Any of
    them: the capture is written a few times a second, the newest are never in it yet."""
    started = set()

    def ask():
        with subprocess.Popen(["/bin/true"], stdin=subprocess.DEVNULL) as process:
            started.add(process.pid)
        time.sleep(0.1)
        return started & agent.execs()
    return ask


def is_told(agent, source):
    """The gap of a source, once it was told."""
    began = time.monotonic()
    harness.wait_for(lambda: f"no alert tells of a loss at '{source}':\n{agent.text()}",
                     lambda: source in agent.gaps())
    print(f"  {source}: {agent.gaps()[source]}, told {time.monotonic() - began:.1f} s later")
    return agent.gaps()[source]


def shell_is_found(agent, techniques, patience=harness.PATIENCE):
    pid, parent = techniques.suspicious_binary()
    alert = harness.wait_for(
        lambda: f"the shell (pid {pid}) was not found:\n{agent.text()}",
        lambda: agent.alert_of(harness.SUSPICIOUS_BINARY, pid), patience)
    harness.check_suspicious_binary(alert, pid, parent)


def beside_auditd(arguments, directory, techniques):
    with plugin.Auditd(directory, arguments["program"], {}, NO_PLUGIN) as auditd:
        harness.wait_for(lambda: f"auditd does not take the feed:\n{auditd.text()}",
                         lambda: harness.audit_status()["pid"] == auditd.pid)
        with Agent(arguments, directory, "multicast", *SMALL) as agent:
            shell_is_found(agent, techniques)
            expect("serial" not in agent.gaps(), f"a gap in quiet times: {agent.gaps()}")
            with stopped(agent.processes()):
                pids = harness.run_programs(MARKERS)
                # On a loaded machine the kernel's queue holds the whole storm meanwhile.
                harness.wait_for("the kernel's audit queue does not become empty",
                                 lambda: harness.audit_status()["backlog"] == 0)
            # That numbers are missing shows when the next one comes; a quiet host has none.
            harness.wait_for("no exec gets through any more", later_execs(agent))
            count, _ = is_told(agent, "serial")
            is_told(agent, "audit")
            if "proc connector: read" in agent.text():
                is_told(agent, "proc")
            shell_is_found(agent, techniques)
            expect(agent.stop() == 0, f"the program did not end well:\n{agent.text()}")
            missing = len(set(pids) - agent.execs())
            print(f"  multicast: {missing} of {MARKERS} execs did not come in, told: {count} events")
            expect(0 < missing <= count, f"{missing} execs are missing, {count} events were told")
        expect(auditd.stop() == 0, f"auditd did not end with 0:\n{auditd.text()}")


def sets_nothing(arguments, directory):
    """What the program asks of the kernel beside auditd, as strace sees it."""
    trace = pathlib.Path(directory, "trace")
    os.mkdir(f"{directory}/traced")
    with plugin.Auditd(f"{directory}/traced", arguments["program"], {}, NO_PLUGIN) as auditd:
        harness.wait_for(lambda: f"auditd does not take the feed:\n{auditd.text()}",
                         lambda: harness.audit_status()["pid"] == auditd.pid)
        # LeakSanitizer cannot look at a process that is traced.
        options = os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"
        with Agent(arguments, f"{directory}/traced", "multicast", "strace", "-f", "-o", str(trace),
                   "-e", "trace=sendto", "-E", f"ASAN_OPTIONS={options}") as agent:
            for pid in agent.processes()[1:2]:
                os.kill(pid, signal.SIGTERM)
            expect(agent.started.wait(harness.PATIENCE) == 0, agent.text())
        auditd.stop()
    requests = set(re.findall(r"nlmsg_type=(\w+)", trace.read_text(errors="replace")))
    expect("AUDIT_GET" in requests and "AUDIT_ADD_RULE" in requests,
           f"strace saw no requests: {requests}")
    expect("AUDIT_SET" not in requests, f"audit's settings were changed: {requests}")


def with_a_small_backlog(arguments, directory, techniques):
    with Agent(arguments, directory, "unicast", *SMALL) as agent:
        shell_is_found(agent, techniques)
        backlog = harness.audit_status()["backlog_limit"]
        lost = harness.audit_status()["lost"]
        harness.sh("auditctl", "-b", "64")
        try:
            with stopped(agent.processes()):
                pids = harness.run_programs(MARKERS)
                lost = harness.audit_status()["lost"] - lost
        finally:
            harness.sh("auditctl", "-b", str(backlog))
        count, _ = is_told(agent, "kernel")
        shell_is_found(agent, techniques)
        expect(agent.stop() == 0, f"the program did not end well:\n{agent.text()}")
        missing = len(set(pids) - agent.execs())
        print(f"  unicast: {missing} of {MARKERS} execs did not come in; the kernel counts {lost} "
              f"records lost, told: {count}")
        expect(0 < missing <= count, f"{missing} execs are missing, {count} records were told")
        expect(count >= lost, f"the kernel counts {lost} records lost, {count} were told")


def test(arguments, directory):
    before = harness.audit_status()
    # auditd leaves the backlog as it is.
    harness.sh("auditctl", "-b", "8192")
    try:
        with harness.Network() as network:
            techniques = harness.Techniques(network, arguments["stageless"], directory)
            for name, part in (("beside", beside_auditd), ("backlog", with_a_small_backlog)):
                os.mkdir(f"{directory}/{name}")
                if name == "backlog":
                    harness.sh("auditctl", "-e", str(before["enabled"]))
                part(arguments, f"{directory}/{name}", techniques)
        if harness.shutil.which("strace"):
            sets_nothing(arguments, directory)
        else:
            print("  strace is not installed: what is asked of the kernel was not looked at")
    finally:
        # auditd enables audit and leaves it so.
        harness.sh("auditctl", "-e", str(before["enabled"]))
        harness.sh("auditctl", "-b", str(before["backlog_limit"]))


if __name__ == "__main__":
    harness.main("fault.loss", test)
