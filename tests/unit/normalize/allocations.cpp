// SPDX-License-Identifier: Apache-2.0
// In the steady state the record path allocates nothing: the recording of every call on files goes
// through assembler and normalizer again and again, and calls of operator new are counted.
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "collector/audit/assembler.hpp"
#include "collector/feed/log_file.hpp"
#include "collector/normalize/normalizer.hpp"
#include "tests/counted_new.hpp"

using namespace audisp_eql::collector;

namespace {

struct Events final : EventSink, AuditEventSink {
    Normalizer normalizer{*this, nullptr};
    std::size_t count = 0;
    void on_event(const audisp_eql::detect::EventPtr&, const ProcessPtr&) override { ++count; }
    void on_epoch() override {}
    void on_audit_event(const AuditEvent& event) override { normalizer.on_audit_event(event); }
};

}  // namespace

int main() {
    std::vector<std::string> lines;
    read_lines(TEST_DATA "/captures/file_calls.capture.gz", [&](std::string_view line) {
        // What /proc answered comes as a message, which is no record.
        if (line.find(" msg=audit(") != std::string_view::npos)
            lines.emplace_back(line);
    });
    Events events;
    Assembler assembler(events);
    const auto pass = [&] {
        for (const std::string& line : lines) {
            auto record = parse_line(line);
            if (!record)
                continue;
            record->received_ns = 1;
            assembler.add(*record, 1);
        }
    };
    pass();
    pass();
    const std::size_t before = allocations, events_before = events.count;
    for (int i = 0; i < 10; ++i)
        pass();
    const std::size_t made = events.count - events_before;
    std::printf("%zu allocations for %zu events of %zu records\n", allocations - before, made,
                lines.size() * 10);
    return allocations == before && made > 500 ? 0 : 1;
}
