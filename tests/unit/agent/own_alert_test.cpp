// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/own_alert.hpp"

#include <set>
#include <vector>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <boost/test/unit_test.hpp>

using namespace audisp_eql;
using namespace audisp_eql::collector;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

struct Scene {
    std::int64_t now_ns = 5'000 * kSecond;
    std::vector<detect::Alert> sent;
    OwnAlerts alerts{
        {"m1", "web1"},
        [this](const detect::Alert& alert) { sent.push_back(alert); },
        {[this] { return now_ns / 1000 + 1'700'000'000'000'000; }, [this] { return now_ns; }}};

    bool raise(OwnAlert kind, std::string message) {
        return alerts.raise(kind, {.message = std::move(message)});
    }
    void pass(std::int64_t seconds) {
        now_ns += seconds * kSecond;
        alerts.look_after();
    }
};

boost::json::object parsed(const detect::Alert& alert) {
    return boost::json::parse(alert.json).as_object();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(agent)

BOOST_AUTO_TEST_CASE(every_kind_of_own_alert_has_an_id_and_a_name_of_its_own) {
    std::set<std::string_view> ids, names;
    for (std::size_t i = 0; i < kOwnAlerts; ++i) {
        const OwnAlertKind& kind = kind_of(static_cast<OwnAlert>(i));
        BOOST_TEST(kind.id.size() == 36U);
        BOOST_TEST(ids.insert(kind.id).second);
        BOOST_TEST(names.insert(kind.name).second);
        BOOST_TEST(kind.description.ends_with("."));
    }
}

BOOST_AUTO_TEST_CASE(an_own_alert_is_an_ecs_document_that_names_the_actor) {
    AuditActor actor;
    actor.auid = 1000;
    actor.pid = 4321;
    actor.executable = "/usr/sbin/auditctl\n\"x";
    actor.record = EventKey{1'700'000'000'123, 42};
    const OwnAlertFacts facts{.message = "gone",
                              .actor = actor,
                              .more = {json_number("audisp_eql.removed", 17)},
                              .occasion = "42"};
    const detect::Alert alert =
        make_own_alert(OwnAlert::rules_removed, facts, {"m1", "web1"}, 1'700'000'000'000'000);
    const auto document = parsed(alert);
    BOOST_TEST(document.at("event").at("id").as_string() == alert.id);
    BOOST_TEST(document.at("event").at("kind").as_string() == "alert");
    BOOST_TEST(document.at("rule").at("id").as_string() ==
               std::string(kind_of(OwnAlert::rules_removed).id));
    BOOST_TEST(document.at("host").at("id").as_string() == "m1");
    BOOST_TEST(document.at("user").at("audit").at("id").as_string() == "1000");
    BOOST_TEST(document.at("process").at("pid").as_int64() == 4321);
    BOOST_TEST(document.at("process").at("executable").as_string() == actor.executable);
    BOOST_TEST(document.at("audisp_eql").at("audit").at("serial").as_int64() == 42);
    BOOST_TEST(document.at("audisp_eql").at("removed").as_int64() == 17);
    BOOST_TEST(document.at("message").as_string() == "gone");
    BOOST_TEST(alert.json.find('\n') == std::string::npos);
    // The same occasion is the same alert, whenever it is told; another host's is not.
    BOOST_TEST(make_own_alert(OwnAlert::rules_removed, facts, {"m1", "web1"}, 7).id == alert.id);
    BOOST_TEST(make_own_alert(OwnAlert::rules_removed, facts, {"m2", "web1"}, 7).id != alert.id);
    BOOST_TEST(make_own_alert(OwnAlert::audit_disabled, facts, {"m1", "web1"}, 7).id != alert.id);
}

BOOST_AUTO_TEST_CASE(an_actor_is_told_as_far_as_known) {
    struct {
        AuditActor actor;
        const char* text;
    } const kCases[] = {
        {{}, "somebody"},
        {{.auid = 1000, .uid = 0, .pid = 7, .executable = "/sbin/x", .comm = "x", .record = {}},
         "/sbin/x (pid 7, auid 1000)"},
        {{.auid = {}, .uid = 0, .pid = 7, .executable = {}, .comm = "x", .record = {}},
         "x (pid 7, uid 0)"},
        {{.auid = 1000, .uid = {}, .pid = {}, .executable = {}, .comm = {}, .record = {}},
         "a program with auid 1000"},
    };
    for (const auto& one : kCases)
        BOOST_TEST(actor_text(one.actor) == one.text);
}

BOOST_AUTO_TEST_CASE(of_one_kind_so_many_go_out_and_the_rest_is_counted_and_told) {
    Scene scene;
    const std::uint32_t most = kind_of(OwnAlert::rules_removed).per_window;
    for (std::uint32_t i = 0; i < most; ++i)
        BOOST_TEST(scene.raise(OwnAlert::rules_removed, "first"));
    for (int i = 0; i < 5; ++i)
        BOOST_TEST(!scene.raise(OwnAlert::rules_removed, "late " + std::to_string(i)));
    BOOST_TEST(scene.raise(OwnAlert::feed_taken, "another kind"));
    scene.pass(599);
    BOOST_TEST(scene.sent.size() == most + 1);
    scene.pass(1);
    BOOST_REQUIRE(scene.sent.size() == most + 2);
    BOOST_TEST(scene.sent.back().message == "late 4; 4 more like it before");
    BOOST_TEST(parsed(scene.sent.back()).at("audisp_eql").at("held_back").as_int64() == 4);
    BOOST_TEST(scene.alerts.counters().held_back == 5U);
    // Quiet again: the next goes out at once.
    scene.pass(600);
    BOOST_TEST(scene.raise(OwnAlert::rules_removed, "again"));
    // At the end nothing stays unsaid.
    for (std::uint32_t i = 0; i < most; ++i)
        scene.raise(OwnAlert::rules_removed, "end");
    const std::size_t before = scene.sent.size();
    scene.alerts.finish();
    BOOST_TEST(scene.sent.size() == before + 1);
    std::set<std::string> ids;
    for (const auto& alert : scene.sent)
        BOOST_TEST(ids.insert(alert.id).second);
}

BOOST_AUTO_TEST_CASE(a_maintenance_mutes_tampering_to_one_line) {
    Scene scene;
    AuditActor root;
    root.uid = 0;
    root.pid = 9;
    root.comm = "bash";
    scene.alerts.maintain(std::chrono::minutes(30), root);
    BOOST_TEST(scene.sent.back().message.find("bash (pid 9, uid 0) declared a maintenance of 30") ==
               0U);
    BOOST_TEST(!scene.raise(OwnAlert::rules_removed, "x"));
    BOOST_TEST(!scene.raise(OwnAlert::rules_removed, "x"));
    BOOST_TEST(!scene.raise(OwnAlert::audit_disabled, "x"));
    BOOST_TEST(scene.raise(OwnAlert::evidence_gap, "no tampering"));
    scene.pass(1799);
    BOOST_TEST(scene.sent.size() == 2U);
    scene.pass(1);
    BOOST_REQUIRE(scene.sent.size() == 3U);
    BOOST_TEST(scene.sent.back().message.find("Our audit rules are gone x2") != std::string::npos);
    BOOST_TEST(!scene.alerts.in_maintenance());
    BOOST_TEST(scene.raise(OwnAlert::rules_removed, "seen again"));
    BOOST_TEST(scene.alerts.counters().muted == 3U);
    scene.alerts.maintain(std::chrono::minutes(30), root);
    scene.alerts.maintain(std::chrono::seconds(0), root);
    BOOST_TEST(scene.sent.back().message.find("ended by bash") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
