// SPDX-License-Identifier: Apache-2.0
// What replay and query have in common: reading files as one stream of lines, and saying afterwards
// what a pipeline made of audit logs and captures.
//
// Memory: one line. Threads: one.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "collector/agent/pipeline.hpp"
#include "collector/command/status_line.hpp"
#include "collector/feed/capture.hpp"

namespace audisp_eql::collector {

struct InputLine {
    const std::string& path;
    std::uint64_t number;  // in its file, from 1
    std::string_view text;
};

struct LineReader {
    std::function<void(const InputLine& line)> on_line;
    std::function<bool()> is_full;  // the rest is not wanted; may be empty: never
    std::size_t max_line_bytes = kMaxLineBytes;
};

// Reads the files, rotations oldest first; "-" is standard input. False if one could not be read to
// its end, which is said; the others are read all the same.
bool read_files(const std::vector<std::string>& paths, const LineReader& reader,
                StatusLine& status);

// How much was read and how fast, which events it made and what was found in them ("alerts: 3"),
// and what could not be read.
void tell_statistics(const PipelineCounters& counters, const CaptureCounters& lines,
                     std::chrono::nanoseconds took, std::string_view found);

}  // namespace audisp_eql::collector
