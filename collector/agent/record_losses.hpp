// SPDX-License-Identifier: Apache-2.0
// Losses that show in the records themselves, and so again in every replay: serial numbers that
// never came, events without their head or their end, lines that are no records, and what the
// stages dropped to stay within their bounds.
//
// Memory: bounded. Threads: one.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "collector/agent/gaps.hpp"
#include "collector/audit/assembler.hpp"
#include "collector/audit/record.hpp"
#include "collector/audit/serials.hpp"

namespace audisp_eql::collector {

// What the stages have counted so far.
struct StageLosses {
    AssemblerCounters assembler;
    std::uint64_t unknown_types = 0;
    std::uint64_t dropped = 0;  // pending matches, processes, held events: by a bound
};

class RecordLosses {
  public:
    // How often the counters are looked at, in the input's time.
    static constexpr std::int64_t kLookNs = 250'000'000;
    // An input may begin in the middle of an event or of several: what of them is missing was
    // never lost.
    static constexpr std::uint64_t kFirstRecords = 64;

    // The text of a `host` message: which feed the audit records come from.
    void host_says(std::string_view text);
    // Each record's number.
    void see(const RawRecord& record, const std::optional<RecordHead>& head, std::int64_t now_ns) {
        if (!head ||
            (record.type >= audit_type::kDaemonFirst && record.type <= audit_type::kDaemonLast) ||
            !record.node.empty())
            return;
        if (numbered_)
            serials_.see(head->key.serial, now_ns);
        else if (head->key.serial > last_serial_)
            last_serial_ = head->key.serial;
        if (first_serial_ == 0)
            first_serial_ = head->key.serial;
    }
    bool due(std::int64_t now_ns) const { return now_ns >= next_look_ns_; }
    // Puts what is new into the log. `now_ns`: the input's clock, `engine_ns`: the engine's;
    // `at_end`: nothing comes any more that could fill a hole.
    void look(const StageLosses& counted, std::int64_t now_ns, std::int64_t engine_ns, GapLog& log,
              bool at_end = false);
    // Another boot or machine.
    void reset();

    // Of the kernel's own series; 0: none was seen.
    std::uint64_t first_serial() const { return first_serial_; }
    std::uint64_t last_serial() const { return numbered_ ? serials_.highest() : last_serial_; }

  private:
    bool numbered_ = false;  // a missing number is a loss
    SerialTracker serials_;
    std::uint64_t first_serial_ = 0, last_serial_ = 0;
    std::uint64_t incomplete_ = 0, unparsed_ = 0, dropped_ = 0;
    std::int64_t next_look_ns_ = 0;
    std::int64_t looked_engine_ns_ = 0;
};

}  // namespace audisp_eql::collector
