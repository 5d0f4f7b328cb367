// SPDX-License-Identifier: Apache-2.0
#include "detect/rule/rule.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <utility>

#include "detect/eql/parser.hpp"
#include "detect/rule/sha256.hpp"
#include "detect/rule/toml_file.hpp"
#include "detect/text/nearest.hpp"

namespace audisp_eql::detect {
namespace {

struct SeverityName {
    std::string_view name;
    RuleSeverity severity;
    int number;
};
constexpr std::array kSeverities = {
    SeverityName{"low", RuleSeverity::low, 21},
    SeverityName{"medium", RuleSeverity::medium, 47},
    SeverityName{"high", RuleSeverity::high, 73},
    SeverityName{"critical", RuleSeverity::critical, 99},
};

// "now-9m" -> 9 minutes in nanoseconds
std::optional<std::int64_t> parse_look_back(std::string_view from) {
    constexpr std::string_view kPrefix = "now-";
    if (!from.starts_with(kPrefix)) {
        return std::nullopt;
    }
    std::int64_t count = 0;
    const char* const end = from.data() + from.size();
    const auto [rest, error] = std::from_chars(from.data() + kPrefix.size(), end, count);
    if (error != std::errc() || count <= 0 || end - rest != 1) {
        return std::nullopt;
    }
    std::int64_t seconds = 0;
    switch (*rest) {
        case 's':
            seconds = 1;
            break;
        case 'm':
            seconds = 60;
            break;
        case 'h':
        case 'H':
            seconds = 3'600;
            break;
        case 'd':
            seconds = 86'400;
            break;
        case 'w':
            seconds = 7 * 86'400;
            break;
        default:
            return std::nullopt;
    }
    constexpr std::int64_t kSecond = 1'000'000'000;
    if (count > std::numeric_limits<std::int64_t>::max() / kSecond / seconds) {
        return std::nullopt;
    }
    return count * seconds * kSecond;
}

// "EQL", "elq": a rule that would be left out for a slip.
bool is_slip_for_eql(std::string_view language) {
    NearestName nearest(language);
    for (const std::string_view known : {"esql", "kuery", "lucene", "query", "eql"}) {
        if (known == language)
            return false;
        nearest.offer(known);
    }
    return nearest.best() == "eql";
}

// A checkout of rules holds other TOML files, too (pyproject.toml, queries for hunting): tables,
// and nothing of what stands in a rule file, even one with a slip.
bool is_other_document(const toml::table& file) {
    constexpr std::array<std::string_view, 10> kOfRules{
        "rule", "rules", "Rule", "metadata", "threat", "id", "rule_id", "name", "query", "actions"};
    const bool of_rules = std::any_of(kOfRules.begin(), kOfRules.end(),
                                      [&](std::string_view key) { return file.contains(key); });
    return !of_rules && std::any_of(file.begin(), file.end(), [](const auto& entry) {
        return entry.second.is_table() || entry.second.is_array_of_tables();
    });
}

class RuleReader {
  public:
    RuleReader(std::string_view text, RuleFile& out) : toml_(text, out.diagnostics), out_(out) {}

    void read(std::string_view name);

  private:
    bool is_ours(const toml::table& metadata, const toml::table& rule);
    bool is_for_linux(const toml::table& table, std::string_view key);
    void read_rule(const toml::table& file, const toml::table& metadata, const toml::table& rule);
    void read_query(const toml::table& rule);
    void read_severity(const toml::table& rule);
    void read_look_back(const toml::table& rule);
    void read_version(const toml::table& rule);
    void note_unsupported(const toml::table& rule);
    void read_actions(const toml::table& file, const toml::table& rule);
    std::vector<Threat> threats(const toml::node* node);
    static ThreatReference threat_reference(const toml::table& table);

    // A rule needs these: an error if absent, empty or of another kind.
    std::string required(const toml::table& table, std::string_view key);
    // Absent, or of another kind (a warning): nothing.
    std::optional<std::string> text(const toml::table& table, std::string_view key);
    std::vector<std::string> texts(const toml::table& table, std::string_view key);
    void ignored(const toml::node& node, std::string_view key, std::string_view wanted);

    SourceRange at(const toml::source_region& region) const { return toml_.at(region); }
    void error(SourceRange at, std::string message, std::string hint = {}) {
        toml_.error(at, std::move(message), std::move(hint));
    }
    void warning(SourceRange at, std::string message, std::string hint = {}) {
        toml_.warning(at, std::move(message), std::move(hint));
    }

    TomlFile toml_;
    RuleFile& out_;
    Rule rule_;
};

void RuleReader::read(std::string_view name) {
    const std::optional<toml::table> file = toml_.parse();
    if (!file) {
        return;
    }
    const toml::table* const rule = (*file)["rule"].as_table();
    if (rule == nullptr && is_other_document(*file)) {
        warning({0, 0}, "the file has no [rule] table: it is no rule, skipped");
        out_.status = RuleFile::Status::other_language;
        return;
    }
    if (rule == nullptr) {
        error({0, 0}, "the file has no [rule] table",
              "a rule file has [rule] with a name, an id and a query");
        return;
    }
    static const toml::table kNothing;
    const toml::table* const metadata = (*file)["metadata"].as_table();
    const toml::table& known_metadata = metadata == nullptr ? kNothing : *metadata;
    if (!is_ours(known_metadata, *rule)) {
        out_.status = RuleFile::Status::other_language;
        return;
    }
    rule_.file = name;
    rule_.hash = sha256_hex(toml_.text());
    read_rule(*file, known_metadata, *rule);
    if (!has_errors(out_.diagnostics)) {
        out_.status = RuleFile::Status::ok;
    }
    out_.rule = std::move(rule_);
}

// An EQL rule for Linux? Public directories hold rules in other languages and for other systems.
bool RuleReader::is_ours(const toml::table& metadata, const toml::table& rule) {
    const toml::node_view language = rule["language"];
    const toml::node_view type = rule["type"];
    const toml::node_view decides = language ? language : type;
    const std::string_view name = decides.value_or(std::string_view());
    if (decides && name != "eql" && !is_slip_for_eql(name)) {
        return false;
    }
    if (decides && name != "eql") {
        error(at(decides.node()->source()), "unknown language '" + std::string(name) + "'",
              "did you mean 'eql'?");
    }
    return is_for_linux(rule, "os_list") && is_for_linux(metadata, "os_type_list");
}

bool RuleReader::is_for_linux(const toml::table& table, std::string_view key) {
    const toml::array* const systems = table[key].as_array();
    if (systems == nullptr || systems->empty()) {
        return true;
    }
    for (const toml::node& system : *systems) {
        if (system.value_or(std::string_view()) == "linux") {
            return true;
        }
    }
    warning(at(systems->source()), "the rule is not for Linux: skipped");
    return false;
}

void RuleReader::read_rule(const toml::table& file, const toml::table& metadata,
                           const toml::table& rule) {
    const std::string_view id_key = rule.contains("id") ? "id" : "rule_id";
    rule_.id = required(rule, id_key);
    if (const toml::node* const id = rule.get(id_key)) {
        out_.id_at = at(id->source());
    }
    rule_.name = required(rule, "name");
    rule_.description = text(rule, "description").value_or("");
    rule_.references = texts(rule, rule.contains("reference") ? "reference" : "references");
    rule_.false_positives = texts(rule, "false_positives");
    rule_.tags = texts(rule, "tags");
    rule_.note = text(rule, "note").value_or("");
    rule_.category_field = text(rule, "event_category_override").value_or("");
    rule_.building_block = rule.contains("building_block_type");
    read_actions(file, rule);
    rule_.deprecated =
        text(metadata, "maturity") == "deprecated" || rule_.name.starts_with("Deprecated - ");
    const toml::node* const own_threats = rule.get("threat");
    rule_.threats = threats(own_threats != nullptr ? own_threats : file.get("threat"));
    read_version(rule);
    read_severity(rule);
    read_look_back(rule);
    note_unsupported(rule);
    read_query(rule);
}

void RuleReader::read_query(const toml::table& rule) {
    const toml::node* const node = rule.get("query");
    rule_.query = required(rule, "query");
    if (rule_.query.empty()) {
        return;
    }
    const SourceRange place = at(node->source());
    out_.query_map = map_string(toml_.text(), place.offset, rule_.query);
    Diagnostics found;
    out_.query = parse_query(rule_.query, found);
    for (Diagnostic& diagnostic : found) {
        diagnostic.at = out_.in_file(diagnostic.at);
        out_.diagnostics.push_back(std::move(diagnostic));
    }
}

void RuleReader::read_severity(const toml::table& rule) {
    if (rule.contains("severity")) {
        const std::string name = required(rule, "severity");
        const auto* known =
            std::find_if(kSeverities.begin(), kSeverities.end(),
                         [&](const SeverityName& severity) { return severity.name == name; });
        if (known == kSeverities.end() && !name.empty()) {
            error(at(rule.get("severity")->source()), "unknown severity '" + name + "'",
                  "severities are low, medium, high and critical");
        } else if (known != kSeverities.end()) {
            rule_.severity = known->severity;
        }
    }
    rule_.risk_score = severity_number(rule_.severity);
    const toml::node* const score = rule.get("risk_score");
    if (score == nullptr) {
        return;
    }
    const std::optional<std::int64_t> value = score->value_exact<std::int64_t>();
    if (!value || *value < 0 || *value > 100) {
        error(at(score->source()), "risk_score must be a whole number from 0 to 100");
        return;
    }
    rule_.risk_score = static_cast<int>(*value);
}

void RuleReader::read_look_back(const toml::table& rule) {
    const std::optional<std::string> from = text(rule, "from");
    if (!from) {
        return;
    }
    rule_.look_back_ns = parse_look_back(*from);
    if (!rule_.look_back_ns) {
        warning(at(rule.get("from")->source()), "'from' is not understood: ignored",
                "write how far to look back: from = \"now-9m\"");
    }
}

void RuleReader::read_version(const toml::table& rule) {
    const toml::node* const version = rule.get("version");
    if (version == nullptr) {
        return;
    }
    if (const std::optional<std::int64_t> number = version->value_exact<std::int64_t>()) {
        rule_.version = std::to_string(*number);
    } else if (const std::optional<std::string> name = version->value_exact<std::string>()) {
        rule_.version = *name;
    } else {
        ignored(*version, "version", "text or a whole number");
    }
}

// Keys that would change what the rule matches. Others only say when and where to run it, or what
// to do with its alerts.
void RuleReader::note_unsupported(const toml::table& rule) {
    for (const std::string_view key : {"filters", "exceptions_list", "alert_suppression"}) {
        const toml::node* const node = rule.get(key);
        if (node != nullptr && !(node->is_array() && node->as_array()->empty())) {
            rule_.ignored_keys.emplace_back(key);
        }
    }
}

// [[actions]] with the name under `action`; optional_actions: names, at the top or in [rule].
void RuleReader::read_actions(const toml::table& file, const toml::table& rule) {
    const auto add = [&](const toml::node* node) {
        const toml::array* const list = node == nullptr ? nullptr : node->as_array();
        for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
            const toml::table* const table = list->get(i)->as_table();
            const toml::node* const name = table == nullptr ? list->get(i) : table->get("action");
            const std::string action = name == nullptr ? "" : name->value_or(std::string());
            rule_.actions.push_back(action.empty() ? "unnamed" : action);
        }
    };
    add(file.get("actions"));
    add(file.get("optional_actions"));
    add(rule.get("optional_actions"));
}

std::vector<Threat> RuleReader::threats(const toml::node* node) {
    std::vector<Threat> found;
    if (node == nullptr) {
        return found;
    }
    const toml::array* const list = node->as_array();
    if (list == nullptr || (!list->empty() && !list->is_homogeneous<toml::table>())) {
        warning(at(node->source()), "'threat' must be a list of tables: ignored",
                "write [[rule.threat]]");
        return found;
    }
    for (const toml::node& entry : *list) {
        const toml::table& table = *entry.as_table();
        Threat threat;
        threat.framework = table["framework"].value_or(std::string());
        if (const toml::table* const tactic = table["tactic"].as_table()) {
            threat.tactic = threat_reference(*tactic);
        }
        const toml::array* const techniques = table["technique"].as_array();
        for (std::size_t index = 0; techniques != nullptr && index < techniques->size(); ++index) {
            const toml::table* const technique = techniques->get(index)->as_table();
            if (technique == nullptr) {
                continue;
            }
            ThreatTechnique& added = threat.techniques.emplace_back();
            static_cast<ThreatReference&>(added) = threat_reference(*technique);
            const toml::array* const subs = (*technique)["subtechnique"].as_array();
            for (std::size_t sub = 0; subs != nullptr && sub < subs->size(); ++sub) {
                if (const toml::table* const entry_sub = subs->get(sub)->as_table()) {
                    added.subtechniques.push_back(threat_reference(*entry_sub));
                }
            }
        }
        found.push_back(std::move(threat));
    }
    return found;
}

ThreatReference RuleReader::threat_reference(const toml::table& table) {
    return {table["id"].value_or(std::string()), table["name"].value_or(std::string()),
            table["reference"].value_or(std::string())};
}

std::optional<std::string> RuleReader::text(const toml::table& table, std::string_view key) {
    const toml::node* const node = table.get(key);
    if (node == nullptr) {
        return std::nullopt;
    }
    std::optional<std::string> value = node->value_exact<std::string>();
    if (!value) {
        ignored(*node, key, "text");
    }
    return value;
}

std::string RuleReader::required(const toml::table& table, std::string_view key) {
    const toml::node* const node = table.get(key);
    if (node == nullptr) {
        error(at(table.source()), "the rule has no '" + std::string(key) + "'",
              "add to [rule]: " + std::string(key) + " = …");
        return {};
    }
    const std::optional<std::string> value = node->value_exact<std::string>();
    if (!value) {
        error(at(node->source()), "'" + std::string(key) + "' must be text");
    } else if (value->empty()) {
        error(at(node->source()), "'" + std::string(key) + "' is empty");
    }
    return value.value_or("");
}

// A list of texts; one text alone will do.
std::vector<std::string> RuleReader::texts(const toml::table& table, std::string_view key) {
    std::vector<std::string> found;
    const toml::node* const node = table.get(key);
    if (node == nullptr) {
        return found;
    }
    if (const auto alone = node->value_exact<std::string>()) {
        found.push_back(*alone);
        return found;
    }
    const toml::array* const list = node->as_array();
    if (list == nullptr) {
        ignored(*node, key, "a list of texts");
        return found;
    }
    for (const toml::node& entry : *list) {
        if (auto value = entry.value_exact<std::string>()) {
            found.push_back(std::move(*value));
        } else {
            ignored(entry, key, "a list of texts");
        }
    }
    return found;
}

void RuleReader::ignored(const toml::node& node, std::string_view key, std::string_view wanted) {
    warning(at(node.source()),
            "'" + std::string(key) + "' must be " + std::string(wanted) + ": ignored");
}

}  // namespace

std::string_view to_string(RuleSeverity severity) {
    return kSeverities.at(static_cast<std::size_t>(severity)).name;
}

int severity_number(RuleSeverity severity) {
    return kSeverities.at(static_cast<std::size_t>(severity)).number;
}

SourceRange RuleFile::in_file(SourceRange in_query) const {
    return to_file(query_map, in_query);
}

RuleFile load_rule(std::string_view name, std::string_view text) {
    RuleFile file;
    RuleReader(text, file).read(name);
    return file;
}

}  // namespace audisp_eql::detect
