// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/tamper_watch.hpp"

#include <boost/test/unit_test.hpp>

using namespace audisp_eql::collector;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int32_t kSelf = 100;

// The one event of some lines as auditd writes them.
std::optional<ConfigChange> change_of(const std::vector<std::string>& lines) {
    struct Sink : AuditEventSink {
        std::optional<ConfigChange> change;
        void on_audit_event(const AuditEvent& event) override { change = config_change(event); }
    } sink;
    Assembler assembler(sink);
    for (const std::string& line : lines)
        assembler.add(*parse_line(line), kSecond);
    assembler.finish();
    return sink.change;
}

std::string syscall_line(int pid) {
    return "type=SYSCALL msg=audit(1700000000.123:42): arch=c000003e syscall=44 success=yes "
           "exit=1084 a0=3 a1=7ffe a2=43c a3=0 items=0 ppid=1 pid=" +
           std::to_string(pid) +
           " auid=1000 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 tty=pts0 ses=3 "
           "comm=\"auditctl\" exe=\"/usr/sbin/auditctl\" key=(null)";
}

std::string config_line(const std::string& text) {
    return "type=CONFIG_CHANGE msg=audit(1700000000.123:42): " + text;
}

ConfigChange by_auditctl(ConfigChange::What what) {
    ConfigChange change;
    change.what = what;
    change.actor.auid = 1000;
    change.actor.pid = 4321;
    change.actor.executable = "/usr/sbin/auditctl";
    return change;
}

AuditStatus healthy() {
    AuditStatus status;
    status.enabled = 1;
    status.pid = kSelf;
    status.backlog_limit = 32'768;
    return status;
}

struct Scene {
    explicit Scene(bool plugin = false) : watch({kSelf}, plugin, now_ns) { look(); }

    std::int64_t now_ns = 1'000 * kSecond;
    AuditStatus status = healthy();
    TamperWatch watch;

    std::vector<TamperFinding> look() { return watch.look(status, now_ns); }
    std::vector<TamperFinding> removed(std::size_t gone) {
        watch.on_change(by_auditctl(ConfigChange::What::own_rule_removed), now_ns);
        return seen_gone(gone);
    }
    std::vector<TamperFinding> seen_gone(std::size_t gone) {
        return watch.rules_gone(gone, watch.may_restore(now_ns) ? gone : 0, now_ns);
    }
};

std::string names(const std::vector<TamperFinding>& findings) {
    std::string text;
    for (const TamperFinding& finding : findings)
        text += (text.empty() ? "" : ",") + std::string(kind_of(finding.kind).name);
    return text;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(agent)

BOOST_AUTO_TEST_CASE(a_change_of_audit_is_read_from_its_records) {
    using What = ConfigChange::What;
    struct {
        const char* text;
        What what;
    } const kCases[] = {
        {"op=set audit_enabled=0 old=1 auid=1000 ses=3 res=1", What::enabled},
        {"op=set audit_pid=77 old=100 auid=1000 ses=3 res=1", What::feed},
        {"op=set audit_backlog_limit=64 old=32768 auid=1000 ses=3 res=1", What::backlog},
        {"op=set audit_rate_limit=5 old=0 auid=1000 ses=3 res=1", What::rate_limit},
        {"op=set audit_failure=0 old=1 auid=1000 ses=3 res=1", What::other},
        {"auid=1000 ses=3 op=remove_rule key=\"audisp-eql-exec\" list=4 res=1",
         What::own_rule_removed},
        // Several keys, joined by a byte that makes the kernel write them in hex.
        {"auid=1000 ses=3 op=remove_rule key=6175646973702D65716C2D65786563016D796B6579 list=4 "
         "res=1",
         What::own_rule_removed},
        {"auid=1000 ses=3 op=remove_rule key=\"theirs\" list=4 res=1", What::other},
        {"auid=1000 ses=3 op=remove_rule key=(null) list=4 res=1", What::other},
        {"auid=1000 ses=3 op=add_rule key=\"audisp-eql-exec\" list=4 res=1", What::other},
    };
    for (const auto& one : kCases) {
        const auto change = change_of({config_line(one.text), syscall_line(4321)});
        BOOST_TEST_CONTEXT(one.text) {
            BOOST_REQUIRE(change);
            BOOST_TEST(static_cast<int>(change->what) == static_cast<int>(one.what));
            BOOST_TEST(actor_text(change->actor) == "/usr/sbin/auditctl (pid 4321, auid 1000)");
            BOOST_TEST(change->actor.record->serial == 42U);
        }
    }
    BOOST_TEST(!change_of({syscall_line(4321)}));
    // A program without an audit context: no SYSCALL; and nobody logged in.
    const auto alone =
        change_of({config_line("op=set audit_enabled=0 old=1 auid=4294967295 ses=1 res=1")});
    BOOST_REQUIRE(alone);
    BOOST_TEST(actor_text(alone->actor) == "somebody");
}

BOOST_AUTO_TEST_CASE(audit_switched_off_is_told_once_with_who_did_it) {
    Scene scene;
    BOOST_TEST(names(scene.look()) == "");
    scene.watch.on_change(by_auditctl(ConfigChange::What::enabled), scene.now_ns);
    scene.now_ns += TamperWatch::kQuietNs;
    BOOST_TEST(scene.watch.wants_look(scene.now_ns));
    scene.status.enabled = 0;
    const auto findings = scene.look();
    BOOST_TEST(names(findings) == "Audit was switched off");
    BOOST_TEST(findings.front().facts.message.starts_with(
        "/usr/sbin/auditctl (pid 4321, auid 1000) switched"));
    BOOST_TEST(!scene.watch.wants_look(scene.now_ns));
    BOOST_TEST(names(scene.look()) == "");
    BOOST_TEST(scene.watch.state().audit_off);
    scene.status.enabled = 1;
    BOOST_TEST(names(scene.look()) == "");
    BOOST_TEST(!scene.watch.state().audit_off);
    // Much later again: that change was another one's.
    scene.now_ns += 2 * TamperWatch::kActorNs;
    scene.status.enabled = 0;
    BOOST_TEST(scene.look().front().facts.message.starts_with("somebody switched"));
}

BOOST_AUTO_TEST_CASE(audit_that_was_never_on_was_not_switched_off) {
    Scene scene;
    TamperWatch watch({kSelf}, true, 0);
    scene.status.enabled = 0;
    BOOST_TEST(names(watch.look(scene.status, 0)) == "");
    BOOST_TEST(names(watch.look(scene.status, 1)) == "");
}

BOOST_AUTO_TEST_CASE(the_feed_taken_away_is_told) {
    Scene scene;
    scene.status.pid = 77;
    const auto findings = scene.look();
    BOOST_TEST(names(findings) == "The audit feed was taken away");
    BOOST_TEST(findings.front().facts.message.find("pid 77 holds it now") != std::string::npos);
    BOOST_TEST(names(scene.look()) == "");
    scene.status.pid = kSelf;
    BOOST_TEST(names(scene.look()) == "");
    scene.status.pid = 0;
    BOOST_TEST(names(scene.look()) == "The audit feed was taken away");
}

BOOST_AUTO_TEST_CASE(as_plugin_an_auditd_that_ends_is_waited_for) {
    Scene scene(true);
    scene.status.pid = 0;
    BOOST_TEST(names(scene.look()) == "");
    BOOST_TEST(names(scene.look()) == "The audit feed was taken away");
}

BOOST_AUTO_TEST_CASE(a_smaller_backlog_and_a_rate_limit_are_told) {
    Scene scene;
    scene.watch.on_change(by_auditctl(ConfigChange::What::backlog), scene.now_ns);
    scene.status.backlog_limit = 64;
    const auto findings = scene.look();
    BOOST_TEST(names(findings) == "The audit backlog was shrunk");
    BOOST_TEST(findings.front().facts.message.find("from 32768 to 64") != std::string::npos);
    BOOST_TEST(names(scene.look()) == "");
    scene.status.backlog_limit = 128;
    BOOST_TEST(names(scene.look()) == "");
    scene.status.rate_limit = 5;
    BOOST_TEST(names(scene.look()) == "The audit backlog was shrunk");
    BOOST_TEST(names(scene.look()) == "");
}

BOOST_AUTO_TEST_CASE(own_changes_are_no_tampering) {
    Scene scene;
    ConfigChange own = by_auditctl(ConfigChange::What::own_rule_removed);
    own.actor.pid = kSelf;
    scene.watch.on_change(own, scene.now_ns);
    BOOST_TEST(!scene.watch.wants_look(scene.now_ns));
    scene.watch.on_change(by_auditctl(ConfigChange::What::other), scene.now_ns);
    BOOST_TEST(!scene.watch.wants_look(scene.now_ns));
}

BOOST_AUTO_TEST_CASE(rules_are_restored_three_times_in_ten_minutes_then_it_stands_down) {
    Scene scene;
    for (std::size_t i = 0; i < TamperWatch::kRestorations; ++i) {
        BOOST_TEST(scene.watch.may_restore(scene.now_ns));
        scene.watch.on_change(by_auditctl(ConfigChange::What::own_rule_removed), scene.now_ns);
        // Later, and without a process: of the two, the one that names a process is told.
        scene.watch.on_change({ConfigChange::What::own_rule_removed, {}}, scene.now_ns);
        const auto findings = scene.seen_gone(17);
        BOOST_TEST(names(findings) == "Our audit rules are gone");
        BOOST_TEST(findings.front().facts.message.starts_with(
            "/usr/sbin/auditctl (pid 4321, auid 1000) removed 17 audit rules of ours"));
        scene.now_ns += 10 * kSecond;
    }
    BOOST_TEST(!scene.watch.may_restore(scene.now_ns));
    BOOST_TEST(names(scene.removed(17)) == "The agent stood down");
    BOOST_TEST(scene.watch.stands_down());
    // Said once; and it does not begin again by itself.
    scene.now_ns += 2 * TamperWatch::kWindowNs;
    BOOST_TEST(names(scene.removed(17)) == "");
    BOOST_TEST(!scene.watch.may_restore(scene.now_ns));
    scene.watch.make_peace();
    BOOST_TEST(scene.watch.may_restore(scene.now_ns));
    BOOST_TEST(names(scene.removed(1)) == "Our audit rules are gone");
}

BOOST_AUTO_TEST_CASE(a_removal_that_is_seen_before_its_record_is_not_told_of_who_did_the_last_one) {
    Scene scene;
    const auto remove = [&](std::int32_t pid) {
        ConfigChange change = by_auditctl(ConfigChange::What::own_rule_removed);
        change.actor.pid = pid;
        scene.watch.on_change(change, scene.now_ns);
    };
    const auto told = [](const std::vector<TamperFinding>& findings) {
        std::string text;
        for (const TamperFinding& finding : findings)
            text += std::to_string(finding.facts.actor.pid.value_or(0)) + " ";
        return text;
    };
    remove(1);
    BOOST_TEST(told(scene.seen_gone(5)) == "1 ");
    BOOST_TEST(told(scene.seen_gone(5)) == "");
    remove(2);
    BOOST_TEST(told(scene.seen_gone(0)) == "2 ");
    // As far behind again, and the next removal is seen: each of its own.
    BOOST_TEST(told(scene.seen_gone(5)) == "");
    remove(3);
    BOOST_TEST(told(scene.seen_gone(5)) == "3 ");
    BOOST_TEST(scene.watch.stands_down());
    // Without any record it is told, too.
    const auto findings = scene.seen_gone(5);
    BOOST_TEST(names(findings) == "The agent stood down");
    BOOST_TEST(findings.front().facts.message.starts_with("somebody removed"));
    BOOST_TEST(names(scene.seen_gone(5)) == "");
}

BOOST_AUTO_TEST_CASE(a_change_of_many_records_is_waited_out_but_not_for_ever) {
    Scene scene;
    const auto removed = by_auditctl(ConfigChange::What::own_rule_removed);
    const std::int64_t step = TamperWatch::kQuietNs / 2;
    scene.watch.on_change(removed, scene.now_ns);
    for (std::int64_t passed = step; passed < TamperWatch::kLongestNs; passed += step) {
        scene.now_ns += step;
        BOOST_TEST(scene.watch.is_changing(scene.now_ns));
        BOOST_TEST(!scene.watch.wants_look(scene.now_ns));
        scene.watch.on_change(removed, scene.now_ns);
    }
    scene.now_ns += step;
    BOOST_TEST(scene.watch.wants_look(scene.now_ns));
    scene.look();
    BOOST_TEST(!scene.watch.is_changing(scene.now_ns));
    scene.watch.on_change(removed, scene.now_ns);
    scene.now_ns += TamperWatch::kQuietNs;
    BOOST_TEST(scene.watch.wants_look(scene.now_ns));
}

BOOST_AUTO_TEST_CASE(restorations_far_apart_go_on) {
    Scene scene;
    for (int i = 0; i < 10; ++i) {
        BOOST_TEST(names(scene.removed(5)) == "Our audit rules are gone");
        scene.now_ns += TamperWatch::kWindowNs / 2;
    }
}

BOOST_AUTO_TEST_CASE(rules_that_went_with_what_they_watched_are_no_tampering) {
    Scene scene;
    for (int i = 0; i < 10; ++i)
        BOOST_TEST(names(scene.watch.rules_gone(1, 0, scene.now_ns)) == "");
    BOOST_TEST(!scene.watch.stands_down());
}

BOOST_AUTO_TEST_CASE(at_the_start_of_auditd_its_own_rules_may_push_ours_out) {
    Scene scene(true);
    BOOST_TEST(names(scene.removed(17)) == "");
    scene.now_ns += TamperWatch::kStartNs;
    BOOST_TEST(names(scene.removed(17)) == "Our audit rules are gone");
}

BOOST_AUTO_TEST_SUITE_END()
