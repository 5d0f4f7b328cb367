// SPDX-License-Identifier: Apache-2.0
// A live run: the feeds, the reader's thread, the worker in the caller's thread, signals and the
// regular look at what was lost. What is done with the messages is the consumer's: run detects,
// record writes them down.
//
// Memory: owns feeds, ring and reader. Threads: the caller's is the worker's.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include "collector/agent/options.hpp"
#include "collector/feed/feeds.hpp"
#include "collector/feed/message.hpp"
#include "collector/feed/reader.hpp"
#include "collector/feed/ring.hpp"

namespace audisp_eql::collector {

class Agent {
  public:
    // How often losses and outputs are looked at; and so how often one line may be logged.
    static constexpr std::chrono::seconds kWatchInterval{5};

    // Opens the feeds and logs what was got and what that costs. Throws std::runtime_error where
    // nothing can be read, or a required feed is missing.
    Agent(boost::asio::io_context& io, const Settings& settings);
    ~Agent();
    Agent(const Agent&) = delete;
    Agent& operator=(const Agent&) = delete;

    // Gives the consumer every message until SIGTERM, SIGINT, the end of auditd's stream or stop();
    // then what was already read, and puts audit back as it was. A second signal ends at once.
    void run(MessageSink& consumer);
    void stop();

    // Set before run(). Both on the worker's thread.
    std::function<void()> on_hangup;  // SIGHUP
    std::function<void()> on_watch;   // every kWatchInterval

    const ReaderCounters& reader_counters() const { return reader_->counters(); }
    // "1234 audit records, 345 process events" and what was lost.
    std::string statistics() const;

  private:
    void require(const Settings& settings) const;
    void await_signal();
    void await_watch();
    void warn_of_loss();
    void close_feeds();
    std::uint64_t losses() const;

    boost::asio::io_context& io_;
    boost::asio::signal_set signals_;
    boost::asio::steady_timer watch_;
    Feeds feeds_;
    bool have_audit_ = false, have_connector_ = false;
    Ring ring_;
    std::unique_ptr<Reader> reader_;
    bool stopping_ = false;
    std::uint64_t told_losses_ = 0;
};

}  // namespace audisp_eql::collector
