// SPDX-License-Identifier: Apache-2.0
// From the feeds' clocks to the engine's: offset = wall - monotonic, epochs, wall time of an event.
//
// Threads: one. No clock is read here.
#pragma once

#include <cstdint>

#include "detect/event/event.hpp"

namespace audisp_eql::collector {

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

    // The two clocks, read together (live, and CLOCK lines).
    void clock(std::int64_t mono_ns, std::int64_t real_ns);
    // An exec that both feeds saw, for captures without CLOCK lines.
    void exec_seen(std::int64_t audit_ms, std::int64_t connector_ns);
    // A connector message, before anything else of it is used.
    void connector(std::int64_t ns);

    // Times of an event. `received_ns` 0: not known. `blocking`: the call may have waited (accept),
    // so its entry time says nothing about when it happened.
    detect::EventTime of_audit(std::int64_t audit_ms, std::int64_t received_ns, bool blocking);
    detect::EventTime of_connector(std::int64_t ns);

    // Set once when the input's clock broke since the last call: pending matches must go.
    bool take_epoch_change();

  private:
    bool have_clock_ = false;   // a CLOCK was seen: offset_ns_ is exact
    bool have_offset_ = false;  // from execs seen in both
    bool have_connector_ = false;
    std::int64_t offset_ns_ = 0;  // wall - monotonic
    std::int64_t last_connector_ns_ = 0;
    std::int64_t largest_raw_ns_ = 0;
    std::int64_t engine_ns_ = 0;  // running maximum
    int suspicious_ = 0;
    bool epoch_changed_ = false;
};

}  // namespace audisp_eql::collector
