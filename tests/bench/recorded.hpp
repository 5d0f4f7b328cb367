// SPDX-License-Identifier: Apache-2.0
// What the benchmarks run on: the capture that AUDISP_EQL_BENCH_CAPTURE names, or all of
// tests/data/captures in the order of their names.
//
// Memory: read once, kept until the program ends. Threads: one.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "collector/agent/pipeline.hpp"
#include "detect/event/event.hpp"
#include "detect/rule/rule_set.hpp"

namespace audisp_eql::bench {

const std::vector<std::string>& recorded_lines();
// The events that the collector makes of those lines.
const std::vector<detect::EventPtr>& recorded_events();

// The first `count` generated rules; 0: the rules of the project. Throws std::runtime_error if one
// does not load.
std::shared_ptr<const detect::RuleSet> rule_set(std::size_t count);

// What the lines become in a pipeline of their own. Null: no rules.
collector::PipelineCounters replay(const std::vector<std::string>& lines,
                                   std::shared_ptr<const detect::RuleSet> rules);

}  // namespace audisp_eql::bench
