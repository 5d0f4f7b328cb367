#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every kind of event that is neither an exec, a plain connection nor a file: the call is made, the
event received as a rule sees it, its fields compared; and the capture replays to the same alerts."""

import ctypes
import json
import os
import pathlib
import socket
import struct
import subprocess

import harness
from harness import expect

KEY = "live-test-calls"
WATCHED = ("ptrace,init_module,finit_module,delete_module,memfd_create,bind,listen,kill,mount,umount2,"
           "unshare,setns,capset,splice")
RULE = """\
[rule]
name = "calls"
rule_id = "22222222-2222-4222-8222-222222222222"
language = "eql"
type = "eql"
risk_score = 1
severity = "low"
query = '''
any where (process.name : ("doors", "python*", "su", "memfd:*") and event.category != "file") or
  event.action == "memfd_create" and process.Ext.memfd.name == "x" or
  event.action == "ptrace" and process.Ext.ptrace.child_pid == 1 or
  process.previous.executable : "*/doors" or
  (source.ip == "192.0.2.99" and network.transport == "sctp" and audisp_eql.process.view == "none")
'''
"""
ADDRESS, PORT = "127.0.0.1", "4447"
LOCAL = {"destination.ip": ADDRESS, "destination.port": int(PORT)}

# accept(fd, NULL, NULL): no record says who it was, the socket does.
PEER = {"network.direction": "ingress", "source.ip": ADDRESS, "destination.ip": ADDRESS,
        "network.transport": "tcp", "audisp_eql.network.source": "procfs"}
SLEEP = os.stat("/bin/sleep")
INODE = str(SLEEP.st_ino)
DEVICE = f"{os.major(SLEEP.st_dev):02x}:{os.minor(SLEEP.st_dev):02x}"

# Operation of doors.cpp: the actions that must be among its events, with fields of each. CHILD is the
# pid that the operation says.
CHILD = object()
EXPECTED = {
    "setuid": [("uid_change", {"user.id": "65534", "process.real_user.id": "65534"}),
               ("gid_change", {"group.id": "65534"})],
    "setsid": [("fork", {"process.pid": CHILD, "process.parent.name": "doors"}),
               ("session_id_change", {"process.pid": CHILD}),
               ("end", {"process.pid": CHILD, "process.exit_code": 0})],
    "capset": [(None, {"auditd.data.syscall": "capset", "auditd.data.cap_pi": None,
                       "process.thread.capabilities.effective": "CAP_CHOWN"})],
    "loginuid": [("changed-login-id-to", {"process.pid": CHILD, "user.name": "nobody",
                                          "event.category": "authentication"})],
    "ptrace": [("ptrace", {"process.Ext.ptrace.child_pid": CHILD})],
    "kill": [("killed-pid", {"auditd.data.opid": CHILD, "auditd.data.ocomm": "doors",
                             "auditd.data.a1": "a"})],
    "abort": [("coredump", {"process.pid": CHILD}),
              ("crashed-program", {"process.pid": CHILD, "auditd.data.sig": "6"})],
    "seccomp": [("violated-seccomp-policy", {"process.pid": CHILD,
                                             "auditd.data.syscall": "getpriority"})],
    "mount": [("mounted", {"auditd.data.syscall": "mount"}),
              ("unmounted", {"auditd.data.syscall": "umount2"})],
    "setns": [(None, {"auditd.data.syscall": "unshare", "auditd.data.a0": "4000000"}),
              (None, {"auditd.data.syscall": "setns", "auditd.data.a1": "4000000"})],
    "memfd_create": [("memfd_create", {"process.Ext.memfd.name": "payload",
                                       "process.Ext.memfd.flag_cloexec": True})],
    "prctl": [(None, {"auditd.data.syscall": "prctl", "auditd.data.a0": "f"})],
    "mprotect": [(None, {"auditd.data.syscall": "mprotect", "auditd.data.a2": "7",
                         "auditd.data.exit": "0"})],
    "splice": [(None, {"auditd.data.syscall": "splice", "auditd.result": "success"})],
    "exec_memfd": [("exec", {"process.executable": "/memfd:stage2 (deleted)",
                             "auditd.data.syscall": "execveat",
                             "process.Ext.memfd.name": "stage2"})],
    "exec_descriptor": [("exec", {"auditd.data.syscall": "execveat", "process.name": "true"})],
    "exec32": [("exec", {"process.name": "true", "process.args": "/bin/true"})],
    "exec_namespace": [("exec", {"process.name": "sleep", "file.device": DEVICE,
                                 "file.inode": INODE,
                                 "audisp_eql.process.view": "mount_namespace"})],
    "exec_root": [("exec", {"process.executable": "/bin/sleep", "file.inode": INODE,
                            "audisp_eql.process.view": "root"})],
    "listen": [("bound-socket", {"auditd.data.socket.family": "ipv4",
                                 "auditd.data.socket.addr": ADDRESS,
                                 "auditd.data.socket.port": PORT}),
               ("listen-for-connections", {})],
    "accept": [("connection_accepted", PEER | {"auditd.data.syscall": "accept4"})],
    "accept_nobody": [("connection_accepted", PEER)],
    "accept_socketcall": [("connection_accepted", PEER | {"auditd.data.syscall": "socketcall"})],
    "sendto": [("sent-to", LOCAL)],
    "fast_open": [("connection_attempted", LOCAL | {"auditd.data.syscall": "sendto"})],
    "fast_open_message": [("connection_attempted", LOCAL | {"auditd.data.syscall": "sendmsg"})],
    "connect32": [("connection_attempted", LOCAL | {"auditd.data.syscall": "connect",
                                                    "event.outcome": "failure"})],
    "socketcall": [("connection_attempted", LOCAL | {"auditd.data.syscall": "socketcall"})],
    "uring": [("connection_attempted", LOCAL | {"auditd.data.syscall": "io_uring_enter"})],
    "uring_polled": [("connection_attempted", LOCAL)],
}
# What programs report, by the name of the record's type: action, and where the account stands.
LOGIN, TARGET, GROUP = "user.name", "user.target.name", "group.name"
REPORTS = {
    "USER_AUTH": ("authenticated", LOGIN),
    "USER_ACCT": ("was-authorized", LOGIN),
    "CRED_ACQ": ("acquired-credentials", LOGIN),
    "CRED_DISP": ("disposed-credentials", LOGIN),
    "CRED_REFR": ("refreshed-credentials", LOGIN),
    "USER_START": ("started-session", LOGIN),
    "USER_END": ("ended-session", LOGIN),
    "USER_ERR": ("error", LOGIN),
    "USER_LOGIN": ("user_login", LOGIN),
    "USER_LOGOUT": ("user_logout", LOGIN),
    "USER_MGMT": ("modified-user-account", TARGET),
    "USER_CHAUTHTOK": ("changed-password", TARGET),
    "ADD_USER": ("added-user-account", TARGET),
    "DEL_USER": ("deleted-user-account", TARGET),
    "ACCT_LOCK": ("locked-account", TARGET),
    "ACCT_UNLOCK": ("unlocked-account", TARGET),
    "ADD_GROUP": ("added-group-account-to", GROUP),
    "DEL_GROUP": ("deleted-group-account-from", GROUP),
    "GRP_MGMT": ("modified-group-account", GROUP),
    "GRP_CHAUTHTOK": ("changed-group-password", GROUP),
    "ANOM_LOGIN_FAILURES": ("failed-log-in-too-many-times-to", LOGIN),
    "ANOM_LOGIN_TIME": ("attempted-log-in-during-unusual-hour-to", LOGIN),
    "ANOM_LOGIN_SESSIONS": ("opened-too-many-sessions-to", LOGIN),
    "ANOM_LOGIN_LOCATION": ("attempted-log-in-from-unusual-place-to", LOGIN),
}
AVC = ("avc:  denied  { start } for auid=0 uid=0 path=\"/x.service\" scontext=a:b:c:s0 "
       "tcontext=d:e:f:s0 tclass=service")
NOT_HERE = "load_module, unload_module, AppArmor, x32: in a guest or by synthetic records (README.md)"


def get(event, name):
    """A field by its dotted name; the first of several values."""
    for part in name.split("."):
        if not isinstance(event, dict) or part not in event:
            return None
        event = event[part]
    return harness.first(event)


def ring_rule(add):
    """auditctl before 3.1 has no word for the list of io_uring's own operations (7)."""
    key = KEY.encode()
    fields, values = [0] * 64, [0] * 64
    fields[0], values[0] = 210, len(key)  # AUDIT_FILTERKEY
    mask = [0] * 64
    mask[0] = 1 << 16  # IORING_OP_CONNECT
    flags = [0] * 64
    flags[0] = 0x40000000  # AUDIT_EQUAL
    body = struct.pack("=III64I64I64I64II", 7, 2, 1, *mask, *fields, *values, *flags, len(key)) + key
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 9) as netlink:  # NETLINK_AUDIT
        netlink.bind((0, 0))
        netlink.settimeout(harness.PATIENCE)
        kind = 1011 if add else 1012  # AUDIT_ADD_RULE, AUDIT_DEL_RULE
        netlink.send(struct.pack("=IHHII", 16 + len(body), kind, 5, 1, 0) + body)  # REQUEST | ACK
        return -struct.unpack_from("=i", netlink.recv(4096), 16)[0]


class Rules:
    """Kernel rules as somebody else's would be: the program leaves them alone."""

    def __init__(self, doors):
        only = ("-F", f"exe={doors}", "-k", KEY)
        call = ("always,exit", "-F", "arch=b64", "-S")
        self.lines = [(*call, WATCHED, *only), (*call, "prctl", "-F", "a0=15", *only),
                      (*call, "mprotect", "-F", "a2=7", *only),
                      (*call, "sendto", "-F", "a3=0", *only)]
        self.ring = False

    def __enter__(self):
        for line in self.lines:
            harness.sh("auditctl", "-a", *line)
        self.ring = ring_rule(True) == 0
        return self

    def __exit__(self, *_):
        for line in self.lines:
            subprocess.run(["auditctl", "-d", *line], capture_output=True)
        if self.ring:
            ring_rule(False)


def report(run):
    """What sshd, login, shadow-utils and systemd send, through the library that they use."""
    audit = ctypes.CDLL("libaudit.so.1")
    handle = audit.audit_open()

    def acct(name, account, terminal, address=None, program=None):
        kind = audit.audit_name_to_msg_type(name.encode())
        sent = audit.audit_log_acct_message(handle, kind, program, b"live test", account, -1, None,
                                            address, terminal, 0)
        expect(sent > 0, f"the report {name} could not be sent")

    try:
        acct("USER_LOGIN", b"nobody", b"ssh", b"198.51.100.7", b"/usr/sbin/sshd")
        login = run.wait_for(os.getpid(), "user_login", {
            "user.name": "nobody", "source.ip": "198.51.100.7", "event.outcome": "failure",
            "event.category": "authentication"})
        expect(login["event"]["action"] == ["user_login", "ssh_login", "logged-in"],
               f"another login: {login}")
        for name, (action, field) in REPORTS.items():
            account = f"live{name.lower().replace('_', '')}"
            acct(name, account.encode(), b"tty9")
            run.wait_for(os.getpid(), action, {field: account, "auditd.message_type": name.lower(),
                                               "auditd.data.op": "live test"})
        sent = audit.audit_log_user_avc_message(handle, 1107, AVC.encode(), None, None, None, 0)
        expect(sent > 0, "the report USER_AVC could not be sent")
        run.wait_for(os.getpid(), "violated-selinux-policy", {"auditd.data.tclass": "service",
                                                              "auditd.data.seperms": "start"})
    finally:
        os.close(handle)


class Run:
    def __init__(self, path, doors):
        self.path, self.doors = path, doors

    def events(self):
        if not self.path.exists():
            return []
        return [json.loads(line) for line in self.path.read_text(errors="replace")
                .splitlines(keepends=True) if line.endswith("\n")]

    def wait_for(self, pid, action, fields):
        def fits(event):
            return (get(event, "process.pid") == fields.get("process.pid", pid) and
                    get(event, "event.action") == action and
                    all(get(event, name) == value for name, value in fields.items()))

        def near():
            near = [e for e in self.events() if get(e, "process.pid") == pid]
            return f"no {action} of {pid} with {fields}; there are:\n" + "\n".join(
                json.dumps({k: e.get(k) for k in ("event", "auditd", "file", "source")} |
                           {"process": {k: e["process"].get(k) for k in
                                        ("name", "executable", "user", "exit_code")}})
                for e in near)

        return harness.wait_for(near, lambda: next(filter(fits, self.events()), None))

    def perform(self, operation):
        done = subprocess.run([self.doors, operation, ADDRESS, PORT], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL)
        said = dict(word.split("=", 1) for word in done.stdout.split() if "=" in word)
        if done.returncode == harness.SKIPPED:
            print(f"live.calls: {operation}: {done.stdout.split('skipped: ')[1].strip()}")
            return
        expect(done.returncode == 0, f"{operation}: {done.stdout} {done.stderr}")
        child = int(said.get("child", 0))
        for action, fields in EXPECTED[operation]:
            wanted = {}
            for name, value in fields.items():
                if value is CHILD:
                    value = str(child) if name == "auditd.data.opid" else child
                wanted[name] = value
            self.wait_for(int(said["pid"]), action, wanted)


def replay(program, rules, capture):
    done = subprocess.run([program, "replay", "--config", "/dev/null", "--rules", rules, capture],
                          capture_output=True, stdin=subprocess.DEVNULL)
    expect(done.returncode == 0, f"replay ended with {done.returncode}: {done.stderr.decode()}")
    return done.stdout


def test(arguments, directory):
    program = arguments["program"]
    doors = str(pathlib.Path(arguments["stageless"]).with_name("doors"))
    rules, capture = f"{directory}/rules", f"{directory}/run.capture"
    os.mkdir(rules)
    pathlib.Path(rules, "calls.toml").write_text(RULE)
    out = pathlib.Path(directory, "alerts.ndjson")
    print(f"live.calls: not made here: {NOT_HERE}")
    with Rules(doors) as kernel, harness.Process(
            program, *harness.RUN, "--rules", rules, "--feed",
            "unicast", "--syslog", "off", "--json-file", str(out), "--capture", capture,
            log=f"{directory}/run.log") as running:
        running.wait_for_line("started")
        run = Run(out, doors)
        for operation in EXPECTED:
            if operation == "uring_polled" and not kernel.ring:
                print("live.calls: uring_polled: the kernel has no list of io_uring operations")
                continue
            run.perform(operation)
        report(run)
        expect(running.stop() == 0, f"the program did not end with 0:\n{running.text()}")
    expect(replay(program, rules, capture) == out.read_bytes(),
           f"{capture} replays to other alerts than {out}")


if __name__ == "__main__":
    harness.main("live.calls", test)
