#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The program as plugin of a real auditd, which has a configuration directory of its own: both
techniques become alerts in rsyslog's file, also after auditd was told to reload and after auditd
had to start the program anew, and across an upgrade; the end of auditd is the end of the program."""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import time

import harness
from harness import expect

AUDITD = """\
local_events = yes
write_logs = no
log_file = {directory}/audit.log
log_group = root
log_format = ENRICHED
flush = NONE
max_log_file = 8
num_logs = 2
max_log_file_action = IGNORE
name_format = NONE
space_left = 75
space_left_action = IGNORE
admin_space_left = 50
admin_space_left_action = IGNORE
disk_full_action = IGNORE
disk_error_action = IGNORE
use_libwrap = no
priority_boost = 4
disp_qos = lossy
q_depth = 2000
overflow_action = IGNORE
max_restarts = 10
plugin_dir = {directory}/plugins.d
end_of_event_timeout = 2
"""

# The form of packaging/auditd-plugin.conf.in; auditd passes two arguments on and no more.
PLUGIN = """\
active = yes
direction = out
path = {program}
type = always
args = --config={directory}/audisp-eql.conf --capture={directory}/run.capture
format = string
"""

# As harness.RUN.
UNFOLDED = {"fold-window": "off", "status-socket": "off"}


class Auditd(harness.Process):
    """A real auditd in the foreground. It holds the feed and starts the program."""

    FLAG, CONFIG = "-f", AUDITD

    def __init__(self, directory, program, settings, other_plugins=None):
        """other_plugins: what else stands in plugins.d, or in the place of the program's
        audisp-eql.conf: text by file name."""
        base = pathlib.Path(directory)
        plugins = base / "plugins.d"
        plugins.mkdir(mode=0o750)
        files = {
            base / "auditd.conf": self.CONFIG.format(directory=directory),
            plugins / "audisp-eql.conf": PLUGIN.format(program=program, directory=directory),
            base / "audisp-eql.conf": "".join(
                f"{k} = {v}\n" for k, v in (settings | UNFOLDED).items()),
        }
        files |= {plugins / name: text for name, text in (other_plugins or {}).items()}
        for path, text in files.items():
            path.write_text(text)
            path.chmod(0o640)
        self.program = program
        super().__init__("auditd", self.FLAG, "-c", directory, log=base / "auditd.log",
                         stdout=subprocess.DEVNULL)

    def plugin(self, program=None):
        """The pid of the program (or of another plugin's) that auditd runs now; None if there is
        none."""
        # The thread that starts a plugin anew is another one than main's.
        with contextlib.suppress(OSError):
            for thread in pathlib.Path(f"/proc/{self.pid}/task").iterdir():
                for child in (thread / "children").read_text().split():
                    # Between fork and exec it is auditd still.
                    with contextlib.suppress(OSError):
                        if os.readlink(f"/proc/{child}/exe") == os.path.realpath(
                                program or self.program):
                            return int(child)
        return None

    def wait_for_plugin(self, start=1):
        """The pid of the program when it reads, for the nth time."""

        def ask():
            if self.started.poll() is not None:
                raise harness.Failure(f"auditd ended with {self.started.returncode}:\n"
                                      f"{self.text()}")
            return self.text().count("started;") >= start and self.plugin()

        return harness.wait_for(lambda: f"auditd has not started the program:\n{self.text()}", ask)


def own_rules():
    return "audisp-eql-exec" in harness.sh("auditctl", "-l")


def blocked_signals(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("SigBlk:"):
            return int(line.split()[1], 16)
    return None


def is_gone(pid):
    return not os.path.exists(f"/proc/{pid}")


def has_ended(program):
    """True if no process of it is left, the confined ones included."""
    for exe in pathlib.Path("/proc").glob("[0-9]*/exe"):
        with contextlib.suppress(OSError):
            if os.readlink(exe) == os.path.realpath(program):
                return False
    return True


def techniques_are_found(syslog, techniques):
    pid, parent = techniques.suspicious_binary()
    alert = syslog.wait_for_alert(harness.SUSPICIOUS_BINARY, pid)
    harness.check_suspicious_binary(alert, pid, parent)
    pid, parent = techniques.suspicious_parent()
    alert = syslog.wait_for_alert(harness.SUSPICIOUS_PARENT, pid)
    harness.check_suspicious_parent(alert, pid, parent)


def alerts_as_plugin(arguments, directory, techniques):
    os.mkdir(directory)
    program, rules = arguments["program"], arguments["rules"]
    capture, json_file = f"{directory}/run.capture", pathlib.Path(directory, "alerts.ndjson")
    with harness.Syslog(directory) as syslog:
        settings = {"rules": rules, "syslog": syslog.socket, "json-file": json_file,
                    "require": "audit,proc_connector"}
        with Auditd(directory, program, settings) as auditd:
            plugin = auditd.wait_for_plugin()
            expect(harness.audit_status()["pid"] == auditd.pid, "auditd does not hold the feed")
            rules_now = harness.sh("auditctl", "-l").splitlines()
            expect("never,exit" in rules_now[0] and "audisp-eql-self" in rules_now[0],
                   f"the program is not excluded from its own rules: {rules_now[0]}")
            techniques_are_found(syslog, techniques)

            # What a host does that loads its rules file after auditd.
            harness.sh("auditctl", "-D", "-k", "audisp-eql-exec")
            harness.wait_for(lambda: f"removed rules did not come back:\n{auditd.text()}", own_rules)

            os.kill(auditd.pid, signal.SIGHUP)
            time.sleep(0.5)  # auditd tells its plugins by a signal, which leaves no other trace
            techniques_are_found(syslog, techniques)
            expect(auditd.plugin() == plugin, "the program did not survive auditd's reload")

            expect(auditd.stop() == 0, f"auditd did not end with 0:\n{auditd.text()}")
            harness.wait_for("the program outlives auditd", lambda: is_gone(plugin), 5.0)
    expect(not own_rules(), "rules of ours were left")
    replayed = subprocess.run(
        [program, "replay", "--config", "/dev/null", "--rules", rules, capture],
        capture_output=True, stdin=subprocess.DEVNULL)
    expect(replayed.returncode == 0, f"replay failed: {replayed.stderr.decode()}")
    expect(replayed.stdout == json_file.read_bytes(),
           f"{capture} replays to other alerts than {json_file}")


def auditd_starts_it_anew(arguments, directory, techniques):
    """auditd 3.0 starts a plugin anew with six signals blocked, TERM among them."""
    os.mkdir(directory)
    with harness.Syslog(directory) as syslog:
        settings = {"rules": arguments["rules"], "syslog": syslog.socket}
        with Auditd(directory, arguments["program"], settings) as auditd:
            first = auditd.wait_for_plugin()
            os.kill(first, signal.SIGKILL)

            # auditd notices when it has an event to give, and this makes one.
            harness.wait_for("auditd does not notice the program's end",
                             lambda: harness.sh("true") == "" and
                             "was restarted" in auditd.text())
            second = auditd.wait_for_plugin(start=2)
            expect(second != first, "the killed program lives")
            expect(blocked_signals(second) == 0, "signals stay blocked")
            techniques_are_found(syslog, techniques)
            os.kill(second, signal.SIGTERM)
            harness.wait_for("the program does not end on SIGTERM", lambda: is_gone(second), 5.0)
            expect(not own_rules(), "rules of ours were left")
            expect(auditd.stop() == 0, f"auditd did not end with 0:\n{auditd.text()}")
            # Of its last records auditd may have made one more start.
            harness.wait_for("a third start outlives auditd",
                             lambda: has_ended(arguments["program"]))
    expect(not own_rules(), "rules of ours were left by a third start")


# The shell is there before the upgrade and afterwards; /proc alone does not tell what it did.
ACROSS_AN_UPGRADE = """\
[rule]
name = "Twice by one shell"
rule_id = "6d8d3f6e-0f0b-4a37-9c64-6d6b7f3f7a01"
type = "eql"
query = '''
sequence by process.parent.entity_id with maxspan=1m
  [process where event.action == "exec" and process.args == "--before-the-upgrade"]
  [process where event.action == "exec" and process.args == "--after-the-upgrade"]
'''
severity = "low"
risk_score = 21
"""


def run_by(shell, argument):
    shell.stdin.write(f"/bin/true {argument}; echo done\n".encode())
    shell.stdin.flush()
    expect(shell.stdout.readline() == b"done\n", "the shell does not answer")


def upgraded_in_its_place(arguments, directory, techniques):
    """What began before the newer version took over goes on, and nothing is told twice."""
    os.mkdir(directory)
    rules, state = pathlib.Path(directory, "rules"), pathlib.Path(directory, "state")
    shutil.copytree(arguments["rules"], rules)
    (rules / "twice.toml").write_text(ACROSS_AN_UPGRADE)
    state.mkdir(mode=0o700)
    with harness.Syslog(directory) as syslog:
        file = pathlib.Path(directory, "alerts.ndjson")
        settings = {"rules": rules, "syslog": syslog.socket, "state-dir": state,
                    "json-file": file, "require": "audit,proc_connector"}
        with (Auditd(directory, arguments["program"], settings) as auditd,
              subprocess.Popen(["/bin/sh"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as shell):
            plugin = auditd.wait_for_plugin()
            run_by(shell, "--before-the-upgrade")
            pid, _ = techniques.suspicious_binary()
            syslog.wait_for_alert(harness.SUSPICIOUS_BINARY, pid)

            os.kill(plugin, signal.SIGUSR2)
            expect(auditd.wait_for_plugin(start=2) == plugin, "it is not the same process")
            expect("were worked off again" in auditd.text(), f"nothing was left:\n{auditd.text()}")
            expect(not (state / "handover.capture").exists(), "what was left lies there still")
            run_by(shell, "--after-the-upgrade")
            shell.stdin.close()
            harness.wait_for(
                lambda: f"what began before is not known:\n{auditd.text()}",
                lambda: [alert for alert in syslog.alerts()
                         if alert["rule"]["name"] == "Twice by one shell"])
            # In syslog it may be twice: the spool sends the last ones again, under their ids.
            told = [json.loads(line)["event"]["id"] for line in file.read_text().splitlines()]
            expect(told and len(told) == len(set(told)), f"an alert was made twice:\n{told}")
            techniques_are_found(syslog, techniques)
            expect(auditd.stop() == 0, f"auditd did not end with 0:\n{auditd.text()}")
            harness.wait_for("the program outlives auditd", lambda: is_gone(plugin), 5.0)
    expect(not own_rules(), "rules of ours were left")


def test(arguments, directory):
    before = harness.audit_status()
    # The host's own part where auditd runs: a backlog that holds a burst.
    harness.sh("auditctl", "-b", "8192")
    try:
        with harness.Network() as network:
            techniques = harness.Techniques(network, arguments["stageless"], directory)
            alerts_as_plugin(arguments, f"{directory}/alerts", techniques)
            auditd_starts_it_anew(arguments, f"{directory}/anew", techniques)
            upgraded_in_its_place(arguments, f"{directory}/upgrade", techniques)
    finally:
        # auditd enables audit and leaves it so.
        harness.sh("auditctl", "-e", str(before["enabled"]))
        harness.sh("auditctl", "-b", str(before["backlog_limit"]))


if __name__ == "__main__":
    harness.main("live.plugin", test)
