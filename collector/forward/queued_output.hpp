// SPDX-License-Identifier: Apache-2.0
// What every output does alike: take alerts from the spool in order, try again with growing pauses,
// send again what a lost receiver may not have read, and say once when alerts do not leave and once
// when they do again.
//
// Memory: owns the one alert that it sends just now, rendered. Threads: see output.hpp.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "collector/forward/output.hpp"
#include "collector/forward/spool.hpp"

namespace audisp_eql::collector {

class QueuedOutput : public Output {
  public:
    // A receiver that is behind frees room within milliseconds…
    static constexpr std::chrono::milliseconds kBusyPause{10}, kLongestBusyPause{1000};
    // …one that is away is being restarted, or was never installed.
    static constexpr std::chrono::milliseconds kAbsentPause{1000}, kLongestAbsentPause{30'000};

    void probe() final;
    void on_raised() final;
    void look_after() final;
    void flush(int timeout_ms) final;
    OutputCounters counters() const final;
    std::string name() const final { return name_; }

  protected:
    // `remembers`: after a restart it goes on where it was.
    QueuedOutput(boost::asio::io_context& io, Spool& spool, std::string name, bool remembers,
                 OutputWarning warn);

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
        moved,    // nothing was sent: resend() has set another alert
    };
    // Makes the way ready, without an alert; `why` as for absent.
    virtual bool reach(std::string& why) = 0;
    virtual Item render(const detect::Alert& alert) = 0;
    // Sends the item or part of it, without waiting. `why` for absent: what is wrong and, if the
    // system said it, in its words.
    virtual Attempt attempt(Item& item, std::string& why) = 0;

    // The receiver is not the one that had the last alerts.
    virtual bool receiver_changed() { return false; }

    // To be called when a receiver was found anew: what was sent shortly before may have been lost
    // with the last one, and goes out again. True if there is such.
    bool resend();
    // Tries at once, whatever the pause; after something changed.
    void retry_now();

  private:
    QueuedOutput(boost::asio::io_context& io, Spool& spool, std::string name, Spool::Place place,
                 OutputWarning warn);
    void drain();
    bool prepare();
    std::uint64_t lost() const;
    void warn_of_loss();
    void arm_timer(Attempt reason);
    void came_into_trouble(const std::string& why);
    void came_out_of_trouble();

    boost::asio::io_context& io_;
    boost::asio::steady_timer timer_;
    Spool& spool_;
    std::string name_;
    OutputWarning warn_;
    // Handlers that run after the output's end find it expired.
    std::shared_ptr<const QueuedOutput> alive_;
    const std::uint64_t oldest_;  // that this output may send
    std::uint64_t position_;      // all before it is sent, or lost
    std::optional<Item> item_;    // the alert of that number
    bool waiting_ = false;        // the timer runs
    std::chrono::milliseconds pause_{0};
    Attempt paused_for_ = Attempt::sent;
    OutputCounters counters_;
    bool warned_ = false;
    bool warned_of_loss_ = false;
    std::uint64_t dropped_before_trouble_ = 0;
};

}  // namespace audisp_eql::collector
