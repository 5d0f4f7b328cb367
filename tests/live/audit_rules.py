#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Audit rules derived from EQL rules: the program loads what a set of rules needs, each rule's
behaviour is performed and its alert seen; what no rule needs is not loaded, also after a reload, and
a rule of somebody else stays as it was."""

import ctypes
import json
import os
import pathlib
import re
import signal
import socket
import subprocess

import harness
from harness import expect

FOREIGN = ("always,exit", "-F", "arch=b64", "-S", "acct", "-k", "live-test-foreign")
PORT = 4449


def rule(number, query):
    return f"""\
[rule]
rule_id = "33333333-3333-4333-8333-{number:012d}"
name = "rule {number}"
language = "eql"
type = "eql"
risk_score = 1
severity = "low"
query = '''
{query}
'''
"""


def system(name, *arguments):
    libc = ctypes.CDLL(None, use_errno=True)
    return getattr(libc, name)(*arguments)


def in_child(action):
    """Performs it in a process of its own, which was forked under audit; its pid."""
    pid = os.fork()
    if pid == 0:
        try:
            action()
            os._exit(0)
        except BaseException as problem:  # the child must not go on as the test
            print(f"live.audit_rules: {problem}", flush=True)
            os._exit(1)
    expect(os.waitpid(pid, 0)[1] == 0, "the behaviour failed")
    return pid


def write(path, text="x"):
    pathlib.Path(path).write_text(text)


def connect():
    with socket.socket() as one:
        one.setblocking(False)
        one.connect_ex(("127.0.0.1", PORT))


def listen():
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.bind(("127.0.0.1", PORT))
        one.listen()


def attach():
    """Traces a child of its own: PTRACE_SEIZE."""
    pid = os.fork()
    if pid == 0:
        signal.pause()
    libc = ctypes.CDLL(None, use_errno=True)
    answer = libc.ptrace(0x4206, pid, None, None)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    expect(answer == 0, "ptrace was refused")


class Behaviours:
    """Number -> what the rule says, what is done, and what the audit rules must then show."""

    def __init__(self, base):
        self.base = base
        self.late = f"{base}/late"  # a directory that is not there at first
        os.makedirs(f"{base}/tree/below")
        write(f"{base}/tree/old")
        write(f"{base}/single")
        tree = f"{base}/tree"
        self.table = {
            1: ('process where event.action == "exec" and process.args == "live-audit-rules"',
                lambda: subprocess.run(["/bin/true", "live-audit-rules"], check=True), "execve"),
            2: (f'network where event.action == "connection_attempted" and destination.port == {PORT}',
                connect, "saddr_fam=2"),
            3: ('network where event.action == "bound-socket" and '
                f'auditd.data.socket.port == "{PORT}"', listen, "-S bind"),
            4: (f'file where event.action == "creation" and file.path : "{tree}/*"',
                lambda: write(f"{tree}/below/new"), f"dir={tree}"),
            5: (f'file where event.action == "modification" and file.path == "{base}/single"',
                lambda: write(f"{base}/single", "more"), f"path={base}/single"),
            6: (f'file where event.action == "rename" and file.Ext.original.path == "{tree}/old"',
                lambda: os.rename(f"{tree}/old", f"{tree}/older"), "rename"),
            7: (f'file where event.action == "open" and file.path == "{base}/secret"',
                lambda: pathlib.Path(f"{base}/secret").read_text(), f"path={base}/secret"),
            8: ('process where event.action == "memfd_create" and process.Ext.memfd.name != "y"',
                lambda: os.close(os.memfd_create("x")), "memfd_create"),
            9: ('process where auditd.data.syscall == "prctl" and auditd.data.a0 == "f"',
                lambda: system("prctl", 15, b"renamed"), "a0=0xF"),
            10: ('process where event.action == "ptrace"', attach, None),
            11: ('process where event.action == "killed-pid" and auditd.data.a1 == "a"',
                 lambda: (signal.signal(signal.SIGUSR1, signal.SIG_IGN),
                          os.kill(os.getpid(), signal.SIGUSR1)), "a1!=0"),
            12: (f'file where event.action == "changed-file-permissions-of" and '
                 f'file.path : "{tree}/*"', lambda: os.chmod(f"{tree}/below", 0o700), "chmod"),
            14: (f'file where event.action == "deletion" and file.path == "{base}/doomed"',
                 lambda: os.unlink(f"{base}/doomed"), f"path={base}/doomed"),
            15: (f'file where event.action == "creation" and file.path == "{base}/born"',
                 lambda: write(f"{base}/born"), f"path={base}/born"),
            16: (f'file where event.action == "rename" and file.path == "{base}/target"',
                 lambda: (write(f"{base}/source"), os.rename(f"{base}/source", f"{base}/target")),
                 f"path={base}/target"),
            13: (f'file where event.action == "deletion" and file.directory == "{self.late}"',
                 lambda: os.unlink(f"{self.late}/x"), f"dir={self.late}"),
        }
        write(f"{base}/secret")
        write(f"{base}/doomed")


def alerts_in(path):
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(errors="replace")
            .splitlines(keepends=True) if line.endswith("\n")]


def wait_for_alert(path, number, pids):
    def ask():
        return any(alert["rule"]["name"] == f"rule {number}" and
                   alert["process"]["pid"] in pids or alert["rule"]["name"] == f"rule {number}" and
                   alert["process"].get("parent", {}).get("pid") in pids
                   for alert in alerts_in(path))

    harness.wait_for(lambda: f"no alert of rule {number}; audit rules are:\n"
                             f"{harness.sh('auditctl', '-l')}", ask)


def own_rules():
    """But for those that watch the program's own files, which no rule asks for."""
    return [line for line in harness.sh("auditctl", "-l").splitlines()
            if "key=audisp-eql" in line and "key=audisp-eql-own-files" not in line]


def reload(run):
    before = run.text().count("pending match")
    os.kill(run.pid, signal.SIGHUP)
    harness.wait_for(lambda: f"no reload:\n{run.text()}",
                     lambda: run.text().count("pending match") > before)


def printed(program, rules):
    """How many lines the command prints, but for those of own_rules()."""
    text = harness.sh(program, "audit-rules", "--config", "/dev/null", "--rules", rules)
    return sum(1 for line in text.splitlines()
               if (line.startswith("-a ") or line.startswith("#-a always,io_uring"))
               and "-k audisp-eql-own-files" not in line)


def check_only_what_is_needed(program, rules, run):
    # One keeps the program itself from being heard.
    loaded = [rule for rule in own_rules() if "audisp-eql-self" not in rule]
    wanted = printed(program, rules)
    # The list of io_uring operations is one that not every kernel has.
    refused = run.text().count("is refused by the kernel")
    expect(len(loaded) + refused >= wanted and len(loaded) <= wanted,
           f"{wanted} audit rules are needed, {len(loaded)} are there:\n" + "\n".join(loaded))


def measure(program, rules, time, interrupt=None):
    """What --measure prints while a program is started again and again."""
    with subprocess.Popen([program, "audit-rules", "--config", "/dev/null", "--rules", rules,
                           "--measure", time], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as measuring:
        harness.wait_for("the lines to measure were not loaded",
                         lambda: "audisp-eql-trial-" in harness.sh("auditctl", "-l"))
        for _ in range(20):
            subprocess.run(["/bin/true"], check=True)
        if interrupt:
            measuring.send_signal(interrupt)
        out, err = measuring.communicate(timeout=harness.PATIENCE)
    expect(measuring.returncode == 0, f"--measure ended with {measuring.returncode}: {err}")
    line = re.search(r"^ +([\d.]+) +([\d.]+ [kMG]?B/s) +-a always,exit -F arch=b64 -S execve", out,
                     re.MULTILINE)
    expect(line and float(line[1]) > 0, f"no executions were counted:\n{out}{err}")
    expect("auditd" in out and "all of these" in out, f"no sum, or no word of auditd:\n{out}")
    expect("trial" not in harness.sh("auditctl", "-l"), "the measured lines are still there")
    return out


def measured_and_installed(program, rules, directory):
    before = harness.AuditState()
    measure(program, rules, "2s")
    measure(program, rules, "1h", signal.SIGINT)
    before.check_restored()

    harness.sh(program, "audit-rules", "--config", "/dev/null", "--rules", rules, "--install")
    expect(len(own_rules()) == printed(program, rules) or len(own_rules()) == printed(
        program, rules) - 1, f"--install loaded other lines:\n{own_rules()}")
    # They are the program's own: its next run takes them over and away. And what is measured beside
    # a run leaves that alone.
    with harness.Process(program, *harness.RUN, "--rules", rules, "--feed",
                         "unicast", "--syslog", "off", log=f"{directory}/second.log") as run:
        run.wait_for_line("started")
        run.wait_for_line("left by an earlier run removed")
        meanwhile = harness.AuditState()
        out = measure(program, rules, "2s")
        expect("what was reported beside" in out, f"no word of the others: {out}")
        meanwhile.check_restored()
        expect(run.stop() == 0, f"the program did not end with 0:\n{run.text()}")
    before.check_restored()


def test(arguments, directory):
    program = arguments["program"]
    base = os.path.realpath(f"{directory}/files")
    os.mkdir(base)
    behaviours = Behaviours(base)
    rules = pathlib.Path(directory, "rules")
    rules.mkdir()
    out = pathlib.Path(directory, "alerts.ndjson")
    first = [n for n in behaviours.table if n != 10]
    for number in first:
        (rules / f"{number:02}.toml").write_text(rule(number, behaviours.table[number][0]))
    harness.sh("auditctl", "-a", *FOREIGN)
    try:
        foreign = harness.sh("auditctl", "-l")
        with harness.Process(program, *harness.RUN, "--rules", str(rules),
                             "--feed", "unicast", "--require", "audit,proc_connector", "--syslog",
                             "off", "--json-file", str(out), log=f"{directory}/run.log") as run:
            run.wait_for_line("started")
            loaded = "\n".join(own_rules())
            for number in first:
                shown = behaviours.table[number][2]
                if shown and number != 13:
                    expect(shown in loaded, f"rule {number} has no audit rule '{shown}':\n{loaded}")
            expect("mount" not in loaded and "ptrace" not in loaded and "-S accept" not in loaded,
                   f"audit rules that nobody needs:\n{loaded}")

            # A directory that comes later is watched from then on.
            run.wait_for_line(f"{behaviours.late} is not there")
            os.mkdir(behaviours.late)
            write(f"{behaviours.late}/x")
            run.wait_for_line(f"{behaviours.late} is there now")
            check_only_what_is_needed(program, str(rules), run)
            for number in first:
                pid = in_child(behaviours.table[number][1])
                wait_for_alert(out, number, {pid})

            # A reload to other rules: their lines come, the others' go, and the connector is asked
            # for what it was not before.
            for path in rules.iterdir():
                path.unlink()
            (rules / "10.toml").write_text(rule(10, behaviours.table[10][0]))
            reload(run)
            loaded = "\n".join(own_rules())
            expect("execve" in loaded and "memfd" not in loaded and "dir=" not in loaded,
                   f"not what the new rules need:\n{loaded}")
            check_only_what_is_needed(program, str(rules), run)
            pid = in_child(behaviours.table[10][1])
            wait_for_alert(out, 10, {pid})
            for number in (4, 8):
                expect(not any(a["rule"]["name"] == f"rule {number}" and a["process"]["pid"] == pid
                               for a in alerts_in(out)), "a rule that is gone has matched")

            theirs = [line for line in harness.sh("auditctl", "-l").splitlines()
                      if "key=audisp-eql" not in line]
            expect(theirs == foreign.splitlines(), f"the foreign rules were touched: {theirs}")
            expect(run.stop() == 0, f"the program did not end with 0:\n{run.text()}")
        expect(harness.sh("auditctl", "-l") == foreign, "the audit rules are not as before")
        measured_and_installed(program, str(rules), directory)
        expect(not re.search(r"refused by the kernel.*S (?!connect)", run.text()),
               f"the kernel refused a line:\n{run.text()}")
    finally:
        subprocess.run(["auditctl", "-d", *FOREIGN], capture_output=True)


if __name__ == "__main__":
    harness.main("live.audit_rules", test)
