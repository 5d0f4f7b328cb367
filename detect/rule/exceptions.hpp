// SPDX-License-Identifier: Apache-2.0
// Exceptions: events that rules must not see. A file holds any number of items:
//
//   [[exception]]
//   id = "ci-runner"           # unique
//   comment = "the build machines' runner, ticket 4711"
//   rule = ["uuid", "uuid"]    # ids of rules; absent: every rule
//   expires = 2027-01-31       # optional: the last day on which it holds (UTC)
//   entries = [ {field = "process.executable", op = "one_of", value = ["/opt/ci/run"]} ]
//   query = "process where process.parent.name == \"ci\""
//
// An event is excepted if all entries hold, and the query if there is one; of several items one is
// enough. op: is, is_not, one_of, wildcard (* and ?, as `like`: case matters), exists, cidr. Fields
// and values mean what they mean in rules: any value of a field may do, a missing one is none.
//
// An excepted event is invisible to the rule before sequences, samples and missing-event clauses
// are matched; the sources of `descendant of […]` alone are not looked at, since rules share them.
// Whether an item has expired is judged by the event's own time (@timestamp), so that an old log
// gives the alerts that it gave then.
//
// Memory: values. Threads: no state between calls.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "detect/eql/ast.hpp"
#include "detect/eql/diagnostic.hpp"

namespace audisp_eql::detect {

struct ExceptionItem {
    std::string id;
    std::string comment;
    std::vector<std::string> rules;          // their ids; empty: every rule
    std::vector<SourceRange> rules_at;       // where each stands in the file
    std::optional<std::int64_t> expires_us;  // holds for events before that, wall time
    EventQuery condition;                    // its ranges are of the file, too
    SourceRange at;                          // of the id
};

struct ExceptionFile {
    std::vector<ExceptionItem> items;  // the sound ones
    Diagnostics diagnostics;           // ranges are offsets into the file's text
};

// Reads one file. Never throws for bad input.
ExceptionFile load_exceptions(std::string_view text);

}  // namespace audisp_eql::detect
