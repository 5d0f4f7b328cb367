#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""confined.py PROGRAM [EXECS [ROUNDS]]: what the second process costs. In turns with confine = off
and auto the program watches the kernel's feeds alone, while EXECS programs start as fast as they can;
then some alerts are timed, from before the fork of their program to the line at the syslog socket.
CPU is user and system time of all its processes for the storm, latencies are medians. As root, where
nobody holds the audit feed."""

import json
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "live"))
import harness  # noqa: E402
from harness import expect  # noqa: E402

ALERTS = 50
RULE = """\
[rule]
rule_id = "66666666-6666-4666-8666-666666666666"
name = "marker"
language = "eql"
type = "eql"
risk_score = 1
severity = "low"
query = 'process where event.action == "exec" and process.name == "marker"'
"""


def cpu_seconds(pid):
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    ticks = 0
    for one in [pid, *map(int, children)]:
        fields = pathlib.Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def storm(count):
    """One after another, by a shell: as fast as one CPU forks."""
    loop = f"i=0; while [ $i -lt {count} ]; do /bin/true; i=$((i+1)); done"
    subprocess.run(["/bin/sh", "-c", loop], check=True, stdin=subprocess.DEVNULL)


def latency(receiver, marker):
    began = time.monotonic()
    with subprocess.Popen([marker], stdin=subprocess.DEVNULL) as started:
        while True:
            line = receiver.recv(1 << 16).decode()
            if "{" in line and json.loads(line[line.index("{"):])["process"].get("pid") == started.pid:
                return time.monotonic() - began


def one_round(program, directory, mode, execs):
    receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    receiver.settimeout(harness.PATIENCE)
    path = f"{directory}/syslog"
    pathlib.Path(path).unlink(missing_ok=True)
    receiver.bind(path)
    os.chmod(path, 0o666)
    with receiver, harness.Process(
            program, *harness.RUN, "--rules", f"{directory}/rules", "--feed", "unicast", "--syslog", path,
            "--state-dir", "off", "--confine", mode, log=f"{directory}/{mode}.log") as run:
        run.wait_for_line("started")
        latency(receiver, f"{directory}/marker")
        before = cpu_seconds(run.pid)
        storm(execs)
        latency(receiver, f"{directory}/marker")  # all before it is worked off
        cpu = cpu_seconds(run.pid) - before
        times = [latency(receiver, f"{directory}/marker") for _ in range(ALERTS)]
        expect(run.stop() == 0, run.text())
    return cpu, statistics.median(times)


def test(arguments, directory):
    execs = int(arguments.get("stageless", 20000))
    rounds = int(arguments.get("rules", 3))
    os.mkdir(f"{directory}/rules")
    pathlib.Path(directory, "rules/marker.toml").write_text(RULE)
    harness.shutil.copy("/bin/true", f"{directory}/marker")
    figures = {"off": [], "auto": []}
    for _ in range(rounds):
        for mode, found in figures.items():
            found.append(one_round(arguments["program"], directory, mode, execs))
    for mode, found in figures.items():
        print(f"confine = {mode}: {statistics.median(cpu for cpu, _ in found) / execs * 1e6:.1f} us of CPU "
              f"an exec, {statistics.median(late for _, late in found) * 1e3:.2f} ms to the alert")


if __name__ == "__main__":
    harness.main("bench.confined", test)
