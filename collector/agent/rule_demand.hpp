// SPDX-License-Identifier: Apache-2.0
// Which kinds of events each part of each rule may match, and how far these can be narrowed: to
// some calls, to some places among the files, to some arguments.
//
// Memory: values; names of calls have static storage. Threads: no state between calls.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "collector/agent/event_ways.hpp"

namespace audisp_eql::detect {
class RuleSet;
}

namespace audisp_eql::collector {

// A directory with all below it, or one name; absolute, no slash at its end.
struct Place {
    std::string path;
    bool tree = false;
    auto operator<=>(const Place&) const = default;
    bool lies_within(const Place& other) const;
};

// One kind of event that a part of a rule may match.
struct Demand {
    std::uint32_t rule = 0;  // index into RuleSet::rules()
    std::uint32_t part = 0;  // stage; until, and sources of `descendant of`, follow
    bool vital = false;      // without some event for this part the rule can't match
    EventKind kind{};
    // The connector's message is enough. Else, and without the connector: by these calls.
    bool by_connector = false;
    bool by_report = false;
    std::vector<std::string_view> calls;
    // Of files: where; none: anywhere.
    std::optional<std::set<Place>> places;
    // EventKind::other_syscall: alternatives of arguments, "a0=0xf"; none: any.
    std::vector<std::string> arguments;
    // bind: sockets of every family.
    bool any_family = false;
};
std::vector<Demand> demands_of(const detect::RuleSet& rules);

// Which rules look at events of this program, whatever its kind and parent, in each of these kinds:
// indices into RuleSet::rules().
std::vector<std::uint32_t> rules_on_program(const detect::RuleSet& rules,
                                            std::string_view executable,
                                            const std::set<EventKind>& kinds);

}  // namespace audisp_eql::collector
