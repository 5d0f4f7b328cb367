// SPDX-License-Identifier: Apache-2.0
// Asks the kernel each second how its audit is: what it lost, who holds the feed. On a socket and a
// thread of its own: a request may wait for whoever changes rules just then, and no record may wait
// for that.
//
// The kernel's own count is the only word on what it dropped: such events leave no gap in the
// serial numbers, and nobody is told. It is read and never reset: others read it, too.
// Memory: owns its socket. Threads: start and stop by one thread; the handler runs on the watch's.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>

#include "collector/feed/audit_control.hpp"

namespace audisp_eql::collector {

// What was lost from one look at the kernel's count to the next.
class LostCount {
  public:
    explicit LostCount(std::uint32_t now) : last_(now) {}
    struct Lost {
        std::uint64_t count = 0;
        bool at_least = false;
    };
    // The counter has 32 bits; whoever sets it to 0 (auditctl --reset-lost) hides what came since
    // our last look.
    Lost look(std::uint32_t now) {
        const std::uint32_t before = last_;
        last_ = now;
        if (now >= before)
            return {now - before, false};
        const bool wrapped = before > 0xf0000000 && now < 0x10000000;
        return {wrapped ? std::uint32_t{now - before} : now, !wrapped};
    }

  private:
    std::uint32_t last_;
};

class KernelWatch {
  public:
    static constexpr std::chrono::seconds kInterval{1};

    // `began`: how audit was when the feed was opened. `on_status`: what it is now, and what was
    // lost since the last time; `since_ns`: the monotonic time of that.
    using Handler =
        std::function<void(const AuditStatus& status, LostCount::Lost lost, std::int64_t since_ns)>;
    KernelWatch(std::unique_ptr<AuditControl> control, std::uint32_t lost_so_far,
                Handler on_status);
    ~KernelWatch();
    KernelWatch(const KernelWatch&) = delete;
    KernelWatch& operator=(const KernelWatch&) = delete;

    // std::system_error if it cannot be had.
    void start();
    // Looks a last time, then ends. The handler is not called any more afterwards.
    void stop();

  private:
    void run();
    void look();

    std::unique_ptr<AuditControl> control_;
    LostCount lost_;
    Handler on_status_;
    std::int64_t looked_ns_ = 0;
    int ending_ = -1;  // an eventfd, readable once it is to end
    std::thread thread_;
};

}  // namespace audisp_eql::collector
