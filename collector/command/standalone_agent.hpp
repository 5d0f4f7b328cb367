// SPDX-License-Identifier: Apache-2.0
// A private agent for a self-test: this program's `run` as a child, with an output of its own.
//
// Memory: owns the child, which ends with it. Threads: one.
#pragma once

#include <string>

#include <sys/types.h>

#include "collector/agent/options.hpp"

namespace audisp_eql::collector {

class StandaloneAgent {
  public:
    // Starts it with the rules and exceptions of `settings` and waits until it watches. Throws
    // std::runtime_error with what it said where it does not come to that.
    explicit StandaloneAgent(const Settings& settings);
    ~StandaloneAgent();
    StandaloneAgent(const StandaloneAgent&) = delete;
    StandaloneAgent& operator=(const StandaloneAgent&) = delete;

    pid_t pid() const { return pid_; }

  private:
    void wait_until_started(int log);
    void end();

    std::string directory_;
    pid_t pid_ = -1;
};

}  // namespace audisp_eql::collector
