// SPDX-License-Identifier: Apache-2.0
// A rule set of one query, an engine, and what it found as text: "a,b" for a match of the events
// named a and b, "-" for a hole; the matches of one call joined by " ".
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/test/unit_test.hpp>

#include "detect/engine/engine.hpp"
#include "detect/event/json_reader.hpp"
#include "detect/rule/rule_set.hpp"

namespace audisp_eql::detect::test {

class Found final : public MatchSink {
  public:
    explicit Found(FieldId id) : id_(id) {}
    void on_matches(const Rule& rule, std::span<const Match> matches) override {
        std::string line = rule.id;
        for (const Match& match : matches) {
            line += line.empty() ? "" : " ";
            for (std::size_t i = 0; i < match.events.size(); ++i) {
                line += i > 0 ? "," : "";
                line += match.events[i] ? match.events[i]->text(id_) : "-";
            }
        }
        calls.push_back(std::move(line));
    }
    // What came since the last time.
    std::vector<std::string> take() { return std::exchange(calls, {}); }

    std::vector<std::string> calls;

  private:
    FieldId id_;
};

class Run {
  public:
    explicit Run(std::string_view query, EngineLimits limits = {}) : Run(compile(query), limits) {}
    explicit Run(std::shared_ptr<const RuleSet> rules, EngineLimits limits = {})
        : rules_(std::move(rules)),
          reader_(rules_->fields(), false),
          engine(rules_, limits),
          found(rules_->fields().intern("id")) {}

    // An event at a time in milliseconds; `fields` as JSON members: R"("t":"a")".
    EventPtr event(std::string_view id, std::int64_t ms, std::string_view fields = {}) {
        std::string error;
        std::string json = "{\"id\":\"" + std::string(id) +
                           "\",\"@timestamp\":" + std::to_string(ms) + (fields.empty() ? "" : ",");
        json.append(fields).append("}");
        EventPtr read = reader_.read(json, error);
        BOOST_REQUIRE_MESSAGE(read, error);
        return read;
    }
    void feed(std::string_view id, std::int64_t ms, std::string_view fields = {}) {
        engine.on_event(event(id, ms, fields), found);
    }
    void advance(std::int64_t ms) { engine.advance(ms * 1'000'000, found); }

  private:
    static std::shared_ptr<const RuleSet> compile(std::string_view query) {
        Diagnostics diagnostics;
        auto rules = RuleSet::of_query(query, diagnostics);
        BOOST_REQUIRE_MESSAGE(rules, render_all(diagnostics, query));
        return rules;
    }
    static std::string render_all(const Diagnostics& diagnostics, std::string_view query) {
        std::string all;
        for (const Diagnostic& one : diagnostics)
            all += render(one, "query", query);
        return all;
    }

    std::shared_ptr<const RuleSet> rules_;
    JsonEventReader reader_;

  public:
    Engine engine;
    Found found;
};

using Lines = std::vector<std::string>;

inline RuleSource rule_source(std::string name, std::string_view id, std::string_view query,
                              std::string_view more = {}) {
    return {std::move(name), "[metadata]\nmaturity = \"production\"\n[rule]\nrule_id = \"" +
                                 std::string(id) + "\"\nname = \"" + std::string(id) +
                                 "\"\ndescription = \"d\"\nrisk_score = 47\nseverity = "
                                 "\"medium\"\nlanguage = \"eql\"\ntype = \"eql\"\n" +
                                 std::string(more) + "query = '''\n" + std::string(query) +
                                 "\n'''\n"};
}

}  // namespace audisp_eql::detect::test
