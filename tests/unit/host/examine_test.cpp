// SPDX-License-Identifier: Apache-2.0
// Invented hosts and what is said of them.
#include <algorithm>
#include <cerrno>
#include <functional>
#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>
#include <libaudit.h>

#include "collector/host/finding.hpp"
#include "tests/unit/host/hosts.hpp"

namespace audisp_eql::collector {
namespace {

BOOST_AUTO_TEST_SUITE(host)

struct Case {
    const char* name;
    std::function<void(HostState&)> change;  // of sound_host()
    const char* check;
    Verdict verdict;
    const char* text;  // words of the line
    const char* mend;  // words of the command
};

void has_auditd(HostState& host) {
    host = plugin_host();
}

AuditLine line(AuditLine::List list, bool never) {
    AuditLine line;
    line.list = list;
    line.never = never;
    line.every_process = true;
    return line;
}

const Case kCases[] = {
    {"no CONFIG_AUDIT",
     [](HostState& host) {
         host.audit.reset();
         host.audit_error = EPROTONOSUPPORT;
         host.kernel.config_path = "/boot/config-6.1";
         host.kernel.config["CONFIG_AUDIT"] = false;
     },
     "kernel_audit", Verdict::broken, "CONFIG_AUDIT is not set in /boot/config-6.1",
     "boot a kernel"},
    {"switched off at boot",
     [](HostState& host) {
         host.audit.reset();
         host.audit_error = ECONNREFUSED;
         host.kernel.command_line = {"quiet", "audit=0"};
     },
     "kernel_audit", Verdict::broken, "switched off on the kernel's command line", "audit=0"},
    {"a container",
     [](HostState& host) {
         host.audit.reset();
         host.audit_error = ECONNREFUSED;
     },
     "kernel_audit", Verdict::broken, "this is a container", "on the host itself"},
    {"not root",
     [](HostState& host) {
         host.audit.reset();
         host.audit_error = EPERM;
     },
     "kernel_audit", Verdict::broken, "no right", "root"},
    {"no CONFIG_AUDITSYSCALL", [](HostState& host) { host.kernel.syscall_rules = false; },
     "kernel_audit", Verdict::broken, "knows no system calls", "CONFIG_AUDITSYSCALL"},
    {"without CAP_AUDIT_CONTROL", [](HostState& host) { host.agents[0].capabilities = 1 << 12; },
     "rights", Verdict::broken, "CAP_AUDIT_CONTROL", "AmbientCapabilities"},
    {"without CAP_NET_ADMIN",
     [](HostState& host) { host.agents[0].capabilities &= ~(std::int64_t{1} << 12); }, "rights",
     Verdict::warning, "CAP_NET_ADMIN", "AmbientCapabilities"},
    {"without CAP_SYS_PTRACE",
     [](HostState& host) { host.agents[0].capabilities &= ~(std::int64_t{1} << 19); }, "rights",
     Verdict::warning, "CAP_SYS_PTRACE", "AmbientCapabilities"},
    {"does not run", [](HostState& host) { host = idle_host(); }, "agent", Verdict::warning,
     "does not run", "audisp-eql run"},
    {"runs twice", [](HostState& host) { host.agents.push_back(host.agents[0]); }, "agent",
     Verdict::warning, "runs 2 times", "stop all but one"},
    {"stopped", [](HostState& host) { host.agents[0].state = 'T'; }, "agent", Verdict::broken,
     "is stopped", "kill -CONT 4242"},
    {"an older version runs", [](HostState& host) { host.agents[0].program_replaced = true; },
     "agent", Verdict::warning, "replaced", "restart"},
    {"another program holds the feed",
     [](HostState& host) {
         host = idle_host();
         host.audit->pid = 77;
         host.holder_name = "auditbeat";
     },
     "audit_holder", Verdict::broken, "held by auditbeat (pid 77)", "stop auditbeat"},
    {"the holder is gone",
     [](HostState& host) {
         host = idle_host();
         host.audit->pid = 77;
     },
     "audit_holder", Verdict::warning, "pid 77, which is gone", "start auditd"},
    {"nobody reads",
     [](HostState& host) {
         host = idle_host();
         host.audit->enabled = 1;
     },
     "audit_holder", Verdict::warning, "go to the kernel's log", "audisp-eql run"},
    {"the agent lost the feed", [](HostState& host) { host.audit->pid = 0; }, "audit_holder",
     Verdict::broken, "nobody reads", "restart audisp-eql"},
    {"auditd is enabled and does not run",
     [](HostState& host) {
         host = idle_host();
         host.auditd.installed = host.auditd.enabled = true;
     },
     "audit_holder", Verdict::broken, "auditd is enabled and does not run", "service auditd start"},
    {"disabled", [](HostState& host) { host.audit->enabled = 0; }, "audit_enabled", Verdict::broken,
     "records nothing", "auditctl -e 1"},
    {"locked", [](HostState& host) { host.audit->enabled = 2; }, "audit_enabled", Verdict::fine,
     "locked (-e 2)", ""},
    {"panics", [](HostState& host) { host.audit->failure = 2; }, "audit_failure", Verdict::warning,
     "-f 2", "auditctl -f 1"},
    {"panics, and locked",
     [](HostState& host) {
         host.audit->failure = 2;
         host.audit->enabled = 2;
     },
     "audit_failure", Verdict::warning, "-f 2", "then reboot"},
    {"small backlog",
     [](HostState& host) {
         has_auditd(host);
         host.audit->backlog_limit = 64;
     },
     "backlog_limit", Verdict::warning, "after 8 execs is lost", "auditctl -b 8192"},
    {"small backlog, before the start", [](HostState& host) { host = idle_host(); },
     "backlog_limit", Verdict::fine, "raises that", ""},
    {"long wait",
     [](HostState& host) {
         has_auditd(host);
         host.audit->backlog_wait_time = 15000;
     },
     "backlog_wait_time", Verdict::warning, "60 s", "--backlog_wait_time 0"},
    {"rate limit", [](HostState& host) { host.audit->rate_limit = 200; }, "rate_limit",
     Verdict::warning, "more than 200 records", "auditctl -r 0"},
    {"lost", [](HostState& host) { host.audit->lost = 9; }, "lost", Verdict::warning,
     "9 records were lost", "--reset-lost"},
    {"booted without audit=1",
     [](HostState& host) {
         host.kernel.command_line.clear();
         host.older_programs = {{1, "systemd"}, {812, "sshd"}};
     },
     "boot_audit", Verdict::warning, "2 programs are older", "audit=1"},
    {"journald listens",
     [](HostState& host) {
         host.listeners = {{300, "systemd-journald"}};
     },
     "listeners", Verdict::warning, "journald copies",
     "systemctl mask --now systemd-journald-audit.socket"},
    {"somebody listens",
     [](HostState& host) {
         host.listeners = {{301, "auditbeat"}};
     },
     "listeners", Verdict::fine, "auditbeat (pid 301)", ""},
    {"never,task",
     [](HostState& host) { host.lines->push_back(line(AuditLine::List::task, true)); },
     "never_task", Verdict::broken, "-a never,task", "augenrules --load"},
    {"never,task of some",
     [](HostState& host) {
         host.lines->push_back(line(AuditLine::List::task, true));
         host.lines->back().every_process = false;
     },
     "never_task", Verdict::warning, "some programs", "augenrules --load"},
    {"never,exit of everything",
     [](HostState& host) {
         host.lines->push_back(line(AuditLine::List::exit, true));
         host.lines->back().connect = true;
     },
     "never_exit", Verdict::broken, "hides connections", "augenrules --load"},
    {"SOCKADDR is excluded",
     [](HostState& host) {
         host.lines->push_back(line(AuditLine::List::exclude, true));
         host.lines->back().message_types = {AUDIT_SOCKADDR};
     },
     "exclude_filter", Verdict::broken, "SOCKADDR", "augenrules --load"},
    {"CWD is excluded",
     [](HostState& host) {
         host.lines->push_back(line(AuditLine::List::exclude, true));
         host.lines->back().message_types = {AUDIT_CWD};
     },
     "exclude_filter", Verdict::warning, "CWD", "augenrules --load"},
    {"our rules are gone",
     [](HostState& host) {
         host.lines->clear();
         host.rules->blind = 1;
     },
     "own_rules", Verdict::broken, "none of our audit rules", "restart audisp-eql"},
    {"our rules are gone, and locked",
     [](HostState& host) {
         host.lines->clear();
         host.rules->blind = 1;
         host.audit->enabled = 2;
     },
     "own_rules", Verdict::broken, "none of our audit rules", "reboot"},
    {"no rule needs one", [](HostState& host) { host.lines->clear(); }, "own_rules", Verdict::fine,
     "0 audit rules of ours", ""},
    {"a rule is blind",
     [](HostState& host) {
         host.rules->blind = 1;
         host.rules->unseen = "no kernel audit rule reports connect";
     },
     "blind_rules", Verdict::warning, "1 of 2 rules are blind on this host (no kernel audit rule",
     "audisp-eql rules"},
    {"every rule is blind", [](HostState& host) { host.rules->blind = 2; }, "rules",
     Verdict::broken, "every rule is blind", "audisp-eql rules"},
    {"rules are left over",
     [](HostState& host) {
         host.agents.clear();
         host.audit->pid = 0;
     },
     "own_rules", Verdict::warning, "2 audit rules of ours", "auditctl -D -k"},
    {"the plugin is not active",
     [](HostState& host) {
         has_auditd(host);
         host.agents.clear();
         host.auditd.plugin->active = false;
     },
     "plugin", Verdict::broken, "not active", "active = yes"},
    {"auditd does not know us",
     [](HostState& host) {
         has_auditd(host);
         host.agents.clear();
         host.auditd.plugin.reset();
     },
     "plugin", Verdict::broken, "does not know audisp-eql", "auditd-plugin.conf"},
    {"the plugin is dead",
     [](HostState& host) {
         has_auditd(host);
         host.agents.clear();
     },
     "plugin", Verdict::broken, "its plugin audisp-eql is dead", "service auditd restart"},
    {"the plugin's file is anybody's",
     [](HostState& host) {
         has_auditd(host);
         host.auditd.plugin->safe_file = false;
     },
     "plugin", Verdict::broken, "written by others", "chmod 0640"},
    {"the plugin's program is missing",
     [](HostState& host) {
         has_auditd(host);
         host.auditd.plugin->program_exists = false;
     },
     "plugin", Verdict::broken, "does not exist", "set path"},
    {"the plugin's program has another mode",
     [](HostState& host) {
         has_auditd(host);
         host.auditd.plugin->program_fits = false;
     },
     "plugin", Verdict::broken, "mode 0755", "chmod 0755"},
    {"binary format",
     [](HostState& host) {
         has_auditd(host);
         host.auditd.plugin->format = "binary";
     },
     "plugin", Verdict::broken, "format binary", "format = string"},
    {"three args",
     [](HostState& host) {
         has_auditd(host);
         host.auditd.plugin->arguments = 3;
     },
     "plugin_args", Verdict::warning, "has 3 args", "audisp-eql.conf"},
    {"auditd halts",
     [](HostState& host) {
         has_auditd(host);
         host.auditd.conf["disk_full_action"] = "halt";
     },
     "auditd_disk_full_action", Verdict::warning, "shuts the host down",
     "disk_full_action = SYSLOG/' /etc/audit/auditd.conf && service auditd reload"},
    {"auditd suspends",
     [](HostState& host) {
         has_auditd(host);
         host.auditd.conf["disk_error_action"] = "suspend";
     },
     "auditd_disk_error_action", Verdict::warning, "stops writing its log", "SYSLOG"},
    {"auditd goes single",
     [](HostState& host) {
         has_auditd(host);
         host.auditd.conf["space_left_action"] = "single";
     },
     "auditd_space_left_action", Verdict::warning, "single user", "SYSLOG"},
    {"a full log suspends",
     [](HostState& host) {
         has_auditd(host);
         host.auditd.conf["max_log_file_action"] = "suspend";
     },
     "auditd_max_log_file_action", Verdict::warning, "stops writing its log", "ROTATE"},
    {"the queue overflows silently",
     [](HostState& host) {
         has_auditd(host);
         host.auditd.conf["overflow_action"] = "ignore";
     },
     "auditd_overflow_action", Verdict::warning, "drops records and says nothing", "SYSLOG"},
    {"the queue overflows once",
     [](HostState& host) {
         has_auditd(host);
         host.auditd.conf["overflow_action"] = "suspend";
     },
     "auditd_overflow_action", Verdict::warning, "alerts end", "SYSLOG"},
    {"short queue",
     [](HostState& host) {
         has_auditd(host);
         host.auditd.conf["q_depth"] = "400";
     },
     "auditd_q_depth", Verdict::warning, "400 records", "q_depth = 2000"},
    {"no local events",
     [](HostState& host) {
         has_auditd(host);
         host.auditd.conf["local_events"] = "no";
     },
     "auditd_local_events", Verdict::broken, "does not read this host", "local_events = yes"},
    {"the connector is refused",
     [](HostState& host) {
         host.connector = {false, false, "Connection refused"};
     },
     "proc_connector", Verdict::broken, "refused: Connection refused", "CONFIG_PROC_EVENTS"},
    {"the connector is silent", [](HostState& host) { host.connector->heard = false; },
     "proc_connector", Verdict::broken, "did not come", "namespaces"},
    {"the agent does not hear the connector",
     [](HostState& host) { host.agents[0].hears_connector = false; }, "agent_connector",
     Verdict::broken, "does not hear the proc connector", "CAP_NET_ADMIN"},
    {"the agent is elsewhere",
     [](HostState& host) {
         host.agents[0].hears_connector = false;
         host.agents[0].same_network_namespace = false;
     },
     "agent_connector", Verdict::broken, "does not hear the proc connector", "PrivateNetwork"},
    {"another network namespace", [](HostState& host) { host.same_network_namespace = false; },
     "namespaces", Verdict::warning, "another network namespace", "nsenter -t 1 -n"},
    {"another pid namespace", [](HostState& host) { host.initial_pid_namespace = false; },
     "namespaces", Verdict::broken, "another pid namespace", "on the host itself"},
    {"SELinux and a plugin that is not there",
     [](HostState& host) {
         has_auditd(host);
         host.agents.clear();
         host.selinux_enforcing = true;
     },
     "security_module", Verdict::warning, "SELinux enforces", "ausearch -m AVC"},
    {"io_uring", [](HostState& host) { host.kernel.io_uring_disabled = 0; }, "io_uring",
     Verdict::warning, "SQPOLL", "kernel.io_uring_disabled=2"},
    {"io_uring, audited",
     [](HostState& host) {
         host.kernel.io_uring_disabled = 0;
         host.lines->push_back(line(AuditLine::List::io_uring, false));
     },
     "io_uring", Verdict::fine, "see what io_uring does", ""},
    {"not synchronised", [](HostState& host) { host.clock_synchronised = false; }, "clock",
     Verdict::warning, "not synchronised", "timedatectl"},
    {"stepped", [](HostState& host) { host.clock_step_ns = -3'000'000'000; }, "clock",
     Verdict::warning, "-3000 ms", "timedatectl"},
    {"will be stepped", [](HostState& host) { host.clock_offset_us = 200'000; }, "clock",
     Verdict::warning, "200 ms off", "chronyc makestep"},
    {"no rules", [](HostState& host) { host.rules->error = "no rules: /x holds no"; }, "rules",
     Verdict::broken, "/x holds no", "audisp-eql check"},
    {"broken rules", [](HostState& host) { host.rules->broken = 2; }, "rules", Verdict::warning,
     "2 rules, 2 files with errors", "audisp-eql check"},
    {"syslog is down", [](HostState& host) { host.outputs[0].error = "nobody reads the socket"; },
     "output", Verdict::broken, "syslog /dev/log: nobody reads the socket", "rsyslogd"},
    {"one of two outputs is down",
     [](HostState& host) {
         host.outputs[0].error = "nobody reads the socket";
         host.outputs.push_back({"file /x", ""});
     },
     "output", Verdict::warning, "syslog /dev/log: nobody reads the socket", "rsyslogd"},
    {"no output", [](HostState& host) { host.outputs.clear(); }, "output", Verdict::broken,
     "go nowhere", "audisp-eql.conf"},
};

BOOST_AUTO_TEST_CASE(invented_hosts) {
    for (const Case& test : kCases) {
        BOOST_TEST_CONTEXT(test.name) {
            HostState host = sound_host();
            test.change(host);
            const Findings findings = examine(host);
            const auto found =
                std::find_if(findings.begin(), findings.end(), [&](const Finding& finding) {
                    return finding.check == test.check && finding.verdict == test.verdict;
                });
            BOOST_TEST_REQUIRE((found != findings.end()));
            BOOST_TEST(found->text.find(test.text) != std::string::npos, found->text);
            BOOST_TEST(found->mend.find(test.mend) != std::string::npos, found->mend);
            for (const Finding& finding : findings) {
                BOOST_TEST((finding.verdict == Verdict::fine) == finding.mend.empty(),
                           finding.check);
                BOOST_TEST(finding.text.find('\n') == std::string::npos);
            }
        }
    }
}

// Of each kind of host one where nothing is wrong: no check may cry there.
BOOST_AUTO_TEST_CASE(sound_hosts) {
    for (const HostState& host : {sound_host(), plugin_host()})
        for (const Finding& finding : examine(host))
            BOOST_TEST((finding.verdict == Verdict::fine), finding.check + ": " + finding.text);
}

// Each check of the table is fine somewhere, or a fault of its own.
BOOST_AUTO_TEST_CASE(every_thing_is_said) {
    const Findings findings = examine(plugin_host());
    for (const char* check : {"kernel_audit",
                              "kernel_features",
                              "rights",
                              "agent",
                              "audit_holder",
                              "audit_enabled",
                              "audit_failure",
                              "backlog_limit",
                              "backlog_wait_time",
                              "rate_limit",
                              "lost",
                              "boot_audit",
                              "listeners",
                              "never_task",
                              "own_rules",
                              "auditd",
                              "auditd_conf",
                              "plugin",
                              "proc_connector",
                              "namespaces",
                              "security_module",
                              "io_uring",
                              "clock",
                              "rules",
                              "output"})
        BOOST_TEST(
            std::count_if(findings.begin(), findings.end(),
                          [check](const Finding& finding) { return finding.check == check; }) == 1,
            check);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace audisp_eql::collector
