// SPDX-License-Identifier: Apache-2.0
// audisp-eql audit-rules --remove: what a run that crashed has left in the kernel.
#include <string>
#include <vector>

#include <fmt/format.h>

#include "collector/agent/log.hpp"
#include "collector/agent/settings_file.hpp"
#include "collector/command/command.hpp"
#include "collector/feed/audit_control.hpp"
#include "collector/feed/audit_rules.hpp"
#include "collector/host/gather.hpp"

namespace audisp_eql::collector {

int remove_audit_leftovers(const Settings& settings) {
    LinuxProcReader proc;
    auto agents = find_agents(proc);
    // The confined process of one that was killed works off the rest: no rule is for it.
    std::erase_if(agents, [](const AgentFacts& agent) {
        return !agent.has_audit_socket && !agent.hears_connector;
    });
    if (!agents.empty()) {
        log::info(fmt::format("audisp-eql runs (pid {}): its audit rules are left in force",
                              agents.front().pid));
        return kExitFine;
    }
    KernelAuditControl control;
    AuditStatus status;
    if (control.status(status) == 0 && status.enabled == 2) {
        log::warning("audit is locked (-e 2): its rules and settings stay until the next boot");
        return kExitFine;
    }
    std::vector<std::string> troubles;
    const auto left = SettingsFile::left_in(settings.state_dir);
    // Audit off first, where it was off: the removals would be records too.
    if (left)
        restore_settings(control, *left, troubles);
    const std::size_t removed = remove_own_rules(control, troubles);
    for (const auto& trouble : troubles)
        log::warning(trouble);
    if (!troubles.empty())
        return kExitCannotRun;
    if (left)
        SettingsFile::remove_from(settings.state_dir);
    if (removed != 0 || left)
        log::info(fmt::format("removed {} audit rules{}", removed,
                              left ? ", and put back the settings" : ""));
    return kExitFine;
}

}  // namespace audisp_eql::collector
