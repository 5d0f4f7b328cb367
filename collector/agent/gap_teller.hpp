// SPDX-License-Identifier: Apache-2.0
// When a loss is told to people: the first of a source at once, then what came on top at most every
// five minutes, and what is left at the end. Nothing is lost unsaid, and no log is flooded.
//
// Memory: one entry a source. Threads: one.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "collector/agent/gaps.hpp"
#include "collector/agent/own_alert.hpp"

namespace audisp_eql::collector {

struct GapNews {
    Gap gap;                  // since it was told last
    std::uint64_t total = 0;  // of this source, since the start
};
// "evidence was lost: at least 12 audit records that the kernel dropped (30 since the start);
// alerts of this time say so".
std::string gap_line(const GapNews& news);
// As an alert of the agent's own, and a line in its log. Of a live run: engine time is the
// monotonic clock's.
void raise_gap(OwnAlerts& alerts, const GapNews& news);

class GapTeller {
  public:
    static constexpr std::chrono::minutes kBetween{5};
    using Time = std::chrono::steady_clock::time_point;

    // Takes what is new and returns what is to be told now.
    std::vector<GapNews> tell(std::vector<Gap> fresh, Time now = std::chrono::steady_clock::now());
    // At the end: all that was not told yet.
    std::vector<GapNews> tell_rest(std::vector<Gap> fresh);

  private:
    struct Source {
        Gap untold;  // its name; count and times of what was not told
        bool any = false;
        std::uint64_t total = 0;
        Time told{};
    };
    void take(const Gap& gap);
    static GapNews say(Source& source);

    std::vector<Source> sources_;
};

}  // namespace audisp_eql::collector
