// SPDX-License-Identifier: Apache-2.0
// Which stage of detection failed, from what a self-test saw. Pure.
//
// Memory: values. Threads: no state between calls.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collector/host/host_state.hpp"

namespace audisp_eql::collector {

// What became of an alert at one of the outputs of the agent.
struct WatchedOutput {
    OutputFacts output;
    bool followed = false;  // it is known where its alerts can be read
    std::string places;     // where was looked
    std::string seen_in;    // empty: the alert did not come
    std::chrono::milliseconds after{0};
    std::string rule;  // its name; empty: the line was cut
};

// What the self-test's own ears heard of its technique.
struct Overheard {
    bool audit = false;      // the kernel let us listen to its records
    bool connector = false;  // and to the proc connector
    bool exec = false, connect = false, fork = false;
};

// What the agent's rules make of what was overheard, in a pipeline of our own.
struct Rehearsal {
    enum class Result : std::uint8_t { not_done, no_match, excepted, match };
    Result result = Result::not_done;
    // The rules ask the kernel for executions and connections; the agent loads no audit rules
    // that none of its rules needs.
    bool asks = true;
    std::string rule;                     // match: its name
    std::vector<std::string> exceptions;  // excepted: their ids
    std::string error;                    // the rules cannot be read
};

struct SelftestFacts {
    HostState host;               // with the one agent that is tested, or none
    bool settings_known = true;   // the agent's configuration could be read
    std::string technique_error;  // it could not be performed
    Overheard overheard;
    Rehearsal rehearsal;
    std::vector<WatchedOutput> outputs;
};

enum class Stage : std::uint8_t {
    detected,
    technique,
    agent,
    plugin,
    audit,
    feed,
    kernel_rules,
    proc_connector,
    rules,
    exceptions,
    output,
};
std::string_view to_string(Stage stage);

struct Diagnosis {
    Stage stage = Stage::detected;
    std::string text;      // one line
    std::string mend;      // the command; empty where nothing is to be done
    bool arrived = false;  // the alert came, whatever else is broken
};

// What is known before anything is performed; nullopt: nothing stands in the way.
std::optional<Diagnosis> diagnose_before(const SelftestFacts& facts);
Diagnosis diagnose(const SelftestFacts& facts);

}  // namespace audisp_eql::collector
