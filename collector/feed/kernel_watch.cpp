// SPDX-License-Identifier: Apache-2.0
#include "collector/feed/kernel_watch.hpp"

#include <cerrno>
#include <csignal>
#include <poll.h>
#include <unistd.h>
#include <utility>

#include <sys/eventfd.h>
#include <system_error>

#include "collector/feed/clock.hpp"

namespace audisp_eql::collector {
KernelWatch::KernelWatch(std::unique_ptr<AuditControl> control, std::uint32_t lost_so_far,
                         Handler on_status)
    : control_(std::move(control)), lost_(lost_so_far), on_status_(std::move(on_status)) {}

KernelWatch::~KernelWatch() {
    stop();
    if (ending_ >= 0)
        ::close(ending_);
}

void KernelWatch::start() {
    ending_ = ::eventfd(0, EFD_CLOEXEC);
    if (ending_ < 0)
        throw std::system_error(errno, std::generic_category(), "eventfd for the kernel's watch");
    looked_ns_ = monotonic_ns();
    // Signals are the agent's business: none is delivered to this thread.
    sigset_t all, before;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] { run(); });
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void KernelWatch::stop() {
    if (!thread_.joinable())
        return;
    ::eventfd_write(ending_, 1);
    thread_.join();
}

// poll(2) counts by the monotonic clock; a condition variable that does needs glibc 2.30.
void KernelWatch::run() {
    constexpr int kIntervalMs = std::chrono::milliseconds(kInterval).count();
    pollfd ending{ending_, POLLIN, 0};
    do {
        ::poll(&ending, 1, kIntervalMs);
        look();
    } while ((ending.revents & POLLIN) == 0);
}

void KernelWatch::look() {
    AuditStatus status;
    const std::int64_t now_ns = monotonic_ns();
    if (control_->status(status) != 0)
        return;
    on_status_(status, lost_.look(status.lost), std::exchange(looked_ns_, now_ns));
}

}  // namespace audisp_eql::collector
