// SPDX-License-Identifier: Apache-2.0
#include "tests/golden/replayed.hpp"

#include <memory>
#include <regex>
#include <stdexcept>
#include <utility>

#include <boost/json/parse.hpp>

#include "collector/agent/rule_files.hpp"
#include "collector/feed/log_file.hpp"
#include "detect/event/json_writer.hpp"
#include "detect/rule/rule.hpp"
#include "detect/rule/rule_set.hpp"
#include "tests/golden/expected_table.hpp"

namespace audisp_eql::golden {

namespace {

namespace json = boost::json;

// Only the rules that the table speaks of, whatever else lies beside them.
std::shared_ptr<const detect::RuleSet> the_two_rules() {
    std::vector<detect::RuleSource> sources;
    for (detect::RuleSource& source : collector::read_rule_files({RULES_DIR}).sources) {
        const detect::RuleFile file = detect::load_rule(source.name, source.text);
        if (file.rule && (file.rule->id == kBinaryRule || file.rule->id == kParentRule))
            sources.push_back(std::move(source));
    }
    std::vector<detect::RuleReport> reports;
    auto set = detect::RuleSet::build(sources, {}, reports);
    if (set->rules().size() != 2)
        throw std::runtime_error("the rules of the table are not in " RULES_DIR);
    return set;
}

// A rule's note may be reworded without a change of what it finds.
std::string without_hash(const std::string& alert) {
    static const std::regex hash("\"hash\":\"[0-9a-f]{64}\"");
    return std::regex_replace(alert, hash, "\"hash\":\"\"");
}

const json::value* member(const json::value& from, std::string_view path) {
    const json::value* here = &from;
    while (!path.empty()) {
        const std::size_t dot = path.find('.');
        const auto* object = here->if_object();
        here = object ? object->if_contains(path.substr(0, dot)) : nullptr;
        if (!here)
            return nullptr;
        path.remove_prefix(dot == std::string_view::npos ? path.size() : dot + 1);
    }
    return here;
}

std::string text_of(const json::value* value) {
    return value && value->is_string() ? std::string(value->get_string()) : "?";
}
std::int64_t number_of(const json::value* value) {
    return value && value->is_int64() ? value->get_int64() : -1;
}

std::string destination_of(const json::value& event) {
    std::string ip = text_of(member(event, "destination.ip"));
    if (ip.find(':') != std::string::npos)
        ip = "[" + ip + "]";
    return ip + ":" + std::to_string(number_of(member(event, "destination.port")));
}

}  // namespace

Replayed replay(const std::string& file) {
    static const std::shared_ptr<const detect::RuleSet> rules = the_two_rules();
    Replayed replayed;
    collector::PipelineOptions options;
    options.program_version = "golden";
    options.ruleset_digest = "golden";
    options.on_event = [&](const detect::Event& event) {
        detect::append_event_json(replayed.events.emplace_back(), event, &rules->fields());
    };
    collector::Pipeline pipeline(rules, std::move(options), [&](const detect::Alert& alert) {
        replayed.alerts.push_back(without_hash(alert.json));
    });
    collector::CaptureReader reader(pipeline);
    collector::read_lines(file, [&](std::string_view line) { reader.line(line); });
    pipeline.finish();
    replayed.counters = pipeline.counters();
    replayed.lines = reader.counters();
    return replayed;
}

Said said_by(const std::string& alert) {
    const json::value document = json::parse(alert);
    Said said;
    said.rule = text_of(member(document, "rule.id"));
    said.alert = std::to_string(number_of(member(document, "process.pid"))) + ">";
    std::string destination = "?";
    const json::value* sequence = member(document, "audisp_eql.sequence");
    if (!sequence || !sequence->is_array())
        throw std::runtime_error("an alert without its sequence: " + alert);
    for (const json::value& event : sequence->get_array()) {
        if (const json::value* serial = member(event, "audit.serial"))
            said.serials.push_back(serial->to_number<std::uint64_t>());
        if (member(event, "destination.ip"))
            destination = destination_of(event);
    }
    said.alert += destination;
    return said;
}

}  // namespace audisp_eql::golden
