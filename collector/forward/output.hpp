// SPDX-License-Identifier: Apache-2.0
// Where alerts go. Each output reads the spool at its own pace; none can block the worker.
//
// Memory: refers to the spool, which must outlive it. Threads: all calls from the worker only; an
// output may finish its work on the io_context it was made with, which runs in that thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace audisp_eql::collector {

struct OutputCounters {
    std::uint64_t delivered = 0;
    std::uint64_t dropped = 0;  // by the spool's bounds, or refused by the receiver for good
    std::uint64_t resent = 0;   // once more, to a receiver that may not have had them
    std::uint64_t retries = 0;
    std::uint64_t queued = 0;  // now
    std::string trouble;       // empty: fine; else why alerts do not leave
};

class Output {
  public:
    // More waiting than this, and the receiver is called slow.
    static constexpr std::size_t kMany = 500;

    virtual ~Output() = default;
    // At the start: would an alert be taken? What stands in its way is said now, not when the first
    // alert waits.
    virtual void probe() = 0;
    // An alert was put into the spool.
    virtual void on_raised() = 0;
    // Each second: is the receiver still the one that had the last alerts?
    virtual void look_after() = 0;
    // Tries to get everything out, waiting at most `timeout_ms` in all; at exit.
    virtual void flush(int timeout_ms) = 0;
    virtual OutputCounters counters() const = 0;
    // "syslog:/dev/log", for messages.
    virtual std::string name() const = 0;
};

// One line for the program's own log: an output came into trouble, or out of it.
using OutputWarning = std::function<void(const std::string&)>;

}  // namespace audisp_eql::collector
