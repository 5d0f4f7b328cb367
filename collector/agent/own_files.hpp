// SPDX-License-Identifier: Apache-2.0
// The audit rules that report who writes into the agent's own files: its configuration, its rules
// and its exceptions.
//
// Memory: values. Threads: no state.
#pragma once

#include <vector>

#include "collector/agent/kernel_needs.hpp"

namespace audisp_eql::collector {

struct Settings;

// What an agent with these settings loads whatever its rules ask for, before the lines that they
// need: of audit rules that match, the kernel names the first one's key.
std::vector<NeededLine> lines_of_own_files(const Settings& settings);

// All that it loads with these rules and the proc connector: kernel_needs() after those.
KernelNeeds needs_of_run(const Settings& settings, const detect::RuleSet& rules);

}  // namespace audisp_eql::collector
