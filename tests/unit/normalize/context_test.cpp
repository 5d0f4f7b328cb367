// SPDX-License-Identifier: Apache-2.0
// What surrounds a process: leaders, container, standard descriptors, environment, capabilities.
#include <boost/test/unit_test.hpp>

#include "tests/unit/normalize/lines.hpp"
#include "tests/unit/normalize/story.hpp"

namespace audisp_eql::collector {
namespace {

using detect::FieldId;
using namespace lines;

const std::string kContainerId(64, 'c');

std::string process(std::string_view text) {
    return fmt::format("type=PROC msg=proc({}): {}\n", mono_ns(0), text);
}
std::string asked(std::int64_t ms, std::string_view text) {
    return fmt::format("type=PROC_EXEC msg=proc({}): {}\n", mono_ns(ms), text);
}
// An exec of `exe` with a terminal ("(none)": without).
std::string exec_at(std::int64_t ms, int serial, int ppid, int pid, const std::string& exe,
                    const std::string& tty, const std::string& more = "", int uid = 1000) {
    const Call call{.ms = ms,
                    .serial = serial,
                    .pid = pid,
                    .ppid = ppid,
                    .exe = exe,
                    .tty = tty,
                    .uid = uid,
                    .euid = uid};
    std::string lines = execve(call, {exe.substr(exe.rfind('/') + 1)}, {exe});
    if (!more.empty()) {
        const std::string record =
            fmt::format("type={} msg={}: {}\n", more.substr(0, more.find(' ')), stamp(ms, serial),
                        more.substr(more.find(' ') + 1));
        lines.insert(lines.find("type=EXECVE"), record);
    }
    return lines;
}

struct Asked : Story {
    explicit Asked(ProcReader* proc = nullptr) : Story(proc) {
        AskedContext all;
        all.of_exec.stdio = all.of_exec.container = all.of_exec.group = true;
        all.capabilities = true;
        normalizer.ask_for(all);
        lines(host("audit,proc") + clock(0));
    }
    std::string last(FieldId id) const {
        BOOST_REQUIRE(!events.empty());
        return joined(events.back(), id);
    }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(normalize)

BOOST_AUTO_TEST_CASE(leaders_come_from_the_snapshot_and_are_inherited) {
    Asked story;
    story.lines(
        process("pid=1 ppid=0 start_tick=1 sid=1 pgid=1 exe=\"/sbin/init\" argc=1 a0=\"init\"") +
        process("pid=50 ppid=1 start_tick=5 sid=50 pgid=50 exe=\"/usr/sbin/cron\" argc=1 "
                "a0=\"cron\"") +
        process("pid=60 ppid=50 start_tick=6 sid=50 pgid=60 exe=\"/usr/bin/dash\" argc=1 "
                "a0=\"sh\""));
    story.lines(fork(100, 60, 61));
    BOOST_TEST(story.last(FieldId::process_session_leader_pid) == "50");
    BOOST_TEST(story.last(FieldId::process_session_leader_name) == "cron");
    BOOST_TEST(story.last(FieldId::process_session_leader_args) == "cron");
    BOOST_TEST(story.last(FieldId::process_session_leader_same_as_process) == "0");
    BOOST_TEST(story.last(FieldId::process_group_leader_pid) == "60");
    BOOST_TEST(story.last(FieldId::process_group_leader_executable) == "/usr/bin/dash");
    BOOST_TEST(story.last(FieldId::process_entry_leader_pid) == "50");
    BOOST_TEST(story.last(FieldId::process_entry_type) == "init");
    BOOST_TEST(story.last(FieldId::process_session_leader_entity_id) ==
               story.last(FieldId::process_entry_leader_entity_id));
}

BOOST_AUTO_TEST_CASE(setsid_makes_a_leader_without_a_terminal) {
    Asked story;
    story.lines(
        process("pid=50 ppid=1 start_tick=5 sid=50 pgid=50 tty=\"pts0\" uid=0 euid=0 "
                "exe=\"/usr/bin/bash\" argc=1 a0=\"bash\""));
    story.lines(fork(100, 50, 51) + session(101, 51) + fork(102, 51, 52));
    BOOST_TEST(story.last(FieldId::process_session_leader_pid) == "51");
    BOOST_TEST(story.last(FieldId::process_session_leader_same_as_process) == "0");
    BOOST_TEST(story.last(FieldId::process_group_leader_pid) == "51");
    BOOST_TEST(story.last(FieldId::process_interactive) == "0");
    story.lines(exec_at(103, 1, 50, 51, "/usr/bin/sleep", "(none)"));
    BOOST_TEST(story.last(FieldId::process_session_leader_same_as_process) == "1");
    BOOST_TEST(story.last(FieldId::process_session_leader_name) == "sleep");
}

BOOST_AUTO_TEST_CASE(a_leader_that_nobody_saw_has_its_pid) {
    Asked story;
    story.lines(process("pid=60 ppid=50 start_tick=6 sid=50 pgid=55 exe=\"/usr/bin/dash\" argc=1 "
                        "a0=\"sh\"") +
                fork(100, 60, 61));
    BOOST_TEST(story.last(FieldId::process_session_leader_pid) == "50");
    BOOST_TEST(story.last(FieldId::process_group_leader_pid) == "55");
    BOOST_TEST(story.last(FieldId::process_group_leader_entity_id) == "");
    BOOST_TEST(story.last(FieldId::process_group_leader_name) == "");
    BOOST_TEST(story.last(FieldId::process_group_leader_same_as_process) == "0");
}

BOOST_AUTO_TEST_CASE(paths_of_another_mount_namespace_or_root_are_marked) {
    FakeProcReader proc;
    Asked story(&proc);
    story.lines(process("pid=50 ppid=1 start_tick=5 foreign_mounts=1 own_root=0 "
                        "exe=\"/usr/bin/bash\" argc=1 a0=\"bash\"") +
                fork(100, 50, 51));
    BOOST_TEST(story.last(FieldId::process_view) == "mount_namespace");
    // Nobody could be asked: as before.
    story.lines(exec_at(101, 1, 50, 51, "/usr/bin/id", "(none)"));
    BOOST_TEST(story.last(FieldId::process_view) == "mount_namespace");
    // nsenter, chroot
    proc.after_exec[51].pid = 51;
    proc.after_exec[51].exe = "/usr/bin/sh";
    story.lines(exec_at(102, 2, 50, 51, "/usr/bin/sh", "(none)"));
    BOOST_TEST(story.last(FieldId::process_view) == "");
    proc.after_exec[51].own_root = true;
    story.lines(exec_at(103, 3, 50, 51, "/usr/bin/sh", "(none)"));
    BOOST_TEST(story.last(FieldId::process_view) == "root");
    proc.after_exec[51].foreign_mounts = true;
    story.lines(exec_at(104, 4, 50, 51, "/usr/bin/sh", "(none)"));
    BOOST_TEST(story.last(FieldId::process_view) == "mount_namespace,root");
}

BOOST_AUTO_TEST_CASE(a_session_outlives_its_leader) {
    Asked story;
    story.lines(fork(100, 50, 51) + session(101, 51) +
                exec_at(102, 1, 50, 51, "/usr/bin/setsid", "(none)"));
    // So many generations that nobody's ancestry holds it any more.
    const int last = 51 + 2 * static_cast<int>(ProcessTable::kMaxLineage);
    for (int pid = 51; pid < last; ++pid)
        story.lines(fork(103, pid, pid + 1) + exit(104, pid));
    story.lines(clock(70'000) + clock(140'000) + fork(140'001, last, last + 1));
    const ProcessPtr leader = story.normalizer.processes().find(51);
    BOOST_TEST(!leader);
    BOOST_TEST(story.last(FieldId::process_session_leader_pid) == "51");
    BOOST_TEST(story.last(FieldId::process_session_leader_name) == "setsid");
}

BOOST_AUTO_TEST_CASE(how_an_entry_began) {
    struct Row {
        const char* what;
        std::string parent;    // executable of pid 50
        std::string exe, tty;  // what pid 51 executes
        bool leads_session;
        std::string cgroup;
        std::string type, leader;
    };
    const Row rows[] = {
        {"a login shell", "/usr/sbin/sshd", "/usr/bin/bash", "pts1", true, "", "sshd", "51"},
        {"a command over ssh", "/usr/sbin/sshd", "/usr/bin/bash", "(none)", true, "", "sshd", "51"},
        {"sshd's own process", "/usr/sbin/sshd", "/usr/lib/openssh/sshd-session", "(none)", true,
         "", "init", "50"},
        {"of no session of its own", "/usr/sbin/sshd", "/usr/bin/id", "(none)", false, "", "init",
         "50"},
        {"over Amazon's agent", "/usr/bin/ssm-session-worker", "/usr/bin/sh", "pts0", true, "",
         "ssm", "51"},
        {"over teleport", "/usr/local/bin/teleport", "/usr/bin/bash", "pts0", true, "", "teleport",
         "51"},
        {"of kubelet", "/usr/bin/kubelet", "/usr/bin/du", "(none)", true, "", "kubelet", "51"},
        {"a terminal on the console", "/usr/bin/login", "/usr/bin/bash", "tty1", true, "",
         "console", "51"},
        {"a terminal program", "/usr/bin/tmux", "/usr/bin/bash", "pts3", true, "", "terminal",
         "51"},
        {"first of a container", "/usr/bin/containerd-shim-runc-v2", "/usr/bin/nginx", "(none)",
         true, "/system.slice/docker-" + kContainerId + ".scope", "container", "51"},
        {"its runtime is not", "/usr/bin/containerd-shim-runc-v2", "/usr/bin/runc", "(none)", true,
         "/system.slice/docker-" + kContainerId + ".scope", "init", "50"},
        {"a service's own child", "/usr/sbin/cron", "/usr/bin/sh", "(none)", true, "", "init",
         "50"},
    };
    for (const Row& row : rows) {
        BOOST_TEST_CONTEXT(row.what) {
            Asked story;
            story.lines(process("pid=1 ppid=0 start_tick=1 sid=1 pgid=1 exe=\"/sbin/init\"") +
                        process(fmt::format("pid=50 ppid=1 start_tick=5 sid=50 pgid=50 exe=\"{}\"",
                                            row.parent)));
            story.lines(fork(100, 50, 51) + (row.leads_session ? session(101, 51) : ""));
            if (!row.cgroup.empty())
                story.lines(asked(
                    102, fmt::format("pid=51 exe=\"{}\" cgroup=\"{}\"", row.exe, row.cgroup)));
            story.lines(exec_at(102, 1, 50, 51, row.exe, row.tty));
            BOOST_TEST(story.last(FieldId::process_entry_type) == row.type);
            BOOST_TEST(story.last(FieldId::process_entry_leader_pid) == row.leader);
            // Whatever it starts, terminals of its own included, stays below.
            story.lines(fork(103, 51, 52) + session(104, 52) +
                        exec_at(105, 2, 51, 52, "/usr/bin/zsh", "pts9"));
            if (row.type != "init")
                BOOST_TEST(story.last(FieldId::process_entry_leader_pid) == row.leader);
        }
    }
}

BOOST_AUTO_TEST_CASE(container_is_inherited_and_may_be_entered) {
    Asked story;
    story.lines(
        process("pid=50 ppid=1 start_tick=5 exe=\"/usr/sbin/nginx\" cgroup=\"/kubepods/"
                "besteffort/pod0a1b2c3d-1111-2222-3333-444455556666/" +
                kContainerId + "\""));
    story.lines(fork(100, 50, 51));
    BOOST_TEST(story.last(FieldId::container_id) == kContainerId);
    story.lines(exec_at(101, 1, 50, 51, "/usr/bin/sh", "(none)"));
    BOOST_TEST(story.last(FieldId::container_id) == kContainerId);
    BOOST_TEST(story.last(FieldId::kubernetes_pod_uid) == "0a1b2c3d-1111-2222-3333-444455556666");
    BOOST_TEST(story.last(FieldId::container_runtime) == "");
    const std::string other(64, 'd');
    story.lines(asked(102, "pid=51 exe=\"/usr/bin/id\" cgroup=\"/docker/" + other + "\"") +
                exec_at(102, 2, 50, 51, "/usr/bin/id", "(none)"));
    BOOST_TEST(story.last(FieldId::container_id) == other);
    BOOST_TEST(story.last(FieldId::container_runtime) == "docker");
    BOOST_TEST(story.last(FieldId::process_previous_executable) == "/usr/bin/sh");
}

BOOST_AUTO_TEST_CASE(standard_descriptors_are_asked_at_exec_and_the_replay_says_the_same) {
    FakeProcReader proc;
    ExecContext& answer = proc.after_exec[51];
    answer.pid = 51;
    answer.exe = "/usr/bin/bash";
    StandardDescriptor peer;
    peer.type = StandardDescriptor::Type::inet;
    peer.transport = StandardDescriptor::Transport::tcp;
    peer.peer_ip = "2001:db8:51::1";
    peer.peer_port = 4444;
    answer.stdio = {peer, peer, StandardDescriptor{}};
    answer.stdio[2].type = StandardDescriptor::Type::null;
    answer.variables = {"LD_PRELOAD=/tmp/a b.so"};
    answer.sid = 50;
    answer.pgid = 51;
    const std::string before = fork(100, 50, 51) + clock(101);
    const std::string record = exec_at(100, 1, 50, 51, "/usr/bin/bash", "(none)");
    Asked live(&proc);
    live.lines(before + record);
    BOOST_REQUIRE(live.learned.size() == 1U);

    Asked replay;
    replay.lines(before + asked(101, live.learned[0]) + record);
    for (const Story* story : {static_cast<Story*>(&live), static_cast<Story*>(&replay)}) {
        const detect::EventPtr& event = story->events.back();
        const std::pair<FieldId, const char*> fields[] = {
            {FieldId::process_stdio_stdin_type, "inet"},
            {FieldId::process_stdio_stdout_type, "inet"},
            {FieldId::process_stdio_stderr_type, "null"},
            {FieldId::process_stdio_type, "inet,null"},
            {FieldId::process_stdio_transport, "tcp"},
            {FieldId::process_stdio_peer_ip, "2001:db8:51::1"},
            {FieldId::process_stdio_peer_port, "4444"},
            {FieldId::process_stdio_source, "procfs"},
            {FieldId::process_env_vars, "LD_PRELOAD=/tmp/a b.so"},
            {FieldId::process_group_leader_same_as_process, "1"},
            {FieldId::context_late, ""},
        };
        for (const auto& [id, text] : fields)
            BOOST_TEST(joined(event, id) == text);
    }
    BOOST_TEST(live.normalizer.counters().execs_asked == 1U);
    BOOST_TEST(live.normalizer.counters().execs_gone == 0U);
}

BOOST_AUTO_TEST_CASE(an_answer_about_another_program_is_marked) {
    Asked story;
    story.lines(asked(100, "pid=51 exe=\"/usr/bin/bash\" fd0=tty") +
                exec_at(100, 1, 50, 51, "/usr/bin/env", "(none)"));
    BOOST_TEST(story.last(FieldId::context_late) == "1");
    BOOST_TEST(story.last(FieldId::process_stdio_stdin_type) == "tty");
    story.lines(asked(101, "pid=51 exe=\"/tmp/x (deleted)\" fd0=tty") +
                exec_at(101, 2, 50, 51, "/tmp/x", "(none)"));
    BOOST_TEST(story.last(FieldId::context_late) == "");
    story.lines(asked(102, "pid=51 gone=1") + exec_at(102, 3, 50, 51, "/tmp/y", "(none)"));
    BOOST_TEST(story.last(FieldId::process_stdio_type) == "");
}

BOOST_AUTO_TEST_CASE(nothing_is_asked_that_nobody_looks_at) {
    FakeProcReader proc;
    Story story(&proc);
    story.lines(host("audit,proc") + clock(0) + fork(100, 50, 51) +
                exec_at(100, 1, 50, 51, "/usr/bin/bash", "(none)"));
    BOOST_TEST(story.learned.empty());
    BOOST_TEST(story.normalizer.counters().execs_asked == 0U);
}

namespace {

std::string call(std::int64_t ms, int serial, int pid, int number, std::int64_t result,
                 const std::string& a0, const std::string& a1 = "0") {
    const Call made{.ms = ms,
                    .serial = serial,
                    .pid = pid,
                    .ppid = 50,
                    .exe = "/usr/bin/perl",
                    .number = number,
                    .exit = result,
                    .a0 = a0,
                    .a1 = a1};
    return syscall(made) + proctitle(made);
}
std::string connected(std::int64_t ms, int serial, int pid, const std::string& fd,
                      std::int64_t result = 0) {
    return with_sockaddr({.ms = ms,
                          .serial = serial,
                          .pid = pid,
                          .ppid = 50,
                          .exe = "/usr/bin/perl",
                          .number = 42,
                          .exit = result,
                          .a0 = fd},
                         kInet);
}
constexpr int kSocket = 41, kDup2 = 33, kFcntl = 72, kClose = 3, kDup3 = 292;

}  // namespace

BOOST_AUTO_TEST_CASE(records_show_a_socket_on_the_standard_descriptors) {
    const std::string made = call(100, 1, 51, kSocket, 3, "2", "1") + connected(101, 2, 51, "3");
    struct Row {
        const char* what;
        std::string lines;
        std::string in, out, error;
    };
    const Row rows[] = {
        {"on all three",
         made + call(102, 3, 51, kDup2, 0, "3", "0") + call(103, 4, 51, kDup2, 1, "3", "1") +
             call(104, 5, 51, kDup2, 2, "1", "2"),
         "inet", "inet", "inet"},
        {"non-blocking",
         connected(101, 2, 51, "3", -115) + call(102, 3, 51, kDup2, 0, "3", "0") +
             call(103, 4, 51, kDup3, 1, "3", "1"),
         "inet", "inet", ""},
        {"through another number",
         made + call(102, 3, 51, kFcntl, 10, "3", "0") + call(103, 4, 51, kDup2, 0, "a", "0") +
             call(104, 5, 51, kDup2, 2, "a", "2"),
         "inet", "", "inet"},
        {"another use of fcntl",
         made + call(102, 3, 51, kFcntl, 0, "3", "2") + call(103, 4, 51, kDup2, 1, "3", "1"), "",
         "", ""},
        {"on one alone: the number may be a file's by now",
         made + call(102, 3, 51, kDup2, 1, "3", "1") + call(103, 4, 51, kDup2, 2, "1", "2"), "", "",
         ""},
        {"closed before",
         made + call(102, 3, 51, kClose, 0, "3") + call(103, 4, 51, kDup2, 0, "3", "0") +
             call(104, 5, 51, kDup2, 1, "3", "1"),
         "", "", ""},
        {"replaced by something else",
         made + call(102, 3, 51, kDup2, 0, "3", "0") + call(103, 4, 51, kDup2, 1, "3", "1") +
             call(104, 5, 51, kDup2, 0, "7", "0"),
         "", "", ""},
        {"refused",
         connected(101, 2, 51, "3", -111) + call(102, 3, 51, kDup2, 0, "3", "0") +
             call(103, 4, 51, kDup2, 1, "3", "1"),
         "", "", ""},
    };
    for (const Row& row : rows) {
        BOOST_TEST_CONTEXT(row.what) {
            Asked story;
            story.lines(fork(50, 50, 51) + row.lines +
                        exec_at(110, 9, 50, 51, "/usr/bin/dash", "(none)"));
            BOOST_TEST(story.last(FieldId::process_stdio_stdin_type) == row.in);
            BOOST_TEST(story.last(FieldId::process_stdio_stdout_type) == row.out);
            BOOST_TEST(story.last(FieldId::process_stdio_stderr_type) == row.error);
            if (!row.in.empty()) {
                BOOST_TEST(story.last(FieldId::process_stdio_peer_ip) == "198.51.100.1");
                BOOST_TEST(story.last(FieldId::process_stdio_peer_port) == "4444");
                BOOST_TEST(story.last(FieldId::process_stdio_source) == "audit");
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(children_and_images_keep_the_descriptors) {
    Asked story;
    story.lines(fork(50, 50, 51) + call(100, 1, 51, kSocket, 3, "2", "1") +
                connected(101, 2, 51, "3") + fork(102, 51, 52) +
                call(103, 3, 52, kDup2, 0, "3", "0") + call(104, 4, 52, kDup2, 1, "3", "1") +
                exec_at(105, 5, 51, 52, "/usr/bin/dash", "(none)"));
    BOOST_TEST(story.last(FieldId::process_stdio_type) == "inet");
    // What the shell starts has its descriptors; the parent has not.
    story.lines(fork(106, 52, 53) + exec_at(107, 6, 52, 53, "/usr/bin/id", "(none)"));
    BOOST_TEST(story.last(FieldId::process_stdio_type) == "inet");
    story.lines(exec_at(108, 7, 50, 51, "/usr/bin/true", "(none)"));
    BOOST_TEST(story.last(FieldId::process_stdio_type) == "");
    // The number above the standard ones is not followed across an exec.
    story.lines(call(109, 8, 51, kDup2, 0, "3", "0") + call(110, 9, 51, kDup2, 1, "3", "1") +
                exec_at(111, 10, 50, 51, "/usr/bin/false", "(none)"));
    BOOST_TEST(story.last(FieldId::process_stdio_type) == "");
}

BOOST_AUTO_TEST_CASE(a_log_without_the_connector_shows_them_too) {
    Story story;
    AskedContext all;
    all.of_exec.stdio = true;
    story.normalizer.ask_for(all);
    story.lines(call(100, 1, 51, kSocket, 3, "2", "1") + connected(101, 2, 51, "3") +
                call(102, 3, 51, kDup2, 0, "3", "0") + call(103, 4, 51, kDup2, 1, "3", "1") +
                exec_at(104, 5, 50, 51, "/usr/bin/dash", "(none)"));
    BOOST_TEST(joined(story.events.back(), FieldId::process_stdio_type) == "inet");
}

BOOST_AUTO_TEST_CASE(capabilities_of_an_exec) {
    Asked story;
    story.lines(exec_at(100, 1, 50, 51, "/usr/bin/ping", "(none)",
                        "BPRM_FCAPS fver=2 fp=2000 fi=0 fe=1 old_pp=0 old_pi=0 old_pe=0 old_pa=0 "
                        "pp=2001 pi=0 pe=2000 pa=0 frootid=0"));
    BOOST_TEST(story.last(FieldId::process_capabilities_effective) == "CAP_NET_RAW");
    BOOST_TEST(story.last(FieldId::process_capabilities_permitted) == "CAP_CHOWN,CAP_NET_RAW");
    story.lines(exec_at(101, 2, 50, 51, "/usr/bin/id", "(none)"));
    BOOST_TEST(story.last(FieldId::process_capabilities_effective) == "");
    story.lines(exec_at(102, 3, 50, 51, "/usr/bin/id", "(none)", "", 0));
    BOOST_TEST(story.events.back()->values(FieldId::process_capabilities_effective).size() == 41U);
    // A change of the user takes the effective ones away.
    story.lines(uid(103, 51, 1000, 1000) + fork(104, 51, 52));
    BOOST_TEST(story.last(FieldId::process_capabilities_effective) == "");
    BOOST_TEST(story.last(FieldId::process_capabilities_permitted) == "");
}

BOOST_AUTO_TEST_CASE(group_names) {
    Asked story;
    story.lines("type=GROUP msg=capture(1): gid=1000 name=staff\n" +
                exec_at(100, 1, 50, 51, "/usr/bin/id", "(none)") + fork(101, 51, 52));
    BOOST_TEST(story.last(FieldId::group_name) == "staff");
    BOOST_TEST(story.last(FieldId::process_group_name) == "staff");
    BOOST_TEST(story.last(FieldId::process_parent_group_name) == "staff");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace audisp_eql::collector
