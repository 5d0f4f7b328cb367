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

// The lines without what is said of them.
std::string lines_of(const KernelNeeds& needs) {
    std::string text;
    for (const NeededLine& line : needs.lines)
        text += line.text + '\n';
    return text;
}

Feeds open_feeds(const Settings& settings, const detect::RuleSet* rules) {
    FeedOptions options;
    options.audit = settings.feed;
    const auto needs = [rules, &settings](bool proc_connector) {
        return kernel_needs(*rules, {settings.expensive_audit_rules, proc_connector});
    };
    options.rules = [&](bool proc_connector) {
        return rules ? lines_of(needs(proc_connector)) : std::string(built_in_audit_rules());
    };
    options.more_proc_events = rules ? needs(true).proc_events : kAllProcEvents;
    return Feeds::open(options);
}

}  // namespace

Agent::Agent(const Settings& settings, std::shared_ptr<const detect::RuleSet> rules)
    : signals_(io_, SIGTERM, SIGINT, SIGHUP),
      expensive_(settings.expensive_audit_rules),
      feeds_(open_feeds(settings, rules.get())),
      have_audit_(feeds_.audit != nullptr),
      have_connector_(feeds_.connector != nullptr) {
    // A reader of our standard output or capture that goes away is that output's trouble only.
    std::signal(SIGPIPE, SIG_IGN);
    for (const auto& line : feeds_.lines)
        log::info(line);
    require(settings);
    if (rules)
        say_what_is_blind(*rules, kernel_needs(*rules, {expensive_, have_connector_}));
    reader_ = std::make_unique<Reader>(ring_, std::move(feeds_.audit), std::move(feeds_.connector));
}

void Agent::watch_for(const detect::RuleSet& rules) {
    const KernelNeeds needs = kernel_needs(rules, {expensive_, have_connector_});
    reader_->ask_connector(needs.proc_events);
    for (const auto& line : feeds_.exchange(lines_of(needs)))
        log::info(line);
    say_what_is_blind(rules, needs);
}

void Agent::say_what_is_blind(const detect::RuleSet& rules, const KernelNeeds& needs) {
    KernelView view;
    view.audit = have_audit_;
    view.proc_connector = have_connector_;
    view.proc_events = needs.proc_events;
    view.audit_rules = feeds_.rules_in_force();
    for (const auto& line : sight_lines(rules, sight_of_rules(rules, view)))
        log::warning(line);
    if (!needs.expensive.empty())
        log::info(
            fmt::format("audit rules: {} expensive one{} left out; expensive-audit-rules = on "
                        "loads them, 'audisp-eql audit-rules' lists them",
                        needs.expensive.size(), needs.expensive.size() == 1 ? " is" : "s are"));
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
