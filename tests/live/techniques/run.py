#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Really runs techniques and ordinary work below the daemons of a small host, with the agent and
our rules watching: every shell must answer its operator, every technique must be told of by an
alert of medium or more that names its processes, and ordinary work by none but the seeds'."""

import concurrent.futures
import json
import pathlib
import sys
import time
import tomllib

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent),
                str(pathlib.Path(__file__).resolve().parent.parent)]
import harness
import tables
from harness import Failure, expect
from recording import Recording
from scenarios import Attack, Scene
from stage import Stage, end, pids_in

SEEDS = {harness.SUSPICIOUS_BINARY, harness.SUSPICIOUS_PARENT}
MEDIUM = 47
# Most of a scenario is waiting; more at once and a slow machine's shells answer too late.
AT_ONCE = 8
# An end is told when an audit record that is later came, or after a second of silence.
LINGER = 1.5


class Result:
    def __init__(self, scene):
        self.scene, self.scenario = scene, scene.scenario
        self.outcome, self.problem, self.skipped = None, None, scene.missing()
        self.root, self.rules = None, set()

    def run(self):
        try:
            self.outcome = self.scene.attack() if self.is_attack else self.scene.work()
            self.root = self.outcome.root
        except (Failure, OSError) as problem:
            self.problem = str(problem)

    @property
    def is_attack(self):
        return isinstance(self.scenario, Attack)

    @property
    def seconds(self):
        return f"{self.outcome.seconds:.1f}" if self.outcome else ""


def in_parallel(results, at_once):
    """Those that wait for minutes begin first and are no part of the pool."""
    todo = [r for r in results if not r.skipped]
    slow = [r for r in todo if r.scenario.patience > harness.PATIENCE * 3]
    with concurrent.futures.ThreadPoolExecutor(len(slow) + 1) as waiting, \
            concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        done = [waiting.submit(r.run) for r in slow]
        done += [pool.submit(r.run) for r in todo if r not in slow]
        for one in done:
            one.result()


def find_roots(results, recording, stage):
    """A web server's child is known by its command."""
    started = {arguments[-1]: pid for pid, arguments in recording.executions()
               if arguments[:2] == ["sh", "-c"] and
               recording.parents.get(pid) in stage.daemons}
    for result in results:
        if result.outcome and result.root is None:
            result.root = started.get(result.scene.fill(result.scenario.command))
            if result.root is None:
                result.problem = "the web server's child is not in the recording"


def own_pids(result, recording):
    """A technique's: who connected, who is the shell, and all from them up to what the daemon
    started (the login shell, the job). Work's: all below the daemon."""
    branch = (recording.ancestors(result.root) or [result.root])[-1]
    everyone = {p for p in recording.parents if branch in recording.ancestors(p)}
    if not result.is_attack:
        return everyone
    peers = {harness.SERVER, harness.SERVER6}
    acting = (set(recording.connecting(peers)) | set(recording.accepting_blindly()) |
              set(recording.commanding()) | result.outcome.pids) & everyone
    return {p for actor in acting for p in recording.ancestors(actor)
            if result.root in recording.ancestors(p)}


def assign(results, alerts, recording):
    """The rules that named each scenario's processes."""
    alerts = [alert for alert in alerts if "sequence" in alert["audisp_eql"]]  # not the agent's own
    for result in results:
        if result.problem or result.skipped:
            continue
        pids = own_pids(result, recording)
        result.rules = {(alert["rule"]["id"], alert["rule"]["name"]) for alert in alerts
                        if alert["event"]["severity"] >= MEDIUM and
                        pids & harness.pids_of(alert)}


def show(results, title, answered):
    print(f"\n{title}")
    for result in results:
        names = "; ".join(sorted(name for _, name in result.rules)) or "-"
        if result.is_attack and result.scenario.unseen:
            names += f" ({result.scenario.unseen})"
        said = f"skipped: {result.skipped}" if result.skipped else result.problem or answered
        shape = getattr(result.scenario, "shape", " ")
        print(f"  {shape} {result.scenario.name:<32} {result.seconds:>6}  {said:<10} "
              f"{names}")


def is_false(result):
    return not result.scenario.twin and any(rule not in SEEDS for rule, _ in result.rules)


def judge(results, own_rules):
    problems = [f"{r.scenario.name}: {r.problem}" for r in results if r.problem]
    for result in results:
        if result.skipped or result.problem:
            continue
        if result.is_attack and own_rules:
            if not result.rules and not result.scenario.unseen:
                problems.append(f"{result.scenario.name}: no alert of medium or more names it")
            if result.rules and result.scenario.unseen:
                problems.append(f"{result.scenario.name}: is found, though it is said to be unseen")
        if not result.is_attack and not result.scenario.twin:
            problems += [f"{result.scenario.name}: a false alarm of '{name}'"
                         for rule, name in result.rules if rule not in SEEDS]
    return problems


def rule_ids(directory):
    return {tomllib.loads(path.read_text())["rule"]["rule_id"]
            for path in pathlib.Path(directory).glob("**/*.toml")
            if not path.name.endswith(".test.toml")}


def play(arguments, directory, scenarios, turn, at_once):
    """All of them before a live agent; each with the rules that named its processes."""
    capture, alerts_file = f"{directory}/run-{turn}.capture", f"{directory}/alerts-{turn}.json"
    command = [arguments["program"], *harness.RUN, "--feed", "unicast",
               "--rules", arguments["rules"], "--syslog", "off", "--json-file", alerts_file,
               "--capture", capture]
    cache = pathlib.Path(arguments["program"]).resolve().parent / "techniques"
    stage_directory = pathlib.Path(directory) / f"stage-{turn}"
    stage_directory.mkdir()
    pathlib.Path(directory).chmod(0o755)  # the web server's user goes through it
    with Stage(str(stage_directory), cache) as stage:
        results = [Result(Scene(stage, scenario, index)) for index, scenario in scenarios]
        try:
            with harness.Process(*command, log=f"{directory}/run-{turn}.log") as agent:
                agent.wait_for_line("started")
                in_parallel(results, at_once)
                time.sleep(LINGER)
                end(pids_in(stage.network.client) - stage.daemons)
                time.sleep(LINGER)
                expect(agent.stop() == 0, f"the agent failed:\n{agent.text()}")
        finally:
            end(pids_in(stage.network.client) - stage.daemons)
            for result in results:
                result.scene.clear()
        recording = Recording.read(capture, stage.daemons)
        find_roots(results, recording, stage)
    alerts = [json.loads(line) for line in pathlib.Path(alerts_file).read_text().splitlines()]
    assign(results, alerts, recording)
    return results


def to_repeat(results):
    """What did not come to its end, and techniques that nothing named."""
    return {r.scenario.name for r in results if not r.skipped and
            (r.problem or r.is_attack and not r.rules and not r.scenario.unseen)}


def verify(arguments, directory, chosen, at_once):
    """Plays the scenarios that chosen(scenario) takes; the results."""
    own_rules = rule_ids(arguments["rules"]) - SEEDS
    scenarios = [(i, s) for i, s in enumerate(tables.SCENARIOS) if chosen(s)]
    results = play(arguments, directory, scenarios, 1, at_once)
    # Several at a time on a busy machine, a shell's pauses are not always what they would be.
    if own_rules and (names := to_repeat(results)):
        print(f"Not found, or not at its end, at the first try; once more: {', '.join(sorted(names))}")
        again = {r.scenario.name: r for r in play(
            arguments, directory, [(i, s) for i, s in scenarios if s.name in names], 2,
            at_once)}
        results = [again.get(r.scenario.name, r) for r in results]
    attacks, works = ([r for r in results if r.is_attack is kind] for kind in (True, False))
    show(attacks, "Techniques: shape, name, seconds, whether the shell answered, rules", "answered")
    show(works, "Ordinary work: name, seconds, rules", "done")
    ran = [r for r in attacks if not r.skipped and not r.problem]
    print(f"\n{len(ran)} techniques answered, {sum(bool(r.rules) for r in ran)} of them found; "
          f"{len([r for r in works if not r.skipped and not r.problem])} workloads, "
          f"{sum(is_false(r) for r in works)} with a false alarm")
    if not own_rules:
        print("Only the seeds are loaded: what they miss is no failure.")
    problems = judge(results, own_rules)
    expect(not problems, "\n  " + "\n  ".join(problems))
    return results


def test(arguments, directory):
    verify(arguments, directory, lambda scenario: scenario.live, AT_ONCE)


if __name__ == "__main__":
    harness.main("live.techniques", test)
