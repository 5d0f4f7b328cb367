// SPDX-License-Identifier: Apache-2.0
// After a loss on the proc connector: the process table is put right by /proc. Who is not known is
// made, who is gone is ended, in slices, so that no record waits long.
//
// What is found out becomes messages of the stream, like everything that /proc says: a replay reads
// them in the same place.
// Memory: two lists of pids. Threads: the worker's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "collector/feed/message.hpp"
#include "collector/process/proc_reader.hpp"
#include "collector/process/process_table.hpp"

namespace audisp_eql::collector {

class Resync {
  public:
    // Reading one process costs some 50 us: a slice is a few milliseconds.
    static constexpr std::size_t kSlice = 128;
    // What was queued when the list was made has been worked off by then; the connector is drained
    // within 25 ms (measured).
    static constexpr std::int64_t kSettleNs = 100'000'000;
    // Under constant loss.
    static constexpr std::int64_t kBetweenNs = 10'000'000'000;

    // `tell`: a message, in the stream's order.
    Resync(ProcReader& proc, std::function<void(const Message&)> tell)
        : proc_(proc), tell_(std::move(tell)) {}

    // The connector lost something.
    void ask() { asked_ = true; }
    // One slice, if it is time. `now_ns`: the stream's clock.
    void step(const ProcessTable& table, std::int64_t now_ns);

    std::uint64_t runs() const { return runs_; }
    std::uint64_t finished() const { return finished_; }
    std::uint64_t made() const { return made_; }    // processes that were not known
    std::uint64_t ended() const { return ended_; }  // and those that were gone

  private:
    void begin(std::int64_t now_ns);
    void put_right(const ProcessTable& table, std::int32_t pid, std::int64_t now_ns);
    void look_for_gone(const ProcessTable& table);
    void end_if_gone(const ProcessTable& table, std::int32_t pid, std::int64_t now_ns);
    void tell_exit(std::int32_t pid, std::int32_t tgid, std::int64_t now_ns);

    ProcReader& proc_;
    std::function<void(const Message&)> tell_;
    bool asked_ = false, running_ = false;
    std::int64_t began_ns_ = 0;
    std::vector<std::int32_t> listed_;  // sorted
    std::vector<std::int32_t> gone_;    // not in it
    std::size_t next_ = 0;
    std::uint64_t runs_ = 0, finished_ = 0, made_ = 0, ended_ = 0;
};

}  // namespace audisp_eql::collector
