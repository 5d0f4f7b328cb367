// SPDX-License-Identifier: Apache-2.0
// The figures of the status report.
#include <array>
#include <fstream>
#include <unistd.h>

#include "collector/agent/health.hpp"
#include "collector/feed/clock.hpp"
#include "detect/rule/rule_set.hpp"

namespace audisp_eql::collector {
namespace {

// Pages in memory, of the second number in /proc/self/statm.
double resident_bytes() {
    std::ifstream file("/proc/self/statm");
    double all = 0, resident = 0;
    file >> all >> resident;
    return resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

void add_feeds(StatusReport& report, const FeedReport& got, const ReaderCounters& reader) {
    report.section("feeds");
    report.text("names", got.names, "Feeds that are read");
    report.text("audit", got.audit_feed, "How audit records come in");
    std::string notes;
    for (const std::string& line : got.lines)
        notes += (notes.empty() ? "" : " | ") + line;
    report.text("notes", notes, "What was got and what it costs");
    const auto counter = [&](const char* name, const ReaderCounters::Counter& value,
                             const char* help) { report.counter(name, value, help); };
    counter("audit_records", reader.audit_records, "Audit records read");
    counter("audit_bytes", reader.audit_bytes, "Bytes of them");
    counter("audit_batches", reader.audit_batches, "Reads that brought some");
    counter("audit_overruns", reader.audit_overruns, "Times the audit socket overran");
    counter("audit_cut", reader.audit_cut, "Records too long to be one");
    counter("audit_foreign", reader.audit_foreign, "Messages of other programs, left out");
    counter("audit_errors", reader.audit_errors, "Failed reads");
    counter("audit_pauses", reader.audit_pauses, "Times the ring was too full to read audit");
    counter("audit_dropped", reader.audit_dropped, "Lines of auditd that found no room");
    counter("proc_events", reader.proc_events, "Messages of the proc connector");
    counter("proc_overruns", reader.proc_overruns, "Times its socket overran");
    counter("proc_malformed", reader.proc_malformed, "Messages that are none");
    counter("proc_errors", reader.proc_errors, "Failed reads");
    counter("proc_pauses", reader.proc_pauses, "Times the ring was too full for it");
    counter("refused", reader.refused, "Messages lost because the ring was full");
    report.section("kernel");
    counter("looks", reader.kernel_looks, "Times the kernel was asked of its audit");
    counter("lost", reader.kernel_lost, "Records that the kernel says it lost");
    report.gauge("enabled", static_cast<double>(reader.kernel_enabled), "1: on, 2: locked");
    report.gauge("feed_pid", static_cast<double>(reader.kernel_pid), "Who holds the audit feed");
    report.gauge("backlog", static_cast<double>(reader.kernel_backlog), "Records that wait");
    report.gauge("backlog_limit", static_cast<double>(reader.kernel_backlog_limit),
                 "How many may wait");
}

void add_stages(StatusReport& report, const PipelineCounters& counted) {
    report.section("stages");
    report.counter("messages", counted.messages, "Messages worked off");
    report.counter("unknown_types", counted.unknown_types, "Audit lines of unknown types");
    report.counter("own_events", counted.own_events, "Events of the agent, kept from the rules");
    const AssemblerCounters& assembler = counted.assembler;
    report.counter("records", assembler.records, "Records put together");
    report.counter("audit_events", assembler.events, "Audit events made of them");
    report.counter("unparsed", assembler.unparsed, "Records without a number");
    report.counter("incomplete", assembler.incomplete, "Events whose end was never seen");
    report.counter("without_syscall", assembler.without_syscall, "Events without their head");
    report.counter("evicted", assembler.evicted, "Events let go because too many were in flight");
    const NormalizerCounters& made = counted.normalizer;
    report.counter("exec", made.exec, "Events of programs that started");
    report.counter("fork", made.fork, "Forks");
    report.counter("end", made.end, "Ends of processes");
    report.counter("connect", made.connect, "Connections attempted");
    report.counter("accept", made.accept, "Connections accepted");
    report.counter("file", made.file, "Events of files");
    report.counter("other", made.other, "Other events");
    report.counter("ignored", made.ignored, "Audit events that nothing is made of");
    report.counter("undecoded", made.undecoded, "Events that could not be read");
    report.counter("let_go_early", made.let_go_early, "Held events let go by a bound");
    report.section("processes");
    report.gauge("live", static_cast<double>(counted.processes.live), "In the table");
    report.gauge("tombstones", static_cast<double>(counted.processes.tombstones), "That ended");
    report.counter("inferred", counted.processes.inferred, "First seen by a record");
    report.counter("evicted", counted.processes.evicted, "Let go by a bound");
    report.section("engine");
    const detect::EngineCounters& engine = counted.engine;
    report.counter("events", engine.events, "Events that the rules saw");
    report.counter("matches", engine.matches, "Matches");
    report.counter("quiet_matches", counted.quiet_matches, "Of building-block rules");
    report.gauge("pending", static_cast<double>(engine.pending), "Pending matches");
    report.counter("pending_expired", engine.pending_expired, "That maxspan ended");
    report.counter("pending_dropped", engine.pending_dropped, "That a bound ended");
    report.counter("choices_cut", engine.choices_cut, "Tests of several long lists given up");
    report.counter("keys_cut", engine.keys_cut, "Events with more join keys than are followed");
    report.counter("lineage_dropped", engine.lineage_dropped, "Processes that a rule forgot");
    report.section("exceptions");
    for (const detect::SuppressedEvents& suppressed : engine.suppressed) {
        report.of({{"exception", suppressed.exception}});
        report.counter("suppressed", suppressed.count, "Events kept from rules");
    }
}

void add_outputs(StatusReport& report, const Outputs& outputs) {
    report.section("spool");
    const SpoolCounters spool = outputs.spool().counters();
    report.counter("raised", spool.raised, "Alerts put in");
    report.counter("not_written", spool.not_written, "Kept in memory instead of on disk");
    report.counter("dropped", spool.dropped, "Lost by the spool's bounds");
    report.gauge("bytes", static_cast<double>(spool.bytes), "On disk");
    report.gauge("kept", static_cast<double>(spool.kept), "Alerts that are kept");
    report.text("trouble", spool.trouble, "Why alerts are not written; empty: they are");
    report.section("outputs");
    for (const auto& output : outputs.all()) {
        const OutputCounters counters = output->counters();
        report.of({{"output", output->name()}});
        report.counter("delivered", counters.delivered, "Alerts delivered");
        report.counter("resent", counters.resent, "Of them once more");
        report.counter("retries", counters.retries, "Attempts that failed");
        report.counter("dropped", counters.dropped, "Alerts that this output never gets");
        report.gauge("queued", static_cast<double>(counters.queued), "Alerts that wait");
        report.text("trouble", counters.trouble, "Why alerts do not leave; empty: they do");
    }
}

void add_rules(StatusReport& report, const detect::Engine& engine) {
    report.section("rule");
    const auto& rules = engine.rules().rules();
    for (std::size_t i = 0; i < rules.size(); ++i) {
        const detect::RuleCounters counters = engine.counters_of(i);
        report.of({{"rule_id", rules[i].rule.id}, {"rule_name", rules[i].rule.name}});
        report.counter("matches", counters.matches, "Matches of the rule");
        report.counter("alerts", counters.alerts, "Alerts that they made");
        report.counter("evaluations_sampled", counters.sampled,
                       "Evaluations that were timed, of one event in 64");
        report.counter("evaluation_ns_sampled", counters.sampled_ns, "Nanoseconds that those took");
        double pending = 0;
        for (const std::uint32_t count : counters.at_stage)
            pending += count;
        report.gauge("pending", pending, "Pending matches");
    }
    report.section("rule_stage");
    for (std::size_t i = 0; i < rules.size(); ++i) {
        const detect::RuleCounters counters = engine.counters_of(i);
        for (std::size_t stage = 0; stage < counters.at_stage.size(); ++stage) {
            if (counters.at_stage[stage] == 0)
                continue;
            report.of({{"rule_id", rules[i].rule.id}, {"stage", std::to_string(stage)}});
            report.gauge("pending", counters.at_stage[stage],
                         "Pending matches that wait for the stage");
        }
    }
}

}  // namespace

StatusReport Health::status() const {
    const PipelineCounters counted = pipeline_->counters();
    const ReaderCounters& reader = agent_.reader_counters();
    StatusReport report;
    report.section("agent");
    report.text("version", AUDISP_EQL_VERSION, "Of the program");
    report.gauge("pid", ::getpid(), "Of the process that detects");
    report.gauge("uptime_seconds", static_cast<double>(uptime().count()), "Since the start");
    report.gauge("memory_bytes", resident_bytes(), "Resident, of the process that detects");
    report.gauge("memory_ceiling_bytes", static_cast<double>(settings_.memory_mib.value << 20),
                 "The most it may take (memory-mib)");
    report.counter("memory_shed", counted.shed,
                   "Pending matches and processes let go to stay below it");
    const std::int64_t behind = monotonic_ns() - counted.stream_ns;
    report.gauge("lag_seconds", counted.stream_ns == 0 ? 0 : static_cast<double>(behind) / 1e9,
                 "How far what is worked off is behind; 0.25 on an idle host");
    const std::array<double, 4> rates = rates_.a_second();
    report.gauge("audit_records_per_second", rates[0], "Of the last minute");
    report.gauge("proc_events_per_second", rates[1], "Of the last minute");
    report.gauge("events_per_second", rates[2], "Of the last minute");
    report.gauge("alerts_per_second", rates[3], "Of the last minute");
    add_feeds(report, agent_.got(), reader);
    report.section("ring");
    report.gauge("used_bytes", static_cast<double>(agent_.feeds().ring().used_bytes()), "Now");
    report.gauge("peak_bytes", static_cast<double>(reader.ring_peak), "Most, since the start");
    report.gauge("capacity_bytes", static_cast<double>(agent_.feeds().ring().capacity()), "Room");
    report.counter("damaged", agent_.feeds().ring().damaged(), "Times that no message lay there");
    add_stages(report, counted);
    report.section("gaps");
    report.counter("gaps", counted.gaps, "Times that evidence was lost");
    report.counter("told_by_feeds", counted.losses, "Of them, that the feeds noticed");
    report.counter("clock_breaks", counted.epochs, "Times that the clock was set");
    add_alerts(report, counted);
    add_outputs(report, outputs_);
    report.section("rules");
    if (const detect::Engine* const engine = pipeline_->engine()) {
        report.gauge("loaded", static_cast<double>(engine->rules().rules().size()), "In force");
        report.gauge("broken", static_cast<double>(broken_rules_), "Files left out for errors");
        report.gauge("blind", static_cast<double>(agent_.blind_rules()),
                     "For want of a feed or an audit rule");
        report.gauge("noisy", static_cast<double>(folding_.counters().noisy), "Only counted now");
        report.text("digest", engine->rules().digest(), "Of the rule set");
        add_rules(report, *engine);
    }
    return report;
}

void Health::add_alerts(StatusReport& report, const PipelineCounters& counted) const {
    report.section("alerts");
    const FoldingCounters folding = folding_.counters();
    report.counter("raised", counted.alerts, "By rules");
    report.counter("sent", folding.passed, "Of them, at once");
    report.counter("folded", folding.folded, "Told by a closing alert");
    report.counter("closing", folding.closing, "Closing alerts");
    report.counter("counted", folding.counted, "Of noisy rules");
    report.counter("windows_ended_early", folding.early, "Because too many were open");
    report.gauge("windows", static_cast<double>(folding.open), "Open now");
    report.section("own_alerts");
    const OwnAlertCounters& own = own_.counters();
    report.counter("raised", own.raised, "Of the agent itself");
    report.counter("held_back", own.held_back, "Told by a count");
    report.counter("muted", own.muted, "Counted by a maintenance");
    report.section("tampering");
    const TamperWatch::State state = tamper_.state();
    report.gauge("audit_off", state.audit_off, "1: audit is switched off");
    report.gauge("feed_taken", state.feed_taken, "1: somebody else holds the audit feed");
    report.gauge("stood_down", state.stands_down, "1: audit rules of ours are gone");
    report.gauge("maintenance_until", static_cast<double>(own_.maintenance_until()),
                 "Unix time; 0: none is declared");
    report.section("status_socket");
    report.counter("answered", socket_.counters().answered, "Questions answered");
    report.counter("refused", socket_.counters().refused, "Clients turned away");
    report.counter("timed_out", socket_.counters().timed_out, "Clients that were too slow");
}

}  // namespace audisp_eql::collector
