// SPDX-License-Identifier: Apache-2.0
// Who is who: pids to processes, through fork, exec, exit, pid reuse and late records.
//
// Fed by the proc connector and by audit events; knows no events and no rules. Everything that the
// caller must do later (a fork event whose image is awaited, an end that must come last) is the
// normalizer's.
// Memory: owns the live processes and the tombstones (kTombstoneNs, bounded). Lineage is counted
// pointers from child to parent; where more than kMaxLineage generations lie above a new process,
// the oldest that has exited lets go of its own parent, so a process that forks and exits for ever
// holds a bounded chain.
// Threads: one.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "collector/process/proc_reader.hpp"
#include "collector/process/process.hpp"

namespace audisp_eql::collector {

struct ProcessTableCounters {
    std::uint64_t live = 0;
    std::uint64_t tombstones = 0;
    std::uint64_t forks = 0;
    std::uint64_t threads = 0;         // FORK of a thread: no process
    std::uint64_t reused_pids = 0;     // a new process met a live entry of its pid
    std::uint64_t inferred = 0;        // processes first seen by a record
    std::uint64_t revived = 0;         // the leader had exited, the process had not
    std::uint64_t images_awaited = 0;  // now
    std::uint64_t images_missed = 0;   // announced, and audit went on without telling
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
    // Twice, so that the near ancestors of a process keep all of theirs.
    static constexpr std::uint32_t kMaxLineage = 2 * kMaxAncestry;
    // Execs of one process that audit has not told yet. A chain of wrappers (nice, env, setsid, …)
    // is shorter; beyond it the oldest counts as missed.
    static constexpr std::size_t kMaxAwaited = 16;
    // An audit time may lie this much before the moment on the connector's clock: the coarse clock
    // is up to 21 ms behind (HZ=100), and the time from a call's entry to its EXEC adds to it
    // (measured: 29 ms under load).
    static constexpr std::int64_t kSlackNs = 50'000'000;
    // An EXEC that is announced after its record comes within this.
    static constexpr std::int64_t kToldAheadNs = 1'000'000'000;
    // A process that exited and goes on within this is the same (exec by a thread that was not
    // counted); later, the pid has a new owner whose FORK was not seen.
    static constexpr std::int64_t kRevivalNs = 1'000'000'000;

    ProcessTable();
    ~ProcessTable();

    // The boot id that entity ids are made from; empty or no UUID: the nil UUID. Before the first
    // process.
    void set_boot_id(std::string_view uuid);
    // Another machine or boot: everything is forgotten, the boot id too.
    void clear();

    // One process as /proc showed it. Also for one that is already known: completes it.
    ProcessPtr snapshot(const ProcSnapshot& snapshot, std::int64_t now_ns);
    // What /proc showed of its image, if nothing better is known.
    void image_read(Process& process, detect::BlockPtr block);

    // A process was forked. Null for a thread. An unknown parent is made.
    ProcessPtr fork(std::int32_t parent_pid, std::int32_t pid, std::int32_t tgid, std::int64_t ns);
    // The same from an audit record (no connector).
    ProcessPtr fork_recorded(Process& parent, std::int32_t pid, std::uint64_t serial,
                             std::int64_t time_ms);

    struct Announced {
        ProcessPtr process;
        // Its record came first: the record's audit time; 0: still to come.
        std::int64_t told_ms = 0;
    };
    // The connector's EXEC: opens an awaited image. Revives a process whose leader had exited.
    Announced exec_announced(std::int32_t pid, std::int64_t ns);
    // setsid(2): the leader of a new session and of a new group in it, without a terminal.
    void session_begun(Process& process);
    // setpgid(2), as far as somebody tells.
    void group_joined(Process& process, std::int32_t pgid);
    // The leaders of its session and of its group, as far as they are known.
    void find_leaders(Process& process);
    // The process as a leader.
    static LeaderPtr leader_of(Process& process);

    // The connector's EXIT of a leader or another thread. The process if it was its last one; null
    // if others live on, or if it is not known.
    ProcessPtr exit(std::int32_t pid, std::int32_t tgid, std::uint32_t exit_status,
                    std::int64_t ns);

    // An audit record, as far as the table needs it.
    struct RecordPoint {
        std::int32_t pid = 0;
        std::int32_t ppid = 0;
        std::uint64_t serial = 0;
        std::int64_t time_ms = 0;
        std::optional<std::int64_t> entry_ns;  // the record's time on the connector's clock
        std::int64_t received_ns = 0;          // 0: not known
        bool exec = false;
    };
    // The incarnation of `pid` that lives, or its newest tombstone.
    ProcessPtr find(std::int32_t pid) const;
    // The incarnation that an audit record speaks of: the pid may have been reused since.
    ProcessPtr find(const RecordPoint& record) const;
    // As find, but makes an inferred process if there is none, or only one that exited long ago.
    ProcessPtr find_or_infer(const RecordPoint& record, bool& was_inferred);
    // An inferred process in the place of a live one: the pid was reused unseen.
    ProcessPtr infer(const RecordPoint& record);

    struct Executed {
        ImagePtr image;                 // the one that was filled
        std::int64_t announced_ns = 0;  // of the connector's EXEC, if it was seen; else 0
    };
    // The exec's own records: fills the oldest awaited image, or a new one.
    Executed image_executed(Process& process, detect::BlockPtr block, const RecordPoint& record);
    // A record of something else: execs announced well before it are not going to be told. Returns
    // the image that the process ran when the record was made; never null.
    const ImagePtr& image_at(Process& process, const RecordPoint& record);

    // Links the parent of a process that /proc or a record named by number only. `serial` of the
    // record: an unknown parent is made; 0: only a known one is linked.
    void link_parent(Process& process, std::uint64_t serial);
    // Its entity id, made on first use.
    std::string_view entity_id(Process& process);

    // Tombstones older than kTombstoneNs go. `now_ns`: the connector's clock.
    void advance(std::int64_t now_ns);
    // Of all that live, in no order.
    std::vector<std::int32_t> live_pids() const;
    // Memory is short: forgets so many of the oldest tombstones, and of the processes that were
    // longest not heard of. How many went.
    std::size_t shed(std::size_t tombstones, std::size_t live);
    const ProcessTableCounters& counters() const { return counters_; }

  private:
    ProcessTableCounters counters_;
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace audisp_eql::collector
