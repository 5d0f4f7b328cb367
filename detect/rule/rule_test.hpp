// SPDX-License-Identifier: Apache-2.0
// Tests beside rules: NAME.test.toml holds what NAME.toml must and must not say.
//
//   [[test]]
//   name = "an interpreter connects, then becomes a shell"   # unique in the file
//   alerts = 1                        # how often the rule matches; 0: a near miss. Or, instead:
//   expect = [["1", "3"], ["2", "-"]] # the event.id of each match's events, matches in order;
//                                     # "-" in the place of a missing-event clause ![…]
//   stage = 1                         # optional, for near misses of sequences: how many of its
//                                     # items are reached, neither more nor fewer
//   events = '''
//   {"@timestamp": 1000, "event": {"id": "1", "category": ["process"]}, "process.name": "nc"}
//   '''                               # Or, instead:
//   capture = "../x.capture.gz"       # a capture or audit log; relative to the test's file
//
// Events are ECS in JSON, one a line, nested or with dotted names, in the order in which the rule
// sees them. @timestamp is ISO 8601 text or milliseconds and must not go back; an event without one
// comes 1 ms after the event before it, the first at 0. An event without event.id has its number
// (from 1) for one. The events of a capture have the serial of their audit record as id, those that
// only the proc connector told "proc:NS". After the last event the clock runs out, so that a
// trailing ![…] matches.
//
// Memory: values. Threads: no state between calls.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "detect/event/event.hpp"
#include "detect/rule/toml_text.hpp"

namespace audisp_eql::detect {

// What stands for the event of a missing-event clause in `expect`.
inline constexpr std::string_view kNoEvent = "-";

struct RuleTest {
    struct Line {
        std::string json;
        EventTime time;
        std::string id;
    };
    using Ids = std::vector<std::string>;  // of one match's events

    std::string name;
    SourceRange at;           // where the test stands in the file
    std::size_t matches = 0;  // how many are expected
    std::optional<std::vector<Ids>> expect;
    std::optional<std::size_t> stage;
    std::vector<Line> events;
    std::string capture;  // empty: the events
    SourceRange capture_at;
};

struct RuleTestFile {
    std::vector<RuleTest> tests;  // the sound ones
    Diagnostics diagnostics;      // ranges are offsets into the file's text
};

RuleTestFile load_rule_tests(std::string_view text);

}  // namespace audisp_eql::detect
