// SPDX-License-Identifier: Apache-2.0
// A live run: the feeds, the reader's thread, the worker in the caller's thread, signals and the
// regular look at what was lost. What is done with the messages is the consumer's: run detects,
// record writes them down.
//
// Memory: refers to what it is given. Threads: the caller's is the worker's.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include "collector/agent/access.hpp"
#include "collector/agent/kernel_needs.hpp"
#include "collector/agent/options.hpp"
#include "collector/feed/message.hpp"
#include "collector/feed/reader.hpp"

namespace audisp_eql::collector {

class Agent {
  public:
    // How often our audit rules are looked at.
    static constexpr std::chrono::seconds kRulesInterval{5};

    // Opens the feeds, asks the kernel for what these rules need, and logs what was got, what that
    // costs and which rules are blind. No rules: all that the program's own examples need. Throws
    // std::runtime_error where nothing can be read, or a required feed is missing.
    // `access` must outlive it.
    Agent(const Settings& settings, std::shared_ptr<const detect::RuleSet> rules, Access& access);
    ~Agent();
    Agent(const Agent&) = delete;
    Agent& operator=(const Agent&) = delete;

    // Gives the consumer every message until SIGTERM, SIGINT, the end of auditd's stream or stop();
    // then what was already read, and puts audit back as it was. A second signal ends at once.
    void run(MessageSink& consumer);
    void stop();
    // Before run(): what went before is known from that time of both clocks on, and `tell` gives it
    // to the consumer once /proc was read.
    void begin_with(std::int64_t mono_ns, std::int64_t real_ns, std::function<void()> tell);
    // It was asked to make way for a newer version of the program.
    bool makes_way() const { return makes_way_; }
    // Other rules are to be evaluated: asks the kernel for what they need, no less and no more.
    // On the worker's thread.
    void watch_for(const detect::RuleSet& rules);

    // The worker's: for outputs.
    boost::asio::io_context& io() { return io_; }
    // Called on the worker's thread while run() lasts.
    void on_hangup(std::function<void()> action) { on_hangup_ = std::move(action); }
    // SIGUSR1.
    void on_user_signal(std::function<void()> action) { on_user_signal_ = std::move(action); }
    // Rules that see nothing, for want of a feed or an audit rule.
    std::size_t blind_rules() const { return blind_rules_; }
    // Called every few seconds in place of what the agent does by itself: loading audit rules of
    // ours again that are gone.
    void on_look(std::function<void()> action) { on_look_ = std::move(action); }
    void every(std::chrono::seconds interval, std::function<void()> action);
    void stop_after(std::chrono::seconds time);

    // On the worker's thread only.
    FeedHost& feeds() { return feeds_; }
    // As FeedHost's; nothing from stop() on: what was read is worked off, and outputs may go on for
    // some seconds.
    AuditView look_after(bool restore);
    const FeedReport& got() const { return got_; }
    const ReaderCounters& reader_counters() const { return feeds_.counters(); }
    // The process that holds the feeds ended before this one.
    bool lost_privileged() const { return lost_privileged_; }
    // "1234 audit records, 345 process events" and what was lost.
    std::string statistics() const;

  private:
    struct Repeated {
        boost::asio::steady_timer timer;
        std::chrono::seconds interval;
        std::function<void()> action;
    };
    void require(const Settings& settings) const;
    void say_what_is_blind(const detect::RuleSet& rules, const KernelNeeds& needs);
    void await_signal();
    void await_notice();
    void on_signal(int number);
    static void await(Repeated& repeated);
    void close_feeds();
    std::uint64_t losses() const;

    boost::asio::io_context io_{1};
    boost::asio::signal_set signals_;
    std::list<Repeated> repeated_;
    std::function<void()> on_hangup_, on_look_, on_user_signal_, tell_before_;
    std::size_t blind_rules_ = 0;
    const bool expensive_;
    const std::string own_files_;  // audit rules that watch them
    Access& access_;
    FeedHost& feeds_;
    // Before the feeds are opened, or of begin_with().
    std::int64_t begin_mono_ns_, begin_real_ns_;
    boost::asio::posix::stream_descriptor notices_;
    std::array<unsigned char, 1> notice_{};
    FeedReport got_;
    bool stopping_ = false;
    bool makes_way_ = false;
    bool closed_ = false;
    bool lost_privileged_ = false;
};

}  // namespace audisp_eql::collector
