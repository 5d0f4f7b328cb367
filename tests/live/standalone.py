#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The program alone on the kernel's feeds: two techniques become alerts in rsyslog's file, and the
capture of the run replays to the same alerts."""

import os
import pathlib
import signal
import subprocess

import harness
from harness import expect


def replay(program, rules, capture):
    done = subprocess.run([program, "replay", "--config", "/dev/null", "--rules", rules, capture],
                          capture_output=True, stdin=subprocess.DEVNULL)
    expect(done.returncode == 0, f"replay ended with {done.returncode}: {done.stderr.decode()}")
    return done.stdout


def alerts_of_run(arguments, directory, techniques):
    program, rules = arguments["program"], arguments["rules"]
    capture, json_file = f"{directory}/run.capture", pathlib.Path(directory, "alerts.ndjson")
    with harness.Syslog(directory) as syslog, harness.Process(
            program, *harness.RUN, "--rules", rules, "--feed", "unicast",
            "--require", "audit,proc_connector", "--syslog", syslog.socket, "--json-file",
            str(json_file), "--capture", capture, log=f"{directory}/run.log") as run:
        run.wait_for_line("started")
        expect(harness.audit_status()["pid"] == run.pid, "the program does not hold the feed")

        pid, parent = techniques.suspicious_binary()
        alert = syslog.wait_for_alert(harness.SUSPICIOUS_BINARY, pid)
        harness.check_suspicious_binary(alert, pid, parent)

        # A rotated file: the next alert goes to a new one.
        old = json_file.rename(f"{directory}/alerts.ndjson.1")
        os.kill(run.pid, signal.SIGHUP)
        run.wait_for_line("SIGHUP")

        pid, parent = techniques.suspicious_parent()
        alert = syslog.wait_for_alert(harness.SUSPICIOUS_PARENT, pid)
        harness.check_suspicious_parent(alert, pid, parent)

        expect(run.stop() == 0, f"the program did not end with 0:\n{run.text()}")
        expect("stopped after" in run.text(), f"no statistics at the end:\n{run.text()}")
    live = old.read_bytes() + json_file.read_bytes()
    expect(replay(program, rules, capture) == live,
           f"the capture replays to other alerts than {json_file} and {old}")


def alerts_of_record(arguments, directory, techniques):
    program, capture = arguments["program"], f"{directory}/record.capture"
    with harness.Process(program, "record", "--config", "/dev/null", capture,
                         log=f"{directory}/record.log") as record:
        record.wait_for_line("started")
        pids = {harness.SUSPICIOUS_BINARY: techniques.suspicious_binary()[0],
                harness.SUSPICIOUS_PARENT: techniques.suspicious_parent()[0]}
        expect(record.stop(signal.SIGINT) == 0, f"record failed:\n{record.text()}")
    expect(os.stat(capture).st_mode & 0o777 == 0o600, "others may read the capture")
    alerts = [harness.json.loads(line)
              for line in replay(program, arguments["rules"], capture).splitlines()]
    for rule, pid in pids.items():
        expect(any(a["rule"]["id"] == rule and pid in harness.pids_of(a) for a in alerts),
               f"the recording replays without an alert of {rule} for pid {pid}")


def test(arguments, directory):
    with harness.Network() as network:
        techniques = harness.Techniques(network, arguments["stageless"], directory)
        alerts_of_run(arguments, directory, techniques)
        alerts_of_record(arguments, directory, techniques)


if __name__ == "__main__":
    harness.main("live.standalone", test)
