// SPDX-License-Identifier: Apache-2.0
// What every output does alike: queue within bounds, send in order, try again with growing pauses,
// and say once when alerts do not leave and once when they do again.
//
// Memory: owns what is queued, already rendered. Threads: see output.hpp.
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "collector/forward/output.hpp"

namespace audisp_eql::collector {

class QueuedOutput : public Output {
  public:
    // A receiver that is behind frees room within milliseconds…
    static constexpr std::chrono::milliseconds kBusyPause{10}, kLongestBusyPause{1000};
    // …one that is away is being restarted, or was never installed.
    static constexpr std::chrono::milliseconds kAbsentPause{1000}, kLongestAbsentPause{30'000};

    void probe() final;
    void deliver(const detect::Alert& alert) final;
    void flush(int timeout_ms) final;
    OutputCounters counters() const final;

  protected:
    QueuedOutput(boost::asio::io_context& io, OutputWarning warn);

    struct Item {
        std::string text;      // as it is sent
        std::size_t sent = 0;  // bytes that have left already (streams)
        // For an output that must make it smaller still.
        std::string id, message, rule_name;
    };
    enum class Attempt {
        sent,
        busy,     // no room just now
        absent,   // nobody there; `why` says it
        refused,  // this one will never be taken
    };
    // Makes the way ready, without an alert; `why` as for absent.
    virtual bool reach(std::string& why) = 0;
    virtual Item render(const detect::Alert& alert) = 0;
    // Sends the item or part of it, without waiting. `why` for absent: what is wrong and, if the
    // system said it, in its words.
    virtual Attempt attempt(Item& item, std::string& why) = 0;

    // Tries at once, whatever the pause; after something changed.
    void retry_now();

  private:
    void drain();
    void enforce_bounds();
    void arm_timer(Attempt reason);
    void came_into_trouble(const std::string& why);
    void came_out_of_trouble();

    boost::asio::steady_timer timer_;
    OutputWarning warn_;
    // Handlers that run after the output's end find it expired.
    std::shared_ptr<const QueuedOutput> alive_;
    std::deque<Item> queue_;
    std::size_t queued_bytes_ = 0;
    bool waiting_ = false;  // the timer runs
    std::chrono::milliseconds pause_{0};
    Attempt paused_for_ = Attempt::sent;
    OutputCounters counters_;
    bool warned_ = false;
    bool warned_of_loss_ = false;
    std::uint64_t dropped_before_trouble_ = 0;
};

}  // namespace audisp_eql::collector
