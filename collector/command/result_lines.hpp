// SPDX-License-Identifier: Apache-2.0
// Results to standard output, a line each, in large pieces; each at once on a terminal.
//
// Memory: a buffer of some 64 kB. Threads: one.
#pragma once

#include <cstddef>
#include <string>

#include "collector/command/status_line.hpp"

namespace audisp_eql::collector {

class ResultLines {
  public:
    // The status line must outlive this.
    explicit ResultLines(StatusLine& status);
    ~ResultLines();
    ResultLines(const ResultLines&) = delete;
    ResultLines& operator=(const ResultLines&) = delete;

    // Where the line is put together; end_line() ends it.
    std::string& buffer() { return buffer_; }
    void end_line();
    // Throws std::system_error: a result that cannot be written ends the program.
    void flush();

  private:
    static constexpr std::size_t kPieceBytes = 64 * 1024;

    StatusLine& status_;
    std::string buffer_;
    std::size_t piece_bytes_;
};

}  // namespace audisp_eql::collector
