// SPDX-License-Identifier: Apache-2.0
// What --measure found, for people.
//
// Memory: none of its own. Threads: one.
#pragma once

#include <iosfwd>
#include <string>
#include <vector>

#include "collector/agent/audit_costs.hpp"
#include "collector/agent/kernel_needs.hpp"

namespace audisp_eql::collector {

struct MeasuredRun {
    const detect::RuleSet& rules;
    const std::vector<NeededLine>& lines;
    const AuditCosts& costs;
    double seconds;
    LogRoom room;
};
void print_costs(const MeasuredRun& run, std::ostream& out);

}  // namespace audisp_eql::collector
