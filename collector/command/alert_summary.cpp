// SPDX-License-Identifier: Apache-2.0
#include "collector/command/alert_summary.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "collector/agent/alert_line.hpp"

namespace audisp_eql::collector {

void AlertSummary::add(const detect::Alert& alert) {
    PerRule& rule = rules_[alert.rule_name];
    rule.severity = alert.severity;
    ++rule.alerts;
    std::string group = alert_group(alert);
    const auto found = rule.groups.find(group);
    if (found != rule.groups.end())
        ++found->second;
    else if (rule.groups.size() < kMaxGroups)
        rule.groups.emplace(std::move(group), 1);
    else
        ++rule.others;
}

void AlertSummary::append_to(std::string& out) const {
    // By count; equal ones by name, as the maps have them.
    const auto more = [](const auto& a, const auto& b) { return a.first > b.first; };
    std::vector<std::pair<std::uint64_t, const std::pair<const std::string, PerRule>*>> by_alerts;
    for (const auto& entry : rules_)
        by_alerts.emplace_back(entry.second.alerts, &entry);
    std::stable_sort(by_alerts.begin(), by_alerts.end(), more);
    for (const auto& [alerts, entry] : by_alerts) {
        const PerRule& rule = entry->second;
        out += fmt::format("{} {} {}\n", alerts, detect::to_string(rule.severity), entry->first);
        std::vector<std::pair<std::uint64_t, const std::string*>> groups;
        for (const auto& [name, count] : rule.groups)
            groups.emplace_back(count, &name);
        std::stable_sort(groups.begin(), groups.end(), more);
        std::uint64_t others = rule.others;
        for (std::size_t i = 0; i < groups.size(); ++i) {
            if (i < kShownGroups)
                out += fmt::format("{:>8} {}\n", groups[i].first, *groups[i].second);
            else
                others += groups[i].first;
        }
        if (others != 0)
            out += fmt::format("{:>8} others\n", others);
    }
}

}  // namespace audisp_eql::collector
