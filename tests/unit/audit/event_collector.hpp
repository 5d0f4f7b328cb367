// SPDX-License-Identifier: Apache-2.0
// Keeps what an assembler hands out, for tests.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "collector/audit/assembler.hpp"

namespace audisp_eql::collector::test {

struct EventCollector final : AuditEventSink {
    std::vector<AuditEvent> events;

    void on_audit_event(const AuditEvent& event) override { events.push_back(event); }
    std::vector<std::uint64_t> serials() const {
        std::vector<std::uint64_t> list;
        for (const AuditEvent& event : events)
            list.push_back(event.key().serial);
        return list;
    }
};

// An assembler with its sink; records come as auditd's lines.
struct AssemblerBench {
    EventCollector sink;
    Assembler assembler{sink};

    // `received_ns` 0: the line stands in a file.
    void line(std::string_view text, std::int64_t now_ns = 0, std::int64_t received_ns = 0) {
        RawRecord record = parse_line(text).value_or(RawRecord{});
        record.received_ns = received_ns;
        assembler.add(record, now_ns);
    }
    // As a live feed gives it, received now.
    void live(std::string_view text, std::int64_t now_ns) { line(text, now_ns, now_ns); }
};

// One event made of these record bodies, without its end.
inline AuditEvent event_of(const std::vector<std::pair<std::uint16_t, std::string>>& records) {
    EventCollector sink;
    Assembler assembler(sink);
    for (const auto& [type, body] : records) {
        const std::string bytes = "audit(1700000000.000:1): " + body;
        RawRecord record;
        record.type = type;
        record.bytes = bytes;
        assembler.add(record, 0);
    }
    assembler.finish();
    return sink.events.at(0);
}

}  // namespace audisp_eql::collector::test
