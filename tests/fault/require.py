#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A feed that is required cannot be had: the program refuses to start, and an alert says so, once
for the same reason however often it is started."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import feeding
from feeding import expect

ID = "c5cd53dd-65a0-4157-8f72-2c0838837026"


def main():
    directory = feeding.directory_of_nobody("audisp-eql-require-")
    program = shutil.copy(sys.argv[1], directory)
    (directory / "rule.toml").write_text(feeding.RULE)
    alerts = pathlib.Path(directory, "alerts.json")
    # The kernel's audit feed is not for everybody.
    as_nobody = {"user": feeding.NOBODY, "group": feeding.NOBODY,
                 "extra_groups": []} if os.geteuid() == 0 else {}
    for _ in range(2):
        done = subprocess.run(
            [program, "run", "--config", "/dev/null", "--feed", "unicast", "--require", "audit", "--rules",
             directory / "rule.toml", "--syslog", "off", "--json-file", alerts, "--status-socket", "off",
             "--state-dir", directory / "state"],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=feeding.PATIENCE, **as_nobody)
        expect(done.returncode == 1, f"it ended with {done.returncode}: {done.stderr}")
    told = [json.loads(line) for line in alerts.read_text().splitlines()]
    told = [alert for alert in told if alert["rule"]["id"] == ID]
    expect(told and told[0]["message"].startswith("the agent did not start: "), f"alerts: {told}")
    expect(len({alert["event"]["id"] for alert in told}) == 1, f"several occasions: {told}")
    print(f"{told[0]['message']}\nfault.require: passed")
    shutil.rmtree(directory)


if __name__ == "__main__":
    try:
        main()
    except feeding.Failure as problem:
        sys.exit(f"fault.require: failed: {problem}")
