// SPDX-License-Identifier: Apache-2.0
// What rules cost: loading them, and running them on events.
#include <benchmark/benchmark.h>
#include <chrono>
#include <string>

#include "detect/engine/engine.hpp"
#include "detect/event/json_reader.hpp"
#include "tests/bench/generated_rules.hpp"
#include "tests/bench/recorded.hpp"

namespace {

using namespace audisp_eql;

struct Nothing final : detect::MatchSink {
    void on_matches(const detect::Rule&, std::span<const detect::Match>) override {}
};

void load_rules(benchmark::State& state) {
    const auto count = static_cast<std::size_t>(state.range(0));
    const auto sources = bench::generated_rules(count);
    for (auto _ : state) {
        std::vector<detect::RuleReport> reports;
        const auto set = detect::RuleSet::build(sources, {}, reports);
        if (set->rules().size() != count)
            state.SkipWithError("a generated rule does not load");
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(load_rules)->Arg(1000)->Arg(10000)->Unit(benchmark::kMillisecond);

void run_events(detect::Engine& engine, benchmark::State& state) {
    const auto& events = bench::recorded_events();
    Nothing sink;
    for (auto _ : state) {
        for (const detect::EventPtr& event : events)
            engine.on_event(event, sink);
        engine.drop_pending();
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(events.size()));
}

// The engine alone, on events that are made already. 0: the project's own rules.
void engine_per_event(benchmark::State& state) {
    detect::Engine engine(bench::rule_set(static_cast<std::size_t>(state.range(0))));
    run_events(engine, state);
}
BENCHMARK(engine_per_event)->Arg(0)->Arg(500)->Arg(1000)->Arg(5000)->Unit(benchmark::kMillisecond);

// The same with one event in 64 timed, as a live run has it for its status report.
void engine_per_event_timed(benchmark::State& state) {
    detect::Engine engine(bench::rule_set(static_cast<std::size_t>(state.range(0))));
    engine.sample_times([] {
        return std::chrono::duration_cast<std::chrono::nanoseconds>(
                   std::chrono::steady_clock::now().time_since_epoch())
            .count();
    });
    run_events(engine, state);
}
BENCHMARK(engine_per_event_timed)->Arg(0)->Arg(500)->Unit(benchmark::kMillisecond);

// The whole way from a line to an alert. 0: the project's own rules.
void replay_per_record(benchmark::State& state) {
    const auto& lines = bench::recorded_lines();
    const auto rules = bench::rule_set(static_cast<std::size_t>(state.range(0)));
    for (auto _ : state)
        benchmark::DoNotOptimize(bench::replay(lines, rules));
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(lines.size()));
}
BENCHMARK(replay_per_record)->Arg(0)->Arg(500)->Arg(1000)->Arg(5000)->Unit(benchmark::kMillisecond);

// An event that joins a pending match's key, beside so many others that wait.
void pending_sequences(benchmark::State& state) {
    detect::Diagnostics diagnostics;
    const auto rules = detect::RuleSet::of_query(
        "sequence by process.entity_id with maxspan=1h [any where process.name == \"first\"] "
        "[any where process.name == \"second\"]",
        diagnostics);
    detect::JsonEventReader reader(rules->fields(), false);
    std::string error;
    const auto event = [&](const std::string& name, std::int64_t id) {
        return reader.read("{\"@timestamp\":1,\"process\":{\"name\":\"" + name +
                               "\",\"entity_id\":\"" + std::to_string(id) + "\"}}",
                           error);
    };
    detect::EngineLimits limits;
    limits.pending_per_rule = limits.pending_total;
    detect::Engine engine(rules, limits);
    Nothing sink;
    for (std::int64_t i = 0; i < state.range(0); ++i)
        engine.on_event(event("first", i), sink);
    const auto first = event("first", state.range(0) / 2);
    const auto second = event("second", state.range(0) / 2);
    for (auto _ : state) {
        engine.on_event(second, sink);
        engine.on_event(first, sink);
    }
    state.SetItemsProcessed(2 * state.iterations());
}
BENCHMARK(pending_sequences)->RangeMultiplier(10)->Range(10, 100'000);

}  // namespace
