// SPDX-License-Identifier: Apache-2.0
// Runs conformance cases: conformance_cases FILE…
// Prints each case that fails, and ends with 1 if one did. README.md describes the files.
#include <exception>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include <boost/json.hpp>

#include "detect/engine/engine.hpp"
#include "detect/event/json_reader.hpp"
#include "detect/rule/rule_set.hpp"

namespace {

using namespace audisp_eql;
namespace json = boost::json;

json::value key_value(const detect::JoinKey& key) {
    return std::visit(
        [](const auto& value) -> json::value {
            if constexpr (std::is_same_v<std::decay_t<decltype(value)>, std::monostate>)
                return nullptr;
            else
                return json::value(value);
        },
        key);
}

// Matches as ids, and their keys.
class Collector final : public detect::MatchSink {
  public:
    explicit Collector(const std::vector<std::string>& ids) : ids_(ids) {}
    void on_matches(const detect::Rule&, std::span<const detect::Match> matches) override {
        for (const detect::Match& match : matches) {
            json::array names, values;
            for (const detect::EventPtr& event : match.events) {
                if (event)
                    names.emplace_back(ids_.at(event->origin().serial - 1));
                else
                    names.emplace_back(nullptr);
            }
            for (const detect::JoinKey& key : match.join_keys)
                values.push_back(key_value(key));
            found.push_back(std::move(names));
            keys.push_back(std::move(values));
        }
    }
    json::array found, keys;

  private:
    const std::vector<std::string>& ids_;  // by the number of the line
};

std::string text_of(const json::value& id) {
    return id.is_string() ? std::string(id.as_string()) : json::serialize(id);
}

std::string errors_of(const detect::Diagnostics& diagnostics) {
    std::string all;
    for (const detect::Diagnostic& one : diagnostics) {
        if (one.severity == detect::Severity::error)
            all += (all.empty() ? "" : "; ") + one.message;
    }
    return all;
}

// What is wrong; empty if the case holds.
std::string run(const json::object& made) {
    detect::Diagnostics diagnostics;
    const std::string query(made.at("query").as_string());
    const auto rules = detect::RuleSet::of_query(query, diagnostics);
    const std::string errors = errors_of(diagnostics);
    if (const auto* const expected = made.if_contains("error")) {
        if (rules)
            return "it loads, but should be refused";
        const bool named = errors.find(std::string(expected->as_string())) != std::string::npos;
        return named ? "" : "it is refused for another reason: " + errors;
    }
    if (!rules)
        return "it does not load: " + errors;

    std::vector<std::string> ids;
    Collector collector(ids);
    detect::Engine engine(rules);
    detect::JsonEventReader reader(rules->fields(), false);
    std::int64_t next_ms = 0;
    for (const json::value& described : made.at("events").as_array()) {
        json::object event = described.as_object();
        const auto* const id = event.if_contains("id");
        ids.push_back(id ? text_of(*id) : std::to_string(ids.size() + 1));
        if (!event.if_contains("@timestamp"))
            event["@timestamp"] = next_ms;
        next_ms = event.at("@timestamp").is_int64() ? event.at("@timestamp").as_int64() + 1000 : 0;
        std::string error;
        const detect::EventPtr read = reader.read(json::serialize(event), error);
        if (!read)
            return "event " + ids.back() + " is not read: " + error;
        engine.on_event(read, collector);
    }
    engine.finish(collector);

    json::array expected;
    for (const json::value& match : made.at("expect").as_array()) {
        json::array names;
        for (const json::value& id : match.as_array())
            names.push_back(id.is_null() ? json::value(nullptr) : json::value(text_of(id)));
        expected.push_back(std::move(names));
    }
    if (collector.found != expected)
        return "expected " + json::serialize(expected) + ", found " +
               json::serialize(collector.found);
    const auto* const keys = made.if_contains("keys");
    if (keys && *keys != json::value(collector.keys))
        return "expected keys " + json::serialize(*keys) + ", found " +
               json::serialize(collector.keys);
    return {};
}

}  // namespace

int main(int argc, char** argv) {
    std::size_t total = 0, failed = 0;
    for (int i = 1; i < argc; ++i) {
        std::ifstream file(argv[i]);
        const std::string text{std::istreambuf_iterator<char>(file), {}};
        json::error_code error;
        const json::value cases = json::parse(text, error);
        if (error || !cases.is_array()) {
            std::cout << argv[i] << ": no array of cases: " << error.message() << '\n';
            return 1;
        }
        for (const json::value& one : cases.as_array()) {
            const json::object& made = one.as_object();
            ++total;
            std::string wrong;
            try {
                wrong = run(made);
            } catch (const std::exception& exception) {
                wrong = std::string("the case itself is broken: ") + exception.what();
            }
            if (wrong.empty())
                continue;
            ++failed;
            std::cout << text_of(made.at("name")) << "\n  " << text_of(made.at("query")) << "\n  "
                      << wrong << '\n';
        }
    }
    std::cout << total << " cases, " << failed << " failed\n";
    return failed == 0 && total > 0 ? 0 : 1;
}
