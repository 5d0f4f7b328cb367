// SPDX-License-Identifier: Apache-2.0
// A second evaluator of EQL, written for being obviously right and for nothing else: it shares the
// syntax tree with the engine and not one line more. Comparison, wildcards, null, keys and the
// sequence machine are its own, it keeps every event and every partial match, and it sees the
// whole stream at once.
//
// Memory: values. Threads: no shared state.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "detect/eql/ast.hpp"

namespace audisp_eql::naive {

// monostate: null.
using Value = std::variant<std::monostate, bool, std::int64_t, double, std::string>;

struct Event {
    std::string id;
    std::int64_t time_ms = 0;
    std::map<std::string, std::vector<Value>> fields;  // dotted names; a missing field is absent
};

// Reads {"id":…, "@timestamp": milliseconds, …}; nested objects and arrays are flattened.
Event event_from_json(const std::string& json);

// One value for each join key; null for an optional one that is missing.
using Key = std::vector<Value>;

// The ids of each match's events, stage by stage ("" in the place of a missing-event clause). Of a
// sample: the id of the event that completes it, and nothing else (see Sample in naive_match.cpp).
struct Match {
    std::vector<std::string> ids;
    Key key;
};
// `unbounded_ms`: the window of a sample, and of a sequence without maxspan. The matches of one key
// come in order of completion, keys in no particular order.
std::vector<Match> evaluate(const detect::Query& query, const std::vector<Event>& events,
                            std::int64_t unbounded_ms);
// Whether these events, item by item, are a sample that the last of them completes.
bool is_sample(const detect::Query& query, const std::vector<Event>& events,
               std::int64_t unbounded_ms, const Match& match);

// An event in its stream, and the earlier events of a match by their aliases: null for one that has
// not come yet.
struct Scene {
    const std::vector<Event>& stream;
    std::size_t at;
    std::map<std::string, const Event*> earlier;
};
bool holds(const detect::Expr& expression, const Scene& scene);
// With the event's category.
bool matches(const detect::EventQuery& query, const Scene& scene);

}  // namespace audisp_eql::naive
