// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/pipeline.hpp"

#include <algorithm>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "collector/agent/audit_lines.hpp"
#include "collector/agent/event_filter.hpp"
#include "collector/agent/gaps.hpp"
#include "collector/agent/memory_guard.hpp"
#include "collector/agent/record_losses.hpp"
#include "collector/agent/resync.hpp"
#include "collector/agent/stream_facts.hpp"
#include "collector/audit/assembler.hpp"
#include "collector/audit/record.hpp"
#include "detect/eql/predicate.hpp"
#include "detect/rule/rule_set.hpp"

namespace audisp_eql::collector {

namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;

// What the rules look at; all that is no secret where every event is told whole.
AskedContext asked_by(const std::shared_ptr<const detect::RuleSet>& rules,
                      const PipelineOptions& options) {
    using enum detect::FieldId;
    const bool all = !rules || options.on_event;
    const auto any = [&](std::initializer_list<detect::FieldId> fields) {
        return all || std::any_of(fields.begin(), fields.end(),
                                  [&](detect::FieldId field) { return rules->uses(field); });
    };
    AskedContext asked;
    asked.of_exec.stdio =
        any({process_stdio_type, process_stdio_stdin_type, process_stdio_stdout_type,
             process_stdio_stderr_type, process_stdio_peer_ip, process_stdio_peer_port,
             process_stdio_transport, process_stdio_source});
    asked.of_exec.container =
        any({container_id, container_runtime, kubernetes_pod_uid, process_entry_type});
    asked.of_exec.group = any({process_group_leader_args, process_group_leader_entity_id,
                               process_group_leader_executable, process_group_leader_name,
                               process_group_leader_pid, process_group_leader_same_as_process});
    asked.of_exec.view = asked.of_exec.stdio || asked.of_exec.container || asked.of_exec.group ||
                         any({process_view});
    asked.local_ends = any({source_ip, source_port, source_address, network_transport});
    asked.accepted_ends =
        asked.local_ends || any({destination_ip, destination_port, destination_address});
    asked.idle = any({process_parent_ext_idle_ms});
    asked.module_taint = any({process_ext_load_module_taint_flags});
    asked.capabilities = any({process_capabilities_effective, process_capabilities_permitted});
    if (rules && options.env_vars && rules->uses(process_env_vars))
        asked.of_exec.keep_variable =
            [rules, tests = rules->tests_on(process_env_vars)](std::string_view variable) {
                return std::any_of(tests.begin(), tests.end(), [&](const detect::ValueTest* test) {
                    return detect::matches(*test, detect::Value::text(variable));
                });
            };
    return asked;
}

}  // namespace

struct Pipeline::State final : AuditEventSink, EventSink, detect::MatchSink {
    std::shared_ptr<const detect::RuleSet> rules;
    PipelineOptions options;
    AlertHandler on_alert;
    PipelineCounters counters;

    HeadParser heads;
    Assembler assembler{*this};
    Normalizer normalizer;
    std::optional<detect::Engine> engine;

    std::int64_t stream_ns = 0;  // largest monotonic time seen
    FileClock file_clock;
    bool records_received = false;  // the last record had a receive time
    std::int64_t engine_ns = 0;     // what the engine was told
    ProcessPtr current_process;     // of the event that the engine looks at
    SeenFeeds feeds;
    OwnProcesses own;
    GapLog gaps;
    RecordLosses record_losses;
    MemoryGuard memory{options.memory_ceiling};
    std::optional<Resync> resync;  // live only
    std::optional<detect::Stories> stories;
    detect::SecretFree secret_free;  // for the fields of the rules at hand
    bool retelling = false;

    State(std::shared_ptr<const detect::RuleSet> set, PipelineOptions chosen, AlertHandler handler)
        : rules(std::move(set)),
          options(std::move(chosen)),
          on_alert(std::move(handler)),
          normalizer(*this, options.proc, options.tee) {
        normalizer.set_default_host_id(options.default_host_id);
        if (rules)
            engine.emplace(rules, options.limits);
        if (options.proc)
            resync.emplace(*options.proc, [this](const Message& message) { take(message); });
        make_what_rules_look_at();
        if (options.program_version.empty())
            options.program_version = AUDISP_EQL_VERSION;
        if (options.stories && on_alert)
            stories.emplace([this](const detect::Alert& story) { on_alert(story); });
    }

    void consume(const Message& message) {
        ++counters.messages;
        feeds.see(message.kind);
        switch (message.kind) {
            case MessageKind::audit_record:
            case MessageKind::audit_line:
                time_goes_on(message.mono_ns);
                on_audit(message);
                break;
            case MessageKind::proc_event:
            case MessageKind::process:
            case MessageKind::process_exec:
            case MessageKind::clock:
                time_goes_on(message.mono_ns);
                normalizer.on_message(message);
                look_for_losses();
                break;
            case MessageKind::loss:
                time_goes_on(message.mono_ns);
                ++counters.losses;
                gaps.add(gap_from_loss(message.bytes, stream_ns, normalizer.engine_ns()));
                if (const auto feed = find_field(message.bytes, "feed");
                    resync && (feed == gap_source::kProc || feed == gap_source::kRing))
                    resync->ask();
                break;
            case MessageKind::host:
                feeds.host_says(message.bytes);
                own.host_says(message.bytes);
                record_losses.host_says(message.bytes);
                normalizer.on_message(message);
                break;
            case MessageKind::user:
            case MessageKind::group:
                normalizer.on_message(message);
                break;
        }
        tell_engine_the_time();
    }

    // As from the feeds, and into the recording.
    void take(const Message& message) {
        consume(message);
        if (options.tee)
            options.tee->on_message(message);
    }

    // Everything that is due by this time happens now.
    void time_goes_on(std::int64_t mono_ns) {
        if (mono_ns <= stream_ns)
            return;
        stream_ns = mono_ns;
        if (records_received)
            assembler.advance(mono_ns);
        normalizer.advance(mono_ns);
    }

    void tell_engine_the_time() {
        if (!engine || normalizer.engine_ns() <= engine_ns)
            return;
        engine_ns = normalizer.engine_ns();
        current_process = nullptr;
        engine->advance(engine_ns, *this);
        if (stories)
            stories->advance(engine_ns);
    }

    void on_audit(const Message& message) {
        RawRecord record;
        if (message.kind == MessageKind::audit_record) {
            record.type = message.audit_type;
            record.bytes = message.bytes;
        } else if (const std::optional<RawRecord> line = parse_line(message.bytes)) {
            record = *line;
        } else {
            ++counters.unknown_types;
            return;
        }
        record.received_ns = message.mono_ns;
        if (const bool received = message.mono_ns != 0; received != records_received) {
            // One input behind another, on another clock.
            assembler.finish();
            records_received = received;
        }
        const std::optional<RecordHead> head = heads.parse(record.bytes);
        const std::int64_t now_ns = records_received ? stream_ns : file_time(head);
        record_losses.see(record, head, now_ns);
        assembler.add(record, head, now_ns);
        if (!records_received)
            look_for_losses();
    }

    void look_for_losses() {
        const std::int64_t now_ns = records_received ? stream_ns : file_clock.ns();
        if (record_losses.due(now_ns))
            look_at_losses(now_ns);
    }

    void look_at_losses(std::int64_t now_ns, bool at_end = false) {
        const ProcessTableCounters& processes = normalizer.processes().counters();
        StageLosses counted{assembler.counters(), counters.unknown_types, processes.evicted};
        if (engine)
            counted.dropped += engine->counters().pending_dropped;
        counted.dropped -= counters.shed;  // told by themselves
        record_losses.look(counted, now_ns, normalizer.engine_ns(), gaps, at_end);
    }

    std::int64_t file_time(const std::optional<RecordHead>& head) {
        if (head) {
            if (file_clock.see(head->key.time_ms * kNsPerMs))
                assembler.finish();
            assembler.advance(file_clock.ns());
        }
        return file_clock.ns();
    }

    // The least valuable first: what ended, then what began longest ago, then who was longest not
    // heard of. A quarter at a time, until there is air.
    std::size_t shed() {
        std::size_t gone = 0;
        while (memory.wants_less()) {
            const ProcessTableCounters& processes = normalizer.processes().counters();
            const std::size_t pending = engine ? engine->counters().pending : 0;
            std::size_t now = 0;
            if (processes.tombstones != 0)
                now = normalizer.shed_processes(processes.tombstones / 4 + 1000, 0);
            else if (pending != 0)
                now = engine->drop_oldest_pending(pending / 4 + 1000);
            else
                now = normalizer.shed_processes(0, processes.live / 4 + 100);
            if (now == 0)
                break;
            gone += now;
        }
        counters.shed += gone;
        return gone;
    }

    void stop() {
        // Before what is in flight is cut off: that is the input's end, and nothing was lost.
        look_at_losses(records_received ? stream_ns : file_clock.ns(), true);
        assembler.finish();
        normalizer.finish();
        tell_engine_the_time();
    }

    void finish() {
        stop();
        if (engine)
            engine->finish(*this);
        if (stories)
            stories->finish();
    }

    // Rules of others may have every open of the host audited, and calls of any kind.
    void make_what_rules_look_at() {
        const bool all = !rules || options.on_event;
        normalizer.set_files_wanted(all || rules->asks_for("file"));
        normalizer.set_filter(all ? EventFilter{} : event_filter(rules));
        normalizer.ask_for(asked_by(rules, options));
    }

    std::uint64_t replace_rules(std::shared_ptr<const detect::RuleSet> set) {
        rules = std::move(set);
        secret_free = {};
        make_what_rules_look_at();
        if (!engine) {
            engine.emplace(rules);
            return 0;
        }
        const std::uint64_t before = engine->counters().pending;
        engine->replace_rules(rules);
        return before - engine->counters().pending;
    }

    const std::string own_file_ending = "key=\"" + std::string(kOwnFilesKey) + '"';

    // AuditEventSink
    void on_audit_event(const AuditEvent& event) override {
        // It is the first record of its event.
        if (options.on_config_change && !retelling && !event.records().empty() &&
            event.records().front().type == audit_type::kConfigChange)
            options.on_config_change(event);
        // The key is the last of a SYSCALL record.
        if (options.on_own_file && !retelling &&
            event.body_of(audit_type::kSyscall).ends_with(own_file_ending))
            options.on_own_file(event);
        normalizer.on_audit_event(event);
    }

    // EventSink
    void on_event(const detect::EventPtr& event, const ProcessPtr& process) override {
        if (options.on_event)
            options.on_event(*event);
        if (!engine)
            return;
        if (own.has(process->pid)) {
            ++counters.own_events;
            return;
        }
        current_process = process;
        engine->on_event(event, *this);
        current_process = nullptr;
        if (stories)
            stories->on_event(event);
    }
    // A story tells of what its processes do, whatever rules look at.
    bool wants(const detect::Event& sketch) override {
        return options.on_event || !engine || (stories && stories->open() != 0) ||
               engine->may_concern(sketch);
    }
    void on_epoch() override {
        ++counters.epochs;
        stream_ns = 0;  // the next message's time is the new one
        record_losses.reset();
        if (engine)
            engine->drop_pending();
    }

    // MatchSink
    void on_matches(const detect::Rule& rule, std::span<const detect::Match> matches) override {
        if (options.on_matches)
            options.on_matches(rule, matches);
        if (!on_alert || retelling)
            return;
        if (rule.building_block) {
            counters.quiet_matches += matches.size();
            return;
        }
        const std::vector<detect::EventPtr>& events = matches.front().events;
        std::vector<detect::Ancestor> ancestry;
        if (const ProcessPtr process = process_of(events))
            ancestry = ancestors_of(*process);
        detect::AlertContext context;
        context.program_version = options.program_version;
        context.ruleset_digest =
            options.ruleset_digest.empty() ? rules->digest() : options.ruleset_digest;
        context.feeds = feeds.names();
        context.ancestry = ancestry;
        context.fields = &rules->fields();
        context.mask_secrets = options.mask_secrets;
        context.secret_free = &secret_free;
        const Gap gap = gap_of(events);
        tell_gap(gap, events, context.gap);
        ++counters.alerts;
        const detect::Alert alert = detect::make_alert(rule, matches, context);
        if (options.single_alerts)
            on_alert(alert);
        if (stories)
            stories->on_alert(rule, matches, alert, context);
    }

    Gap gap_of(const std::vector<detect::EventPtr>& events) {
        if (gaps.size() == 0)
            return {};
        std::int64_t first_ns = INT64_MAX, last_ns = INT64_MIN;
        for (const detect::EventPtr& event : events) {
            if (!event)
                continue;
            first_ns = std::min(first_ns, event->time().engine_ns);
            last_ns = std::max(last_ns, event->time().engine_ns);
        }
        return first_ns > last_ns ? Gap{} : gaps.touching(first_ns, last_ns);
    }

    // `told` has views on `gap`.
    static void tell_gap(const Gap& gap, const std::vector<detect::EventPtr>& events,
                         detect::AlertContext::Gap& told) {
        if (gap.source.empty())
            return;
        const auto event = std::find_if(events.begin(), events.end(),
                                        [](const detect::EventPtr& one) { return one != nullptr; });
        const detect::EventTime& time = (*event)->time();
        const auto wall_us = [&](std::int64_t ns) {
            return time.wall_us + (ns - time.engine_ns) / 1000;
        };
        told = {gap.source, gap.count, gap.at_least, wall_us(gap.start_ns), wall_us(gap.end_ns)};
    }

    // Of the last event. A match that time completed ends with an older one, whose process may be
    // gone: then there is none.
    ProcessPtr process_of(const std::vector<detect::EventPtr>& events) const {
        if (current_process)
            return current_process;
        const auto last =
            std::find_if(events.rbegin(), events.rend(),
                         [](const detect::EventPtr& event) { return event != nullptr; });
        if (last == events.rend())
            return nullptr;
        const detect::Values pid = (*last)->values(detect::FieldId::process_pid);
        if (pid.empty())
            return nullptr;
        const ProcessPtr process =
            normalizer.processes().find(static_cast<std::int32_t>(pid[0].as_integer()));
        const bool same = process && process->entity_id.view() ==
                                         (*last)->text(detect::FieldId::process_entity_id);
        return same ? process : nullptr;
    }
};

Pipeline::Pipeline(std::shared_ptr<const detect::RuleSet> rules, PipelineOptions options,
                   AlertHandler on_alert)
    : state_(std::make_unique<State>(std::move(rules), std::move(options), std::move(on_alert))) {}

Pipeline::~Pipeline() = default;

void Pipeline::on_message(const Message& message) {
    State& state = *state_;
    state.take(message);
    if (state.resync && message.kind == MessageKind::clock)
        state.resync->step(state.normalizer.processes(), state.stream_ns);
    if (!state.memory.is_short(message.bytes.size()))
        return;
    const std::size_t gone = state.shed();
    if (gone == 0)
        return;
    // How much memory there is no replay knows: it is told, as every loss.
    const std::string text = loss_text(gap_source::kMemory, gone, false, 0);
    Message loss{};
    loss.kind = MessageKind::loss;
    loss.mono_ns = state.stream_ns;
    loss.bytes = text;
    state.take(loss);
}

void Pipeline::retell(const Message& message) {
    State& state = *state_;
    state.retelling = true;
    state.normalizer.ask(nullptr);
    state.consume(message);
    state.normalizer.ask(state.options.proc);
    state.retelling = false;
}

std::uint64_t Pipeline::replace_rules(std::shared_ptr<const detect::RuleSet> rules) {
    return state_->replace_rules(std::move(rules));
}

void Pipeline::finish() {
    state_->finish();
}

void Pipeline::stop() {
    state_->stop();
    if (state_->stories)
        state_->stories->finish();
}

std::vector<Gap> Pipeline::take_new_gaps() {
    return state_->gaps.take_news();
}

std::uint64_t Pipeline::first_serial() const {
    return state_->record_losses.first_serial();
}

std::uint64_t Pipeline::last_serial() const {
    return state_->record_losses.last_serial();
}

const detect::Engine* Pipeline::engine() const {
    return state_->engine ? &*state_->engine : nullptr;
}

void Pipeline::sample_times(std::int64_t (*clock)()) {
    if (state_->engine)
        state_->engine->sample_times(clock);
}

PipelineCounters Pipeline::counters() const {
    PipelineCounters counters = state_->counters;
    counters.assembler = state_->assembler.counters();
    counters.gaps = state_->gaps.added();
    if (state_->resync) {
        counters.resyncs = state_->resync->finished();
        counters.resync_made = state_->resync->made();
        counters.resync_ended = state_->resync->ended();
    }
    counters.normalizer = state_->normalizer.counters();
    counters.processes = state_->normalizer.processes().counters();
    counters.stream_ns = state_->stream_ns;
    if (state_->engine)
        counters.engine = state_->engine->counters();
    if (state_->stories)
        counters.stories = state_->stories->counters();
    return counters;
}

}  // namespace audisp_eql::collector
