# SPDX-License-Identifier: Apache-2.0
"""The operator, on the other side of the wire: waits for what an implant opens, or opens it, sends
commands, and knows from the answers that something really ran them.

Each channel has open(), say(line), hear(pattern) and close(). None starts a process: what the test
itself does must not look like a technique."""

import contextlib
import http.server
import os
import pathlib
import random
import re
import select
import shutil
import signal
import socket
import ssl
import struct
import threading
import time

import harness
from harness import CLIENT, CLIENT6, PATIENCE, SERVER, SERVER6, Failure, wait_for

# Longer than any prompt or banner takes.
SETTLE = 0.1
# A person's pause before each command, and not a long one.
PAUSE = 0.3
# Longer than rules wait from one event to the next.
LATE = 65.0


class Channel:
    """port: the first of four of its own."""

    def __init__(self, stage, port, patience=PATIENCE):
        self.network, self.port, self.patience = stage.network, port, patience
        self.keys = stage.directory / "ssh"
        self.heard = b""
        self.closing = []

    def listen(self, family=socket.AF_INET, kind=socket.SOCK_STREAM, port=None):
        address = SERVER if family == socket.AF_INET else SERVER6

        def make():
            made = socket.socket(family, kind)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if kind == socket.SOCK_STREAM:
                made.setsockopt(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 5)
            made.bind((address, port or self.port))
            if kind == socket.SOCK_STREAM:
                made.listen(16)
            return made

        made = self.network.at_server(make)
        made.settimeout(self.patience)
        self.closing.append(made)
        return made

    def accept(self, listening):
        try:
            connection, _ = listening.accept()
        except TimeoutError:
            raise Failure("nobody connected") from None
        connection.settimeout(self.patience)
        self.closing.append(connection)
        return connection

    def open(self):
        """The far end is there; before(): what must be there before it starts."""

    def before(self):
        pass

    def receive(self):
        return self.connection.recv(65536)

    def say(self, line):
        self.connection.sendall(line.encode() + b"\n")

    def hear(self, pattern):
        end = time.monotonic() + self.patience
        while True:
            found = re.search(pattern.encode(), self.heard)
            if found:
                return found
            try:
                some = self.receive()
            except (TimeoutError, ConnectionError, ssl.SSLError) as problem:
                raise Failure(f"'{pattern}' was not answered ({problem}): {self.heard!r}") from None
            if not some or time.monotonic() > end:
                raise Failure(f"'{pattern}' was not answered: {self.heard!r}")
            self.heard += some

    def close(self):
        for one in self.closing:
            one.close()


class Listener(Channel):
    family = socket.AF_INET

    def before(self):
        self.listening = self.listen(self.family)

    def open(self):
        self.connection = self.accept(self.listening)


class Listener6(Listener):
    family = socket.AF_INET6


class LateListener(Listener):
    """Whoever tries is refused for more than a minute."""

    def before(self):
        pass

    def open(self):
        time.sleep(LATE)
        super().before()
        super().open()


class TlsListener(Listener):
    def open(self):
        super().open()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.keys / "tls.pem")
        self.connection = context.wrap_socket(self.connection, server_side=True)
        self.closing.append(self.connection)


class TwoListeners(Listener):
    """Commands go out on one connection, answers come in on another."""

    def before(self):
        super().before()
        self.second = self.listen(self.family, port=self.port + 1)

    def open(self):
        super().open()
        self.answers = self.accept(self.second)

    def receive(self):
        return self.answers.recv(65536)


class TwoTlsListeners(TwoListeners):
    def open(self):
        super().open()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.keys / "tls.pem")
        self.connection = context.wrap_socket(self.connection, server_side=True)
        self.answers = context.wrap_socket(self.answers, server_side=True)
        self.closing += [self.connection, self.answers]


class Connector(Channel):
    """To a shell that listens."""

    family = socket.AF_INET

    def open(self):
        end = time.monotonic() + self.patience
        while True:
            made = self.network.at_server(lambda: socket.socket(self.family))
            made.settimeout(self.patience)
            try:
                made.connect((CLIENT if self.family == socket.AF_INET else CLIENT6, self.port))
                break
            except OSError as problem:
                made.close()
                if time.monotonic() > end:
                    raise Failure(f"nobody listens: {problem}") from None
                time.sleep(0.05)
        self.connection = made
        self.closing.append(made)


class Connector6(Connector):
    family = socket.AF_INET6


class LateConnector(Connector):
    def open(self):
        time.sleep(LATE)
        super().open()


class Datagrams(Channel):
    """The implant speaks first, so its address is known."""

    def before(self):
        self.connection = self.listen(kind=socket.SOCK_DGRAM)

    def open(self):
        self.heard, self.peer = self.connection.recvfrom(65536)

    def say(self, line):
        self.connection.sendto(line.encode() + b"\n", self.peer)


class DatagramsTo(Datagrams):
    """To a shell that waits for datagrams."""

    def before(self):
        self.connection = self.network.at_server(
            lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        self.connection.settimeout(self.patience)
        self.closing.append(self.connection)
        self.peer = (CLIENT, self.port)

    def open(self):
        time.sleep(1)


class Service(Channel):
    """Takes connections, says a line and reads until the other side has no more."""

    delay = 0.0

    def before(self):
        self.thread = threading.Thread(target=self.serve, daemon=True)
        if not self.delay:
            self.listening = self.listen()
        self.thread.start()

    def serve(self):
        with contextlib.suppress(OSError):
            if self.delay:
                time.sleep(self.delay)
                self.listening = self.listen()
            while True:
                connection, _ = self.listening.accept()
                threading.Thread(target=self.talk, args=(connection,), daemon=True).start()

    def talk(self, connection):
        with connection, contextlib.suppress(OSError):
            connection.settimeout(self.patience)
            connection.sendall(b"220 ready\n")
            while connection.recv(65536):
                pass


class LateService(Service):
    delay = 0.7


class DatagramPolls(Datagrams):
    """Each command answers a question of its own."""

    def open(self):
        pass

    def say(self, line):
        while True:
            asked, self.peer = self.connection.recvfrom(65536)
            if asked == b"?":
                break
            self.heard += asked
        super().say(line)


class Tunnel(Channel):
    """An ssh server of the operator's, through which the implant offers a port of its loopback."""

    def before(self):
        self.pid_file = f"{self.keys}/tunnel-{self.port}.pid"
        harness.sh("ip", "netns", "exec", self.network.server, "env", "-i",
                   "PATH=/usr/sbin:/usr/bin", shutil.which("sshd"), "-f", "none", "-h",
                   f"{self.keys}/host", "-p", str(self.port + 1), "-E", f"{self.keys}/tunnel.log",
                   *(f"-o{option}" for option in (
                       f"PidFile={self.pid_file}", "StrictModes=no", "UsePAM=no",
                       "PermitRootLogin=yes", f"AuthorizedKeysFile={self.keys}/user.pub")))

    def open(self):
        end = time.monotonic() + self.patience
        while True:
            self.connection = self.network.at_server(socket.socket)
            self.connection.settimeout(self.patience)
            self.closing.append(self.connection)
            try:
                self.connection.connect(("127.0.0.1", self.port))
                return
            except OSError as problem:
                if time.monotonic() > end:
                    raise Failure(f"no tunnel: {problem}") from None
                time.sleep(0.1)

    def close(self):
        super().close()
        with contextlib.suppress(OSError, ValueError):
            os.kill(int(pathlib.Path(self.pid_file).read_text()), signal.SIGTERM)


class Echoes(Channel):
    """Commands in ICMP echo requests with the port as identifier, answers in echo replies with
    its complement."""

    def before(self):
        self.connection = self.network.at_server(
            lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP))
        self.connection.settimeout(self.patience)
        self.closing.append(self.connection)

    def open(self):
        time.sleep(1)

    def say(self, line):
        data = line.encode() + b"\n"
        packet = struct.pack("!BBHHH", 8, 0, 0, self.port, 1) + data
        padded = packet + b"\0" * (len(packet) % 2)
        total = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
        total = (total & 0xFFFF) + (total >> 16)
        total = (total & 0xFFFF) + (total >> 16)
        self.connection.sendto(packet[:2] + struct.pack("!H", ~total & 0xFFFF) + packet[4:],
                               (CLIENT, 0))

    def receive(self):
        while True:
            packet = self.connection.recv(65536)
            header = packet[(packet[0] & 15) * 4:]
            kind, _, _, identifier, _ = struct.unpack("!BBHHH", header[:8])
            if kind == 0 and identifier == ~self.port & 0xFFFF:
                return header[8:]


class OneByOne(Channel):
    """A connection for each command: it is sent, and the answer comes on the same connection."""

    def before(self):
        self.listening = self.listen()

    def say(self, line):
        self.connection = self.accept(self.listening)
        self.connection.sendall(line.encode() + b"\n")


class OneByOneHalf(OneByOne):
    """The command's connection is closed after it; answers come to the next port."""

    def before(self):
        super().before()
        self.second = self.listen(port=self.port + 1)

    def say(self, line):
        super().say(line)
        self.connection.close()

    def hear(self, pattern):
        self.connection = self.accept(self.second)
        found = super().hear(pattern)
        self.connection.close()
        return found


class Tasks(Channel):
    """A web server: GET /task gives a command once, anything posted is an answer."""

    def before(self):
        channel = self
        self.tasks, self.asked = [], 0

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                channel.asked += 1
                task = channel.content(self.path)
                self.send_response(200)
                self.send_header("Content-Length", str(len(task)))
                self.end_headers()
                if self.path.endswith("slow"):
                    channel.write(self.wfile, task)
                else:
                    self.wfile.write(task)

            def do_POST(self):
                channel.heard += self.rfile.read(int(self.headers.get("Content-Length", "0")))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_PUT = do_POST

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            def server_bind(self):
                self.socket.close()
                self.socket = channel.listen()
                self.server_address = self.socket.getsockname()

            def server_activate(self):
                pass

        self.server = Server((SERVER, self.port), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def content(self, _):
        return self.tasks.pop(0) if self.tasks else b""

    def open(self):
        wait_for("nobody asked for a task", lambda: self.asked, self.patience)

    def say(self, line):
        self.tasks.append(line.encode() + b"\n")

    def hear(self, pattern):
        return wait_for(lambda: f"'{pattern}' was not answered: {self.heard!r}",
                        lambda: re.search(pattern.encode(), self.heard), self.patience)

    def close(self):
        self.server.shutdown()
        self.thread.join()
        super().close()


class Site(Tasks):
    """A web server with pages; what is not among them is a task, if there is one."""

    pages: dict = {}

    def write(self, to, content):
        """A page whose name ends in `slow` comes in two halves."""
        halves = content.splitlines(keepends=True)
        to.write(b"".join(halves[:1]))
        to.flush()
        if len(halves) > 1:
            time.sleep(0.5)
            to.write(b"".join(halves[1:]))

    def content(self, path):
        return self.pages[path] if path in self.pages else super().content(path)


CHANNELS = {
    "tcp": Listener, "tcp6": Listener6, "tls": TlsListener, "two": TwoListeners,
    "two_tls": TwoTlsListeners, "bind": Connector, "bind6": Connector6, "udp": Datagrams,
    "udp_bind": DatagramsTo, "icmp": Echoes, "one_by_one": OneByOne, "half": OneByOneHalf,
    "late_tcp": LateListener, "late_bind": LateConnector, "site": Site, "service": Service,
    "late_service": LateService, "http": Tasks, "udp_poll": DatagramPolls, "tunnel": Tunnel,
}


def drain(channel):
    """What a shell says of itself before it is asked."""
    connection = getattr(channel, "connection", None)
    if connection and select.select([connection], [], [], SETTLE)[0]:
        time.sleep(SETTLE)


def converse(channel, speaks):
    """Sends commands and checks the answers: that a number was computed which is in no command,
    and that `id` ran. The pids that the answers name."""
    a, b = random.randrange(1000, 9999), random.randrange(1000, 9999)
    pids = set()
    drain(channel)
    time.sleep(speaks.get("wait", 0))
    before, after = speaks.get("before", ""), speaks.get("after", "")
    letters = speaks.get("cipher", "")
    cipher = str.maketrans(letters, letters[::-1])

    def say(command):
        time.sleep(PAUSE)
        channel.say(f"{before}{command}{after}".translate(cipher))

    if speaks.get("shell", True):
        say(f"echo $(({a}*{b})):$$:$PPID:")
        found = channel.hear(rf"(?<!\d){a * b}:(\d+):(\d+):")
        pids.add(int(found[1]))
    else:
        say(f"expr {a} + {b}")
        channel.hear(rf"(?<!\d){a + b}\b")
    say("id")
    channel.hear(r"uid=[0-9]+\(".translate(cipher))
    try:
        channel.say(speaks.get("exit", "exit"))
    except (OSError, Failure):
        pass
    return pids
