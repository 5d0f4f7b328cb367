// SPDX-License-Identifier: Apache-2.0
// Changes of ids: what the connector tells, shown with the image that it belongs to.
#include <boost/test/unit_test.hpp>

#include "tests/unit/normalize/lines.hpp"
#include "tests/unit/normalize/story.hpp"

namespace audisp_eql::collector {
namespace {

using detect::FieldId;
using namespace lines;

std::string message(std::int64_t ms, std::string_view body) {
    return fmt::format("type=CN_PROC msg=proc({}): {}\n", mono_ns(ms), body);
}
std::string gid(std::int64_t ms, int pid, int real, int effective) {
    return message(ms, fmt::format("what=gid cpu=0 seq=1 pid={} tgid={} rgid={} egid={}", pid, pid,
                                   real, effective));
}
// An exec whose file has this mode.
std::string execve_of_mode(const Call& call, std::string_view mode) {
    std::string text = execve(call, {"x"}, {call.exe});
    text.replace(text.find("mode=0100755"), 12, fmt::format("mode={}", mode));
    return text;
}
// A shell as user 1000 that both feeds know.
std::string shell() {
    return clock(0) + host("audit,proc") + fork(1, 1, 10) + exec(2, 10) + clock(3) +
           execve(2, 1, 1, 10, "/usr/bin/bash");
}
std::string ids(const detect::EventPtr& event) {
    return joined(event, FieldId::user_ext_real_id) + "/" + joined(event, FieldId::user_id);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(normalize)

BOOST_AUTO_TEST_CASE(setuid_shows_what_the_process_runs) {
    Story story;
    story.lines(shell() + fork(10, 10, 11) + exec(11, 11) + clock(12) +
                execve(11, 2, 10, 11, "/usr/bin/python3.11") + gid(20, 11, 0, 0) +
                uid(21, 11, 0, 0));
    story.events.clear();
    story.lines(fork(22, 11, 12));
    BOOST_TEST(story.told() ==
               "gid_change 11 python3.11<bash | uid_change 11 python3.11<bash | "
               "fork 12 python3.11<python3.11");
    BOOST_TEST(ids(story.events[1]) == "0/0");
    BOOST_TEST(joined(story.events[0], FieldId::group_id) == "0");
    BOOST_TEST((story.events[1]->origin().kind == detect::Origin::Kind::proc));
    BOOST_TEST(story.events[1]->time().engine_ns == mono_ns(21));
}

// sudo: the kernel changes the ids on the way, before it announces the EXEC.
BOOST_AUTO_TEST_CASE(exec_of_a_set_user_id_file_changes_the_ids_of_what_it_runs) {
    Story story;
    story.lines(shell() + fork(10, 10, 11));
    story.events.clear();
    story.lines(uid(11, 11, 1000, 0) + exec(11, 11) + clock(12) +
                execve_of_mode({.ms = 11,
                                .serial = 2,
                                .pid = 11,
                                .ppid = 10,
                                .exe = "/usr/bin/sudo",
                                .uid = 1000,
                                .euid = 0},
                               "0104755"));
    BOOST_TEST(story.told() == "exec 11 sudo<bash | uid_change 11 sudo<bash");
    BOOST_TEST(ids(story.events[1]) == "1000/0");
}

// setuid(0), then a shell: the change is the interpreter's, though the messages are the same.
BOOST_AUTO_TEST_CASE(setuid_before_an_exec_is_the_old_images) {
    Story story;
    story.lines(shell() + fork(10, 10, 11) + exec(11, 11) + clock(12) +
                execve(11, 2, 10, 11, "/usr/bin/perl"));
    story.events.clear();
    story.lines(uid(20, 11, 0, 0) + exec(21, 11) + clock(22) +
                execve_of_mode({.ms = 21,
                                .serial = 3,
                                .pid = 11,
                                .ppid = 10,
                                .exe = "/usr/bin/dash",
                                .uid = 0,
                                .euid = 0},
                               "0100755"));
    BOOST_TEST(story.told() == "uid_change 11 perl<bash | exec 11 dash<bash");
}

BOOST_AUTO_TEST_CASE(change_waits_for_the_image_that_it_shows) {
    Story story;
    story.lines(shell() + fork(10, 10, 11));
    story.events.clear();
    story.lines(exec(11, 11) + uid(12, 11, 0, 0) + fork(13, 11, 12));
    BOOST_TEST(story.told() == "");
    story.lines(clock(14) + execve(11, 2, 10, 11, "/usr/bin/su"));
    BOOST_TEST(story.told() == "exec 11 su<bash | uid_change 11 su<bash | fork 12 su<su");
}

BOOST_AUTO_TEST_CASE(change_that_nothing_follows_comes_out_by_itself) {
    Story story;
    story.lines(shell());
    story.events.clear();
    story.lines(uid(20, 10, 1000, 33) + clock(60));
    BOOST_TEST(story.told() == "");
    story.lines(clock(71));
    BOOST_TEST(story.told() == "uid_change 10 bash<");
    story.events.clear();
    story.lines(uid(80, 10, 1000, 44));
    story.finish();
    BOOST_TEST(story.told() == "uid_change 10 bash<");
}

// setfsuid, and the saved id alone: the message comes, and no id that anybody sees changed.
BOOST_AUTO_TEST_CASE(message_without_a_change_is_no_event) {
    Story story;
    story.lines(shell());
    story.events.clear();
    story.lines(uid(20, 10, 1000, 1000) + gid(21, 10, 1000, 1000));
    story.finish();
    BOOST_TEST(story.told() == "");
}

BOOST_AUTO_TEST_CASE(sessions_traces_and_dumps_of_the_connector) {
    Story story;
    story.lines(shell() + fork(10, 10, 11));
    story.events.clear();
    story.lines(message(20, "what=sid cpu=0 seq=1 pid=11 tgid=11") +
                message(21, "what=ptrace cpu=0 seq=1 pid=11 tgid=11 parent_pid=10 parent_tgid=10") +
                message(22, "what=ptrace cpu=0 seq=1 pid=11 tgid=11 parent_pid=0 parent_tgid=0") +
                message(23,
                        "what=coredump cpu=0 seq=1 pid=11 tgid=11 parent_pid=10 "
                        "parent_tgid=10"));
    BOOST_TEST(story.told() ==
               "session_id_change 11 bash<bash | ptrace 10 bash< | coredump 11 bash<bash");
    BOOST_TEST(joined(story.events[1], FieldId::process_ext_ptrace_child_pid) == "11");
}

BOOST_AUTO_TEST_CASE(attachment_that_both_feeds_tell_is_one) {
    Story story;
    story.lines(shell() + fork(10, 10, 11));
    story.events.clear();
    const auto attach = [](int serial, const char* request) {
        const Call call{.ms = 21,
                        .serial = serial,
                        .pid = 10,
                        .exe = "/usr/bin/bash",
                        .number = 101,
                        .a0 = request};
        return syscall(call) +
               fmt::format("type=OBJ_PID msg={}: opid=11 oauid=-1 ouid=0 oses=-1 ocomm=\"x\"\n",
                           stamp(21, serial)) +
               proctitle(call);
    };
    story.lines(message(21, "what=ptrace cpu=0 seq=1 pid=11 tgid=11 parent_pid=10 parent_tgid=10") +
                clock(22) + attach(5, "10"));
    BOOST_TEST(story.told() == "ptrace 10 bash<");
    BOOST_TEST(story.normalizer.counters().repeated_traces == 1U);
    // PTRACE_POKETEXT is none, and a second attachment that only audit told is one.
    story.lines(attach(6, "4") + attach(7, "10"));
    BOOST_TEST(story.events.size() == 3U);
}

// Plain logs: the calls are all there is.
BOOST_AUTO_TEST_CASE(without_the_connector_the_calls_tell) {
    Story story;
    const auto setuid = [](int serial, int uid, int number = 117) {
        const Call call{.serial = serial,
                        .pid = 10,
                        .exe = "/usr/bin/su",
                        .number = number,
                        .uid = uid,
                        .euid = uid};
        return syscall(call) + proctitle(call);
    };
    story.lines(setuid(1, 0) + setuid(2, 0) + setuid(3, 33) + setuid(4, 33, 112));
    BOOST_TEST(story.told() ==
               "fork 10 < | uid_change 10 su< | uid_change 10 su< | "
               "session_id_change 10 su<");
    BOOST_TEST(joined(story.events[2], FieldId::user_id) == "33");
    BOOST_TEST(joined(story.events[2], FieldId::auditd_syscall) == "setresuid");
}

BOOST_AUTO_TEST_CASE(with_the_connector_the_calls_make_no_second_event) {
    Story story;
    story.lines(shell());
    story.events.clear();
    const Call call{.ms = 21,
                    .serial = 4,
                    .pid = 10,
                    .exe = "/usr/bin/bash",
                    .number = 117,
                    .uid = 0,
                    .euid = 0};
    story.lines(uid(21, 10, 0, 0) + clock(22) + syscall(call) + proctitle(call));
    story.finish();
    BOOST_TEST(story.told() == "uid_change 10 bash<");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace audisp_eql::collector
