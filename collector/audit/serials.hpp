// SPDX-License-Identifier: Apache-2.0
// Which of the kernel's serial numbers never came. Where the feed is not the kernel's own queue
// (the multicast group, auditd's plugin queue) a missing number is an event that was lost on the
// way; events that the kernel itself dropped have none.
//
// Numbers come a little out of order (2 to 6 of 3000 under load), so a hole counts once it is old.
// auditd's own messages (types 1200 to 1299) have numbers of another series: they are not to be
// seen here.
// Memory: bounded. Threads: one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

namespace audisp_eql::collector {

class SerialTracker {
  public:
    // A record waits for the kernel's thread 53 ms at most (measured); a loaded machine has five
    // times that.
    static constexpr std::int64_t kLateNs = 250'000'000;
    // More holes than that at once: the oldest count before their time.
    static constexpr std::size_t kMaxHoles = 256;
    // A step back further than this is another boot's series, or another machine's.
    static constexpr std::uint64_t kMaxBack = 100'000;

    struct Lost {
        std::uint64_t count = 0;
        std::int64_t since_ns = 0;  // when the hole's beginning was passed
        std::int64_t until_ns = 0;  // when its end was
    };

    // `now_ns`: the stream's clock. Most records repeat the number before.
    void see(std::uint64_t serial, std::int64_t now_ns) {
        if (serial == highest_)
            last_ns_ = now_ns;
        else
            see_other(serial, now_ns);
    }
    // Holes that are too old to be filled now; they are forgotten by this. Cheap if there are none.
    Lost take_lost(std::int64_t now_ns);
    void reset();

    // 0: none was seen yet.
    std::uint64_t first() const { return first_; }
    std::uint64_t highest() const { return highest_; }

  private:
    struct Hole {
        std::uint64_t from, to;  // both missing
        std::int64_t since_ns, until_ns;
    };
    void see_other(std::uint64_t serial, std::int64_t now_ns);
    void fill(std::uint64_t serial);
    void count(const Hole& hole);

    std::uint64_t first_ = 0, highest_ = 0;
    std::int64_t last_ns_ = 0;  // when the highest was seen
    std::deque<Hole> holes_;
    Lost lost_;
};

}  // namespace audisp_eql::collector
