#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every call on files becomes its event, as a rule sees it: the call is made, the event received,
its fields compared; and the capture of the run replays to the same alerts."""

import json
import os
import pathlib
import subprocess

import harness
from harness import expect

KEY = "live-test-files"
# fchmodat2 has no name in libaudit before 4.0.
CALLS = """open,openat,openat2,creat,truncate,ftruncate,rename,renameat,renameat2,unlink,unlinkat,
rmdir,mkdir,mkdirat,mknod,mknodat,link,linkat,symlink,symlinkat,chmod,fchmod,fchmodat,chown,fchown,
lchown,fchownat,utimensat,setxattr,removexattr""".replace("\n", "")
RULE = """\
[rule]
name = "files"
rule_id = "11111111-1111-4111-8111-111111111111"
language = "eql"
type = "eql"
risk_score = 1
severity = "low"
query = '''
file where process.name == "file_calls"
'''
"""

# In the order of file_calls.cpp: action, path below the directory, and what else the event says.
EXPECTED = [
    ("creation", "sub", {"type": "dir", "mode": "0755"}),
    ("creation", "other", {}),
    ("open", "sub", {"type": "dir"}),
    ("open", "other", {}),
    # opens()
    ("creation", "new.txt", {"type": "file", "mode": "0644", "uid": "0", "owner": "root",
                             "name": "new.txt", "extension": "txt"}),
    ("modification", "new.txt", {}),
    ("open", "new.txt", {}),
    ("modification", "new.txt", {}),
    ("creation", "sub/at.txt", {"source": "procfs"}),
    ("open", "sub/at.txt", {"source": "procfs"}),
    ("creation", "up.txt", {"source": "procfs"}),
    ("creation", "two.txt", {"mode": "0600"}),
    ("open", "sub/at.txt", {"source": "procfs"}),
    ("creation", "creat.txt", {}),
    ("creation", "with space.txt", {}),
    ("creation", "named.txt", {"mode": "0600"}),
    ("creation", "dangling", {"type": "symlink", "target": "missing.txt"}),
    ("creation", "missing.txt", {"type": "file", "source": "procfs"}),
    # names()
    ("rename", "renamed.txt", {"was": "creat.txt"}),
    ("rename", "two.txt", {"was": "renamed.txt"}),
    ("rename", "sub/three.txt", {"was": "two.txt"}),
    ("rename", "other/four.txt", {"was": "sub/three.txt", "source": "procfs"}),
    ("rename", "other/four.txt", {"was": "sub/at.txt"}),
    ("rename", "sub/at.txt", {"was": "other/four.txt"}),
    ("creation", "deep", {"type": "dir"}),
    ("creation", "other/deep", {"mode": "0700", "source": "procfs"}),
    ("creation", "fifo", {"type": "fifo"}),
    ("creation", "sub/fifo", {"type": "fifo", "source": "procfs"}),
    ("creation", "hard.txt", {"target": "new.txt"}),
    ("creation", "sub/hard.txt", {"target": "new.txt", "source": "procfs"}),
    ("creation", "soft", {"target": "/etc/hostname"}),
    ("creation", "sub/soft", {"target": "new.txt", "source": "procfs"}),
    # attributes()
    ("modification", "new.txt", {}),
    ("modification", "new.txt", {"syscall": "truncate"}),
    ("modification", "new.txt", {"syscall": "ftruncate", "source": "procfs"}),
    ("changed-file-permissions-of", "new.txt", {"mode": "4755", "old_mode": "0644"}),
    ("changed-file-permissions-of", "new.txt",
     {"mode": "0600", "old_mode": "4755", "source": "procfs"}),
    ("changed-file-permissions-of", "sub/hard.txt", {"mode": "0700", "source": "procfs"}),
    ("changed-file-permissions-of", "sub/hard.txt", {"mode": "0711", "source": "procfs"}),
    ("changed-file-ownership-of", "new.txt", {"uid": "1", "gid": "0", "old_uid": "0"}),
    ("changed-file-ownership-of", "soft", {"uid": "2", "gid": "3", "type": "symlink"}),
    ("changed-file-ownership-of", "new.txt", {"uid": "1", "gid": "4", "source": "procfs"}),
    ("changed-file-ownership-of", "sub/hard.txt", {"uid": "0", "old_uid": "1"}),
    ("changed-timestamp-of", "new.txt", {}),
    ("changed-timestamp-of", "new.txt", {"source": "procfs"}),
    ("changed-file-attributes-of", "new.txt", {"syscall": "setxattr"}),
    ("changed-file-attributes-of", "new.txt", {"syscall": "removexattr"}),
    # removals()
    ("deletion", "hard.txt", {}),
    ("deletion", "sub/hard.txt", {"source": "procfs"}),
    ("deletion", "other/deep", {"type": "dir", "source": "procfs"}),
    ("deletion", "deep", {"type": "dir", "syscall": "rmdir"}),
    # in_a_jail(): a path is as the process sees it
    ("creation", "jail", {}),
    ("creation", "/jailed.txt", {"mode": "0600"}),
]
INT80 = [
    ("creation", "i386.txt", {"syscall": "open"}),
    ("modification", "i386.txt", {"syscall": "openat"}),
    ("rename", "i386b.txt", {"was": "i386.txt"}),
    ("deletion", "i386b.txt", {}),
]
LAST = ("creation", "last", {})


def watch(program, switch):
    """Every call of the helper, in both word sizes; b32 where the kernel has it."""
    harness.sh("auditctl", switch, "always,exit", "-F", "arch=b64", "-S", CALLS, "-S", "452", "-F",
               f"exe={program}", "-k", KEY)
    subprocess.run(["auditctl", switch, "always,exit", "-F", "arch=b32", "-S", CALLS, "-F",
                    f"exe={program}", "-k", KEY], capture_output=True)


def inside(work, path):
    return path if path.startswith("/") else f"{work}/{path}"


def facts_of(event):
    """The words of the tables above, as an event has them."""
    file = event["file"]
    original = file.get("Ext", {}).get("original", {})
    facts = {name: file.get(name) for name in ("type", "mode", "uid", "gid", "owner", "name",
                                               "extension")}
    facts |= {"target": file.get("target_path"), "was": original.get("path"),
              "old_mode": original.get("mode"), "old_uid": original.get("uid"),
              "syscall": event["auditd"].get("data", {}).get("syscall"),
              "source": event["audisp_eql"].get("file", {}).get("path_source")}
    return facts


def check(event, expected, work):
    action, path, more = expected
    expect((harness.first(event["event"]["action"]), event["file"].get("path")) ==
           (action, inside(work, path)), f"not the {action} of {path}: {event}")
    facts = facts_of(event)
    for name, value in more.items():
        value = inside(work, value) if name in ("was", "target") else value
        expect(facts[name] == value, f"{action} of {path}: {name} is {facts[name]}, not {value}")
    if "source" not in more and "was" not in more:
        expect(more.get("source") == facts["source"] or "old_uid" in more,
               f"{action} of {path}: the directory is from {facts['source']}")
    expect(event["event"]["category"] == ["file"] and event["event"]["outcome"] == "success" and
           "file_calls" in event["process"]["name"], f"{action} of {path}: {event}")


def events_in(path):
    """The events of the helper's own work: those before are its loader's."""
    if not path.exists():
        return []
    lines = path.read_text(errors="replace").splitlines(keepends=True)
    events = [json.loads(line) for line in lines if line.endswith("\n")]
    at = next((i for i, event in enumerate(events) if event["file"].get("name") == "sub"), None)
    return [] if at is None else events[at:]


def test(arguments, directory):
    helper = str(pathlib.Path(arguments["stageless"]).with_name("file_calls"))
    rule, work = pathlib.Path(directory, "files.toml"), f"{directory}/work"
    rule.write_text(RULE)
    os.mkdir(work)
    json_file, capture = pathlib.Path(directory, "alerts.ndjson"), f"{directory}/run.capture"
    with harness.Process(arguments["program"], *harness.RUN, "--rules", str(rule),
                         "--feed", "unicast", "--syslog", "off", "--json-file", str(json_file),
                         "--capture", capture, log=f"{directory}/run.log") as run:
        run.wait_for_line("started")
        try:
            watch(helper, "-a")
            with subprocess.Popen([helper, work], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  text=True) as calls:
                said = calls.stdout.readline().strip()
                expected = EXPECTED + (INT80 if said == "done" else []) + [LAST]
                if said == "no int 0x80":
                    print("live.files: not tried: this machine has no int 0x80")
                    said = calls.stdout.readline().strip()
                expect(said == "done", f"a call failed; the first was answered with '{said}'")
                harness.wait_for(
                    lambda: f"{len(events_in(json_file))} events of {len(expected)}",
                    lambda: len(events_in(json_file)) >= len(expected))
                calls.stdin.close()
        finally:
            subprocess.run(["auditctl", "-D", "-k", KEY], capture_output=True)
        expect(run.stop() == 0, f"the program did not end with 0:\n{run.text()}")
    events = events_in(json_file)
    for event, line in zip(events, expected):
        check(event, line, work)
    expect(len(events) == len(expected), f"more events than calls: {events[len(expected):]}")

    replayed = subprocess.run([arguments["program"], "replay", "--config", "/dev/null", "--rules",
                               str(rule), capture], capture_output=True, stdin=subprocess.DEVNULL)
    expect(replayed.returncode == 0, f"replay failed: {replayed.stderr.decode()}")
    expect(replayed.stdout == json_file.read_bytes(),
           f"the capture replays to other alerts than {json_file}")


if __name__ == "__main__":
    harness.main("live.files", test)
