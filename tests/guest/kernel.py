#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kernel.py PROGRAM: a Debian kernel in a guest; modules, AppArmor and locked audit settings."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import steps
from steps import Failure, Skip, expect, sh

HERE = pathlib.Path(__file__).parent
PATIENCE = 500
TOOLS = ("qemu-system-x86_64", "busybox", "cpio", "auditctl", "apparmor_parser", "apt-get",
         "dpkg-deb", "ldd")
# A module that needs no other and no hardware, in every Debian kernel.
MODULE = "dummy"
SIGNATURE = b"~Module signature appended~\n"
APPLETS = ("sh", "mount", "mkdir", "grep", "sleep", "cat", "insmod", "rmmod", "kill", "poweroff")
RULE = """\
[rule]
name = "guest"
rule_id = "33333333-3333-4333-8333-333333333333"
language = "eql"
type = "eql"
risk_score = 1
severity = "low"
query = '''
any where event.action in ("load_module", "unload_module", "violated-apparmor-policy") or
  (event.action == "exec" and process.name == "witness") or
  process.Ext.load_module.taint_flags == "none"
'''
"""
PROFILE = """\
profile guarded /guarded/cat {
  /guarded/cat mr,
  /{usr/,}lib{,64}/** mr,
}
"""


def kernel_package(cache):
    named = os.environ.get("AUDISP_EQL_GUEST_KERNEL")
    if named:
        return pathlib.Path(named)
    kept = sorted(cache.glob("linux-image-*.deb"))
    if kept:
        return kept[-1]
    try:
        depends = sh("apt-cache", "depends", "linux-image-cloud-amd64")
        name = re.search(r"Depends: (linux-image-\d\S+)", depends)[1]
        cache.mkdir(parents=True, exist_ok=True)
        sh("apt-get", "download", name, cwd=cache)
    except (Failure, TypeError) as problem:
        raise Skip(f"the guest's kernel cannot be had: {problem}") from problem
    return sorted(cache.glob("linux-image-*.deb"))[-1]


def add_program(root, program, place):
    """A program and the libraries that it is linked with."""
    shutil.copy(program, root / place)
    done = subprocess.run(["ldd", program], capture_output=True, text=True)
    for library in re.findall(r"(/\S+) \(0x", done.stdout):
        target = root / library.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            shutil.copy(library, target)


def add_module(root, unpacked):
    """Without its signature, so that the kernel marks it."""
    found = next(iter(unpacked.rglob(f"{MODULE}.ko*")), None)
    if found is None or found.suffix != ".ko":
        raise Skip(f"the guest's kernel has no plain {MODULE}.ko")
    module = found.read_bytes()
    if module.endswith(SIGNATURE):
        # struct module_signature (linux/module_signature.h): its last word is the signature's size
        end = len(module) - len(SIGNATURE)
        size = int.from_bytes(module[end - 4:end], "big")
        module = module[:end - 12 - size]
    (root / "module.ko").write_bytes(module)
    (root / "module.name").write_text(MODULE)


def make_root(root, program, unpacked):
    for directory in ("bin", "proc", "sys", "dev", "rules", "guarded", "etc"):
        (root / directory).mkdir(parents=True)
    busybox = shutil.which("busybox")
    for applet in APPLETS:
        os.symlink("busybox", root / "bin" / applet)
    add_program(root, busybox, "bin/busybox")
    shutil.copy(busybox, root / "guarded/cat")
    add_program(root, program, "bin/audisp-eql")
    add_program(root, shutil.which("auditctl"), "bin/auditctl")
    add_program(root, shutil.which("apparmor_parser"), "bin/apparmor_parser")
    add_program(root, "/bin/true", "bin/witness")
    add_module(root, unpacked)
    (root / "rules/guest.toml").write_text(RULE)
    (root / "profile").write_text(PROFILE)
    (root / "secret").write_text("secret\n")
    (root / "etc/passwd").write_text("root:x:0:0::/:/bin/sh\n")
    (root / "etc/group").write_text("root:x:0:\n")
    (root / "etc/machine-id").write_text("0123456789abcdef0123456789abcdef\n")
    shutil.copy(HERE / "init", root / "init")


def boot(directory, kernel, root, *options):
    initrd = directory / "initrd"
    names = "\n".join(str(path.relative_to(root)) for path in sorted(root.rglob("*")))
    with open(initrd, "wb") as out:
        subprocess.run(["cpio", "-o", "-H", "newc", "-R", "0:0", "--quiet"], input=names.encode(),
                       stdout=out, cwd=root, check=True)
    console = directory / "console"
    accel = os.environ.get("AUDISP_EQL_GUEST_ACCEL", "tcg")
    command = ["qemu-system-x86_64", "-accel", accel, "-cpu", "host" if accel == "kvm" else "max",
               "-M", "q35", "-m", "512", "-nodefaults", "-no-user-config", "-display", "none",
               "-no-reboot", "-kernel", str(kernel), "-initrd", str(initrd), "-serial",
               f"file:{console}", "-append",
               "console=ttyS0 quiet panic=-1 audit=1 audit_backlog_limit=8192 apparmor=1 "
               "security=apparmor rdinit=/init", *options]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=PATIENCE)
    except subprocess.TimeoutExpired as problem:
        raise Failure(f"the guest did not end:\n{console.read_text(errors='replace')[-3000:]}"
                      ) from problem
    text = console.read_text(errors="replace").replace("\r\n", "\n")
    expect(done.returncode == 0 and "@@@ end" in text,
           f"the guest did not come to its end: {done.stderr.decode()}\n{text[-3000:]}")
    parts = re.split(r"^@@@ (\S+)\n", text, flags=re.M)
    expect("FAILED" not in parts[0], parts[0][-3000:])
    return dict(zip(parts[1::2], parts[2::2]))


def events(text):
    return [json.loads(line) for line in text.splitlines() if line.startswith("{")]


def has_action(event, action):
    actions = event["event"].get("action", [])
    return action in ([actions] if isinstance(actions, str) else actions)


def check(said):
    seen = events(said["first.ndjson"])

    def only(action):
        found = [event for event in seen if has_action(event, action)]
        expect(len(found) == 1, f"{len(found)} events {action}")
        return found[0]

    loaded = only("load_module")
    module = loaded["process"]["Ext"].get("load_module")
    expect(module == {"name": MODULE, "taint_flags": "E"}, f"the module is told as {module}")
    expect(loaded["event"]["category"] == ["process", "driver"] and
           loaded["auditd"]["data"]["name"] == MODULE and
           loaded["process"]["executable"] == "/bin/busybox",
           f"another module was loaded: {loaded}")
    expect(only("unload_module")["auditd"]["data"]["name"] == MODULE, "another one was unloaded")
    refused = only("violated-apparmor-policy")
    data = refused["auditd"]["data"]
    expect(refused["event"]["category"] == ["process", "file"] and
           refused["event"]["outcome"] == "failure" and data["name"] == "/secret" and
           data["profile"] == "guarded" and data["operation"] == "open" and
           data["denied_mask"] == "r" and refused["process"]["executable"] == "/guarded/cat",
           f"AppArmor's refusal is told as {refused}")

    expect("before audit" not in said["first.log"],
           f"blind spots in spite of audit=1:\n{said['first.log']}")
    expect(re.search(r"^enabled 2$", said["status"], re.M), f"not locked: {said['status']}")
    expect("lock" in said["second.log"], f"locked, and not told:\n{said['second.log']}")
    witness = events(said["second.ndjson"])
    expect([e["process"]["name"] for e in witness] == ["witness"],
           f"under -e 2 was seen: {witness}")
    for run in ("first", "second"):
        expect(f"{run} ended with 0" in said["results"], said["results"])


def main():
    program = pathlib.Path(sys.argv[1]).resolve()
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        raise Skip(f"{missing[0]} is not installed")
    if os.uname().machine != "x86_64":
        raise Skip("the guest is of x86-64 only")
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache"),
                         "audisp-eql-guest")
    package = kernel_package(cache)
    with tempfile.TemporaryDirectory(prefix="audisp-eql-guest.") as name:
        directory = pathlib.Path(name)
        sh("dpkg-deb", "-x", package, directory / "kernel")
        make_root(directory / "root", program, directory / "kernel")
        kernel = next((directory / "kernel/boot").glob("vmlinuz-*"))
        check(boot(directory, kernel, directory / "root"))


if __name__ == "__main__":
    steps.run("guest.kernel", main)
