#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""record.py PROGRAM OUT [NAME…]: runs the scenarios one by one, records each with `audisp-eql
record` and keeps the lines of its own processes: OUT/attack/NAME.capture.gz,
OUT/benign/NAME.capture.gz and what is known of each in OUT/labels.json. An attack that nobody
answered is not kept."""

import argparse
import fcntl
import http.client
import json
import pathlib
import sys
import tempfile
import threading
import time

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent),
                str(pathlib.Path(__file__).resolve().parent.parent)]
import harness
import tables
from harness import CLIENT, CLIENT6, SERVER, SERVER6, Failure
from recording import Recording
from scenarios import Attack, Scene
from stage import Stage, end, pids_in

# Others wait for the same lock.
HOLD = 150.0
# Ends of processes are told after a record that is later than they are.
LINGER = 0.3


def record(program, stage, scenes, out):
    """Runs these at the same time; [(scene, label, problem)], one of the two being None."""
    found = []
    with tempfile.TemporaryDirectory() as directory:
        raw = f"{directory}/raw.capture"
        command = [program, "record", "--config", "/dev/null", "--feed", "unicast", raw]
        try:
            with harness.Process(*command, log=f"{directory}/record.log") as run:
                run.wait_for_line("started")
                threads = [threading.Thread(target=perform, args=(scene, found))
                           for scene in scenes]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
                time.sleep(LINGER)
                end(pids_in(stage.network.client) - stage.daemons)
                time.sleep(LINGER)
                if run.stop() != 0:
                    raise Failure(run.text())
        finally:
            end(pids_in(stage.network.client) - stage.daemons)
            end(pids_in(stage.network.server) - stage.operators)
            for scene in scenes:
                scene.clear()
        return [(scene, None, problem) if problem else
                (scene, keep(scene, outcome, raw, len(scenes) > 1, out), None)
                for scene, outcome, problem in found]


def perform(scene, found):
    reason = scene.missing()
    if reason:
        found.append((scene, None, f"skipped: {reason}"))
        return
    try:
        outcome = scene.attack() if isinstance(scene.scenario, Attack) else scene.work()
        found.append((scene, outcome, None))
    except (Failure, OSError, http.client.HTTPException) as problem:
        found.append((scene, None, problem))


def keep(scene, outcome, raw, of_several, out):
    """Writes the recording; its label."""
    scenario = scene.scenario
    recording = Recording.read(raw, scene.stage.daemons, outcome.root if of_several else None)
    kind = out / ("attack" if isinstance(scenario, Attack) else "benign")
    kind.mkdir(parents=True, exist_ok=True)
    recording.write(kind / f"{scenario.name}.capture.gz")
    return label_of(scenario, scene, outcome, recording)


def label_of(scenario, scene, outcome, recording):
    label = {"name": scenario.name, "label": "benign", "family": scenario.family,
             "parent_chain": scenario.chain, "command": scene.fill(scenario.command),
             "files": [f"{scenario.name}.capture.gz"]}
    if not isinstance(scenario, Attack):
        return label | {"lookalike": scenario.looks_like} | (
            {"twin": scenario.twin} if scenario.twin else {})
    connecting = recording.connecting({SERVER, SERVER6})
    if not connecting:
        connecting = recording.accepting_blindly()
    shells = {p for p in outcome.pids if p in recording.members} | set(recording.commanding())
    roots = {recording.ancestors(p)[-1] for p in shells | set(connecting) if recording.ancestors(p)}
    return label | {
        "label": "attack", "shape": scenario.shape,
        "dst": [SERVER6 if scenario.channel.endswith("6") else SERVER, scene.port],
        "connect_pids": connecting, "shell_pids": sorted(shells),
        "root_pids": [outcome.root] if outcome.root else sorted(roots), "unseen": scenario.unseen,
        "seconds": round(outcome.seconds, 1)}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program")
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--cache", default="/var/tmp/audisp-eql-techniques")
    parser.add_argument("--missing", action="store_true", help="only what OUT does not have")
    options = parser.parse_args()
    labels_file = options.out / "labels.json"
    labels = {}
    if labels_file.exists():
        labels = {label["name"]: label for label in json.loads(labels_file.read_text())}
    todo = [(i, s) for i, s in enumerate(tables.SCENARIOS)
            if not options.names or any(s.name == name or
                                        name.endswith("_") and s.name.startswith(name)
                                        for name in options.names)]
    if options.missing:
        todo = [(i, s) for i, s in todo if s.name not in labels]
    failed = 0
    while todo:
        with open(harness.LOCK, "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            reason = harness.reason_to_skip()
            if reason:
                print(f"waiting: {reason}", flush=True)
                fcntl.flock(lock, fcntl.LOCK_UN)
                time.sleep(5)
                continue
            audit, until = harness.AuditState(), time.monotonic() + HOLD
            try:
                with tempfile.TemporaryDirectory(prefix="sys-", dir="/tmp") as directory, \
                        Stage(directory, options.cache) as stage:
                    while todo and time.monotonic() < until:
                        together = todo[:1] if todo[0][1].patience <= HOLD else \
                            [t for t in todo if t[1].patience > HOLD]
                        todo = [t for t in todo if t not in together]
                        for scene, label, problem in record(
                                options.program, stage,
                                [Scene(stage, s, i) for i, s in together], options.out):
                            if label:
                                labels[label["name"]] = label
                            failed += problem is not None
                            print(f"{scene.scenario.name}: {problem or 'recorded'}", flush=True)
            finally:
                audit.put_back()
                labels_file.write_text("[\n" + ",\n".join(
                    json.dumps(labels[name]) for name in sorted(labels)) + "\n]\n")
        time.sleep(1)
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
