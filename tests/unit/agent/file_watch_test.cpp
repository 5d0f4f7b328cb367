// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/file_watch.hpp"

#include <chrono>
#include <filesystem>

#include <boost/asio/io_context.hpp>
#include <boost/test/unit_test.hpp>

#include "tests/unit/agent/temporary_directory.hpp"

using namespace audisp_eql;
using namespace audisp_eql::collector;

namespace {

struct Scene {
    Scene() {
        files.write("audisp-eql.conf", "cee = on\n");
        files.write("conf.d/10-site.conf", "stdout = text\n");
        files.write("rules/a.toml", "a");
        files.write("rules/b.toml", "b");
        files.write("exceptions/x.toml", "x");
        const auto read_rules = [this] {
            return read_rule_input({files.path("rules")}, {files.path("exceptions")});
        };
        const auto configuration = [this] {
            return hash_configuration(files.path("audisp-eql.conf"));
        };
        watch = std::make_unique<FileWatch>(io, configuration, read_rules, own);
    }
    // Until the look that was asked for is over.
    std::vector<std::string> told_by_look() {
        const std::uint64_t before = watch->looks();
        watch->look();
        return after(before);
    }
    std::vector<std::string> after(std::uint64_t looks) {
        messages.clear();
        while (watch->looks() == looks) {
            io.restart();
            io.run_for(std::chrono::milliseconds(5));
        }
        return messages;
    }

    TemporaryDirectory files;
    boost::asio::io_context io;
    std::vector<std::string> messages;
    OwnAlerts own{{"m1", "web1"},
                  [this](const detect::Alert& alert) { messages.push_back(alert.message); }};
    std::unique_ptr<FileWatch> watch;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(agent)

BOOST_AUTO_TEST_CASE(files_that_differ_are_named) {
    const FileHashes before{{"/a", "1"}, {"/b", "2"}, {"/c", "3"}, {"/e", "5"}};
    const FileHashes now{{"/a", "1"}, {"/b", "9"}, {"/d", "4"}, {"/e", ""}};
    const std::vector<std::string> expected{"/b (changed)", "/c (gone)", "/d (new)",
                                            "/e (unreadable)"};
    BOOST_TEST(difference(before, now) == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(changed_rules_and_configuration_are_told_once) {
    Scene scene;
    BOOST_TEST(scene.told_by_look().empty());
    scene.files.write("rules/a.toml", "other");
    auto told = scene.told_by_look();
    BOOST_REQUIRE(told.size() == 1U);
    BOOST_TEST(told[0] == "1 rule file has changed since the agent read it: " +
                              scene.files.path("rules/a.toml") +
                              " (changed); that counts from the next SIGHUP on; by whom, no audit "
                              "record tells");
    BOOST_TEST(scene.told_by_look().empty());
    scene.files.write("rules/c.toml", "c");
    scene.files.write("conf.d/20-more.conf", "cee = off\n");
    told = scene.told_by_look();
    BOOST_REQUIRE(told.size() == 2U);
    BOOST_TEST(told[0].find("20-more.conf (new); that counts at the next start") !=
               std::string::npos);
    BOOST_TEST(told[1].starts_with("2 rule files have changed"));
    scene.files.write("rules/a.toml", "a");
    std::filesystem::remove(scene.files.path("rules/c.toml"));
    told = scene.told_by_look();
    BOOST_REQUIRE(told.size() == 1U);
    BOOST_TEST(told[0].starts_with("every rule file is again as the agent has read it"));
}

BOOST_AUTO_TEST_CASE(who_wrote_a_file_is_named_by_the_audit_record) {
    struct Sink : AuditEventSink {
        FileWatch* watch = nullptr;
        void on_audit_event(const AuditEvent& event) override { watch->on_write(event, 1); }
    } sink;
    Scene scene;
    sink.watch = scene.watch.get();
    const auto write = [&sink](int pid, const std::string& name) {
        const std::string stamp = "msg=audit(1700000000.123:" + std::to_string(pid) + "): ";
        Assembler assembler(sink);
        const std::string call = "type=SYSCALL " + stamp +
                                 "arch=c000003e syscall=257 success=yes "
                                 "exit=3 items=2 ppid=1 pid=" +
                                 std::to_string(pid) +
                                 " auid=1000 uid=0 comm=\"vim\" exe=\"/usr/bin/vim\" key=(null)";
        const std::string path =
            "type=PATH " + stamp + "item=1 name=\"" + name + "\" inode=1 nametype=NORMAL";
        assembler.add(*parse_line(call), 1);
        assembler.add(*parse_line(path), 1);
        assembler.finish();
    };
    write(41, scene.files.path("rules/b.toml"));
    write(42, "rules/a.toml");  // as the process named it
    write(43, "/etc/passwd");
    scene.files.write("rules/a.toml", "other");
    const auto told = scene.told_by_look();
    BOOST_REQUIRE(told.size() == 1U);
    BOOST_TEST(told[0].ends_with("; written by /usr/bin/vim (pid 42, auid 1000)"));
}

BOOST_AUTO_TEST_CASE(rules_that_were_read_anew_are_what_counts) {
    Scene scene;
    scene.files.write("exceptions/x.toml", "other");
    const std::uint64_t looks = scene.watch->looks();
    scene.watch->rules_were_read();
    BOOST_TEST(scene.after(looks).empty());
    BOOST_TEST(scene.told_by_look().empty());
    scene.files.write("exceptions/x.toml", "x");
    BOOST_TEST(scene.told_by_look().size() == 1U);
}

BOOST_AUTO_TEST_SUITE_END()
