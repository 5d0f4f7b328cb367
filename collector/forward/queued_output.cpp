// SPDX-License-Identifier: Apache-2.0
#include "collector/forward/queued_output.hpp"

#include <algorithm>
#include <thread>

namespace audisp_eql::collector {

QueuedOutput::QueuedOutput(boost::asio::io_context& io, OutputWarning warn)
    : timer_(io), warn_(std::move(warn)), alive_(this, [](const QueuedOutput*) {}) {}

void QueuedOutput::probe() {
    std::string why;
    if (!reach(why))
        came_into_trouble(why);
}

void QueuedOutput::deliver(const detect::Alert& alert) {
    queue_.push_back(render(alert));
    queued_bytes_ += queue_.back().text.size();
    if (!waiting_)
        drain();
    enforce_bounds();
}

void QueuedOutput::retry_now() {
    timer_.cancel();
    waiting_ = false;
    pause_ = std::chrono::milliseconds(0);
    drain();
}

void QueuedOutput::drain() {
    while (!queue_.empty()) {
        Item& item = queue_.front();
        const std::size_t before = item.text.size();
        std::string why;
        const Attempt result = attempt(item, why);
        queued_bytes_ -= before - item.text.size();  // it may have been made smaller
        if (result == Attempt::busy || result == Attempt::absent) {
            if (result == Attempt::absent)
                came_into_trouble(why);
            return arm_timer(result);
        }
        queued_bytes_ -= item.text.size();
        queue_.pop_front();
        pause_ = std::chrono::milliseconds(0);
        if (result == Attempt::refused) {
            ++counters_.dropped;
        } else {
            ++counters_.delivered;
            came_out_of_trouble();
        }
    }
}

// The oldest go: what happens now matters more. Not the one of which a part has left.
void QueuedOutput::enforce_bounds() {
    while (queue_.size() > kMaxQueued || queued_bytes_ > kMaxQueuedBytes) {
        const std::size_t oldest = queue_.front().sent > 0 && queue_.size() > 1 ? 1 : 0;
        queued_bytes_ -= queue_[oldest].text.size();
        queue_.erase(queue_.begin() + static_cast<std::ptrdiff_t>(oldest));
        if (++counters_.dropped; !warned_of_loss_ && warn_) {
            warned_of_loss_ = true;
            warn_("alerts for " + name() + " are being lost: its queue is full, the oldest go");
        }
    }
}

void QueuedOutput::arm_timer(Attempt reason) {
    const bool absent = reason == Attempt::absent;
    const auto shortest = absent ? kAbsentPause : kBusyPause;
    const auto longest = absent ? kLongestAbsentPause : kLongestBusyPause;
    pause_ = paused_for_ == reason ? std::clamp(pause_ * 2, shortest, longest) : shortest;
    paused_for_ = reason;
    waiting_ = true;
    timer_.expires_after(pause_);
    timer_.async_wait([this, alive = std::weak_ptr(alive_)](boost::system::error_code ec) {
        if (ec || alive.expired() || !waiting_)
            return;
        waiting_ = false;
        ++counters_.retries;
        drain();
    });
}

void QueuedOutput::came_into_trouble(const std::string& why) {
    if (counters_.trouble.empty())
        dropped_before_trouble_ = counters_.dropped;
    counters_.trouble = why;
    if (std::exchange(warned_, true) || !warn_)
        return;
    warn_("alerts cannot go to " + name() + ": " + why + "; the newest " +
          std::to_string(kMaxQueued) + " are kept until they can");
}

void QueuedOutput::came_out_of_trouble() {
    counters_.trouble.clear();
    warned_of_loss_ = false;
    if (!std::exchange(warned_, false) || !warn_)
        return;
    const std::uint64_t lost = counters_.dropped - dropped_before_trouble_;
    warn_("alerts go to " + name() + " again" +
          (lost == 0 ? std::string() : "; " + std::to_string(lost) + " were lost meanwhile"));
}

void QueuedOutput::flush(int timeout_ms) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
    retry_now();
    while (!queue_.empty() && std::chrono::steady_clock::now() < end) {
        std::this_thread::sleep_for(kBusyPause);
        retry_now();
    }
}

OutputCounters QueuedOutput::counters() const {
    OutputCounters now = counters_;
    now.queued = queue_.size();
    if (now.trouble.empty() && queue_.size() > kMaxQueued / 2)
        now.trouble = "the receiver is slow";
    return now;
}

}  // namespace audisp_eql::collector
