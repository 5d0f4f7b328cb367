// SPDX-License-Identifier: Apache-2.0
#include "collector/forward/queued_output.hpp"

#include <algorithm>
#include <utility>

namespace audisp_eql::collector {

QueuedOutput::QueuedOutput(boost::asio::io_context& io, Spool& spool, std::string name,
                           bool remembers, OutputWarning warn)
    : QueuedOutput(io, spool, name, spool.join(name, remembers), std::move(warn)) {}

QueuedOutput::QueuedOutput(boost::asio::io_context& io, Spool& spool, std::string name,
                           Spool::Place place, OutputWarning warn)
    : io_(io),
      timer_(io),
      spool_(spool),
      name_(std::move(name)),
      warn_(std::move(warn)),
      alive_(this, [](const QueuedOutput*) {}),
      oldest_(place.oldest),
      position_(place.next) {}

void QueuedOutput::probe() {
    std::string why;
    if (!reach(why))
        came_into_trouble(why);
    else
        drain();  // what an earlier run left
}

void QueuedOutput::on_raised() {
    if (!waiting_)
        drain();
    warn_of_loss();
}

void QueuedOutput::look_after() {
    if (waiting_ || !receiver_changed())
        return;
    std::string why;
    if (!reach(why))
        return came_into_trouble(why);
    resend();
    retry_now();
}

void QueuedOutput::retry_now() {
    timer_.cancel();
    waiting_ = false;
    pause_ = std::chrono::milliseconds(0);
    drain();
}

bool QueuedOutput::resend() {
    const std::uint64_t from = std::max(spool_.resend_from(), oldest_);
    if (from >= position_)
        return false;
    counters_.resent += spool_.count_from(from) - spool_.count_from(position_);
    position_ = from;
    item_.reset();
    return true;
}

// The alert at the position, rendered; false: there is none yet.
bool QueuedOutput::prepare() {
    if (item_)
        return true;
    const SpooledAlert* const next = spool_.next(position_);
    if (next == nullptr)
        return false;
    counters_.dropped += next->number - position_;
    position_ = next->number;
    item_ = render(next->alert);
    return true;
}

// How many the spool has dropped that were still to be sent.
std::uint64_t QueuedOutput::lost() const {
    const std::uint64_t next = position_ + (item_ ? 1 : 0);
    return std::max(spool_.first(), next) - next;
}

void QueuedOutput::warn_of_loss() {
    if (lost() > 0 && !std::exchange(warned_of_loss_, true) && warn_)
        warn_("alerts for " + name_ + " are being lost: too many wait for it, the oldest go");
}

void QueuedOutput::drain() {
    while (prepare()) {
        std::string why;
        const Attempt result = attempt(*item_, why);
        if (result == Attempt::moved)
            continue;
        if (result == Attempt::busy || result == Attempt::absent) {
            if (result == Attempt::absent)
                came_into_trouble(why);
            return arm_timer(result);
        }
        item_.reset();
        spool_.taken(name_, ++position_);
        pause_ = std::chrono::milliseconds(0);
        if (result == Attempt::refused) {
            ++counters_.dropped;
        } else {
            ++counters_.delivered;
            came_out_of_trouble();
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
        dropped_before_trouble_ = counters_.dropped + lost();
    counters_.trouble = why;
    if (std::exchange(warned_, true) || !warn_)
        return;
    warn_("alerts cannot go to " + name_ + ": " + why + "; they are kept until they can");
}

void QueuedOutput::came_out_of_trouble() {
    counters_.trouble.clear();
    warned_of_loss_ = false;
    if (!std::exchange(warned_, false) || !warn_)
        return;
    const std::uint64_t gone = counters_.dropped + lost() - dropped_before_trouble_;
    warn_("alerts go to " + name_ + " again" +
          (gone == 0 ? std::string() : "; " + std::to_string(gone) + " were lost meanwhile"));
}

void QueuedOutput::flush(int timeout_ms) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
    retry_now();
    while (waiting_ && std::chrono::steady_clock::now() < end) {
        io_.restart();  // connections do their work there
        io_.run_for(kBusyPause);
        retry_now();
    }
}

OutputCounters QueuedOutput::counters() const {
    OutputCounters now = counters_;
    now.dropped += lost();
    now.queued = spool_.count_from(position_ + (item_ ? 1 : 0)) + (item_ ? 1 : 0);
    if (now.trouble.empty() && now.queued > kMany)
        now.trouble = "the receiver is slow";
    return now;
}

}  // namespace audisp_eql::collector
