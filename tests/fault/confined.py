#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The two processes that the program is: what the one that parses may not do, and that each notices
the other's end."""

import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

SKIPPED = 77
PATIENCE = 60


def expect(condition, text):
    if not condition:
        raise SystemExit(f"fault.confined: failed: {text}")


class Place:
    def __enter__(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="audisp-eql-confined-"))
        self.path.chmod(0o755)
        (self.path / "state").mkdir(0o700)
        (self.path / "rule.toml").write_text("# any\n")
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path)

    def start(self, *words):
        return subprocess.Popen([sys.argv[1], self.path, *words], stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def run(self, *words):
        started = self.start(*words)
        text = started.communicate(timeout=PATIENCE)[0]
        return started.returncode, text


def waiting(started):
    """What it says when it has divided; lines about missing users come before."""
    for line in started.stdout:
        if line.startswith("waiting"):
            return line
    raise SystemExit("fault.confined: failed: it did not divide")


def attacks():
    for words in (["attack"], ["attack", "same-user"]):
        with Place() as place:
            code, text = place.run(*words)
            expect(code == 0, f"{' '.join(words)} ended with {code}:\n{text}")
            expect("could not: open /etc/shadow" in text, text)
            print(f"{' '.join(words)}: {text.count('could not: ')} tries failed, "
                  f"{text.count('could: ')} needs were met")
            print("\n".join(line for line in text.splitlines()
                            if line.startswith(("skipped", "a process read"))))


def the_parser_ends():
    with Place() as place:
        code, text = place.run("crash")
        expect(code == 1, f"a crash ended with {code}:\n{text}")
        expect("ended by signal 6" in text or "ended with" in text, text)
    with Place() as place:
        started = place.start("wait")
        pid = int(waiting(started).split()[1])
        os.kill(pid, signal.SIGKILL)
        text = started.communicate(timeout=PATIENCE)[0]
        expect(started.returncode == 1 and "signal 9" in text, f"{started.returncode}: {text}")


def the_privileged_one_ends():
    with Place() as place:
        started = place.start("wait")
        waiting(started)
        started.kill()
        # The pipe ends when the other process has.
        text = started.communicate(timeout=PATIENCE)[0]
        expect("the other has ended" in text, text)


def signals():
    with Place() as place:
        started = place.start("wait")
        waiting(started)
        started.terminate()
        text = started.communicate(timeout=PATIENCE)[0]
        expect(started.returncode == 0 and "a signal was passed on" in text,
               f"{started.returncode}: {text}")


if os.geteuid() != 0:
    print("fault.confined: skipped: not root")
    sys.exit(SKIPPED)
for test in (attacks, the_parser_ends, the_privileged_one_ends, signals):
    test()
print("fault.confined: passed")
