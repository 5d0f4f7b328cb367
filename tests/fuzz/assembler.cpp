// SPDX-License-Identifier: Apache-2.0
// Any sequence of records: each line of the input is one, its first byte says type, serial, and how
// far the clock goes. Every record comes out exactly once, or a counter says why not.
#include "collector/audit/assembler.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "collector/audit/decode.hpp"
#include "tests/fuzz/check.hpp"

namespace {

using namespace audisp_eql::collector;

struct Sink final : AuditEventSink {
    std::uint64_t events = 0;
    std::uint64_t records = 0;
    Arguments arguments;

    void on_audit_event(const AuditEvent& event) override {
        ++events;
        records += event.records().size();
        for (const AuditEvent::Record& record : event.records())
            FUZZ_CHECK(event.body(record).size() == record.size);
        if (!decode_arguments(event, arguments))
            return;
        FUZZ_CHECK(arguments.words.size() <= Arguments::kMaxArguments);
        FUZZ_CHECK(arguments.command_line.size() <= Arguments::kMaxBytes + 1);
        for (std::size_t i = 0; i < arguments.words.size(); ++i)
            FUZZ_CHECK(arguments.word(i).size() <= arguments.command_line.size());
    }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static constexpr std::array<std::uint16_t, 8> kTypes{
        audit_type::kSyscall,      audit_type::kExecve,   audit_type::kPath,
        audit_type::kProctitle,    audit_type::kSockaddr, audit_type::kEoe,
        audit_type::kConfigChange, audit_type::kUserFirst};
    Sink sink;
    Assembler assembler(sink);
    std::string_view rest(reinterpret_cast<const char*>(data), size);
    std::int64_t now_ns = 1;
    std::uint64_t ends = 0;
    while (!rest.empty()) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(line.size() == rest.size() ? rest.size() : line.size() + 1);
        if (line.empty())
            continue;
        const auto first = static_cast<unsigned char>(line.front());
        const std::string bytes = "audit(1700000000.000:" + std::to_string(first >> 3 & 7) +
                                  "): " + std::string(line.substr(1));
        RawRecord record;
        record.type = kTypes[first & 7];
        record.received_ns = size % 2 == 0 ? now_ns : 0;  // a live feed or a file
        record.bytes = bytes;
        ends += record.type == audit_type::kEoe ? 1 : 0;
        if (first >= 0xc0)
            now_ns += 700'000'000;
        assembler.advance(now_ns);
        assembler.add(record, now_ns);
    }
    assembler.finish();
    const AssemblerCounters& counters = assembler.counters();
    FUZZ_CHECK(assembler.in_flight() == 0);
    FUZZ_CHECK(counters.events == sink.events);
    FUZZ_CHECK(counters.records ==
               sink.records + ends + counters.unparsed + counters.capped_records);
    return 0;
}
