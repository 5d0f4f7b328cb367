// SPDX-License-Identifier: Apache-2.0
// Which events come out, in which order, showing whose image: the traps of feeds that run at
// different speeds.
#include <boost/test/unit_test.hpp>

#include "tests/unit/normalize/lines.hpp"
#include "tests/unit/normalize/story.hpp"

namespace audisp_eql::collector {
namespace {

using detect::FieldId;
using namespace lines;

// sshd (10) with a shell (11) in it, told live: clock and host first.
std::string session() {
    return clock(0) + host("audit,proc") +
           fmt::format(
               "type=PROC msg=proc({}): pid=10 ppid=1 start_tick=5 threads=1 uid=0 euid=0 "
               "gid=0 egid=0 argc=1 tty=\"\" exe=\"/usr/sbin/sshd\" cwd=\"/\" a0=\"sshd\"\n",
               mono_ns(0)) +
           fork(10, 10, 11) + exec(11, 11) + clock(12) + execve(11, 100, 10, 11, "/usr/bin/bash");
}

struct InSession : Story {
    explicit InSession(ProcReader* proc = nullptr) : Story(proc) {
        lines(session());
        BOOST_TEST(told_and_forget() == "fork 11 sshd<sshd | exec 11 bash<sshd");
    }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(normalize)

BOOST_AUTO_TEST_CASE(fork_that_is_seen_before_its_parents_exec_record_waits_for_it) {
    InSession story;
    // bash starts python3, which forks twice before its exec record is read.
    story.lines(fork(100, 11, 12) + exec(101, 12) + fork(102, 12, 13) + fork(103, 12, 14));
    BOOST_TEST(story.told_and_forget() == "fork 12 bash<bash");
    story.lines(clock(104) + execve(100, 101, 11, 12, "/usr/bin/python3"));
    BOOST_TEST(story.told() ==
               "exec 12 python3<bash | fork 13 python3<python3 | fork 14 python3<python3");
    BOOST_TEST(joined(story.events[1], FieldId::process_args) == "python3");
    BOOST_TEST(story.normalizer.counters().images_by_deadline == 0U);
    // The fork keeps its own time although it was told later.
    BOOST_TEST(story.events[1]->time().engine_ns == mono_ns(102));
    BOOST_TEST((story.events[1]->origin().kind == detect::Origin::Kind::proc));
    BOOST_TEST(story.events[1]->origin().time == mono_ns(102));
}

// The shell replaces the program that connected: the record is read after the EXEC was announced.
BOOST_AUTO_TEST_CASE(connect_before_the_exec_shows_who_connected) {
    InSession story;
    story.lines(fork(100, 11, 12) + exec(101, 12) + clock(101) +
                execve(100, 101, 11, 12, "/tmp/x"));
    story.told_and_forget();
    story.lines(exec(110, 12) + fork(111, 12, 13) + clock(112) +
                connect(105, 102, 11, 12, "/tmp/x"));
    BOOST_TEST(story.told_and_forget() == "connection_attempted 12 x<bash");
    story.lines(execve(109, 103, 11, 12, "/usr/bin/dash"));
    BOOST_TEST(story.told() == "exec 12 dash<bash | fork 13 dash<dash");
}

BOOST_AUTO_TEST_CASE(exec_told_before_its_announcement_opens_nothing) {
    InSession story;
    story.lines(fork(100, 11, 12) + clock(102) + execve(100, 101, 11, 12, "/usr/bin/dash") +
                exec(101, 12) + fork(103, 12, 13));
    BOOST_TEST(story.told() == "fork 12 bash<bash | exec 12 dash<bash | fork 13 dash<dash");
    BOOST_TEST(story.normalizer.processes().counters().images_awaited == 0U);
}

BOOST_AUTO_TEST_CASE(overdue_image_is_read_from_proc_once) {
    FakeProcReader proc;
    ProcSnapshot snapshot;
    snapshot.pid = 12;
    snapshot.ppid = 11;
    snapshot.start_tick = mono_ns(100) / 10'000'000;
    snapshot.exe = "/usr/bin/perl";
    snapshot.args = {"perl", "-e", "fork"};
    snapshot.args_count = 3;
    proc.processes[12] = snapshot;
    InSession story(&proc);
    story.lines(fork(100, 11, 12) + exec(101, 12) + fork(102, 12, 13) + fork(103, 12, 14));
    story.told_and_forget();
    story.lines(clock(1101));
    BOOST_TEST(story.told() == "");
    story.lines(clock(1103));
    BOOST_TEST(story.told() == "fork 13 perl<perl | fork 14 perl<perl");
    BOOST_TEST(joined(story.events[0], FieldId::process_command_line) == "perl -e fork");
    BOOST_TEST(joined(story.events[0], FieldId::image_source) == "procfs");
    BOOST_TEST(proc.asked == 1);
    BOOST_REQUIRE(story.learned.size() == 1U);
    BOOST_TEST((snapshot_from_text(story.learned[0]).value() == snapshot));
}

BOOST_AUTO_TEST_CASE(overdue_image_of_one_that_is_gone_lets_the_forks_go) {
    FakeProcReader proc;
    InSession story(&proc);
    story.lines(fork(100, 11, 12) + exec(101, 12) + fork(102, 12, 13));
    story.told_and_forget();
    story.lines(clock(1103));
    BOOST_TEST(story.told() == "fork 13 <");
    BOOST_TEST(story.learned == std::vector<std::string>{"pid=12 gone=1"});
    BOOST_TEST(story.normalizer.counters().images_by_deadline == 1U);
    story.lines(clock(9000));
    BOOST_TEST(proc.asked == 1);
}

// The capture of a live run holds what /proc answered: the replay has the same events in the same
// order, ends that fell due at the same time included.
BOOST_AUTO_TEST_CASE(replay_repeats_what_proc_answered) {
    FakeProcReader proc;
    proc.processes[12].pid = 12;
    proc.processes[12].exe = "/usr/bin/perl";
    proc.processes[12].start_tick = mono_ns(100) / 10'000'000;
    const std::string before = fork(20, 11, 20) + exit(30, 20) + fork(100, 11, 12) + exec(101, 12) +
                               fork(102, 12, 13) + fork(103, 11, 21) + exit(104, 21);
    const std::string after = clock(1150) + fork(1160, 11, 15);
    InSession live(&proc);
    live.lines(before + after);
    BOOST_REQUIRE(live.learned.size() == 1U);

    InSession replay;
    replay.lines(before +
                 fmt::format("type=PROC msg=proc({}): {}\n", mono_ns(1150), live.learned[0]) +
                 after);
    BOOST_TEST(replay.told() == live.told());
    BOOST_TEST(live.told().find("fork 13 perl<perl") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(replay_without_an_answer_waits_one_deadline_more) {
    InSession story;
    story.lines(fork(100, 11, 12) + exec(101, 12) + fork(102, 12, 13));
    story.told_and_forget();
    story.lines(clock(1103));
    BOOST_TEST(story.told() == "");
    story.lines(clock(2104));
    BOOST_TEST(story.told() == "fork 13 <");
}

// An exec that audit passed over (its record was lost): what comes after does not wait for it.
BOOST_AUTO_TEST_CASE(event_of_a_held_child_lets_the_fork_go_first) {
    InSession story;
    story.lines(fork(100, 11, 12) + exec(101, 12) + fork(102, 12, 13) + fork(103, 13, 14) +
                clock(110) + connect(105, 101, 13, 14, "/usr/bin/perl"));
    BOOST_TEST(story.told() ==
               "fork 12 bash<bash | fork 13 perl<perl | fork 14 perl<perl | "
               "connection_attempted 14 perl<perl");
    BOOST_TEST(joined(story.events[1], FieldId::image_source) == "syscall");
}

BOOST_AUTO_TEST_CASE(end_waits_until_audit_has_gone_past_it) {
    InSession story;
    // The exit is read before the process's own exec and connect.
    story.lines(fork(100, 11, 12) + exec(101, 12) + exit(106, 12, 256 * 3) + clock(110) +
                execve(101, 101, 11, 12, "/usr/bin/curl") +
                connect(105, 102, 11, 12, "/usr/bin/curl"));
    BOOST_TEST(story.told_and_forget() ==
               "fork 12 bash<bash | exec 12 curl<bash | connection_attempted 12 curl<bash");
    story.lines(clock(131) + connect(131, 103, 10, 11, "/usr/bin/bash"));
    BOOST_TEST(story.told_and_forget() == "connection_attempted 11 bash<sshd");
    story.lines(clock(133) + connect(132, 104, 10, 11, "/usr/bin/bash"));
    BOOST_TEST(story.told() == "end 12 curl<bash | connection_attempted 11 bash<sshd");
    BOOST_TEST(joined(story.events[0], FieldId::process_exit_code) == "3");
    BOOST_TEST(story.events[0]->time().engine_ns == mono_ns(106));
}

BOOST_AUTO_TEST_CASE(end_comes_after_a_second_of_silence_or_with_the_input) {
    InSession story;
    story.lines(fork(100, 11, 12) + exit(106, 12) + clock(1105));
    BOOST_TEST(story.told_and_forget() == "fork 12 bash<bash");
    story.lines(clock(1106));
    BOOST_TEST(story.told_and_forget() == "end 12 bash<bash");
    story.lines(fork(2000, 11, 13) + exit(2001, 13));
    story.finish();
    BOOST_TEST(story.told() == "fork 13 bash<bash | end 13 bash<bash");
}

// exec by a thread that is not the leader: EXIT of the leader, then EXEC, no FORK.
BOOST_AUTO_TEST_CASE(exec_by_another_thread_is_no_end) {
    InSession story;
    story.lines(fork(100, 11, 12) + thread(101, 11, 13, 12) + exit(102, 12) + exec(103, 12) +
                clock(104) + execve(102, 101, 11, 12, "/usr/bin/id"));
    story.lines(clock(5000));
    BOOST_TEST(story.told() == "fork 12 bash<bash | exec 12 id<bash");
    story.lines(exit(5001, 12));
    story.finish();
    BOOST_TEST(story.told().ends_with("end 12 id<bash"));
    BOOST_TEST(joined(story.events.back(), FieldId::process_entity_id) ==
               joined(story.events[0], FieldId::process_entity_id));
}

BOOST_AUTO_TEST_CASE(end_of_a_leader_whose_thread_was_not_seen_is_cancelled_by_its_exec) {
    InSession story;
    story.lines(fork(100, 11, 12) + exit(102, 12) + exec(103, 12));
    story.finish();
    BOOST_TEST(story.told() == "fork 12 bash<bash");
    BOOST_TEST(story.normalizer.counters().ends_cancelled == 1U);
}

// glibc makes threads with clone3, whose flags audit does not show.
BOOST_AUTO_TEST_CASE(threads_make_no_event) {
    InSession story;
    const Call clone3{.ms = 100,
                      .serial = 101,
                      .pid = 11,
                      .ppid = 10,
                      .exe = "/usr/bin/bash",
                      .number = 435,
                      .exit = 12};
    story.lines(thread(100, 10, 12, 11) + clock(101) + syscall(clone3) + proctitle(clone3));
    BOOST_TEST(story.told() == "");
    BOOST_TEST(!story.normalizer.processes().find(12));
}

// In a pid namespace clone returns the inner pid.
BOOST_AUTO_TEST_CASE(result_of_clone_is_not_believed_where_the_connector_speaks) {
    InSession story;
    const Call clone{.ms = 100,
                     .serial = 101,
                     .pid = 11,
                     .ppid = 10,
                     .exe = "/usr/bin/bash",
                     .number = 56,
                     .exit = 10,
                     .a0 = "1200011"};
    story.lines(fork(100, 11, 2722) + clock(101) + syscall(clone) + proctitle(clone));
    BOOST_TEST(story.told() == "fork 2722 bash<bash");
    BOOST_TEST(story.normalizer.processes().find(10)->parent.get() == nullptr);
}

BOOST_AUTO_TEST_CASE(orphan_keeps_the_parent_that_forked_it) {
    InSession story;
    story.lines(fork(100, 11, 12) + fork(101, 12, 13) + exit(102, 12) + exec(103, 13) + clock(104) +
                execve(103, 101, 1, 13, "/usr/bin/nc"));
    BOOST_TEST(story.told() == "fork 12 bash<bash | fork 13 bash<bash | exec 13 nc<bash");
    BOOST_TEST(joined(story.events[2], FieldId::process_parent_pid) == "12");
    BOOST_TEST(joined(story.events[2], FieldId::process_ext_ancestry) ==
               joined(story.events[1], FieldId::process_ext_ancestry));
}

// A capture begins with audit records: the first clone record stands before the first FORK.
BOOST_AUTO_TEST_CASE(fork_told_by_both_feeds_is_one_event) {
    Story story;
    const Call clone{.ms = 100,
                     .serial = 101,
                     .pid = 11,
                     .ppid = 10,
                     .exe = "/usr/bin/bash",
                     .number = 56,
                     .exit = 12,
                     .a0 = "1200011"};
    story.lines(syscall(clone) + proctitle(clone) + fork(104, 11, 12) + exec(105, 12) +
                execve(104, 102, 11, 12, "/usr/bin/id") + fork(110, 11, 13));
    BOOST_TEST(story.told() == "fork 12 bash<bash | exec 12 id<bash | fork 13 bash<bash");
    BOOST_TEST(joined(story.events[0], FieldId::process_entity_id) ==
               joined(story.events[1], FieldId::process_entity_id));
    BOOST_TEST(story.normalizer.processes().counters().reused_pids == 0U);
}

BOOST_AUTO_TEST_CASE(reused_pid_is_another_process) {
    InSession story;
    story.lines(fork(100, 11, 12) + exec(101, 12) + clock(102) +
                execve(100, 101, 11, 12, "/usr/bin/awk") + exit(103, 12) + fork(500, 10, 12) +
                exec(501, 12) + clock(502) + execve(501, 102, 10, 12, "/usr/bin/nc"));
    BOOST_TEST(story.told() ==
               "fork 12 bash<bash | exec 12 awk<bash | fork 12 sshd<sshd | end 12 awk<bash | "
               "exec 12 nc<sshd");
    BOOST_TEST(joined(story.events[0], FieldId::process_entity_id) !=
               joined(story.events[2], FieldId::process_entity_id));
}

// The agent started again: FORKs are read before the snapshot of the same processes.
BOOST_AUTO_TEST_CASE(snapshot_after_the_fork_completes_it) {
    Story story;
    story.lines(clock(0) + host("audit,proc") + fork(5, 10, 11) +
                fmt::format("type=PROC msg=proc({}): pid=10 ppid=1 start_tick=5 threads=1 uid=0 "
                            "euid=0 gid=0 egid=0 argc=1 exe=\"/usr/sbin/sshd\" a0=\"sshd\"\n",
                            mono_ns(6)) +
                fmt::format("type=PROC msg=proc({}): pid=11 ppid=10 start_tick={} threads=1 uid=0 "
                            "euid=0 gid=0 egid=0 argc=1 exe=\"/usr/sbin/sshd\" a0=\"sshd\"\n",
                            mono_ns(6), mono_ns(5) / 10'000'000));
    story.lines(clock(7) + connect(7, 100, 10, 11, "/usr/sbin/sshd"));
    BOOST_TEST(story.told() == "fork 11 < | connection_attempted 11 sshd<sshd");
    BOOST_TEST(joined(story.events[0], FieldId::process_entity_id) ==
               joined(story.events[1], FieldId::process_entity_id));
    BOOST_TEST(joined(story.events[1], FieldId::process_parent_pid) == "10");
}

// A program that was stopped, or starved, reads the time first and what waited for it then.
BOOST_AUTO_TEST_CASE(late_messages_are_no_other_boot) {
    InSession story;
    story.lines(fork(100, 11, 12) + clock(120'000) + exit(101, 12) + fork(102, 11, 13) +
                clock(125'000));
    story.finish();
    BOOST_TEST(story.told() == "fork 12 bash<bash | fork 13 bash<bash | end 12 bash<bash");
    BOOST_TEST(story.epochs == 0);
}

BOOST_AUTO_TEST_CASE(another_boot_forgets_the_processes) {
    InSession story;
    story.lines(fork(100, 11, 12) + exit(101, 12));
    const std::string second =
        "type=CLOCK msg=proc(20000000000): real=1795405917000000000\n"
        "type=HOST msg=capture(1): boot_id=1f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0 machine_id=8c7d "
        "hostname=web1 kernel=6.18.44 feeds=audit,proc\n"
        "type=CN_PROC msg=proc(21000000000): what=fork cpu=0 seq=1 parent_pid=11 parent_tgid=11 "
        "pid=12 tgid=12\n";
    story.lines(second);
    BOOST_TEST(story.told() == "fork 12 bash<bash | end 12 bash<bash | fork 12 <");
    BOOST_TEST(story.epochs == 1);
    BOOST_TEST(story.events[2]->time().engine_ns > story.events[1]->time().engine_ns);
    BOOST_TEST(joined(story.events[2], FieldId::timestamp) == "1795405918000000");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace audisp_eql::collector
