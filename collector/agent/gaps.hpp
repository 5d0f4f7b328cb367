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

#include "collector/feed/loss.hpp"

namespace audisp_eql::collector {

struct Gap {
    std::string source;
    std::int64_t start_ns = 0;  // engine time
    std::int64_t end_ns = 0;
    std::uint64_t count = 0;  // 0 with `at_least`: nobody knows how many
    bool at_least = false;
};

// "at least 12 audit records that the kernel dropped": what a gap of this kind means.
std::string describe(const Gap& gap);

// What a `loss` message says (collector/feed/loss.hpp); `now_ns` is the message's monotonic time,
// `engine_ns` the engine's of that moment.
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
