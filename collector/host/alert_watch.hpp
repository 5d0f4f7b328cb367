// SPDX-License-Identifier: Apache-2.0
// Looks for an alert that holds a word in the places where an output's alerts come to lie: files
// that grow (and are rotated), and the journal. Only what was written after the watch began counts.
//
// Memory: owns a descriptor a file and the last, half-written line of each. Threads: one; the
// journal is asked through journalctl.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace audisp_eql::collector {

// An alert that was found.
struct FoundAlert {
    std::string place;  // "/var/log/auth.log", "the journal"
    std::string rule;   // its name; empty: the line was cut
};

// The name of an alert's rule, or empty where its document was cut; nullopt: the line is no alert
// with that word.
std::optional<std::string> alert_with(std::string_view line, std::string_view word);

class AlertWatch {
  public:
    // `files`: those that are not there yet may come. Begins where they end now.
    AlertWatch(const std::vector<std::string>& files, bool journal);
    ~AlertWatch();
    AlertWatch(const AlertWatch&) = delete;
    AlertWatch& operator=(const AlertWatch&) = delete;

    std::optional<FoundAlert> look(std::string_view word);
    // The places that are there: "/var/log/syslog, the journal"; empty: none.
    std::string places() const;

  private:
    struct File {
        std::string path;
        int fd = -1;
        std::uint64_t inode = 0;
        std::string rest;  // of a line whose end is not written yet
    };
    // More than an alert has, whatever its arguments (the journal takes 212 kB).
    static constexpr std::size_t kMaxLine = std::size_t{1} << 20;

    static void open(File& file, bool at_end);
    std::optional<FoundAlert> look_into(File& file, std::string_view word);
    std::optional<FoundAlert> look_into_journal(std::string_view word);

    std::vector<File> files_;
    bool journal_ = false;
    std::int64_t since_ = 0;  // seconds since the epoch
    std::chrono::steady_clock::time_point next_question_{};
};

}  // namespace audisp_eql::collector
