// SPDX-License-Identifier: Apache-2.0
// A file that lies in the state directory while the agent runs: the next start finds it there if
// this run had no orderly end.
//
// Memory: owns its path. Threads: one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unistd.h>

#include "collector/agent/own_alert.hpp"

namespace audisp_eql::collector {

struct RunningAgent {
    std::string boot_id;
    std::int32_t pid = 0;
    std::int64_t started_us = 0;  // wall time
    std::int64_t seen_us = 0;     // when it was last known to live
};

class RunMarker {
  public:
    // Reads what is left of an earlier run, and writes DIRECTORY/running. "off", or a directory
    // that is not there: does nothing.
    // `pid`: the process that whoever started the program knows.
    explicit RunMarker(const std::string& directory, std::int32_t pid = ::getpid());
    ~RunMarker();
    RunMarker(const RunMarker&) = delete;
    RunMarker& operator=(const RunMarker&) = delete;

    // What an earlier run left; not that of an agent that still lives.
    const std::optional<RunningAgent>& left() const { return left_; }
    // Each minute or so: it still lives.
    void touch();
    // The orderly end.
    void end();
    // Empty: nothing went wrong.
    const std::string& trouble() const { return trouble_; }

  private:
    std::string path_;  // empty: nothing is written
    std::string text_;
    int file_ = -1;
    std::optional<RunningAgent> left_;
    std::string trouble_;
};

// "boot=… pid=… started=…"; nullopt: nothing that can be read.
std::optional<RunningAgent> running_agent_from(const std::string& text);

struct EndOfRun {
    OwnAlert kind;
    OwnAlertFacts facts;
};
// What is to be said of a run that had no orderly end.
EndOfRun tell_of(const RunningAgent& left, const std::string& boot_id, std::int64_t now_us);

std::string boot_id();

}  // namespace audisp_eql::collector
