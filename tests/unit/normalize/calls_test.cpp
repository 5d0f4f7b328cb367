// SPDX-License-Identifier: Apache-2.0
// System calls and policy records as Linux 6.18 wrote them (what this kernel cannot write is
// marked).
#include <boost/test/unit_test.hpp>

#include "tests/unit/normalize/lines.hpp"
#include "tests/unit/normalize/story.hpp"

namespace audisp_eql::collector {
namespace {

using detect::FieldId;

// A SYSCALL record in the place of the recorded ones: they differ in these words only.
std::string call(int number, std::string_view arguments, std::int64_t exit,
                 std::string_view arch = "c000003e") {
    return fmt::format(
        "type=SYSCALL msg=audit(1795326694.217:31187): arch={} syscall={} success={} exit={} {} "
        "items=0 ppid=5699 pid=5769 auid=4294967295 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 "
        "sgid=0 fsgid=0 tty=(none) ses=4294967295 comm=\"doors\" exe=\"/tmp/calls/doors\" "
        "key=\"audisp-eql-m\"\n",
        arch, number, exit < 0 ? "no" : "yes", exit, arguments);
}
std::string record(std::string_view type, std::string_view body) {
    return fmt::format("type={} msg=audit(1795326694.217:31187): {}\n", type, body);
}
const std::string kEnd = record("PROCTITLE", "proctitle=\"doors\"");

struct Expected {
    const char* what;
    std::string lines;
    const char* action;
    std::vector<std::pair<FieldId, std::string>> fields;
};

void check(const Expected& row) {
    BOOST_TEST_CONTEXT(row.what) {
        Story story;
        story.lines(row.lines + kEnd);
        story.finish();
        std::erase_if(story.events, [](const detect::EventPtr& event) {
            return joined(event, FieldId::event_action) == "fork";  // inferred
        });
        BOOST_REQUIRE(story.events.size() == 1U);
        const detect::EventPtr& event = story.events.front();
        BOOST_TEST(joined(event, FieldId::event_action) == row.action);
        BOOST_TEST(joined(event, FieldId::process_pid) == "5769");
        BOOST_TEST(joined(event, FieldId::process_executable) == "/tmp/calls/doors");
        for (const auto& [field, value] : row.fields)
            BOOST_TEST_CONTEXT(detect::kFieldRows[static_cast<std::size_t>(field)].name)
        BOOST_TEST(joined(event, field) == value);
    }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(normalize)

BOOST_AUTO_TEST_CASE(calls_become_events_with_their_raw_arguments) {
    const std::string target =
        record("OBJ_PID", "opid=5770 oauid=-1 ouid=0 oses=-1 ocomm=\"doors\"");
    const std::string inet = record("SOCKADDR", "saddr=0200115C7F0000010000000000000000");
    const std::vector<Expected> rows = {
        {"ptrace",
         call(101, "a0=10 a1=168a a2=0 a3=0", 0) + target,
         "ptrace",
         {{FieldId::process_ext_ptrace_child_pid, "5770"},
          {FieldId::auditd_syscall, "ptrace"},
          {FieldId::auditd_a0, "10"},
          {FieldId::auditd_opid, "5770"}}},
        {"kill",
         call(62, "a0=168c a1=a a2=0 a3=7f7d7e22a830", 0) + target,
         "killed-pid",
         {{FieldId::auditd_opid, "5770"},
          {FieldId::auditd_ocomm, "doors"},
          {FieldId::auditd_a1, "a"},
          {FieldId::process_ext_ptrace_child_pid, ""}}},
        {"kill that was refused",
         call(62, "a0=1 a1=9 a2=0 a3=0", -1),
         "killed-pid",
         {{FieldId::event_outcome, "failure"}, {FieldId::auditd_exit, "EPERM"}}},
        {"memfd_create",
         call(319, "a0=55ca26fb0093 a1=1 a2=0 a3=0", 3),
         "memfd_create",
         {{FieldId::auditd_exit, "3"}, {FieldId::event_category, "process"}}},
        // No modules in the kernel that the others were recorded on.
        {"finit_module",
         call(313, "a0=3 a1=55d0c8f7c2a6 a2=0 a3=3", 0) +
             record("KERN_MODULE", "name=\"nf_tables\""),
         "load_module,loaded-kernel-module",
         {{FieldId::auditd_name, "nf_tables"},
          {FieldId::process_ext_load_module_name, "nf_tables"},
          {FieldId::auditd_syscall, "finit_module"},
          {FieldId::event_category, "process,driver"}}},
        {"delete_module",
         call(176, "a0=7ffd1c0c5a68 a1=800 a2=0 a3=0", 0) + record("KERN_MODULE", "name=\"dummy\""),
         "unload_module,unloaded-kernel-module",
         {{FieldId::auditd_name, "dummy"},
          {FieldId::event_type, "end"},
          {FieldId::process_ext_load_module_name, ""}}},
        {"bind",
         call(49, "a0=3 a1=7ffc7d1bd6a0 a2=10 a3=7f21b1a2a830", 0) + inet,
         "bound-socket",
         {{FieldId::auditd_socket_family, "ipv4"},
          {FieldId::auditd_socket_addr, "127.0.0.1"},
          {FieldId::auditd_socket_port, "4444"},
          {FieldId::destination_ip, ""}}},
        {"bind of a packet socket",
         call(49, "a0=3 a1=7ffc7d1bd6a0 a2=14 a3=0", 0) +
             record("SOCKADDR", "saddr=1100000300000000000000000000000000000000"),
         "bound-socket",
         {{FieldId::auditd_socket_family, "17"}}},
        {"listen",
         call(50, "a0=3 a1=1 a2=10 a3=7f21b1a2a830", 0),
         "listen-for-connections",
         {{FieldId::event_category, "network"}}},
        {"UDP sendto",
         call(44, "a0=3 a1=55843359e03c a2=1 a3=0", 1) + inet,
         "sent-to",
         {{FieldId::destination_ip, "127.0.0.1"}, {FieldId::destination_port, "4444"}}},
        {"mount",
         call(165, "a0=56490f478119 a1=56490f478114 a2=56490f47810e a3=0", 0) +
             record("CWD", "cwd=\"/work\""),
         "mounted",
         {{FieldId::event_outcome, "success"}}},
        {"umount2",
         call(166, "a0=56490f478114 a1=2 a2=0 a3=0", -16),
         "unmounted",
         {{FieldId::auditd_exit, "EBUSY"}}},
        {"capset",
         call(126, "a0=7fff2bd61468 a1=7fff2bd61450 a2=7fe34af1f829 a3=64", 0) +
             record("CAPSET",
                    "pid=5768 cap_pi=0 cap_pp=000001fffeffffff cap_pe=000001fffcffffff "
                    "cap_pa=0"),
         "",
         {{FieldId::auditd_cap_effective, "000001fffcffffff"},
          {FieldId::auditd_cap_permitted, "000001fffeffffff"},
          {FieldId::auditd_syscall, "capset"}}},
        {"capset that keeps little",
         call(126, "a0=7fff2bd61468 a1=7fff2bd61450 a2=7fe34af1f829 a3=64", 0) +
             record("CAPSET", "pid=5768 cap_pi=0 cap_pp=3000 cap_pe=2000 cap_pa=0"),
         "",
         {{FieldId::process_capabilities_effective, "CAP_NET_RAW"},
          {FieldId::process_capabilities_permitted, "CAP_NET_ADMIN,CAP_NET_RAW"}}},
        {"unshare",
         call(272, "a0=4000000 a1=55d69d679220 a2=0 a3=7fcc19a2a830", 0),
         "",
         {{FieldId::auditd_syscall, "unshare"}, {FieldId::auditd_a0, "4000000"}}},
        {"splice",
         call(275, "a0=3 a1=0 a2=6 a3=0", 1),
         "",
         {{FieldId::auditd_syscall, "splice"},
          {FieldId::auditd_a2, "6"},
          {FieldId::event_type, "info"},
          {FieldId::event_category, "process"}}},
    };
    for (const Expected& row : rows)
        check(row);
}

BOOST_AUTO_TEST_CASE(doors_into_the_network_are_attempts) {
    const std::string inet = record("SOCKADDR", "saddr=0200115C7F0000010000000000000000");
    const std::string ring =
        "uring_op=16 success={} exit={} items=0 ppid=5699 pid=5769 uid=0 gid=0 "
        "euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 key=\"audisp-eql-uring\"";
    const auto with = [](std::string text, std::string_view success, std::string_view exit) {
        text.replace(text.find("{}"), 2, success);
        return text.replace(text.find("{}"), 2, exit);
    };
    const std::vector<std::pair<Expected, const char*>> rows = {
        {{"sendto with MSG_FASTOPEN",
          call(44, "a0=3 a1=5629b3bc203c a2=1 a3=20000000", -111) + inet,
          "",
          {{FieldId::auditd_syscall, "sendto"}}},
         "failure"},
        {{"sendmsg with MSG_FASTOPEN",
          call(46, "a0=3 a1=7ffc0142e460 a2=20000000 a3=0", -115) + inet,
          "",
          {}},
         "unknown"},
        {{"socketcall's sendto",
          call(102, "a0=b a1=ffd0 a2=0 a3=0", 1, "40000003") +
              record("SOCKETCALL", "nargs=6 a0=3 a1=ff01 a2=1 a3=20000000 a4=ff02 a5=10") + inet,
          "",
          {{FieldId::auditd_syscall, "socketcall"}}},
         "success"},
        {{"connect of i386",
          call(362, "a0=3 a1=41092000 a2=10 a3=0", -111, "40000003") + inet,
          "",
          {}},
         "failure"},
        // x32 is off in this kernel: the number has its bit (asm/unistd.h).
        {{"connect of x32",
          call(0x40000000 | 42, "a0=3 a1=ff092000 a2=10 a3=0", 0) + inet,
          "",
          {{FieldId::auditd_syscall, "connect"}}},
         "success"},
        {{"sendmmsg of x32 with MSG_FASTOPEN",
          call(0x40000000 | 538, "a0=3 a1=ff092000 a2=1 a3=20000000", 1) + inet,
          "",
          {}},
         "success"},
        {{"io_uring_enter",
          record("URINGOP", with(ring, "no", "-11")) + record("URINGOP", with(ring, "yes", "0")) +
              call(426, "a0=3 a1=1 a2=1 a3=1", 1) + inet,
          "",
          {{FieldId::auditd_syscall, "io_uring_enter"}}},
         "success"},
    };
    for (const auto& [row, outcome] : rows) {
        Expected expected = row;
        expected.action = "connection_attempted,connected-to";
        expected.fields.insert(expected.fields.end(), {{FieldId::destination_ip, "127.0.0.1"},
                                                       {FieldId::destination_port, "4444"},
                                                       {FieldId::network_direction, "egress"},
                                                       {FieldId::event_outcome, outcome}});
        check(expected);
    }
}

// SQPOLL: the kernel's thread connects; audit's io_uring list writes two events, the second without
// the address.
BOOST_AUTO_TEST_CASE(connect_of_a_polled_ring_has_no_system_call) {
    Story story;
    story.lines(
        "type=URINGOP msg=audit(1795326694.709:7): uring_op=16 success=no exit=-11 items=0 "
        "ppid=5699 pid=5795 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 key=\"k\"\n"
        "type=SOCKADDR msg=audit(1795326694.709:7): saddr=0200115C7F0000010000000000000000\n"
        "type=EOE msg=audit(1795326694.709:7): \n"
        "type=URINGOP msg=audit(1795326694.709:8): uring_op=16 success=yes exit=0 items=0 "
        "ppid=5699 pid=5795 uid=0 gid=0 euid=0 suid=0 fsuid=0 egid=0 sgid=0 fsgid=0 key=\"k\"\n"
        "type=EOE msg=audit(1795326694.709:8): \n");
    story.finish();
    BOOST_REQUIRE(story.normalizer.counters().connect == 1U);
    const detect::EventPtr& event = story.events.back();
    BOOST_TEST(joined(event, FieldId::process_pid) == "5795");
    BOOST_TEST(joined(event, FieldId::process_parent_pid) == "5699");
    BOOST_TEST(joined(event, FieldId::destination_port) == "4444");
    BOOST_TEST(joined(event, FieldId::event_outcome) == "unknown");
    BOOST_TEST(joined(event, FieldId::user_id) == "0");
}

// This kernel has neither AppArmor nor SELinux: the records as their documentation shows them.
BOOST_AUTO_TEST_CASE(policies_tell_what_they_refused) {
    const std::string open = call(257, "a0=ffffff9c a1=7ffd a2=0 a3=0", -13);
    const std::vector<Expected> rows = {
        {"AppArmor, a file",
         open + record("AVC",
                       "apparmor=\"DENIED\" operation=\"open\" class=\"file\" "
                       "profile=\"/usr/sbin/cupsd\" name=\"/etc/shadow\" pid=5769 "
                       "comm=\"cupsd\" requested_mask=\"r\" denied_mask=\"r\" fsuid=0 "
                       "ouid=0"),
         "violated-apparmor-policy",
         {{FieldId::event_category, "process,file"},
          {FieldId::auditd_class, "file"},
          {FieldId::auditd_profile, "/usr/sbin/cupsd"},
          {FieldId::auditd_name, "/etc/shadow"},
          {FieldId::auditd_requested_mask, "r"},
          {FieldId::event_outcome, "failure"}}},
        {"AppArmor in complain mode, a capability",
         open + record("AVC",
                       "apparmor=\"ALLOWED\" operation=\"capable\" class=\"cap\" "
                       "profile=\"snap.x\" pid=5769 comm=\"x\" capability=21 "
                       "capname=\"sys_admin\""),
         "violated-apparmor-policy",
         {{FieldId::event_category, "process"},
          {FieldId::auditd_capname, "sys_admin"},
          {FieldId::event_outcome, "success"}}},
        {"SELinux",
         open + record("AVC",
                       "avc:  denied  { read open } for  pid=5769 comm=\"httpd\" "
                       "name=\"shadow\" dev=\"dm-0\" ino=131 "
                       "scontext=system_u:system_r:httpd_t:s0 "
                       "tcontext=system_u:object_r:shadow_t:s0 tclass=file permissive=0"),
         "violated-selinux-policy",
         {{FieldId::auditd_permission, "read open"},
          {FieldId::auditd_tclass, "file"},
          {FieldId::auditd_scontext, "system_u:system_r:httpd_t:s0"},
          {FieldId::auditd_name, "shadow"}}},
    };
    for (const Expected& row : rows)
        check(row);
}

BOOST_AUTO_TEST_CASE(what_a_policy_only_notes_is_no_violation) {
    Story story;
    story.lines(
        "type=AVC msg=audit(1.000:1): apparmor=\"STATUS\" operation=\"profile_load\" "
        "profile=\"unconfined\" name=\"x\" pid=9 comm=\"apparmor_parser\"\n"
        "type=AVC msg=audit(1.000:2): avc:  granted  { load_policy } for  pid=9 comm=\"x\"\n");
    story.finish();
    BOOST_TEST(story.told() == "");
}

BOOST_AUTO_TEST_CASE(records_of_no_system_call_name_their_process) {
    const std::vector<Expected> rows = {
        {"AppArmor outside a system call",
         record("AVC",
                "apparmor=\"DENIED\" operation=\"sendmsg\" class=\"net\" profile=\"x\" "
                "pid=5769 comm=\"x\" exe=\"/tmp/calls/doors\" family=\"inet\" "
                "sock_type=\"dgram\""),
         "violated-apparmor-policy",
         {{FieldId::event_category, "process,network"}}},
        {"seccomp",
         record("SECCOMP",
                "auid=4294967295 uid=0 gid=0 ses=4294967295 pid=5769 comm=\"doors\" "
                "exe=\"/tmp/calls/doors\" sig=31 arch=c000003e syscall=140 compat=0 "
                "ip=0x7fada891f829 code=0x80000000"),
         "violated-seccomp-policy",
         {{FieldId::auditd_syscall, "getpriority"},
          {FieldId::auditd_sig, "31"},
          {FieldId::process_name, "doors"}}},
        {"an abnormal end",
         record("ANOM_ABEND",
                "auid=4294967295 uid=0 gid=0 ses=4294967295 pid=5769 comm=\"doors\" "
                "exe=\"/tmp/calls/doors\" sig=6 res=1"),
         "crashed-program",
         {{FieldId::auditd_sig, "6"},
          {FieldId::auditd_message_type, "anom_abend"},
          {FieldId::user_id, "0"},
          {FieldId::user_audit_id, ""}}},
    };
    for (const Expected& row : rows)
        check(row);
}

// x32 is off in this kernel.
BOOST_AUTO_TEST_CASE(execs_of_x32_are_execs) {
    for (const int number : {520, 545}) {
        check({"exec of x32",
               call(0x40000000 | number, "a0=1 a1=2 a2=3 a3=4", 0) +
                   record("EXECVE", "argc=2 a0=\"doors\" a1=\"x\"") + record("CWD", "cwd=\"/\""),
               "exec,executed",
               {{FieldId::process_args, "doors,x"}}});
    }
}

BOOST_AUTO_TEST_CASE(what_nobody_looks_at_becomes_no_event) {
    Story story;
    int asked = 0;
    story.normalizer.set_filter([&](EventKind kind, std::string_view syscall) {
        ++asked;
        return kind == EventKind::other_syscall && syscall == "splice";
    });
    for (int i = 0; i < 3; ++i)
        story.lines(call(275, "a0=3 a1=0 a2=6 a3=0", 1) + kEnd +
                    call(272, "a0=0 a1=0 a2=0 a3=0", 0) + kEnd +
                    call(62, "a0=1 a1=9 a2=0 a3=0", 0) + kEnd);
    story.finish();
    BOOST_TEST(asked == 3);  // once for each kind and call
    BOOST_TEST(story.normalizer.counters().other == 3U);
    BOOST_TEST(joined(story.events.back(), FieldId::auditd_syscall) == "splice");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace audisp_eql::collector
