#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Installs some 200 Debian packages, with their scripts and all that they depend on, in a chroot
while the agent watches with the rules, and lists every alert on what ran there. Exit code 1: a rule
other than the seeds raised one of medium or more. Needs root, mmdebstrap and a quarter of an hour.

The kernel's audit is held for one batch of packages at a time; what can be fetched before is."""

import argparse
import collections
import contextlib
import fcntl
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "techniques")]
import harness
from recording import Recording

SEEDS = {harness.SUSPICIOUS_BINARY, harness.SUSPICIOUS_PARENT}
MEDIUM = 47
BATCH = 25
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "HOME": "/root",
               "DEBIAN_FRONTEND": "noninteractive"}
# Packages that cannot be installed beside each other are tried one by one: the later one wins.
INSTALL = ["sh", "-c", "\"$@\" $PACKAGES || for p in $PACKAGES; do \"$@\" $p; done", "sh"]
APT = ["apt-get", "-q", "-y", "--no-install-recommends", "-o", "Dpkg::Options::=--force-confold",
       "-o", "APT::Keep-Downloaded-Packages=1"]


class Chroot:
    def __init__(self, place, log):
        self.root, self.log = pathlib.Path(place, "root"), log

    def make(self):
        if (self.root / "made").exists():
            return
        shutil.rmtree(self.root, ignore_errors=True)
        sources = [path for path in ("/etc/apt/sources.list.d/debian.sources",
                                     "/etc/apt/sources.list") if os.path.exists(path)]
        subprocess.run(["mmdebstrap", "--mode=root", "--variant=minbase", "--skip=cleanup/apt",
                        "--include=apt-utils,ca-certificates", "bookworm", str(self.root),
                        *sources[:1]], check=True, stdout=self.log, stderr=self.log)
        # No daemon is started: there is no init to look after it.
        policy = self.root / "usr/sbin/policy-rc.d"
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
        (self.root / "made").touch()

    def start(self, *command, packages=()):
        """In a mount namespace of its own, so that nothing stays mounted."""
        mounts = (f"mount -t proc proc {self.root}/proc; "
                  f"mount -t sysfs -o ro sysfs {self.root}/sys; "
                  f"mount --rbind /dev {self.root}/dev; exec chroot {self.root} \"$@\"")
        return subprocess.Popen(
            ["unshare", "-m", "sh", "-c", mounts, "sh", *command], stdin=subprocess.DEVNULL,
            env=ENVIRONMENT | {"PACKAGES": " ".join(packages)}, stdout=self.log, stderr=self.log,
            start_new_session=True)

    def run(self, *command, packages=()):
        return self.start(*command, packages=packages).wait()

    def installed(self):
        status = (self.root / "var/lib/dpkg/status").read_text(errors="replace")
        return status.count("\nStatus: install ok installed\n")


def packages(path, count):
    names = [line.strip() for line in path.read_text().splitlines()]
    return [name for name in names if name and not name.startswith("#")][:count]


def story(alert):
    lines = [f"{alert['rule']['name']}: severity {alert['event']['severity']}"]
    for event in harness.events_of(alert):
        process = event["process"]
        said = " ".join(process.get("args", [])) or process.get("executable", "?")
        lines.append(f"    {harness.first(event['event']['action'])}, pid {process['pid']}: "
                     f"{said[:150]}")
    ancestors = [harness.first(a.get("name", "?")) for a in alert["audisp_eql"].get("ancestry", [])]
    return "\n".join([*lines, f"    below {' < '.join(ancestors[:8])}"])


def watch(options, chroot, names, number):
    """Installs a batch under the agent; the alerts on what ran in it."""
    with tempfile.TemporaryDirectory() as directory:
        capture, alerts = f"{directory}/run.capture", pathlib.Path(directory, "alerts.json")
        command = [options.program, *harness.RUN, "--feed", "unicast", "--rules",
                   options.rules, "--syslog", "off", "--json-file", str(alerts), "--capture",
                   capture]
        with harness.Process(*command, log=f"{directory}/log") as agent:
            agent.wait_for_line("started")
            installing = chroot.start(*INSTALL, *APT, "install", packages=names)
            try:
                status = installing.wait()
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(installing.pid, signal.SIGTERM)
            time.sleep(1.5)
            harness.expect(agent.stop() == 0, agent.text())
            said = agent.text().strip().splitlines()[-1]
        recording = Recording.read(capture, {installing.pid})
        if options.keep:
            options.keep.mkdir(parents=True, exist_ok=True)
            recording.write(options.keep / f"packages_{number:02}.capture.gz")
        found = [json.loads(line) for line in alerts.read_text().splitlines()] \
            if alerts.exists() else []
        return status, len(list(recording.executions())), said, [
            alert for alert in found
            # The agent's own, on its health, are not about processes.
            if alert["audisp_eql"].get("sequence") and harness.pids_of(alert) & recording.members]


@contextlib.contextmanager
def kernel_audit():
    with open(harness.LOCK, "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        while (reason := harness.reason_to_skip()) is not None:
            print(f"breadth: waiting: {reason}", flush=True)
            time.sleep(5)
        audit = harness.AuditState()
        try:
            yield
        finally:
            audit.put_back()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program")
    parser.add_argument("rules")
    parser.add_argument("--place", default="/var/tmp/audisp-eql-breadth", type=pathlib.Path,
                        help="where the chroot is made (%(default)s)")
    parser.add_argument("--keep", type=pathlib.Path, help="write a recording of each batch here")
    parser.add_argument("--count", type=int, default=1000, help="only so many packages")
    parser.add_argument("--first", type=int, default=0, help=f"begin with this batch of {BATCH}")
    options = parser.parse_args()
    if os.geteuid() != 0 or shutil.which("mmdebstrap") is None:
        print("breadth: skipped: needs root and mmdebstrap")
        sys.exit(harness.SKIPPED)
    options.place.mkdir(parents=True, exist_ok=True)
    names = packages(HERE / "breadth.packages", options.count)[options.first * BATCH:]
    found, executions, failed = [], 0, []
    with open(options.place / "log", "ab", buffering=0) as log:
        chroot = Chroot(options.place, log)
        chroot.make()
        chroot.run("apt-get", "-q", "update")
        before = chroot.installed()
        for number in range(0, len(names), BATCH):
            batch = names[number:number + BATCH]
            chroot.run(*INSTALL, *APT, "install", "--download-only", packages=batch)
            with kernel_audit():
                status, count, said, alerts = watch(options, chroot, batch,
                                                     options.first + number // BATCH)
            executions += count
            found += alerts
            failed += batch if status else []
            print(f"{batch[0]} to {batch[-1]}: apt-get ended with {status}, {count} executions, "
                  f"{len(alerts)} alerts; {chroot.installed() - before} packages", flush=True)
            for alert in alerts:
                print(story(alert), flush=True)
            chroot.run("apt-get", "clean")
    counted = collections.Counter(alert["rule"]["name"] for alert in found)
    print(f"\n{chroot.installed() - before} packages of {len(names)} named and what they need, "
          f"{executions} executions, {len(found)} alerts")
    for name, count in counted.most_common():
        print(f"  {count:4} {name}")
    if failed:
        print(f"Not all installed: {' '.join(failed)}")
    sys.exit(any(a["event"]["severity"] >= MEDIUM and a["rule"]["id"] not in SEEDS for a in found))


if __name__ == "__main__":
    main()
