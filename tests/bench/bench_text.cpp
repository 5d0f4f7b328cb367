// SPDX-License-Identifier: Apache-2.0
// The parts that work on text: the lexer, the reader of events in JSON, the writer of alerts; and
// the table of predicates.
#include <benchmark/benchmark.h>
#include <string>

#include "detect/alert/alert.hpp"
#include "detect/eql/lexer.hpp"
#include "detect/eql/predicate.hpp"
#include "detect/event/json_reader.hpp"
#include "detect/event/json_writer.hpp"
#include "tests/bench/generated_rules.hpp"
#include "tests/bench/recorded.hpp"

namespace {

using namespace audisp_eql;

void lex_queries(benchmark::State& state) {
    const auto rules = bench::rule_set(100);
    std::int64_t bytes = 0;
    for (auto _ : state) {
        for (const auto& rule : rules->rules()) {
            detect::Diagnostics diagnostics;
            detect::Lexer lexer(rule.rule.query, diagnostics);
            while (lexer.next().kind != detect::TokenKind::end)
                ;
            bytes += static_cast<std::int64_t>(rule.rule.query.size());
        }
    }
    state.SetBytesProcessed(bytes);
}
BENCHMARK(lex_queries);

void read_json_events(benchmark::State& state) {
    const auto rules = bench::rule_set(0);
    std::vector<std::string> lines;
    for (const detect::EventPtr& event : bench::recorded_events()) {
        detect::append_event_json(lines.emplace_back(), *event, nullptr);
        if (lines.size() == 1000)
            break;
    }
    detect::JsonEventReader reader(rules->fields(), false);
    std::string error;
    for (auto _ : state) {
        for (const std::string& line : lines)
            benchmark::DoNotOptimize(reader.read(line, error));
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(lines.size()));
}
BENCHMARK(read_json_events);

// An alert for a match of three events.
void write_alert(benchmark::State& state) {
    const auto rules = bench::rule_set(0);
    const auto& events = bench::recorded_events();
    detect::Match match;
    for (std::size_t i = 0; i < 3; ++i)
        match.events.push_back(events[i * events.size() / 3]);
    detect::AlertContext context;
    context.feeds = {"audit", "proc"};
    context.fields = &rules->fields();
    std::int64_t bytes = 0;
    for (auto _ : state) {
        const detect::Alert alert =
            detect::make_alert(rules->rules()[0].rule, {&match, 1}, context);
        bytes += static_cast<std::int64_t>(alert.json.size());
    }
    state.SetItemsProcessed(state.iterations());
    state.SetBytesProcessed(bytes);
}
BENCHMARK(write_alert);

// Every predicate of so many rules on every event: what an engine without an index would do.
void all_predicates(benchmark::State& state) {
    const auto rules = bench::rule_set(static_cast<std::size_t>(state.range(0)));
    const detect::PredicateTable& table = rules->predicates();
    detect::PredicateResults results(table);
    const auto& events = bench::recorded_events();
    const std::size_t count = std::min<std::size_t>(events.size(), 1000);
    for (auto _ : state) {
        for (std::size_t i = 0; i < count; ++i) {
            results.begin(*events[i]);
            for (std::uint32_t id = 0; id < table.size(); ++id)
                benchmark::DoNotOptimize(results.holds(static_cast<detect::PredicateId>(id)));
        }
    }
    state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(count * table.size()));
}
BENCHMARK(all_predicates)->Arg(500)->Unit(benchmark::kMillisecond);

}  // namespace
