// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/health.hpp"

#include <unistd.h>
#include <utility>

#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include "collector/agent/log.hpp"
#include "collector/feed/clock.hpp"

namespace audisp_eql::collector {
namespace {

FoldingOptions folding_options(const Settings& settings, std::string selftest_mark) {
    FoldingOptions options;
    options.window_ns = std::int64_t{settings.fold_window.seconds} * 1'000'000'000;
    options.fields = settings.fold_by.names;
    options.ceiling = settings.alert_ceiling.value;
    options.selftest_mark = std::move(selftest_mark);
    return options;
}

// "3 d 4 h", "12 min", "45 s".
std::string duration_text(std::int64_t seconds) {
    if (seconds >= 86'400)
        return fmt::format("{} d {} h", seconds / 86'400, seconds % 86'400 / 3600);
    if (seconds >= 3600)
        return fmt::format("{} h {} min", seconds / 3600, seconds % 3600 / 60);
    return seconds >= 60 ? fmt::format("{} min", seconds / 60) : fmt::format("{} s", seconds);
}

void name_by_proc(AuditActor& actor, ProcReader& proc) {
    constexpr std::uint32_t kUnset = UINT32_MAX;  // auid of what no login began
    const auto process = actor.pid ? proc.read(*actor.pid) : std::nullopt;
    if (!process)
        return;
    if (process->auid != kUnset)
        actor.auid = process->auid;
    actor.executable = process->exe;
}

std::string counted(std::uint64_t count, const char* what) {
    return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

}  // namespace

Health::Health(Agent& agent, const Settings& settings, Outputs& outputs, Access& access,
               std::string selftest_mark)
    : agent_(agent),
      settings_(settings),
      outputs_(outputs),
      own_(read_host_names(),
           [this](const detect::Alert& alert) {
               // Whoever reads the program's own log at night must find it there, too.
               if (alert.rule_name != kind_of(OwnAlert::heartbeat).name)
                   log::warning(fmt::format("alert: {}", alert.message));
               outputs_.deliver(alert);
           }),
      folding_(folding_options(settings, std::move(selftest_mark)), own_,
               [this](const detect::Alert& alert) { outputs_.deliver(alert); }),
      tamper_({::getpid(), agent.got().reader_pid},
              agent.got().audit_feed == name_of(AuditFeed::plugin), monotonic_ns()),
      marker_(settings.state_dir, agent.got().reader_pid),
      files_(agent.io(), access.configuration, access.read_rules, own_),
      notify_(access.notify),
      socket_(
          agent.io(), std::move(access.status),
          [this](StatusOutput form) { return render(status(), form); },
          [this](std::chrono::seconds time, const AuditActor& actor) {
              return maintain(time, actor);
          },
          [&proc = *access.proc](AuditActor& actor) { name_by_proc(actor, proc); }) {
    if (!socket_.trouble().empty())
        log::warning(socket_.trouble());
    if (!marker_.trouble().empty())
        log::warning(marker_.trouble());
    if (marker_.left()) {
        EndOfRun end = tell_of(*marker_.left(), boot_id(), wall_us());
        own_.raise(end.kind, std::move(end.facts));
    }
}

std::chrono::seconds Health::uptime() const {
    return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() -
                                                            start_);
}

void Rates::add(const Counts& totals) {
    totals_.push_back(totals);
    if (totals_.size() > kSeconds + 1)
        totals_.pop_front();
}

std::array<double, 4> Rates::a_second() const {
    std::array<double, 4> rates{};
    if (totals_.size() < 2)
        return rates;
    for (std::size_t i = 0; i < rates.size(); ++i)
        rates[i] = static_cast<double>(totals_.back()[i] - totals_.front()[i]) /
                   static_cast<double>(totals_.size() - 1);
    return rates;
}

std::string Health::maintain(std::chrono::seconds time, const AuditActor& actor) {
    if (time.count() == 0 && !own_.in_maintenance())
        return "no: no maintenance is declared";
    own_.maintain(time, actor);
    return time.count() == 0
               ? "ok: the maintenance is over"
               : fmt::format("ok: until {} min from now signs of tampering are only counted",
                             (time.count() + 59) / 60);
}

void Health::log_status() const {
    const std::string text = render(status(), StatusOutput::text);
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = text.find('\n', at);
        if (end != at)
            log::info("status: " + text.substr(at, end - at));
        at = end + 1;
    }
}

void Health::on_alert(const detect::Alert& alert) {
    folding_.on_alert(alert, monotonic_ns());
}

void Health::on_config_change(const AuditEvent& event) {
    if (auto change = config_change(event))
        tamper_.on_change(std::move(*change), monotonic_ns());
}

void Health::begin(const Pipeline& pipeline, const RuleReloader& reloader) {
    pipeline_ = &pipeline;
    reloader_ = &reloader;
    agent_.on_look([this] { look(); });
    agent_.on_user_signal([this] { log_status(); });
    agent_.every(std::chrono::seconds(1), [this] { tick(); });
    agent_.every(kMinute, [this] { minute(); });
    if (settings_.heartbeat.seconds != 0)
        agent_.every(std::chrono::seconds(settings_.heartbeat.seconds), [this] { heartbeat(); });
    // When the worker runs, and not before.
    boost::asio::post(agent_.io(), [this] { notify_.ready(status_line()); });
}

void Health::reloading() {
    reloading_ = true;
    notify_.reloading();
    // The administrator's word: rules that were given up are loaded again. Now, because the
    // exchange that follows takes what it finds in the kernel for what is in force.
    if (tamper_.stands_down())
        for (const auto& line : agent_.look_after(true).lines)
            log::warning(line);
    tamper_.make_peace();
}

void Health::tick() {
    own_.look_after();
    folding_.look_after(monotonic_ns());
    // Whoever changed audit is named while the change is fresh.
    if (tamper_.wants_look(monotonic_ns()))
        look();
    look_at_feeds();
    if (files_.wants_look(monotonic_ns()))
        files_.look();
    const PipelineCounters counted = pipeline_->counters();
    const ReaderCounters& reader = agent_.reader_counters();
    rates_.add({reader.audit_records, reader.proc_events, counted.engine.events, counted.alerts});
    if (notify_.watchdog().count() != 0 && liveness_.goes_on(reader.clocks, counted.messages))
        notify_.feed_watchdog();
    if (reloading_ && !reloader_->is_building()) {
        reloading_ = false;
        notify_.ready(status_line());
    }
}

void Health::look_at_feeds() {
    const auto required = [this](RequiredFeed feed, const std::string& what) {
        if (!settings_.requires_feed(feed))
            return;
        OwnAlertFacts facts;
        facts.message = fmt::format("{} is required (option require): {}", to_string(feed), what);
        facts.more = {json_text("audisp_eql.feed.missing", to_string(feed))};
        own_.raise(OwnAlert::feed_missing, std::move(facts));
    };
    const std::uint64_t execs = pipeline_->counters().normalizer.exec;
    if (agent_.got().connector &&
        connector_.fell_silent(execs, agent_.reader_counters().proc_events, monotonic_ns())) {
        log::warning(
            "the proc connector is silent while programs start: forks and ends are not seen; "
            "something ended its subscription, a restart of the agent makes a new one");
        required(RequiredFeed::proc_connector,
                 "the proc connector has fallen silent while programs start; a restart of the "
                 "agent subscribes anew");
    }
    const TamperWatch::State state = tamper_.state();
    const bool gone = state.audit_off || state.feed_taken;
    if (gone && !std::exchange(audit_missed_, gone))
        required(RequiredFeed::audit, state.audit_off
                                          ? "the kernel's audit is switched off"
                                          : "another program holds the kernel's audit feed");
    audit_missed_ = gone;
}

void Health::look() {
    const std::int64_t now = monotonic_ns();
    if (tamper_.is_changing(now))
        return;  // the next tick looks
    const AuditView view = agent_.look_after(tamper_.may_restore(now));
    for (const auto& line : view.lines)
        log::warning(line);
    std::vector<TamperFinding> findings;
    if (view.status)
        findings = tamper_.look(*view.status, now);
    for (TamperFinding& finding : tamper_.rules_gone(view.rules_gone, view.rules_restored, now))
        findings.push_back(std::move(finding));
    for (TamperFinding& finding : findings)
        own_.raise(finding.kind, std::move(finding.facts));
    if (notify_.is_used())
        notify_.status(status_line());
}

void Health::minute() {
    marker_.touch();
    files_.look();
}

Health::Counts Health::counts() const {
    const PipelineCounters pipeline = pipeline_->counters();
    Counts counts;
    counts.events = pipeline.engine.events;
    counts.alerts = pipeline.alerts;
    counts.losses = pipeline.gaps;
    return counts;
}

std::string Health::status_line() const {
    const Counts now = counts();
    return fmt::format("{}, {}, {}{}", counted(now.events, "event"), counted(now.alerts, "alert"),
                       now.losses == 0 ? "nothing lost" : counted(now.losses, "loss event"),
                       tamper_.stands_down() ? ", stood down: audit rules of ours are gone" : "");
}

void Health::heartbeat() {
    const Counts now = counts();
    const auto up =
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - start_)
            .count();
    const Counts since{now.events - told_.events, now.alerts - told_.alerts,
                       now.losses - told_.losses};
    told_ = now;
    const TamperWatch::State tampered = tamper_.state();
    std::string state;
    for (const auto& [is_so, text] :
         {std::pair{tampered.audit_off, "; audit is off"},
          std::pair{tampered.feed_taken, "; the audit feed is taken away"},
          std::pair{tampered.stands_down, "; audit rules of ours are gone, stood down"},
          std::pair{own_.in_maintenance(), "; a maintenance is declared"}})
        state += is_so ? text : "";
    OwnAlertFacts facts;
    facts.message = fmt::format(
        "alive for {}; since the last heartbeat {} ({}/s), {}, {}{}", duration_text(up),
        counted(since.events, "event"), since.events / settings_.heartbeat.seconds,
        counted(since.alerts, "alert"),
        since.losses == 0 ? "nothing lost" : counted(since.losses, "loss event"), state);
    facts.more = {json_number("audisp_eql.heartbeat.uptime", static_cast<std::uint64_t>(up)),
                  json_number("audisp_eql.heartbeat.interval", settings_.heartbeat.seconds),
                  json_number("audisp_eql.heartbeat.events", since.events),
                  json_number("audisp_eql.heartbeat.alerts", since.alerts),
                  json_number("audisp_eql.heartbeat.losses", since.losses),
                  json_number("audisp_eql.heartbeat.events_total", now.events),
                  json_number("audisp_eql.heartbeat.alerts_total", now.alerts),
                  json_number("audisp_eql.heartbeat.losses_total", now.losses)};
    own_.raise(OwnAlert::heartbeat, std::move(facts));
}

void Health::end() {
    notify_.stopping();
    folding_.finish();
    own_.finish();
    // The other process was killed: the next start says so.
    if (!agent_.lost_privileged())
        marker_.end();
}

}  // namespace audisp_eql::collector
