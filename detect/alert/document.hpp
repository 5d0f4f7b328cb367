// SPDX-License-Identifier: Apache-2.0
// An alert before it is text: members by dotted name, so that what does not fit can be left out
// without reading JSON again.
//
// Memory: values. Threads: plain data.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "detect/event/json_writer.hpp"

namespace audisp_eql::detect {

// One object; sorted by name_less, no name twice.
using JsonMembers = std::vector<JsonMember>;

struct AlertDocument {
    JsonMembers members;                // all but the following
    std::vector<JsonMembers> sequence;  // audisp_eql.sequence; no members: null, a missing event
    std::vector<JsonMembers> ancestry;  // audisp_eql.ancestry
    std::vector<std::string> trimmed;   // audisp_eql.trimmed

    bool empty() const { return members.empty(); }
    // One line.
    std::string text() const;
};

// Sorts; of members with one name the last stays.
void settle(JsonMembers& members);
// Into sorted members; of one name the added one stays, and of those the last.
void add_members(JsonMembers& members, JsonMembers added);
// An array of strings.
std::string json_list(const std::vector<std::string>& texts);

}  // namespace audisp_eql::detect
