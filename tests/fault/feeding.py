# SPDX-License-Identifier: Apache-2.0
"""The program as plugin without an auditd: this test writes the records. It needs no right, and no
kernel feed: it gives up root where it has it, so that nothing of the host is touched."""

import ctypes
import gzip
import json
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess
import tempfile
import time

PATIENCE = 120.0
NOBODY = 65534


class Failure(Exception):
    pass


def expect(condition, text):
    if not condition:
        raise Failure(text)


def wait_for(what, ask, patience=PATIENCE):
    end = time.monotonic() + patience
    while not (answer := ask()):
        expect(time.monotonic() < end, what() if callable(what) else what)
        time.sleep(0.02)
    return answer


# Each alert by itself: what is counted here is alerts.
UNFOLDED = ("--fold-window", "off", "--alert-ceiling", "0")

RULE = """\
[metadata]
maturity = "production"
[rule]
rule_id = "00000000-0000-4000-8000-000000000001"
name = "A program starts in /tmp"
description = "One alert for each event of the test."
risk_score = 47
severity = "medium"
type = "eql"
language = "eql"
query = 'process where event.action == "exec" and process.executable == "/tmp/.x"'
"""


class Execs:
    """Each text() is a recorded exec anew, under a serial of its own and a pid that comes again after
    so many others: one alert with an id of its own."""

    def __init__(self, recording, pids=1_000_000):
        with gzip.open(recording, "rt") as capture:
            lines = list(capture)
        serial = next(re.search(r":(\d+)\):", line).group(1) for line in lines
                      if line.startswith("type=SYSCALL") and 'exe="/tmp/.x"' in line)
        own = [line for line in lines if f":{serial}):" in line]
        # A live feed has the end of an event; the recording is of a file, which has not.
        self.lines = "".join(own) + re.sub(r"type=\w+ (msg=\S+).*", r"type=EOE \1", own[0])
        self.serial, self.pid = serial, re.search(r" pid=(\d+) ", self.lines).group(1)
        self.made, self.pids = 0, pids

    def text(self, count=1):
        out = []
        for _ in range(count):
            self.made += 1
            out.append(self.lines.replace(f":{self.serial}):", f":{1_000_000 + self.made}):")
                       .replace(f" pid={self.pid} ", f" pid={100_000 + self.made % self.pids} "))
        return "".join(out).encode()


def alone():
    """In a network namespace of its own, with loopback: the proc connector is in the host's only, and
    what else the machine does makes no events. False without the right to it."""
    if ctypes.CDLL(None).unshare(0x40000000) != 0:  # CLONE_NEWNET
        return False
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    return True


def is_sanitized(program):
    return b"__asan_init" in pathlib.Path(program).read_bytes()


def most_growth(program, kib):
    """Under a sanitizer every allocation is several times as large."""
    return kib * 8 if is_sanitized(program) else kib


def keep_little_freed_memory():
    """Under the address sanitizer freed memory waits, up to so much."""
    os.environ["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=8"


def processes_of(pid):
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *map(int, children)]


def directory_of_nobody(prefix):
    """A new one, which the program, as nobody, may write to, and nobody else; `state` is in it."""
    path = pathlib.Path(tempfile.mkdtemp(prefix=prefix))
    path.chmod(0o755)
    (path / "state").mkdir()
    if os.geteuid() == 0:
        os.chown(path, NOBODY, NOBODY)
        os.chown(path / "state", NOBODY, NOBODY)
    return path


def become_feedless_root(names):
    """Of a child before its program: from that on root has no kernel feed (CAP_NET_ADMIN, CAP_AUDIT_CONTROL,
    CAP_AUDIT_READ; prctl(2), PR_CAPBSET_DROP). `names` stands in place of nsswitch.conf, where that can be had."""
    libc = ctypes.CDLL(None)
    if libc.unshare(0x20000) == 0:  # CLONE_NEWNS
        # MS_REC | MS_PRIVATE, then MS_BIND
        libc.mount(b"none", b"/", None, 0x4000 | 0x40000, None)
        libc.mount(bytes(names), b"/etc/nsswitch.conf", None, 0x1000, None)
    for capability in (12, 30, 37):
        libc.prctl(24, capability, 0, 0, 0)


class Plugin:
    """As nobody; with `names`, see become_feedless_root()."""

    def __init__(self, program, directory, *options, unfolded=True, names=None):
        rule = pathlib.Path(directory) / "rule.toml"
        rule.write_text(RULE)
        rule.chmod(0o644)
        ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self.feed = ours
        self.log = pathlib.Path(directory) / "agent.log"
        who = {}
        if names:
            who = {"preexec_fn": lambda: become_feedless_root(names)}
        elif os.geteuid() == 0:
            who = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        self.started = subprocess.Popen(
            [program, "run", "--config", "/dev/null", "--feed", "plugin", "--rules", rule,
             *(() if "--status-socket" in options else ("--status-socket", "off")),
             *(UNFOLDED if unfolded else ()), *options], stdin=its,
            stdout=subprocess.DEVNULL, stderr=self.log.open("ab"), **who)
        its.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.feed.close()
        if self.started.poll() is None:
            try:
                self.started.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.started.kill()
                self.started.wait()

    def give(self, text):
        self.feed.settimeout(PATIENCE)
        self.feed.sendall(text)

    def wait_for_starts(self, count):
        wait_for(lambda: f"start {count}: {self.text()}",
                 lambda: self.text().count("info: started;") >= count)

    def kill(self):
        """Both of its processes, the one that has the alerts first."""
        for number in reversed(processes_of(self.started.pid)):
            os.kill(number, signal.SIGKILL)
        self.started.wait()
        self.feed.close()

    def end(self):
        """As auditd ends a plugin: the end of its records."""
        self.feed.shutdown(socket.SHUT_WR)
        expect(self.started.wait(PATIENCE) == 0, f"exit code: {self.text()}")

    def text(self):
        return self.log.read_text(errors="replace")


def ids_of_lines(text):
    """The ids of the alerts in JSON lines; each line must be JSON."""
    return [json.loads(line[line.index("{"):])["event"]["id"] for line in text.splitlines()]


def ids_of_spool(directory):
    """The ids of the whole alerts in a spool: see collector/forward/spool_record.hpp."""
    found = []
    for path in sorted(pathlib.Path(directory).glob("spool/*.spool")):
        rest = path.read_bytes()
        while rest[:4] == b"AEQ1" and len(rest) >= 12:
            size = struct.unpack_from("=I", rest, 4)[0]
            if len(rest) < 12 + size:
                break
            body = rest[12:12 + size]
            (length,) = struct.unpack_from("=I", body, 25)  # numbers and the severity before it
            found.append(body[29:29 + length].decode())
            rest = rest[12 + size:]
    return found
