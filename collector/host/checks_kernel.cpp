// SPDX-License-Identifier: Apache-2.0
// Whether the kernel can do it, who runs, and who may.
#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>
#include <linux/capability.h>

#include "collector/host/checks.hpp"

namespace audisp_eql::collector::checks {
namespace {

bool booted_with(const HostState& host, std::string_view word) {
    const auto& words = host.kernel.command_line;
    return std::find(words.begin(), words.end(), word) != words.end();
}

// What the kernel's own configuration says, where the trial has failed: " (CONFIG_AUDIT is not set
// in /boot/config-…)".
std::string hint(const HostState& host, const char* option) {
    const auto found = host.kernel.config.find(option);
    if (found == host.kernel.config.end())
        return {};
    return fmt::format(" ({} is {} in {})", option, found->second ? "set" : "not set",
                       host.kernel.config_path);
}

void missing_audit(const HostState& host, Report& report) {
    if (booted_with(host, "audit=0") || booted_with(host, "audit=off"))
        return report.broken("kernel_audit", "audit is switched off on the kernel's command line",
                             "take audit=0 out of /etc/default/grub, run update-grub (or "
                             "grub2-mkconfig), and reboot");
    if (host.audit_error == EPERM || host.audit_error == EACCES)
        return report.broken("kernel_audit", "the kernel's audit may not be asked: no right to",
                             "run this as root on the host itself");
    if (host.audit_error == ECONNREFUSED)
        return report.broken("kernel_audit",
                             "the kernel's audit does not answer here: this is a container",
                             "run audisp-eql on the host itself, in its first namespaces");
    report.broken("kernel_audit",
                  fmt::format("the kernel's audit does not answer: {}{}",
                              std::strerror(host.audit_error), hint(host, "CONFIG_AUDIT")),
                  "boot a kernel that has CONFIG_AUDIT and CONFIG_AUDITSYSCALL");
}

constexpr std::int64_t bit(int capability) {
    return std::int64_t{1} << capability;
}

void capabilities(const HostState& host, Report& report) {
    const bool runs = !host.agents.empty();
    const std::int64_t have = runs ? host.agents.front().capabilities : host.capabilities;
    if (have < 0)
        return;
    const bool plugin = runs && agent_of_auditd(host) != nullptr;
    const std::string who =
        runs ? fmt::format("audisp-eql (pid {})", host.agents.front().pid) : "whoever asks";
    const std::string mend = runs ? "start it as root, or give its unit AmbientCapabilities="
                                    "CAP_AUDIT_CONTROL CAP_AUDIT_READ CAP_NET_ADMIN "
                                    "CAP_SYS_PTRACE CAP_DAC_READ_SEARCH"
                                  : "run this as root";
    if ((have & bit(CAP_AUDIT_CONTROL)) == 0) {
        const std::string text =
            fmt::format("{} lacks CAP_AUDIT_CONTROL: it {}", who,
                        plugin ? "cannot load its audit rules" : "cannot have the audit feed");
        return report.broken("rights", text, mend);
    }
    if ((have & bit(CAP_NET_ADMIN)) == 0)
        return report.warning("rights",
                              who +
                                  " lacks CAP_NET_ADMIN: kernels before 6.6 refuse the proc "
                                  "connector without it",
                              mend);
    if ((have & bit(CAP_SYS_PTRACE)) == 0 || (have & bit(CAP_DAC_READ_SEARCH)) == 0)
        return report.warning("rights",
                              who +
                                  " lacks CAP_SYS_PTRACE or CAP_DAC_READ_SEARCH: what /proc "
                                  "tells of other users' programs is missing in events",
                              mend);
    report.fine("rights", fmt::format("{} has the capabilities that it needs",
                                      runs ? who : std::string("this user")));
}

}  // namespace

void kernel(const HostState& host, Report& report) {
    if (!host.audit) {
        missing_audit(host, report);
        return capabilities(host, report);
    }
    if (host.kernel.syscall_rules == false)
        report.broken(
            "kernel_audit",
            "this kernel's audit knows no system calls" + hint(host, "CONFIG_AUDITSYSCALL"),
            "boot a kernel that has CONFIG_AUDITSYSCALL");
    else
        report.fine("kernel_audit",
                    fmt::format("Linux {}: audit answers{}", host.kernel.release,
                                host.kernel.syscall_rules ? " and takes system call rules" : ""));
    const std::string without = fallbacks_text(host.kernel.features);
    report.fine("kernel_features",
                without.empty() ? "nothing is missing that younger kernels have" : without);
    capabilities(host, report);
}

void agents(const HostState& host, Report& report) {
    if (host.agents.empty()) {
        const auto& plugin = host.auditd.plugin;
        if (host.auditd.pid == 0 || !plugin || !plugin->active)
            report.warning("agent", "audisp-eql does not run: nothing is detected now",
                           host.auditd.installed
                               ? "set active = yes in /etc/audit/plugins.d/audisp-eql.conf, then "
                                 "service auditd reload"
                               : "audisp-eql run, from a service manager");
        return;  // a plugin that should run is said with the plugin
    }
    const AgentFacts& agent = host.agents.front();
    if (host.agents.size() > 1)
        report.warning(
            "agent",
            fmt::format("audisp-eql runs {} times: each alert comes more than once, and "
                        "the end of one takes away the audit rules of all",
                        host.agents.size()),
            fmt::format("stop all but one, for instance: kill {}", host.agents.back().pid));
    if (agent.state == 'T' || agent.state == 't')
        report.broken("agent",
                      fmt::format("audisp-eql (pid {}) is stopped: it reads nothing", agent.pid),
                      fmt::format("kill -CONT {}", agent.pid));
    else if (agent.program_replaced)
        report.warning(
            "agent",
            fmt::format("audisp-eql (pid {}) runs from a file that was replaced since: "
                        "an older version",
                        agent.pid),
            agent_of_auditd(host) != nullptr ? "service auditd restart" : "restart audisp-eql");
    else if (host.agents.size() == 1)
        report.fine("agent",
                    fmt::format("audisp-eql runs (pid {}), {}", agent.pid,
                                agent_of_auditd(host) != nullptr ? "started by auditd"
                                                                 : "as a program of its own"));
}

}  // namespace audisp_eql::collector::checks
