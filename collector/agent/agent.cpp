// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/agent.hpp"

#include <csignal>
#include <stdexcept>
#include <utility>

#include <fmt/core.h>

#include "collector/agent/log.hpp"
#include "collector/agent/worker.hpp"
#include "collector/feed/audit_rules.hpp"
#include "collector/feed/host_facts.hpp"
#include "collector/process/proc_reader.hpp"

namespace audisp_eql::collector {
namespace {

Feeds open_feeds(const Settings& settings, std::uint32_t more_proc_events) {
    FeedOptions options;
    options.audit = settings.feed;
    options.rules = built_in_audit_rules();
    options.more_proc_events = more_proc_events;
    return Feeds::open(options);
}

}  // namespace

Agent::Agent(const Settings& settings, std::uint32_t more_proc_events)
    : signals_(io_, SIGTERM, SIGINT, SIGHUP),
      feeds_(open_feeds(settings, more_proc_events)),
      have_audit_(feeds_.audit != nullptr),
      have_connector_(feeds_.connector != nullptr) {
    // A reader of our standard output or capture that goes away is that output's trouble only.
    std::signal(SIGPIPE, SIG_IGN);
    for (const auto& line : feeds_.lines)
        log::info(line);
    require(settings);
    reader_ = std::make_unique<Reader>(ring_, std::move(feeds_.audit), std::move(feeds_.connector));
}

Agent::~Agent() = default;

void Agent::require(const Settings& settings) const {
    const std::pair<RequiredFeed, bool> feeds[] = {{RequiredFeed::audit, have_audit_},
                                                   {RequiredFeed::proc_connector, have_connector_}};
    for (const auto& [feed, present] : feeds)
        if (!present && settings.requires_feed(feed))
            throw std::runtime_error(
                fmt::format("{} is required (option require) and cannot be read", to_string(feed)));
}

void Agent::run(MessageSink& consumer) {
    reader_->start();
    // After the subscription: whatever happens from here on is already queued in the ring.
    LinuxProcReader proc;
    HostOptions host;
    host.feeds = feeds_.names();
    const HostReport report = tell_host_facts(consumer, proc, host);
    if (feeds_.audit_was_off())
        log::warning(blind_line(report.programs));
    else if (!booted_with_audit())
        log::info(
            "booted without audit=1: programs that started before audit was first enabled are not "
            "seen by it until they are restarted");
    log::info(fmt::format("started; {} processes were here before", report.processes));
    await_signal();
    every(kLossInterval, [this] {
        warn_of_loss();
        for (const auto& line : feeds_.look_after())
            log::warning(line);
    });
    for (Repeated& repeated : repeated_)
        await(repeated);
    Worker worker(io_, ring_, consumer, [this] { return reader_->finished(); });
    worker.start([this] { io_.stop(); });
    try {
        io_.run();
    } catch (...) {
        close_feeds();
        throw;
    }
    close_feeds();
}

void Agent::stop() {
    if (std::exchange(stopping_, true))
        return;
    for (const auto& trouble : feeds_.retire())
        log::warning(trouble);
    reader_->stop();
}

void Agent::close_feeds() {
    reader_->stop();
    reader_->join();
    warn_of_loss();
    for (const auto& trouble : feeds_.close())
        log::warning(trouble);
}

void Agent::await_signal() {
    signals_.async_wait([this](const boost::system::error_code& error, int number) {
        if (error)
            return;
        if (number == SIGHUP) {
            if (on_hangup_)
                on_hangup_();
        } else if (stopping_) {
            log::warning("stopped at once; what was read and not worked off is lost");
            io_.stop();
        } else {
            log::info("stopping: working off what was read");
            stop();
        }
        await_signal();
    });
}

void Agent::every(std::chrono::seconds interval, std::function<void()> action) {
    repeated_.push_back({boost::asio::steady_timer(io_), interval, std::move(action)});
}

void Agent::await(Repeated& repeated) {
    repeated.timer.expires_after(repeated.interval);
    repeated.timer.async_wait([&repeated](const boost::system::error_code& error) {
        if (error)
            return;
        repeated.action();
        await(repeated);
    });
}

void Agent::stop_after(std::chrono::seconds time) {
    every(time, [this] { stop(); });
}

std::uint64_t Agent::losses() const {
    const ReaderCounters& counters = reader_->counters();
    return counters.audit_overruns + counters.proc_overruns + counters.audit_cut + counters.refused;
}

void Agent::warn_of_loss() {
    const ReaderCounters& counters = reader_->counters();
    const std::uint64_t now = losses();
    if (now == told_losses_)
        return;
    told_losses_ = now;
    log::warning(fmt::format(
        "the feeds lost records; since the start: audit buffer overrun {} times, connector overrun "
        "{} times, {} records too long, {} refused by the full ring",
        counters.audit_overruns.load(), counters.proc_overruns.load(), counters.audit_cut.load(),
        counters.refused.load()));
}

std::string Agent::statistics() const {
    const ReaderCounters& counters = reader_->counters();
    return fmt::format("{} audit records, {} process events, {} losses",
                       counters.audit_records.load(), counters.proc_events.load(), losses());
}

}  // namespace audisp_eql::collector
