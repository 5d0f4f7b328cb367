// SPDX-License-Identifier: Apache-2.0
#include "collector/command/rule_status.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "collector/feed/audit_rules.hpp"
#include "detect/rule/rule_set.hpp"

namespace audisp_eql::collector {
namespace {

using Status = detect::RuleReport::Status;

bool is_fed(const HostState& host, const AgentFacts& agent) {
    const auto holder = static_cast<std::int32_t>(host.audit ? host.audit->pid : 0);
    return holder != 0 && (holder == agent.pid || holder == agent.parent);
}

// What is in the kernel, and what an agent would add that may.
std::vector<AuditRuleBytes> rules_after_start(const HostState& host, const detect::RuleSet& rules,
                                              const NeedsOptions& options) {
    std::vector<AuditRuleBytes> all = host.kernel_rules;
    if (!host.audit || host.audit->enabled == 2)
        return all;
    std::string text;
    for (const NeededLine& line : kernel_needs(rules, options).lines)
        text += line.text + '\n';
    for (AuditRule& rule : parse_audit_rules(text).rules)
        all.push_back(std::move(rule.bytes));
    return all;
}

}  // namespace

std::vector<RuleStatus> status_of_rules(const LoadedRules& rules, const KernelView& view) {
    std::vector<RuleStatus> result;
    std::map<std::string_view, RuleSight> sights;  // by file
    std::vector<RuleSight> in_order;
    if (rules.set != nullptr) {
        in_order = sight_of_rules(*rules.set, view);
        for (std::size_t i = 0; i < in_order.size(); ++i)
            sights.emplace(rules.set->rules()[i].rule.file, std::move(in_order[i]));
    }
    for (const detect::RuleReport& report : rules.reports) {
        RuleStatus status{detect::to_string(report.status), {}};
        const auto sight = sights.find(report.file);
        const bool evaluated = report.status == Status::ok || report.status == Status::degraded;
        if (evaluated && sight != sights.end()) {
            status.missing = std::move(sight->second.missing);
            if (sight->second.sight == Sight::blind)
                status.status = to_string(Sight::blind);
        }
        result.push_back(std::move(status));
    }
    return result;
}

HostView view_of(const HostState& host, const detect::RuleSet& rules, const NeedsOptions& options) {
    HostView result;
    if (!host.agents.empty()) {
        const AgentFacts& agent = host.agents.front();
        result.basis = fmt::format("as audisp-eql (pid {}) sees this host now", agent.pid);
        result.view.audit = host.audit && host.audit->enabled != 0 && is_fed(host, agent);
        result.view.proc_connector = agent.hears_connector;
        result.view.audit_rules = host.kernel_rules;
        return result;
    }
    result.basis = "audisp-eql does not run; as it would see this host if it started now";
    result.view.audit = host.audit.has_value();
    result.view.proc_connector = host.connector && host.connector->heard;
    result.view.audit_rules = rules_after_start(host, rules, options);
    return result;
}

std::size_t count(const std::vector<RuleStatus>& rules, std::string_view status) {
    return static_cast<std::size_t>(
        std::count_if(rules.begin(), rules.end(),
                      [status](const RuleStatus& rule) { return rule.status == status; }));
}

}  // namespace audisp_eql::collector
