#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""delivery.py PROGRAM RECORDING [CASE…]: an alert that was raised arrives, whatever happens to who reads it
and to the program itself; what arrives twice has the same id.

AUDISP_EQL_KILLS sets how often the program is killed (default: 20)."""

import collections
import contextlib
import os
import pathlib
import random
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import traceback

import feeding
from feeding import Failure, expect, wait_for

RECORDING = sys.argv[2]


class Skipped(Exception):
    pass


class Place:
    """A directory that the program, as nobody, may write to."""

    def __init__(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="audisp-eql-delivery-"))
        self.path.chmod(0o755)
        self.state = self.path / "state"
        self.state.mkdir()
        if os.geteuid() == 0:
            os.chown(self.path, feeding.NOBODY, feeding.NOBODY)
            os.chown(self.state, feeding.NOBODY, feeding.NOBODY)
        self.json = self.path / "alerts.json"
        # Nobody may not look into every directory that a program is built in.
        self.program = shutil.copy(sys.argv[1], self.path / "audisp-eql")
        self.starts = 0
        self.execs = feeding.Execs(RECORDING)

    def run(self, *options, json=True):
        file = ["--json-file", self.json] if json else []
        return feeding.Plugin(self.program, self.path, "--state-dir", self.state, *file, *options)

    def ids(self):
        return feeding.ids_of_lines(whole_lines(self.json)) if self.json.exists() else []


def report(raised, arrived):
    missing = set(raised) - set(arrived)
    expect(not missing, f"{len(missing)} of {len(set(raised))} alerts did not arrive")
    twice = sum(n - 1 for n in collections.Counter(arrived).values())
    return f"{len(set(raised))} alerts, {twice} of them twice"


def killed(place):
    """kill -9 at any moment: what was in the spool arrives."""
    kills = int(os.environ.get("AUDISP_EQL_KILLS", "20"))
    dice = random.Random(20261122)
    raised = set()
    for _ in range(kills):
        with place.run("--syslog", "off") as plugin:
            place.starts += 1
            plugin.wait_for_starts(place.starts)
            stop = time.monotonic() + dice.uniform(0.0, 0.25)
            with contextlib.suppress(OSError):
                while time.monotonic() < stop:
                    plugin.give(place.execs.text(dice.randrange(1, 20)))
                    time.sleep(dice.uniform(0, 0.02))
            plugin.kill()
        raised |= set(feeding.ids_of_spool(place.state))
    with place.run("--syslog", "off") as plugin:
        plugin.end()
    expect(len(raised) > kills, f"only {len(raised)} alerts in {kills} runs")
    return f"{kills} kills, {report(raised, place.ids())}"


def syslog_restarted(place):
    """rsyslog is killed and started again under load."""
    if shutil.which("rsyslogd") is None:
        raise Skipped("rsyslogd is not installed")
    log, configuration = place.path / "log", place.path / "rsyslog.conf"
    configuration.write_text(
        f'module(load="imuxsock" SysSock.Use="off")\n'
        f'input(type="imuxsock" Socket="{place.path}/socket" RateLimit.Interval="0")\n'
        f'template(name="raw" type="string" string="%msg%\\n")\n'
        f'action(type="omfile" file="{log}" template="raw")\n')

    def rsyslogd():
        return subprocess.Popen(["rsyslogd", "-n", "-f", configuration, "-i", place.path / "pid"],
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def arrived():
        return set(feeding.ids_of_lines(whole_lines(log))) if log.exists() else set()

    server = rsyslogd()
    try:
        with place.run("--syslog", place.path / "socket") as plugin:
            for turn in range(40):
                plugin.give(place.execs.text(10))
                time.sleep(0.02)
                if turn in (10, 20, 30):
                    wait_for("alerts before rsyslog is killed", lambda: len(arrived()) > 10 * turn - 50)
                    server.kill()
                    server.wait()
                    time.sleep(0.2 if turn == 20 else 0)
                    server = rsyslogd()
            raised = wait_for("400 alerts in the JSON file",
                              lambda: len(place.ids()) >= 400 and place.ids())
            # What a socket that nobody may ever read again swallowed goes out anew.
            wait_for(lambda: f"all in {log}", lambda: not set(raised) - arrived())
            plugin.end()
        return report(raised, feeding.ids_of_lines(whole_lines(log)))
    finally:
        server.kill()
        server.wait()


def whole_lines(path):
    text = path.read_text()
    return text[:text.rfind("\n") + 1]


class Server:
    """Takes RFC 5425 frames, one connection after another; can stop reading."""

    def __init__(self, context=None):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.context = context
        self.reading = threading.Event()
        self.reading.set()
        self.bytes = []
        self.refused = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            held = []
            self.bytes.append(held)
            try:
                if self.context:
                    peer = self.context.wrap_socket(peer, server_side=True)
                while self.reading.wait() and (some := peer.recv(65536)):
                    held.append(some)
            except OSError as problem:
                self.refused.append(str(problem))
            peer.close()

    def ids(self):
        found = []
        for held in self.bytes:
            rest = b"".join(held)
            while b" " in rest:
                size, _, after = rest.partition(b" ")
                if len(after) < int(size):
                    break
                found += feeding.ids_of_lines(after[:int(size)].decode())
                rest = after[int(size):]
        return found


def reader_stops(place):
    """A TCP server stops reading: the program goes on, and it gets all in the end."""
    server = Server()
    server.reading.clear()
    with place.run("--syslog", "off", "--syslog-server", f"tcp://127.0.0.1:{server.port}") as plugin:
        for _ in range(300):
            plugin.give(place.execs.text(10))
        raised = wait_for("3000 alerts in the JSON file",
                          lambda: len(place.ids()) >= 3000 and place.ids())
        expect(len(server.ids()) < 3000, "the server has read already")
        server.reading.set()
        wait_for(lambda: f"{len(set(server.ids()))} of 3000 at the server",
                 lambda: not set(raised) - set(server.ids()))
        plugin.end()
    return report(raised, server.ids())


def certificate(place, name):
    if shutil.which("openssl") is None:
        raise Skipped("openssl is not installed")
    key, cert = place.path / f"{name}.key", place.path / f"{name}.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                    "-addext", f"subjectAltName=DNS:{name}", "-keyout", key, "-out", cert],
                   check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return context, cert


def tls(place):
    """A TLS server whose certificate has another name gets nothing; one with the right name all."""
    wrong_context, wrong_cert = certificate(place, "other.example.org")
    right_context, right_cert = certificate(place, "localhost")
    both = place.path / "both.pem"
    both.write_text(wrong_cert.read_text() + right_cert.read_text())
    wrong, right = Server(wrong_context), Server(right_context)
    with place.run("--syslog", "off", "--tls-ca", both,
                   "--syslog-server", f"tls://localhost:{wrong.port}",
                   "--syslog-server", f"tls://localhost:{right.port}") as plugin:
        plugin.give(place.execs.text(20))
        wait_for(lambda: f"20 alerts at the server: {plugin.text()}",
                 lambda: len(set(right.ids())) == 20)
        wait_for("a line about the certificate",
                 lambda: "certificate verify failed" in plugin.text())
        expect(not wrong.ids(), "alerts went to a server with another's certificate")
        plugin.end()
    return report(place.ids(), right.ids())


def disk_full(place):
    """A full disk below the spool: said, and the alerts arrive all the same."""
    if os.geteuid() != 0:
        raise Skipped("not root: no file system can be mounted")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k,mode=0777", "none",
                              place.state], capture_output=True, text=True)
    if mounted.returncode != 0:
        raise Skipped(f"no tmpfs can be mounted: {mounted.stderr.strip()}")
    try:
        with place.run("--syslog", "off") as plugin:
            plugin.give(place.execs.text(500))
            wait_for(lambda: f"{len(place.ids())} of 500 alerts", lambda: len(place.ids()) == 500)
            plugin.end()
            expect("No space left on device" in plugin.text(), f"not said: {plugin.text()}")
    finally:
        subprocess.run(["umount", place.state], check=True)
    return report(place.ids(), place.ids())


CASES = (killed, syslog_restarted, reader_stops, tls, disk_full)


def cases():
    return [case for case in CASES if case.__name__ in (sys.argv[3:] or case.__name__)]


def main():
    failures = 0
    for case in cases():
        place = Place()
        started = time.monotonic()
        try:
            result = case(place)
            print(f"{case.__name__}: {result}, {time.monotonic() - started:.1f} s", flush=True)
        except Skipped as reason:
            print(f"{case.__name__}: skipped: {reason}", flush=True)
        except Exception as problem:  # the others are still worth knowing
            failures += 1
            print(f"{case.__name__}: FAILED: {problem}", flush=True)
            if not isinstance(problem, Failure):
                traceback.print_exc()
            for log in place.path.glob("agent.log"):
                print("".join(f"  | {line}\n" for line in log.read_text().splitlines()[-20:]))
        shutil.rmtree(place.path, ignore_errors=True)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
