# SPDX-License-Identifier: Apache-2.0
"""What leaves the program, read as strictly as its formats are written."""

import json
import re

# C0 but the end of the line, DEL, C1, line and paragraph separators, marks that turn directions.
STEERING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
RFC5424 = re.compile(
    rb"<(?:0|[1-9]\d{0,2})>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z "
    rb"[\x21-\x7e]{1,255} [\x21-\x7e]{1,48} [\x21-\x7e]{1,128} [\x21-\x7e]{1,32} - ")
LOCAL = re.compile(rb"<(?:0|[1-9]\d{0,2})>[A-Z][a-z]{2} [ 123]\d \d\d:\d\d:\d\d [\w-]+\[\d+\]: ")


class Broken(Exception):
    pass


def demand(condition, what, where=b""):
    if not condition:
        raise Broken(f"{what}: {where[:400]!r}")


def once(pairs):
    names = [name for name, _ in pairs]
    demand(len(names) == len(set(names)), "a name stands twice in an object", repr(names).encode())
    return dict(pairs)


def refuse(name):
    raise Broken(f"{name} is no JSON")


def document(line):
    """One line of JSON, as bytes without its newline."""
    demand(not re.search(rb"[\x00-\x1f\x7f]", line), "a control byte in a line", line)
    try:
        text = line.decode("utf-8")
        demand(not re.search("[\x80-\x9f]", text), "a C1 character in a line", line)
        return json.loads(text, object_pairs_hook=once, parse_constant=refuse)
    except ValueError as problem:
        raise Broken(f"{problem}: {line[:400]!r}") from problem


def documents(data):
    """Lines of JSON, each ended by a newline."""
    demand(not data or data.endswith(b"\n"), "no newline at the end", data[-200:])
    return [document(line) for line in data.split(b"\n")[:-1]]


LENGTH = re.compile(rb"[1-9]\d{0,8} ")


def frames(data):
    """RFC 6587, 3.4.1: messages behind their lengths, nothing before, between and after them."""
    found, place = [], 0
    while place < len(data):
        head = LENGTH.match(data, place)
        demand(head, "no length where a frame begins", data[place:place + 400])
        end = head.end() + int(head.group())
        demand(len(data) >= end, "a frame is cut", data[place:place + 400])
        found.append(data[head.end():end])
        place = end
    return found


def message(data, header=RFC5424):
    head = header.match(data)
    demand(head, "no syslog header", data)
    return document(data[head.end():])


def text(data):
    """Lines for a terminal that none of them may steer."""
    try:
        lines = data.decode("utf-8")
    except ValueError as problem:
        raise Broken(str(problem)) from problem
    found = STEERING.search(lines)
    demand(not found, "a text steers the terminal",
           lines[max(0, found.start() - 100):found.end() + 50].encode() if found else b"")
    return lines.splitlines()
