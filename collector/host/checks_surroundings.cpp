// SPDX-License-Identifier: Apache-2.0
// The proc connector, namespaces, security modules, io_uring, the clock; rules and outputs.
#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

#include "collector/host/checks.hpp"
#include "collector/host/output_probe.hpp"

namespace audisp_eql::collector::checks {
namespace {

// ntpd and chronyd correct more than this by a step.
constexpr std::int64_t kStepMicroseconds = 128'000;
// A slewed clock differs by 0.05 % at most: 0.5 ms in a second.
constexpr std::int64_t kStepNanoseconds = 20'000'000;

void connector(const HostState& host, Report& report) {
    const auto deaf = std::find_if(host.agents.begin(), host.agents.end(),
                                   [](const AgentFacts& agent) { return !agent.hears_connector; });
    if (deaf != host.agents.end())
        report.broken("agent_connector",
                      fmt::format("audisp-eql (pid {}) does not hear the proc connector: forks and "
                                  "ends are not seen, parents are guesses",
                                  deaf->pid),
                      deaf->same_network_namespace
                          ? "start it with CAP_NET_ADMIN; its log says what the kernel answered"
                          : "start it in the host's network namespace (no PrivateNetwork=, no "
                            "container)");
    if (!host.connector)
        return;
    const auto option = host.kernel.config.find("CONFIG_PROC_EVENTS");
    const bool known_missing = option != host.kernel.config.end() && !option->second;
    if (!host.connector->subscribed)
        return report.broken(
            "proc_connector",
            fmt::format("the proc connector is refused: {}", host.connector->error),
            known_missing ? fmt::format("boot a kernel that has CONFIG_PROC_EVENTS (not set in {})",
                                        host.kernel.config_path)
                          : "run as root in the host's own namespaces, on a kernel that has "
                            "CONFIG_PROC_EVENTS");
    if (!host.connector->heard)
        return report.broken("proc_connector",
                             "the proc connector takes the subscription, and a fork did not come",
                             "run in the host's own pid and user namespaces");
    report.fine("proc_connector", "the proc connector reports forks");
}

void namespaces(const HostState& host, Report& report) {
    for (const AgentFacts& agent : host.agents)
        if (!agent.same_network_namespace)
            report.warning("network_namespace",
                           fmt::format("audisp-eql (pid {}) is in another network namespace than "
                                       "the host: no proc connector there",
                                       agent.pid),
                           "start it without PrivateNetwork= and outside containers");
    if (!host.initial_pid_namespace || !host.initial_user_namespace)
        return report.broken("namespaces",
                             fmt::format("this is a container (another {} namespace than the "
                                         "kernel's first)",
                                         host.initial_pid_namespace ? "user" : "pid"),
                             "run audisp-eql on the host itself");
    if (!host.same_network_namespace)
        return report.warning("namespaces",
                              "this is another network namespace than the host's: what is said "
                              "of the proc connector holds here, not on the host",
                              "nsenter -t 1 -n audisp-eql doctor");
    report.fine("namespaces", "this is the host itself");
}

void security(const HostState& host, Report& report) {
    const AgentFacts* agent = host.agents.empty() ? nullptr : &host.agents.front();
    if (host.selinux_enforcing == true) {
        if (agent == nullptr && host.auditd.plugin && host.auditd.plugin->active)
            return report.warning(
                "security_module",
                "SELinux enforces; auditd may start only programs that its policy "
                "names",
                "ausearch -m AVC -c auditd; then a policy for audisp-eql");
        return report.fine("security_module",
                           fmt::format("SELinux enforces; audisp-eql runs as {}",
                                       agent == nullptr ? "(not running)" : agent->security_label));
    }
    if (host.selinux_enforcing == false)
        return report.fine("security_module", "SELinux is permissive");
    if (host.apparmor && agent != nullptr &&
        agent->security_label.find("(enforce)") != std::string::npos)
        return report.fine("security_module",
                           "AppArmor confines audisp-eql by the profile " + agent->security_label);
    report.fine("security_module",
                host.apparmor ? "AppArmor does not confine audisp-eql" : "no SELinux, no AppArmor");
}

void io_uring(const HostState& host, Report& report) {
    if (host.kernel.io_uring_disabled.value_or(0) == 2)
        return report.fine("io_uring", "io_uring is switched off");
    const bool seen =
        host.lines &&
        std::any_of(host.lines->begin(), host.lines->end(), [](const AuditLine& line) {
            return line.list == AuditLine::List::io_uring && !line.never;
        });
    if (seen)
        return report.fine("io_uring", "audit rules see what io_uring does");
    report.warning(
        "io_uring",
        host.kernel.io_uring_disabled == 1
            ? "programs with CAP_SYS_ADMIN may connect through io_uring's kernel thread unseen"
            : "programs may connect through io_uring's kernel thread (SQPOLL) unseen",
        host.kernel.io_uring_disabled
            ? "where no program needs it: sysctl -w kernel.io_uring_disabled=2"
            : "auditctl -a always,io_uring -S connect (auditctl 3.1, kernel 5.16)");
}

void clock(const HostState& host, Report& report) {
    if (std::abs(host.clock_step_ns) > kStepNanoseconds)
        return report.warning(
            "clock",
            fmt::format("the wall clock was set by {} ms while this ran: times in "
                        "alerts jump; windows of rules do not",
                        host.clock_step_ns / 1'000'000),
            "find who sets it; let one service do it (timedatectl, chronyc "
            "tracking)");
    if (host.clock_synchronised == false)
        return report.warning("clock",
                              "the wall clock is not synchronised: times in alerts may be wrong",
                              "timedatectl set-ntp true, or start chronyd or ntpd");
    if (std::abs(host.clock_offset_us) > kStepMicroseconds)
        return report.warning("clock",
                              fmt::format("the wall clock is {} ms off and will be stepped",
                                          host.clock_offset_us / 1000),
                              "chronyc makestep");
    if (host.clock_synchronised)
        report.fine("clock", "the wall clock is synchronised");
}

void rules(const HostState& host, Report& report) {
    if (!host.rules)
        return;
    const RuleFacts& rules = *host.rules;
    if (!rules.error.empty() || rules.loaded == 0)
        return report.broken(
            "rules", rules.error.empty() ? "no rule is loaded: nothing is detected" : rules.error,
            "audisp-eql check");
    const std::string unseen = rules.unseen.empty() ? "" : fmt::format(" ({})", rules.unseen);
    if (rules.blind == rules.loaded)
        return report.broken("rules", "every rule is blind" + unseen, "audisp-eql rules says why");
    if (rules.blind != 0)
        report.warning("blind_rules",
                       fmt::format("{} of {} rules are blind on this host{}", rules.blind,
                                   rules.loaded, unseen),
                       "audisp-eql rules says why");
    if (rules.broken != 0)
        return report.warning(
            "rules",
            fmt::format("{} rules, {} files with errors are left out", rules.loaded, rules.broken),
            "audisp-eql check");
    report.fine("rules", fmt::format("{} rules", rules.loaded));
}

void outputs(const HostState& host, Report& report) {
    const bool all_down =
        std::all_of(host.outputs.begin(), host.outputs.end(),
                    [](const OutputFacts& output) { return !output.error.empty(); });
    for (const OutputFacts& output : host.outputs) {
        const std::string text = fmt::format("alerts to {}: {}", output.name, output.error);
        const std::string mend(mend_of(output));
        if (output.error.empty())
            report.fine("output",
                        fmt::format("alerts to {}: nothing stands in their way", output.name));
        else if (all_down)
            report.broken("output", text, mend);
        else
            report.warning("output", text, mend);
    }
    if (host.outputs.empty())
        report.broken("output",
                      "alerts go nowhere: syslog, syslog-server, json-file and stdout are all off",
                      "set one of them in /etc/audisp-eql/audisp-eql.conf");
}

}  // namespace

void surroundings(const HostState& host, Report& report) {
    connector(host, report);
    namespaces(host, report);
    security(host, report);
    io_uring(host, report);
    clock(host, report);
    rules(host, report);
    outputs(host, report);
}

}  // namespace audisp_eql::collector::checks
