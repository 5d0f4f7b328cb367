// SPDX-License-Identifier: Apache-2.0
// Evidence that was lost: from where, when and how much. An alert whose window touches a gap says
// so, and the agent tells of each gap once (collector/agent/own_alert).
//
// A loss of a live run is a `loss` message of the stream, so that a capture repeats it; what shows
// in the records themselves (missing serial numbers, events without an end) is found again in the
// replay.
// Memory: bounded: the oldest gaps become one. Threads: one at a time (the worker's).
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace audisp_eql::collector {

// Where evidence is lost, as alerts and LOSS lines name it.
namespace gap_source {
inline constexpr std::string_view kKernel = "kernel";    // audit's own count of lost records
inline constexpr std::string_view kAudit = "audit";      // the audit socket overran, or a read cut
inline constexpr std::string_view kProc = "proc";        // the proc connector's socket overran
inline constexpr std::string_view kSerial = "serial";    // serial numbers that never came
inline constexpr std::string_view kRestart = "restart";  // the same, between two runs
inline constexpr std::string_view kRing = "ring";        // no room between reader and worker
inline constexpr std::string_view kPlugin = "plugin";    // auditd's lines that did not fit there
inline constexpr std::string_view kIncomplete = "incomplete";  // events without head or end
inline constexpr std::string_view kUnparsed = "unparsed";      // no audit records
inline constexpr std::string_view kMemory = "memory";  // dropped to stay below the memory ceiling
}  // namespace gap_source

struct Gap {
    std::string source;
    std::int64_t start_ns = 0;  // engine time
    std::int64_t end_ns = 0;
    std::uint64_t count = 0;  // 0 with `at_least`: nobody knows how many
    bool at_least = false;
};

// "at least 12 audit records that the kernel dropped": what a gap of this kind means.
std::string describe(const Gap& gap);

// The text of a `loss` message: "feed=kernel count=12 at_least=1 since=NS". `since_ns`: monotonic;
// 0: not known.
std::string loss_text(std::string_view source, std::uint64_t count, bool at_least,
                      std::int64_t since_ns);
// And back; `now_ns` is the message's monotonic time, `engine_ns` the engine's of that moment.
Gap gap_from_loss(std::string_view text, std::int64_t now_ns, std::int64_t engine_ns);

class GapLog {
  public:
    // Under constant loss neighbours are one gap; so many apart are an hour of a loss every 15 s.
    static constexpr std::size_t kMaxGaps = 256;
    // What was lost was under way before anybody noticed, and a second is more than any queue held
    // (measured: 53 ms).
    static constexpr std::int64_t kMarginNs = 1'000'000'000;

    void add(Gap gap);

    // All gaps that touch the window, a margin around it, as one: `source` names each once, with a
    // comma between. Empty source: none.
    Gap touching(std::int64_t first_ns, std::int64_t last_ns) const;

    // What was added since the last call, one for each source.
    std::vector<Gap> take_news();
    bool has_news() const { return !news_.empty(); }

    std::uint64_t added() const { return added_; }
    std::size_t size() const { return gaps_.size(); }

  private:
    static void join(Gap& into, const Gap& gap);

    std::deque<Gap> gaps_;  // by the time they were noticed
    std::vector<Gap> news_;
    std::uint64_t added_ = 0;
};

}  // namespace audisp_eql::collector
