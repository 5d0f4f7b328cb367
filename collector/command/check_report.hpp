// SPDX-License-Identifier: Apache-2.0
// What check says of each rule file, for programs.
//
// Threads: no state between calls.
#pragma once

#include <iosfwd>
#include <vector>

#include "collector/agent/rule_loader.hpp"
#include "collector/command/rule_status.hpp"

namespace audisp_eql::collector {

// One object a line for each file: file, id, name, status, diagnostics: [{line, column, severity,
// message, hint}]. A file that cannot be read has the status error. Then one for each file of
// exceptions: file, kind: "exceptions", status (ok, error), exceptions: [{id, comment, rules (none:
// every rule), expires, expired}], diagnostics.
//
// `here`: what the rules see on this host, one for each report: its status is told, and "missing":
// what is not seen, as texts.
void print_json(const LoadedRules& rules, std::ostream& out,
                const std::vector<RuleStatus>* here = nullptr);

}  // namespace audisp_eql::collector
