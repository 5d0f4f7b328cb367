// SPDX-License-Identifier: Apache-2.0
// What a stream of messages says of itself: its clock, which feeds there are, and which processes
// are the program's own.
//
// Memory: values. Threads: the worker's.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "collector/audit/record.hpp"
#include "collector/feed/message.hpp"
#include "collector/normalize/timeline.hpp"

namespace audisp_eql::collector {

// The clock of a file without receive times: the largest audit time. A single stray time does not
// move it far; several in a row are a clock that was set, or another log.
class FileClock {
  public:
    // True if the clock was set anew: what waits on the old one must not.
    bool see(std::int64_t time_ns) {
        const bool strange = ns_ != 0 && (time_ns + Timeline::kMaxBackNs < ns_ ||
                                          time_ns > ns_ + Timeline::kMaxAheadNs);
        if (!strange) {
            ns_ = std::max(ns_, time_ns);
            strange_ = 0;
            return false;
        }
        if (++strange_ <= kStrangeRecords)
            return false;
        ns_ = time_ns;
        strange_ = 0;
        return true;
    }
    std::int64_t ns() const { return ns_; }

  private:
    // An event has at most some ten records; one with a wrong time must not set the clock.
    static constexpr int kStrangeRecords = 16;
    std::int64_t ns_ = 0;
    int strange_ = 0;
};

// What was read so far, as alerts name it. A HOST line says it for the whole run.
class SeenFeeds {
  public:
    void see(MessageKind kind) {
        if (told_)
            return;
        const bool audit = kind == MessageKind::audit_line || kind == MessageKind::audit_record;
        if (audit && !std::exchange(audit_, true))
            names_.emplace_back("audit");
        else if (kind == MessageKind::proc_event && !std::exchange(proc_, true))
            names_.emplace_back("proc");
    }
    void host_says(std::string_view host) {
        const std::optional<std::string_view> list = find_field(host, "feeds");
        if (!list)
            return;
        told_ = true;
        names_.clear();
        for (std::string_view rest = *list; !rest.empty();) {
            const std::size_t comma = rest.find(',');
            if (comma != 0)
                names_.emplace_back(rest.substr(0, comma));
            rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
        }
    }
    std::vector<std::string_view> names() const { return {names_.begin(), names_.end()}; }

  private:
    bool told_ = false;  // by a HOST line
    bool audit_ = false, proc_ = false;
    std::vector<std::string> names_;
};

// The program's own processes, as a HOST line names them. The kernel exempts only its registered
// reader from audit: beside auditd the connections of our outputs would make events, alerts, and
// connections again.
class OwnProcesses {
  public:
    void host_says(std::string_view host) {
        count_ = 0;
        for (std::string_view rest = find_field(host, "self").value_or(""); !rest.empty();) {
            const std::string_view pid = rest.substr(0, rest.find(','));
            rest.remove_prefix(std::min(rest.size(), pid.size() + 1));
            if (count_ < pids_.size())
                pids_[count_++] = static_cast<std::int32_t>(parse_decimal(pid).value_or(0));
        }
    }
    bool has(std::int32_t pid) const {
        return std::find(pids_.begin(), pids_.begin() + count_, pid) != pids_.begin() + count_;
    }

  private:
    std::array<std::int32_t, 4> pids_{};
    std::uint32_t count_ = 0;
};

}  // namespace audisp_eql::collector
