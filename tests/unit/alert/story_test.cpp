// SPDX-License-Identifier: Apache-2.0
// Several alerts about one process tree, folded into one.
#include "detect/alert/story.hpp"

#include <cstdint>

#include "tests/unit/alert/story.hpp"

namespace {

using namespace audisp_eql::detect;

constexpr std::int64_t kNsPerMs = 1'000'000;

// An event of a process, `ms` milliseconds after the first; `more` are further members of it.
EventPtr event_of(std::int64_t ms, const std::string& id, const std::string& ancestry,
                  const std::string& category, const std::string& action, const std::string& line,
                  const std::string& more = "") {
    const std::string json =
        R"({"@timestamp":"2023-11-14T22:13:20Z","event":{"category":")" + category +
        R"(","action":")" + action + R"("},"process":{"pid":7,"entity_id":")" + id +
        R"(","command_line":")" + line + R"(","Ext":{"ancestry":[)" + ancestry + "]}}" + more + "}";
    const EventPtr read = story::event(json, {});
    Event::Layers layers;
    for (std::size_t i = 0; i < kLayerCount; ++i)
        layers[i] = read->layer(static_cast<Layer>(i));
    const EventTime time{ms * kNsPerMs, 1'700'000'000'000'000 + ms * 1000};
    return EventPtr(new Event(
        time, {Origin::Kind::audit, 1'700'000'000'000 + ms, static_cast<std::uint64_t>(ms), 7},
        layers));
}

EventPtr exec_of(std::int64_t ms, const std::string& id, const std::string& ancestry,
                 const std::string& line) {
    return event_of(ms, id, ancestry, "process", "exec", line);
}

Rule rule_of(const std::string& id, RuleSeverity severity, int risk) {
    Rule rule;
    rule.id = id;
    rule.name = "Rule " + id;
    rule.severity = severity;
    rule.risk_score = risk;
    return rule;
}

struct Told {
    std::vector<Alert> alerts;
    Stories stories{[this](const Alert& alert) { alerts.push_back(alert); }};

    void fire(const Rule& rule, std::vector<EventPtr> events) {
        Match match;
        match.events = std::move(events);
        const AlertContext context;
        const Alert alert = make_alert(rule, {&match, 1}, context);
        stories.on_alert(rule, {&match, 1}, alert, context);
    }
    std::string at(std::size_t story, std::string_view name) const {
        return story::text_at(story::parsed(alerts.at(story).json), name);
    }
    // The command lines of a story's steps, in order.
    std::string lines(std::size_t story) const {
        const boost::json::value document = story::parsed(alerts.at(story).json);
        std::string out;
        for (const auto& step : story::at(document, "audisp_eql.sequence")->as_array())
            out += story::text_at(step, "process.command_line") + ' ';
        return out;
    }
};

const Rule kMedium = rule_of("one", RuleSeverity::medium, 47);
const Rule kHigh = rule_of("two", RuleSeverity::high, 73);

}  // namespace

BOOST_AUTO_TEST_SUITE(alert)

BOOST_AUTO_TEST_CASE(alerts_about_one_shell_are_one_story) {
    Told told;
    const EventPtr shell = exec_of(10, "s", "\"n\"", "sh");
    told.fire(kMedium, {exec_of(0, "n", "", "nc"), shell});
    told.fire(kHigh, {shell, exec_of(20, "c", "\"s\",\"n\"", "id")});
    told.fire(kHigh, {nullptr, exec_of(30, "d", "\"s\",\"n\"", "ls")});
    BOOST_TEST(told.alerts.empty());
    told.stories.finish();
    BOOST_TEST_REQUIRE(told.alerts.size() == 1u);
    BOOST_TEST(told.at(0, "event.action") == R"("story")");
    BOOST_TEST(told.at(0, "event.kind") == R"("alert")");
    BOOST_TEST(told.at(0, "rule.name") == R"(["Rule one","Rule two"])");
    BOOST_TEST(told.at(0, "rule.id") == R"(["one","two"])");
    BOOST_TEST(told.at(0, "event.severity") == "73");
    BOOST_TEST(told.at(0, "kibana.alert.severity") == R"("high")");
    BOOST_TEST(told.at(0, "audisp_eql.story.alert_count") == "3");
    BOOST_TEST(told.at(0, "audisp_eql.story.ended_by") == R"("end")");
    // An event of two alerts is told once; the last one is what the alert shows.
    BOOST_TEST(told.lines(0) == R"("nc" "sh" "id" "ls" )");
    BOOST_TEST(told.at(0, "process.command_line") == R"("ls")");
    BOOST_TEST(told.stories.counters().told == 1u);
}

BOOST_AUTO_TEST_CASE(what_the_tree_does_afterwards_belongs_to_the_story) {
    Told told;
    told.stories.on_event(exec_of(0, "s", "\"n\"", "before any alert"));
    told.fire(kMedium, {exec_of(10, "s", "\"n\"", "sh")});
    told.stories.on_event(exec_of(20, "c", "\"s\",\"n\"", "wget"));
    told.stories.on_event(event_of(21, "c", "\"s\",\"n\"", "network", "connection_attempted",
                                   "wget", R"(,"destination":{"ip":"192.0.2.1","port":80})"));
    told.stories.on_event(event_of(22, "c", "\"s\",\"n\"", "file", "creation", "wget",
                                   R"(,"file":{"path":"/tmp/x"})"));
    told.stories.on_event(exec_of(23, "x", "\"other\"", "of somebody else"));
    told.stories.on_event(event_of(24, "c", "\"s\",\"n\"", "process", "fork", "a fork"));
    told.stories.on_event(event_of(25, "c", "\"s\",\"n\"", "process", "end", "an end"));
    told.stories.finish();
    BOOST_TEST_REQUIRE(told.alerts.size() == 1u);
    BOOST_TEST(told.lines(0) == R"("sh" "wget" "wget" "wget" )");
    BOOST_TEST(told.at(0, "audisp_eql.story.programs") == "2");
    BOOST_TEST(told.at(0, "audisp_eql.story.connections") == "1");
    BOOST_TEST(told.at(0, "audisp_eql.story.file_changes") == "1");
}

BOOST_AUTO_TEST_CASE(two_trees_are_two_stories) {
    Told told;
    told.fire(kMedium, {exec_of(0, "a", "\"i\"", "sh")});
    told.fire(kMedium, {exec_of(1, "b", "\"i\"", "bash")});
    told.stories.finish();
    BOOST_TEST_REQUIRE(told.alerts.size() == 2u);
    BOOST_TEST(told.alerts[0].id != told.alerts[1].id);
    BOOST_TEST(told.lines(0) == R"("sh" )");
    BOOST_TEST(told.lines(1) == R"("bash" )");
}

BOOST_AUTO_TEST_CASE(story_ends_when_its_tree_is_quiet_or_after_long) {
    Told told;
    told.fire(kMedium, {exec_of(0, "s", "", "sh")});
    told.stories.advance(Stories::kQuietNs - 1);
    BOOST_TEST(told.alerts.empty());
    // A step, not an alert, keeps it open.
    told.stories.on_event(exec_of(50'000, "c", "\"s\"", "id"));
    told.stories.advance(Stories::kQuietNs);
    BOOST_TEST(told.alerts.empty());
    told.stories.advance(50'000 * kNsPerMs + Stories::kQuietNs);
    BOOST_TEST_REQUIRE(told.alerts.size() == 1u);
    BOOST_TEST(told.at(0, "audisp_eql.story.ended_by") == R"("quiet")");
    // What comes later is another story.
    told.stories.on_event(exec_of(200'000, "d", "\"s\"", "ls"));
    told.fire(kMedium, {exec_of(200'001, "s", "", "sh")});
    for (std::int64_t ms = 200'001; ms < 200'001 + Stories::kLongestNs / kNsPerMs; ms += 30'000) {
        told.stories.on_event(exec_of(ms, "e", "\"s\"", "ps"));
        told.stories.advance(ms * kNsPerMs);
    }
    BOOST_TEST(told.alerts.size() == 1u);
    told.stories.advance(200'001 * kNsPerMs + Stories::kLongestNs);
    BOOST_TEST_REQUIRE(told.alerts.size() == 2u);
    BOOST_TEST(told.at(1, "audisp_eql.story.ended_by") == R"("long")");
}

BOOST_AUTO_TEST_CASE(story_has_the_same_id_whenever_it_is_told) {
    Told first, again, other;
    for (Told* told : {&first, &again})
        told->fire(kMedium, {exec_of(0, "s", "", "sh")});
    again.fire(kHigh, {exec_of(5, "s", "", "id")});
    other.fire(kMedium, {exec_of(9, "s", "", "sh")});
    for (Told* told : {&first, &again, &other})
        told->stories.finish();
    BOOST_TEST(first.alerts[0].id == again.alerts[0].id);
    BOOST_TEST(first.alerts[0].id != other.alerts[0].id);
}

BOOST_AUTO_TEST_CASE(oldest_story_is_told_when_too_many_are_open) {
    Told told;
    for (std::size_t i = 0; i <= Stories::kMaxOpen; ++i)
        told.fire(kMedium, {exec_of(static_cast<std::int64_t>(i), "s" + std::to_string(i), "",
                                    "sh " + std::to_string(i))});
    BOOST_TEST_REQUIRE(told.alerts.size() == 1u);
    BOOST_TEST(told.lines(0) == R"("sh 0" )");
    BOOST_TEST(told.at(0, "audisp_eql.story.ended_by") == R"("others")");
    BOOST_TEST(told.stories.counters().ended_early == 1u);
    told.stories.finish();
    BOOST_TEST(told.alerts.size() == Stories::kMaxOpen + 1);
}

BOOST_AUTO_TEST_CASE(story_is_bounded_and_says_what_it_left_out) {
    Told told;
    told.fire(kMedium, {exec_of(0, "s", "", std::string(2 * Stories::kMaxText, 'a'))});
    for (std::size_t i = 1; i < Stories::kMaxSteps + 10; ++i)
        told.stories.on_event(exec_of(static_cast<std::int64_t>(i), "c", "\"s\"", "id"));
    std::vector<EventPtr> many;
    for (std::size_t i = 0; i < Stories::kMaxMembers; ++i)
        many.push_back(exec_of(1000, "m" + std::to_string(i), "\"s\"", "x"));
    told.fire(kMedium, many);
    told.stories.finish();
    const std::size_t dropped = 10 + many.size();
    BOOST_TEST(told.at(0, "audisp_eql.story.steps_dropped") == std::to_string(dropped));
    BOOST_TEST(told.stories.counters().steps_dropped == dropped);
    BOOST_TEST(told.stories.counters().members_dropped == 1u);
    const boost::json::value document = story::parsed(told.alerts[0].json);
    const auto& steps = story::at(document, "audisp_eql.sequence")->as_array();
    BOOST_TEST(steps.size() == Stories::kMaxSteps);
    BOOST_TEST(story::text_at(steps[0], "process.command_line").size() == Stories::kMaxText + 2);
}

BOOST_AUTO_TEST_SUITE_END()
