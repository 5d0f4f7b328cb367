// SPDX-License-Identifier: Apache-2.0
// Where the answer to a question comes from: audit logs and captures through a pipeline, or events
// as lines of JSON.
//
// Memory: logs pass through; JSON lines are held until all are read, because they are asked in the
// order of time. Threads: one.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>

#include "collector/agent/options.hpp"
#include "collector/command/input_files.hpp"
#include "collector/command/status_line.hpp"
#include "detect/engine/engine.hpp"
#include "detect/engine/pipes.hpp"

namespace audisp_eql::collector {

// A question ends, and somebody waits for the whole answer: what a rule that runs for ever must
// forget is kept. A million pending matches are some 500 MB, and their events.
inline constexpr detect::EngineLimits kQueryLimits{
    .pending_per_rule = 1'000'000,
    .pending_total = 1'000'000,
    .unbounded_maxspan_ns = 4'000'000'000'000'000'000,  // 126 years: as long as there are logs
};

class QueryInput {
  public:
    virtual ~QueryInput() = default;
    virtual void line(const InputLine& line) = 0;
    // All is read: what is still held comes out. False if none of the input could be used.
    virtual bool finish() = 0;
    // The input's own text of an event, as it was read; empty if it has none.
    virtual std::string_view text_of(const detect::Event& event) const = 0;
    virtual void tell_statistics(std::chrono::nanoseconds took, std::uint64_t matches) const = 0;
};

struct QuerySetup {
    const Settings& settings;
    std::shared_ptr<const detect::RuleSet> rules;
    detect::PipedSink& matches;  // and its pipes: the rest of the input need not be read
    StatusLine& status;
};

std::unique_ptr<QueryInput> make_log_input(const QuerySetup& setup);
std::unique_ptr<QueryInput> make_ndjson_input(const QuerySetup& setup);

}  // namespace audisp_eql::collector
