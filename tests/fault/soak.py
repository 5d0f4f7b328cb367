#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""soak.py PROGRAM RECORDING: mixed work for a long time, with flat memory and descriptors.

Execs that raise alerts, ordinary execs, connects, hostile strings, processes that come and go, rules
changed and read anew, the JSON file rotated, syslog and a TCP server restarted, one server that never
answers. After a warm-up the program's memory and descriptors are looked at each second; what the last
fifth of the time takes is compared with the fifth after the warm-up.

AUDISP_EQL_SOAK sets the seconds (default: 60)."""

import contextlib
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time

import feeding
import hostile
import strict
from feeding import Failure, expect

SECONDS = float(os.environ.get("AUDISP_EQL_SOAK", "60"))
# What the tables still take after the warm-up, which holds less of everything than their bounds. A
# leak of 200 bytes an event would be more in a minute.
MOST_GROWTH_KIB = 12 << 10
# Connections that are just being made or torn down.
MOST_MORE_DESCRIPTORS = 4
EVENTS_A_SECOND = 1000
PIDS = 2_000


class Local:
    """A syslog daemon that is started and stopped."""

    def __init__(self, path):
        self.path, self.count, self.socket = path, 0, None
        self.start()

    def start(self):
        with contextlib.suppress(FileNotFoundError):
            self.path.unlink()
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.path))
        self.path.chmod(0o666)
        threading.Thread(target=self.read, args=(self.socket,), daemon=True).start()

    def read(self, one):
        with contextlib.suppress(OSError):
            while data := one.recv(1 << 20):
                strict.message(data, strict.LOCAL)
                self.count += 1

    def restart(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.start()


class Stream:
    """A TCP server whose connections are cut now and then."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.count, self.peer = 0, None
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            self.peer, _ = self.listener.accept()
            with contextlib.suppress(OSError):
                while some := self.peer.recv(1 << 16):
                    self.count += len(some)
            self.peer.close()

    def restart(self):
        with contextlib.suppress(OSError, AttributeError):
            self.peer.shutdown(socket.SHUT_RDWR)


def resources(pid):
    """Of the program's one or two processes."""
    return hostile.memory_kib(pid), sum(len(os.listdir(f"/proc/{one}/fd")) for one in feeding.processes_of(pid))


def connection(number):
    """A connect(2) to a documentation address."""
    address = b"\x02\x00\x11\x5c\xc0\x00\x02" + bytes([number % 250 + 1]) + bytes(8)
    return (hostile.syscall(number, 42) + hostile.head("SOCKADDR", number) + f"saddr={address.hex().upper()}\n" +
            hostile.head("EOE", number) + "\n").encode()


def held(program, path):
    """What may grow, as the program counts it itself."""
    done = subprocess.run([program, "status", "--output", "json", "--config", "/dev/null", "--status-socket", path],
                          capture_output=True, text=True, timeout=feeding.PATIENCE)
    expect(done.returncode == 0, f"status: {done.stderr}")
    told = json.loads(done.stdout)
    return ", ".join(f"{name} {told[section][key]:.0f}" for name, section, key in (
        ("processes", "processes", "live"), ("tombstones", "processes", "tombstones"), ("pending", "engine", "pending"),
        ("spooled", "spool", "kept")))


class Load:
    """Records without end; their processes and times go on, as a host's do."""

    def __init__(self, recording):
        # Pids come again, as the kernel's do: who never ends stays in the process table, up to its bound.
        self.execs = feeding.Execs(recording, PIDS)
        self.strings = list(hostile.strings(500, random.Random(20261122)))
        self.number = 0

    def batch(self, count):
        out = []
        for _ in range(count):
            self.number += 1
            number, pid = self.number, self.number % PIDS
            if number % 100 == 0:
                out.append(self.execs.text())
                continue
            value = self.strings[number % len(self.strings)]
            if number % 3 == 0:
                records = connection(number)
            elif number % 10 == 1:
                records = hostile.PLACES[number // 10 % len(hostile.PLACES)](number, value)[0]
            else:
                records = hostile.execution(number, argument=b"%d" % number)
            out.append(records.replace(f" pid={hostile.FIRST_PID + number} ".encode(),
                                       f" pid={hostile.FIRST_PID + pid} ".encode()))
        return b"".join(out)


def soak(program, directory):
    syslog, stream = Local(directory / "socket"), Stream()
    file = directory / "alerts.json"
    rule = directory / "rule.toml"
    load = Load(sys.argv[2])
    samples = []
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen(0)  # its connections are made, and nobody reads them
        servers = [f"tcp://127.0.0.1:{port}" for port in (stream.port, mute.getsockname()[1], 9)]
        options = [word for server in servers for word in ("--syslog-server", server)]
        with feeding.Plugin(program, directory, "--state-dir", directory / "state", "--spool-mib", "8", "--json-file",
                            file, "--syslog", directory / "socket", "--status-socket", directory / "status",
                            *options) as plugin:
            plugin.wait_for_starts(1)
            began = time.monotonic()
            turn, minutes = 0, 0
            while (now := time.monotonic() - began) < SECONDS:
                plugin.give(load.batch(EVENTS_A_SECOND // 10))
                turn += 1
                if turn % 50 == 25:
                    if file.exists():
                        file.rename(directory / "alerts.json.1")
                    rule.write_text(feeding.RULE.replace("One alert", f"One of {turn} alerts"))
                    plugin.started.send_signal(signal.SIGHUP)
                if turn % 70 == 0:
                    syslog.restart()
                if turn % 90 == 0:
                    stream.restart()
                if turn % 10 == 0:
                    samples.append((now, *resources(plugin.started.pid)))
                if now >= 60 * minutes:
                    print(f"  {minutes} min: {load.number} events, {samples[-1][1] if samples else 0} KiB, "
                          f"{samples[-1][2] if samples else 0} descriptors, "
                          f"{held(program, directory / 'status')}", flush=True)
                    minutes += 1
                time.sleep(max(0, turn / 10 - (time.monotonic() - began)))
            plugin.end()
            said = plugin.text()
    expect("refuses a question" not in said, f"one process asks what the other refuses:\n{said[-3000:]}")
    strict.text(said.encode())
    strict.documents(hostile.whole(file))
    return samples, load.number, syslog.count, said


def compare(samples, most):
    """The fifth after the warm-up (a fifth of the time), and the last."""
    end = samples[-1][0]
    early = [s for s in samples if end / 5 <= s[0] < end * 2 / 5]
    late = [s for s in samples if s[0] >= end * 4 / 5]
    memory = [statistics.median(s[1] for s in part) for part in (early, late)]
    descriptors = [max(s[2] for s in part) for part in (early, late)]
    figures = (f"memory {memory[0]:.0f} -> {memory[1]:.0f} KiB (peak {max(s[1] for s in samples)}), "
               f"descriptors {descriptors[0]} -> {descriptors[1]}")
    expect(memory[1] - memory[0] < most, f"memory grows: {figures}")
    expect(descriptors[1] - descriptors[0] <= MOST_MORE_DESCRIPTORS, f"descriptors grow: {figures}")
    return figures


def main():
    directory = feeding.directory_of_nobody("audisp-eql-soak-")
    program = pathlib.Path(shutil.copy(sys.argv[1], directory / "audisp-eql"))
    feeding.keep_little_freed_memory()
    if not feeding.alone():
        print("soak: no network namespace of its own: a storm of processes on this machine counts, too")
    try:
        samples, events, messages, said = soak(program, directory)
        figures = compare(samples, feeding.most_growth(program, MOST_GROWTH_KIB))
    except (Failure, strict.Broken, OSError, subprocess.SubprocessError) as problem:
        print(f"soak: FAILED: {problem}")
        log = directory / "agent.log"
        print(log.read_text(errors="replace")[-3000:] if log.exists() else "")
        return 1
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    print(f"soak: {SECONDS:.0f} s, {events} events, {messages} syslog messages: {figures}")
    print(said.splitlines()[-2] if len(said.splitlines()) > 1 else said)
    return 0


if __name__ == "__main__":
    sys.exit(main())
