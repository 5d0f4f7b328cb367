// SPDX-License-Identifier: Apache-2.0
// Match -> alert document: one JSON line in ECS that holds the whole story.
//
// Memory: an Alert owns its text. Threads: no state between calls but what the caller keeps
// (AlertContext::secret_free).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "detect/alert/document.hpp"
#include "detect/alert/mask.hpp"
#include "detect/engine/engine.hpp"
#include "detect/rule/rule.hpp"

namespace audisp_eql::detect {

// One ancestor of the process of an alert's last event, nearest first, to the entry leader.
struct Ancestor {
    std::string name;
    std::int32_t pid = 0;
    std::string entity_id;
    std::vector<std::string> args;
    BlockPtr image{};  // what holds them; null: nothing does
};

// What the run says about itself and the match's surroundings.
struct AlertContext {
    std::string_view program_version;
    std::string_view ruleset_digest;
    std::vector<std::string_view> feeds;  // "audit", "proc"
    std::span<const Ancestor> ancestry;
    // Evidence lost in the window of the match; empty source: none.
    struct Gap {
        std::string_view source;  // one or several, with a comma between
        std::uint64_t count = 0;  // 0 with `at_least`: unknown
        bool at_least = false;
        std::int64_t start_us = 0, end_us = 0;  // wall time; 0: not known
    } gap;
    const FieldNames* fields = nullptr;
    bool mask_secrets = true;           // see mask.hpp
    SecretFree* secret_free = nullptr;  // what earlier alerts have found out; null: nothing
};

struct Alert {
    std::string id;       // event.id: the same in live, replay and resend
    std::string json;     // one line, no newline at the end, valid UTF-8
    std::string message;  // one human sentence
    std::string rule_name;
    RuleSeverity severity = RuleSeverity::medium;
    std::int64_t wall_us = 0;
    AlertDocument document;  // what `json` was made from; empty for an alert made otherwise
};

// The alert for all matches of one rule that one event completed: the first is told whole, the
// others are listed. `matches` has at least one.
Alert make_alert(const Rule& rule, std::span<const Match> matches, const AlertContext& context);

// The join keys of a match as a JSON array.
std::string join_keys_text(const std::vector<JoinKey>& keys);

// The document cut to at most `limit` bytes, the least important members first, in a fixed order
// (see trim.cpp); audisp_eql.trimmed says what went. The same document if it fits. Always valid
// JSON. Limits below kSmallestAlert are taken as that.
std::string trim_alert(const Alert& alert, std::size_t limit);
// Ids, the rule and the sentence, in the worst case.
inline constexpr std::size_t kSmallestAlert = 512;

}  // namespace audisp_eql::detect
