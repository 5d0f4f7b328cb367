// SPDX-License-Identifier: Apache-2.0
// Where alerts go. Each output has its own bounded queue; none can block the worker.
//
// Memory: an output owns the alerts it queued. Threads: all calls from the worker only; an output
// may finish its work on the io_context it was made with, which runs in that thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "detect/alert/alert.hpp"

namespace audisp_eql::collector {

struct OutputCounters {
    std::uint64_t delivered = 0;
    std::uint64_t dropped = 0;  // by the queue's bounds, or refused by the receiver for good
    std::uint64_t retries = 0;
    std::uint64_t queued = 0;  // now
    std::string trouble;       // empty: fine; else why alerts do not leave
};

class Output {
  public:
    // A burst of alerts while syslog restarts; 1000 alerts of 8 kB are 8 MB.
    static constexpr std::size_t kMaxQueued = 1000;
    // Whole alerts, untrimmed, can have a megabyte each.
    static constexpr std::size_t kMaxQueuedBytes = 64 << 20;

    virtual ~Output() = default;
    // At the start: would an alert be taken? What stands in its way is said now, not when the first
    // alert waits.
    virtual void probe() = 0;
    virtual void deliver(const detect::Alert& alert) = 0;
    // Tries to empty the queue, waiting at most `timeout_ms` in all; at exit.
    virtual void flush(int timeout_ms) = 0;
    virtual OutputCounters counters() const = 0;
    // "syslog:/dev/log", for messages.
    virtual std::string name() const = 0;
};

// One line for the program's own log: an output came into trouble, or out of it.
using OutputWarning = std::function<void(const std::string&)>;

}  // namespace audisp_eql::collector
