// SPDX-License-Identifier: Apache-2.0
// Carries out what a SwitchPlan says: files, signals, systemd.
//
// Memory: values. Threads: one at a time; waits for programs that it starts.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "collector/command/switch_plan.hpp"

namespace audisp_eql::collector {

inline constexpr const char* kServiceName = "audisp-eql.service";
inline constexpr const char* kServiceUser = "_audisp-eql";

// Read by augenrules, in the order of names, before the lock. What cannot be loaded of it is passed
// over ("-c", auditctl(8)), so that nobody else's rules are lost by it.
inline constexpr const char* kBootRulesFile = "/etc/audit/rules.d/80-audisp-eql.rules";

// `config`: as the user named it; empty: the default.
SwitchFacts gather_switch_facts(const std::string& config);

// auditd starts and ends its plugins when it is told to read its configuration, which takes
// milliseconds; a loaded host may need more.
inline constexpr std::chrono::seconds kPluginPatience{30};

// What was done, as a sentence without its full stop. Throws std::runtime_error with what went
// wrong and what to do.
std::string carry_out(Step step, const SwitchFacts& facts);

// Runs a program of the system and waits for it. `output`: standard output and error together.
struct ProgramResult {
    int code = -1;  // 127: there is no such program; 128 + signal
    std::string output;
};
ProgramResult run_program(const std::vector<std::string>& words);

}  // namespace audisp_eql::collector
