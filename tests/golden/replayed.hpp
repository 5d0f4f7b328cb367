// SPDX-License-Identifier: Apache-2.0
// One recording replayed with the two rules of the table.
#pragma once

#include <string>
#include <vector>

#include "collector/agent/pipeline.hpp"
#include "collector/feed/capture.hpp"

namespace audisp_eql::golden {

struct Replayed {
    std::vector<std::string> events;  // NDJSON lines
    std::vector<std::string> alerts;
    collector::PipelineCounters counters;
    collector::CaptureCounters lines;
};
Replayed replay(const std::string& file);

// What an alert's line says, as the table spells it.
struct Said {
    std::string rule;
    std::string alert;  // "PID>IP:PORT"
    std::vector<std::uint64_t> serials;
};
Said said_by(const std::string& alert);

}  // namespace audisp_eql::golden
