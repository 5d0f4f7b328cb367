#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`enable plugin` and `disable` with a real auditd that has a configuration directory of its own: what
is switched on finds a technique, doing it twice changes nothing, disable leaves every file, auditd
and audit as they were."""

import os
import pathlib
import subprocess

import harness
import plugin
from harness import expect

INACTIVE = plugin.PLUGIN.replace("active = yes", "active = no").replace(
    "args = --config", "# by hand\nargs = --config")


class Auditd(harness.Process):
    """As the other test's, but nothing of ours is switched on."""

    def __init__(self, directory, plugin_file, settings):
        base = pathlib.Path(directory)
        plugins = base / "plugins.d"
        plugins.mkdir(mode=0o750, parents=True)
        files = {base / "auditd.conf": plugin.AUDITD.format(directory=directory),
                 base / "audisp-eql.conf": "".join(f"{k} = {v}\n" for k, v in settings.items())}
        if plugin_file:
            files[plugins / "audisp-eql.conf"] = plugin_file
        for path, text in files.items():
            path.write_text(text)
            path.chmod(0o640)
        self.plugins = plugins
        super().__init__("auditd", "-f", "-c", directory, log=base / "auditd.log",
                         stdout=subprocess.DEVNULL)
        # It takes the feed, then switches audit on.
        harness.wait_for(lambda: f"auditd does not hold the feed:\n{self.text()}",
                         lambda: (status := harness.audit_status())["pid"] == self.pid and
                         status["enabled"] == 1)

    def files(self):
        """What stands in its plugin directory: name, mode, text."""
        return {path.name: (oct(path.stat().st_mode), path.read_text())
                for path in self.plugins.iterdir()}

    def children(self):
        return [child for thread in pathlib.Path(f"/proc/{self.pid}/task").iterdir()
                for child in (thread / "children").read_text().split()]


def switch(program, config, *words, code=0):
    done = subprocess.run([program, *words, "--config", config], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=120)
    expect(done.returncode == code, f"{words} ended with {done.returncode}, not {code}:\n"
                                    f"{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def switched_on_and_off(arguments, directory, plugin_file, network):
    """plugin_file: what was there before; None: nothing."""
    program = arguments["program"]
    config = f"{directory}/audisp-eql.conf"
    os.mkdir(directory)
    with harness.Syslog(directory) as syslog:
        settings = {"rules": arguments["rules"], "syslog": syslog.socket, "state-dir": "off"}
        text = plugin_file and plugin_file.format(program=program, directory=directory)
        with Auditd(directory, text, settings) as auditd:
            audit = harness.AuditState()
            before = auditd.files()
            expect("nothing was changed" in switch(program, config, "disable"), "disable did something")

            said = switch(program, config, "enable", "plugin", "--accept", "--look-in", f"{directory}/syslog.log")
            expect("detected" in said, f"the selftest has not detected:\n{said}")
            on = auditd.files()
            expect(len(auditd.children()) == 1, f"auditd runs no plugin:\n{said}")
            expect("active = yes\n" in on["audisp-eql.conf"][1], f"not active: {on}")
            expect(on["audisp-eql.conf"][0] == "0o100640", f"another mode: {on}")
            expect(set(on) == {"audisp-eql.conf"}, f"other files are left: {on}")
            running = auditd.children()
            said = switch(program, config, "enable", "plugin", "--accept", "--look-in", f"{directory}/syslog.log")
            expect("nothing was changed" in said, f"done twice:\n{said}")
            expect(auditd.files() == on and auditd.children() == running, "twice changed something")
            said = switch(program, config, "enable", "service", code=1)
            expect("audisp-eql disable plugin" in said, f"both forms were not refused:\n{said}")
            harness.wait_for("the plugin has loaded no rules", plugin.own_rules)
            techniques = harness.Techniques(network, arguments["stageless"], directory)
            pid, parent = techniques.suspicious_binary()
            alert = syslog.wait_for_alert(harness.SUSPICIOUS_BINARY, pid)
            harness.check_suspicious_binary(alert, pid, parent)

            said = switch(program, config, "disable")
            expect("switched off" in said and not auditd.children(), f"it runs still:\n{said}")
            expect(auditd.files() == before, f"the files are {auditd.files()}, not {before}")
            audit.check_restored()
            expect("nothing was changed" in switch(program, config, "disable"), "disable again did something")


def test(arguments, directory):
    before = harness.audit_status()
    try:
        with harness.Network() as network:
            switched_on_and_off(arguments, f"{directory}/file", INACTIVE, network)
            switched_on_and_off(arguments, f"{directory}/no-file", None, network)
    finally:
        # auditd enables audit and leaves it so.
        harness.sh("auditctl", "-e", str(before["enabled"]))


if __name__ == "__main__":
    harness.main("live.enable", test)
