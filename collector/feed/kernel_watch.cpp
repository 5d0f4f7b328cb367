// SPDX-License-Identifier: Apache-2.0
#include "collector/feed/kernel_watch.hpp"

#include <csignal>
#include <ctime>
#include <utility>

#include "collector/feed/clock.hpp"

namespace audisp_eql::collector {
KernelWatch::KernelWatch(std::unique_ptr<AuditControl> control, std::uint32_t lost_so_far,
                         Handler on_status)
    : control_(std::move(control)), lost_(lost_so_far), on_status_(std::move(on_status)) {}

KernelWatch::~KernelWatch() {
    stop();
}

void KernelWatch::start() {
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
    {
        const std::lock_guard lock(mutex_);
        ending_ = true;
    }
    wake_.notify_one();
    thread_.join();
}

void KernelWatch::run() {
    std::unique_lock lock(mutex_);
    do {
        wake_.wait_for(lock, kInterval, [this] { return ending_; });
        lock.unlock();
        look();
        lock.lock();
    } while (!ending_);
}

void KernelWatch::look() {
    AuditStatus status;
    const std::int64_t now_ns = monotonic_ns();
    if (control_->status(status) != 0)
        return;
    on_status_(status, lost_.look(status.lost), std::exchange(looked_ns_, now_ns));
}

}  // namespace audisp_eql::collector
