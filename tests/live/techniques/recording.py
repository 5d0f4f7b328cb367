# SPDX-License-Identifier: Apache-2.0
"""A capture of a busy machine, cut down to the processes of one scenario, and what it says of them:
who descends from whom, who connected to the operator, who started the operator's commands."""

import gzip
import ipaddress
import re

FIELD = re.compile(r' (\w+)=("[^"]*"|\S+)')
SERIAL = re.compile(r"msg=audit\([\d.]+:(\d+)\)")
# arch, syscall: connect, accept, sendto, sendmsg, accept4, io_uring_enter; socketcall.
NETWORK_CALLS = {("c000003e", n) for n in ("42", "43", "44", "46", "288", "426")} | \
    {("40000003", n) for n in ("102", "362", "364")}
ACCEPTS = {("c000003e", "43"), ("c000003e", "288"), ("40000003", "364")}
# Kept whatever the process: they say what the rest is measured with.
OF_THE_RUN = ("HOST", "CLOCK", "USER", "GROUP", "LOSS")


def fields(line):
    return dict(FIELD.findall(line))


def type_of(line):
    return line[5:line.index(" ")]


class Recording:
    """lines: a capture's; daemons: pids whose descendants are the scenario; root: of these, only
    the daemon's child that this process descends from, with its descendants."""

    def __init__(self, lines, daemons, root=None):
        self.lines = lines
        self.daemons = set(daemons)
        self.parents = {}
        self.members = set(daemons)
        self.find_members()
        if root is not None:
            branch = self.ancestors(root)[-1]
            self.members = self.daemons | {
                p for p in self.parents if branch in self.ancestors(p)}

    @classmethod
    def read(cls, path, daemons, root=None):
        opener = gzip.open if str(path).endswith(".gz") else open
        with opener(path, "rt", errors="surrogateescape") as file:
            return cls(file.read().splitlines(), daemons, root)

    def find_members(self):
        for line in self.lines:
            if line.startswith("type=CN_PROC") and " what=fork " in line:
                at = fields(line)
                pid, tgid = int(at["pid"]), int(at["tgid"])
                if pid != tgid:
                    continue
                parent = int(at["parent_tgid"])
                if parent in self.members:
                    self.parents[pid] = parent
                    self.members.add(pid)

    def cut(self):
        """The lines about the members. Of the processes that were here before: all, because their
        names and parents make the members' ancestry."""
        owners = {}
        for line in self.lines:
            if line.startswith("type=SYSCALL") or line.startswith("type=URINGOP"):
                owners.setdefault(SERIAL.search(line)[1], int(fields(line).get("pid", "0")))
        kept = []
        for line in self.lines:
            kind = type_of(line)
            serial = SERIAL.search(line)
            if serial:
                owner = owners.get(serial[1]) or int(fields(line).get("pid", "0"))
                keep = owner in self.members and kind != "CONFIG_CHANGE"
            elif kind == "PROC":
                keep = True
            elif kind in OF_THE_RUN:
                keep = True
            else:
                keep = int(fields(line).get("tgid") or fields(line).get("pid", "0")) in self.members
            if keep:
                kept.append(line)
        return kept

    def calls(self):
        """(pid, (arch, syscall), peer or None) of each call of a member that can open a door."""
        peers = {}
        for line in self.lines:
            if line.startswith("type=SOCKADDR"):
                peers[SERIAL.search(line)[1]] = peer_of(fields(line).get("saddr", ""))
        for line in self.lines:
            if not line.startswith("type=SYSCALL"):
                continue
            at = fields(line)
            call, pid = (at["arch"], at["syscall"]), int(at["pid"])
            if pid in self.members and call in NETWORK_CALLS:
                yield pid, call, peers.get(SERIAL.search(line)[1])

    def connecting(self, addresses):
        """Pids that called out to, or took a call from, one of these addresses."""
        return sorted({pid for pid, _, peer in self.calls()
                       if peer and peer[0] in addresses and pid not in self.daemons})

    def accepting_blindly(self):
        return sorted({pid for pid, call, peer in self.calls()
                       if peer is None and call in ACCEPTS and pid not in self.daemons})

    def executions(self):
        """(pid, arguments) of every program that a member became."""
        owners = {}
        for line in self.lines:
            if line.startswith("type=SYSCALL"):
                owners[SERIAL.search(line)[1]] = int(fields(line)["pid"])
        for line in self.lines:
            if line.startswith("type=EXECVE"):
                pid = owners.get(SERIAL.search(line)[1])
                if pid in self.members:
                    at = fields(line)
                    names = sorted((n for n in at if re.fullmatch(r"a\d+", n)),
                                   key=lambda n: int(n[1:]))
                    yield pid, [text(at[name]) for name in names]

    def ancestors(self, pid):
        """Up to the daemon, which is not among them."""
        found = []
        while pid in self.parents:
            found.append(pid)
            pid = self.parents[pid]
        return found

    def roots(self):
        """Children of the daemons."""
        return sorted(p for p, parent in self.parents.items() if parent in self.daemons)

    def commanding(self):
        """Who ran `id`: the processes that became it, and who started them."""
        found = set()
        for pid, arguments in self.executions():
            if arguments and arguments[0].rsplit("/", 1)[-1] == "id" and len(arguments) == 1:
                found.add(pid)
                if self.parents.get(pid) not in self.daemons | {None}:
                    found.add(self.parents[pid])
        return sorted(found)

    def write(self, path):
        with gzip.GzipFile(path, "wb", 9, mtime=0) as file:
            file.write("\n".join(self.cut()).encode(errors="surrogateescape") + b"\n")


def text(value):
    if value.startswith('"'):
        return value[1:-1]
    try:
        return bytes.fromhex(value).decode(errors="replace")
    except ValueError:
        return value


def peer_of(saddr):
    """(address, port) of an inet peer; IPv4 in IPv6 is IPv4."""
    try:
        raw = bytes.fromhex(saddr)
    except ValueError:
        return None
    family = int.from_bytes(raw[:2], "little")
    if family == 2 and len(raw) >= 8:
        return str(ipaddress.ip_address(raw[4:8])), int.from_bytes(raw[2:4], "big")
    if family == 10 and len(raw) >= 24:
        address = ipaddress.ip_address(raw[8:24])
        return str(address.ipv4_mapped or address), int.from_bytes(raw[2:4], "big")
    return None
