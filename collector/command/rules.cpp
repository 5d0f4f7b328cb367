// SPDX-License-Identifier: Apache-2.0
// audisp-eql rules: what is loaded, and what each rule can and cannot see on this host.
#include <iostream>

#include <fmt/format.h>

#include "collector/agent/rule_loader.hpp"
#include "collector/command/agent_settings.hpp"
#include "collector/command/check_report.hpp"
#include "collector/command/command.hpp"
#include "collector/command/rule_status.hpp"
#include "collector/host/gather.hpp"

namespace audisp_eql::collector {
namespace {

void print_text(const LoadedRules& rules, const std::vector<RuleStatus>& statuses,
                const std::string& basis) {
    for (const PathTrouble& trouble : rules.files.troubles)
        std::cout << fmt::format("{:<10} {}: cannot be read: {}\n", "error", trouble.path,
                                 trouble.message);
    for (std::size_t i = 0; i < statuses.size(); ++i) {
        const detect::RuleReport& report = rules.reports[i];
        std::cout << fmt::format("{:<10} {} ({})\n", statuses[i].status, report.name, report.file);
        for (const std::string& missing : statuses[i].missing)
            std::cout << fmt::format("{:<10} {}\n", "", missing);
    }
    std::string summary;
    for (const char* status : {"ok", "degraded", "inert", "deprecated", "error", "blind"})
        summary +=
            fmt::format("{}{} {}", summary.empty() ? "" : ", ", count(statuses, status), status);
    std::cout << summary << "; " << basis << '\n';
}

}  // namespace

int rules_command(const Settings& settings) {
    LinuxProcReader proc;
    const HostState host = gather_host_state(proc);
    Settings effective = settings;
    if (!host.agents.empty())
        if (auto agents = settings_of(host.agents.front()))
            effective = std::move(*agents);
    const LoadedRules rules =
        load_rule_set(settings.arguments.empty() ? effective.rules : settings.arguments,
                      effective.deprecated, effective.exceptions);
    NeedsOptions needs;
    needs.expensive = effective.expensive_audit_rules;
    needs.proc_connector = host.connector && host.connector->heard;
    const HostView here = view_of(host, *rules.set, needs);
    const auto statuses = status_of_rules(rules, here.view);
    if (settings.check_output == CheckOutput::json)
        print_json(rules, std::cout, &statuses);
    else
        print_text(rules, statuses, here.basis);
    std::cout.flush();
    if (!std::cout)
        return kExitCannotRun;
    return rules.broken() ? kExitUserMistake : kExitFine;
}

}  // namespace audisp_eql::collector
