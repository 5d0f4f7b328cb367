// SPDX-License-Identifier: Apache-2.0
// Where live audit records come from: the kernel's netlink socket, or auditd through a plugin's
// standard input. The reader polls the descriptor and copies what a read gave into the ring.
//
// Memory: a batch's records are views on the source's buffer, dead at its next read.
// Threads: the reader's only.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "collector/feed/message.hpp"

namespace audisp_eql::collector {

// What one read gave.
struct AuditBatch {
    struct Record {
        MessageKind kind;
        std::uint16_t audit_type;
        std::string_view bytes;
    };
    std::vector<Record> records;
    bool ended = false;         // end of the feed: there will be no more
    bool overrun = false;       // ENOBUFS: the socket's buffer overran
    int error = 0;              // errno of a read that failed for another reason
    std::uint64_t foreign = 0;  // messages that the kernel did not send
    std::uint64_t cut = 0;      // messages longer than the buffer, left out
    std::uint64_t control = 0;  // acknowledgements and replies: no records
    void clear() {
        records.clear();
        ended = overrun = false;
        error = 0;
        foreign = cut = control = 0;
    }
};

class AuditSource {
  public:
    // Bounds the time between two looks at the connector; at 4 us a record about 1 ms.
    static constexpr std::size_t kMaxBatch = 256;

    virtual ~AuditSource() = default;
    virtual int descriptor() const = 0;
    // No record of this source is longer.
    virtual std::size_t max_record_bytes() const = 0;
    // Fills `batch` (cleared before) with at most `max_records`, at most kMaxBatch. Never blocks.
    virtual void read(std::size_t max_records, AuditBatch& batch) = 0;
    // True if the source holds whole records already, whatever its descriptor says.
    virtual bool buffered() const = 0;
    // True if whoever writes must never wait for us: with no room the records are read and dropped.
    virtual bool must_drain() const { return false; }
    // How long to go on reading to the feed's end after a stop was asked for.
    virtual std::chrono::milliseconds drain_time() const = 0;
};

}  // namespace audisp_eql::collector
