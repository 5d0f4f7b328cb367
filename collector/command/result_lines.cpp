// SPDX-License-Identifier: Apache-2.0
#include "collector/command/result_lines.hpp"

#include <cerrno>
#include <cstdio>
#include <unistd.h>

#include <system_error>

namespace audisp_eql::collector {

ResultLines::ResultLines(StatusLine& status)
    : status_(status), piece_bytes_(::isatty(STDOUT_FILENO) == 1 ? 1 : kPieceBytes) {}

ResultLines::~ResultLines() {
    std::fwrite(buffer_.data(), 1, buffer_.size(), stdout);
}

void ResultLines::end_line() {
    buffer_ += '\n';
    if (buffer_.size() >= piece_bytes_)
        flush();
}

void ResultLines::flush() {
    status_.erase();
    const bool good = std::fwrite(buffer_.data(), 1, buffer_.size(), stdout) == buffer_.size();
    buffer_.clear();
    if (!good || std::fflush(stdout) != 0)
        throw std::system_error(errno, std::generic_category(), "cannot write to standard output");
}

}  // namespace audisp_eql::collector
