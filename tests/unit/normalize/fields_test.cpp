// SPDX-License-Identifier: Apache-2.0
// What the fields of each kind of event hold.
#include <boost/test/unit_test.hpp>

#include "tests/unit/normalize/lines.hpp"
#include "tests/unit/normalize/story.hpp"

namespace audisp_eql::collector {
namespace {

using detect::FieldId;
using namespace lines;

const std::string kLoader = "/lib64/ld-linux-x86-64.so.2";

std::string field(const Story& story, FieldId id) {
    BOOST_REQUIRE(!story.events.empty());
    return joined(story.events.back(), id);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(normalize)

BOOST_AUTO_TEST_CASE(names_and_executables_of_an_exec) {
    struct Row {
        const char* what;
        std::string exe;
        std::vector<std::string> args;
        std::vector<std::string> paths;
        std::string cwd;
        std::string executable;
        std::string name;
    };
    const Row rows[] = {
        {"by its own path",
         "/usr/bin/id",
         {"id"},
         {"/usr/bin/id", kLoader},
         "/",
         "/usr/bin/id",
         "id"},
        {"through a link to another name",
         "/usr/bin/nc.traditional",
         {"nc", "-l"},
         {"/usr/bin/nc", kLoader},
         "/",
         "/usr/bin/nc.traditional,/usr/bin/nc",
         "nc.traditional,nc"},
        {"through a link to another directory",
         "/usr/bin/bash",
         {"-bash"},
         {"/bin/bash", kLoader},
         "/",
         "/usr/bin/bash,/bin/bash",
         "bash"},
        {"relative", "/tmp/u", {"./u"}, {"./u", kLoader}, "/tmp", "/tmp/u", "u"},
        {"relative with detours",
         "/usr/bin/vim.tiny",
         {"vi"},
         {"../.././usr/bin//vi", kLoader},
         "/home/user",
         "/usr/bin/vim.tiny,/usr/bin/vi",
         "vim.tiny,vi"},
        {"a script",
         "/usr/bin/dash",
         {"/bin/sh", "/tmp/check.sh"},
         {"/tmp/check.sh", "/bin/sh", kLoader},
         "/",
         "/usr/bin/dash,/tmp/check.sh",
         "dash,check.sh,sh"},
        {"a relative script",
         "/usr/bin/dash",
         {"/bin/sh", "./run"},
         {"./run", "/bin/sh", kLoader},
         "/srv",
         "/usr/bin/dash,/srv/run",
         "dash,run,sh"},
        {"a script with an argument on its first line",
         "/usr/bin/python3.11",
         {"/usr/bin/python3", "-E", "/opt/tool", "x"},
         {"/opt/tool", "/usr/bin/python3", kLoader},
         "/",
         "/usr/bin/python3.11,/opt/tool",
         "python3.11,tool,python3"},
        {"a script of a script",
         "/usr/bin/dash",
         {"/bin/sh", "/opt/inner", "/opt/outer"},
         {"/opt/outer", "/opt/inner", "/bin/sh", kLoader},
         "/",
         "/usr/bin/dash,/opt/outer",
         "dash,outer,sh"},
        {"a script of a static interpreter",
         "/bin/busybox",
         {"/bin/ash", "/x"},
         {"/x", "/bin/ash"},
         "/",
         "/bin/busybox,/x",
         "busybox,x,ash"},
        {"a0 chosen to look like a script's",
         "/usr/bin/nc.openbsd",
         {kLoader, "-l"},
         {"/usr/bin/nc", kLoader},
         "/",
         "/usr/bin/nc.openbsd,/usr/bin/nc",
         "nc.openbsd,nc"},
        {"a0 is no name",
         "/usr/bin/nc.openbsd",
         {"systemd"},
         {"/usr/bin/nc", kLoader},
         "/",
         "/usr/bin/nc.openbsd,/usr/bin/nc",
         "nc.openbsd,nc"},
        {"by descriptor",
         "/usr/bin/true",
         {"true"},
         {"", kLoader},
         "/tmp",
         "/usr/bin/true",
         "true"},
        {"through /proc",
         "/usr/bin/true",
         {"true"},
         {"/proc/self/exe", kLoader},
         "/",
         "/usr/bin/true,/proc/self/exe",
         "true,exe"},
    };
    for (const Row& row : rows) {
        BOOST_TEST_CONTEXT(row.what) {
            Story story;
            story.lines(
                execve({.serial = 7, .pid = 10, .exe = row.exe}, row.args, row.paths, row.cwd));
            BOOST_TEST(field(story, FieldId::process_executable) == row.executable);
            BOOST_TEST(field(story, FieldId::process_name) == row.name);
            BOOST_TEST(field(story, FieldId::process_working_directory) == row.cwd);
            BOOST_TEST(field(story, FieldId::process_args_count) ==
                       std::to_string(row.args.size()));
        }
    }
}

BOOST_AUTO_TEST_CASE(memfd_is_what_runs) {
    Story story;
    std::string text =
        execve({.serial = 7, .pid = 10, .exe = "EXE", .number = 322}, {"x"}, {"", kLoader});
    const std::string hex = "2F6D656D66643A78202864656C6574656429";  // /memfd:x (deleted)
    text.replace(text.find("\"EXE\""), 5, hex);
    story.lines(text);
    BOOST_TEST(field(story, FieldId::process_executable) == "/memfd:x (deleted),memfd:x");
    BOOST_TEST(field(story, FieldId::process_name) == "memfd:x (deleted),memfd:x");
    BOOST_TEST(field(story, FieldId::process_ext_memfd_name) == "x");
    // And from /proc, where the name is its maker's choice.
    story.lines("type=PROC msg=proc(0): pid=11 ppid=1 start_tick=1 exe=\"/memfd:a/b\" argc=0\n" +
                connect(0, 8, 1, 11, "/memfd:a/b"));
    BOOST_TEST(field(story, FieldId::process_executable) == "/memfd:a/b,memfd:a/b");
    BOOST_TEST(field(story, FieldId::process_name) == "memfd:a/b");
}

BOOST_AUTO_TEST_CASE(an_exec_keeps_the_number_of_the_file) {
    Story story;
    story.lines(execve(0, 7, 1, 10, "/usr/bin/id"));
    BOOST_TEST(field(story, FieldId::file_inode) == "247230");
    BOOST_TEST(field(story, FieldId::file_device) == "fe:00");
    BOOST_TEST(field(story, FieldId::file_path) == "");
    BOOST_TEST(field(story, FieldId::event_category) == "process");
    // Nothing else has it.
    story.lines(connect(1, 8, 1, 10, "/usr/bin/id"));
    BOOST_TEST(field(story, FieldId::file_inode) == "");
}

BOOST_AUTO_TEST_CASE(names_of_users_are_related) {
    Story story;
    story.lines(
        "type=USER msg=capture(1): uid=1000 name=anna\n"
        "type=USER msg=capture(1): uid=0 name=root\n" +
        execve(0, 7, 1, 10, "/usr/bin/id"));
    BOOST_TEST(field(story, FieldId::related_user) == "anna");
    BOOST_TEST(field(story, FieldId::user_ext_real_name) == "anna");
    story.lines(execve({.ms = 1, .serial = 8, .pid = 10, .exe = "/usr/bin/su", .euid = 0}, {"su"},
                       {"/usr/bin/su", kLoader}));
    BOOST_TEST(field(story, FieldId::related_user) == "root,anna");
    BOOST_TEST(field(story, FieldId::user_ext_real_name) == "anna");
}

// execveat: the name is relative to a descriptor that no record names, unless that is AT_FDCWD.
BOOST_AUTO_TEST_CASE(execveat_relative_to_a_descriptor_is_not_taken_for_the_directorys) {
    for (const auto& [a0, executable] :
         {std::pair("5", "/opt/run"), std::pair("ffffff9c", "/opt/run,/tmp/run")}) {
        Story story;
        story.lines(execve({.serial = 7, .pid = 10, .exe = "/opt/run", .number = 322, .a0 = a0},
                           {"run"}, {"run", kLoader}, "/tmp"));
        BOOST_TEST(field(story, FieldId::process_executable) == executable);
    }
}

BOOST_AUTO_TEST_CASE(exec_that_failed_makes_no_event) {
    Story story;
    const Call call{.serial = 7, .pid = 10, .exe = "/usr/bin/bash", .exit = -2};
    story.lines(syscall(call) + path(call, 0, "/usr/local/bin/nc") + proctitle(call));
    BOOST_TEST(story.told() == "");
    BOOST_TEST(story.normalizer.counters().ignored == 1U);
}

BOOST_AUTO_TEST_CASE(fields_of_an_exec) {
    Story story;
    story.lines(clock(0) + host("audit,proc") +
                "type=USER msg=capture(1): uid=1000 name=user\n"
                "type=USER msg=capture(1): uid=0 name=root\n"
                "type=GROUP msg=capture(1): gid=1000 name=users\n" +
                fork(9, 10, 11) + exec(10, 11) + clock(12) +
                execve({.ms = 10,
                        .serial = 7,
                        .pid = 11,
                        .ppid = 10,
                        .exe = "/usr/bin/su",
                        .uid = 1000,
                        .euid = 0},
                       {"su", "-", "root"}, {"/usr/bin/su", kLoader}));
    const std::pair<FieldId, std::string> rows[] = {
        {FieldId::timestamp, std::to_string((kStartWallMs + 10) * 1000)},
        {FieldId::event_start, std::to_string((kStartWallMs + 10) * 1000)},
        {FieldId::event_kind, "event"},
        {FieldId::event_module, "auditd"},
        {FieldId::event_outcome, "success"},
        {FieldId::auditd_syscall, "execve"},
        {FieldId::auditd_result, "success"},
        {FieldId::audit_key, "audisp-eql"},
        {FieldId::host_id, "8c7d"},
        {FieldId::host_name, "web1"},
        {FieldId::host_hostname, "web1"},
        {FieldId::host_os_type, "linux"},
        {FieldId::host_os_kernel, "6.18.44"},
        {FieldId::process_pid, "11"},
        {FieldId::process_parent_pid, "10"},
        {FieldId::process_args, "su,-,root"},
        {FieldId::process_command_line, "su - root"},
        {FieldId::process_start, std::to_string((kStartWallMs + 9) * 1000)},
        {FieldId::process_interactive, "1"},
        {FieldId::process_tty_name, "pts0"},
        {FieldId::user_id, "0"},
        {FieldId::user_name, "root"},
        {FieldId::user_effective_id, "0"},
        {FieldId::user_audit_id, "1000"},
        {FieldId::user_ext_real_id, "1000"},
        {FieldId::user_ext_real_name, "user"},
        {FieldId::process_user_id, "0"},
        {FieldId::process_real_user_id, "1000"},
        {FieldId::group_id, "1000"},
        {FieldId::group_name, "users"},
        {FieldId::process_real_group_id, "1000"},
    };
    for (const auto& [id, value] : rows)
        BOOST_TEST_CONTEXT(detect::kFieldRows[static_cast<std::size_t>(id)].name)
    BOOST_TEST(field(story, id) == value);
    BOOST_TEST(field(story, FieldId::process_parent_entity_id) ==
               field(story, FieldId::process_ext_ancestry));
    BOOST_TEST((story.events.back()->origin().kind == detect::Origin::Kind::audit));
    BOOST_TEST(story.events.back()->origin().serial == 7U);
}

BOOST_AUTO_TEST_CASE(no_terminal_is_not_interactive) {
    Story story;
    story.lines(execve({.serial = 7, .pid = 11, .exe = "/usr/bin/id", .tty = "(none)"}, {"id"},
                       {"/usr/bin/id", kLoader}));
    BOOST_TEST(field(story, FieldId::process_interactive) == "0");
    BOOST_TEST(field(story, FieldId::process_tty_name) == "");
}

BOOST_AUTO_TEST_CASE(every_inet_connect_is_an_event_whatever_came_of_it) {
    struct Row {
        std::int64_t result;
        const char* outcome;
        const char* recorded;
    };
    for (const Row& row : {Row{0, "success", "success"}, Row{-115, "unknown", "fail"},
                           Row{-111, "failure", "fail"}, Row{-110, "failure", "fail"},
                           Row{-106, "failure", "fail"}, Row{-114, "failure", "fail"}}) {
        Story story;
        story.lines(connect(0, 1, 1, 10, "/usr/bin/nc", row.result));
        BOOST_TEST(field(story, FieldId::event_outcome) == row.outcome);
        BOOST_TEST(field(story, FieldId::auditd_result) == row.recorded);
        BOOST_TEST(field(story, FieldId::destination_ip) == "198.51.100.1");
        BOOST_TEST(field(story, FieldId::destination_address) == "198.51.100.1");
        BOOST_TEST(field(story, FieldId::destination_port) == "4444");
        BOOST_TEST(field(story, FieldId::network_direction) == "egress");
        BOOST_TEST(field(story, FieldId::network_type) == "ipv4");
        BOOST_TEST(field(story, FieldId::source_ip) == "");
    }
}

BOOST_AUTO_TEST_CASE(second_connect_of_a_non_blocking_socket_is_no_new_attempt) {
    Story story;
    const std::string nc = "/usr/bin/nc";
    story.lines(connect(0, 1, 1, 10, nc, -115) + connect(5, 2, 1, 10, nc, -114) +
                connect(9, 3, 1, 10, nc, -106));
    BOOST_TEST(story.normalizer.counters().connect == 1U);
    BOOST_TEST(story.normalizer.counters().repeated_connects == 2U);
    // Another address, another process, the same one a minute later: attempts.
    story.lines(connect(10, 4, 1, 10, nc, -106, kInet6) + connect(11, 5, 1, 11, nc, -106) +
                connect(60'020, 6, 1, 10, nc, -106));
    BOOST_TEST(story.normalizer.counters().connect == 4U);
    BOOST_TEST(field(story, FieldId::process_pid) == "10");
    // A real second attempt is one.
    story.lines(connect(60'030, 7, 1, 10, nc, 0));
    BOOST_TEST(story.normalizer.counters().connect == 5U);
}

BOOST_AUTO_TEST_CASE(socketcall_repeats_are_told_by_the_packed_descriptor) {
    Story story;
    const auto packed = [](int serial, int descriptor, std::int64_t result) {
        const Call call{.serial = serial,
                        .pid = 10,
                        .exe = "/tmp/r",
                        .number = 102,
                        .arch = "40000003",
                        .exit = result,
                        .a0 = "3"};
        return syscall(call) +
               fmt::format(
                   "type=SOCKETCALL msg={}: nargs=3 a0={:x} a1=ffd0 a2=10\n"
                   "type=SOCKADDR msg={}: saddr={}\n",
                   stamp(0, serial), descriptor, stamp(0, serial), kInet) +
               proctitle(call);
    };
    story.lines(packed(1, 3, -115) + packed(2, 3, -114) + packed(3, 4, -114));
    BOOST_TEST(story.normalizer.counters().connect == 2U);
    BOOST_TEST(field(story, FieldId::auditd_syscall) == "socketcall");
}

BOOST_AUTO_TEST_CASE(connects_of_other_families_make_no_event) {
    for (const std::string_view saddr : {kUnix, std::string_view("0000000000000000"),
                                         std::string_view("100000000000000000000000")}) {
        Story story;
        story.lines(connect(0, 1, 1, 10, "/usr/bin/nc", 0, saddr) +
                    accept(0, 2, 1, 10, "/usr/bin/nc", saddr));
        BOOST_TEST(story.told() == "");
        BOOST_TEST(story.normalizer.counters().ignored == 2U);
    }
}

BOOST_AUTO_TEST_CASE(accept_shows_the_peer) {
    Story story;
    story.lines(accept(0, 1, 1, 10, "/usr/bin/nc", kInet6));
    BOOST_TEST(field(story, FieldId::source_ip) == "2001:db8:51::1");
    BOOST_TEST(field(story, FieldId::source_port) == "443");
    BOOST_TEST(field(story, FieldId::destination_ip) == "2001:db8:51::1");
    BOOST_TEST(field(story, FieldId::destination_port) == "");
    BOOST_TEST(field(story, FieldId::network_direction) == "ingress");
    BOOST_TEST(field(story, FieldId::network_type) == "ipv6");
    BOOST_TEST(field(story, FieldId::event_outcome) == "success");
}

// accept(fd, NULL, NULL): there is no SOCKADDR record.
BOOST_AUTO_TEST_CASE(accept_without_an_address_is_still_one) {
    Story story;
    story.lines(accept(0, 1, 1, 10, "/usr/bin/node", ""));
    BOOST_TEST(field(story, FieldId::event_action) ==
               "connection_accepted,accepted-connection-from");
    BOOST_TEST(field(story, FieldId::source_ip) == "");
    BOOST_TEST(field(story, FieldId::destination_ip) == "");
    BOOST_TEST(field(story, FieldId::network_type) == "");
    BOOST_TEST(story.normalizer.counters().accepts_without_peer == 1U);
}

// Live: entered five minutes ago, returned now.
BOOST_AUTO_TEST_CASE(accept_that_waited_is_dated_by_its_receipt) {
    Story story;
    story.lines(clock(0) + host("audit,proc") + clock(300'000) +
                accept(5, 1, 1, 10, "/usr/sbin/sshd"));
    BOOST_TEST(story.events.back()->time().engine_ns == mono_ns(300'000));
    BOOST_TEST(field(story, FieldId::timestamp) == std::to_string((kStartWallMs + 300'000) * 1000));
    BOOST_TEST(field(story, FieldId::event_start) == std::to_string((kStartWallMs + 5) * 1000));
}

BOOST_AUTO_TEST_CASE(fork_has_the_ids_of_its_moment) {
    Story story;
    story.lines(clock(0) + host("audit,proc") + clock(10) + connect(9, 1, 1, 10, "/usr/sbin/sshd") +
                fork(20, 10, 11));
    BOOST_TEST(field(story, FieldId::user_id) == "1000");
    BOOST_TEST(field(story, FieldId::process_parent_user_id) == "1000");
    // A record that is older than what the connector said does not bring the old id back.
    story.lines(uid(30, 11, 33, 33) + clock(32) + connect(25, 2, 10, 11, "/usr/sbin/sshd") +
                fork(40, 11, 12));
    BOOST_TEST(field(story, FieldId::user_id) == "33");
    story.lines(clock(52) + connect(50, 3, 10, 11, "/usr/sbin/sshd") + fork(60, 11, 13));
    BOOST_TEST(field(story, FieldId::user_id) == "1000");
}

BOOST_AUTO_TEST_CASE(records_that_cannot_be_read_are_counted) {
    Story story;
    story.lines(
        "type=SYSCALL msg=audit(1.000:1): nonsense\n"
        "type=PROCTITLE msg=audit(1.000:1): proctitle=\"x\"\n"
        "type=CONFIG_CHANGE msg=audit(1.000:2): op=set audit_backlog_limit=65536\n");
    story.lines(connect(0, 3, 1, 10, "/usr/bin/nc", 0, "0200"));
    story.finish();
    BOOST_TEST(story.told() == "");
    BOOST_TEST(story.normalizer.counters().undecoded == 2U);
    BOOST_TEST(story.normalizer.counters().ignored == 1U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace audisp_eql::collector
