// SPDX-License-Identifier: Apache-2.0
// Audit logs and captures as one stream of lines: plain files, .gz, "-" for standard input.
//
// Memory: one line buffer. Threads: one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "collector/feed/capture.hpp"

namespace audisp_eql::collector {

// Puts rotations in the order they were written: audit.log.2, audit.log.1, audit.log; other files
// keep their places.
std::vector<std::string> in_order_of_writing(std::vector<std::string> files);

// what() names the file and the reason.
struct UnreadableFile : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct ReadOptions {
    std::size_t max_line_bytes = kMaxLineBytes;
    // After each piece of the file (some 100 kB): how many of its bytes are read, as they lie on
    // the disk. False: the rest is not wanted.
    std::function<bool(std::uint64_t bytes)> go_on;
};

// Calls `on_line` for each line (without newline; a last line without newline counts; lines over
// the limit are given cut one byte behind it, so that the consumer counts them).
// Throws UnreadableFile; what `on_line` throws passes through.
void read_lines(const std::string& path, const std::function<void(std::string_view)>& on_line,
                const ReadOptions& options = {});

}  // namespace audisp_eql::collector
