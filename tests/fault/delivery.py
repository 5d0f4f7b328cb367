#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""delivery.py PROGRAM RECORDING [CASE…]: an alert that was raised arrives, whatever happens to who reads it
and to the program itself; what arrives twice has the same id.

AUDISP_EQL_KILLS sets how often the program is killed (default: 20)."""

import collections
import contextlib
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import traceback

import feeding
import strict
from feeding import Failure, expect, wait_for

RECORDING = sys.argv[2]


class Skipped(Exception):
    pass


class Place:
    """A directory that the program, as nobody, may write to."""

    def __init__(self):
        self.path = feeding.directory_of_nobody("audisp-eql-delivery-")
        self.state = self.path / "state"
        self.json = self.path / "alerts.json"
        # Nobody may not look into every directory that a program is built in.
        self.program = shutil.copy(sys.argv[1], self.path / "audisp-eql")
        self.starts = 0
        self.execs = feeding.Execs(RECORDING)

    def run(self, *options, json=True, names=None):
        file = ["--json-file", self.json] if json else []
        return feeding.Plugin(self.program, self.path, "--state-dir", self.state, *file, *options, names=names)

    def ids(self):
        return feeding.ids_of_lines(whole_lines(self.json)) if self.json.exists() else []


def report(raised, arrived):
    missing = set(raised) - set(arrived)
    expect(not missing, f"{len(missing)} of {len(set(raised))} alerts did not arrive")
    twice = sum(n - 1 for n in collections.Counter(arrived).values())
    return f"{len(set(raised))} alerts, {twice} of them twice"


def ids_after_kills(path):
    """The ids of the whole lines, and how many lines are none: the kernel ends a write(2) between two pages for
    a SIGKILL. The next start ends such a line, and the alert comes again."""
    ids, cut = [], 0
    for line in whole_lines(path).split("\n")[:-1]:
        try:
            ids.append(json.loads(line)["event"]["id"])
        except json.JSONDecodeError:
            cut += 1
    return ids, cut


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
    arrived, cut = ids_after_kills(place.json)
    expect(cut <= kills, f"{cut} lines that are no alert after {kills} kills")
    return f"{kills} kills, {report(raised, arrived)}, {cut} lines cut"


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


def openssl(*arguments):
    if shutil.which("openssl") is None:
        raise Skipped("openssl is not installed")
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


class Authority:
    """Makes certificates; its own is the one that is trusted."""

    def __init__(self, place, name):
        self.directory = place.path / name
        self.directory.mkdir()
        self.cert, self.key = self.directory / "ca.pem", self.directory / "ca.key"
        openssl("req", "-x509", *KEY, "-days", "2", "-subj", f"/CN={name}", "-keyout", self.key, "-out", self.cert)
        (self.directory / "index").touch()
        (self.directory / "conf").write_text(
            f"[ca]\ndefault_ca=ca\n[ca]\ndatabase={self.directory}/index\nnew_certs_dir={self.directory}\n"
            "rand_serial=yes\nunique_subject=no\ndefault_md=sha256\npolicy=any\ncopy_extensions=copy\n[any]\ncommonName=supplied\n")

    def issue(self, name, start="20200101000000Z", end="20991231235959Z"):
        """The files of a certificate and its key."""
        path = self.directory / f"{name}-{start}-{end}"
        key, request, cert = (path.with_suffix(f".{suffix}") for suffix in ("key", "csr", "pem"))
        openssl("req", *KEY, "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-keyout", key,
                "-out", request)
        openssl("ca", "-batch", "-config", self.directory / "conf", "-cert", self.cert, "-keyfile", self.key,
                "-startdate", start, "-enddate", end, "-notext", "-in", request, "-out", cert)
        key.chmod(0o644)  # the program runs as nobody here
        return cert, key


KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def server_with(certificate, clients=None, version=None):
    """A TLS server; `clients`: the authority whose clients alone it takes."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    if clients:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(clients.cert)
    if version:
        context.maximum_version = version
    return Server(context)


def tls(place):
    """Servers that are not who they should be get nothing, and each is named; the right one gets all."""
    authority, stranger = Authority(place, "authority"), Authority(place, "stranger")
    wrong = {
        "another name": server_with(authority.issue("other.example.org")),
        "another authority": server_with(stranger.issue("localhost")),
        "expired": server_with(authority.issue("localhost", end="20210101000000Z")),
        "not yet valid": server_with(authority.issue("localhost", start="20980101000000Z")),
    }
    right = server_with(authority.issue("localhost"))
    servers = [*wrong.values(), right]
    options = [word for server in servers for word in ("--syslog-server", f"tls://localhost:{server.port}")]
    with place.run("--syslog", "off", "--tls-ca", authority.cert, *options) as plugin:
        plugin.give(place.execs.text(20))
        wait_for(lambda: f"20 alerts at the server: {plugin.text()}", lambda: len(set(right.ids())) == 20)
        for name, server in wrong.items():
            wait_for(lambda name=name, server=server: f"a line about {name}: {plugin.text()}",
                     lambda server=server: f"localhost:{server.port}: TLS: certificate verify failed" in plugin.text())
            expect(not server.ids(), f"alerts went to a server of {name}")
        plugin.end()
    return report(place.ids(), right.ids())


def client_certificates(place):
    """A server that asks who we are: with our certificate all arrives, without it nothing."""
    authority, clients, strangers = (Authority(place, name) for name in ("authority", "clients", "strangers"))
    results = []
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        for name, client in (("ours", clients.issue("agent")), ("another", strangers.issue("agent")), ("none", None)):
            server = server_with(authority.issue("localhost"), clients, version)
            options = ["--tls-cert", client[0], "--tls-key", client[1]] if client else []
            before = len(place.ids())
            with place.run("--syslog", "off", "--tls-ca", authority.cert, *options,
                           "--syslog-server", f"tls://localhost:{server.port}") as plugin:
                plugin.give(place.execs.text(10))
                wait_for("10 alerts in the file", lambda before=before: len(place.ids()) == before + 10)
                if name == "ours":
                    wait_for(lambda server=server, plugin=plugin: f"10 alerts at the server: {plugin.text()}",
                             lambda server=server: len(set(server.ids())) == 10)
                else:
                    # With TLS 1.3 the client is done before it is refused.
                    wait_for(lambda plugin=plugin: f"a word about the refusal: {plugin.text()}",
                             lambda server=server, plugin=plugin: server.refused and
                             f"cannot go to tls://localhost:{server.port}" in plugin.text())
                plugin.end()
            expect(name == "ours" or not server.ids(), f"alerts went out with {name} certificate")
            results.append(f"{name} {len(set(server.ids()))}")
    return ", ".join(results)


def confined_tls(place):
    """The program starts as root, as auditd starts it, so that what speaks TLS is a process without rights: the
    key that only root may read comes from the other one, servers are found without any module of the name service,
    and one of another name still gets nothing."""
    if os.geteuid() != 0:
        raise Skipped("not root: there is no other user to become")
    os.chown(place.path, 0, 0)  # root believes no rule that others may change
    authority, clients = Authority(place, "authority"), Authority(place, "clients")
    wrong = server_with(authority.issue("other.example.org"), clients)
    right = server_with(authority.issue("localhost"), clients)
    certificate, key = clients.issue("agent")
    key.chmod(0o600)
    names = place.path / "nsswitch.conf"
    names.write_text("passwd: files\nhosts: no_such_module\n")
    options = [word for server in (wrong, right) for word in ("--syslog-server", f"tls://localhost:{server.port}")]
    with place.run("--syslog", "off", "--tls-ca", authority.cert, "--tls-cert", certificate, "--tls-key", key,
                   "--confine", "auto", "--user", "nobody", *options, names=names) as plugin:
        plugin.wait_for_starts(1)
        _, parser = feeding.processes_of(plugin.started.pid)
        status = dict(line.split(":\t", 1) for line in
                      pathlib.Path(f"/proc/{parser}/status").read_text().splitlines())
        expect(set(status["Uid"].split()) == {str(feeding.NOBODY)} and int(status["CapEff"], 16) == 0 and
               status["NoNewPrivs"] == "1", f"not confined: {plugin.text()}")
        expect(status["Seccomp"] == "2" or feeding.is_sanitized(place.program), f"no seccomp: {plugin.text()}")
        plugin.give(place.execs.text(20))
        wait_for(lambda: f"20 alerts at the server: {plugin.text()}", lambda: len(set(right.ids())) == 20)
        wait_for(lambda: f"a line about another name: {plugin.text()}",
                 lambda: f"localhost:{wrong.port}: TLS: certificate verify failed" in plugin.text())
        expect(not wrong.ids(), "alerts went to a server of another name")
        plugin.end()
    return report(place.ids(), right.ids())


def rotated(place):
    """The JSON file is renamed under load, and SIGHUP opens a new one: each alert is in one of the two."""
    names = [place.path / f"alerts.json.{turn}" for turn in range(5)]
    with place.run("--syslog", "off") as plugin:
        for name in names:
            plugin.give(place.execs.text(40))
            wait_for("some alerts", lambda: len(place.ids()) > 5)
            place.json.rename(name)
            plugin.give(place.execs.text(10))
            plugin.started.send_signal(signal.SIGHUP)
            wait_for("a new file", place.json.exists)
        plugin.give(place.execs.text(10))
        wait_for("the last alerts", lambda: len(place.ids()) >= 10)
        plugin.end()
    arrived = [one for name in (*names, place.json) for one in feeding.ids_of_lines(name.read_text())]
    expect(len(arrived) == len(set(arrived)) == place.execs.made, f"{len(arrived)} of {place.execs.made} alerts")
    return f"{len(names)} rotations, {report(arrived, arrived)}"


def several(place):
    """A file, a unix socket, UDP, TCP and TLS at once, one of them dead, one not reading: each of the others
    gets all, and where a message may not be longer, the alert says what was cut."""
    authority = Authority(place, "authority")
    servers = {"tcp": Server(), "stuck": Server(), "tls": server_with(authority.issue("localhost"))}
    servers["stuck"].reading.clear()
    datagrams = {"local": socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM),
                 "udp": socket.socket(socket.AF_INET, socket.SOCK_DGRAM)}
    datagrams["local"].bind(str(place.path / "socket"))
    (place.path / "socket").chmod(0o666)
    datagrams["udp"].bind(("127.0.0.1", 0))
    came = {name: [] for name in datagrams}

    def receive(name):
        while True:
            came[name].append(datagrams[name].recv(1 << 20))

    for name in datagrams:
        threading.Thread(target=receive, args=(name,), daemon=True).start()
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        dead = unused.getsockname()[1]
    addresses = [f"tcp://127.0.0.1:{servers['tcp'].port}", f"tcp://127.0.0.1:{servers['stuck'].port}",
                 f"tls://localhost:{servers['tls'].port}", f"tcp://127.0.0.1:{dead}",
                 f"udp://127.0.0.1:{datagrams['udp'].getsockname()[1]}"]
    options = [word for address in addresses for word in ("--syslog-server", address)]
    with place.run("--syslog", place.path / "socket", "--tls-ca", authority.cert, "--max-message-bytes", "1500",
                   *options) as plugin:
        for _ in range(30):
            plugin.give(place.execs.text(10))
            time.sleep(0.01)  # a UDP server's buffer is small
        raised = wait_for("300 alerts in the file", lambda: len(place.ids()) == 300 and place.ids())
        for name in ("tcp", "tls"):
            wait_for(lambda name=name: f"{len(set(servers[name].ids()))} of 300 over {name}: {plugin.text()}",
                     lambda name=name: not set(raised) - set(servers[name].ids()))
        wait_for(lambda: f"{len(came['local'])} of 300 at the socket", lambda: len(came["local"]) >= 300)
        wait_for("some datagrams over UDP", lambda: came["udp"])
        expect(not servers["stuck"].ids(), "the stuck server has read")
        servers["stuck"].reading.set()
        wait_for("all at the server that was stuck", lambda: not set(raised) - set(servers["stuck"].ids()))
        plugin.end()
    for data in came["udp"]:
        strict.message(data)
    for data in came["local"]:
        alert = strict.message(data, strict.LOCAL)
        expect(len(data) < 1600 and alert["audisp_eql"]["trimmed"], f"a message of {len(data)} bytes")
    expect(all("trimmed" not in alert["audisp_eql"] for alert in strict.documents(place.json.read_bytes())),
           "an alert in the file is trimmed")
    return f"{report(raised, servers['tcp'].ids())} over TCP; {len(came['udp'])} over UDP"


@contextlib.contextmanager
def small_disk(path):
    if os.geteuid() != 0:
        raise Skipped("not root: no file system can be mounted")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k,mode=0777", "none", path],
                             capture_output=True, text=True)
    if mounted.returncode != 0:
        raise Skipped(f"no tmpfs can be mounted: {mounted.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", path], check=True)


def file_on_full_disk(place):
    """The JSON file's disk is full: the alerts wait, and no line in the file is broken when there is room."""
    disk = place.path / "disk"
    disk.mkdir()
    with small_disk(disk):
        place.json = disk / "alerts.json"
        filler = disk / "filler"
        with place.run("--syslog", "off") as plugin:
            plugin.give(place.execs.text(10))
            wait_for("10 alerts", lambda: len(place.ids()) == 10)
            with contextlib.suppress(OSError), filler.open("wb", buffering=0) as out:
                while True:
                    out.write(bytes(4096))
            plugin.give(place.execs.text(30))
            wait_for(lambda: f"a word about it: {plugin.text()}", lambda: "No space left on device" in plugin.text())
            filler.unlink()
            wait_for(lambda: f"{len(place.ids())} of 40 alerts", lambda: len(set(place.ids())) == 40)
            plugin.end()
        return report(place.ids(), place.ids())


def disk_full(place):
    """A full disk below the spool: said, and the alerts arrive all the same."""
    with small_disk(place.state):
        with place.run("--syslog", "off") as plugin:
            plugin.give(place.execs.text(500))
            wait_for(lambda: f"{len(place.ids())} of 500 alerts", lambda: len(place.ids()) == 500)
            plugin.end()
            expect("No space left on device" in plugin.text(), f"not said: {plugin.text()}")
    return report(place.ids(), place.ids())


CASES = (killed, syslog_restarted, reader_stops, tls, client_certificates, confined_tls, rotated, several, disk_full,
         file_on_full_disk)


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
