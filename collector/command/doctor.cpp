// SPDX-License-Identifier: Apache-2.0
// audisp-eql doctor: what stands in the way on this host, and the command that mends it.
#include "collector/command/doctor.hpp"

#include <algorithm>
#include <iostream>
#include <stdexcept>

#include <fmt/format.h>

#include "collector/agent/log.hpp"
#include "collector/agent/rule_loader.hpp"
#include "collector/command/agent_settings.hpp"
#include "collector/command/command.hpp"
#include "collector/command/rule_status.hpp"
#include "collector/host/finding.hpp"
#include "collector/host/gather.hpp"
#include "detect/event/json_writer.hpp"

namespace audisp_eql::collector {
namespace {

RuleFacts load_rules(const Settings& settings, const HostState& host) {
    RuleFacts facts;
    NeedsOptions needs;
    needs.expensive = settings.expensive_audit_rules;
    needs.proc_connector = host.connector && host.connector->heard;
    try {
        const LoadedRules rules =
            load_rule_set(settings.rules, settings.deprecated, settings.exceptions);
        facts.loaded = rules.set->rules().size();
        facts.broken = rules.files.troubles.size();
        for (const auto& report : rules.reports)
            facts.broken += detect::has_errors(report.diagnostics) ? 1 : 0;
        const auto statuses = status_of_rules(rules, view_of(host, *rules.set, needs).view);
        facts.blind = count(statuses, "blind");
        for (const RuleStatus& rule : statuses)
            if (rule.status == "blind" && facts.unseen.empty() && !rule.missing.empty())
                facts.unseen = rule.missing.front();
    } catch (const std::runtime_error& error) {
        facts.error = error.what();
    }
    return facts;
}

std::string json_line(const Finding& finding) {
    std::string line;
    const auto member = [&](std::string_view name, std::string_view text) {
        line += line.empty() ? "{\"" : ",\"";
        line.append(name).append("\":");
        detect::append_json_string(line, text);
    };
    member("check", finding.check);
    member("verdict", to_string(finding.verdict));
    member("text", finding.text);
    member("mend", finding.mend);
    return line + '}';
}

std::string summary_of(const Findings& findings) {
    const auto count = [&](Verdict verdict) {
        return std::count_if(findings.begin(), findings.end(), [verdict](const Finding& finding) {
            return finding.verdict == verdict;
        });
    };
    return fmt::format("{} fine, {} warnings, {} broken", count(Verdict::fine),
                       count(Verdict::warning), count(Verdict::broken));
}

}  // namespace

std::string text_line(const Finding& finding) {
    return fmt::format("{:<8} {:<20} {}{}{}", to_string(finding.verdict), finding.check,
                       finding.text, finding.mend.empty() ? "" : "; mend: ", finding.mend);
}

Findings examine_host(const Settings& settings) {
    LinuxProcReader proc;
    HostState host = gather_host_state(proc);
    // The running agent's own configuration, where there is one.
    Settings effective = settings;
    if (!host.agents.empty())
        if (auto agents = settings_of(host.agents.front()))
            effective = std::move(*agents);
    const std::int32_t agent = host.agents.empty() ? 0 : host.agents.front().pid;
    host.outputs = probe_outputs(effective, agent);
    host.rules = load_rules(effective, host);
    return examine(host);
}

int doctor_command(const Settings& settings) {
    if (!settings.arguments.empty()) {
        log::error("doctor takes no arguments");
        return kExitUserMistake;
    }
    const Findings findings = examine_host(settings);
    const bool json = settings.check_output == CheckOutput::json;
    for (const Finding& finding : findings)
        std::cout << (json ? json_line(finding) : text_line(finding)) << '\n';
    if (!json)
        std::cout << summary_of(findings) << '\n';
    std::cout.flush();
    const bool broken = std::any_of(findings.begin(), findings.end(), [](const Finding& finding) {
        return finding.verdict == Verdict::broken;
    });
    return broken || !std::cout ? kExitCannotRun : kExitFine;
}

}  // namespace audisp_eql::collector
