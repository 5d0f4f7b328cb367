#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The memory ceiling on the real feeds: one run of the program with little memory stands in a bounded
storm of forks, in execs with a megabyte of arguments each, and under a million half-open sequences. It
never takes more than it may, says what it let go, and a reverse shell right after each is found.

AUDISP_EQL_MEMORY_MIB sets the ceiling (default: 64)."""

import contextlib
import os
import pathlib
import re
import socket
import struct
import subprocess
import threading
import time

import feeding
import loss
from loss import harness
from harness import expect

CEILING = int(os.environ.get("AUDISP_EQL_MEMORY_MIB", "64"))
FORKS, BIG_EXECS = 20_000, 200
PATIENCE = 300.0
# The kernel has MAX_ARG_STRLEN of 128 KiB for one argument.
MEGABYTE = ["x" * 120_000] * 8
# A rule holds 20,000 at once, and each message begins a sequence of every rule.
RULES, MESSAGES = 10, 100_000
AUDIT_USER_LOGIN = 1112

HALF_OPEN = """\
[rule]
rule_id = "44444444-4444-4444-8444-{number:012}"
name = "half open {number}"
language = "eql"
type = "eql"
risk_score = 1
severity = "low"
query = '''
sequence by user.name with maxspan=1h
  [authentication where event.action == "logged-in" and user.name != "nobody{number}"]
  [file where process.name == "never"]
'''
"""

# Some hundreds of children live at any time.
FORK_STORM = """\
my $alive = 0;
for (1 .. shift) {
    my $pid = fork;
    if (defined $pid && $pid == 0) { select undef, undef, undef, 0.2; exit }
    if (++$alive == 500) { 1 while wait != -1; $alive = 0 }
}
1 while wait != -1;
"""


class Agent(loss.Agent):
    def start(self, arguments, directory, feed, command):
        rules = pathlib.Path(directory, "half-open")
        rules.mkdir()
        for number in range(RULES):
            (rules / f"{number}.toml").write_text(HALF_OPEN.format(number=number))
        harness.Process.__init__(
            self, arguments["program"], *harness.RUN, "--state-dir", "off", "--rules",
            arguments["rules"], "--rules", str(rules), "--syslog", "off", "--json-file",
            str(self.json), "--feed", feed, "--memory-mib", str(CEILING),
            log=f"{directory}/{feed}.log")
        self.wait_for_line(r"started; \d+ processes")


def pss_kib(pid):
    """What the process has to itself, and its part of what it shares with the other one."""
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(r"^Pss: +(\d+)", text, re.M).group(1))


class Watch(threading.Thread):
    """The most that the program's processes have taken together, and the most that each had
    resident, which the kernel keeps."""

    def __init__(self, pids):
        super().__init__(daemon=True)
        self.pids, self.most, self.over = pids, 0, threading.Event()
        self.start()

    def run(self):
        with contextlib.suppress(OSError):
            while not self.over.wait(0.05):
                self.most = max(self.most, sum(pss_kib(pid) for pid in self.pids))

    def peaks(self):
        """By process, in KiB."""
        return [int(re.search(r"^VmHWM:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text(),
                              re.M).group(1)) for pid in self.pids]


def fork_storm(part):
    forks = FORKS // part
    subprocess.run(["perl", "-e", FORK_STORM, str(forks)], check=True, stdin=subprocess.DEVNULL)
    return f"{forks} forks"


def big_execs(part):
    for _ in range(BIG_EXECS // part):
        subprocess.run(["/bin/true", *MEGABYTE], check=True, stdin=subprocess.DEVNULL)
    return f"{BIG_EXECS // part} execs with a megabyte of arguments each"


def half_open_sequences(part):
    """Logins of accounts that differ, as a login program sends them; no faster than they are read."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 9) as audit:  # NETLINK_AUDIT
        audit.bind((0, 0))
        for number in range(MESSAGES // part):
            text = (f'op=login acct="user{number}" exe="/usr/sbin/logs-in" hostname=? addr=? '
                    "terminal=ssh res=success\0").encode()
            # No acknowledgement is asked for: NLM_F_REQUEST.
            audit.send(struct.pack("=LHHLL", 16 + len(text), AUDIT_USER_LOGIN, 1, number, 0) + text)
            if number % 2000 == 0:
                harness.wait_for("the backlog does not empty",
                                 lambda: harness.audit_status()["backlog"] < 2000)
    return f"{MESSAGES // part * RULES} half-open sequences"


def test(arguments, directory):
    sanitized = feeding.is_sanitized(arguments["program"])
    # Ten times slower, and its memory is looked at for other mistakes.
    part = 10 if sanitized else 1
    with harness.Network() as network:
        techniques = harness.Techniques(network, arguments["stageless"], directory)
        with Agent(arguments, directory, "unicast") as agent:
            loss.shell_is_found(agent, techniques)
            watch = Watch(agent.processes())
            for storm in (fork_storm, big_execs, half_open_sequences):
                began = time.monotonic()
                done = storm(part)
                # Behind all that the storm left in the ring.
                loss.shell_is_found(agent, techniques, PATIENCE)
                print(f"  {done}: {time.monotonic() - began:.0f} s, the program takes {watch.most >> 10} MiB at "
                      f"most (each process {[kib >> 10 for kib in watch.peaks()]}), told: {agent.gaps()}", flush=True)
                if not sanitized:
                    expect(max(watch.most, *watch.peaks()) <= CEILING << 10,
                           f"{watch.most} KiB, by process {watch.peaks()}: more than {CEILING} MiB")
            watch.over.set()
            expect(agent.stop() == 0, f"the program did not end well:\n{agent.text()}")
            expect(sanitized or "memory" in agent.gaps(), f"nothing was let go, or it is not told: {agent.gaps()}")
            told = agent.gaps().get("memory", (0, False))[0]
            print(f"  told in all: {told} pending matches and processes were let go")
    if sanitized:
        print("  a sanitizer's allocations are several times as large: the ceiling was not looked at")


if __name__ == "__main__":
    harness.main("fault.memory", test)
