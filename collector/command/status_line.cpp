// SPDX-License-Identifier: Apache-2.0
#include "collector/command/status_line.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <unistd.h>

#include <fmt/core.h>

namespace audisp_eql::collector {

StatusLine::StatusLine() : watched_(::isatty(STDERR_FILENO) == 1) {}

void StatusLine::show(std::string_view text) {
    if (!watched_)
        return;
    fmt::print(stderr, "\r\033[K{}", text);
    std::fflush(stderr);
    shown_ = true;
}

void StatusLine::erase() {
    if (!shown_)
        return;
    std::fputs("\r\033[K", stderr);
    std::fflush(stderr);
    shown_ = false;
}

ReadingProgress::ReadingProgress(StatusLine& line, const std::vector<std::string>& paths)
    : line_(line) {
    bool known = true;
    for (const std::string& path : paths) {
        std::error_code error;
        const bool file = path != "-" && std::filesystem::is_regular_file(path, error);
        sizes_.push_back(file ? std::filesystem::file_size(path, error) : 0);
        total_ += sizes_.back();
        known = known && file && !error;
    }
    if (!known)
        total_ = 0;
}

void ReadingProgress::at(std::uint64_t bytes_of_this_file) {
    const auto now = std::chrono::steady_clock::now();
    if (!line_.watched() || now < next_)
        return;
    next_ = now + kInterval;
    constexpr std::uint64_t kMegabyte = 1'000'000;
    const std::uint64_t read = before_ + bytes_of_this_file;
    if (total_ == 0) {
        line_.show(fmt::format("{} MB read", read / kMegabyte));
        return;
    }
    // A log may grow while it is read.
    const std::uint64_t whole = std::max(read, total_);
    line_.show(fmt::format("{} MB of {} MB read, {} %", read / kMegabyte, whole / kMegabyte,
                           read * 100 / whole));
}

void ReadingProgress::next_file() {
    before_ += sizes_.at(file_++);
}

}  // namespace audisp_eql::collector
