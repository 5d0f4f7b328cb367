// SPDX-License-Identifier: Apache-2.0
// From the feeds' clocks to the engine's: offset = wall - monotonic, epochs, wall time of an event.
//
// Three kinds of input. With CLOCK messages (live runs and their captures) the offset is exact.
// Captures without them have connector times (monotonic) and audit times (wall): the offset is the
// running maximum over the execs that both saw. Plain audit logs have wall time only: offset 0.
//
// Threads: one. No clock is read here.
#pragma once

#include <cstdint>
#include <optional>

#include "detect/event/event.hpp"

namespace audisp_eql::collector {

enum class EpochChange : std::uint8_t {
    none,
    wall,       // the log's time went back or far ahead; the machine is the same
    monotonic,  // the monotonic clock started again: another boot
};

class Timeline {
  public:
    // Live: an audit time is believed only within this before its receipt (blocking calls and a
    // stepped wall clock make it older).
    static constexpr std::int64_t kMaxAgeNs = 60'000'000'000;
    // Raw time in a file that goes back further than this, or ahead further than kMaxAheadNs, for
    // more than kEpochEvents events starts a new epoch.
    static constexpr std::int64_t kMaxBackNs = 5'000'000'000;
    static constexpr std::int64_t kMaxAheadNs = 3'600'000'000'000;
    static constexpr int kEpochEvents = 3;
    // An exec whose two times lie further from the offset than this was paired wrongly, unless the
    // next ones say the same.
    static constexpr std::int64_t kMaxPairSkewNs = 1'000'000'000;

    // The two clocks, read together (live, and CLOCK lines).
    void clock(std::int64_t mono_ns, std::int64_t real_ns);
    // An exec that both feeds saw, for captures without CLOCK lines.
    void exec_seen(std::int64_t audit_ms, std::int64_t connector_ns);
    // Whatever clock comes next is another boot's.
    void another_boot() { another_boot_ = true; }
    // A connector message, before anything else of it is used. Behind CLOCK messages it may be
    // late, by as long as the program stood still.
    void connector(std::int64_t ns);
    // The time of an audit event of any kind, also one that no rule ever sees: until an exec was
    // seen in both feeds, it is all that tells a connector message's wall time.
    void audit(std::int64_t audit_ms);

    // Times of an event: its own, which may lie a little before those of events that came earlier
    // (the engine's clock is the maximum). `received_ns` 0: not known. `blocking`: the call may
    // have waited (accept), so its entry time says nothing about when it happened.
    detect::EventTime of_audit(std::int64_t audit_ms, std::int64_t received_ns, bool blocking);
    detect::EventTime of_connector(std::int64_t ns) const;

    // An audit time on the connector's clock, as it stands (system call entry, coarse); nullopt
    // while the two clocks can't be compared to a few hundredths of a second.
    std::optional<std::int64_t> monotonic_of(std::int64_t audit_ms) const;
    bool comparable() const { return offset_kind_ >= Offset::from_execs; }
    // Wall time in microseconds of a moment of the connector's clock; nullopt in plain logs.
    std::optional<std::int64_t> wall_us_of(std::int64_t mono_ns) const;
    // Largest engine time so far.
    std::int64_t engine_ns() const { return engine_ns_; }

    // Set once when the input's clock broke since the last call: pending matches must go.
    EpochChange take_epoch_change();

  private:
    enum class Offset : std::uint8_t { none, provisional, from_execs, exact };

    void monotonic_moved(std::int64_t ns);
    void compare_clocks(std::int64_t wall_ns, std::int64_t mono_ns);
    void reach(std::int64_t engine_ns);
    bool breaks_epoch(std::int64_t raw_ns);

    Offset offset_kind_ = Offset::none;
    bool have_connector_ = false;
    bool have_audit_ = false;
    std::int64_t offset_ns_ = 0;  // wall - monotonic; plain logs: 0, their monotonic clock is wall
    std::int64_t shift_ns_ = 0;   // engine - monotonic: keeps engine time going across epochs
    std::int64_t last_monotonic_ns_ = 0;
    std::int64_t largest_raw_ns_ = 0;
    std::int64_t last_audit_ns_ = 0;  // wall time of the last audit event of any kind; 0: none yet
    std::int64_t engine_ns_ = 0;      // running maximum
    bool another_boot_ = false;
    int suspicious_ = 0;
    int strange_pairs_ = 0;
    EpochChange epoch_change_ = EpochChange::none;
};

}  // namespace audisp_eql::collector
