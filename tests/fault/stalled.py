#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""As plugin of a real auditd, the program stands still. First the process that parses: the other one
reads on, auditd's queue never overflows, and what found no room is told to the line. Then the whole
program, so that auditd's queue overflows: the numbers that never came are told. A reverse shell right
after each is found."""

import contextlib
import os
import pathlib
import re
import signal
import subprocess

import loss
from loss import harness, plugin
from harness import expect

# Some 40 MB of records, where the ring holds 16.
BIG_EXECS = 40
MEGABYTE = ["x" * 120_000] * 8
# Enough for auditd's queue of 2000 records.
EXECS = 4000
# What waited is worked off first: a minute and more under a sanitizer.
PATIENCE = 240.0
SILENT = "overflow_action = IGNORE"
SPOKEN = "overflow_action = SYSLOG"


class Auditd(plugin.Auditd):
    CONFIG = plugin.AUDITD.replace(SILENT, SPOKEN)

    def overflows(self):
        """auditd's own report, which it writes on SIGCONT."""
        report = pathlib.Path("/run/auditd.state")
        with contextlib.suppress(FileNotFoundError):
            report.unlink()
        os.kill(self.pid, signal.SIGCONT)
        harness.wait_for("auditd does not report",
                         lambda: report.exists() and "overflow detected" in report.read_text())
        return re.search(r"overflow detected = (\w+)", report.read_text()).group(1) == "yes"


class Agent(loss.Agent):
    """The one that auditd has started."""

    def __init__(self, directory, auditd):
        self.json = pathlib.Path(directory, "alerts.ndjson")
        self.capture = pathlib.Path(directory, "run.capture")
        self.log, self.pid = auditd.log, auditd.wait_for_plugin()


def big_execs():
    """Their pids. Some 140 records each, and no faster than auditd takes them from the kernel: how
    much it can queue is not asked here."""
    pids = []
    for _ in range(BIG_EXECS):
        with subprocess.Popen(["/bin/true", *MEGABYTE], stdin=subprocess.DEVNULL) as process:
            pids.append(process.pid)
        harness.wait_for("auditd does not take the records", lambda: harness.audit_status()["backlog"] == 0)
    return pids


def a_stalled_worker(agent, auditd):
    _, *confined = agent.processes()
    expect(len(confined) == 1, f"it did not divide: {agent.text()}")
    with loss.stopped(confined):
        pids = big_execs()
        expect(not auditd.overflows(), f"auditd's queue overflowed: {auditd.text()}")
    return "plugin", pids


def a_stalled_plugin(agent, auditd):
    with loss.stopped(agent.processes()):
        pids = harness.run_programs(EXECS)
        expect(auditd.overflows(), "auditd's queue holds all of them")
    harness.wait_for("no exec gets through any more", loss.later_execs(agent), PATIENCE)
    return "serial", pids


def run(part, arguments, directory, techniques):
    settings = {"rules": arguments["rules"], "json-file": f"{directory}/alerts.ndjson", "syslog": "off",
                "state-dir": "off", "confine": "auto"}
    with Auditd(directory, arguments["program"], settings) as auditd:
        agent = Agent(directory, auditd)
        loss.shell_is_found(agent, techniques)
        expect(not agent.gaps(), f"a gap in quiet times: {agent.gaps()}")
        print(f"{part.__name__}:", flush=True)
        source, pids = part(agent, auditd)
        loss.is_told(agent, source)
        loss.shell_is_found(agent, techniques, PATIENCE)
        expect(auditd.stop() == 0, f"auditd did not end with 0:\n{auditd.text()}")
        harness.wait_for("the program outlives auditd", lambda: plugin.is_gone(agent.pid))
    # What came after the first word is told at the end; of an event that came in part, as incomplete.
    count = sum(count for count, _ in agent.gaps().values())
    missing = len(set(pids) - agent.execs())
    print(f"  {missing} of {len(pids)} execs did not come in, told: {agent.gaps()}")
    expect(0 < missing <= count, f"{missing} execs are missing, {count} were told")


def test(arguments, directory):
    before = harness.audit_status()
    harness.sh("auditctl", "-b", "32768")
    try:
        with harness.Network() as network:
            techniques = harness.Techniques(network, arguments["stageless"], directory)
            for part in (a_stalled_worker, a_stalled_plugin):
                own = f"{directory}/{part.__name__}"
                os.mkdir(own)
                os.chmod(own, 0o755)
                run(part, arguments, own, techniques)
    finally:
        # auditd enables audit and leaves it so.
        harness.sh("auditctl", "-e", str(before["enabled"]))
        harness.sh("auditctl", "-b", str(before["backlog_limit"]))


if __name__ == "__main__":
    harness.main("fault.stalled", test)
