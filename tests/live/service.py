#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The program with the rights that the systemd unit gives it, and no more: an ordinary user, the
unit's capabilities, no new privileges. A technique must become an alert in which the processes of
other users have their ancestry, every system call must be one that the unit's filter lets through,
and audit must be as before."""

import contextlib
import os
import pathlib
import re
import shlex
import shutil
import subprocess

import harness
from harness import expect

UNIT = pathlib.Path(__file__).parents[2] / "packaging/systemd/audisp-eql.service.in"
NOBODY = 65534


def settings_of_unit():
    settings = {}
    for line in UNIT.read_text().splitlines():
        name, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            settings.setdefault(name, []).append(value)
    return settings


def allowed_calls(filters):
    """What SystemCallFilter= lines allow: names, @groups, and ~ for what is taken away again."""
    groups, group = {}, None
    for line in subprocess.run(["systemd-analyze", "syscall-filter", "--no-pager"], text=True,
                               capture_output=True, check=True).stdout.splitlines():
        if re.match(r"@\S+$", line):
            group = groups.setdefault(line, [])
        elif line.strip() and not line.strip().startswith("#") and group is not None:
            group.append(line.strip())

    def members(name):
        if not name.startswith("@"):
            return {name}
        return set().union(*(members(inner) for inner in groups[name]))

    # systemd itself must be able to start the program and to end it.
    allowed = members("@default") | {"execve"}
    for line in filters:
        names = set().union(*(members(name) for name in line.lstrip("~").split()))
        allowed = allowed - names if line.startswith("~") else allowed | names
    return allowed


def with_rights(settings, trace, *command):
    capabilities = ",".join(
        "+" + name.removeprefix("CAP_").lower()
        for name in settings["AmbientCapabilities"][0].split())
    prefix = ["strace", "-f", "-qq", "-o", trace] if trace else []
    return [*prefix, "setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
            f"--bounding-set=-all,{capabilities}", f"--inh-caps=-all,{capabilities}",
            f"--ambient-caps=-all,{capabilities}", "--no-new-privs", *command]


def calls_of(trace, program):
    """The program's own: what follows setpriv's exec of it."""
    own, started = set(), False
    for line in pathlib.Path(trace).read_text(errors="replace").splitlines():
        found = re.match(r"\d+ +(\w+)\(", line)
        if found and started:
            own.add(found[1])
        if f'execve("{program}"' in line and line.endswith("= 0"):
            started = True
    return own


def check_run(arguments, directory, network, syslog, run, holder):
    status = pathlib.Path(f"/proc/{holder}/status").read_text()
    expect(f"Uid:\t{NOBODY}\t{NOBODY}" in status, f"not an ordinary user:\n{status}")
    techniques = harness.Techniques(network, arguments["stageless"], directory)
    pid, parent = techniques.suspicious_binary()
    alert = syslog.wait_for_alert(harness.SUSPICIOUS_BINARY, pid)
    harness.check_suspicious_binary(alert, pid, parent)
    # This program is root's: its path stands behind a link that only ptrace rights open.
    ancestors = alert["audisp_eql"]["ancestry"]
    expect(any(a["pid"] == os.getpid() and a.get("name") for a in ancestors),
           f"the ancestry lacks us: {alert}")
    text = run.text()
    expect(not re.search("not permitted|denied|cannot be|refused", text),
           f"something is missing:\n{text}")


def after_a_crash(settings, program, rules, directory):
    """The unit's stop command puts audit back, and leaves a program that runs alone."""
    state = pathlib.Path(directory, "state")
    state.mkdir()
    os.chown(state, NOBODY, NOBODY)
    config = pathlib.Path(directory, "crash.conf")
    config.write_text(f"state-dir = {state}\nsyslog = off\nrules = {rules}\nfeed = unicast\n")
    before = harness.AuditState()
    stop = shlex.split(settings["ExecStopPost"][0])[1:]
    clean = with_rights(settings, None, program, *stop, "--config", str(config))
    with harness.Process(*with_rights(settings, None, program, "run", "--config", str(config)),
                         log=f"{directory}/crash.log") as run:
        run.wait_for_line("started")
        rules_of_run = harness.sh("auditctl", "-l")
        harness.sh(*clean)
        expect(harness.sh("auditctl", "-l") == rules_of_run, "rules were taken from a running one")
        run.stop(harness.signal.SIGKILL)
    expect(harness.sh("auditctl", "-l") == rules_of_run, "killed, and the rules are gone already")
    harness.sh(*clean)
    before.check_restored()
    expect(not list(state.glob("audit-settings")), "the note of the settings is left")


def test(arguments, directory):
    settings = settings_of_unit()
    expect(settings["AmbientCapabilities"] == settings["CapabilityBoundingSet"],
           "the unit's ambient and bounding capabilities differ")
    os.chmod(directory, 0o755)
    # Where the build lies need not be open to everybody.
    program, rules = f"{directory}/audisp-eql", f"{directory}/rules"
    shutil.copy(arguments["program"], program)
    shutil.copytree(arguments["rules"], rules)
    output = pathlib.Path(directory, "log")
    output.mkdir()
    os.chown(output, NOBODY, NOBODY)
    trace = None
    if b"__asan_init" in pathlib.Path(program).read_bytes():
        print("skipped: the system calls, because a sanitizer makes calls of its own")
    elif shutil.which("strace") and shutil.which("systemd-analyze"):
        trace = f"{directory}/trace"
    else:
        print("skipped: the system calls, because strace or systemd-analyze is not installed")
    command = with_rights(
        settings, trace, program, *harness.RUN, "--rules", rules, "--feed",
        "unicast", "--require", "audit,proc_connector", "--json-file", f"{output}/alerts.json")
    with harness.Network() as network, harness.Syslog(directory) as syslog:
        os.chmod(syslog.socket, 0o666)
        with harness.Process(*command, "--syslog", syslog.socket, log=f"{directory}/run.log") as run:
            run.wait_for_line("started")
            holder = harness.audit_status()["pid"]
            try:
                check_run(arguments, directory, network, syslog, run, holder)
            finally:
                # A tracer that is ended leaves the program running.
                with contextlib.suppress(ProcessLookupError):
                    os.kill(holder, harness.signal.SIGTERM)
            expect(run.started.wait(harness.PATIENCE) == 0, f"did not end with 0:\n{run.text()}")
            expect("could not be put back" not in run.text(), run.text())
        after_a_crash(settings, program, rules, directory)
    if trace:
        calls = calls_of(trace, program)
        expect({"recvfrom", "recvmsg", "recvmmsg"} & calls, f"nothing was traced: {calls}")
        refused = calls - allowed_calls(settings["SystemCallFilter"])
        expect(not refused, f"the unit's filter refuses what the program calls: {sorted(refused)}")


if __name__ == "__main__":
    harness.main("live.service", test)
