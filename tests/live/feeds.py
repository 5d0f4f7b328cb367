#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The kernel's feeds as a recording shows them: nothing is missing, forks come before what the
forked does, a reader that stands still does not stall the host, and audit belongs to all."""

import os
import re
import signal
import time

import harness
from harness import expect

EXECS = 400
FOREIGN = ("-a", "always,exit", "-F", "arch=b64", "-S", "sethostname", "-k", "live-test-foreign")
STALE = ("-a", "always,exit", "-F", "arch=b64", "-S", "sethostname", "-k", "audisp-eql-left-over")


def record(arguments, directory, name):
    capture = f"{directory}/{name}.capture"
    return harness.Process(arguments["program"], "record", "--config", "/dev/null", "--feed",
                           "unicast", capture, log=f"{directory}/{name}.log"), capture


def check_capture(capture, pids):
    """Each process has its fork, exec and exit, and a whole exec event after the first two."""
    places = {}
    serials = {}
    clocks = []
    with open(capture, errors="surrogateescape") as lines:
        for number, line in enumerate(lines):
            if found := re.match(r"type=CN_PROC msg=proc\(\d+\): what=(fork|exec|exit) .*"
                                 r"\bpid=(\d+) tgid=(\d+)", line):
                if found[2] == found[3]:
                    places.setdefault((found[1], int(found[2])), number)
            elif found := re.match(r"type=CLOCK msg=proc\((\d+)\): real=\d+", line):
                clocks.append(int(found[1]))
            elif found := re.match(r"type=(\w+) msg=audit\([\d.]+:(\d+)\):(.*)", line):
                serials.setdefault(found[2], []).append(found[1])
                if found[1] == "SYSCALL" and " syscall=59 " in line:
                    pid = int(re.search(r" pid=(\d+)", found[3])[1])
                    places.setdefault(("record", pid), number)
                    places.setdefault(("serial", pid), found[2])
            elif line.startswith("type=LOSS"):
                raise harness.Failure(f"evidence was lost: {line}")
    # The first is of the moment in which the processes were listed; the reader, another thread, may
    # have stamped its first batch just before.
    clocks = clocks[1:]
    expect(clocks == sorted(clocks) and clocks, "the clock went backwards, or never came")
    for pid in pids:
        for what in ("fork", "exec", "exit", "record"):
            expect((what, pid) in places, f"the {what} of pid {pid} is missing")
        expect(places[("fork", pid)] < places[("exec", pid)] < places[("record", pid)],
               f"pid {pid}: fork, exec and record are not in this order")
        types = serials[places[("serial", pid)]]
        expect(types[0] == "SYSCALL" and types[-1] == "EOE" and "EXECVE" in types and
               "CWD" in types and types.count("PATH") >= 2, f"pid {pid}: its exec has {types}")


def kernel_log():
    """Audit records without a reader go to the kernel's log, and to the console."""
    return [line for line in harness.sh("dmesg").splitlines() if "audit: type=" in line]


def nothing_is_missing(arguments, directory):
    process, capture = record(arguments, directory, "order")
    before, log_before = harness.audit_status(), kernel_log()
    with process as run:
        run.wait_for_line("started")
        pids = harness.run_programs(EXECS)
        expect(run.stop() == 0, f"record failed:\n{run.text()}")
    check_capture(capture, pids)
    if before["enabled"] == 0:
        expect(kernel_log() == log_before, "records were left to the kernel's log")
        expect(re.search(r"audit was off: [1-9]\d* programs? started before", run.text()),
               f"blind programs are not said:\n{run.text()}")


def a_stopped_reader_stalls_nobody(arguments, directory):
    process, capture = record(arguments, directory, "stall")
    with process as run:
        run.wait_for_line("started")
        os.kill(run.pid, signal.SIGSTOP)
        before = time.monotonic()
        pids = harness.run_programs(EXECS)
        took = time.monotonic() - before
        os.kill(run.pid, signal.SIGCONT)
        expect(run.stop() == 0, f"record failed:\n{run.text()}")
    expect(took < harness.PATIENCE, f"{EXECS} programs took {took:.1f} s while the reader stood")
    check_capture(capture, pids)


def audit_is_shared(arguments, directory):
    for rule in (FOREIGN, STALE):
        harness.sh("auditctl", *rule)
    try:
        process, _ = record(arguments, directory, "shared")
        with process as run:
            run.wait_for_line("started")
            rules = harness.sh("auditctl", "-l")
            expect("live-test-foreign" in rules, "a rule of somebody else was removed")
            expect("audisp-eql-left-over" not in rules, "a rule of an earlier run was left")
            expect("audisp-eql-exec" in rules, "our own rules are not loaded")
            status = harness.audit_status()
            expect(status["pid"] == run.pid, "the program does not hold the feed")
            expect((status["backlog_wait_time"], status["enabled"]) == (0, 1),
                   f"not as a detector needs it: {status}")

            second, _ = record(arguments, directory, "second")
            with second as other:
                expect(other.started.wait(harness.PATIENCE) == 1, "two readers of one feed")
                expect(f"held by pid {run.pid} (audisp-eql)" in other.text(),
                       f"who holds the feed is not said:\n{other.text()}")
            expect(harness.audit_status()["pid"] == run.pid, "the feed was taken away")
            expect(harness.sh("auditctl", "-l") == rules, "the refused program changed the rules")
            expect(run.stop() == 0, f"record failed:\n{run.text()}")
        rules = harness.sh("auditctl", "-l")
        expect("live-test-foreign" in rules, "a rule of somebody else was removed at the end")
        expect("audisp-eql" not in rules, f"rules of ours were left: {rules}")
    finally:
        harness.sh("auditctl", "-d", *FOREIGN[1:])


def test(arguments, directory):
    nothing_is_missing(arguments, directory)
    a_stopped_reader_stalls_nobody(arguments, directory)
    audit_is_shared(arguments, directory)


if __name__ == "__main__":
    harness.main("live.feeds", test)
