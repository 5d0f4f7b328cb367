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

// The ids of each match's events, stage by stage ("" in the place of a missing-event clause), in
// order of completion; matches that the end of the stream or the passing of time completes come
// at the time their window closes.
struct Match {
    std::int64_t completed_ms = 0;
    std::vector<std::string> ids;
    bool operator==(const Match&) const = default;
};
std::vector<Match> evaluate(const detect::Query& query, const std::vector<Event>& events);

// One condition on one event.
bool holds(const detect::Expr& expression, const Event& event);

}  // namespace audisp_eql::naive
