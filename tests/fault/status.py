#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""status.py PROGRAM RECORDING: what a running program says of itself: the report in its three forms
and in the log, the heartbeat in a real rsyslogd's file, what systemd hears; floods that fold; a run
that was killed. As nobody, with records that the test writes."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import traceback

import feeding
import prometheus
from feeding import expect, wait_for

PROGRAM, RECORDING = sys.argv[1], sys.argv[2]


class Place:
    def __init__(self, path):
        self.path = path
        self.state = path / "state"
        self.json = self.path / "alerts.json"
        self.socket = self.path / "status.socket"
        self.program = shutil.copy(PROGRAM, self.path / "audisp-eql")
        self.execs = feeding.Execs(RECORDING)

    def run(self, *options, **named):
        return feeding.Plugin(self.program, self.path, "--state-dir", self.state, "--json-file",
                              self.json, "--syslog", "off", *options, **named)

    def ask(self, *command):
        return subprocess.run([self.program, *command, "--config", "/dev/null", "--status-socket",
                               self.socket], capture_output=True, text=True, timeout=120)

    def alerts(self):
        text = self.json.read_text() if self.json.exists() else ""
        return [json.loads(line) for line in text.splitlines(keepends=True) if line[-1] == "\n"]

    def named(self, name):
        return [alert for alert in self.alerts() if alert["rule"]["name"] == name]


def report(place):
    """All forms agree with what was done; clients that do nothing do not matter."""
    with place.run("--status-socket", place.socket, "--heartbeat", "off") as plugin:
        plugin.wait_for_starts(1)
        plugin.give(place.execs.text(7))
        wait_for("7 alerts", lambda: len(place.alerts()) == 7)
        silent = [socket.socket(socket.AF_UNIX) for _ in range(3)]
        for client in silent:
            client.connect(str(place.socket))
        silent[0].sendall(b"status te")

        answer = place.ask("status", "--output", "json")
        expect(answer.returncode == 0, f"status: {answer.stderr}")
        told = json.loads(answer.stdout)
        expect(told["alerts"]["raised"] == 7, f"alerts: {told['alerts']}")
        expect(told["rules"]["loaded"] == 1, f"rules: {told['rules']}")
        rule = told["rule"]["each"][0]
        expect(rule["matches"] == 7 and rule["alerts"] == 7, f"of the rule: {rule}")
        expect(told["outputs"]["each"][0]["delivered"] == 7, f"outputs: {told['outputs']}")
        expect(told["agent"]["memory_bytes"] > 1_000_000, f"memory: {told['agent']}")
        expect(told["feeds"]["audit_records"] >= 7 * 6, f"feeds: {told['feeds']}")

        answer = place.ask("status", "--output", "prometheus")
        samples = prometheus.parse(answer.stdout)
        expect(samples["audisp_eql_alerts_raised_total", ()] == 7, answer.stdout)
        expect(samples["audisp_eql_rules_loaded", ()] == 1, answer.stdout)

        answer = place.ask("status")
        expect("\nalerts\n" in answer.stdout and "raised                 7" in answer.stdout,
               f"text: {answer.stdout}")
        os.kill(plugin.started.pid, signal.SIGUSR1)
        wait_for("the report in the log", lambda: "status:   uptime_seconds" in plugin.text())
        if os.geteuid() == 0:
            refused = subprocess.run(
                [place.program, "maintenance", "5m", "--config", "/dev/null", "--status-socket",
                 place.socket], capture_output=True, text=True, user=feeding.NOBODY,
                group=feeding.NOBODY, extra_groups=[])
            expect(refused.returncode == 1 and "only root" in refused.stderr, refused.stderr)
            declared = place.ask("maintenance", "5m")
            expect(declared.returncode == 0, declared.stderr)
            wait_for("who declared it", lambda: place.named("A maintenance was declared"))
            place.ask("maintenance", "off")
            wait_for("its end", lambda: place.named("A declared maintenance is over"))
        expect(place.ask("maintenance", "soon").returncode == 2, "nonsense is taken for a time")
        for client in silent:
            client.close()
        plugin.end()
    expect(not place.socket.exists(), "the socket is left")
    gone = place.ask("status")
    expect(gone.returncode == 1 and "no audisp-eql answers" in gone.stderr, gone.stderr)
    return "three forms and the log"


def killed(place):
    """kill -9 is said by the next start; a clean end and a first start say nothing."""
    name = "The agent was killed"
    with place.run() as plugin:
        plugin.wait_for_starts(1)
        pid = plugin.started.pid
        plugin.kill()
    expect(not place.named(name), "a first start says that it was killed")
    with place.run() as plugin:
        plugin.wait_for_starts(2)
        alert = wait_for("the kill is told", lambda: place.named(name))[0]
        expect(alert["audisp_eql"]["agent"]["pid"] == pid, f"another pid: {alert}")
        plugin.end()
    with place.run() as plugin:
        plugin.wait_for_starts(3)
        plugin.end()
    expect(len(place.named(name)) == 1, "a clean end is taken for a kill")
    return alert["message"]


def flood(place):
    """A thousand like alerts are two, and say so; a noisy rule is said."""
    with place.run("--fold-window", "5s", "--alert-ceiling", "3", unfolded=False) as plugin:
        plugin.wait_for_starts(1)
        plugin.give(place.execs.text(1000))
        closing = wait_for("the closing alert", lambda: [
            alert for alert in place.alerts() if "folded" in alert["audisp_eql"]])[0]
        folded = closing["audisp_eql"]["folded"]
        expect(folded["into"] == place.alerts()[0]["event"]["id"], f"of another: {folded}")
        plugin.end()
    alerts = place.alerts()
    told = [alert for alert in alerts if "folded" not in alert["audisp_eql"]]
    count = sum(alert["audisp_eql"]["folded"]["count"] for alert in alerts
                if "folded" in alert["audisp_eql"])
    expect(len(told) + count == 1000, f"{len(told)} told and {count} folded are not 1000")
    return f"1000 alerts: {len(told)} told at once, {count} folded"


@contextlib.contextmanager
def rsyslog(place):
    target, path = place.path / "rsyslog.out", place.path / "log.socket"
    config = place.path / "rsyslog.conf"
    config.write_text(f"""global(workDirectory="{place.path}" maxMessageSize="64k")
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="{path}" RateLimit.Interval="0")
action(type="omfile" file="{target}" template="RSYSLOG_FileFormat")
""")
    with subprocess.Popen(["rsyslogd", "-n", "-f", config, "-i", place.path / "rsyslog.pid"],
                          stderr=subprocess.DEVNULL) as process:
        try:
            wait_for("rsyslogd's socket", path.exists)
            path.chmod(0o666)
            yield path, target
        finally:
            process.terminate()


def heartbeat(place):
    """rsyslogd writes it down; systemd hears that the service is ready, alive, reloading, ending."""
    if shutil.which("rsyslogd") is None:
        return "SKIPPED: rsyslogd is not installed"
    heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    heard.bind(str(place.path / "notify"))
    (place.path / "notify").chmod(0o777)
    heard.settimeout(feeding.PATIENCE)

    def hear(start):
        end = time.monotonic() + feeding.PATIENCE
        while time.monotonic() < end:
            text = heard.recv(4096).decode()
            if text.startswith(start):
                return text
        raise feeding.Failure(f"systemd never heard {start}")

    os.environ.update(NOTIFY_SOCKET=str(place.path / "notify"), WATCHDOG_USEC="20000000")
    try:
        with rsyslog(place) as (path, target), feeding.Plugin(
                place.program, place.path, "--state-dir", place.state, "--syslog", path,
                "--heartbeat", "1s") as plugin:
            plugin.wait_for_starts(1)
            hear("READY=1\nSTATUS=")
            hear("WATCHDOG=1")
            hear("STATUS=")
            os.kill(plugin.started.pid, signal.SIGHUP)
            hear("RELOADING=1\nMONOTONIC_USEC=")
            hear("READY=1")
            text = wait_for("three heartbeats", lambda: (
                lines := [line for line in (target.read_text() if target.exists() else ""
                                            ).splitlines() if '"Heartbeat"' in line]
            )[2:] and lines[0])
            beat = json.loads(text[text.index("{"):])
            expect(beat["event"]["kind"] == "event", f"no heartbeat: {beat}")
            expect(beat["audisp_eql"]["heartbeat"]["interval"] == 1, f"no heartbeat: {beat}")
            # A worker that stands still does not feed the watchdog.
            os.kill(plugin.started.pid, signal.SIGSTOP)
            time.sleep(1.5)
            heard.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while heard.recv(4096):
                    pass
            time.sleep(2.5)
            fed = 0
            with contextlib.suppress(BlockingIOError):
                while heard.recv(4096):
                    fed += 1
            heard.settimeout(feeding.PATIENCE)
            os.kill(plugin.started.pid, signal.SIGCONT)
            expect(fed == 0, "the watchdog of a stopped program is fed")
            hear("WATCHDOG=1")
            plugin.end()
            hear("STOPPING=1")
    finally:
        del os.environ["NOTIFY_SOCKET"], os.environ["WATCHDOG_USEC"]
    return beat["message"]


def main():
    failed = 0
    for case in (report, killed, flood, heartbeat):
        directory = feeding.directory_of_nobody("audisp-eql-status-")
        place = Place(directory)
        try:
            print(f"{case.__name__}: {case(place)}", flush=True)
        except Exception:
            failed += 1
            traceback.print_exc()
            log = place.path / "agent.log"
            print(f"FAILED: {case.__name__}\n{log.read_text() if log.exists() else ''}", flush=True)
        finally:
            shutil.rmtree(directory)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
