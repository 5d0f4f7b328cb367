# SPDX-License-Identifier: Apache-2.0
"""A whole Debian in a guest: systemd, auditd and rsyslog of the suite, on its own kernel, in qemu.

An image is made once by mmdebstrap and kept in ~/.cache/audisp-eql-guest. A Guest is a copy of one
that lives through any number of boots; each boot runs one script as root and brings back what it
wrote into /out. Nothing is installed on this machine, and the guest has no network to it.
"""

import contextlib
import gzip
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import tarfile
import tempfile

from steps import Failure, Skip, expect, sh

HERE = pathlib.Path(__file__).parent
TOOLS = ("qemu-system-x86_64", "mmdebstrap", "mke2fs", "cpio", "dpkg-deb", "tar")
# Cold, without KVM, on a machine that does other work too.
PATIENCE = 1500
MEBIBYTE = 1024 * 1024

BASE = ("systemd", "systemd-sysv", "auditd", "rsyslog", "procps", "iproute2", "netcat-traditional",
        "busybox-static", "perl-base", "logrotate")
# What the disk needs, and a pair of interfaces.
MODULES = ("virtio", "virtio_ring", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci",
           "virtio_blk", "crc16", "crc32c_generic", "crc32c-cryptoapi", "libcrc32c", "mbcache",
           "jbd2", "ext4", "veth")
# Slow without hardware of their own, or pointless in a guest that lives for a minute.
MASKED = ("systemd-udevd.service", "systemd-udev-trigger.service", "systemd-udevd-kernel.socket",
          "systemd-udevd-control.socket", "systemd-hwdb-update.service", "getty.target",
          "systemd-timesyncd.service", "systemd-binfmt.service", "proc-sys-fs-binfmt_misc.automount",
          "systemd-modules-load.service", "modprobe@.service", "systemd-random-seed.service",
          "systemd-boot-random-seed.service", "systemd-journal-catalog-update.service",
          "systemd-update-done.service", "ldconfig.service", "systemd-firstboot.service",
          "systemd-network-generator.service", "systemd-tpm2-setup-early.service",
          "systemd-tpm2-setup.service", "systemd-pstore.service", "timers.target",
          "systemd-remount-fs.service", "systemd-journald-audit.socket", "sys-kernel-tracing.mount", "sys-kernel-debug.mount",
          "sys-kernel-config.mount", "sys-fs-fuse-connections.mount", "dev-hugepages.mount",
          "dev-mqueue.mount", "e2scrub_reap.service", "networking.service")

RUNNER = """\
#!/bin/sh
# The script of this boot comes on the second disk, as a tar; what it wrote goes to the third.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 HOME=/root
mkdir -p /run/in /run/out
tar -C /run/in -xf /dev/vdb
ln -sfn /run/out /out
cd /run/in && sh ./script >/dev/ttyS1 2>&1
echo $? >/run/out/code
rm -f /out
tar -C /run/out -cf /dev/vdc .
sync
systemctl --no-block poweroff
"""
UNIT = """\
[Unit]
After=multi-user.target
[Service]
ExecStart=/usr/local/sbin/guest-run
"""
TARGET = """\
[Unit]
Requires=multi-user.target
After=multi-user.target
Wants=guest-run.service
AllowIsolate=yes
"""
# The meta package names the newest kernel; newer suites put the parts into packages of their own.
FETCH_KERNEL = """\
#!/bin/sh
set -e
names() { chroot "$1" apt-cache depends "$2" | sed -n "s/.*Depends: \\(linux-$3-[0-9][^ ]*\\).*/\\1/p"; }
image=$(names "$1" linux-image-cloud-amd64 image | head -n 1)
for name in "$image" $(names "$1" "$image" '\\(binary\\|modules\\|base\\)' | head -n 9); do
    (cd "$1/tmp" && chroot "$1" sh -c "cd /tmp && apt-get -q download $name")
done
mkdir "$OUT/packages"
mv "$1"/tmp/linux-*.deb "$OUT/packages"
"""
INIT = """\
#!/bin/busybox sh
b=/bin/busybox
$b mount -t devtmpfs dev /dev
# Which needs which differs between kernels.
for pass in 1 2 3; do
    for module in $($b cat /modules/order); do
        $b insmod /modules/$module.ko 2>/dev/null
    done
done
n=0
while [ ! -b /dev/vda ] && [ $n -lt 500 ]; do $b usleep 10000; n=$((n+1)); done
$b mount -t ext4 -o rw,noatime /dev/vda /new || exec $b poweroff -f
$b mount --move /dev /new/dev
exec $b switch_root /new /sbin/init
"""


def cache():
    home = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(home) / "audisp-eql-guest"


def check_tools():
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        raise Skip(f"{missing[0]} is not installed")
    if os.uname().machine != "x86_64":
        raise Skip("the guest is of x86-64 only")
    if os.geteuid() != 0:
        raise Skip("only root can make the guest's image")


def unpacked_module(file):
    data = file.read_bytes()
    for suffix, tool in ((".xz", "xz"), (".zst", "zstd")):
        if file.suffix == suffix:
            data = subprocess.run([tool, "-dcq"], input=data, capture_output=True, check=True).stdout
    return data


def make_initrd(root, kernel, target):
    """Loads what the disk needs, and goes over to it."""
    with tempfile.TemporaryDirectory() as name:
        base = pathlib.Path(name)
        for directory in ("bin", "modules", "dev", "new"):
            (base / directory).mkdir()
        busybox = next(path for path in (root / "bin/busybox", root / "usr/bin/busybox")
                       if path.exists())
        shutil.copy(busybox, base / "bin/busybox")
        order = []
        for module in MODULES:
            found = next(iter(kernel.rglob(f"{module}.ko*")), None)
            if found is not None:  # else it is built in
                (base / f"modules/{module}.ko").write_bytes(unpacked_module(found))
                order.append(module)
        (base / "modules/order").write_text(" ".join(order))
        (base / "init").write_text(INIT)
        (base / "init").chmod(0o755)
        names = "\n".join(str(path.relative_to(base)) for path in sorted(base.rglob("*")))
        packed = subprocess.run(["cpio", "-o", "-H", "newc", "-R", "0:0", "--quiet"], cwd=base,
                                input=names.encode(), capture_output=True, check=True).stdout
        target.write_bytes(gzip.compress(packed, 1))


def prepare_root(root):
    """What makes the suite a guest of ours."""
    runner = root / "usr/local/sbin/guest-run"
    runner.write_text(RUNNER)
    runner.chmod(0o755)
    units = root / "etc/systemd/system"
    (units / "guest-run.service").write_text(UNIT)
    (units / "guest.target").write_text(TARGET)
    for unit, target in [("default.target", "guest.target")] + [(unit, "/dev/null")
                                                                for unit in MASKED]:
        (units / unit).unlink(missing_ok=True)
        (units / unit).symlink_to(target)
    (root / "etc/machine-id").write_text("0123456789abcdef0123456789abcdef\n")
    (root / "etc/hostname").write_text("guest\n")
    (root / "etc/fstab").write_text("")


def build(suite, packages, directory, prepare):
    with tempfile.TemporaryDirectory(prefix="audisp-eql-image.") as name:
        work = pathlib.Path(name)
        hook = work / "fetch-kernel"
        hook.write_text(FETCH_KERNEL)
        hook.chmod(0o755)
        try:
            # sid's lists are soon "expired" where a machine's packages are frozen at a date.
            sh("mmdebstrap", "--quiet", "--variant=minbase", "--mode=root",
               '--aptopt=Acquire::Check-Valid-Until "false"', f"--include={','.join(packages)}",
               "--dpkgopt=path-exclude=/usr/share/locale/*", f"--customize-hook={hook}",
               '--customize-hook=rm -rf "$1"/var/lib/apt/lists/*', suite, work / "root",
               env={**os.environ, "OUT": name})
        except Failure as problem:
            raise Skip(f"no image of {suite} can be made here: {problem}") from problem
        for package in (work / "packages").iterdir():
            sh("dpkg-deb", "-x", package, work / "kernel")
        kernel = next(path for path in sorted((work / "kernel").rglob("vmlinuz*"))
                      if path.is_file() and not path.is_symlink())
        root = work / "root"
        prepare_root(root)
        make_initrd(root, work / "kernel", directory / "initrd.gz")
        shutil.copy(kernel, directory / "vmlinuz")
        if prepare is not None:
            prepare(root)
        used = int(sh("du", "-sm", root).split()[0])
        sh("mke2fs", "-q", "-t", "ext4", "-O", "^has_journal,^metadata_csum", "-d", root,
           directory / "root.img", f"{used + 400}M")


def image(suite, extra=(), prepare=None, label=""):
    """The directory with the suite's root.img, vmlinuz, initrd.gz: made now, or kept from before."""
    check_tools()
    packages = sorted({*BASE, *extra})
    recipe = repr((packages, MODULES, MASKED, RUNNER, UNIT, TARGET, INIT, label))
    digest = hashlib.sha256(recipe.encode()).hexdigest()[:12]
    directory = cache() / f"{suite}{label}-{digest}"
    if not directory.exists():
        for old in cache().glob(f"{suite}{label}-????????????"):
            shutil.rmtree(old)
        cache().mkdir(parents=True, exist_ok=True)
        fresh = pathlib.Path(tempfile.mkdtemp(prefix=f"new-{suite}.", dir=cache()))
        try:
            build(suite, packages, fresh, prepare)
            fresh.rename(directory)
        except BaseException:
            shutil.rmtree(fresh, ignore_errors=True)
            raise
    return directory


class Guest:
    """One machine: a copy of an image, which keeps what its boots wrote."""

    def __init__(self, source, directory, memory=512, arguments=""):
        self.source, self.directory = source, pathlib.Path(directory)
        self.memory, self.arguments = memory, arguments
        self.boots = 0
        self.disk = self.directory / "disk.img"
        sh("cp", "--sparse=always", source / "root.img", self.disk)

    def boot(self, script, files=(), patience=PATIENCE, arguments=""):
        """Boots, runs the script (text) beside the files; what it left in /out, by name."""
        self.boots += 1
        work = self.directory / f"boot-{self.boots}"
        (work / "in").mkdir(parents=True)
        (work / "in/script").write_text(script)
        for file in files:
            shutil.copy(file, work / "in")
        sent, brought = work / "in.tar", work / "out.tar"
        sh("tar", "-C", work / "in", "-cf", sent, ".")
        with open(sent, "ab") as out:
            out.truncate(-(-sent.stat().st_size // MEBIBYTE) * MEBIBYTE)
        with open(brought, "wb") as out:
            out.truncate(64 * MEBIBYTE)
        self._run(work, sent, brought, patience, arguments)
        (work / "out").mkdir()
        try:
            with tarfile.open(brought) as tar:
                tar.extractall(work / "out", filter="data")
        except tarfile.TarError as problem:
            raise Failure(f"the guest brought nothing back ({problem}):\n{self.said(work)}"
                          ) from problem
        found = {path.name: path.read_text(errors="replace")
                 for path in (work / "out").iterdir() if path.is_file()}
        found["said"] = (work / "ttyS1").read_text(errors="replace").replace("\r\n", "\n")
        return found

    @staticmethod
    def said(work):
        parts = []
        for name in ("console", "ttyS1"):
            with contextlib.suppress(OSError):
                parts.append((work / name).read_text(errors="replace")[-4000:])
        return "\n".join(parts)

    def _run(self, work, sent, brought, patience, arguments):
        accel = os.environ.get("AUDISP_EQL_GUEST_ACCEL", "tcg,thread=multi")
        disks = [(self.disk, "cache=unsafe"), (sent, "read-only=on"), (brought, "cache=unsafe")]
        command = ["qemu-system-x86_64", "-accel", accel, "-cpu", "host" if accel == "kvm" else "max",
                   "-M", "q35", "-m", str(self.memory), "-smp", "2", "-nodefaults",
                   "-no-user-config", "-display", "none", "-no-reboot",
                   "-serial", f"file:{work}/console", "-serial", f"file:{work}/ttyS1",
                   "-kernel", self.source / "vmlinuz", "-initrd", self.source / "initrd.gz",
                   "-append", "console=ttyS0 quiet panic=-1 rw audit_backlog_limit=8192 "
                              f"systemd.show_status=0 {self.arguments} {arguments}"]
        for number, (file, how) in enumerate(disks):
            command += ["-drive", f"file={file},if=none,id=d{number},format=raw,{how}",
                        "-device", f"virtio-blk-pci,drive=d{number}"]
        try:
            done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL,
                                  capture_output=True, timeout=patience)
        except subprocess.TimeoutExpired as problem:
            raise Failure(f"the guest did not end within {patience} s:\n{self.said(work)}"
                          ) from problem
        expect(done.returncode == 0, f"qemu: {done.stderr.decode(errors='replace')}")


def package_names(deb):
    """What a .deb depends on, without versions; of alternatives the first."""
    depends = sh("dpkg-deb", "-f", deb, "Depends")
    return re.findall(r"(?:^|,)\s*([a-z0-9][a-z0-9+.-]*)", depends)
