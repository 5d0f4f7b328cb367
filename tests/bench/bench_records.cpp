// SPDX-License-Identifier: Apache-2.0
// What records cost on their way to an event: reading lines, assembling, the process table.
#include <benchmark/benchmark.h>

#include "collector/audit/assembler.hpp"
#include "collector/feed/capture.hpp"
#include "collector/process/process_table.hpp"
#include "tests/bench/recorded.hpp"

namespace {

using namespace audisp_eql;

struct NoMessages final : collector::MessageSink {
    void on_message(const collector::Message& message) override {
        benchmark::DoNotOptimize(message.bytes.data());
    }
};

void read_lines(benchmark::State& state) {
    const auto& lines = bench::recorded_lines();
    NoMessages sink;
    collector::CaptureReader reader(sink);
    for (auto _ : state) {
        for (const std::string& line : lines)
            reader.line(line);
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(lines.size()));
}
BENCHMARK(read_lines)->Unit(benchmark::kMillisecond);

struct NoEvents final : collector::AuditEventSink {
    void on_audit_event(const collector::AuditEvent& event) override {
        benchmark::DoNotOptimize(event.records().data());
    }
};

void assemble(benchmark::State& state) {
    std::vector<collector::RawRecord> records;
    for (const std::string& line : bench::recorded_lines()) {
        if (const auto record = collector::parse_line(line))
            records.push_back(*record);
    }
    NoEvents sink;
    collector::Assembler assembler(sink);
    for (auto _ : state) {
        for (const collector::RawRecord& record : records)
            assembler.add(record, 1);
        assembler.finish();
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(records.size()));
}
BENCHMARK(assemble)->Unit(benchmark::kMillisecond);

// Lines to events, no rules.
void make_events(benchmark::State& state) {
    const auto& lines = bench::recorded_lines();
    for (auto _ : state)
        benchmark::DoNotOptimize(bench::replay(lines, nullptr));
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(lines.size()));
}
BENCHMARK(make_events)->Unit(benchmark::kMillisecond);

// A fork and the child's exit, beside so many processes that live.
void fork_and_exit(benchmark::State& state) {
    collector::ProcessTable table;
    const auto count = static_cast<std::int32_t>(state.range(0));
    std::int64_t ns = 1'000'000'000;
    for (std::int32_t pid = 2; pid < count + 2; ++pid)
        table.fork(1, pid, pid, ++ns);
    const std::int32_t child = count + 2;
    for (auto _ : state) {
        ns += 1'000'000;
        table.fork(2 + static_cast<std::int32_t>(ns % count), child, child, ns);
        table.exit(child, child, 0, ns + 1000);
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(fork_and_exit)->RangeMultiplier(10)->Range(100, 100'000);

}  // namespace
