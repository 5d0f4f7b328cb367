#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""clock.py PROGRAM STAGELESS [CAPTURE]: the wall clock of a guest is stepped by an hour and by ten
minutes, both ways, between the stages of an attack. Stages ten minutes apart never match a rule of
one second, whatever the wall clock says; stages right after one another always do; and a shell
right after a step is found. The capture of the run replays to the same alerts.

With CAPTURE (of an earlier run, .gz) there is no guest: it is replayed and looked at in the same
way. AUDISP_EQL_KEEP_CAPTURE=FILE keeps the one of this run."""

import base64
import os
import pathlib
import shutil
import sys
import tempfile

import kernel
import steps
from kernel import HERE
from steps import Skip, expect, sh

APPLETS = ("sh", "mount", "mkdir", "grep", "sleep", "cat", "kill", "poweroff", "date", "ifconfig", "nc",
           "gzip", "base64", "rm", "usleep")
STAGES = "44444444-4444-4444-8444-444444444444"
SHELL = "55555555-5555-4555-8555-555555555555"
RULE = """\
[rule]
name = "{name}"
rule_id = "{id}"
language = "eql"
type = "eql"
risk_score = 1
severity = "low"
query = '''
{query}
'''
"""
RULES = {
    "stages": (STAGES, """sequence by process.parent.entity_id with maxspan=1s
  [process where event.action == "exec" and process.name == "stage-one"]
  [process where event.action == "exec" and process.name == "stage-two"]"""),
    "shell": (SHELL, """sequence by process.entity_id with maxspan=1s
  [process where event.action == "exec" and process.name : "update-*"]
  [network where event.action == "connection_attempted" and destination.port == 4444]
  [process where event.action == "exec" and process.name == "sh"]"""),
}


def write_rules(directory):
    directory.mkdir(parents=True)
    for name, (identity, query) in RULES.items():
        (directory / f"{name}.toml").write_text(RULE.format(name=name, id=identity, query=query))


def make_root(root, program, stageless):
    for directory in ("bin", "proc", "sys", "dev", "etc"):
        (root / directory).mkdir(parents=True)
    busybox = shutil.which("busybox")
    for applet in APPLETS:
        os.symlink("busybox", root / "bin" / applet)
    kernel.add_program(root, busybox, "bin/busybox")
    kernel.add_program(root, program, "bin/audisp-eql")
    for name in ("update-forward", "update-backward"):
        kernel.add_program(root, stageless, f"bin/{name}")
    for name in ("stage-one", "stage-two"):
        kernel.add_program(root, "/bin/true", f"bin/{name}")
    write_rules(root / "rules")
    (root / "etc/passwd").write_text("root:x:0:0::/:/bin/sh\n")
    (root / "etc/group").write_text("root:x:0:\n")
    (root / "etc/machine-id").write_text("0123456789abcdef0123456789abcdef\n")
    shutil.copy(HERE / "clock_init", root / "init")


def check(alerts):
    first = [(alert["rule"]["id"], alert["audisp_eql"]["sequence"][0]["process"]["args"])
             for alert in alerts if alert["rule"]["id"] in (STAGES, SHELL)]
    stages = [args[-1] for rule, args in first if rule == STAGES]
    shells = [args[0] for rule, args in first if rule == SHELL]
    expect(stages == ["forward", "backward", "last"], f"stages that matched: {stages}")
    expect(shells == ["update-forward", "update-backward"], f"shells that were found: {shells}")


def replayed(program, rules, capture):
    return sh(program, "replay", "--config", "/dev/null", "--rules", rules, capture)


def in_guest(program, stageless, directory):
    missing = [tool for tool in ("qemu-system-x86_64", "busybox", "cpio", "dpkg-deb", "ldd")
               if shutil.which(tool) is None]
    if missing:
        raise Skip(f"{missing[0]} is not installed")
    if os.uname().machine != "x86_64":
        raise Skip("the guest is of x86-64 only")
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache"),
                         "audisp-eql-guest")
    sh("dpkg-deb", "-x", kernel.kernel_package(cache), directory / "kernel")
    make_root(directory / "root", program, stageless)
    os.environ["AUDISP_EQL_GUEST_ACCEL"] = "tcg"  # a processor's own clock can't be skipped
    image = next((directory / "kernel/boot").glob("vmlinuz-*"))
    kernel.PATIENCE = 1500
    # Time is the count of instructions, and what nobody computes in is skipped.
    said = kernel.boot(directory, image, directory / "root", "-icount", "shift=2,sleep=off")
    expect("ended with 0" in said["result"], said["log"])
    capture = directory / "clock_steps.capture.gz"
    capture.write_bytes(base64.b64decode(said["capture.gz.base64"]))
    keep = os.environ.get("AUDISP_EQL_KEEP_CAPTURE")
    if keep:
        shutil.copy(capture, keep)
    check(kernel.events(said["alerts"]))
    # What the agent says on its own account is none of a replay's.
    live = "".join(line + "\n" for line in said["alerts"].splitlines()
                   if line.startswith("{") and '"dataset":"audisp_eql.agent"' not in line)
    expect(replayed(program, directory / "root/rules", capture) == live,
           "the capture replays to other alerts than those of the run")


def main():
    program, stageless = (pathlib.Path(word).resolve() for word in sys.argv[1:3])
    with tempfile.TemporaryDirectory(prefix="audisp-eql-guest.") as name:
        directory = pathlib.Path(name)
        if len(sys.argv) > 3:
            write_rules(directory / "rules")
            check(kernel.events(replayed(program, directory / "rules", sys.argv[3])))
        else:
            in_guest(program, stageless, directory)


if __name__ == "__main__":
    steps.run("guest.clock", main)
