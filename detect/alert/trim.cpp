// SPDX-License-Identifier: Apache-2.0
// What goes first when an alert does not fit: what is told twice, then what explains, then the
// length of texts, then evidence from the outside in. The rule, the sentence, the ids, pids and
// serials stay to the last.
#include <algorithm>
#include <array>
#include <span>
#include <string_view>
#include <utility>

#include "detect/alert/alert.hpp"
#include "detect/text/utf8.hpp"

namespace audisp_eql::detect {

namespace {

// `name` is `pattern`, or lies below it.
bool below(std::string_view name, std::string_view pattern) {
    return name.starts_with(pattern) &&
           (name.size() == pattern.size() || name[pattern.size()] == '.');
}

bool below_any(std::string_view name, std::span<const std::string_view> patterns) {
    return std::any_of(patterns.begin(), patterns.end(),
                       [&](std::string_view pattern) { return below(name, pattern); });
}

bool drop(JsonMembers& members, std::span<const std::string_view> patterns) {
    return std::erase_if(members, [&](const JsonMember& member) {
               return below_any(member.name, patterns);
           }) > 0;
}

bool keep_only(JsonMembers& members, std::span<const std::string_view> patterns) {
    return std::erase_if(members, [&](const JsonMember& member) {
               return !below_any(member.name, patterns);
           }) > 0;
}

bool in_sequence(AlertDocument& document, std::span<const std::string_view> patterns) {
    bool changed = false;
    for (JsonMembers& event : document.sequence)
        changed |= drop(event, patterns);
    return changed;
}

bool everywhere(AlertDocument& document, std::span<const std::string_view> patterns) {
    const bool own = drop(document.members, patterns);
    return in_sequence(document, patterns) || own;
}

bool sequence_keeps(AlertDocument& document, std::span<const std::string_view> patterns) {
    bool changed = false;
    for (JsonMembers& event : document.sequence)
        changed |= keep_only(event, patterns);
    return changed;
}

// Bytes of one character of a JSON string at `at`, an escape being one character.
std::size_t unit_length(std::string_view json, std::size_t at) {
    if (json[at] == '\\')
        return json[at + 1] == 'u' ? 6 : 2;
    return character_length(json, at);
}

// Cuts every string in finished JSON to `most` bytes and an ellipsis.
bool cut_strings(std::string& json, std::size_t most) {
    if (json.size() <= most)
        return false;
    std::string out;
    bool changed = false;
    for (std::size_t at = 0; at < json.size();) {
        out += json[at];
        if (json[at++] != '"')
            continue;
        const std::size_t start = at;
        std::size_t kept = at;
        while (json[at] != '"') {
            at += unit_length(json, at);
            kept = at - start <= most ? at : kept;
        }
        out.append(json, start, kept - start);
        if (kept != at) {
            out += "\u2026";
            changed = true;
        }
        out += '"';
        ++at;
    }
    if (changed)
        json = std::move(out);
    return changed;
}

// Leaves the first `most` elements of an array of plain values.
bool cut_list(std::string& json, std::size_t most) {
    if (json.empty() || json[0] != '[')
        return false;
    std::size_t elements = 0;
    bool inside = false;
    for (std::size_t at = 1; at < json.size();) {
        if (inside && json[at] != '"') {
            at += unit_length(json, at);
            continue;
        }
        if (json[at] == '"')
            inside = !inside;
        else if (json[at] == ',' && ++elements == most) {
            json.resize(at);
            json += ']';
            return true;
        }
        ++at;
    }
    return false;
}

bool shorten(JsonMembers& members, std::size_t most_bytes, std::size_t most_elements) {
    // What identifies is short by nature or bounded when it is made.
    static constexpr std::array<std::string_view, 4> kWhole{"message", "rule.id", "rule.name",
                                                            "event.id"};
    bool changed = false;
    for (JsonMember& member : members) {
        if (below_any(member.name, kWhole) || member.name == "audisp_eql.others")
            continue;
        changed |= cut_list(member.text, most_elements);
        changed |= cut_strings(member.text, most_bytes);
    }
    return changed;
}

bool shorten_all(AlertDocument& document, std::size_t most_bytes, std::size_t most_elements) {
    bool changed = shorten(document.members, most_bytes, most_elements);
    for (JsonMembers& event : document.sequence)
        changed |= shorten(event, most_bytes, most_elements);
    for (JsonMembers& ancestor : document.ancestry)
        changed |= shorten(ancestor, most_bytes, most_elements);
    return changed;
}

struct Step {
    std::string_view says;  // in audisp_eql.trimmed
    bool (*apply)(AlertDocument& document);
};

constexpr std::array<std::string_view, 1> kOthers{"audisp_eql.others"};
constexpr std::array<std::string_view, 5> kExplanations{
    "rule.description", "rule.reference", "threat.tactic.reference", "threat.technique.reference",
    "threat.technique.subtechnique.reference"};
constexpr std::array<std::string_view, 8> kIdentity{
    "@timestamp",  "event.action",      "audit",        "proc",
    "process.pid", "process.entity_id", "process.name", "audisp_eql.inferred"};
constexpr std::array<std::string_view, 2> kAncestry{"process.Ext.ancestry",
                                                    "process.parent.Ext.ancestry"};
constexpr std::array<std::string_view, 5> kSurroundings{
    "host", "process.parent.args", "process.parent.args_count", "process.parent.command_line",
    "process.parent.working_directory"};
constexpr std::array<std::string_view, 4> kContext{"process.entry_leader", "process.group_leader",
                                                   "process.session_leader", "process.thread"};
// The entry leader itself says where it all began.
constexpr std::array<std::string_view, 4> kWideContext{"process.entry_leader.args",
                                                       "process.group_leader",
                                                       "process.session_leader", "process.thread"};
constexpr std::array<std::string_view, 1> kArgs{"process.args"};
constexpr std::array<std::string_view, 1> kParentCommandLine{"process.parent.command_line"};
constexpr std::array<std::string_view, 1> kRaw{"audisp_eql.raw"};
constexpr std::array<std::string_view, 3> kThreatNames{
    "threat.tactic.name", "threat.technique.name", "threat.technique.subtechnique.name"};
constexpr std::array<std::string_view, 10> kGroups{"group",
                                                   "process.group",
                                                   "process.parent.group",
                                                   "process.real_group",
                                                   "process.real_user",
                                                   "process.parent.user",
                                                   "process.tty",
                                                   "user.Ext",
                                                   "user.audit",
                                                   "user.effective"};
constexpr std::array<std::string_view, 11> kOutline{
    "@timestamp",         "event.action",       "audit",          "proc",
    "process.pid",        "process.name",       "destination.ip", "destination.port",
    "process.executable", "process.parent.pid", "file.path"};
constexpr std::array<std::string_view, 4> kSerials{"@timestamp", "audit.serial", "proc",
                                                   "process.pid"};
constexpr std::array<std::string_view, 15> kCore{
    "@timestamp", "audisp_eql.gap",     "destination.ip", "destination.port", "event.action",
    "event.id",   "event.kind",         "event.severity", "file.path",        "host.name",
    "message",    "process.parent.pid", "process.pid",    "rule.id",          "rule.name"};

constexpr Step kSteps[] = {
    {"audisp_eql.others", [](AlertDocument& d) { return drop(d.members, kOthers); }},
    {"rule.description, references",
     [](AlertDocument& d) { return drop(d.members, kExplanations); }},
    {"audisp_eql.sequence: the last event's fields, told above",
     [](AlertDocument& d) {
         return !d.sequence.empty() && keep_only(d.sequence.back(), kIdentity);
     }},
    {"audisp_eql.sequence: leaders, capabilities",
     [](AlertDocument& d) { return in_sequence(d, kContext); }},
    {"process.Ext.ancestry", [](AlertDocument& d) { return everywhere(d, kAncestry); }},
    {"audisp_eql.sequence: host, the parents' command lines",
     [](AlertDocument& d) { return in_sequence(d, kSurroundings); }},
    {"group and session leader, capabilities",
     [](AlertDocument& d) { return everywhere(d, kWideContext); }},
    {"texts over 1024 bytes, lists over 100 values",
     [](AlertDocument& d) { return shorten_all(d, 1024, 100); }},
    {"audisp_eql.sequence: process.args", [](AlertDocument& d) { return in_sequence(d, kArgs); }},
    {"audisp_eql.ancestry: args",
     [](AlertDocument& d) {
         static constexpr std::array<std::string_view, 1> kAncestorArgs{"args"};
         bool changed = false;
         for (JsonMembers& ancestor : d.ancestry)
             changed |= drop(ancestor, kAncestorArgs);
         return changed;
     }},
    {"process.parent.command_line",
     [](AlertDocument& d) { return drop(d.members, kParentCommandLine); }},
    {"audisp_eql.raw", [](AlertDocument& d) { return everywhere(d, kRaw); }},
    {"texts over 256 bytes, lists over 20 values",
     [](AlertDocument& d) { return shorten_all(d, 256, 20); }},
    {"threat names", [](AlertDocument& d) { return drop(d.members, kThreatNames); }},
    {"groups, terminal, real and login user",
     [](AlertDocument& d) { return everywhere(d, kGroups); }},
    {"audisp_eql.sequence: all but its outline",
     [](AlertDocument& d) { return sequence_keeps(d, kOutline); }},
    {"audisp_eql.ancestry",
     [](AlertDocument& d) { return !std::exchange(d.ancestry, {}).empty(); }},
    {"texts over 64 bytes, lists over 5 values",
     [](AlertDocument& d) { return shorten_all(d, 64, 5); }},
    {"all but ids, pids and the message",
     [](AlertDocument& d) {
         d.trimmed.clear();  // this says it all
         const bool changed = keep_only(d.members, kCore);
         return sequence_keeps(d, kSerials) || changed;
     }},
    {"audisp_eql.sequence",
     [](AlertDocument& d) { return !std::exchange(d.sequence, {}).empty(); }},
};

// What is left where not even the steps help: the longest sentence that fits.
std::string smallest(const Alert& alert, std::size_t limit) {
    const auto text_with = [&](std::size_t most) {
        AlertDocument document;
        const auto add = [&](const char* name, const std::string& text) {
            JsonMember member{name, {}};
            append_json_string(member.text, text);
            cut_strings(member.text, most);
            document.members.push_back(std::move(member));
        };
        add("event.id", alert.id);
        add("message", alert.message);
        add("rule.name", alert.rule_name);
        document.trimmed.push_back("all but ids and the message");
        return document.text();
    };
    std::size_t most = limit;
    std::string text = text_with(most);
    while (text.size() > limit) {
        most /= 2;
        text = text_with(most);
    }
    return text;
}

}  // namespace

std::string trim_alert(const Alert& alert, std::size_t limit) {
    limit = std::max(limit, kSmallestAlert);
    if (alert.json.size() <= limit)
        return alert.json;
    if (!alert.document.empty()) {
        AlertDocument document = alert.document;
        for (const Step& step : kSteps) {
            if (!step.apply(document))
                continue;
            document.trimmed.emplace_back(step.says);
            if (std::string text = document.text(); text.size() <= limit)
                return text;
        }
    }
    return smallest(alert, limit);
}

}  // namespace audisp_eql::detect
