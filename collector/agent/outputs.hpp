// SPDX-License-Identifier: Apache-2.0
// All outputs that the settings ask for, as one.
//
// Memory: owns them. Threads: the worker's.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include "collector/agent/access.hpp"
#include "collector/agent/options.hpp"
#include "collector/forward/output.hpp"
#include "collector/forward/spool.hpp"

namespace audisp_eql::collector {

class JsonFileOutput;

class Outputs {
  public:
    // In all, at exit: auditd gives a stopping plugin little time.
    static constexpr int kFlushMs = 1000;

    // Says where alerts go. Throws for a path that no socket can have. A receiver that is absent is
    // said and tried again.
    Outputs(boost::asio::io_context& io, const Settings& settings, const Access& access);
    ~Outputs();
    Outputs(const Outputs&) = delete;
    Outputs& operator=(const Outputs&) = delete;

    void deliver(const detect::Alert& alert);
    // Each second.
    void look_after();
    // After a log rotation.
    void reopen();
    void flush();
    // "syslog:/dev/log, file:/var/log/x".
    std::string names() const;
    const std::vector<std::unique_ptr<Output>>& all() const { return outputs_; }
    const Spool& spool() const { return spool_; }
    // "; syslog:/dev/log: 3 delivered, 1 lost; …", empty without outputs.
    std::string statistics() const;

  private:
    void add(std::unique_ptr<Output> output) { outputs_.push_back(std::move(output)); }

    Spool spool_;
    // Flushes the spool to the disk, which can take a second.
    boost::asio::thread_pool background_{1};
    std::vector<std::unique_ptr<Output>> outputs_;
    JsonFileOutput* json_file_ = nullptr;
};

}  // namespace audisp_eql::collector
