// SPDX-License-Identifier: Apache-2.0
// The kernel's audit settings and rules: who holds the feed, what can be lost, what is never seen.
#include <algorithm>
#include <map>

#include <fmt/format.h>
#include <libaudit.h>

#include "collector/host/checks.hpp"

namespace audisp_eql::collector::checks {
namespace {

constexpr std::uint32_t kLocked = 2;
constexpr std::uint32_t kPanic = 2;  // AUDIT_FAIL_PANIC
constexpr std::uint32_t kRecordsAnExec = 8;
// A burst of a thousand execs waits in the kernel.
constexpr std::uint32_t kLeastBacklog = 8192;
// How the kernel counts the wait (CONFIG_HZ; most distributions have 250 or 1000).
constexpr std::uint32_t kTicksASecond = 250;
// Names in a line.
constexpr std::size_t kShownNames = 4;

// A setting of the kernel, and where it comes from at the next boot.
std::string set(const HostState& host, const std::string& arguments) {
    const std::string file = fmt::format("'{}' in /etc/audit/rules.d", arguments);
    if (host.audit->enabled == kLocked)
        return fmt::format("{}, then reboot (audit is locked)", file);
    return host.auditd.installed ? fmt::format("auditctl {} (and {})", arguments, file)
                                 : fmt::format("auditctl {}", arguments);
}

std::string names(const std::vector<NamedProcess>& processes) {
    std::string text;
    for (std::size_t i = 0; i < std::min(processes.size(), kShownNames); ++i)
        text += (i == 0 ? "" : ", ") + text_of(processes[i]);
    return processes.size() > kShownNames ? text + ", …" : text;
}

void holder(const HostState& host, Report& report) {
    const std::uint32_t pid = host.audit->pid;
    const std::string who = text_of({static_cast<std::int32_t>(pid), host.holder_name});
    if (pid == 0) {
        if (!host.agents.empty())
            return report.broken("audit_holder",
                                 "nobody reads the audit feed, though audisp-eql runs",
                                 "restart audisp-eql");
        if (host.auditd.enabled)
            return report.broken("audit_holder",
                                 "auditd is enabled and does not run: nobody reads the audit feed",
                                 "service auditd start");
        if (host.audit->enabled != 0)
            return report.warning("audit_holder",
                                  "nobody reads the audit feed: the records go to the kernel's log",
                                  "audisp-eql run, or service auditd start");
        return report.fine("audit_holder", "nobody holds the audit feed: audisp-eql can have it");
    }
    if (held_by_agent(host) || static_cast<std::int32_t>(pid) == host.auditd.pid)
        return report.fine("audit_holder", "the audit feed is held by " + who);
    if (host.holder_name.empty())
        return report.warning(
            "audit_holder",
            fmt::format("the audit feed was last held by pid {}, which is gone", pid),
            "start auditd, or audisp-eql run");
    report.broken("audit_holder",
                  "the audit feed is held by " + who + ": audisp-eql cannot have it",
                  fmt::format("stop {}, or let auditd hold the feed and start both as its plugins",
                              host.holder_name));
}

void enabled(const HostState& host, Report& report) {
    const bool wanted = !host.agents.empty() || host.auditd.pid != 0;
    if (host.audit->enabled == 0 && wanted)
        return report.broken("audit_enabled", "audit is disabled: the kernel records nothing",
                             "auditctl -e 1");
    if (host.audit->enabled == 0)
        return report.fine("audit_enabled", "audit is off; audisp-eql switches it on as it starts");
    if (host.audit->enabled == kLocked)
        return report.fine("audit_enabled",
                           "audit is enabled, and locked (-e 2): its rules and settings stay as "
                           "they are until the next boot");
    report.fine("audit_enabled", "audit is enabled");
}

void failure(const HostState& host, Report& report) {
    if (host.audit->failure == kPanic)
        report.warning("audit_failure",
                       "the kernel panics when audit records cannot be kept (-f 2): a full backlog "
                       "stops the host",
                       set(host, "-f 1"));
    else
        report.fine("audit_failure", "audit's own trouble does not stop the host");
}

void backlog(const HostState& host, Report& report) {
    // Who holds the feed sets these itself as it starts.
    const bool will_be_set = host.audit->pid == 0 && !host.auditd.enabled;
    const std::uint32_t limit = host.audit->backlog_limit;
    const std::uint32_t wait = host.audit->backlog_wait_time;
    if (will_be_set && host.audit->enabled != kLocked) {
        report.fine("backlog_limit", fmt::format("{} records can wait in the kernel; audisp-eql "
                                                 "raises that as it starts",
                                                 limit));
        return report.fine("backlog_wait_time", "audisp-eql sets it to 0 as it starts");
    }
    if (limit != 0 && limit < kLeastBacklog)
        report.warning(
            "backlog_limit",
            fmt::format("{} records can wait in the kernel: of a burst, what comes after "
                        "{} execs is lost",
                        limit, limit / kRecordsAnExec),
            set(host, "-b 8192"));
    else
        report.fine("backlog_limit",
                    limit == 0 ? std::string("any number of records can wait in the kernel")
                               : fmt::format("{} records can wait in the kernel", limit));
    if (wait != 0)
        report.warning("backlog_wait_time",
                       fmt::format("when the backlog is full, audited programs wait up to {} ticks "
                                   "({} s at 250 Hz): the host stalls",
                                   wait, wait / kTicksASecond),
                       set(host, "--backlog_wait_time 0"));
    else
        report.fine("backlog_wait_time",
                    "a full backlog costs records, it does not stall the host");
}

void loss(const HostState& host, Report& report) {
    if (host.audit->rate_limit != 0)
        report.warning(
            "rate_limit",
            fmt::format("more than {} records a second are thrown away", host.audit->rate_limit),
            set(host, "-r 0"));
    else
        report.fine("rate_limit", "records are not limited by their rate");
    if (host.audit->lost != 0)
        report.warning(
            "lost",
            fmt::format("{} records were lost since the boot or the last reset", host.audit->lost),
            "raise the backlog, then reset the count: auditctl --reset-lost");
    else
        report.fine("lost", "no records were lost");
}

void blind_programs(const HostState& host, Report& report) {
    const auto& words = host.kernel.command_line;
    const bool from_boot = std::find(words.begin(), words.end(), "audit=1") != words.end() ||
                           std::find(words.begin(), words.end(), "audit=on") != words.end();
    if (from_boot)
        return report.fine("boot_audit", "booted with audit=1: every program can be seen");
    const std::string mend =
        "put audit=1 audit_backlog_limit=8192 into GRUB_CMDLINE_LINUX of /etc/default/grub, run "
        "update-grub (or grub2-mkconfig), and reboot; until then restart what matters";
    if (host.older_programs.empty())
        return report.warning("boot_audit",
                              "booted without audit=1: programs that start before audit is first "
                              "enabled are never seen by it",
                              mend);
    report.warning("boot_audit",
                   fmt::format("booted without audit=1: {} programs are older than the reader of "
                               "the feed, and are not seen if audit was off when they started: {}",
                               host.older_programs.size(), names(host.older_programs)),
                   mend);
}

// Records that no event can be made without.
constexpr std::uint32_t kNeeded[] = {AUDIT_SYSCALL, AUDIT_EXECVE, AUDIT_SOCKADDR};
// Records that fields come from: paths, and what relative ones are relative to.
constexpr std::uint32_t kUsed[] = {AUDIT_PATH, AUDIT_CWD, AUDIT_EOE, AUDIT_PROCTITLE};

template <std::size_t N>
std::string dropped(const std::vector<AuditLine>& lines, const std::uint32_t (&types)[N]) {
    std::string text;
    for (const std::uint32_t type : types)
        for (const AuditLine& line : lines)
            if (line.list == AuditLine::List::exclude && line.never &&
                std::count(line.message_types.begin(), line.message_types.end(), type) != 0) {
                const char* name = ::audit_msg_type_to_name(static_cast<int>(type));
                text += (text.empty() ? "" : ", ") + std::string(name == nullptr ? "?" : name);
                break;
            }
    return text;
}

void exclusions(const HostState& host, Report& report) {
    const std::string mend =
        "take the line out of /etc/audit/rules.d, then augenrules --load" +
        std::string(host.audit->enabled == kLocked ? ", and reboot (audit is locked)" : "");
    const auto& lines = *host.lines;
    const auto never_task = std::find_if(lines.begin(), lines.end(), [](const AuditLine& line) {
        return line.list == AuditLine::List::task && line.never;
    });
    if (never_task == lines.end())
        report.fine("never_task", "no rule keeps programs from being audited");
    else if (never_task->every_process)
        report.broken("never_task",
                      "the rule '-a never,task' keeps every program that starts from being audited",
                      mend + "; programs that started meanwhile stay unseen until restarted");
    else
        report.warning("never_task",
                       "a '-a never,task' rule keeps some programs from being audited", mend);
    for (const AuditLine& line : lines)
        if (line.list == AuditLine::List::exit && line.never && line.every_process && !line.own &&
            (line.exec || line.connect))
            report.broken("never_exit",
                          fmt::format("a '-a never,exit' rule hides {} of every program",
                                      line.exec && line.connect ? "executions and connections"
                                      : line.exec               ? "executions"
                                                                : "connections"),
                          mend);
    if (const std::string types = dropped(lines, kNeeded); !types.empty())
        report.broken("exclude_filter", "a rule throws away records of type " + types, mend);
    if (const std::string types = dropped(lines, kUsed); !types.empty())
        report.warning("exclude_filter",
                       "a rule throws away records of type " + types + ": fields stay empty", mend);
}

void own_lines(const HostState& host, Report& report) {
    const auto own = static_cast<std::size_t>(std::count_if(
        host.lines->begin(), host.lines->end(), [](const AuditLine& line) { return line.own; }));
    if (host.agents.empty()) {
        if (own != 0)
            return report.warning("own_rules",
                                  fmt::format("{} audit rules of ours are in force, and audisp-eql "
                                              "does not run",
                                              own),
                                  "start it, or remove them with auditctl -D -k KEY (auditctl -l "
                                  "shows their keys)");
        return;
    }
    const std::string mend = host.audit->enabled == kLocked
                                 ? "audisp-eql enable plugin, then reboot (audit is locked)"
                                 : "restart audisp-eql; its log says what the kernel refused";
    if (own == 0 && (!host.rules || host.rules->blind != 0))
        return report.broken("own_rules", "none of our audit rules is in force", mend);
    report.fine("own_rules", fmt::format("{} audit rules of ours are in force, {} of others", own,
                                         host.lines->size() - own));
}

void listeners(const HostState& host, Report& report) {
    const auto journald = std::find_if(
        host.listeners.begin(), host.listeners.end(),
        [](const NamedProcess& process) { return process.name.starts_with("systemd"); });
    if (journald != host.listeners.end())
        return report.warning("listeners",
                              "journald copies every audit record into the journal, and at boot "
                              "may enable audit by itself",
                              "systemctl mask --now systemd-journald-audit.socket, then systemctl "
                              "restart systemd-journald");
    if (!host.listeners.empty())
        return report.fine("listeners", "others also listen to audit: " + names(host.listeners));
    report.fine("listeners", "nobody else listens to audit");
}

}  // namespace

void settings(const HostState& host, Report& report) {
    if (!host.audit)
        return;
    holder(host, report);
    enabled(host, report);
    failure(host, report);
    backlog(host, report);
    loss(host, report);
    blind_programs(host, report);
    listeners(host, report);
}

void lines(const HostState& host, Report& report) {
    if (!host.audit || !host.lines)
        return;
    exclusions(host, report);
    own_lines(host, report);
}

}  // namespace audisp_eql::collector::checks
