// SPDX-License-Identifier: Apache-2.0
// What each loaded rule can and cannot see on this host.
//
// Memory: values. Threads: no state between calls.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "collector/agent/kernel_needs.hpp"
#include "collector/agent/rule_loader.hpp"
#include "collector/host/host_state.hpp"

namespace audisp_eql::collector {

struct RuleStatus {
    // As check has it; or "blind": the rule is fine, and what it needs is not seen here. Static.
    std::string_view status;
    // What is not seen, one line each; of a rule that is not blind, part of what it asks for.
    std::vector<std::string> missing;
};
// One for each of rules.reports, in order. Pure.
std::vector<RuleStatus> status_of_rules(const LoadedRules& rules, const KernelView& view);

struct HostView {
    KernelView view;
    std::string basis;  // one line: whose view it is
};
// What the running agent sees; without one, what it would see if it started now. Pure.
HostView view_of(const HostState& host, const detect::RuleSet& rules, const NeedsOptions& options);

// How many rules have the status.
std::size_t count(const std::vector<RuleStatus>& rules, std::string_view status);

}  // namespace audisp_eql::collector
