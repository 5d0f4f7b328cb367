// SPDX-License-Identifier: Apache-2.0
// What a running agent was told: its command line and configuration, read as it read them.
//
// Memory: values. Threads: one.
#pragma once

#include <optional>

#include "collector/agent/options.hpp"
#include "collector/host/host_state.hpp"

namespace audisp_eql::collector {

// Relative paths are made absolute from its working directory. nullopt: its configuration cannot be
// read now, or is wrong.
std::optional<Settings> settings_of(const AgentFacts& agent);

// Where its alerts go, and whether they would arrive. `agent`: 0: none runs, and nothing is known
// of servers.
std::vector<OutputFacts> probe_outputs(const Settings& settings, std::int32_t agent);
std::vector<OutputFacts> probe_servers(const Settings& settings, std::int32_t agent);

}  // namespace audisp_eql::collector
