// SPDX-License-Identifier: Apache-2.0
#include "collector/feed/feeds.hpp"

#include <atomic>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <unistd.h>

#include <boost/test/unit_test.hpp>

#include "collector/feed/host_facts.hpp"
#include "collector/feed/kernel_watch.hpp"
#include "collector/feed/loss.hpp"
#include "collector/process/exec_context.hpp"
#include "tests/unit/feed/fake_audit_control.hpp"

namespace audisp_eql::collector {
namespace {

FeedFacts facts(bool socket, std::optional<std::uint32_t> holder, bool auditd_enabled,
                bool child_of_auditd = false) {
    FeedFacts made;
    made.stdin_is_socket = socket;
    made.self = 100;
    made.parent = 50;
    if (holder)
        made.status = AuditStatus{.enabled = 1, .pid = *holder};
    else
        made.status_error = "Operation not permitted";
    if (holder && *holder != 0)
        made.holder = "pid " + std::to_string(*holder) + " (auditd)";
    made.auditd_will_start = auditd_enabled;
    made.parent_is_auditd = child_of_auditd;
    return made;
}

class FakeProc final : public ProcReader {
  public:
    std::map<std::int32_t, ProcSnapshot> processes;
    std::vector<std::int32_t> pids() override {
        std::vector<std::int32_t> all = {99'999};  // gone before it could be read
        for (auto it = processes.rbegin(); it != processes.rend(); ++it)
            all.push_back(it->first);
        return all;
    }
    std::optional<ProcSnapshot> read(std::int32_t pid) override {
        const auto found = processes.find(pid);
        if (found == processes.end())
            return std::nullopt;
        return found->second;
    }
    void read_exec(std::int32_t pid, const ExecQuestions&, ExecContext& out) override {
        out.clear(pid);
        out.gone = true;
    }
};

class Recorder final : public MessageSink {
  public:
    std::vector<std::pair<MessageKind, std::string>> messages;
    std::int64_t last_ns = 0;
    bool backwards = false;
    void on_message(const Message& message) override {
        messages.emplace_back(message.kind, std::string(message.bytes));
        backwards = backwards || message.mono_ns < last_ns;
        last_ns = message.mono_ns;
    }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(feed)

BOOST_AUTO_TEST_CASE(which_feed_and_what_it_costs) {
    const auto none = std::optional<std::uint32_t>{};
    FeedFacts orphan = facts(true, 0, false);
    orphan.stdin_has_ended = true;
    const struct {
        AuditFeed wanted;
        FeedFacts facts;
        AuditFeed expected;
        bool refused;
        const char* said;
    } table[] = {
        {AuditFeed::automatic, facts(true, 50, true), AuditFeed::plugin, false, "plugin"},
        // auditd has started us and does not hold the feed yet, or cannot be asked about.
        {AuditFeed::automatic, facts(true, 0, true, true), AuditFeed::plugin, false, "plugin"},
        {AuditFeed::automatic, facts(true, none, true, true), AuditFeed::plugin, false, "plugin"},
        {AuditFeed::automatic, facts(false, 0, false, true), AuditFeed::unicast, false, "kernel"},
        // auditd started us, and has ended since.
        {AuditFeed::automatic, orphan, AuditFeed::plugin, false, "plugin"},
        // A socket on standard input, but auditd is not the parent.
        {AuditFeed::automatic, facts(true, 60, true), AuditFeed::multicast, false,
         "pid 60 (auditd)"},
        {AuditFeed::automatic, facts(true, 0, false), AuditFeed::unicast, false, "auditd cannot"},
        {AuditFeed::automatic, facts(false, 0, false), AuditFeed::unicast, false, "auditd cannot"},
        {AuditFeed::automatic, facts(false, 50, false), AuditFeed::multicast, false,
         "auditd's plugin loses less"},
        {AuditFeed::automatic, facts(false, 0, true), AuditFeed::multicast, false,
         "--feed unicast"},
        {AuditFeed::multicast, facts(false, 50, false), AuditFeed::multicast, false, "beside"},
        {AuditFeed::multicast, facts(false, 0, false), AuditFeed::multicast, false, "to its log"},
        {AuditFeed::multicast, facts(false, none, false), AuditFeed::none, true, "CAP_AUDIT_READ"},
        {AuditFeed::automatic, facts(false, none, false), AuditFeed::none, true, "not permitted"},
        {AuditFeed::unicast, facts(false, 0, true), AuditFeed::unicast, false, "kernel"},
        {AuditFeed::unicast, facts(false, 60, false), AuditFeed::none, true, "pid 60 (auditd)"},
        {AuditFeed::plugin, facts(false, none, false), AuditFeed::plugin, false, "plugin"},
        {AuditFeed::none, facts(false, none, false), AuditFeed::none, false, "as asked"},
    };
    for (const auto& row : table) {
        const FeedChoice choice = choose_feed(row.wanted, row.facts);
        BOOST_TEST_CONTEXT("said: " << choice.line) {
            BOOST_TEST((choice.feed == row.expected));
            BOOST_TEST(choice.refused == row.refused);
            BOOST_TEST(choice.line.find(row.said) != std::string::npos);
        }
    }
    for (const AuditFeed feed : {AuditFeed::automatic, AuditFeed::plugin, AuditFeed::unicast,
                                 AuditFeed::multicast, AuditFeed::none})
        BOOST_TEST((audit_feed_from(name_of(feed)) == feed));
    BOOST_TEST(!audit_feed_from("ebpf").has_value());
}

BOOST_AUTO_TEST_CASE(what_the_kernel_lost_since_the_last_look) {
    struct Row {
        std::uint32_t before, now;
        std::uint64_t lost;
        bool at_least;
    };
    const Row rows[] = {
        {5, 5, 0, false},  {5, 12, 7, false},         {100, 3, 3, true},  // somebody set it to 0
        {100, 0, 0, true}, {0xffffffff, 4, 5, false},                     // it went round
    };
    for (const Row& row : rows) {
        LostCount count(row.before);
        const LostCount::Lost lost = count.look(row.now);
        BOOST_TEST(lost.count == row.lost);
        BOOST_TEST(lost.at_least == row.at_least);
        BOOST_TEST(count.look(row.now).count == 0U);
    }
}

BOOST_AUTO_TEST_CASE(the_kernel_s_watch_looks_at_least_once) {
    auto control = std::make_unique<FakeAuditControl>();
    control->state.lost = 12;
    control->state.backlog = 3;
    std::atomic<std::uint64_t> lost{0}, backlog{0};
    KernelWatch watch(std::move(control), 10,
                      [&](const AuditStatus& status, LostCount::Lost fresh, std::int64_t) {
                          lost += fresh.count;
                          backlog = status.backlog;
                      });
    watch.start();
    watch.stop();
    BOOST_TEST(lost.load() == 2U);
    BOOST_TEST(backlog.load() == 3U);
}

BOOST_AUTO_TEST_CASE(losses_wait_and_add_up_until_they_can_be_told) {
    PendingLosses losses;
    losses.add(gap_source::kPlugin, 3, false, 100);
    losses.add(gap_source::kPlugin, 4, false, 200);
    losses.add(gap_source::kProc, 1, true, 0);
    losses.add("nobody", 1, true, 0);
    std::vector<std::string> told;
    losses.tell_all([&](const std::string& text) { told.push_back(text); });
    BOOST_TEST(!losses.any());
    losses.tell_all([&](const std::string& text) { told.push_back(text); });
    const std::vector<std::string> expected{"feed=proc count=1 at_least=1",
                                            "feed=plugin count=7 since=100"};
    BOOST_TEST(told == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(host_facts_in_order) {
    char root[] = "/tmp/audisp-eql-facts-XXXXXX";
    BOOST_REQUIRE(::mkdtemp(root) != nullptr);
    const std::string base = root;
    std::filesystem::create_directories(base + "/etc");
    std::filesystem::create_directories(base + "/proc/sys/kernel/random");
    const auto put = [&](const char* path, const char* text) {
        std::ofstream(base + path) << text;
    };
    put("/etc/passwd",
        "root:x:0:0:root:/root:/bin/bash\n+nis\nno colon\nwww data:x:33:33::/:\n"
        ":x:1:1::/:\nbad:x:one:1::/:\nlast:x:7");
    put("/etc/group", "root:x:0:\nadm:x:4:syslog\n");
    put("/etc/machine-id", "0123\n");
    put("/proc/sys/kernel/hostname", "host-1\n");
    put("/proc/sys/kernel/osrelease", "6.18.44\n");
    put("/proc/sys/kernel/random/boot_id", "aaaa-bbbb\n");

    FakeProc proc;
    for (const std::int32_t pid : {1, 2, 7})
        proc.processes[pid].pid = pid;
    proc.processes[1].exe = "/sbin/init";
    proc.processes[7].exe = "/usr/bin/x";  // 2 is a kernel thread: it has no executable
    Recorder recorder;
    const HostReport report =
        tell_host_facts(recorder, proc, {"audit,proc", base, "multicast", {42, 43}});
    // What was queued since the feeds were opened lies behind the first message.
    struct FirstClock final : MessageSink {
        Message first{};
        void on_message(const Message& message) override {
            if (first.mono_ns == 0)
                first = message;
        }
    } early;
    HostOptions opened{"audit,proc", base};
    opened.mono_ns = 1'000;
    opened.real_ns = 2'000;
    tell_host_facts(early, proc, opened);
    BOOST_TEST((early.first.kind == MessageKind::clock));
    BOOST_TEST(early.first.mono_ns == 1'000);
    BOOST_TEST(early.first.real_ns == 2'000);
    BOOST_TEST(!booted_with_audit(base));  // no /proc/cmdline
    put("/proc/cmdline", "quiet audit=1 noaudit=0\n");
    BOOST_TEST(booted_with_audit(base));
    put("/proc/cmdline", "audit=1 audit=0\n");
    BOOST_TEST(!booted_with_audit(base));
    std::filesystem::remove_all(base);

    const auto& got = recorder.messages;
    BOOST_REQUIRE(got.size() == 1U + 1 + 3 + 2 + 3);
    BOOST_TEST((got[0].first == MessageKind::clock));
    BOOST_TEST(got[1].second ==
               "boot_id=aaaa-bbbb machine_id=0123 hostname=host-1 "
               "kernel=6.18.44 feeds=audit,proc audit_feed=multicast self=42,43");
    BOOST_TEST(got[2].second == "uid=0 name=root");
    BOOST_TEST(got[3].second == "uid=33 name=www_data");
    BOOST_TEST(got[4].second == "uid=7 name=last");
    BOOST_TEST((got[5].first == MessageKind::group));
    BOOST_TEST(got[6].second == "gid=4 name=adm");
    BOOST_TEST(got[7].second == to_text(proc.processes[1]));
    BOOST_TEST(got[9].second == to_text(proc.processes[7]));
    BOOST_TEST(!recorder.backwards);
    BOOST_TEST(report.processes == 3U);
    BOOST_TEST(report.programs == 2U);
}

BOOST_AUTO_TEST_CASE(blind_programs_are_said) {
    BOOST_TEST(blind_line(57).find("57 programs started before") != std::string::npos);
    BOOST_TEST(blind_line(1).find("1 program started before it was first enabled is not") !=
               std::string::npos);
    BOOST_TEST(blind_line(57).find("audit=1") != std::string::npos);
}

// Messages as the kernel sends them: 20 bytes of connector header, 40 of event, not aligned.
BOOST_AUTO_TEST_CASE(proc_events_from_their_bytes) {
    const auto build = [](std::uint32_t index, std::uint32_t ack, std::uint16_t length,
                          std::uint32_t what, std::vector<std::uint32_t> rest) {
        std::string bytes(1, 'x');  // moves everything off its alignment
        const auto put = [&](auto value) {
            bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
        };
        put(index), put(std::uint32_t{1}), put(std::uint32_t{7}), put(ack);
        put(length), put(std::uint16_t{0});
        put(what), put(std::uint32_t{3}), put(std::uint64_t{123'456'789});
        rest.resize(6);
        for (const std::uint32_t value : rest)
            put(value);
        return bytes;
    };
    const auto parse = [&](const std::string& bytes) {
        return parse_proc_event(std::string_view(bytes).substr(1));
    };
    const auto fork = parse(build(1, 0, 40, 1, {10, 11, 20, 21}));
    BOOST_REQUIRE(fork.has_value());
    BOOST_TEST((fork->event.what == ProcEvent::What::fork));
    BOOST_TEST(fork->event.cpu == 3U);
    BOOST_TEST(fork->event.seq == 7U);
    BOOST_TEST(fork->event.ns == 123'456'789);
    BOOST_TEST(fork->event.parent_pid == 10);
    BOOST_TEST(fork->event.parent_tgid == 11);
    BOOST_TEST(fork->event.pid == 20);
    BOOST_TEST(fork->event.tgid == 21);
    const auto exit = parse(build(1, 0, 40, 0x80000000, {20, 20, 256, 17, 10, 11}));
    BOOST_REQUIRE(exit.has_value());
    BOOST_TEST((exit->event.what == ProcEvent::What::exit));
    BOOST_TEST(exit->event.first == 256U);
    BOOST_TEST(exit->event.second == 17U);
    BOOST_TEST(exit->event.parent_tgid == 11);
    const auto uid = parse(build(1, 0, 40, 4, {20, 20, 1000, 0}));
    BOOST_TEST(uid->event.first == 1000U);
    BOOST_TEST(uid->event.second == 0U);
    const auto exec = parse(build(1, 0, 40, 2, {20, 21, 99, 99}));
    BOOST_TEST(exec->event.tgid == 21);
    BOOST_TEST(exec->event.first == 0U);
    const auto answer = parse(build(1, 4711, 40, 0, {}));
    BOOST_TEST((answer->event.what == ProcEvent::What::none));
    BOOST_TEST(answer->ack == 4711U);
    // Another connector's, and what is cut short.
    BOOST_TEST(!parse(build(2, 0, 40, 1, {})).has_value());
    BOOST_TEST(!parse(build(1, 0, 40, 1, {}).substr(0, 40)).has_value());
    BOOST_TEST(!parse(build(1, 0, 8, 1, {})).has_value());
    BOOST_TEST(!parse("x").has_value());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace audisp_eql::collector
