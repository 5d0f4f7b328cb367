// SPDX-License-Identifier: Apache-2.0
// Audit rules in the kernel for a while, and what they cost on this host.
//
// Memory: values. Threads: one at a time; takes SIGINT and SIGTERM over, which end it early.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "collector/agent/audit_costs.hpp"
#include "collector/agent/kernel_needs.hpp"

namespace audisp_eql::collector {

inline constexpr const char* kAuditdConf = "/etc/audit/auditd.conf";

struct MeasuredCosts {
    AuditCosts costs;
    double seconds = 0;  // how long it was; not 0
};
// Loads the lines, counts, and puts everything back; says in the log whose feed was read and what
// was lost. Throws std::runtime_error where it can't be measured.
MeasuredCosts measure_costs(const std::vector<NeededLine>& lines, std::chrono::seconds time);

// What the rules add to auditd's log, in sentences for people.
struct LogPrice {
    std::string text;
    // They make the log's history reach back for less than a week.
    bool dear = false;
};
LogPrice log_price(const AuditCost& added, const AuditCost& before, double seconds,
                   const LogRoom& room);

}  // namespace audisp_eql::collector
