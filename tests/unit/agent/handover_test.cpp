// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/handover.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>
#include <fmt/core.h>

#include "collector/agent/pipeline.hpp"
#include "collector/feed/capture.hpp"
#include "detect/rule/rule_set.hpp"
#include "tests/unit/agent/temporary_directory.hpp"

namespace audisp_eql::collector {
namespace {

struct Lines final : MessageSink {
    CaptureWriter writer;
    std::string text;
    void on_message(const Message& message) override { writer.write(message, text); }
};

void feed(MessageSink& sink, std::string_view capture) {
    CaptureReader reader(sink);
    while (!capture.empty()) {
        const std::string_view line = capture.substr(0, capture.find('\n'));
        reader.line(line);
        capture.remove_prefix(std::min(capture.size(), line.size() + 1));
    }
    BOOST_TEST(reader.counters().unknown_lines == 0u);
}

std::string clock_line(int second) {
    return fmt::format("type=CLOCK msg=proc({}000000000): real=1700000{:03}000000000\n", second,
                       second);
}

std::string exec_lines(int second, int pid, std::string_view exe) {
    const std::string head = fmt::format("msg=audit(1700000{:03}.000:{}): ", second, second);
    return clock_line(second) +
           fmt::format(
               "type=SYSCALL {}arch=c000003e syscall=59 success=yes exit=0 ppid=1 pid={} "
               "auid=1000 uid=1000 gid=1000 euid=1000 suid=1000 fsuid=1000 egid=1000 "
               "sgid=1000 fsgid=1000 tty=pts0 ses=1 comm=\"x\" exe=\"{}\" key=\"k\"\n"
               "type=EXECVE {}argc=1 a0=\"{}\"\ntype=EOE {}\n",
               head, pid, exe, head, exe, head);
}

std::string change(int second) {
    return clock_line(second) +
           fmt::format(
               "type=CONFIG_CHANGE msg=audit(1700000{:03}.000:{}): op=set audit_enabled=1 "
               "old=1 res=1\n",
               second, second);
}

std::shared_ptr<const detect::RuleSet> two_execs_of_one_process() {
    std::vector<detect::RuleReport> reports;
    auto set = detect::RuleSet::build(
        {{"test.toml",
          "[rule]\nname = \"a rule\"\nrule_id = \"6fa459ea-ee8a-3ca4-894e-db77e160355e\"\n"
          "type = \"eql\"\nrisk_score = 21\nseverity = \"low\"\nquery = '''\n"
          "sequence by process.entity_id with maxspan=1m\n"
          "[process where process.name == \"a\"] [process where process.name == \"b\"]\n'''\n"}},
        {}, reports);
    BOOST_REQUIRE(set->rules().size() == 1u);
    return set;
}

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr const char* kHost = "type=HOST msg=capture(1): boot_id=b1 machine_id=m hostname=h\n";

BOOST_AUTO_TEST_SUITE(agent)

BOOST_AUTO_TEST_CASE(the_newest_messages_are_handed_over_as_they_came) {
    const TemporaryDirectory directory;
    const std::string live = clock_line(10) +
                             "type=PROC_EXEC msg=proc(10000000005): pid=7 gone=1\n" +
                             exec_lines(11, 7, "/usr/bin/a") +
                             "type=CN_PROC msg=proc(11000000009): what=fork cpu=1 seq=2 "
                             "parent_pid=7 parent_tgid=7 pid=8 tgid=8\n" +
                             clock_line(12);
    Lines also;
    RecentMessages recent(&also);
    feed(recent,
         std::string(kHost) + live + "type=LOSS msg=proc(12000000000): feed=proc count=1\n");
    BOOST_TEST(also.text.find("feed=proc count=1") != std::string::npos);
    recent.leave(directory.path(""), "b1", 12 * kSecond);

    const Handover handover(directory.path(""), "b1", 13 * kSecond);
    BOOST_TEST(!std::filesystem::exists(directory.path("handover.capture")));
    BOOST_REQUIRE(!handover.empty());
    BOOST_TEST(handover.mono_ns() == 10 * kSecond);
    BOOST_TEST(handover.real_ns() == 1'700'000'010 * kSecond);
    Lines told, expected;
    handover.tell(told);
    feed(expected, live);
    BOOST_TEST(told.text == expected.text);
}

BOOST_AUTO_TEST_CASE(of_more_than_is_kept_the_oldest_go) {
    const TemporaryDirectory directory;
    RecentMessages recent(nullptr);
    int last = 10;
    for (std::size_t bytes = 0; bytes < 2 * RecentMessages::kBytes; ++last) {
        const std::string lines =
            exec_lines(last % 900 + 10, 7, "/usr/bin/" + std::string(4000, 'a'));
        bytes += lines.size();
        feed(recent, lines);
    }
    recent.leave(directory.path(""), "b1", 1000 * kSecond);
    const auto size = std::filesystem::file_size(directory.path("handover.capture"));
    BOOST_TEST(size > RecentMessages::kBytes / 2);
    BOOST_TEST(size < 2 * RecentMessages::kBytes);
    const Handover handover(directory.path(""), "b1", 1000 * kSecond);
    Lines told;
    BOOST_TEST(handover.tell(told) > 100u);
    BOOST_TEST(told.text.starts_with("type=CLOCK"));  // or nothing would tell when records came
    BOOST_TEST(told.text.rfind(fmt::format(":{}):", (last - 1) % 900 + 10)) + 20 >
               told.text.size());
}

BOOST_AUTO_TEST_CASE(what_is_of_another_boot_or_too_old_is_no_handover) {
    struct Row {
        const char* boot;
        std::int64_t now_ns;
        bool empty;
    };
    const Row rows[] = {
        {"b1", 13 * kSecond, false}, {"b1", 71 * kSecond, false}, {"b1", 73 * kSecond, true},
        {"b1", 11 * kSecond, true},  {"b2", 13 * kSecond, true},  {"", 13 * kSecond, true},
    };
    for (const Row& row : rows) {
        BOOST_TEST_CONTEXT(row.boot << ' ' << row.now_ns) {
            const TemporaryDirectory directory;
            RecentMessages recent(nullptr);
            feed(recent, clock_line(10));
            recent.leave(directory.path(""), "b1", 12 * kSecond);
            BOOST_TEST(Handover(directory.path(""), row.boot, row.now_ns).empty() == row.empty);
            BOOST_TEST(Handover(directory.path(""), row.boot, row.now_ns).empty());  // read once
        }
    }
    for (const char* text : {"", "\n", "type=HOST msg=capture(1): boot_id=b1 left_ns=12000000000\n",
                             "type=CLOCK msg=proc(1): real=x\n", "\xff\x01\n\n"}) {
        const TemporaryDirectory directory;
        directory.write("handover.capture", text);
        BOOST_TEST(Handover(directory.path(""), "b1", 13 * kSecond).empty());
    }
    BOOST_TEST(Handover("/nowhere", "b1", 13 * kSecond).empty());
    RecentMessages recent(nullptr);
    BOOST_CHECK_THROW(recent.leave("/nowhere", "b1", 12 * kSecond), std::system_error);
}

BOOST_AUTO_TEST_CASE(a_sequence_goes_on_and_what_was_told_is_not_told_again) {
    const TemporaryDirectory directory;
    const std::string before = std::string(kHost) + exec_lines(10, 7, "/usr/bin/a") +
                               exec_lines(11, 7, "/usr/bin/b") + change(12) +
                               exec_lines(15, 8, "/usr/bin/a");
    const auto rules = two_execs_of_one_process();
    RecentMessages recent(nullptr);
    int alerts = 0, changes = 0;
    PipelineOptions options;
    options.tee = &recent;
    options.on_config_change = [&](const AuditEvent&) { ++changes; };
    {
        Pipeline pipeline(rules, options, [&](const detect::Alert&) { ++alerts; });
        feed(pipeline, before);
        pipeline.stop();
        BOOST_TEST(alerts == 1);
        BOOST_TEST(changes == 1);
        recent.leave(directory.path(""), "b1", 15 * kSecond);
    }
    const Handover handover(directory.path(""), "b1", 15 * kSecond);
    Lines recorded;
    options.tee = &recorded;
    Pipeline pipeline(rules, options, [&](const detect::Alert&) { ++alerts; });
    feed(pipeline, kHost);
    struct Retelling final : MessageSink {
        Pipeline* pipeline = nullptr;
        void on_message(const Message& message) override { pipeline->retell(message); }
    } retelling;
    retelling.pipeline = &pipeline;
    handover.tell(retelling);
    BOOST_TEST(alerts == 1);
    BOOST_TEST(changes == 1);
    BOOST_TEST(recorded.text.find("type=SYSCALL") == std::string::npos);
    feed(pipeline, exec_lines(16, 8, "/usr/bin/b"));
    BOOST_TEST(alerts == 2);
    feed(pipeline, change(17) + clock_line(30));
    pipeline.stop();
    BOOST_TEST(changes == 2);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace audisp_eql::collector
