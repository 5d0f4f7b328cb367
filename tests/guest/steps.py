# SPDX-License-Identifier: Apache-2.0
"""What the tests in guests have in common: how they ask, fail, skip and end."""
import subprocess
import sys

SKIPPED = 77


class Skip(Exception):
    pass


class Failure(Exception):
    pass


def expect(condition, text):
    if not condition:
        raise Failure(text)


def sh(*command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                          errors="replace", stdin=subprocess.DEVNULL, **options)
    if done.returncode != 0:
        raise Failure(f"{command[0]} ended with {done.returncode}: "
                      f"{(done.stdout + done.stderr).strip()[-2000:]}")
    return done.stdout


def run(name, main):
    """Ends the program as ctest takes it."""
    try:
        main()
    except Skip as reason:
        print(f"{name}: skipped: {reason}")
        sys.exit(SKIPPED)
    except Failure as problem:
        print(f"{name}: failed: {problem}")
        sys.exit(1)
