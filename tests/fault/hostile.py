#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""hostile.py PROGRAM: thousands of strings made to break a parser, in every place that an attacker may
fill, through the whole way. Every line that leaves is parsed strictly, says what was in the string, and
of what no record said nothing is told.

AUDISP_EQL_HOSTILE sets how many strings there are (default: 10,000)."""

import collections
import json
import os
import pathlib
import random
import shutil
import socket
import subprocess
import sys
import threading
import time

import feeding
import strict
from feeding import Failure, expect, wait_for

COUNT = int(os.environ.get("AUDISP_EQL_HOSTILE", "10000"))
# What the allocator keeps, and the process table of some thousand processes. A byte kept of each
# string and its hex would be more.
MOST_GROWTH_KIB = 64 << 10
BASE = 1_700_000_000
FIRST_SERIAL, FIRST_PID = 1_000_000, 100_000
RULE = """\
[metadata]
maturity = "production"
[rule]
rule_id = "00000000-0000-4000-8000-000000000002"
name = "Whatever happens"
description = "One alert for each event of the test."
risk_score = 47
severity = "medium"
type = "eql"
language = "eql"
query = 'any where event.action != "fork" and event.action != "end"'
"""
PIECES = [
    b"\n", b"\r\n", b"\x00", b"\x1b[2J\x1b[1;31m", b"\x1b]0;title\x07", b"\x9b31m", b"\x7f", b"\x1d", b"\x1e",
    b'"', b"'", b"\\", b'\\"', b'",\"event\":{"kind":"signal"},\"x\":"', b"}}}]}", b"{", b"\\u0000", b"\\ud800",
    b"%s%n%x", b"%0a", b"%", b"@cee: {\"a\":1}", b"<14>1 - - - - - -", b"<0>", b"17 <14>1 - - -",
    b"\nNov 22 00:00:00 host forged[1]: ", b" ", b"\t", b"=", b":", b",", b";", b"/", b"//", b"..", b"./../",
    "\u2028".encode(), "\u2029".encode(), "\u202e".encode(), "\u2066".encode(), "\u0085".encode(),
    "\ufeff".encode(), "\U0001f600".encode(), "\ufffd".encode(), "\u0000\u0301".encode(),
    b"\xff", b"\xfe", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x80", b"\xf8\x88\x80\x80\x80",
    b"type=SYSCALL msg=audit(1700000000.000:1): arch=c000003e syscall=59 success=yes exit=0 pid=1 uid=0 exe=\"/x\"",
    b"\ntype=EXECVE msg=audit(1700000000.000:1): argc=1 a0=\"forged\"",
    b"type=EOE msg=audit(1700000000.000:1): ", b" pid=1 uid=0 auid=0 ", b"a0=666f7267656430", b"a1[0]=41",
    b"exe=\"/usr/bin/forged\"", b"key=(null)", b"(null)", b"?", b"-", b"4141414141", b"0A0D00", b"deadbeef",
    b"res=success'", b"' res=failed msg='", b"\x1dAUID=\"root\" UID=\"root\"", b"$(reboot)", b"`id`", b"#!", b"--",
    b"<script>alert(1)</script>", b"NaN", b"Infinity", b"null", b"true", b"1e999", b"-0", b"9223372036854775808",
    b"A" * 200, b"\\" * 50, b'"' * 50, b"[" * 60, b"\xff" * 60, "\u00e9".encode() * 60, b"password=", b"://u:p@h",
]


def strings(count, dice):
    """No NUL where the kernel ends a string at it; at most what one record holds in hex."""
    for number in range(count):
        if number % 200 == 199:
            yield bytes(dice.randrange(1, 256) for _ in range(3000))
        elif number % 7 == 0:
            yield bytes(dice.randrange(1, 256) for _ in range(dice.randrange(1, 60)))
        else:
            made = b"".join(dice.choice(PIECES) for _ in range(dice.randrange(1, 7)))
            yield made[:3000] or b"x"


def coded(value):
    """As audit_log_untrustedstring() (kernel/audit.c) writes it."""
    if all(0x21 <= c <= 0x7e and c != 0x22 for c in value):
        return '"' + value.decode() + '"'
    return value.hex().upper()


def head(kind, number):
    return f"type={kind} msg=audit({BASE + number // 100}.{number % 100 * 10:03}:{FIRST_SERIAL + number}): "


def syscall(number, name, comm="cmd", exe="/usr/bin/cmd"):
    return (head("SYSCALL", number) + f"arch=c000003e syscall={name} success=yes exit=0 a0=1 a1=2 a2=3 a3=4 "
            f"items=1 ppid=1 pid={FIRST_PID + number} auid=1000 uid=1000 gid=1000 euid=1000 suid=1000 fsuid=1000 "
            f"egid=1000 sgid=1000 fsgid=1000 tty=pts0 ses=1 comm={comm} exe={exe} key=(null)\n")


def execution(number, argument=b"x", path=b"/usr/bin/cmd", comm=b"cmd", directory=b"/"):
    return (syscall(number, 59, coded(comm[:15]), coded(path)) +
            head("EXECVE", number) + f'argc=2 a0="cmd" a1={coded(argument)}\n' +
            head("CWD", number) + f"cwd={coded(directory)}\n" +
            head("PATH", number) + f"item=0 name={coded(path)} inode=1 dev=00:01 mode=0100755 ouid=0 ogid=0 "
            "rdev=00:00 nametype=NORMAL cap_fp=0 cap_fi=0 cap_fe=0 cap_fver=0 cap_frootid=0\n" +
            head("PROCTITLE", number) + f"proctitle={coded(argument)}\n" + head("EOE", number) + "\n").encode()


def text_of(value):
    """What stands in JSON for these bytes; None: it depends on where one character ends."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return None


# Where a string is put: the records of an event, and what must be told of it.


def in_argument(number, value):
    return execution(number, argument=value), ("process", "args", 1)


def in_path(number, value):
    return execution(number, path=b"/" + value), None


def in_comm(number, value):
    return execution(number, comm=value), None


def in_directory(number, value):
    return execution(number, directory=b"/" + value), ("process", "working_directory")


def in_socket(number, value):
    # bind(2): a connect to a unix socket is no event.
    address = b"\x01\x00" + value[:107] + b"\x00"
    return (syscall(number, 49) + head("SOCKADDR", number) + f"saddr={address.hex().upper()}\n" +
            head("EOE", number) + "\n").encode(), None


def in_message(number, value):
    # User space sends what it likes; auditd writes blanks for newlines.
    plain = value.replace(b"\n", b" ").replace(b"\x00", b" ")
    return (head("USER_AUTH", number).encode() + f"pid={FIRST_PID + number} uid=1000 auid=1000 ses=1 msg='op=".encode() +
            plain + b" acct=" + plain + b" exe=\"/usr/bin/x\" res=success'\n"), None


PLACES = (in_argument, in_path, in_comm, in_directory, in_socket, in_message)


def events(count):
    dice = random.Random(20261122)
    for number, value in enumerate(strings(count, dice)):
        records, told = PLACES[number % len(PLACES)](number, value)
        yield number, value, records, told


class Receiver(threading.Thread):
    """A syslog server: what came, connection by connection or datagram by datagram."""

    def __init__(self, listener, datagrams):
        super().__init__(daemon=True)
        self.listener, self.datagrams = listener, datagrams
        self.came = []
        self.start()

    def run(self):
        try:
            if self.datagrams:
                while True:
                    self.came.append(self.listener.recv(1 << 20))
            while True:
                peer, _ = self.listener.accept()
                held = []
                self.came.append(held)
                while some := peer.recv(1 << 16):
                    held.append(some)
        except OSError:
            pass

    def messages(self):
        if self.datagrams:
            return list(self.came)
        return [frame for held in list(self.came) for frame in strict.frames(b"".join(held))]

    def whole(self, count):
        try:
            return len(self.messages()) >= count
        except strict.Broken:  # the last one is on its way
            return False


def serial_of(alert):
    return alert["audisp_eql"]["sequence"][0]["audit"]["serial"]


def value_at(alert, path):
    for step in path:
        alert = alert[step]
    return alert


def check_alerts(alerts, given):
    """One alert for each event, of its own process; what is told is what was given."""
    count = collections.Counter(serial_of(alert) for alert in alerts)
    expect(set(count) == {FIRST_SERIAL + number for number in given},
           f"{len(set(count) ^ {FIRST_SERIAL + n for n in given})} events missing or made up")
    expect(max(count.values()) == 1, "one event was told twice")
    exact = 0
    for alert in alerts:
        number = serial_of(alert) - FIRST_SERIAL
        value, told = given[number]
        pid = alert["process"]["pid"]
        expect(pid == FIRST_PID + number, f"another process is told of: {pid}: {alert}")
        # Who logs in says a message itself.
        user = alert["user"].get("id") if PLACES[number % len(PLACES)] != in_message else "1000"
        expect(user == "1000", f"another user is told of: {user}: {alert}")
        text = text_of(value)
        if told and text is not None and "[masked]" not in json.dumps(alert):
            shown = value_at(alert, told).removeprefix("/") if told[-1] == "working_directory" else value_at(alert, told)
            expect(shown == text or told[-1] == "working_directory", f"{text!r} is told as {shown!r}")
            exact += shown == text
        elif told and told[-1] == 1 and "[masked]" not in json.dumps(alert):
            raw = alert["audisp_eql"]["raw"]["process"]["args"][1]
            expect(bytes.fromhex(raw) == value, f"{value.hex()} is told as {raw}")
            exact += 1
    return exact


def memory_kib(pid):
    return sum(memory_of(one) for one in feeding.processes_of(pid))


def memory_of(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise Failure("the program has ended")


def whole(path):
    data = path.read_bytes() if path.exists() else b""
    return data[:data.rfind(b"\n") + 1]


def live(program, directory):
    """Through a running agent, to a file, a unix socket and a TCP server at once."""
    feeding.RULE = RULE
    path = directory / "socket"
    local = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    local.bind(str(path))
    path.chmod(0o666)
    datagrams = Receiver(local, True)
    listener = socket.create_server(("127.0.0.1", 0))
    stream = Receiver(listener, False)
    file = directory / "alerts.json"
    given, warm = {}, 0
    with feeding.Plugin(program, directory, "--state-dir", directory / "state", "--json-file", file, "--syslog", path,
                        "--syslog-server", f"tcp://127.0.0.1:{listener.getsockname()[1]}") as plugin:
        for number, value, records, told in events(COUNT):
            plugin.give(records)
            given[number] = value, told
            if number == COUNT // 4:
                wait_for("a quarter of the alerts", lambda: whole(file).count(b"\n") > COUNT // 5)
                warm = memory_kib(plugin.started.pid)
        wait_for(lambda: f"{whole(file).count(bytes([10]))} of {COUNT} alerts in the file: {plugin.text()[-2000:]}",
                 lambda: whole(file).count(b"\n") >= COUNT)
        wait_for(lambda: f"{len(datagrams.came)} of {COUNT} at the socket",
                 lambda: len(datagrams.came) >= COUNT)
        wait_for("the last alerts at the server", lambda: stream.whole(COUNT))
        growth = memory_kib(plugin.started.pid) - warm
        plugin.end()
        strict.text(plugin.text().encode())
    exact = check_alerts(strict.documents(file.read_bytes()), given)
    for came, header in ((datagrams.messages(), strict.LOCAL), (stream.messages(), strict.RFC5424)):
        alerts = [strict.message(data, header) for data in came]
        ids = collections.Counter(alert["event"]["id"] for alert in alerts)
        expect(len(ids) == COUNT, f"{len(ids)} ids of {COUNT} in syslog messages")
    expect(growth < feeding.most_growth(program, MOST_GROWTH_KIB), f"the program grew by {growth} KiB")
    return f"{COUNT} strings, {exact} told to the byte, grown by {growth} KiB after a quarter"


def run(program, *arguments, code=(0,), **options):
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, timeout=600, **options)
    expect(done.returncode in code, f"{arguments[0]}: exit code {done.returncode}: {done.stderr[-800:]}")
    return done


def replayed(program, directory):
    """The same records as a capture, with lines that are none of ours between them."""
    dice = random.Random(7)
    capture = directory / "hostile.capture"
    rule = directory / "any.toml"
    rule.write_text(RULE)
    given = {}
    with capture.open("wb") as out:
        out.write(b"type=HOST msg=capture(1): boot_id=0 machine_id=0 hostname=h kernel=6 feeds=audit\n")
        for (number, value, records, told), noise in zip(events(COUNT), strings(COUNT, dice)):
            given[number] = value, told
            out.write(records)
            if number % 3 == 0:
                # Looks like nothing of a capture, or like a cut piece of it.
                out.write(b"type=?" + noise[:100].replace(b"\n", b" ") + b"\n")
    common = ("--config", "/dev/null", "--rules", rule)
    found = run(program, "replay", *common, capture)
    check_alerts(strict.documents(found.stdout), given)
    strict.text(found.stderr)
    lines = strict.text(run(program, "replay", *common, "--output", "text", capture).stdout)
    expect(len(lines) == COUNT, f"{len(lines)} lines of text for {COUNT} alerts")
    strict.text(run(program, "replay", *common, "--output", "summary", capture).stdout)
    matches = strict.documents(run(program, "query", "--config", "/dev/null",
                                   'process where event.action == "exec"', capture).stdout)
    expect(len(matches) == sum(n % len(PLACES) < 4 for n in given), f"{len(matches)} matches of a query")
    return f"{COUNT} strings in a capture"


def ndjson(program, directory):
    """Lines of others: hostile values, hostile names, and lines that are no JSON."""
    dice = random.Random(8)
    lines, sound = [], 0
    for number, value in enumerate(strings(COUNT // 5, dice)):
        text = value.decode("utf-8", "replace")
        event = {"@timestamp": "2026-01-01T00:00:00Z", "event": {"category": "process", "sequence": number},
                 "process": {"name": text, "args": [text, "x"]}, "text": text}
        if number % 4 == 0:
            lines.append(value.replace(b"\n", b" "))  # no JSON, or hardly any
        else:
            event["n" + text.replace(".", "")] = 1
            lines.append(json.dumps(event, ensure_ascii=number % 2 == 0).encode())
            sound += 1
    file = directory / "events.ndjson"
    file.write_bytes(b"\n".join(lines) + b"\n")
    common = ("query", "--config", "/dev/null", "--input", "ndjson")
    found = run(program, *common, 'process where process.args : "x"', file, code=(0, 2))
    came = found.stdout.split(b"\n")[:-1]
    expect(len(came) == sound, f"{len(came)} of {sound} lines")
    # What matched is printed as it came.
    expect(set(came) <= set(lines), "a line was changed")
    strict.text(found.stderr)
    chosen = run(program, *common, "--fields", "process,text", 'process where process.args : "x"', file, code=(0, 2))
    expect(len(strict.documents(chosen.stdout)) == sound, "chosen fields of each line")
    return f"{len(lines)} lines, {sound} of them events"


def rules(program, directory):
    """Files of rules whose names and texts are hostile."""
    dice = random.Random(9)
    place = directory / "rules"
    place.mkdir()
    for number, value in enumerate(strings(200, dice)):
        name = b"r" + value.replace(b"/", b"_").replace(b"\x00", b"_")[:200] + b"%d.toml" % number
        text = value.decode("utf-8", "replace")
        body = RULE.replace("8000-000000000002", f"8000-{number:012}").replace(
            '"Whatever happens"', json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f"))
        if number % 3 == 1:
            value_text = "".join(c for c in text if c >= " " and c not in "'\x7f")
            value_text = value_text.replace("\\", "\\\\").replace('"', '\\"')
            body = body.replace("any where", f'any where process.name != "{value_text}" and ')
        data = body.encode() if number % 3 else value + body.encode()[:dice.randrange(400)]
        with open(os.fsencode(place) + b"/" + name, "wb") as out:
            out.write(data)
    common = ("--config", "/dev/null", "--rules", place)
    strict.text(run(program, "check", "--config", "/dev/null", place, code=(0, 2)).stdout)
    found = strict.documents(run(program, "check", "--config", "/dev/null", "--output", "json", place,
                                 code=(0, 2)).stdout)
    expect(len(found) >= 200, f"{len(found)} files were checked")
    capture = directory / "some.capture"
    capture.write_bytes(b"".join(records for _, _, records, _ in events(20)))
    done = run(program, "replay", *common, capture, code=(0, 2))
    alerts = strict.documents(done.stdout)
    strict.text(done.stderr)
    expect(alerts, "no rule with a hostile name is in force")
    strict.text(run(program, "replay", *common, "--output", "text", capture, code=(0, 2)).stdout)
    strict.text(run(program, "rules", *common, code=(0, 2)).stdout)
    return f"200 files, {len(found)} told of, {len(alerts)} alerts"


CASES = (live, replayed, ndjson, rules)


def main():
    failed = False
    if not feeding.alone():
        print("not alone: other processes' changes of ids may be taken for the test's", flush=True)
    feeding.keep_little_freed_memory()
    for case in CASES:
        if sys.argv[2:] and case.__name__ not in sys.argv[2:]:
            continue
        directory = feeding.directory_of_nobody("audisp-eql-hostile-")
        program = shutil.copy(sys.argv[1], directory / "audisp-eql")
        began = time.monotonic()
        try:
            print(f"{case.__name__}: {case(program, directory)}, {time.monotonic() - began:.1f} s", flush=True)
        except (Failure, strict.Broken, OSError, subprocess.TimeoutExpired) as problem:
            failed = True
            print(f"{case.__name__}: FAILED: {problem}\nThe files of this run: {directory}", flush=True)
            continue
        shutil.rmtree(directory)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
