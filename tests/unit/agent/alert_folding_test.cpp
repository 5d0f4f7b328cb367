// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/alert_folding.hpp"

#include <set>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <boost/test/unit_test.hpp>

using namespace audisp_eql;
using namespace audisp_eql::collector;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

struct Scene {
    explicit Scene(std::uint64_t ceiling = 0, std::int64_t window_s = 60)
        : folding({window_s * kSecond,
                   {"rule.id", "user.name", "destination.ip"},
                   ceiling,
                   "audisp-eql-selftest-"},
                  own, [this](const detect::Alert& alert) { told.push_back(alert); }) {}

    std::int64_t now_ns = 1'000 * kSecond;
    std::vector<detect::Alert> told, own_told;
    OwnAlerts own{{"m1", "web1"},
                  [this](const detect::Alert& alert) { own_told.push_back(alert); },
                  {[this] { return now_ns / 1000; }, [this] { return now_ns; }}};
    AlertFolding folding;
    int made = 0;

    void alert(const std::string& rule, const std::string& user, const std::string& ip = {},
               const char* args = R"(["x"])") {
        detect::Alert alert;
        alert.id = "alert-" + std::to_string(++made);
        alert.rule_name = rule;
        alert.message = rule + " by " + user;
        alert.wall_us = now_ns / 1000;
        detect::JsonMembers& members = alert.document.members;
        members.push_back(json_text("event.id", alert.id));
        members.push_back(json_text("message", alert.message));
        members.push_back({"process.args", args});
        members.push_back(json_text("rule.id", rule));
        members.push_back(json_text("user.name", user));
        if (!ip.empty())
            members.push_back(json_text("destination.ip", ip));
        settle(members);
        alert.json = alert.document.text();
        folding.on_alert(alert, now_ns);
    }
    void pass(std::int64_t seconds) {
        now_ns += seconds * kSecond;
        folding.look_after(now_ns);
    }
};

boost::json::object parsed(const detect::Alert& alert) {
    return boost::json::parse(alert.json).as_object();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(agent)

BOOST_AUTO_TEST_CASE(like_alerts_fold_into_the_first_and_a_closing_one) {
    Scene scene;
    scene.alert("r1", "eve");
    for (int i = 0; i < 30; ++i) {
        scene.pass(1);
        scene.alert("r1", "eve");
    }
    BOOST_TEST(scene.told.size() == 1U);
    scene.pass(29);
    BOOST_TEST(scene.told.size() == 1U);
    scene.pass(1);
    BOOST_REQUIRE(scene.told.size() == 2U);
    const auto closing = parsed(scene.told[1]);
    const auto& folded = closing.at("audisp_eql").at("folded").as_object();
    BOOST_TEST(folded.at("count").as_int64() == 30);
    BOOST_TEST(folded.at("into").as_string() == scene.told[0].id);
    BOOST_TEST(folded.at("first").as_string() == "1970-01-01T00:16:40.000000Z");
    BOOST_TEST(folded.at("last").as_string() == "1970-01-01T00:17:10.000000Z");
    BOOST_TEST(folded.at("alerts").as_array().size() == AlertFolding::kMaxTold);
    BOOST_TEST(folded.at("alerts").at(0).at("id").as_string() == "alert-2");
    BOOST_TEST(closing.at("message").as_string() == "30 more like it: r1 by eve");
    BOOST_TEST(closing.at("event").at("id").as_string() == scene.told[1].id);
    BOOST_TEST(scene.told[1].id != scene.told[0].id);
    // The window is over: the next is a first one again.
    scene.alert("r1", "eve");
    BOOST_TEST(scene.told.size() == 3U);
    BOOST_TEST(scene.folding.counters().folded == 30U);
    BOOST_TEST(scene.folding.counters().alerts == 32U);
}

BOOST_AUTO_TEST_CASE(alerts_that_differ_in_a_chosen_field_do_not_fold) {
    Scene scene;
    scene.alert("r1", "eve");
    scene.alert("r2", "eve");
    scene.alert("r1", "bob");
    scene.alert("r1", "eve", "192.0.2.7");
    BOOST_TEST(scene.told.size() == 4U);
    scene.alert("r1", "eve", "192.0.2.7");
    BOOST_TEST(scene.told.size() == 4U);
    scene.pass(60);
    BOOST_TEST(scene.told.size() == 5U);  // of one window only something was folded
    scene.pass(600);
    BOOST_TEST(scene.folding.counters().open == 0U);
    BOOST_TEST(scene.told.size() == 5U);
}

BOOST_AUTO_TEST_CASE(what_is_folded_at_the_end_is_told) {
    Scene scene;
    scene.alert("r1", "eve");
    scene.alert("r1", "eve");
    scene.folding.finish();
    BOOST_REQUIRE(scene.told.size() == 2U);
    BOOST_TEST(scene.told[1].message == "1 more like it: r1 by eve");
}

BOOST_AUTO_TEST_CASE(too_many_open_windows_close_the_oldest) {
    Scene scene;
    scene.alert("r1", "first");
    scene.alert("r1", "first");
    for (std::size_t i = 1; i < AlertFolding::kMaxWindows; ++i)
        scene.alert("r1", "user" + std::to_string(i));
    BOOST_TEST(scene.folding.counters().early == 0U);
    scene.alert("r1", "one more");
    BOOST_TEST(scene.folding.counters().early == 1U);
    BOOST_TEST(scene.folding.counters().open == AlertFolding::kMaxWindows);
    BOOST_TEST(scene.folding.counters().closing == 1U);
}

BOOST_AUTO_TEST_CASE(a_noisy_rule_is_counted_said_once_and_comes_back) {
    Scene scene(10);
    int user = 0;
    const auto flood = [&](int count) {
        for (int i = 0; i < count; ++i)
            scene.alert("r1", "user" + std::to_string(++user));
    };
    flood(10);
    BOOST_TEST(scene.told.size() == 10U);
    BOOST_TEST(scene.own_told.empty());
    flood(90);
    scene.alert("r2", "quiet rule");
    BOOST_TEST(scene.told.size() == 11U);
    BOOST_REQUIRE(scene.own_told.size() == 1U);
    BOOST_TEST(scene.own_told[0].rule_name == std::string(kind_of(OwnAlert::noisy_rule).name));
    BOOST_TEST(scene.folding.noisy_rules() == std::vector<std::string>{"r1"},
               boost::test_tools::per_element());
    // Still noisy in the next minute; quiet in the one after it.
    scene.pass(60);
    flood(20);
    BOOST_TEST(scene.own_told.size() == 1U);
    scene.pass(60);
    flood(5);
    scene.pass(59);
    BOOST_TEST(scene.own_told.size() == 1U);
    scene.pass(1);
    BOOST_REQUIRE(scene.own_told.size() == 2U);
    BOOST_TEST(scene.own_told[1].rule_name == std::string(kind_of(OwnAlert::noisy_rule_over).name));
    BOOST_TEST(parsed(scene.own_told[1]).at("audisp_eql").at("noisy").at("counted").as_int64() ==
               115);
    BOOST_TEST(scene.folding.counters().counted == 115U);
    flood(1);
    BOOST_TEST(scene.told.size() == 12U);
    BOOST_TEST(scene.folding.counters().noisy == 0U);
}

BOOST_AUTO_TEST_CASE(folded_alerts_do_not_make_a_rule_noisy) {
    Scene scene(10);
    for (int i = 0; i < 1000; ++i)
        scene.alert("r1", "eve");
    BOOST_TEST(scene.own_told.empty());
    BOOST_TEST(scene.folding.counters().folded == 999U);
}

BOOST_AUTO_TEST_CASE(a_rule_that_stays_noisy_is_reported_now_and_then) {
    Scene scene(10);
    int user = 0;
    for (int second = 0; second < 1300; ++second) {
        scene.pass(1);
        scene.alert("r1", "user" + std::to_string(++user));
    }
    BOOST_TEST(scene.own_told.size() == 3U);
    scene.folding.finish();
    BOOST_REQUIRE(scene.own_told.size() == 4U);
    BOOST_TEST(scene.folding.counters().counted + scene.folding.counters().passed == 1300U);
}

BOOST_AUTO_TEST_CASE(a_selftest_s_alert_never_folds) {
    Scene scene;
    for (int i = 0; i < 3; ++i)
        scene.alert("r1", "root", {}, R"(["sh","audisp-eql-selftest-1"])");
    BOOST_TEST(scene.told.size() == 3U);
}

BOOST_AUTO_TEST_CASE(without_a_window_nothing_folds) {
    Scene scene(0, 0);
    for (int i = 0; i < 500; ++i)
        scene.alert("r1", "eve");
    BOOST_TEST(scene.told.size() == 500U);
}

BOOST_AUTO_TEST_SUITE_END()
