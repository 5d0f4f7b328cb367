// SPDX-License-Identifier: Apache-2.0
// A rule set takes the place of another while rules wait for events.
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/test/unit_test.hpp>

#include "tests/unit/engine/support.hpp"

namespace {

using namespace audisp_eql::detect;
using namespace audisp_eql::detect::test;

// Id and query of each rule.
using Texts = std::vector<std::pair<std::string, std::string>>;

constexpr const char* kPair =
    R"(sequence by k with maxspan=10s [any where t == "a"] [any where t == "b"])";

class Reloaded {
  public:
    explicit Reloaded(const Texts& texts, EngineLimits limits = {})
        : rules_(build(texts, nullptr)), found(id_of(*rules_)), engine(rules_, limits) {}

    void replace(const Texts& texts) {
        rules_ = build(texts, rules_);
        engine.replace_rules(rules_);
        BOOST_CHECK(id_of(*rules_) == id_of(engine.rules()));
    }
    void feed(std::string_view id, std::int64_t ms, std::string_view fields) {
        // A reader for each event: the names are those of the rule set of the moment.
        JsonEventReader reader(rules_->fields(), false);
        std::string error;
        std::string json =
            "{\"id\":\"" + std::string(id) + "\",\"@timestamp\":" + std::to_string(ms) + ",";
        json.append(fields).append("}");
        const EventPtr read = reader.read(json, error);
        BOOST_REQUIRE_MESSAGE(read, error);
        engine.on_event(read, found);
    }

  private:
    static FieldId id_of(const RuleSet& rules) { return rules.fields().intern("id"); }
    static std::shared_ptr<const RuleSet> build(const Texts& texts,
                                                std::shared_ptr<const RuleSet> before) {
        std::vector<RuleSource> sources;
        for (const auto& [id, query] : texts)
            sources.push_back(rule_source(id + ".toml", id, query));
        std::vector<RuleReport> reports;
        RuleSet::Options options;
        options.replaces = std::move(before);
        auto rules = RuleSet::build(sources, options, reports);
        BOOST_REQUIRE(rules->rules().size() == texts.size());
        return rules;
    }

    std::shared_ptr<const RuleSet> rules_;

  public:
    Found found;
    Engine engine;
};

BOOST_AUTO_TEST_SUITE(engine)

BOOST_AUTO_TEST_CASE(what_is_pending_of_an_unchanged_rule_survives_a_reload) {
    Reloaded run(Texts{{"pair", kPair}});
    run.feed("1", 0, R"("t":"a","k":1)");
    // The new rules come before it and bring field names that the old set did not have.
    run.replace({{"new", R"(any where zzz == "1" and aaa == 2)"}, {"pair", kPair}});
    BOOST_TEST(run.engine.counters().pending == 1u);
    run.feed("2", 1000, R"("t":"b","k":1)");
    BOOST_TEST(run.found.take() == (Lines{"pair 1,2"}), boost::test_tools::per_element());
    run.feed("3", 2000, R"("zzz":"1","aaa":2)");
    BOOST_TEST(run.found.take() == (Lines{"new 3"}), boost::test_tools::per_element());
    BOOST_TEST(run.engine.counters().events == 3u);
    BOOST_TEST(run.engine.counters().matches == 2u);
}

BOOST_AUTO_TEST_CASE(what_is_pending_of_a_changed_or_removed_rule_is_dropped) {
    const std::string changed = std::string(kPair) + " // changed";
    Reloaded run(Texts{{"one", kPair}, {"two", kPair}, {"three", kPair}});
    run.feed("1", 0, R"("t":"a","k":1)");
    BOOST_TEST(run.engine.counters().pending == 3u);
    run.replace({{"one", changed}, {"three", kPair}});
    BOOST_TEST(run.engine.counters().pending == 1u);
    run.feed("2", 1000, R"("t":"b","k":1)");
    BOOST_TEST(run.found.take() == (Lines{"three 1,2"}), boost::test_tools::per_element());
    // And the changed one works from now on.
    run.feed("3", 2000, R"("t":"a","k":1)");
    run.feed("4", 3000, R"("t":"b","k":1)");
    BOOST_TEST(run.found.take() == (Lines{"one 3,4", "three 3,4"}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(pending_events_keep_their_meaning_when_names_get_company) {
    const char* const kAlias = R"(sequence by k with maxspan=10s
        [any where t == "a"] as first [any where t == "b" and color == first.color])";
    Reloaded run(Texts{{"alias", kAlias}});
    run.feed("1", 0, R"("t":"a","k":1,"color":"red")");
    run.replace({{"new", R"(any where shade == "x" and colour == "y")"}, {"alias", kAlias}});
    run.feed("2", 1000, R"("t":"b","k":1,"color":"blue","shade":"red")");
    run.feed("3", 2000, R"("t":"b","k":1,"color":"red")");
    BOOST_TEST(run.found.take() == (Lines{"alias 1,3"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(maxspan_and_the_trailing_clause_go_on_across_a_reload) {
    const char* const kTrailing = R"(sequence by k with maxspan=1s
        [any where t == "a"] ![any where t == "b"])";
    Reloaded run(Texts{{"pair", kPair}, {"quiet", kTrailing}});
    run.feed("1", 0, R"("t":"a","k":1)");
    run.feed("2", 0, R"("t":"a","k":2)");
    run.replace({{"quiet", kTrailing}, {"pair", kPair}});
    run.feed("3", 900, R"("t":"b","k":2)");
    BOOST_TEST(run.found.take() == (Lines{"pair 2,3"}), boost::test_tools::per_element());
    run.engine.advance(2'100'000'000, run.found);
    BOOST_TEST(run.found.take() == (Lines{"quiet 1,-"}), boost::test_tools::per_element());
    run.feed("4", 10'001, R"("t":"b","k":1)");
    BOOST_TEST(run.found.calls.empty());
    BOOST_TEST(run.engine.counters().pending == 0u);
}

BOOST_AUTO_TEST_CASE(samples_and_lineages_survive_a_reload) {
    const char* const kSample = R"(sample by k [any where t == "a"] [any where t == "b"])";
    const char* const kLineage = R"(process where t == "c" and descendant of
        [process where process.name == "sshd" and descendant of [any where t == "root"]])";
    Reloaded run(Texts{{"sample", kSample}, {"lineage", kLineage}});
    run.feed("1", 0, R"("t":"b","k":1)");
    run.feed("2", 0,
             R"("t":"root","event.category":["process"],"process.entity_id":"p0","process.pid":1)");
    run.feed("3", 1, R"("event.category":["process"],"process.entity_id":"p1",
        "process.parent.entity_id":"p0","process.name":"sshd")");
    // Another lineage before it, and the same one in another rule.
    run.replace({{"first", R"(any where descendant of [any where t == "other"])"},
                 {"lineage", kLineage},
                 {"sample", kSample}});
    run.feed("4", 2, R"("t":"c","event.category":["process"],"process.entity_id":"p2",
        "process.parent.entity_id":"p1")");
    BOOST_TEST(run.found.take() == (Lines{"lineage 4"}), boost::test_tools::per_element());
    run.feed("5", 1000, R"("t":"a","k":1)");
    BOOST_TEST(run.found.take() == (Lines{"sample 5,1"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(limits_hold_across_a_reload) {
    EngineLimits limits;
    limits.pending_per_rule = 2;
    Reloaded run(Texts{{"pair", kPair}}, limits);
    run.feed("1", 0, R"("t":"a","k":1)");
    run.feed("2", 1, R"("t":"a","k":2)");
    run.replace({{"pair", kPair}});
    run.feed("3", 2, R"("t":"a","k":3)");
    BOOST_TEST(run.engine.counters().pending == 2u);
    BOOST_TEST(run.engine.counters().pending_dropped == 1u);
    run.feed("4", 3, R"("t":"b","k":[1,2,3])");
    BOOST_TEST(run.found.take() == (Lines{"pair 2,4 3,4"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
