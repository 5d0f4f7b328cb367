#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Ends and beginnings. The program is stopped, or killed, and started again: it says how many audit
events nobody read in between. auditd is told to reload and to rotate its log between storms, stands
still in one, and is started anew, around the program as its plugin: nothing is missing, or it is
said, and a reverse shell is found after each. The program starts with every signal blocked and
ignored, and ends when it is told to."""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import loss  # noqa: E402
from loss import EVIDENCE_GAP, MARKERS, Agent, harness, plugin  # noqa: E402

expect = harness.expect
FOREIGN = ("-a", "always,exit", "-F", "arch=b64", "-S", "execve", "-F", "exe=/usr/bin/true", "-k",
           "fault-test-foreign")


class Survivor(Agent):
    """With a directory for what it must know the next time."""

    def __init__(self, arguments, directory, state):
        self.state = state
        super().__init__(arguments, directory, "unicast")

    def start(self, arguments, directory, feed, command):
        harness.Process.__init__(
            self, arguments["program"], *harness.RUN, "--state-dir", self.state,
            "--rules", arguments["rules"], "--syslog", "off", "--json-file", str(self.json),
            "--capture", str(self.capture), "--feed", feed, log=f"{directory}/{feed}.log")
        self.wait_for_line(r"started; \d+ processes")


def missed_between_runs(arguments, directory, number):
    """The program ends by this signal, programs start that somebody else has audited, and it is
    started again."""
    os.mkdir(directory)
    state = f"{directory}/state"
    os.mkdir(state)
    os.mkdir(f"{directory}/first")
    os.mkdir(f"{directory}/second")
    harness.sh("auditctl", "-e", "1")
    harness.sh("auditctl", *FOREIGN)
    try:
        with Survivor(arguments, f"{directory}/first", state) as agent:
            kept = pathlib.Path(state, "last-serial")
            harness.wait_for("the last serial number is not kept",
                             lambda: harness.run_programs(MARKERS) and kept.exists())
            agent.stop(number)
        pids = harness.run_programs(MARKERS)
        with Survivor(arguments, f"{directory}/second", state) as agent:
            count, _ = loss.is_told(agent, "restart")
            expect(count >= len(pids), f"{len(pids)} programs were started, told: {count} events")
            agent.stop()
    finally:
        harness.sh("auditctl", "-D", "-k", "fault-test-foreign")


def gaps_in(json_file):
    if not json_file.exists():
        return []
    documents = [json.loads(line) for line in json_file.read_text().splitlines(keepends=True)
                 if line.endswith("\n")]
    return [document["audisp_eql"]["gap"] for document in documents
            if document["rule"]["id"] == EVIDENCE_GAP]


def execs_in(capture):
    return {int(pid) for pid in re.findall(r"^type=SYSCALL .* syscall=59 .*? pid=(\d+) ",
                                           capture.read_text(errors="replace"), re.M)}


def around_the_plugin(arguments, directory, techniques):
    os.mkdir(directory)
    with harness.Syslog(directory) as syslog:
        for round_ in ("first", "second"):
            base = f"{directory}/{round_}"
            os.mkdir(base)
            json_file, capture = pathlib.Path(base, "alerts"), pathlib.Path(base, "run.capture")
            settings = {"rules": arguments["rules"], "syslog": syslog.socket, "state-dir": "off",
                        "json-file": json_file}
            with plugin.Auditd(base, arguments["program"], settings) as auditd:
                pid = auditd.wait_for_plugin()
                pids = harness.run_programs(MARKERS)
                os.kill(auditd.pid, signal.SIGHUP)
                pids += harness.run_programs(MARKERS)
                # The pipe to the program stands still, the kernel's backlog holds what happens.
                with loss.stopped([auditd.pid]):
                    pids += harness.run_programs(MARKERS)
                plugin.techniques_are_found(syslog, techniques)
                expect(auditd.plugin() == pid, "the program was started anew")
                time.sleep(2.5)  # an event that lacks its end is one after two seconds
                expect(auditd.stop() == 0, f"auditd did not end with 0:\n{auditd.text()}")
                harness.wait_for("the program outlives auditd", lambda: plugin.is_gone(pid))
            missing = len(set(pids) - execs_in(capture))
            told = sum(gap["count"] for gap in gaps_in(json_file))
            print(f"  {round_} auditd: {missing} of {len(pids)} execs did not come in, told: "
                  f"{gaps_in(json_file)}")
            expect(missing <= told, f"{missing} execs are missing, told: {told}")


class RotatingAuditd(plugin.Auditd):
    """In the background's ways, without a fork: in the foreground auditd writes no log, and does
    not survive being told to rotate it. Its plugins' messages go nowhere."""

    FLAG = "-n"
    CONFIG = plugin.AUDITD.replace("write_logs = no", "write_logs = yes")


def around_a_rotation(arguments, directory, techniques):
    os.mkdir(directory)
    with harness.Syslog(directory) as syslog:
        # auditd closes the directory of its log to others, and whoever sends alerts is another.
        directory = f"{directory}/auditd"
        os.mkdir(directory)
        json_file, capture = pathlib.Path(directory, "alerts"), pathlib.Path(directory, "run.capture")
        settings = {"rules": arguments["rules"], "syslog": syslog.socket, "state-dir": "off",
                    "json-file": json_file}
        with RotatingAuditd(directory, arguments["program"], settings) as auditd:
            harness.wait_for("auditd has not started the program", lambda: capture.exists() and
                             "type=HOST" in capture.read_text(errors="replace"))
            pid, log = auditd.plugin(), pathlib.Path(directory, "audit.log")
            pids = harness.run_programs(MARKERS)
            os.kill(auditd.pid, signal.SIGUSR1)
            harness.wait_for("auditd does not rotate its log", log.with_suffix(".log.1").exists)
            pids += harness.run_programs(MARKERS)
            plugin.techniques_are_found(syslog, techniques)
            expect(auditd.plugin() == pid, "the program was started anew")
            auditd.stop()
            harness.wait_for("the program outlives auditd", lambda: plugin.is_gone(pid))
        missing = len(set(pids) - execs_in(capture))
        told = sum(gap["count"] for gap in gaps_in(json_file))
        print(f"  rotation: {missing} of {len(pids)} execs did not come in, told: {told}")
        expect(missing <= told, f"{missing} execs are missing, told: {told}")


def with_signals_blocked(arguments, directory):
    os.mkdir(directory)
    for end in ("SIGTERM", "end of input"):
        ours, its = socket.socketpair()

        def deafen():
            for number in range(1, signal.NSIG):
                if number not in (signal.SIGKILL, signal.SIGSTOP, 32, 33):
                    signal.signal(number, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())

        with ours, its, open(f"{directory}/deaf.log", "wb") as log:
            started = subprocess.Popen(
                [arguments["program"], "run", "--config", "/dev/null", "--feed", "plugin",
                 "--state-dir", "off", "--rules", arguments["rules"], "--syslog", "off"],
                stdin=its, stderr=log, preexec_fn=deafen)
            its.close()
            text = pathlib.Path(log.name)
            try:
                harness.wait_for(lambda: f"it does not start:\n{text.read_text()}",
                                 lambda: "started;" in text.read_text())
                if end == "SIGTERM":
                    started.send_signal(signal.SIGTERM)
                else:
                    ours.close()
                code = started.wait(harness.PATIENCE)
                expect(code == 0, f"{end}: ended with {code}:\n{text.read_text()}")
            except subprocess.TimeoutExpired:
                raise harness.Failure(f"{end} does not end it:\n{text.read_text()}") from None
            finally:
                if started.poll() is None:
                    started.kill()
                    started.wait()


def test(arguments, directory):
    before = harness.audit_status()
    # The host's own part where auditd runs: a backlog that holds a storm.
    harness.sh("auditctl", "-b", "32768")
    try:
        missed_between_runs(arguments, f"{directory}/ended", signal.SIGTERM)
        missed_between_runs(arguments, f"{directory}/killed", signal.SIGKILL)
        harness.sh("auditctl", "-e", str(before["enabled"]))
        with harness.Network() as network:
            techniques = harness.Techniques(network, arguments["stageless"], directory)
            around_the_plugin(arguments, f"{directory}/plugin", techniques)
            around_a_rotation(arguments, f"{directory}/rotation", techniques)
        with_signals_blocked(arguments, f"{directory}/deaf")
    finally:
        # auditd enables audit and leaves it so; a killed program left its rules and settings.
        # One that still ends removes them, too.
        for key in set(re.findall(r"key=(audisp-eql[\w-]*)", harness.sh("auditctl", "-l"))):
            subprocess.run(["auditctl", "-D", "-k", key], capture_output=True)
        harness.sh("auditctl", "-e", str(before["enabled"]))
        harness.sh("auditctl", "-b", str(before["backlog_limit"]))
        harness.sh("auditctl", "--backlog_wait_time", str(before["backlog_wait_time"]))


if __name__ == "__main__":
    harness.main("fault.restart", test)
