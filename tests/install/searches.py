#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""searches.py SOURCES INDEX-TEMPLATE: the saved searches for Kibana and OpenSearch Dashboards refer
to what is there: to each other, to rules of the agent's own, to fields of the index template."""

import json
import pathlib
import re
import sys


def fields_of(properties, prefix=""):
    for name, field in properties.items():
        yield prefix + name
        yield from fields_of(field.get("properties", {}), f"{prefix}{name}.")


def main():
    sources, template = pathlib.Path(sys.argv[1]), json.loads(pathlib.Path(sys.argv[2]).read_text())
    # Of an alert, not of an event: the template's rule for strings without a field of their own.
    fields = {"rule.id", "rule.name"} | set(fields_of(template["template"]["mappings"]["properties"]))
    own = set(re.findall(r'"([0-9a-f]{8}-[0-9a-f-]{27})"',
                         (sources / "collector/agent/own_alert.cpp").read_text()))
    text = (sources / "packaging/elastic/saved-searches.ndjson").read_text()
    objects = [json.loads(line) for line in text.splitlines()]
    ids = {(item["type"], item["id"]) for item in objects}
    problems = []

    def expect(condition, what):
        if not condition:
            problems.append(what)

    titles = {item["attributes"]["title"] for item in objects}
    expect(template["index_patterns"][0] in titles, "no data view of the index template's indices")
    for wanted in ("alerts", "evidence gaps", "no heartbeat for 15 minutes"):
        expect(f"audisp-eql: {wanted}" in titles, f"no search '{wanted}'")
    for item in objects:
        name, attributes = item["attributes"]["title"], item["attributes"]
        for reference in item["references"]:
            expect((reference["type"], reference["id"]) in ids, f"{name}: refers to {reference}")
        source = json.loads(attributes.get("kibanaSavedObjectMeta", {}).get("searchSourceJSON", "{}"))
        query = source.get("query", {}).get("query", "")
        used = set(re.findall(r"([a-z_@.]+) :", query)) | set(attributes.get("columns", []))
        for agg in json.loads(attributes.get("visState", "{}")).get("aggs", []):
            used.add(agg["params"]["field"])
        for field in used:
            expect(field in fields, f"{name}: {field} is no field of the index template")
        for rule in re.findall(r'rule\.id : "([^"]*)"', query):
            expect(rule in own, f"{name}: {rule} is no rule of the agent's own")
    for problem in problems:
        print(f"FAILED: {problem}")
    return 1 if problems or len(objects) < 4 else 0


if __name__ == "__main__":
    sys.exit(main())
