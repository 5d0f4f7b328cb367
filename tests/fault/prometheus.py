# SPDX-License-Identifier: Apache-2.0
"""A strict reader of the Prometheus text format 0.0.4: what a scraper would refuse is refused."""

import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"'
SAMPLE = re.compile(rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*)\}})? (-?[0-9]+(?:\.[0-9]+)?)")


def parse(text):
    """{(name, ((label, value), …)): number}; ValueError where the text is not of the format."""
    if not text.endswith("\n"):
        raise ValueError("the last line has no end")
    samples, types, current = {}, {}, None
    for number, line in enumerate(text[:-1].split("\n"), 1):
        def wrong(what):
            return ValueError(f"line {number}: {what}: {line}")
        if match := re.fullmatch(rf"# HELP ({NAME}) [^\\]+", line):
            if match.group(1) in types:
                raise wrong("told a second time")
            current = match.group(1)
            types[current] = None
        elif match := re.fullmatch(rf"# TYPE ({NAME}) (counter|gauge)", line):
            if match.group(1) != current or types[current] is not None:
                raise wrong("type of something else")
            types[current] = match.group(2)
        elif match := SAMPLE.fullmatch(line):
            name, labels = match.group(1), tuple(re.findall(LABEL, match.group(2) or ""))
            if name != current or types[current] is None:
                raise wrong("does not stand with its metric")
            if len({label for label, _ in labels}) != len(labels):
                raise wrong("a label twice")
            if (name, labels) in samples:
                raise wrong("told twice")
            if types[name] == "counter" and not name.endswith("_total"):
                raise wrong("a counter's name does not end in _total")
            value = float(match.group(match.lastindex))
            if types[name] == "counter" and value < 0:
                raise wrong("a counter below zero")
            samples[name, labels] = value
        else:
            raise wrong("is none of the format's")
    return samples
