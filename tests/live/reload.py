#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A running program reads its rules anew on SIGHUP: what waits for its second event goes on waiting
where the rule is the same, a set with a mistake is refused aloud, a changed rule starts anew."""

import os
import pathlib
import re
import shutil
import signal
import subprocess

import harness
from harness import expect

PAIR = "9d0e2d54-6d5b-4b7a-9c7a-0f1f6f2f7a01"
OTHER = "9d0e2d54-6d5b-4b7a-9c7a-0f1f6f2f7a02"


def rule(identity, query):
    return f"""\
[rule]
rule_id = "{identity}"
name = "rule {identity[-2:]}"
language = "eql"
type = "eql"
risk_score = 47
severity = "medium"
query = '''
{query}
'''
"""


class Stages:
    """A shell that runs two programs when it is told to, each once."""

    def __init__(self, directory):
        self.programs = [f"{directory}/stage-one", f"{directory}/stage-two"]
        for path in self.programs:
            shutil.copy("/bin/true", path)
            os.chmod(path, 0o755)

    def query(self, more=""):
        one, two = self.programs
        return f"""sequence by process.parent.entity_id with maxspan=5m
  [process where event.action == "exec" and process.executable == "{one}"]
  [process where event.action == "exec" and process.executable == "{two}"] {more}"""

    def run(self, number):
        """By a child of this process, so that both have one parent."""
        started = subprocess.Popen([self.programs[number - 1]], stdin=subprocess.DEVNULL)
        expect(started.wait(harness.PATIENCE) == 0, f"{self.programs[number - 1]} failed")
        return started.pid


def reload(run, answers):
    """Sends SIGHUP and waits for the answer, which must be a new line."""
    before = len(re.findall(answers, run.text()))
    os.kill(run.pid, signal.SIGHUP)
    harness.wait_for(lambda: f"no new line '{answers}':\n{run.text()}",
                     lambda: len(re.findall(answers, run.text())) > before)


def test(arguments, directory):
    rules = pathlib.Path(directory, "rules")
    rules.mkdir()
    stages = Stages(directory)
    (rules / "pair.toml").write_text(rule(PAIR, stages.query()))
    with harness.Syslog(directory) as syslog, harness.Process(
            arguments["program"], *harness.RUN, "--rules", str(rules), "--feed",
            "unicast", "--require", "audit,proc_connector", "--syslog", syslog.socket,
            log=f"{directory}/run.log") as run:
        run.wait_for_line("started")

        # A new rule comes between the two stages.
        stages.run(1)
        (rules / "another.toml").write_text(
            rule(OTHER, 'process where event.action == "exec" and some.other.name == "x"'))
        reload(run, "rules: .* 2 loaded.* 1 new or changed, 0 gone; 0 pending")
        pid = stages.run(2)
        syslog.wait_for_alert(PAIR, pid)

        # A mistake: told with its place, and nothing changes.
        stages.run(1)
        broken = rules / "another.toml"
        sound = broken.read_text()
        broken.write_text(sound.replace("some.other.name ==", "some.other.name ="))
        reload(run, "kept the rules loaded at ")
        expect(f"{broken}:9:" in run.text(), f"the mistake's place is not told:\n{run.text()}")
        pid = stages.run(2)
        syslog.wait_for_alert(PAIR, pid)

        # Mended, and the sequence itself is another: it starts anew.
        broken.write_text(sound)
        stages.run(1)
        (rules / "pair.toml").write_text(rule(PAIR, stages.query("// changed")))
        reload(run, "rules: .* 1 new or changed, 0 gone; 1 pending")
        lonely = stages.run(2)
        stages.run(1)
        pid = stages.run(2)
        syslog.wait_for_alert(PAIR, pid)
        expect(not any(lonely in harness.pids_of(alert) for alert in syslog.alerts()),
               "what was pending of the changed rule has lived on")
        expect(len(syslog.alerts()) == 3, f"other alerts: {syslog.alerts()}")
        expect(run.stop() == 0, f"the program did not end with 0:\n{run.text()}")


if __name__ == "__main__":
    harness.main("live.reload", test)
