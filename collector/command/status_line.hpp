// SPDX-License-Identifier: Apache-2.0
// One line on the terminal that rewrites itself while a person watches; nothing where standard
// error is no terminal.
//
// Memory: no state but whether a line stands there. Threads: one.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace audisp_eql::collector {

class StatusLine {
  public:
    StatusLine();
    ~StatusLine() { erase(); }
    StatusLine(const StatusLine&) = delete;
    StatusLine& operator=(const StatusLine&) = delete;

    bool watched() const { return watched_; }
    // Takes the place of what stood there.
    void show(std::string_view text);
    // Before anything else is written to the terminal, and at the end.
    void erase();

  private:
    bool watched_;
    bool shown_ = false;
};

// How much of the input is read: "34 MB of 120 MB read, 28 %".
class ReadingProgress {
  public:
    // The size of the whole is known if all of the paths are files.
    ReadingProgress(StatusLine& line, const std::vector<std::string>& paths);

    void at(std::uint64_t bytes_of_this_file);
    void next_file();

  private:
    // As often as an eye can follow.
    static constexpr std::chrono::milliseconds kInterval{200};

    StatusLine& line_;
    std::vector<std::uint64_t> sizes_;
    std::uint64_t total_ = 0;  // 0: not known
    std::uint64_t before_ = 0;
    std::size_t file_ = 0;
    std::chrono::steady_clock::time_point next_{};
};

}  // namespace audisp_eql::collector
