// SPDX-License-Identifier: Apache-2.0
// What the agent's own events can hold, beyond the field table: which kinds of events there are.
// Rules are judged by it (ok, degraded, inert), never evaluated.
//
// Memory: constants; shapes refer to static texts. Threads: none.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

#include "detect/event/value.hpp"

namespace audisp_eql::detect {

// How a kind of event calls itself. Who makes events hands in the shapes of all of them.
struct EventShape {
    Values category;
    Values type;
    Values action;  // none: such events have none
};

// event.category of every kind of event that the agent makes.
inline constexpr std::array<std::string_view, 7> kAgentCategories{
    "authentication", "driver", "file", "iam", "network", "process", "session"};

constexpr bool is_agent_category(std::string_view category) {
    return std::find(kAgentCategories.begin(), kAgentCategories.end(), category) !=
           kAgentCategories.end();
}

}  // namespace audisp_eql::detect
