// SPDX-License-Identifier: Apache-2.0
// A rule as its file describes it. load_rule reads the TOML of both public families: the SIEM's
// ([metadata] and [rule]) and the endpoint agent's ([rule] with id, os_list, [[threat]]).
//
// Memory: values. Threads: no state between calls.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "detect/eql/ast.hpp"
#include "detect/eql/diagnostic.hpp"
#include "detect/rule/toml_text.hpp"

namespace audisp_eql::detect {

enum class RuleSeverity : std::uint8_t { low, medium, high, critical };
std::string_view to_string(RuleSeverity severity);
// The number that event.severity carries: 21, 47, 73, 99.
int severity_number(RuleSeverity severity);

struct ThreatReference {
    std::string id, name, reference;
};
struct ThreatTechnique : ThreatReference {
    std::vector<ThreatReference> subtechniques;
};
struct Threat {
    std::string framework;
    ThreatReference tactic;
    std::vector<ThreatTechnique> techniques;
};

struct Rule {
    std::string id;
    std::string name;
    std::string description;
    std::string query;
    std::string category_field;  // event_category_override; empty: event.category
    std::vector<std::string> references;
    std::vector<std::string> false_positives;
    std::vector<std::string> tags;
    std::string note;
    std::string version;
    std::string hash;  // SHA-256 of the file's bytes, hex
    RuleSeverity severity = RuleSeverity::medium;
    int risk_score = 47;
    std::vector<Threat> threats;
    std::optional<std::int64_t> look_back_ns;  // `from = "now-…"`, the window of a sample
    bool deprecated = false;                   // maturity = "deprecated", or the name says so
    bool building_block = false;               // evaluated, but quiet
    // What the rule asks for besides ([[actions]]): kill_process, …. This program never does it.
    std::vector<std::string> actions;
    // Keys that have a meaning elsewhere and none here: filters, exceptions_list,
    // alert_suppression. Sets of hundreds of rules have them, so they are said once a set.
    std::vector<std::string> ignored_keys;
    std::string file;  // as it was named to the loader
};

struct RuleFile {
    enum class Status : std::uint8_t {
        ok,              // rule holds it, parsed
        other_language,  // not EQL, not for Linux, no rule (a warning says why): skipped, counted
        broken,          // diagnostics say why
    } status = Status::broken;
    std::optional<Rule> rule;
    std::optional<Query> query;
    Diagnostics diagnostics;  // ranges are offsets into the whole file's text

    // For errors found later in the query (compiling): a range of the query's text as a range of
    // the file's text.
    SourceRange in_file(SourceRange in_query) const;
    SourceRange id_at;  // of the rule's id
    TextMap query_map = {{}};
};

// Reads one rule file. `name` is used in messages only. Never throws for bad input.
RuleFile load_rule(std::string_view name, std::string_view text);

}  // namespace audisp_eql::detect
