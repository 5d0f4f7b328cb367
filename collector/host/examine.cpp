// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <fmt/format.h>

#include "collector/host/checks.hpp"

namespace audisp_eql::collector {

std::string_view to_string(Verdict verdict) {
    switch (verdict) {
        case Verdict::fine:
            return "fine";
        case Verdict::warning:
            return "warning";
        case Verdict::broken:
            return "broken";
    }
    return {};
}

Findings examine(const HostState& host) {
    Findings findings;
    checks::Report report(findings);
    checks::kernel(host, report);
    checks::agents(host, report);
    checks::settings(host, report);
    checks::lines(host, report);
    checks::auditd(host, report);
    checks::surroundings(host, report);
    return findings;
}

namespace checks {

std::string text_of(const NamedProcess& process) {
    return process.name.empty() ? fmt::format("pid {}", process.pid)
                                : fmt::format("{} (pid {})", process.name, process.pid);
}

const AgentFacts* agent_of_auditd(const HostState& host) {
    const auto found =
        std::find_if(host.agents.begin(), host.agents.end(), [&](const AgentFacts& agent) {
            return host.auditd.pid != 0 && agent.parent == host.auditd.pid;
        });
    return found == host.agents.end() ? nullptr : &*found;
}

bool held_by_agent(const HostState& host) {
    return host.audit &&
           std::any_of(host.agents.begin(), host.agents.end(), [&](const AgentFacts& agent) {
               return static_cast<std::uint32_t>(agent.pid) == host.audit->pid;
           });
}

}  // namespace checks
}  // namespace audisp_eql::collector
