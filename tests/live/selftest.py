#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""selftest says "detected" on a sound host, as a program of its own and as auditd's plugin, and
names the broken stage under each of nine faults; doctor sees them too, in JSON that parses
strictly. Both leave audit as it was."""

import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import time

import harness
import plugin
from harness import expect

LIMIT = 15.0
SANITIZED = "ASAN_OPTIONS" in os.environ  # set where tests/run runs such a build

OTHER_RULE = """\
[rule]
rule_id = "9d0e2d54-6d5b-4b7a-9c7a-0f1f6f2f7a09"
name = "another technique"
language = "eql"
type = "eql"
risk_score = 47
severity = "medium"
query = '''
process where event.action == "exec" and process.name == "no-such-program"
'''
"""

EXCEPTION = """\
[[exception]]
id = "too-wide"
comment = "somebody wanted peace"
entries = [{field = "process.executable", op = "wildcard", value = ["/tmp/*", "/var/tmp/*"]}]
"""


def selftest(arguments, *options):
    """Its exit code and what it said, within its time."""
    start = time.monotonic()
    done = subprocess.run([arguments["program"], "selftest", "--config", "/dev/null", *options],
                          capture_output=True, text=True, stdin=subprocess.DEVNULL)
    took = time.monotonic() - start
    # A loaded machine starts it late.
    expect(took < LIMIT or SANITIZED, f"selftest took {took:.1f} s: {done.stdout}{done.stderr}")
    return done.returncode, done.stdout.strip(), done.stderr


def answers(arguments, what, right, *options):
    """What it said, which is right. Its limits are for a program at its usual speed: a sanitizer
    on a loaded machine makes it ask again."""
    for _ in range(5 if SANITIZED else 1):
        code, text, errors = selftest(arguments, *options)
        if text and "\n" not in text and right(code, text):
            return text
        print(f"  not as expected: {code} {text}{errors}", flush=True)
    raise harness.Failure(f"expected {what}: {code} {text}{errors}")


def detected(arguments, *options):
    text = answers(arguments, "an alert", lambda code, text: code == 0 and
                   text.startswith("detected: "), *options)
    print(f"  no fault: {text}", flush=True)
    return text


def names(arguments, stage, words, *options, begin="not detected; "):
    text = answers(arguments, f"the stage '{stage}', '{words}' and what mends it",
                   lambda code, text: code == 1 and words in text and "; mend: " in text and
                   re.match(f"{begin}broken stage: {stage}: ", text), *options)
    print(f"  {text}", flush=True)


def doctor(arguments):
    """Its findings by their names: the worst of each."""
    done = subprocess.run([arguments["program"], "doctor", "--config", "/dev/null", "--output",
                           "json"], capture_output=True, stdin=subprocess.DEVNULL)

    def refuse(what):
        raise harness.Failure(f"doctor's JSON is not strict: {what}")

    def unique(pairs):
        expect(len(dict(pairs)) == len(pairs), f"a member stands twice: {pairs}")
        return dict(pairs)

    order = ["fine", "warning", "broken"]
    worst = {}
    for line in done.stdout.decode("utf-8", "strict").splitlines():
        finding = json.loads(line, parse_constant=refuse, object_pairs_hook=unique)
        expect(list(finding) == ["check", "verdict", "text", "mend"], f"other members: {line}")
        expect((finding["verdict"] == "fine") == (finding["mend"] == ""), f"without mending: {line}")
        old = worst.setdefault(finding["check"], finding["verdict"])
        worst[finding["check"]] = max(old, finding["verdict"], key=order.index)
    expect(len(worst) >= 20, f"doctor says little: {worst}")
    broken = "broken" in worst.values()
    expect(done.returncode == (1 if broken else 0), f"exit code {done.returncode}: {worst}")
    return worst


def finds(arguments, **verdicts):
    found = doctor(arguments)
    expect({name: found.get(name) for name in verdicts} == verdicts,
           f"doctor: expected {verdicts} in {found}")


@contextlib.contextmanager
def agent(arguments, directory, syslog, *options, rules=None, inside=()):
    log = f"{directory}/run.log"
    with harness.Process(*inside, arguments["program"], *harness.RUN, "--rules",
                         rules or arguments["rules"], "--feed", "unicast", "--syslog",
                         syslog.socket, *options, log=log) as run:
        run.wait_for_line("started")
        yield run
        run.started.send_signal(signal.SIGCONT)
        expect(run.stop() == 0, f"the program did not end with 0:\n{run.text()}")


def without_agent(arguments):
    names(arguments, "agent", "audisp-eql does not run")
    # Audit that is on, and read by nobody, fills the kernel's log.
    unread = "warning" if harness.audit_status()["enabled"] else "fine"
    finds(arguments, agent="warning", audit_holder=unread, proc_connector="fine")
    text = detected(arguments, "--standalone", "--rules", arguments["rules"])
    expect("alerts.ndjson" in text, f"a private agent has a private output: {text}")
    expect(harness.audit_status()["pid"] == 0, "the private agent lives on")


def faults_of_an_agent(arguments, directory):
    with harness.Syslog(directory) as syslog:
        look = ("--look-in", str(syslog.file))
        json_file = f"{directory}/alerts.ndjson"
        with agent(arguments, directory, syslog, "--json-file", json_file) as run:
            text = detected(arguments, *look)
            expect(str(syslog.file) in text and json_file in text, f"not in both outputs: {text}")
            finds(arguments, agent="fine", own_rules="fine", audit_enabled="fine", output="fine",
                  rules="fine", audit_holder="fine")

            harness.sh("auditctl", "-e", "0")
            names(arguments, "audit", "audit is disabled", *look)
            finds(arguments, audit_enabled="broken")
            harness.sh("auditctl", "-e", "1")

            # In front of ours: what it hides is not recorded.
            hide = ("never,exit", "-F", "arch=b64", "-S", "connect", "-k", "live-selftest")
            harness.sh("auditctl", "-A", *hide)
            try:
                names(arguments, "kernel audit rules", "the connection", *look)
                finds(arguments, never_exit="broken")
            finally:
                harness.sh("auditctl", "-d", *hide)

            os.kill(run.pid, signal.SIGSTOP)
            names(arguments, "agent", "is stopped", *look)
            finds(arguments, agent="broken")
            os.kill(run.pid, signal.SIGCONT)
            detected(arguments, *look)

        rules = pathlib.Path(directory, "other-rules")
        rules.mkdir()
        (rules / "other.toml").write_text(OTHER_RULE)
        with agent(arguments, directory, syslog, rules=str(rules)):
            names(arguments, "rules", "no rule of the agent finds the technique", *look)

        exceptions = pathlib.Path(directory, "exceptions.toml")
        exceptions.write_text(EXCEPTION)
        with agent(arguments, directory, syslog, "--exceptions", str(exceptions)):
            names(arguments, "exceptions", "too-wide", *look)


def connector_refused(arguments, directory):
    """In another network namespace the kernel gives audit, and refuses the proc connector."""
    with harness.Network() as network, harness.Syslog(directory) as syslog:
        with agent(arguments, directory, syslog, inside=network.inside()) as run:
            expect("proc connector: the kernel refuses" in run.text(),
                   f"it was not refused:\n{run.text()}")
            # What parents do is guessed from audit, so on most runs this technique is found all the
            # same; on a slow machine its processes are gone before /proc is asked about them.
            names(arguments, "proc connector", "another network namespace", "--look-in",
                  str(syslog.file), begin="(detected, and yet a|not detected;) ")
            finds(arguments, agent_connector="broken", network_namespace="warning")


def output_down(arguments, directory):
    with contextlib.ExitStack() as ends:
        syslog = ends.enter_context(harness.Syslog(directory))
        ends.enter_context(agent(arguments, directory, syslog))
        detected(arguments, "--look-in", str(syslog.file))
        expect(syslog.stop() == 0, "rsyslogd did not end")
        names(arguments, "output", syslog.socket, "--look-in", str(syslog.file))
        finds(arguments, output="broken")


class ImpatientAuditd(plugin.Auditd):
    CONFIG = plugin.AUDITD.replace("max_restarts = 10", "max_restarts = 1")


def plugin_of_auditd(arguments, directory):
    with harness.Syslog(directory) as syslog:
        settings = {"rules": arguments["rules"], "syslog": syslog.socket}
        with ImpatientAuditd(directory, arguments["program"], settings) as auditd:
            auditd.wait_for_plugin()
            detected(arguments, "--look-in", str(syslog.file))
            finds(arguments, plugin="fine", audit_holder="fine", agent="fine")
            kill_for_good(auditd)
            names(arguments, "plugin", "its plugin audisp-eql is dead", "--look-in",
                  str(syslog.file))
            finds(arguments, plugin="broken")
            expect(auditd.stop() == 0, f"auditd did not end with 0:\n{auditd.text()}")
    # Whoever is killed leaves its rules, if it had loaded them.
    harness.sh(arguments["program"], "audit-rules", "--remove", "--config", "/dev/null")


def kill_for_good(auditd):
    """auditd starts it anew when it has an event to give, max_restarts times. The confined process
    outlives a killed first one by what it still has to work off, and by its sanitizer's last look."""

    def ask():
        pid = auditd.plugin()
        if pid:
            os.kill(pid, signal.SIGKILL)
        for _ in range(3):
            # No exec: who is killed while it loads audit rules leaves too few to report one.
            harness.sh("auditctl", "-m", "live-selftest")
            time.sleep(0.1)
        return "exceeded max_restarts" in auditd.text() and plugin.has_ended(auditd.program)

    harness.wait_for(lambda: f"auditd starts it again and again:\n{auditd.text()}", ask)


def test(arguments, directory):
    before = harness.audit_status()
    try:
        without_agent(arguments)
        for number, part in enumerate((faults_of_an_agent, connector_refused, output_down,
                                       plugin_of_auditd)):
            place = f"{directory}/{number}"
            os.mkdir(place)
            part(arguments, place)
    finally:
        # auditd enables audit and leaves it so; a killed plugin leaves its rules.
        for key in ("audisp-eql-" + word for word in ("exec", "net", "accept", "tfo", "uring", "self")):
            subprocess.run(["auditctl", "-D", "-k", key], capture_output=True)
        harness.sh("auditctl", "-e", str(before["enabled"]))
        harness.sh("auditctl", "-b", str(before["backlog_limit"]))


if __name__ == "__main__":
    harness.main("live.selftest", test)
