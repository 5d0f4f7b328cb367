// SPDX-License-Identifier: Apache-2.0
// Records -> events by (time, serial). An event is complete on EOE; in inputs without EOE on
// PROCTITLE; else when the input's clock is 2 s further; user messages at once. Never because
// another serial appears: serials interleave.
//
// Memory: an AuditEvent owns one buffer with its records' bodies. Finished events are handed out by
// reference and their buffers reused. Threads: one at a time.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "collector/audit/record.hpp"

namespace audisp_eql::collector {

class AuditEvent {
  public:
    struct Record {
        std::uint16_t type;
        std::uint32_t offset;
        std::uint32_t size;
    };

    const EventKey& key() const { return key_; }
    std::string_view node() const { return node_; }
    // When the record that completed it was received; 0: not known.
    std::int64_t received_ns() const { return received_ns_; }
    std::int64_t first_received_ns() const { return first_received_ns_; }
    // False if it was let go by the time-out or a cap.
    bool complete() const { return complete_; }
    // Records or bytes over the cap were left out.
    bool truncated() const { return truncated_; }

    std::span<const Record> records() const { return records_; }
    std::string_view body(const Record& record) const {
        return std::string_view(bytes_).substr(record.offset, record.size);
    }
    // The first record of a type; empty if none.
    std::string_view body_of(std::uint16_t type) const;
    bool has(std::uint16_t type) const;

  private:
    friend class Assembler;
    EventKey key_;
    std::string node_;
    std::string bytes_;
    std::vector<Record> records_;
    std::int64_t received_ns_ = 0;
    std::int64_t first_received_ns_ = 0;
    bool complete_ = false;
    bool truncated_ = false;
};

class AuditEventSink {
  public:
    virtual ~AuditEventSink() = default;
    // The event is valid during the call only.
    virtual void on_audit_event(const AuditEvent& event) = 0;
};

struct AssemblerCounters {
    std::uint64_t records = 0;
    std::uint64_t events = 0;
    std::uint64_t unparsed = 0;        // no event key
    std::uint64_t incomplete = 0;      // let go by time or end of input
    std::uint64_t orphans = 0;         // EOE or late record of an event that is gone or never began
    std::uint64_t capped_records = 0;  // left out: the event held enough
    std::uint64_t evicted = 0;         // oldest event let go because too many were in flight
};

class Assembler {
  public:
    // 16 parallel execs keep 15 events in flight (measured); 4096 is a backlog's worth.
    static constexpr std::size_t kMaxInFlight = 4096;
    // One exec with 1.8 MB of arguments makes 487 EXECVE records, 3.7 MB. Decoding keeps 8 KiB of
    // argv, which as hex fills under three records; the cap leaves room for the rest of an event.
    static constexpr std::size_t kMaxEventBytes = 64 * 1024;
    static constexpr std::size_t kMaxEventRecords = 256;
    // auditd's end_of_event_timeout.
    static constexpr std::int64_t kTimeoutNs = 2'000'000'000;

    explicit Assembler(AuditEventSink& sink);
    ~Assembler();

    // `now_ns`: the input's clock (live: receive time; files: the largest audit time seen, in ns).
    void add(const RawRecord& record, std::int64_t now_ns);
    // Lets go what waits too long. Cheap when nothing does.
    void advance(std::int64_t now_ns);
    // End of input: everything in flight comes out.
    void finish();

    const AssemblerCounters& counters() const { return counters_; }
    std::size_t in_flight() const;

  private:
    AuditEventSink& sink_;
    AssemblerCounters counters_;
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace audisp_eql::collector
