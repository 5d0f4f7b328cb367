// SPDX-License-Identifier: Apache-2.0
// Audit logs and captures as one stream of lines: plain files, .gz, "-" for standard input.
//
// Memory: one line buffer. Threads: one at a time.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace audisp_eql::collector {

// Puts rotations in the order they were written: audit.log.2, audit.log.1, audit.log; other files
// keep their places.
std::vector<std::string> in_order_of_writing(std::vector<std::string> files);

// Calls `on_line` for each line (without newline; a last line without newline counts; lines over
// the limit are given cut at kMaxLineBytes+1 so that the consumer counts them).
// Throws std::runtime_error with the path and the reason if the file cannot be read.
void read_lines(const std::string& path, const std::function<void(std::string_view)>& on_line);

}  // namespace audisp_eql::collector
