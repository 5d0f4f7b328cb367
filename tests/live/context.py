#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What surrounds a process, made for real and compared with the event of its exec: a connection on
its standard descriptors, a session and a process group of its own, a terminal, a control group with
a container's name, capabilities, and a variable that a rule tests for. Then the same from the
capture: replayed, it says what the live run said."""

import ctypes
import json
import os
import pathlib
import pty
import re
import socket
import subprocess

import harness
from harness import PATIENCE, PORT, SERVER, expect, first

# Long enough that /proc is read before the end on a loaded machine.
LIVES = ["/bin/sleep", "1"]
CONTAINER = "5e" * 32
RULE = """[rule]
name = "Context of a live test"
rule_id = "{id}"
language = "eql"
type = "eql"
risk_score = 21
severity = "low"
query = '''
{query}
'''
"""
VARIABLE_RULE = "0b0e1c66-3f0b-4d3c-9d0a-0a52d2b5a001"
SOCKET_RULE = "0b0e1c66-3f0b-4d3c-9d0a-0a52d2b5a002"
RULES = {
    VARIABLE_RULE: 'process where event.action == "exec" and '
                   'process.env_vars like "AUDISP_EQL_TEST=*"',
    SOCKET_RULE: 'process where event.action == "exec" and process.Ext.stdio.stdin.type == "inet" '
                 'and process.Ext.stdio.stdout.type == "inet"',
}


class Scene:
    """Processes, by what surrounds them; the pids."""

    def __init__(self, network):
        self.network = network
        self.pids = {}
        self.expected = {}

    def start(self, name, command=LIVES, **options):
        process = subprocess.Popen(command, **({"stdin": subprocess.DEVNULL} | options))
        self.pids[name] = process.pid
        return process

    def connection(self):
        """A shell that a connected socket is all three descriptors of, in another namespace."""
        with self.network.listener() as listener:
            made = self.network.connected()
            with made:
                process = self.start("socket", ["/bin/sh", "-c", "read line; exit 0"], stdin=made,
                                     stdout=made, stderr=made)
            peer, _ = listener.accept()
            with peer:
                harness.time.sleep(0.5)
                peer.sendall(b"\n")
            process.wait(PATIENCE)

    def session(self):
        self.start("session", start_new_session=True).wait(PATIENCE)

    def terminal(self):
        main, side = pty.openpty()

        def control():
            os.setsid()
            harness.fcntl.ioctl(0, 0x540E, 0)  # TIOCSCTTY

        self.expected["tty"] = os.ttyname(side).removeprefix("/dev/").replace("/", "")
        self.start("terminal", stdin=side, stdout=side, stderr=side,
                   preexec_fn=control).wait(PATIENCE)
        os.close(main)
        os.close(side)

    def container(self):
        """False: control groups can't be made here."""
        root = pathlib.Path("/sys/fs/cgroup")
        roots = [path for path in (root, root / "unified", root / "systemd", root / "pids")
                 if (path / "cgroup.procs").exists()]
        for path in roots:
            group = path / f"docker-{CONTAINER}.scope"
            try:
                group.mkdir()
            except OSError:
                continue
            try:
                self.start("container", preexec_fn=lambda: (group / "cgroup.procs").write_text(
                    str(os.getpid()))).wait(PATIENCE)
                return True
            except (OSError, subprocess.SubprocessError):
                continue
            finally:
                group.rmdir()
        return False

    def variable(self):
        self.start("variable", env={"PATH": "/bin", "AUDISP_EQL_TEST": "a b", "SECRET": "x"}
                   ).wait(PATIENCE)

    def capabilities(self):
        process = self.start("capabilities")
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
        mask = int(re.search(r"CapEff:\s*(\w+)", status)[1], 16)
        self.expected["capabilities"] = bin(mask).count("1")
        process.wait(PATIENCE)


def connect_inside(network):
    made = []

    def make():
        libc = ctypes.CDLL(None, use_errno=True)
        with open(f"/run/netns/{network.client}", "rb") as namespace:
            if libc.setns(namespace.fileno(), 0x40000000) != 0:  # CLONE_NEWNET
                made.append(OSError(ctypes.get_errno(), "setns"))
                return
        made.append(socket.create_connection((SERVER, PORT), PATIENCE))
        made[0].setblocking(True)

    thread = harness.threading.Thread(target=make)
    thread.start()
    thread.join()
    if isinstance(made[0], OSError):
        raise made[0]
    return made[0]


def events_of(arguments, capture, pids):
    """The exec event of each, from the replay of the capture."""
    out = harness.sh(arguments["program"], "replay", "--config", "/dev/null", "--events", capture)
    found = {}
    for line in out.splitlines():
        event = json.loads(line)
        for name, pid in pids.items():
            if event["process"].get("pid") == pid and \
                    first(event["event"].get("action", "")) == "exec":
                found[name] = event
    for name, pid in pids.items():
        expect(name in found, f"no exec of {name} (pid {pid}) in {capture}")
    return found


def check(events, expected):
    def process(name):
        return events[name]["process"]

    stdio = process("socket")["Ext"]["stdio"]
    expect(stdio == {"type": "inet", "transport": "tcp", "source": "procfs",
                     "peer": {"ip": SERVER, "port": PORT}, "stdin": {"type": "inet"},
                     "stdout": {"type": "inet"}, "stderr": {"type": "inet"}},
           f"a socket on the standard descriptors is told as {stdio}")

    own = process("session")
    expect(own["session_leader"]["pid"] == own["pid"] and
           own["session_leader"]["same_as_process"] is True and
           own["session_leader"]["entity_id"] == own["entity_id"] and
           own["group_leader"]["same_as_process"] is True,
           f"a session of its own is told as {own}")
    expect(own["Ext"]["stdio"]["stdin"]["type"] == "null", f"/dev/null is told as {own['Ext']}")
    other = process("variable")
    expect(other["session_leader"]["same_as_process"] is False and
           other["session_leader"]["pid"] == os.getsid(0),
           f"the test's own session is told as {other.get('session_leader')}")
    expect(other["group_leader"]["pid"] == os.getpgrp(),
           f"the test's own process group is told as {other.get('group_leader')}")
    expect(first(other["previous"]["executable"]) == os.path.realpath("/proc/self/exe"),
           f"what ran before is told as {other.get('previous')}")

    seen = process("terminal")
    expect(seen["interactive"] is True and seen["tty"]["name"] == expected["tty"] and
           seen["Ext"]["stdio"]["type"] == "tty", f"a terminal is told as {seen}")

    if "container" in events:
        expect(events["container"].get("container") ==
               {"id": CONTAINER, "runtime": "docker"},
               f"a container is told as {events['container'].get('container')}")
        expect(process("container")["entry_leader"]["entry_meta"]["type"] == "container" and
               process("container")["entry_leader"]["same_as_process"] is True,
               f"the container's entry is told as {process('container').get('entry_leader')}")

    names = process("capabilities").get("thread", {}).get("capabilities", {}).get("effective", [])
    expect(len(names) == expected["capabilities"] and all(n.startswith("CAP_") for n in names),
           f"{expected['capabilities']} capabilities are told as {names}")


def check_alerts(text, pids):
    alerts = [json.loads(line) for line in text.splitlines()]
    of_variable = [a for a in alerts if a["rule"]["id"] == VARIABLE_RULE]
    expect([a["process"]["pid"] for a in of_variable] == [pids["variable"]],
           f"alerts of the variable's rule: {of_variable}")
    expect(of_variable[0]["process"]["env_vars"] == ["AUDISP_EQL_TEST=a b"],
           f"more or less is kept of the environment: {of_variable[0]['process']['env_vars']}")
    of_socket = [a["process"]["pid"] for a in alerts if a["rule"]["id"] == SOCKET_RULE]
    expect(of_socket == [pids["socket"]], f"alerts of the socket's rule: {of_socket}")


def test(arguments, directory):
    # Who began this process's session and group may be gone before it begins, and can't be told.
    if os.getpgrp() != os.getpid():
        os.setsid()
    rules = pathlib.Path(directory, "rules")
    rules.mkdir()
    for rule, query in RULES.items():
        (rules / f"{rule}.toml").write_text(RULE.format(id=rule, query=query))
    common = ["--config", "/dev/null", "--feed", "unicast"]
    run_capture, json_file = f"{directory}/run.capture", f"{directory}/alerts.json"
    live = [arguments["program"], *harness.RUN, "--feed", "unicast", "--rules", str(rules), "--syslog", "off",
            "--json-file", json_file, "--capture", run_capture, "--env-vars"]
    with harness.Network() as network:
        network.connected = lambda: connect_inside(network)
        scene = Scene(network)
        with harness.Process(*live, log=f"{directory}/run.log") as run:
            run.wait_for_line("started")
            scene.connection()
            scene.variable()
            expect(run.stop() == 0, f"run failed:\n{run.text()}")
        live_alerts = pathlib.Path(json_file).read_text()
        check_alerts(live_alerts, scene.pids)
        again = harness.sh(arguments["program"], "replay", "--config", "/dev/null", "--rules",
                           str(rules), run_capture)
        expect(again == live_alerts, f"the replay says:\n{again}\nthe live run said:\n{live_alerts}")

        scene = Scene(network)
        capture = f"{directory}/all.capture"
        with harness.Process(arguments["program"], "record", *common, capture,
                             log=f"{directory}/record.log") as run:
            run.wait_for_line("started")
            scene.connection()
            scene.session()
            scene.terminal()
            scene.variable()
            scene.capabilities()
            if not scene.container():
                print("live.context: no control group can be made here: containers are left to "
                      "the unit tests")
            expect(run.stop() == 0, f"record failed:\n{run.text()}")
    expect("AUDISP_EQL_TEST=" not in pathlib.Path(capture).read_text(errors="replace"),
           "a recording holds the environment")
    check(events_of(arguments, capture, scene.pids), scene.expected)


if __name__ == "__main__":
    harness.main("live.context", test)
