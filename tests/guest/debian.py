#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""debian.py SUITE PACKAGE [BOOT…]: what is installed on a real Debian, from a host without it to a host
without it. PACKAGE: the .deb, the portable tarball, or a build directory, of which what it installs
is taken. Each BOOT is one of boots/*.sh in a guest of its own; "life" by default."""

import contextlib
import hashlib
import os
import pathlib
import re
import shutil
import sys
import tempfile
import time

import machine
import steps
from machine import HERE
from steps import Failure, Skip, expect, sh

# What the scripts call; {file} is the package's name, {next} that of the next version.
OF_DEB = """\
install_it() {{ dpkg -i {file}; }}
upgrade_it() {{ dpkg -i {next}; }}
remove_it() {{ dpkg --remove audisp-eql; }}
purge_it() {{ dpkg --purge audisp-eql; }}
"""
# As a tarball's own notes (packaging/portable/INSTALL) say.
OF_TARBALL = """\
directories() {{ tar -tzf /run/in/{file} | grep '/$' | grep / | sort -r; }}
install_it() {{
    # What the host has already is the host's.
    (cd / && directories | while read -r one; do [ -d "$one" ] || echo "$one"; done) >/run/made
    tar -C / -xzf {file} && systemctl daemon-reload &&
        install -D -m 0644 -t /etc/audisp-eql {prefix}/share/doc/audisp-eql/examples/audisp-eql.conf
}}
upgrade_it() {{
    tar -C / -xzf {file} && systemctl daemon-reload && systemctl try-restart audisp-eql &&
        {{ pkill -USR2 -P "$(auditd_pid)" -x audisp-eql || :; }}
}}
remove_it() {{
    audisp-eql disable && tar -tzf {file} | grep -v '/$' | (cd / && xargs rm -f --) &&
        rm -rf {prefix}/share/audisp-eql {prefix}/share/doc/audisp-eql
}}
purge_it() {{
    rm -rf /etc/audisp-eql /var/lib/audisp-eql /var/log/audisp-eql
    userdel _audisp-eql
    (cd / && xargs rmdir </run/made 2>/dev/null)
    systemctl daemon-reload
}}
"""


def staged(build, directory):
    """A tarball of what a build directory installs, and the packages that its program needs."""
    stage = directory / "stage"
    sh("cmake", "--install", build, "--strip", env={**os.environ, "DESTDIR": str(stage)})
    tarball = directory / "audisp-eql.tar.gz"
    sh("tar", "-C", stage, "-czf", tarball, ".")
    program = next(stage.rglob("sbin/audisp-eql"))
    libraries = re.findall(r"=> (/\S+)", sh("ldd", program))
    shutil.rmtree(stage)
    names = set()
    for library in libraries:
        for path in (library, f"/usr{library}", os.path.realpath(library)):
            with contextlib.suppress(Failure):
                names.add(sh("dpkg-query", "-S", path).split(":")[0])
    return tarball, sorted(names)


def next_version(deb, directory):
    """The same package under a later number, so that it is an upgrade."""
    unpacked = directory / "next"
    sh("dpkg-deb", "-R", deb, unpacked)
    control = unpacked / "DEBIAN/control"
    lines = control.read_text().splitlines()
    control.write_text("".join(
        f"{line}+next\n" if line.startswith("Version:") else f"{line}\n" for line in lines))
    target = directory / "next.deb"
    # Ownerships as the package has them; a fast compressor, since it lives for a minute.
    sh("dpkg-deb", "-Zgzip", "-z1", "-b", unpacked, target)
    shutil.rmtree(unpacked)
    return target


# For guests whose boots begin with "selinux".
SELINUX = ("selinux-policy-default", "policycoreutils", "selinux-utils", "semodule-utils")


def with_selinux(root):
    """Our module, compiled here, in the guest's policy."""
    devel = pathlib.Path("/usr/share/selinux/devel/Makefile")
    if not devel.exists():
        raise Skip("selinux-policy-dev is not installed")
    sources = root / "root/selinux"
    shutil.copytree(HERE.parent.parent / "packaging/selinux", sources)
    sh("make", "-f", devel, "-C", sources, "NAME=default", "audisp_eql.pp")
    config = root / "etc/selinux/config"
    config.write_text("SELINUX=enforcing\nSELINUXTYPE=default\n")
    sh("chroot", root, "semodule", "-n", "-s", "default", "-i", "/root/selinux/audisp_eql.pp")
    shutil.rmtree(sources)


def image_for(suite, name, needed):
    if name.startswith("selinux"):
        policy = (HERE.parent.parent / "packaging/selinux").iterdir()
        digest = hashlib.sha256(b"".join(file.read_bytes() for file in sorted(policy)))
        return machine.image(suite, [*needed, *SELINUX], with_selinux,
                             f"-selinux-{digest.hexdigest()[:8]}")
    return machine.image(suite, needed)


def script(name, package):
    functions = OF_DEB if package.suffix == ".deb" else OF_TARBALL
    listed = "" if package.suffix == ".deb" else sh("tar", "-tzf", package)
    prefix = "/usr/local" if "/usr/local/sbin" in listed else "/usr"
    return ("cd /run/in\n" + (HERE / "boots/common.sh").read_text() +
            functions.format(file=package.name, next="next.deb", prefix=prefix) +
            (HERE / f"boots/{name}.sh").read_text() + "exit 0\n")


def run(suite, package, name):
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="audisp-eql-guest.") as directory:
        directory = pathlib.Path(directory)
        needed = ["libaudit1", "libcap-ng0", "libmnl0"]
        if package.is_dir():
            package, needed = staged(package, directory)
        files = [package]
        if package.suffix == ".deb":
            needed = machine.package_names(package)
            files.append(next_version(package, directory))
        image = image_for(suite, name, needed)
        made = time.monotonic()
        guest = machine.Guest(image, directory)
        # a+b: one guest boots twice, and what the first boot did is there.
        for boot in name.split("+"):
            # The first boot labels the files; the second enforces.
            arguments = f"security=selinux enforcing={int(boot == 'selinux')}" if (
                name.startswith("selinux")) else ""
            found = guest.boot(script(boot, package), files, arguments=arguments)
            said = found["said"].rstrip().replace("\n", "\n  ")
            expect(found.get("code", "").strip() == "0", f"{suite}, {boot}:\n  {said}")
            print(f"{suite}, {boot}:\n  {said}")
    print(f"{suite}, {name}: passed in {time.monotonic() - made:.0f} s "
          f"(image and package: {made - start:.0f} s)", flush=True)


def main():
    suite, package = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
    names = sys.argv[3:] or ["life"]
    if not package.exists():
        raise Skip(f"there is no {sys.argv[2]}")
    machine.check_tools()
    for name in names:
        run(suite, package, name)


if __name__ == "__main__":
    steps.run("guest.debian", main)
