#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Somebody tampers with audit while the program watches the real kernel: audit rules are removed
again and again, audit is switched off, the backlog shrunk, the program killed. Each is an alert
that names the actor; the program restores its rules three times, and then keeps peace.

AUDISP_EQL_WAR: for how many seconds rules are removed (default: until the program stands down),
AUDISP_EQL_WAR_EVERY: how many lie between two removals (default: 4)."""

import collections
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "live"))
import harness  # noqa: E402
from harness import expect, wait_for  # noqa: E402

# Three looks of five seconds, on a machine that does much else.
PATIENCE = 120.0
WAR = float(os.environ.get("AUDISP_EQL_WAR", "0"))
WAR_EVERY = float(os.environ.get("AUDISP_EQL_WAR_EVERY", "4"))


class Alerts:
    def __init__(self, path):
        self.path = pathlib.Path(path)

    def all(self):
        text = self.path.read_text() if self.path.exists() else ""
        return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]

    def named(self, name):
        return [alert for alert in self.all() if alert["rule"]["name"] == name]

    def wait_for(self, name, count=1):
        return wait_for(lambda: f"no {count} alerts '{name}':\n{self.path.read_text()[-3000:]}",
                        lambda: (found := self.named(name))[count - 1:] and found, PATIENCE)


def own_rules():
    return [line for line in harness.sh("auditctl", "-l").splitlines() if "key=audisp-eql" in line]


def delete_rules():
    """What another audit client does that thinks it is alone; but others' rules are not the test's."""
    if len(own_rules()) == len(harness.sh("auditctl", "-l").splitlines()):
        harness.sh("auditctl", "-D")
        return
    for key in sorted({key for line in own_rules()
                       for key in re.findall(r"key=(audisp-eql[\w-]*)", line)}):
        subprocess.run(["auditctl", "-D", "-k", key], capture_output=True)


def check_actor(alert):
    expect(alert["process"]["executable"] == os.path.realpath(shutil.which("auditctl")),
           f"another actor: {alert}")
    expect(alert["process"]["pid"] > 1 and alert["audisp_eql"]["audit"]["serial"] > 0,
           f"no pid, no record: {alert}")
    auid = pathlib.Path("/proc/self/loginuid").read_text().strip()
    expect(alert.get("user", {}).get("audit", {}).get("id", "4294967295") == auid,
           f"another auid than {auid}: {alert}")


def war(run, alerts):
    loaded = len(own_rules())
    expect(loaded > 5, f"only {loaded} rules of ours")
    deletions, before = 0, len(run.text())
    began = time.monotonic()
    while (stood_down := alerts.named("The agent stood down")) == [] or time.monotonic() - began < WAR:
        expect(stood_down or time.monotonic() - began < max(WAR, PATIENCE), f"the war goes on:\n{run.text()}")
        # Who does not look whether there are any goes on when there are none.
        if WAR or own_rules():
            delete_rules()
            deletions += 1
        time.sleep(WAR_EVERY)
    if WAR:
        print(run.text()[before:], collections.Counter(alert["rule"]["name"] for alert in alerts.all()))
    gone = alerts.wait_for("Our audit rules are gone")
    expect(len(gone) == 3, f"{len(gone)} restorations in place of three")
    expect(run.text().count("are in force again") == 3, f"restored more often:\n{run.text()}")
    check_actor(gone[0])
    check_actor(alerts.named("The agent stood down")[0])
    if own_rules():
        delete_rules()
    time.sleep(12)  # two looks more
    expect(not own_rules(), "it loads its rules again, though it stood down")
    expect(len(alerts.named("The agent stood down")) == 1, "it says twice that it stood down")
    os.kill(run.pid, signal.SIGHUP)
    wait_for("SIGHUP loads the rules again", lambda: len(own_rules()) >= loaded, PATIENCE)
    return f"{deletions} removals of {loaded} rules, 3 restorations"


def status(program, socket):
    return json.loads(harness.sh(program, "status", "--output", "json", "--config", "/dev/null",
                                 "--status-socket", socket))


def settings(alerts, program, socket):
    harness.sh("auditctl", "-b", "8192")
    check_actor(alerts.wait_for("The audit backlog was shrunk")[0])
    harness.sh("auditctl", "-e", "0")
    check_actor(alerts.wait_for("Audit was switched off")[0])
    missing = alerts.wait_for("A required feed is missing")[0]
    expect("audit is switched off" in missing["message"], f"another reason: {missing}")
    harness.sh("auditctl", "-e", "1")
    harness.sh("auditctl", "-b", "32768")
    wait_for("audit is seen to be on again", lambda: not status(program, socket)["tampering"]["audit_off"],
             PATIENCE)


def files(alerts, rules):
    """A rule file is written to; the shell that did it is named."""
    changed = min(path for path in rules.glob("*.toml") if not path.name.endswith(".test.toml"))
    with subprocess.Popen(["/bin/sh", "-c", f"echo '# changed' >>{changed}"]) as writer:
        writer.wait()
    alert = alerts.wait_for("Rule files were changed")[0]
    expect(str(changed) in alert["message"], f"another file: {alert['message']}")
    process = alert.get("process", {})
    expect((process.get("executable"), process.get("pid")) ==
           (os.path.realpath("/bin/sh"), writer.pid), f"not the writer: {alert}")
    return alert["message"]


def maintained(run, alerts, program, socket):
    """Muted to one line, which says who and what."""
    before = len(alerts.named("Our audit rules are gone")) + len(
        alerts.named("Audit was switched off"))
    harness.sh(program, "maintenance", "10m", "--config", "/dev/null", "--status-socket", socket)
    alerts.wait_for("A maintenance was declared")
    harness.sh("auditctl", "-e", "0")
    wait_for("the change is counted", lambda: status(program, socket)["own_alerts"]["muted"] > 0,
             PATIENCE)
    harness.sh("auditctl", "-e", "1")
    harness.sh(program, "maintenance", "off", "--config", "/dev/null", "--status-socket", socket)
    over = alerts.wait_for("A declared maintenance is over")[0]
    expect("Audit was switched off x1" in over["message"], f"not counted: {over['message']}")
    expect(before == len(alerts.named("Our audit rules are gone")) + len(
        alerts.named("Audit was switched off")), "a maintenance mutes nothing")
    return over["message"]


def test(arguments, directory):
    program = arguments["program"]
    state = pathlib.Path(directory, "state")
    state.mkdir()
    rules = pathlib.Path(directory, "rules")
    shutil.copytree(arguments["rules"], rules)
    alerts, socket = Alerts(f"{directory}/alerts.json"), f"{directory}/status.socket"
    command = [program, "run", "--config", "/dev/null", "--rules", str(rules), "--feed",
               "unicast", "--require", "audit", "--syslog", "off", "--json-file", str(alerts.path),
               "--state-dir", str(state), "--status-socket", socket]
    with harness.Process(*command, log=f"{directory}/killed.log") as run:
        run.wait_for_line("started")
        print("war:", war(run, alerts), flush=True)
        settings(alerts, program, socket)
        print("settings: named their actor", flush=True)
        print("files:", files(alerts, rules), flush=True)
        print("maintenance:", maintained(run, alerts, program, socket), flush=True)
        pid = run.pid
        run.started.kill()
        run.started.wait()
    with harness.Process(*command, log=f"{directory}/run.log") as run:
        run.wait_for_line("started")
        told = alerts.wait_for("The agent was killed")[0]
        expect(told["audisp_eql"]["agent"]["pid"] == pid, f"another pid than {pid}: {told}")
        print("killed:", told["message"], flush=True)
        expect(run.stop() == 0, f"it did not end with 0:\n{run.text()}")
    # As the unit after a crash.
    config = pathlib.Path(directory, "clean.conf")
    config.write_text(f"state-dir = {state}\n")
    harness.sh(program, "audit-rules", "--remove", "--config", config)


if __name__ == "__main__":
    harness.main("fault.tamper", test)
