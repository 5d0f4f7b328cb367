// SPDX-License-Identifier: Apache-2.0
// What conformance cases cannot show: limits, expiry, the clock, epochs, order between rules.
#include "detect/engine/engine.hpp"

#include <string>

#include <boost/test/unit_test.hpp>

#include "tests/unit/engine/support.hpp"

namespace {

using namespace audisp_eql::detect;
using namespace audisp_eql::detect::test;

constexpr const char* kPair =
    R"(sequence by k with maxspan=1s [any where t == "a"] [any where t == "b"])";

std::string keyed(const char* what, int key) {
    return R"("t":")" + std::string(what) + R"(","k":)" + std::to_string(key);
}

BOOST_AUTO_TEST_SUITE(engine)

BOOST_AUTO_TEST_CASE(matches_of_one_event_come_in_one_call_in_the_order_of_the_key_values) {
    Run run(R"(sequence by k [any where t == "a"] [any where t == "b"])");
    run.feed("1", 0, keyed("a", 1));
    run.feed("2", 1, keyed("a", 2));
    run.feed("3", 2, R"("t":"b","k":[2,1,3])");
    BOOST_TEST(run.found.take() == (Lines{"2,3 1,3"}), boost::test_tools::per_element());
    BOOST_TEST(run.engine.counters().matches == 2u);
    BOOST_TEST(run.engine.counters().events == 3u);
}

BOOST_AUTO_TEST_CASE(rules_are_called_in_the_order_of_their_files) {
    std::vector<RuleReport> reports;
    const auto rules = RuleSet::build({rule_source("z", "z", "any where t == \"a\""),
                                       rule_source("a", "a", "process where t == \"a\""),
                                       rule_source("m", "m", "sequence [any where t == \"a\"]")},
                                      {}, reports);
    Run run(rules);
    run.feed("1", 0, R"("t":"a","event.category":["process"])");
    BOOST_TEST(run.found.take() == (Lines{"z 1", "a 1", "m 1"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(pending_matches_expire_with_the_clock) {
    Run run(kPair);
    run.feed("1", 0, keyed("a", 1));
    run.feed("2", 500, keyed("a", 2));
    BOOST_TEST(run.engine.counters().pending == 2u);
    run.advance(1000);
    BOOST_TEST(run.engine.counters().pending == 2u);
    run.advance(1200);
    BOOST_TEST(run.engine.counters().pending == 1u);
    BOOST_TEST(run.engine.counters().pending_expired == 1u);
    run.feed("3", 3000, keyed("x", 9));
    BOOST_TEST(run.engine.counters().pending == 0u);
    BOOST_TEST(run.engine.counters().pending_expired == 2u);
    BOOST_TEST(run.engine.counters().pending_dropped == 0u);
}

BOOST_AUTO_TEST_CASE(a_late_event_is_rejected_before_anything_has_expired) {
    Run run(kPair);
    run.feed("1", 0, keyed("a", 1));
    run.feed("2", 1001, keyed("b", 1));
    BOOST_TEST(run.found.calls.empty());
    BOOST_TEST(run.engine.counters().pending_expired == 1u);
    BOOST_TEST(run.engine.counters().pending == 0u);
}

BOOST_AUTO_TEST_CASE(without_maxspan_pending_matches_live_as_long_as_the_limit_says) {
    EngineLimits limits;
    limits.unbounded_maxspan_ns = 10'000'000'000;
    Run run(R"(sequence by k [any where t == "a"] [any where t == "b"])", limits);
    run.feed("1", 0, keyed("a", 1));
    run.feed("2", 10'000, keyed("b", 1));
    BOOST_TEST(run.found.take() == (Lines{"1,2"}), boost::test_tools::per_element());
    run.feed("3", 10'000, keyed("a", 1));
    run.advance(20'200);
    BOOST_TEST(run.engine.counters().pending == 0u);
}

BOOST_AUTO_TEST_CASE(the_oldest_of_a_rule_goes_when_it_has_too_many) {
    EngineLimits limits;
    limits.pending_per_rule = 2;
    Run run(kPair, limits);
    for (int i = 1; i <= 3; ++i)
        run.feed(std::to_string(i), i, keyed("a", i));
    BOOST_TEST(run.engine.counters().pending == 2u);
    BOOST_TEST(run.engine.counters().pending_dropped == 1u);
    run.feed("4", 4, R"("t":"b","k":[1,2,3])");
    BOOST_TEST(run.found.take() == (Lines{"2,4 3,4"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(replacing_a_pending_match_of_the_same_key_is_no_loss) {
    EngineLimits limits;
    limits.pending_per_rule = 2;
    Run run(kPair, limits);
    for (int i = 1; i <= 5; ++i)
        run.feed(std::to_string(i), i, keyed("a", 1));
    BOOST_TEST(run.engine.counters().pending == 1u);
    BOOST_TEST(run.engine.counters().pending_dropped == 0u);
}

BOOST_AUTO_TEST_CASE(the_oldest_of_all_rules_goes_when_there_are_too_many_in_total) {
    std::vector<RuleReport> reports;
    EngineLimits limits;
    limits.pending_total = 2;
    Run run(
        RuleSet::build(
            {rule_source("1", "one", R"(sequence by k [any where t == "a"] [any where t == "b"])"),
             rule_source("2", "two", R"(sequence by k [any where t == "c"] [any where t == "b"])")},
            {}, reports),
        limits);
    run.feed("1", 1, keyed("a", 1));
    run.feed("2", 2, keyed("c", 2));
    run.feed("3", 3, keyed("c", 3));
    BOOST_TEST(run.engine.counters().pending == 2u);
    BOOST_TEST(run.engine.counters().pending_dropped == 1u);
    run.feed("4", 4, R"("t":"b","k":[1,2,3])");
    BOOST_TEST(run.found.take() == (Lines{"two 2,4 3,4"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(no_pending_matches_allowed) {
    EngineLimits limits;
    limits.pending_per_rule = 0;
    Run run(kPair, limits);
    run.feed("1", 0, keyed("a", 1));
    run.feed("2", 1, keyed("b", 1));
    BOOST_TEST(run.found.calls.empty());
    BOOST_TEST(run.engine.counters().pending_dropped == 1u);
}

BOOST_AUTO_TEST_CASE(nothing_matches_across_an_epoch) {
    Run run(kPair);
    run.feed("1", 5000, keyed("a", 1));
    run.engine.drop_pending();
    BOOST_TEST(run.engine.counters().pending == 0u);
    BOOST_TEST(run.engine.counters().epochs == 1u);
    run.feed("2", 5001, keyed("b", 1));
    BOOST_TEST(run.found.calls.empty());
}

BOOST_AUTO_TEST_CASE(after_an_epoch_the_clock_may_begin_earlier) {
    Run run(kPair);
    run.feed("1", 50'000, keyed("a", 1));
    run.engine.drop_pending();
    run.feed("2", 1000, keyed("a", 1));
    run.feed("3", 1500, keyed("x", 1));
    BOOST_TEST(run.engine.counters().pending == 1u);
    run.feed("4", 2000, keyed("b", 1));
    BOOST_TEST(run.found.take() == (Lines{"2,4"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_clock_is_the_running_maximum) {
    Run run(kPair);
    run.feed("1", 1000, keyed("a", 1));
    run.feed("2", 990, keyed("b", 1));  // 10 ms before its forerunner: feeds overtake each other
    BOOST_TEST(run.found.take() == (Lines{"1,2"}), boost::test_tools::per_element());
    run.feed("3", 1000, keyed("a", 1));
    run.advance(900);
    BOOST_TEST(run.engine.counters().pending == 1u);
}

constexpr const char* kTrailing =
    R"(sequence by k with maxspan=1s [any where t == "a"] ![any where t == "m"])";

BOOST_AUTO_TEST_CASE(a_trailing_missing_event_is_reported_when_its_window_has_closed) {
    EngineLimits limits;
    limits.lateness_ns = 200'000'000;
    Run run(kTrailing, limits);
    run.feed("1", 0, keyed("a", 1));
    run.advance(1000);
    run.advance(1199);
    BOOST_TEST(run.found.calls.empty());
    run.advance(1300);
    BOOST_TEST(run.found.take() == (Lines{"1,-"}), boost::test_tools::per_element());
    run.advance(9000);
    BOOST_TEST(run.found.calls.empty());
    BOOST_TEST(run.engine.counters().pending == 0u);
    BOOST_TEST(run.engine.counters().pending_expired == 0u);
}

BOOST_AUTO_TEST_CASE(a_missing_event_that_comes_late_still_counts) {
    EngineLimits limits;
    limits.lateness_ns = 1'000'000'000;
    Run run(kTrailing, limits);
    run.feed("1", 0, keyed("a", 1));
    run.feed("2", 1900, keyed("x", 1));  // the clock is beyond the window, within the lateness
    run.feed("3", 800, keyed("m", 1));
    run.advance(60'000);
    BOOST_TEST(run.found.calls.empty());
}

BOOST_AUTO_TEST_CASE(the_end_of_input_closes_every_window_in_order) {
    Run run(kTrailing);
    run.feed("1", 0, keyed("a", 1));
    run.feed("2", 5, keyed("a", 2));
    run.engine.finish(run.found);
    BOOST_TEST(run.found.take() == (Lines{"1,-", "2,-"}), boost::test_tools::per_element());
    BOOST_TEST(run.engine.counters().pending == 0u);
}

BOOST_AUTO_TEST_CASE(windows_of_several_rules_close_in_order) {
    std::vector<RuleReport> reports;
    Run run(RuleSet::build(
        {rule_source("1", "long",
                     R"(sequence with maxspan=3s [any where t == "a"] ![any where t == "m"])"),
         rule_source("2", "short",
                     R"(sequence with maxspan=1s [any where t == "a"] ![any where t == "m"])")},
        {}, reports));
    run.feed("1", 0, R"("t":"a")");
    run.feed("2", 2500, R"("t":"a")");
    run.advance(100'000);
    BOOST_TEST(run.found.take() == (Lines{"short 1,-", "long 1,-", "short 2,-", "long 2,-"}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(an_epoch_drops_matches_that_wait_for_their_window) {
    Run run(kTrailing);
    run.feed("1", 0, keyed("a", 1));
    run.engine.drop_pending();
    run.advance(100'000);
    run.engine.finish(run.found);
    BOOST_TEST(run.found.calls.empty());
}

BOOST_AUTO_TEST_CASE(what_a_missing_clause_remembers_is_bounded_and_expires) {
    EngineLimits limits;
    limits.pending_per_rule = 10;
    Run run(R"(sequence by k with maxspan=1s ![any where t == "m"] [any where t == "a"])", limits);
    for (int i = 0; i < 100; ++i)
        run.feed("m", i, keyed("m", i));
    BOOST_TEST(run.engine.counters().pending == 10u);
    run.advance(10'000);
    BOOST_TEST(run.engine.counters().pending == 0u);
}

BOOST_AUTO_TEST_CASE(events_are_kept_alive_by_pending_matches_only) {
    Run run(kPair);
    EventPtr event = run.event("1", 0, keyed("a", 1));
    run.engine.on_event(event, run.found);
    BOOST_TEST(event->use_count() == 2u);
    run.advance(5000);
    BOOST_TEST(event->use_count() == 1u);
}

BOOST_AUTO_TEST_CASE(made_up_kinds_of_events_do_not_grow_the_plans_without_bound) {
    Run run(R"(any where event.action == "exec")");
    for (int i = 0; i < 3000; ++i)
        run.feed("x", i, R"("event.action":"made-up-)" + std::to_string(i) + '"');
    run.feed("1", 3000, R"("event.action":"exec")");
    BOOST_TEST(run.found.take() == (Lines{"1"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_test_with_too_many_choices_is_given_up_and_counted) {
    Run run(R"(any where concat(process.args, process.args, process.args) == "never")");
    std::string args = R"("process.args":["x")";
    for (int i = 0; i < 150; ++i)
        args += ",\"a" + std::to_string(i) + '"';
    run.feed("1", 0, args + ']');
    BOOST_TEST(run.found.calls.empty());
    BOOST_TEST(run.engine.counters().choices_cut == 1u);
}

BOOST_AUTO_TEST_CASE(an_event_with_too_many_keys_is_cut_and_counted) {
    Run run(R"(sequence by k, l [any where t == "a"])");
    std::string list = "[0";
    for (int i = 1; i < 40; ++i)
        list += ',' + std::to_string(i);
    list += ']';
    run.feed("1", 0, R"("t":"a","k":)" + list + R"(,"l":)" + list);
    BOOST_TEST(run.engine.counters().matches == 1024u);
    BOOST_TEST(run.engine.counters().keys_cut == 1u);
}

BOOST_AUTO_TEST_CASE(a_sample_lies_within_the_rules_look_back) {
    std::vector<RuleReport> reports;
    Run run(RuleSet::build(
        {rule_source("s", "s", R"(sample by k [any where t == "a"] [any where t == "b"])",
                     "from = \"now-9m\"\n")},
        {}, reports));
    run.feed("1", 0, keyed("a", 1));
    run.feed("2", 540'001, keyed("b", 1));
    BOOST_TEST(run.found.calls.empty());
    run.feed("3", 541'000, keyed("a", 1));
    BOOST_TEST(run.found.take() == (Lines{"s 3,2"}), boost::test_tools::per_element());
    run.feed("4", 542'000, keyed("a", 2));
    BOOST_TEST(run.engine.counters().pending == 1u);
    run.advance(542'000 + 540'200);
    BOOST_TEST(run.engine.counters().pending == 0u);
}

BOOST_AUTO_TEST_CASE(a_sample_keeps_a_bounded_number_of_events) {
    Run run(R"(sample by k [any where t == "a"] [any where t == "b"])");
    const EventPtr first = run.event("1", 0, keyed("a", 1));
    run.engine.on_event(first, run.found);
    run.feed("2", 1, keyed("a", 1));
    BOOST_TEST(first->use_count() == 1u);  // the newer one of its kind is enough
}

BOOST_AUTO_TEST_CASE(an_alias_keeps_older_matches_within_the_limits) {
    EngineLimits limits;
    limits.pending_per_rule = 3;
    Run run(
        R"(sequence with maxspan=1s [any where t == "a"] as x [any where t == "b" and k == x.k])",
        limits);
    for (int i = 1; i <= 5; ++i)
        run.feed(std::to_string(i), i, keyed("a", i));
    BOOST_TEST(run.engine.counters().pending == 3u);
    BOOST_TEST(run.engine.counters().pending_dropped == 2u);
    run.feed("6", 6, keyed("b", 2));
    run.feed("7", 7, keyed("b", 4));
    run.feed("8", 8, keyed("b", 3));
    run.feed("9", 9, keyed("b", 5));
    BOOST_TEST(run.found.take() == (Lines{"4,7", "3,8", "5,9"}), boost::test_tools::per_element());
    BOOST_TEST(run.engine.counters().pending == 0u);
}

BOOST_AUTO_TEST_CASE(an_epoch_forgets_who_descends_from_whom) {
    Run run(R"(process where descendant of [process where process.name == "src"])");
    run.feed("1", 0,
             R"("event.category":["process"],"process.entity_id":"p","process.name":"src")");
    run.engine.drop_pending();
    run.feed(
        "2", 1,
        R"("event.category":["process"],"process.entity_id":"c","process.parent.entity_id":"p")");
    BOOST_TEST(run.found.calls.empty());
}

namespace {

// As the maker of events numbers them: an exec with its process's and its parent's name.
EventPtr exec_of(std::string_view name, std::string_view parent, bool sketch) {
    BlockBuilder builder;
    Event::Layers layers;
    const auto finish = [&](Layer layer) {
        layers[static_cast<std::size_t>(layer)] = builder.finish();
    };
    if (!sketch) {
        builder.set_literal(FieldId::event_category, "process");
        builder.set_literal(FieldId::event_action, "exec");
        builder.set_literal(FieldId::user_id, "0");
        finish(Layer::own);
    }
    // Names serve as ids, too.
    builder.set_text(FieldId::process_entity_id, name);
    finish(Layer::process);
    builder.set_text(FieldId::process_entity_id, parent);
    finish(Layer::parent);
    builder.set_text(FieldId::process_name, name);
    finish(Layer::image);
    builder.set_text(FieldId::process_name, parent);
    finish(Layer::parent_image);
    return EventPtr(new Event({}, {}, std::move(layers), 1));
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_sketch_tells_which_events_concern_no_rule) {
    struct Row {
        const char* query;
        const char* name;
        const char* parent;
        bool may_concern;
    };
    constexpr const char* kByName = R"(process where process.name : ("ba*", "nc"))";
    constexpr const char* kByParent =
        R"(process where user.id == "0" and process.parent.name == "sshd")";
    const Row rows[] = {
        {kByName, "bash", "make", true},
        {kByName, "NC", "make", true},
        {kByName, "make", "bash", false},
        {kByParent, "make", "sshd", true},
        {kByParent, "sshd", "make", false},
        {R"(network where process.name == "bash")", "bash", "bash", false},
        // Not by what the layers of a sketch say.
        {R"(process where user.id == "1")", "make", "make", true},
        {R"(process where process.exit_code > 3)", "make", "make", true},
        {R"(process where process.args_count > 3)", "make", "make", false},
        // A second event of which there was no first.
        {R"(sequence [process where process.name == "gcc"] [process where process.name == "make"])",
         "make", "make", false},
        {R"(sequence [process where process.name == "first"] [process where true])", "make", "make",
         true},
        // Whose child it is, it tells.
        {R"(process where descendant of [process where process.name == "first"])", "make", "first",
         true},
        {R"(process where descendant of [process where process.name == "first"])", "make", "make",
         false},
        {R"(process where descendant of [process where process.name == "other"])", "make", "first",
         false},
    };
    for (const Row& row : rows) {
        BOOST_TEST_CONTEXT(row.query << ", " << row.name << " below " << row.parent) {
            Run run(row.query);
            const EventPtr sketch = exec_of(row.name, row.parent, true);
            BOOST_TEST(run.engine.may_concern(*sketch));  // none of its kind was seen
            run.engine.on_event(exec_of("first", "first", false), run.found);
            BOOST_TEST(run.engine.may_concern(*sketch) == row.may_concern);
            BOOST_TEST(run.engine.counters().events == (row.may_concern ? 1U : 2U));
        }
    }
}

BOOST_AUTO_TEST_CASE(who_descends_from_whom_is_learned_from_a_sketch) {
    Run run(R"(process where process.name == "late" and
               descendant of [process where process.name == "first"])");
    run.engine.on_event(exec_of("first", "first", false), run.found);
    BOOST_TEST(!run.engine.may_concern(*exec_of("make", "first", true)));
    BOOST_TEST(run.engine.may_concern(*exec_of("late", "make", true)));
    run.engine.on_event(exec_of("late", "make", false), run.found);
    BOOST_TEST(run.found.take().size() == 1u);
}

BOOST_AUTO_TEST_CASE(where_no_sketch_is_refused_few_are_looked_at) {
    Run run(R"(process where process.name == "bash")");
    run.engine.on_event(exec_of("bash", "bash", false), run.found);
    for (int i = 0; i < 10'000; ++i)
        BOOST_TEST_REQUIRE(run.engine.may_concern(*exec_of("bash", "bash", true)));
    int refused = 0, asked = 0;
    for (; refused == 0 && asked < 1'000; ++asked)
        refused += run.engine.may_concern(*exec_of("make", "bash", true)) ? 0 : 1;
    BOOST_TEST(asked > 1);
    BOOST_TEST(refused == 1);
    for (int i = 0; i < 100'000; ++i)
        refused += run.engine.may_concern(*exec_of("make", "bash", true)) ? 0 : 1;
    BOOST_TEST(refused > 50'000);  // it has changed: all are looked at again
}

BOOST_AUTO_TEST_CASE(a_result_counts_for_events_that_share_what_it_looks_at) {
    Run run(R"(process where process.name == "bash" and user.id == "0")");
    struct Row {
        const char* name;
        const char* user;
        bool new_image;
        bool matches;
    };
    const Row rows[] = {
        {"bash", "0", true, true},  {"bash", "1", false, false}, {"bash", "0", false, true},
        {"zsh", "0", true, false},  {"zsh", "0", false, false},  {"bash", "0", true, true},
        {"bash", "1", true, false}, {"bash", "0", true, true},
    };
    BlockBuilder builder;
    BlockPtr image;
    for (const Row& row : rows) {
        if (row.new_image) {
            builder.set_text(FieldId::process_name, row.name);
            image = builder.finish();
        }
        builder.set_literal(FieldId::event_category, "process");
        builder.set_text(FieldId::user_id, row.user);
        Event::Layers layers;
        layers[static_cast<std::size_t>(Layer::own)] = builder.finish();
        layers[static_cast<std::size_t>(Layer::image)] = image;
        run.engine.on_event(EventPtr(new Event({}, {}, std::move(layers), 1)), run.found);
        BOOST_TEST(run.found.take().size() == (row.matches ? 1u : 0u),
                   row.name << " of " << row.user);
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
