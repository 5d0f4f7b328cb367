// SPDX-License-Identifier: Apache-2.0
// Who is who: pids to processes, through fork, exec, exit, pid reuse and late records.
//
// Fed by the proc connector and by audit events; knows no events and no rules. Everything that the
// caller must do later (a fork event whose image is awaited, an end that must come last) is the
// normalizer's.
// Memory: owns the live processes and the tombstones (kTombstoneNs, bounded). Threads: one.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/unordered/unordered_flat_map.hpp>

#include "collector/process/proc_reader.hpp"
#include "collector/process/process.hpp"

namespace audisp_eql::collector {

struct ProcessTableCounters {
    std::uint64_t live = 0;
    std::uint64_t tombstones = 0;
    std::uint64_t forks = 0;
    std::uint64_t threads = 0;         // FORK of a thread: dropped
    std::uint64_t reused_pids = 0;     // a FORK met a live entry of its pid
    std::uint64_t inferred = 0;        // processes first seen by a record
    std::uint64_t images_awaited = 0;  // now
    std::uint64_t images_missed = 0;   // awaited and never told
    std::uint64_t evicted = 0;         // by the bounds below
};

class ProcessTable {
  public:
    // Sequences span a minute at most in 163 of 169 public rules; exits are read before up to all
    // exec records under load.
    static constexpr std::int64_t kTombstoneNs = 60'000'000'000;
    // pid_max is 4,194,304 at most, 32,768 by default; 200,000 processes fill 150 MB.
    static constexpr std::size_t kMaxLive = 200'000;
    static constexpr std::size_t kMaxTombstones = 200'000;
    static constexpr std::size_t kMaxAncestry = 20;

    ProcessTable();
    ~ProcessTable();

    // The boot id that entity ids are made from; empty: the nil UUID. Before the first process.
    void set_boot_id(std::string_view uuid);

    // One process as /proc showed it. Also for one that is already known: completes it.
    ProcessPtr snapshot(const ProcSnapshot& snapshot, std::int64_t now_ns);
    // A process was forked. Null for a thread. An unknown parent is made.
    ProcessPtr fork(std::int32_t parent_pid, std::int32_t pid, std::int32_t tgid, std::int64_t ns);
    // The connector's EXEC: opens an awaited image. Revives a process whose leader had exited.
    ProcessPtr exec_announced(std::int32_t pid, std::int64_t ns);
    // The connector's EXIT of a leader. Null if not known.
    ProcessPtr exit(std::int32_t pid, std::uint32_t exit_code, std::int64_t ns);

    // The incarnation an audit record of `pid` speaks of: the live one, or its newest tombstone.
    ProcessPtr find(std::int32_t pid) const;
    // As find, but makes an inferred process (parent from `ppid`, entity id from `serial`).
    ProcessPtr find_or_infer(std::int32_t pid, std::int32_t ppid, std::uint64_t serial,
                             std::int64_t now_ns, bool& was_inferred);
    // The exec's own records: fills the oldest awaited image, or a new one. Returns the image that
    // was filled.
    ImagePtr image_executed(Process& process, detect::BlockPtr block);

    // Tombstones older than kTombstoneNs go. `now_ns`: the connector's clock.
    void advance(std::int64_t now_ns);
    const ProcessTableCounters& counters() const { return counters_; }

  private:
    ProcessTableCounters counters_;
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace audisp_eql::collector
