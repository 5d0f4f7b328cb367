#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""forwarders.py PROGRAM INDEX-TEMPLATE: an alert goes through a real rsyslogd (and a syslog-ng, where
there is one) with the configurations of packaging/, and comes out the same: in a file of its own,
and as a bulk request to what takes the place of Elasticsearch, whose index template fits it."""

import contextlib
import datetime
import http.server
import ipaddress
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
RECORDING = ROOT / "tests/data/captures/nc_renamed_tmp_ssh.capture.gz"
PATIENCE = 30.0
failures = []


def fail(text):
    print(f"FAILED: {text}")
    failures.append(text)


def wait_for(ask):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        answer = ask()
        if answer:
            return answer
        time.sleep(0.05)
    return ask()


def an_alert(program):
    done = subprocess.run([program, "replay", "--config", "/dev/null", "--rules", ROOT / "rules",
                           RECORDING], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[0]


@contextlib.contextmanager
def rsyslogd(directory, name, changes):
    """With packaging/rsyslog/NAME, in which paths and ports are others; yields its socket."""
    text = (ROOT / "packaging/rsyslog" / name).read_text()
    for old, new in changes.items():
        if old not in text:
            fail(f"{name} does not say {old}")
        text = text.replace(old, new)
    log = f"{directory}/{name}.socket"
    config = pathlib.Path(directory, f"{name}.conf")
    config.write_text(f'global(maxMessageSize="64k" workDirectory="{directory}")\n'
                      'module(load="imuxsock" SysSock.Use="off")\n'
                      f'input(type="imuxsock" Socket="{log}" CreatePath="on")\n{text}')
    errors = pathlib.Path(directory, f"{name}.err")
    with errors.open("wb") as stderr:
        started = subprocess.Popen(["rsyslogd", "-n", "-f", config, "-i", f"{directory}/{name}.pid"],
                                   stdin=subprocess.DEVNULL, stdout=stderr, stderr=stderr)
    try:
        if not wait_for(lambda: os.path.exists(log) or started.poll() is not None):
            fail(f"rsyslogd with {name} makes no socket: {errors.read_text()}")
        yield log
    finally:
        started.terminate()
        started.wait(PATIENCE)
        if "error" in errors.read_text():
            fail(f"rsyslogd with {name}: {errors.read_text()}")


def send(log, texts):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.connect(log)
        for text in texts:
            sender.send(text.encode())


def check_file(directory, alert):
    target = pathlib.Path(directory, "alerts.json")
    with rsyslogd(directory, "30-audisp-eql.conf", {"/var/log/audisp-eql.json": str(target)}) as log:
        # Only alerts of this program: no log lines of it, nothing of others.
        send(log, ["<86>Nov 22 00:00:01 audisp-eql[1]: info: started",
                   f"<86>Nov 22 00:00:02 other[1]: {alert}",
                   '<86>Nov 22 00:00:02 audisp-eql[1]: {"event":{"kind":"metric"}}',
                   f"<84>Nov 22 00:00:03 audisp-eql[1]: {alert}"])
        wait_for(lambda: target.exists() and target.read_text().endswith("\n"))
        time.sleep(0.2)
    written = target.read_text() if target.exists() else ""
    if written != alert + "\n":
        fail(f"the file holds {written!r}, not the alert")
    elif target.stat().st_mode & 0o7777 != 0o640:
        fail(f"the file's mode is {oct(target.stat().st_mode)}")


class Bulk(http.server.BaseHTTPRequestHandler):
    bodies = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        Bulk.bodies.append((self.path, body.decode()))
        self.answer(b'{"took":1,"errors":false,"items":[{"create":{"status":201}}]}')

    def do_GET(self):
        self.answer(b"{}")

    do_HEAD = do_GET

    def answer(self, text):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


def check_elasticsearch(directory, alert):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Bulk)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    changes = {'server="localhost"': 'server="127.0.0.1"',
               'serverport="9200"': f'serverport="{server.server_port}"'}
    with rsyslogd(directory, "elasticsearch.conf", changes) as log:
        send(log, [f"<84>Nov 22 00:00:03 audisp-eql[1]: {alert}"])
        wait_for(lambda: Bulk.bodies)
    server.shutdown()
    if not Bulk.bodies:
        fail("nothing was sent to Elasticsearch")
        return
    path, body = Bulk.bodies[0]
    action, document = body.splitlines()[:2]
    create = json.loads(action)["create"]
    if not path.startswith("/_bulk") or not create["_index"].startswith("audisp-eql-alerts-2"):
        fail(f"the request is {path} {action}")
    if create["_id"] != json.loads(alert)["event"]["id"]:
        fail(f"the document's id is not the alert's: {action}")
    if document != alert:
        fail(f"the document is not the alert: {document}")


def check_kafka(directory):
    """There is no broker here: that rsyslog takes the configuration."""
    config = pathlib.Path(directory, "kafka.conf")
    config.write_text((ROOT / "packaging/rsyslog/kafka.conf").read_text())
    done = subprocess.run(["rsyslogd", "-N1", "-f", config], capture_output=True, text=True)
    if done.returncode != 0:
        fail(f"rsyslog does not take kafka.conf: {done.stderr}")


def leaves(value, name=""):
    """Dotted names and single values, as Elasticsearch sees them."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{name}.{key}" if name else key)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, name)
    else:
        yield name, value


def is_date(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")) is not None


def check_index_template(path, alert):
    """Every value of an alert is of the type that the template gives its field."""
    types = {"keyword": lambda v: isinstance(v, str), "text": lambda v: isinstance(v, str),
             "long": lambda v: isinstance(v, int), "float": lambda v: isinstance(v, (int, float)),
             "boolean": lambda v: isinstance(v, bool), "date": is_date,
             "ip": lambda v: ipaddress.ip_address(v) is not None}
    properties = json.loads(pathlib.Path(path).read_text())["template"]["mappings"]["properties"]
    for field in properties:
        if any(other.startswith(field + ".") for other in properties):
            fail(f"the template has {field} as a value and as an object")
    seen = 0
    for field, value in leaves(json.loads(alert)):
        if field in properties and value is not None:
            seen += 1
            try:
                good = types[properties[field]["type"]](value)
            except ValueError:
                good = False
            if not good:
                fail(f"{field} is {value!r}, the template says {properties[field]}")
    if seen < 20:
        fail(f"the template knows only {seen} values of an alert")


def syslog_ng_command():
    """The installed one, or one that `dpkg -x` put below $SYSLOG_NG_ROOT: Debian's packages of the
    two servers exclude each other."""
    root = os.environ.get("SYSLOG_NG_ROOT")
    if root is None:
        return ["syslog-ng"] if shutil.which("syslog-ng") else None, {}
    libraries = [str(path) for path in pathlib.Path(root).rglob("lib*.so.*")]
    directories = sorted({os.path.dirname(path) for path in libraries})
    modules = next(pathlib.Path(root).rglob("libjson-plugin.so")).parent
    return ([f"{root}/usr/sbin/syslog-ng", f"--module-path={modules}"],
            {"LD_LIBRARY_PATH": ":".join(directories)})


def check_syslog_ng(directory, alert):
    command, environment = syslog_ng_command()
    if command is None:
        print("skipped: syslog-ng, because it is not installed")
        return
    log, target = f"{directory}/ng.socket", pathlib.Path(directory, "ng.json")
    text = (ROOT / "packaging/syslog-ng/audisp-eql.conf").read_text()
    if "/var/log/audisp-eql.json" not in text:
        fail("audisp-eql.conf of syslog-ng names another file")
    config = pathlib.Path(directory, "ng.conf")
    config.write_text("@version: current\noptions { log-msg-size(65536); };\n"
                      f'source s_src {{ unix-dgram("{log}"); }};\n'
                      + text.replace("/var/log/audisp-eql.json", str(target)))
    errors = pathlib.Path(directory, "ng.err")
    with errors.open("wb") as stderr:
        started = subprocess.Popen(
            [*command, "-F", "-f", config, "-R", f"{directory}/ng.persist", "-c",
             f"{directory}/ng.ctl", "-p", f"{directory}/ng.pid"],
            stdin=subprocess.DEVNULL, stdout=stderr, stderr=stderr, env=os.environ | environment)
    try:
        if not wait_for(lambda: os.path.exists(log) or started.poll() is not None) or \
                started.poll() is not None:
            fail(f"syslog-ng makes no socket: {errors.read_text()}")
            return
        send(log, ["<86>Nov 22 00:00:01 audisp-eql[1]: info: started",
                   f"<86>Nov 22 00:00:02 other[1]: {alert}",
                   '<86>Nov 22 00:00:02 audisp-eql[1]: {"event":{"kind":"metric"}}',
                   f"<84>Nov 22 00:00:03 audisp-eql[1]: {alert}"])
        wait_for(lambda: target.exists() and target.read_text().endswith("\n"))
        time.sleep(0.2)
    finally:
        started.terminate()
        started.wait(PATIENCE)
    written = target.read_text() if target.exists() else ""
    if written != alert + "\n":
        fail(f"syslog-ng's file holds {written[:300]!r}, not the alert: {errors.read_text()}")


def has_module(name):
    return any(pathlib.Path("/usr/lib").glob(f"*/rsyslog/{name}.so")) or \
        pathlib.Path(f"/usr/lib64/rsyslog/{name}.so").exists()


def main():
    alert = an_alert(sys.argv[1])
    check_index_template(sys.argv[2], alert)
    if shutil.which("rsyslogd") is None:
        print("skipped: rsyslog is not installed")
        return 1 if failures else 77
    with tempfile.TemporaryDirectory(prefix="audisp-eql-forward.") as directory:
        check_file(directory, alert)
        check_syslog_ng(directory, alert)
        if has_module("omelasticsearch"):
            check_elasticsearch(directory, alert)
        else:
            print("skipped: Elasticsearch, because rsyslog-elasticsearch is not installed")
        if has_module("omkafka"):
            check_kafka(directory)
        else:
            print("skipped: Kafka, because rsyslog-kafka is not installed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
