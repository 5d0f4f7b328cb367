// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/agent.hpp"

#include <algorithm>
#include <csignal>
#include <stdexcept>
#include <unistd.h>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <fmt/core.h>
#include <system_error>

#include "collector/agent/log.hpp"
#include "collector/agent/memory_guard.hpp"
#include "collector/agent/own_files.hpp"
#include "collector/agent/successor.hpp"
#include "collector/agent/worker.hpp"
#include "collector/feed/audit_rules.hpp"
#include "collector/feed/clock.hpp"
#include "collector/feed/host_facts.hpp"
#include "collector/process/proc_reader.hpp"

namespace audisp_eql::collector {
namespace {

// The lines without what is said of them.
std::string text_of(const std::vector<NeededLine>& lines) {
    std::string text;
    for (const NeededLine& line : lines)
        text += line.text + '\n';
    return text;
}

FeedRequest request_of(const Settings& settings, const detect::RuleSet* rules,
                       const std::string& own_files) {
    FeedRequest request;
    if (rules == nullptr) {
        request.rules = request.rules_without_connector = built_in_audit_rules();
        request.more_proc_events = kAllProcEvents;
        return request;
    }
    const KernelNeeds with = kernel_needs(*rules, {settings.expensive_audit_rules, true});
    const KernelNeeds without = kernel_needs(*rules, {settings.expensive_audit_rules, false});
    // First: of rules that match, the kernel names the first one's key.
    request.rules = own_files + text_of(with.lines);
    request.rules_without_connector = own_files + text_of(without.lines);
    request.more_proc_events = with.proc_events;
    return request;
}

}  // namespace

Agent::Agent(const Settings& settings, std::shared_ptr<const detect::RuleSet> rules, Access& access)
    : signals_(io_),
      expensive_(settings.expensive_audit_rules),
      own_files_(text_of(lines_of_own_files(settings))),
      access_(access),
      feeds_(*access.feeds),
      begin_mono_ns_(monotonic_ns()),
      begin_real_ns_(nanoseconds(CLOCK_REALTIME)),
      notices_(io_),
      got_(feeds_.open(request_of(settings, rules.get(), own_files_))) {
    // A reader of our standard output or capture that goes away is that output's trouble only.
    std::signal(SIGPIPE, SIG_IGN);
    for (const auto& line : got_.lines)
        log::info(line);
    require(settings);
    if (rules)
        say_what_is_blind(*rules, kernel_needs(*rules, {expensive_, got_.connector}));
    if (access.notices >= 0)
        notices_.assign(access.notices);
    else
        for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2})
            signals_.add(number);
}

AuditView Agent::look_after(bool restore) {
    // From stop() on, audit is as it was before: no work of anybody else's.
    return stopping_ || closed_ ? AuditView() : feeds_.look_after(restore);
}

void Agent::watch_for(const detect::RuleSet& rules) {
    if (closed_)
        return;
    const KernelNeeds needs = kernel_needs(rules, {expensive_, got_.connector});
    for (const auto& line : feeds_.exchange(own_files_ + text_of(needs.lines), needs.proc_events))
        log::info(line);
    say_what_is_blind(rules, needs);
}

void Agent::say_what_is_blind(const detect::RuleSet& rules, const KernelNeeds& needs) {
    KernelView view;
    view.audit = got_.audit;
    view.proc_connector = got_.connector;
    view.proc_events = needs.proc_events;
    view.audit_rules = feeds_.rules_in_force();
    const std::vector<RuleSight> sights = sight_of_rules(rules, view);
    blind_rules_ = static_cast<std::size_t>(
        std::count_if(sights.begin(), sights.end(),
                      [](const RuleSight& sight) { return sight.sight == Sight::blind; }));
    for (const auto& line : sight_lines(rules, sights))
        log::warning(line);
    if (!needs.expensive.empty())
        log::info(
            fmt::format("audit rules: {} expensive one{} left out; expensive-audit-rules = on "
                        "loads them, 'audisp-eql audit-rules' lists them",
                        needs.expensive.size(), needs.expensive.size() == 1 ? " is" : "s are"));
}

Agent::~Agent() = default;

void Agent::require(const Settings& settings) const {
    const std::pair<RequiredFeed, bool> feeds[] = {{RequiredFeed::audit, got_.audit},
                                                   {RequiredFeed::proc_connector, got_.connector}};
    for (const auto& [feed, present] : feeds)
        if (!present && settings.requires_feed(feed))
            throw std::runtime_error(
                fmt::format("{} is required (option require) and cannot be read", to_string(feed)));
}

void Agent::run(MessageSink& consumer) {
    feeds_.start();
    // After the subscription: whatever happens from here on is already queued in the ring.
    HostOptions host;
    host.feeds = got_.names;
    host.audit_feed = got_.audit_feed;
    host.mono_ns = begin_mono_ns_;
    host.real_ns = begin_real_ns_;
    host.backdated = tell_before_ != nullptr;
    host.own_pids = {static_cast<std::int32_t>(::getpid())};
    if (got_.reader_pid != 0 && got_.reader_pid != host.own_pids.front())
        host.own_pids.push_back(got_.reader_pid);
    const HostReport report = tell_host_facts(consumer, *access_.proc, host);
    if (tell_before_)
        tell_before_();
    if (got_.audit_was_off)
        log::warning(blind_line(report.programs));
    else if (!booted_with_audit())
        log::info(
            "booted without audit=1: programs that started before audit was first enabled are not "
            "seen by it until they are restarted");
    log::info(fmt::format("started; {} processes were here before", report.processes));
    let_go_of_start();
    if (notices_.is_open())
        await_notice();
    else
        await_signal();
    every(kRulesInterval, [this] {
        if (on_look_)
            return on_look_();
        for (const auto& line : look_after(true).lines)
            log::warning(line);
    });
    for (Repeated& repeated : repeated_)
        await(repeated);
    Worker worker(io_, feeds_.ring(), consumer, [this] { return feeds_.finished(); });
    worker.start([this] { io_.stop(); });
    try {
        io_.run();
    } catch (...) {
        close_feeds();
        throw;
    }
    close_feeds();
}

void Agent::begin_with(std::int64_t mono_ns, std::int64_t real_ns, std::function<void()> tell) {
    begin_mono_ns_ = mono_ns;
    begin_real_ns_ = real_ns;
    tell_before_ = std::move(tell);
}

void Agent::stop() {
    if (std::exchange(stopping_, true))
        return;
    for (const auto& trouble : feeds_.stop())
        log::warning(trouble);
}

void Agent::close_feeds() {
    closed_ = true;
    const auto troubles = feeds_.close();
    for (const auto& trouble : troubles)
        log::warning(trouble);
}

void Agent::await_signal() {
    signals_.async_wait([this](const boost::system::error_code& error, int number) {
        if (error)
            return;
        on_signal(number);
        await_signal();
    });
}

void Agent::await_notice() {
    notices_.async_read_some(boost::asio::buffer(notice_),
                             [this](const boost::system::error_code& error, std::size_t) {
                                 if (error == boost::asio::error::operation_aborted)
                                     return;
                                 if (error) {
                                     lost_privileged_ = true;
                                     log::error(
                                         "the privileged process is gone: ending with what was "
                                         "read; audit's rules and settings stay as they are until "
                                         "the next start or 'audisp-eql audit-rules --remove'");
                                     stop();
                                     return;
                                 }
                                 on_signal(notice_.front());
                                 await_notice();
                             });
}

void Agent::on_signal(int number) {
    if (number == SIGHUP) {
        if (on_hangup_)
            on_hangup_();
    } else if (number == SIGUSR1) {
        if (on_user_signal_)
            on_user_signal_();
    } else if (number == SIGUSR2 && got_.audit_feed != name_of(AuditFeed::plugin)) {
        log::warning("SIGUSR2: only auditd's plugin is replaced in its place; restart this one");
    } else if (stopping_) {
        log::warning("stopped at once; what was read and not worked off is lost");
        io_.stop();
    } else {
        if (number == SIGUSR2) {
            makes_way_ = true;
            ask_for_successor();
        }
        log::info("stopping: working off what was read");
        stop();
    }
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
    const ReaderCounters& counters = feeds_.counters();
    return counters.kernel_lost + counters.audit_overruns + counters.proc_overruns +
           counters.audit_cut + counters.audit_dropped + counters.refused;
}

std::string Agent::statistics() const {
    const ReaderCounters& counters = feeds_.counters();
    return fmt::format("{} audit records, {} process events, {} losses",
                       counters.audit_records.load(), counters.proc_events.load(), losses());
}

}  // namespace audisp_eql::collector
