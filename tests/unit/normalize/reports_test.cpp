// SPDX-License-Identifier: Apache-2.0
// What programs of Debian 12 report to audit (shadow-utils, PAM's su), and OpenSSH's server.
#include <algorithm>

#include <boost/test/unit_test.hpp>

#include "tests/unit/normalize/lines.hpp"
#include "tests/unit/normalize/story.hpp"

namespace audisp_eql::collector {
namespace {

using detect::FieldId;

std::string report(std::string_view type, std::string_view message, int serial = 31246) {
    return fmt::format(
        "type={} msg=audit(1795326694.793:{}): pid=5798 uid=0 auid=1000 ses=3 msg='{}'\n", type,
        serial, message);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(normalize)

BOOST_AUTO_TEST_CASE(reports_of_user_space) {
    struct Row {
        const char* type;
        const char* message;
        const char* action;
        std::vector<std::pair<FieldId, std::string>> fields;
    };
    const std::vector<Row> rows = {
        {"USER_LOGIN",
         "op=login acct=\"root\" exe=\"/usr/sbin/sshd\" hostname=? addr=198.51.100.7 "
         "terminal=sshd res=failed",
         "user_login,ssh_login,logged-in",
         {{FieldId::user_name, "root"},
          {FieldId::user_id, "0"},
          {FieldId::related_user, "root"},  // the account and who reports it
          {FieldId::source_ip, "198.51.100.7"},
          {FieldId::event_outcome, "failure"},
          {FieldId::event_category, "authentication"},
          {FieldId::auditd_message_type, "user_login"},
          {FieldId::auditd_addr, "198.51.100.7"},
          {FieldId::auditd_terminal, "sshd"},
          {FieldId::auditd_hostname, ""},
          {FieldId::process_name, "sshd"},
          {FieldId::process_user_id, "0"},
          {FieldId::user_audit_id, "1000"}}},
        {"USER_LOGIN",
         "op=login id=1001 exe=\"/usr/lib/openssh/sshd-session\" hostname=::ffff:198.51.100.7 "
         "addr=? terminal=/dev/pts/0 res=success",
         "user_login,ssh_login,logged-in",
         {{FieldId::user_name, "aeqltest"},
          {FieldId::user_id, "1001"},
          {FieldId::source_ip, "198.51.100.7"},
          {FieldId::event_outcome, "success"}}},
        {"USER_LOGIN",
         "op=login acct=\"user\" exe=\"/usr/bin/login\" hostname=? addr=? terminal=tty1 res=failed",
         "user_login,logged-in",
         {{FieldId::source_ip, ""}, {FieldId::user_id, ""}}},
        // What the name holds was the client's to choose.
        {"USER_AUTH",
         "op=PAM:authentication grantors=? acct=28696E76616C6964207573657229 "
         "exe=\"/usr/sbin/sshd\" hostname=198.51.100.7 addr=198.51.100.7 terminal=ssh res=failed",
         "authenticated",
         {{FieldId::user_name, "(invalid user)"}, {FieldId::auditd_op, "PAM:authentication"}}},
        {"USER_AUTH",
         "op=PAM:authentication grantors=pam_rootok acct=\"aeqltest\" exe=\"/usr/bin/su\" "
         "hostname=? addr=? terminal=? res=success",
         "authenticated",
         {{FieldId::user_name, "aeqltest"},
          {FieldId::user_id, "1001"},
          {FieldId::auditd_terminal, ""},
          {FieldId::process_executable, "/usr/bin/su"}}},
        {"USER_ACCT",
         "op=PAM:accounting acct=\"x\" exe=\"/usr/bin/su\" res=success",
         "was-authorized",
         {}},
        {"CRED_ACQ",
         "op=PAM:setcred acct=\"x\" exe=\"/usr/bin/su\" res=success",
         "acquired-credentials",
         {}},
        {"USER_START",
         "op=PAM:session_open grantors=pam_env acct=\"aeqltest\" exe=\"/usr/bin/su\" hostname=? "
         "addr=? terminal=? res=success",
         "started-session",
         {{FieldId::event_category, "session"}}},
        {"USER_END",
         "op=PAM:session_close acct=\"x\" exe=\"/usr/bin/su\" res=success",
         "ended-session",
         {}},
        {"ADD_USER",
         "op=adding user id=1001 exe=\"/usr/sbin/useradd\" hostname=? addr=? terminal=? "
         "res=success",
         "added-user-account",
         {{FieldId::user_target_id, "1001"},
          {FieldId::user_target_name, "aeqltest"},
          {FieldId::user_id, "0"},
          {FieldId::auditd_op, "adding user"},
          {FieldId::event_category, "iam"},
          {FieldId::event_type, "user,creation"},
          {FieldId::process_name, "useradd"}}},
        {"ADD_GROUP",
         "op=adding group acct=\"aeqltest\" exe=\"/usr/sbin/useradd\" hostname=? addr=? "
         "terminal=? res=success",
         "added-group-account-to",
         {{FieldId::group_name, "aeqltest"}, {FieldId::group_id, "1002"}}},
        {"DEL_GROUP",
         "op= id=1002 exe=\"/usr/sbin/groupdel\" hostname=? addr=? terminal=? res=success",
         "deleted-group-account-from",
         {{FieldId::group_name, "aeqltest"}, {FieldId::auditd_op, ""}}},
        {"USER_CHAUTHTOK",
         "op=PAM:chauthtok grantors=pam_permit acct=\"aeqltest\" exe=\"/usr/sbin/chpasswd\" "
         "hostname=? addr=? terminal=? res=success",
         "changed-password",
         {{FieldId::user_target_name, "aeqltest"}, {FieldId::user_target_id, "1001"}}},
    };
    for (const Row& row : rows) {
        BOOST_TEST_CONTEXT(row.type << ' ' << row.message) {
            Story story;
            story.lines(
                "type=USER msg=capture(1): uid=0 name=root\n"
                "type=USER msg=capture(1): uid=1001 name=aeqltest\n"
                "type=GROUP msg=capture(1): gid=1002 name=aeqltest\n" +
                report(row.type, row.message));
            BOOST_REQUIRE(story.events.size() == 1U);
            const detect::EventPtr& event = story.events.front();
            BOOST_TEST(joined(event, FieldId::event_action) == row.action);
            BOOST_TEST(joined(event, FieldId::process_pid) == "5798");
            for (const auto& [field, value] : row.fields)
                BOOST_TEST_CONTEXT(detect::kFieldRows[static_cast<std::size_t>(field)].name)
            BOOST_TEST(joined(event, field) == value);
        }
    }
}

BOOST_AUTO_TEST_CASE(steps_of_one_account_are_one_event) {
    Story story;
    const std::string tail = " exe=\"/usr/sbin/useradd\" hostname=? addr=? terminal=? res=success";
    story.lines(report("ADD_USER", "op=adding user id=1001" + tail, 1) +
                report("ADD_USER", "op=adding home directory id=1001" + tail, 2) +
                report("ADD_USER", "op=adding user id=1002" + tail, 3));
    BOOST_TEST(story.events.size() == 2U);
    BOOST_TEST(story.normalizer.counters().repeated_reports == 1U);
    // Two failed logins are two.
    story.lines(report("USER_LOGIN", "op=login acct=\"x\" exe=\"/usr/sbin/sshd\" res=failed", 4) +
                report("USER_LOGIN", "op=login acct=\"x\" exe=\"/usr/sbin/sshd\" res=failed", 5));
    BOOST_TEST(story.events.size() == 4U);
    // All by one process.
    BOOST_TEST(joined(story.events[0], FieldId::process_entity_id) ==
               joined(story.events[3], FieldId::process_entity_id));
}

// A program may write what it likes between the quotes; the words in front are the kernel's.
BOOST_AUTO_TEST_CASE(report_cannot_speak_for_the_kernel) {
    Story story;
    story.lines(report("USER_LOGIN",
                       "op=login acct=\"x\" exe=\"/tmp/x\" pid=1 uid=33 auid=0 acct=\"root\" "
                       "res=success' type=SYSCALL msg='"));
    BOOST_REQUIRE(story.events.size() == 1U);
    BOOST_TEST(joined(story.events[0], FieldId::process_pid) == "5798");
    BOOST_TEST(joined(story.events[0], FieldId::process_user_id) == "0");
    BOOST_TEST(joined(story.events[0], FieldId::user_audit_id) == "1000");
    BOOST_TEST(joined(story.events[0], FieldId::user_name) == "x");
}

// A plain log: the process that reported is first seen by its report, its parent by a later record.
BOOST_AUTO_TEST_CASE(process_known_by_its_report_gets_its_parent_later) {
    Story story;
    story.lines(report("USER_LOGIN", "op=login id=1001 exe=\"/usr/sbin/sshd\" res=success") +
                lines::execve(10, 31300, 700, 5798, "/usr/bin/bash"));
    BOOST_TEST(story.told() == "user_login 5798 sshd< | fork 5798 < | exec 5798 bash<");
    BOOST_TEST(joined(story.events[2], FieldId::process_parent_pid) == "700");
}

BOOST_AUTO_TEST_CASE(login_id_is_set_within_a_system_call) {
    Story story;
    story.lines("type=USER msg=capture(1): uid=1000 name=user\n" +
                lines::syscall({.serial = 9, .pid = 10, .exe = "/usr/sbin/sshd", .number = 1}) +
                "type=LOGIN msg=" + lines::stamp(0, 9) +
                ": pid=10 uid=0 old-auid=4294967295 auid=1000 tty=(none) old-ses=4294967295 ses=3 "
                "res=1\n" +
                lines::proctitle({.serial = 9}));
    const auto found =
        std::find_if(story.events.begin(), story.events.end(), [](const detect::EventPtr& event) {
            return joined(event, FieldId::event_action) == "changed-login-id-to";
        });
    BOOST_REQUIRE((found != story.events.end()));
    BOOST_TEST(joined(*found, FieldId::user_name) == "user");
    BOOST_TEST(joined(*found, FieldId::user_id) == "1000");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace audisp_eql::collector
