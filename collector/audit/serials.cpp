// SPDX-License-Identifier: Apache-2.0
#include "collector/audit/serials.hpp"

#include <algorithm>
#include <utility>

namespace audisp_eql::collector {

void SerialTracker::see_other(std::uint64_t serial, std::int64_t now_ns) {
    if (serial == 0)
        return;
    if (highest_ == 0 || serial + kMaxBack < highest_) {
        reset();
        first_ = highest_ = serial;
        last_ns_ = now_ns;
        return;
    }
    if (serial < highest_) {
        if (!holes_.empty())
            fill(serial);
        return;
    }
    if (serial > highest_ + 1) {
        holes_.push_back({highest_ + 1, serial - 1, last_ns_, now_ns});
        if (holes_.size() > kMaxHoles) {
            count(holes_.front());
            holes_.pop_front();
        }
    }
    highest_ = serial;
    last_ns_ = now_ns;
}

// Late ones are of the newest holes.
void SerialTracker::fill(std::uint64_t serial) {
    for (auto hole = holes_.rbegin(); hole != holes_.rend(); ++hole) {
        if (serial > hole->to)
            return;
        if (serial < hole->from)
            continue;
        if (hole->from == hole->to) {
            holes_.erase(std::next(hole).base());
        } else if (serial == hole->from) {
            ++hole->from;
        } else if (serial == hole->to) {
            --hole->to;
        } else {
            const Hole rest{serial + 1, hole->to, hole->since_ns, hole->until_ns};
            hole->to = serial - 1;
            holes_.insert(hole.base(), rest);
        }
        return;
    }
}

void SerialTracker::count(const Hole& hole) {
    if (lost_.count == 0)
        lost_.since_ns = hole.since_ns;
    lost_.count += hole.to - hole.from + 1;
    lost_.until_ns = hole.until_ns;
}

SerialTracker::Lost SerialTracker::take_lost(std::int64_t now_ns) {
    while (!holes_.empty() && holes_.front().until_ns + kLateNs <= now_ns) {
        count(holes_.front());
        holes_.pop_front();
    }
    return std::exchange(lost_, {});
}

void SerialTracker::reset() {
    holes_.clear();
    lost_ = {};
    first_ = highest_ = 0;
    last_ns_ = 0;
}

}  // namespace audisp_eql::collector
