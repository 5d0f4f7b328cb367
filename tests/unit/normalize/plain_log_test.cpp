// SPDX-License-Identifier: Apache-2.0
// Audit logs without the connector: parentage from clone records and ppid=, inferred forks.
#include <boost/test/unit_test.hpp>

#include "tests/unit/normalize/lines.hpp"
#include "tests/unit/normalize/story.hpp"

namespace audisp_eql::collector {
namespace {

using detect::FieldId;
using namespace lines;

std::string cloned(std::int64_t ms, int serial, int pid, int child, int number = 56,
                   const std::string& flags = "1200011") {
    const Call call{.ms = ms,
                    .serial = serial,
                    .pid = pid,
                    .ppid = 1,
                    .exe = "/usr/bin/bash",
                    .number = number,
                    .exit = child,
                    .a0 = flags};
    return syscall(call) + proctitle(call);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(normalize)

BOOST_AUTO_TEST_CASE(process_first_seen_by_its_exec_gets_an_inferred_fork) {
    Story story;
    story.lines(execve(0, 1, 1, 10, "/usr/bin/bash") + execve(5, 2, 10, 11, "/usr/bin/nc"));
    BOOST_TEST(story.told() == "fork 10 < | exec 10 bash< | fork 11 bash<bash | exec 11 nc<bash");
    BOOST_TEST(joined(story.events[2], FieldId::inferred) == "1");
    BOOST_TEST(joined(story.events[3], FieldId::inferred) == "");
    BOOST_TEST(joined(story.events[3], FieldId::process_parent_entity_id) ==
               joined(story.events[1], FieldId::process_entity_id));
    BOOST_TEST(story.normalizer.counters().inferred_forks == 2U);
}

BOOST_AUTO_TEST_CASE(child_that_connects_without_exec_is_what_its_parent_is) {
    Story story;
    Call perl{.ms = 0, .serial = 1, .pid = 10, .ppid = 1, .exe = "/usr/bin/perl"};
    story.lines(execve(perl, {"perl", "-MIO", "-e", "fork"}, {"/usr/bin/perl"}) +
                connect(8, 2, 10, 11, "/usr/bin/perl") + connect(9, 3, 10, 12, "/usr/bin/curl"));
    BOOST_TEST(story.told() ==
               "fork 10 < | exec 10 perl< | fork 11 perl<perl | connection_attempted 11 perl<perl "
               "| fork 12 perl<perl | connection_attempted 12 curl<perl");
    BOOST_TEST(joined(story.events[3], FieldId::process_args) == "perl,-MIO,-e,fork");
    BOOST_TEST(joined(story.events[5], FieldId::image_source) == "syscall");
}

BOOST_AUTO_TEST_CASE(clone_record_is_a_fork) {
    Story story;
    story.lines(execve(0, 1, 1, 10, "/usr/bin/bash") + cloned(1, 2, 10, 11) +
                execve(2, 3, 10, 11, "/usr/bin/id"));
    BOOST_TEST(story.told() == "fork 10 < | exec 10 bash< | fork 11 bash<bash | exec 11 id<bash");
    BOOST_TEST(joined(story.events[2], FieldId::inferred) == "");
}

// vfork returns in the parent after the child's exec, so its record comes after the child's.
BOOST_AUTO_TEST_CASE(vfork_record_after_the_childs_exec_is_no_second_fork) {
    for (const int number : {58, 56, 435}) {
        Story story;
        story.lines(execve(0, 1, 1, 10, "/usr/bin/bash") + execve(5, 2, 10, 11, "/usr/bin/id") +
                    cloned(4, 3, 10, 11, number, "0"));
        BOOST_TEST(story.told() ==
                   "fork 10 < | exec 10 bash< | fork 11 bash<bash | exec 11 id<bash");
    }
}

BOOST_AUTO_TEST_CASE(clone_of_a_thread_is_no_fork) {
    Story story;
    story.lines(execve(0, 1, 1, 10, "/usr/bin/bash") + cloned(1, 2, 10, 11, 56, "3d0f00") +
                cloned(2, 3, 10, 12, 435, "7ffd1000"));
    BOOST_TEST(story.told() == "fork 10 < | exec 10 bash<");
}

BOOST_AUTO_TEST_CASE(parent_that_cannot_be_shows_a_reused_pid) {
    Story story;
    story.lines(execve(0, 1, 1, 10, "/usr/bin/bash") + execve(1, 2, 1, 20, "/usr/bin/zsh") +
                execve(2, 3, 10, 30, "/usr/bin/id"));
    story.told_and_forget();
    story.lines(execve(3, 4, 10, 30, "/usr/bin/env"));  // exec in place
    BOOST_TEST(story.told_and_forget() == "exec 30 env<bash");
    story.lines(execve(4, 5, 1, 30, "/usr/bin/ls"));  // its parent died
    BOOST_TEST(story.told_and_forget() == "exec 30 ls<bash");
    story.lines(execve(5, 6, 20, 30, "/usr/bin/nc"));  // nobody is given to a stranger
    BOOST_TEST(story.told() == "fork 30 zsh<zsh | exec 30 nc<zsh");
}

BOOST_AUTO_TEST_CASE(accept_that_waited_happens_when_it_returned) {
    Story story;
    story.lines(connect(3000, 200702, 1, 10, "/usr/bin/nc") +
                accept(0, 200703, 1, 20, "/usr/sbin/sshd"));
    const auto& accepted = story.events.back();
    BOOST_TEST(accepted->time().engine_ns == story.events[1]->time().engine_ns);
    BOOST_TEST(joined(accepted, FieldId::timestamp) ==
               std::to_string((kStartWallMs + 3000) * 1000));
    BOOST_TEST(joined(accepted, FieldId::event_start) == std::to_string(kStartWallMs * 1000));
}

BOOST_AUTO_TEST_CASE(log_that_goes_back_starts_an_epoch) {
    Story story;
    story.lines(execve(3'600'000, 1, 1, 10, "/usr/bin/a"));
    for (int i = 0; i < 10; ++i)
        story.lines(execve(i, 10 + i, 1, 20 + i, "/usr/bin/b"));
    BOOST_TEST(story.epochs == 1);
    for (std::size_t i = 1; i < story.events.size(); ++i)
        BOOST_TEST(story.events[i]->time().engine_ns >= story.events[i - 1]->time().engine_ns);
    BOOST_TEST(joined(story.events.back(), FieldId::timestamp) ==
               std::to_string((kStartWallMs + 9) * 1000));
}

BOOST_AUTO_TEST_CASE(host_is_the_node_or_the_one_given) {
    Story node;
    std::string text = connect(0, 1, 1, 10, "/usr/bin/nc");
    for (std::size_t at = 0; (at = text.find("type=", at)) != std::string::npos; at += 15)
        text.insert(at, "node=db2 ");
    node.lines(text);
    BOOST_TEST(joined(node.events.at(0), FieldId::host_id) == "db2");

    Story given;
    given.normalizer.set_default_host_id("web7");
    given.lines(text);
    BOOST_TEST(joined(given.events.at(0), FieldId::host_id) == "web7");

    Story neither;
    neither.normalizer.set_default_host_id("replay");
    neither.lines(connect(0, 1, 1, 10, "/usr/bin/nc"));
    BOOST_TEST(joined(neither.events.at(0), FieldId::host_id) == "replay");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace audisp_eql::collector
