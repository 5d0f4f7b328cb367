// SPDX-License-Identifier: Apache-2.0
#include "detect/eql/compiler_hint.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include "detect/text/nearest.hpp"
#include "detect/text/real.hpp"

namespace audisp_eql::detect {
namespace {

using Words = std::span<const std::string_view>;

// The allowed values of ECS 8.
constexpr std::array<std::string_view, 20> kCategories{
    "api",      "authentication", "configuration", "database", "driver",
    "email",    "file",           "host",          "iam",      "intrusion_detection",
    "library",  "malware",        "network",       "package",  "process",
    "registry", "session",        "threat",        "web",      "vulnerability"};
constexpr std::array<std::string_view, 18> kTypes{
    "access",    "admin",  "allowed",      "change",   "connection", "creation",
    "deletion",  "denied", "device",       "end",      "error",      "group",
    "indicator", "info",   "installation", "protocol", "start",      "user"};
constexpr std::array<std::string_view, 3> kOutcomes{"failure", "success", "unknown"};
// A few of the fields that make an event's kind; the others are seldom tested.
constexpr std::array<std::string_view, 3> kKinds{"alert", "event", "signal"};

Words allowed_values(FieldId field) {
    switch (field) {
        case FieldId::event_category:
            return kCategories;
        case FieldId::event_type:
            return kTypes;
        case FieldId::event_outcome:
            return kOutcomes;
        case FieldId::event_kind:
            return kKinds;
        default:
            return {};
    }
}

constexpr std::size_t kStem = 4;  // letters that forms of a word have in common

std::string_view nearest_of(Words words, std::string_view word) {
    if (std::find(words.begin(), words.end(), word) != words.end())
        return {};
    NearestName nearest(word);
    for (const std::string_view known : words)
        nearest.offer(known);
    if (!nearest.best().empty() || word.size() < kStem)
        return nearest.best();
    // Another form of the word: failed, created, succeeded.
    const auto* const form = std::find_if(
        words.data(), words.data() + words.size(),
        [&](std::string_view known) { return known.starts_with(word.substr(0, kStem)); });
    return form == words.data() + words.size() ? std::string_view() : *form;
}

std::vector<std::string_view> segments(std::string_view name) {
    std::vector<std::string_view> parts;
    for (std::size_t begin = 0; begin <= name.size();) {
        const std::size_t end = std::min(name.find('.', begin), name.size());
        parts.push_back(name.substr(begin, end - begin));
        begin = end + 1;
    }
    return parts;
}

// Edits between the names if each part is a slip of the other's part, else more than any name has:
// process.previous.executable is another field than process.parent.executable, no slip.
std::size_t slips(std::string_view name, std::string_view known) {
    constexpr std::size_t kTooMany = NearestName::kMaxLength;
    const auto ours = segments(name);
    const auto theirs = segments(known);
    if (ours.size() != theirs.size()) {
        // A dot forgotten, or written for '_'.
        const std::size_t edits = edit_distance(name, known, 1);
        return edits <= 1 ? edits : kTooMany;
    }
    std::size_t sum = 0;
    for (std::size_t i = 0; i < ours.size(); ++i) {
        const std::size_t limit = std::max(ours[i].size(), theirs[i].size()) / 3;
        const std::size_t edits = edit_distance(ours[i], theirs[i], limit);
        if (edits > limit)
            return kTooMany;
        sum += edits;
    }
    return sum;
}

// "host.os" is no field, but has some.
std::string fields_below(std::string_view name) {
    constexpr std::size_t kNamed = 3;
    std::string list;
    std::size_t count = 0;
    for (const FieldRow& row : kFieldRows) {
        if (!row.name.starts_with(name) || row.name.substr(name.size(), 1) != ".")
            continue;
        if (++count <= kNamed)
            list += (list.empty() ? "" : ", ") + std::string(row.name);
    }
    return count > kNamed ? list + ", …" : list;
}

std::string_view type_name(char letter) {
    switch (letter) {
        case 't':
            return "string";
        case 'n':
            return "number";
        case 'b':
            return "boolean";
        case 'a':
            return "address";
        default:
            return "value";
    }
}

}  // namespace

std::string hint_for_unknown_field(std::string_view name) {
    if (name.size() > NearestName::kMaxLength)  // no field has such a name, nor one like it
        return "the agent's own events never have it";
    if (const std::string below = fields_below(name); !below.empty())
        return "it stands for several fields: " + below;
    std::string_view best;
    std::size_t fewest = NearestName::kMaxLength;
    for (const FieldRow& row : kFieldRows) {
        const bool without_root = name.find('.') != std::string_view::npos &&
                                  row.name.size() > name.size() && row.name.ends_with(name) &&
                                  row.name[row.name.size() - name.size() - 1] == '.';
        const std::size_t edits = without_root ? 1 : slips(name, row.name);
        if (edits < fewest) {
            fewest = edits;
            best = row.name;
        }
    }
    if (!best.empty())
        return "did you mean '" + std::string(best) + "'?";
    if (name.find('.') == std::string_view::npos)
        return "if text is meant, it stands in double quotes: \"" + std::string(name) + "\"";
    return "the agent's own events never have it";
}

std::string signature(const FunctionRow& function) {
    std::string text = std::string(function.name) + '(';
    for (std::size_t i = 0; i < function.arguments.size(); ++i) {
        const std::string_view comma = i == 0 ? "" : ", ";
        const std::string type(type_name(function.argument(i)));
        if (i < function.required)
            text.append(comma).append(type);
        else
            text.append("[").append(comma).append(type).append("]");
    }
    return text + (function.repeats ? ", …)" : ")");
}

std::string hint_for_mismatch(ValueType field, const Literal& literal) {
    const bool is_text = literal.kind == LiteralKind::text;
    if ((field == ValueType::number && is_text && parse_real(literal.text)) ||
        (field == ValueType::boolean && (literal.text == "true" || literal.text == "false")))
        return "write it without quotes: " + literal.text;
    if (field == ValueType::text && literal.kind == LiteralKind::integer)
        return "write it in double quotes: \"" + std::to_string(literal.integer) + "\"";
    if (field == ValueType::address && is_text)
        return "cidrMatch(field, \"10.0.0.0/8\") tests for networks";
    return {};
}

std::string_view meant_value(FieldId field, std::string_view value) {
    return nearest_of(allowed_values(field), value);
}

std::string_view meant_category(std::string_view category) {
    return nearest_of(kCategories, category);
}

std::string odd_in_regex(std::string_view pattern) {
    if (pattern.starts_with('^'))
        return "'^'";
    for (std::size_t at = 0; at < pattern.size(); ++at) {
        if (pattern[at] == '$' && at + 1 == pattern.size())
            return "'$'";
        if (pattern[at] != '\\' || ++at == pattern.size())
            continue;
        constexpr std::string_view kElsewhere = "bBAzZGtnrfvx";
        if (kElsewhere.find(pattern[at]) != std::string_view::npos)
            return std::string("'") + pattern[at] + "' behind a backslash";
    }
    return {};
}

std::string hint_for_regex(std::string_view pattern) {
    if (pattern.find("(?i") != std::string_view::npos)
        return "to ignore case write: regex~";
    if (pattern.find("(?") != std::string_view::npos)
        return "Lucene's regular expressions have no groups of the form (?…)";
    return {};
}

}  // namespace audisp_eql::detect
