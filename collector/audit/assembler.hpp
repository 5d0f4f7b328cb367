// SPDX-License-Identifier: Apache-2.0
// Records -> events by (time, serial, node). Never because another serial appears: serials
// interleave.
//
// When an event is complete:
// - Live feeds (netlink, auditd's plugin) and recordings of them send an EOE record last: on EOE.
//   They are told from files by their records' receive time.
// - auditd's files hold no EOE: on PROCTITLE, the last record of a syscall event. The first EOE in
//   such an input (an old recording of a plugin, say) turns PROCTITLE off for the rest of it.
// - A live feed may have EOE excluded by the host's rules: when an event that has its PROCTITLE
//   runs out of time and the input has never shown an EOE, PROCTITLE completes from then on.
// - Else when the input's clock is kTimeoutNs further. Records of no system call (a configuration
//   change by itself, an abnormal end) have no end mark: they are complete then.
// - User, daemon and listener messages are events of one record and complete at once; they never
//   join an event in flight, whatever serial they carry.
//
// Memory: an AuditEvent owns one buffer with its records' bodies. Events are handed out by
// reference; their buffers are reused, so that the steady state allocates nothing.
// Threads: one at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

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
    // When its last record was received (monotonic); 0: not known.
    std::int64_t received_ns() const { return received_ns_; }
    std::int64_t first_received_ns() const { return first_received_ns_; }
    // False if its end was never seen (time, end of input, too many in flight) or its SYSCALL
    // record is missing.
    bool complete() const { return complete_; }
    // Records over a cap were left out.
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
    // The event is valid during the call only. The call must not come back to the assembler.
    virtual void on_audit_event(const AuditEvent& event) = 0;
};

struct AssemblerCounters {
    std::uint64_t records = 0;
    std::uint64_t events = 0;
    std::uint64_t unparsed = 0;         // no event key
    std::uint64_t incomplete = 0;       // let go by time or end of input before their end was seen
    std::uint64_t without_syscall = 0;  // ended, but the SYSCALL record never came
    std::uint64_t orphans = 0;          // EOE of an event that is gone or never began
    std::uint64_t capped_records = 0;   // left out: the event held enough
    std::uint64_t evicted = 0;          // let go because too much was in flight, oldest first
};

class Assembler {
  public:
    // 16 parallel execs keep 15 events in flight (measured); 4096 is a backlog's worth.
    static constexpr std::size_t kMaxInFlight = 4096;
    // All events in flight together (their buffers may be twice as large). An event of an exec has
    // 1 kB, so that 4096 are far from it; only a storm of huge argument lists comes near.
    static constexpr std::size_t kMaxBytesInFlight = 16 * 1024 * 1024;
    // One exec with 1.8 MB of arguments makes 487 EXECVE records, 3.7 MB. Decoding keeps 8 KiB of
    // arguments, which in hex lie within the first three records (7.5 kB each); their bound is less
    // than the event's, so that CWD, PATH and PROCTITLE, which come after them, always fit.
    static constexpr std::size_t kMaxExecveBytes = 24 * 1024;
    static constexpr std::size_t kMaxEventBytes = 64 * 1024;
    static constexpr std::size_t kMaxEventRecords = 256;
    // auditd's end_of_event_timeout.
    static constexpr std::int64_t kTimeoutNs = 2'000'000'000;

    explicit Assembler(AuditEventSink& sink);
    ~Assembler();

    // `now_ns`: the input's clock (live: receive time; files: the largest audit time seen, in ns).
    // Does not look at time-outs.
    void add(const RawRecord& record, std::int64_t now_ns);
    // With its head as HeadParser gave it.
    void add(const RawRecord& record, const std::optional<RecordHead>& head, std::int64_t now_ns);
    // Lets go what waits too long, oldest first. Cheap when nothing does.
    void advance(std::int64_t now_ns);
    // End of input: everything in flight comes out, oldest first.
    void finish();

    const AssemblerCounters& counters() const { return counters_; }
    std::size_t in_flight() const;

  private:
    struct State;
    AuditEventSink& sink_;
    AssemblerCounters counters_;
    std::unique_ptr<State> state_;
};

}  // namespace audisp_eql::collector
