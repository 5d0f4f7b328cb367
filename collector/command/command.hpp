// SPDX-License-Identifier: Apache-2.0
// The commands of the program: their names, their help and their functions.
//
// Threads: main's.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "collector/agent/options.hpp"

namespace audisp_eql::collector {

inline constexpr int kExitFine = 0;
inline constexpr int kExitCannotRun = 1;
inline constexpr int kExitUserMistake = 2;  // an option, a rule, an input file
inline constexpr int kExitMatched = 3;      // only with --exit-code

// Each is in a file of its own and throws where it cannot run.
int run_command(const Settings& settings);
int replay_command(const Settings& settings);
int query_command(const Settings& settings);
int record_command(const Settings& settings);
int check_command(const Settings& settings);
int test_command(const Settings& settings);
int doctor_command(const Settings& settings);
int audit_rules_command(const Settings& settings);
int selftest_command(const Settings& settings);
// audit-rules --remove
int remove_audit_leftovers(const Settings& settings);
int enable_command(const Settings& settings);
int disable_command(const Settings& settings);
int fields_command(const Settings& settings);
int rules_command(const Settings& settings);
int status_command(const Settings& settings);
int maintenance_command(const Settings& settings);

struct CommandEntry {
    std::string_view name;
    Command command;
    int (*function)(const Settings&);
    std::string_view arguments;  // "FILE…", for the usage line
    std::string_view summary;    // one line, lower case
    std::string_view description;
    std::string_view examples;
    std::string_view exit_codes;
};
std::span<const CommandEntry> commands();
// Null if there is none of that name.
const CommandEntry* find_command(std::string_view name);

std::string program_help();
std::string command_help(const CommandEntry& entry);
std::string version_text();

}  // namespace audisp_eql::collector
