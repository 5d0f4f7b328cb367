# SPDX-License-Identifier: Apache-2.0
"""How one scenario is run: its files are laid, its command is started below its leader, the
operator talks to it, and what is left of it is ended."""

import dataclasses
import os
import pathlib
import shutil
import stat
import time

import harness
from harness import CLIENT, CLIENT6, PATIENCE, SERVER, SERVER6, Failure
import operator_side
import stage as stages

# Where each's own directory is made, in turn.
ATTACK_PLACES = ("/tmp", "/dev/shm", "/var/tmp", "/opt", "/tmp", "/srv")
WORK_PLACES = ("/tmp", "/srv", "/opt")

# Why no rule finds a technique without firing on ordinary work too.
POLLS = "a poll, a command, a report: a build agent does the same"
NO_RECORD = "no record of a connection, and no shell that waits"
CHILD_CONNECTS = "one child connects, others are run: build tools and test runners do the same"
AT_A_TERMINAL = "a program that a person started at a terminal runs commands"


@dataclasses.dataclass
class Attack:
    """command: with @H@ @H6@ the operator's addresses, @V@ @V6@ the victim's, @P@ @Q@ @R@ ports of
    its own, @D@ a directory of its own below /tmp, @C@ where the built programs are.
    channel: how the operator meets it. needs: programs. files: laid in @D@ before."""

    name: str
    shape: str
    family: str
    chain: str
    channel: str
    command: str
    needs: tuple = ()
    files: dict = dataclasses.field(default_factory=dict)
    speaks: dict = dataclasses.field(default_factory=dict)
    patience: float = PATIENCE
    # Runs in every run of the live test; the others only when recordings are made.
    live: bool = False
    # Why no rule finds it; the live test fails when one does after all.
    unseen: str = ""


@dataclasses.dataclass
class Work:
    """Ordinary work; looks_like: the outline it shares with a technique. serves: what waits on the
    other side (a channel's name), plays(channel, started, scene) what the other side does."""

    name: str
    family: str
    chain: str
    command: str
    looks_like: str
    needs: tuple = ()
    files: dict = dataclasses.field(default_factory=dict)
    serves: str = ""
    pages: dict = dataclasses.field(default_factory=dict)
    plays: object = None
    patience: float = PATIENCE
    live: bool = True
    # A technique that leaves the same events, one by one: an alert is no false one.
    twin: str = ""


@dataclasses.dataclass
class Outcome:
    pids: set
    root: int | None
    directory: str
    seconds: float


class Scene:
    """One scenario's place on the stage; index gives it ports of its own."""

    def __init__(self, stage, scenario, index):
        self.stage, self.scenario = stage, scenario
        self.port = 20000 + 8 * index
        places = ATTACK_PLACES if isinstance(scenario, Attack) else WORK_PLACES
        place = places[index % len(places)]
        if os.statvfs(place).f_flag & os.ST_NOEXEC:
            place = "/tmp"
        self.directory = pathlib.Path(place, f"{scenario.family}-{self.port}")

    def missing(self):
        """Why it cannot run here, or None."""
        if self.scenario.chain in self.stage.missing:
            return self.stage.missing[self.scenario.chain]
        if getattr(self.scenario, "channel", "").endswith("6") and not harness.IPV6:
            return "the kernel has no IPv6"
        for need in self.scenario.needs:
            if need in stages.BUILDS:
                if need in self.stage.missing:
                    return self.stage.missing[need]
            elif need.startswith("/"):
                if not os.path.exists(need):
                    return f"{need} is not there"
            elif shutil.which(need, path=stages.PATH) is None:
                return f"{need} is not installed"
        return None

    def fill(self, text):
        if isinstance(text, list):
            return [self.fill(word) for word in text]
        for mark, value in (("@H@", SERVER), ("@H6@", SERVER6), ("@V@", CLIENT), ("@V6@", CLIENT6),
                            ("@P@", str(self.port)), ("@Q@", str(self.port + 1)),
                            ("@R@", str(self.port + 2)), ("@D@", str(self.directory)),
                            ("@C@", str(self.stage.cache))):
            text = text.replace(mark, value)
        return text

    def lay(self):
        """Readable and writable for whoever the leader runs as."""
        self.directory.mkdir()
        os.chmod(self.directory, 0o777)
        for name, content in self.scenario.files.items():
            path = self.directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if content.startswith("copy:"):
                shutil.copy(self.fill(content[5:]), path)
            else:
                path.write_text(self.fill(content))
            os.chmod(path, path.stat().st_mode | stat.S_IXUSR | 0o555)
        if "sshd" in self.scenario.needs:
            shutil.copy(self.stage.directory / "ssh" / "user", self.directory / "key")
            os.chmod(self.directory / "key", 0o600)

    def clear(self):
        shutil.rmtree(self.directory, ignore_errors=True)

    def channel(self, name):
        return operator_side.CHANNELS[name](self.stage, self.port, self.scenario.patience)

    def attack(self):
        """Runs it; its Outcome, or Failure if nothing answered."""
        began = time.monotonic()
        self.lay()
        channel, started = self.channel(self.scenario.channel), None
        try:
            channel.before()
            started = self.stage.start(self.scenario.chain, self.fill(self.scenario.command))
            channel.open()
            pids = operator_side.converse(channel, self.scenario.speaks)
            return Outcome(pids, started.root, str(self.directory), time.monotonic() - began)
        except Failure as problem:
            said = getattr(started, "seen", b"")[-600:]
            raise Failure(f"{problem}{f' (terminal: {said!r})' if said else ''}") from None
        finally:
            if started:
                started.close()
            channel.close()

    def work(self):
        began = time.monotonic()
        self.lay()
        channel = self.channel(self.scenario.serves) if self.scenario.serves else None
        started = None
        try:
            if channel:
                channel.pages = {k: self.fill(v).encode() for k, v in self.scenario.pages.items()}
                channel.before()
            started = self.stage.start(self.scenario.chain, self.fill(self.scenario.command))
            if self.scenario.plays:
                self.scenario.plays(channel, started, self)
            self.wait_until_done()
            return Outcome(set(), started.root, str(self.directory), time.monotonic() - began)
        finally:
            if started:
                started.close()
            if channel:
                channel.close()

    def wait_until_done(self):
        """Each workload's last command writes the file `done`."""
        end = time.monotonic() + self.scenario.patience
        while not (self.directory / "done").exists():
            if time.monotonic() > end:
                raise Failure("it did not come to its end")
            time.sleep(0.02)
