// SPDX-License-Identifier: Apache-2.0
// audisp-eql run: live detection, as auditd's plugin or as a program of its own.
#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include <fmt/core.h>

#include "collector/agent/agent.hpp"
#include "collector/agent/capture_file.hpp"
#include "collector/agent/gap_teller.hpp"
#include "collector/agent/handover.hpp"
#include "collector/agent/health.hpp"
#include "collector/agent/log.hpp"
#include "collector/agent/outputs.hpp"
#include "collector/agent/pipeline.hpp"
#include "collector/agent/refusal.hpp"
#include "collector/agent/rule_loader.hpp"
#include "collector/agent/rule_reloader.hpp"
#include "collector/agent/serial_file.hpp"
#include "collector/agent/successor.hpp"
#include "collector/agent/turns.hpp"
#include "collector/command/command.hpp"
#include "collector/feed/clock.hpp"
#include "collector/host/technique.hpp"
#include "collector/privilege/divide.hpp"
#include "collector/privilege/trusted.hpp"

namespace audisp_eql::collector {
namespace {

// A broken rule must not cost the sound ones; but somebody thinks that it watches.
std::shared_ptr<const detect::RuleSet> load_rules_aloud(const Settings& settings, RuleInput input,
                                                        std::size_t& broken) {
    const LoadedRules rules = load_rule_set(std::move(input), settings.deprecated);
    for (const auto& line : error_lines(rules))
        log::warning(line);
    broken = static_cast<std::size_t>(std::count_if(
        rules.reports.begin(), rules.reports.end(), [](const detect::RuleReport& report) {
            return report.status == detect::RuleReport::Status::error;
        }));
    for (const auto& line : exception_lines(rules))
        log::warning(line);
    log::info("rules: " + summary(rules));
    for (const auto& note : notes(rules))
        log::info(note);
    if (rules.set == nullptr || rules.set->rules().empty())
        log::warning("no rule is loaded: nothing is detected; 'audisp-eql check' says why");
    else if (!settings.env_vars && rules.set->uses(detect::FieldId::process_env_vars))
        log::warning("some rules test process.env_vars, which stays empty: env-vars = on fills it");
    return rules.set;
}

void say_what_was_missed(SerialFile& serials, Pipeline& pipeline) {
    const auto loss = serials.loss_before(pipeline.first_serial());
    if (!loss)
        return;
    Message message{};
    message.kind = MessageKind::loss;
    message.mono_ns = monotonic_ns();
    message.bytes = *loss;
    pipeline.on_message(message);
}

void tell_resync(const PipelineCounters& counters, std::uint64_t& told) {
    if (counters.resyncs == told)
        return;
    told = counters.resyncs;
    log::warning(fmt::format(
        "the process table was read anew from /proc after a loss: since the start {} processes "
        "whose fork was not seen were added, {} that had ended unseen were ended",
        counters.resync_made, counters.resync_ended));
}

void log_statistics(const Pipeline& pipeline, const Outputs& outputs, const Agent& agent,
                    std::chrono::steady_clock::time_point start) {
    const PipelineCounters counters = pipeline.counters();
    const auto seconds =
        std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - start);
    log::info(fmt::format("stopped after {} s: {}, {} events, {} alerts{}", seconds.count(),
                          agent.statistics(), counters.engine.events, counters.alerts,
                          outputs.statistics()));
    if (const auto text = suppression_text(counters.engine.suppressed); !text.empty())
        log::info(text);
}

// Of an upgrade: what the version before this one worked off last.
class Retelling final : public MessageSink {
  public:
    Retelling(Pipeline& pipeline, RecentMessages& recent) : pipeline_(pipeline), recent_(recent) {}
    void on_message(const Message& message) override {
        pipeline_.retell(message);
        recent_.keep(message);
    }

  private:
    Pipeline& pipeline_;
    RecentMessages& recent_;
};

void go_on_from(const Handover& handover, Pipeline& pipeline, RecentMessages& recent) {
    Retelling retelling(pipeline, recent);
    const std::size_t count = handover.tell(retelling);
    pipeline.take_new_gaps();  // they were told then
    log::info(
        fmt::format("{} messages of the version before this one were worked off again; "
                    "sequences that began in its last {} s go on",
                    count, (monotonic_ns() - handover.mono_ns()) / 1'000'000'000));
}

void leave_to_successor(RecentMessages& recent, const std::string& directory) {
    try {
        recent.leave(directory, boot_id_of_host(), monotonic_ns());
    } catch (const std::system_error& problem) {
        log::warning(fmt::format(
            "sequences that have begun cannot be handed over, and begin anew: {}", problem.what()));
    }
}

int watch_host(const Settings& settings) {
    if (!settings.arguments.empty()) {
        log::error(fmt::format("unexpected argument '{}'; the command word comes first",
                               settings.arguments.front()));
        return kExitUserMistake;
    }
    const auto start = std::chrono::steady_clock::now();
    if (const auto untrusted = untrusted_files(settings); !untrusted.empty()) {
        for (const auto& line : untrusted)
            log::error(line);
        return kExitUserMistake;
    }
    ask_for_short_turns();
    std::unique_ptr<CaptureFile> capture;
    if (!settings.capture.empty())
        capture = std::make_unique<CaptureFile>(settings.capture);
    Division division =
        divide(settings, capture ? std::vector<int>{capture->descriptor()} : std::vector<int>{});
    if (division.exit_code)
        return *division.exit_code;
    Access& access = division.access;
    std::size_t broken = 0;
    const auto rules = load_rules_aloud(settings, access.read_rules(), broken);
    std::optional<Agent> opened;
    try {
        opened.emplace(settings, rules, access);
    } catch (const std::runtime_error& problem) {
        if (!settings.require.empty())
            tell_refusal(settings, access, problem.what());
        throw;
    }
    Agent& agent = *opened;
    Outputs outputs(agent.io(), settings, access);
    Health health(agent, settings, outputs, access, kNoncePrefix);
    health.rules_are_broken(broken);
    PipelineOptions options;
    options.proc = access.proc.get();
    std::unique_ptr<RecentMessages> recent;
    if (agent.got().audit_feed == name_of(AuditFeed::plugin) && settings.state_dir != "off")
        recent = std::make_unique<RecentMessages>(capture.get());
    options.tee = recent ? static_cast<MessageSink*>(recent.get()) : capture.get();
    options.env_vars = settings.env_vars;
    options.memory_ceiling = settings.memory_mib.value << 20;
    options.single_alerts = settings.single_alerts;
    options.stories = settings.stories;
    options.mask_secrets = settings.mask_secrets;
    options.on_config_change = [&](const AuditEvent& event) { health.on_config_change(event); };
    options.on_own_file = [&](const AuditEvent& event) { health.on_own_file(event); };
    Pipeline pipeline(rules, std::move(options),
                      [&](const detect::Alert& alert) { health.on_alert(alert); });
    pipeline.sample_times(monotonic_ns);
    RuleReloader reloader(agent.io(), settings, access.read_rules, rules, [&](auto fresh) {
        agent.watch_for(*fresh);
        health.rules_were_read();
        health.rules_are_broken(0);  // such a set is not taken
        return pipeline.replace_rules(std::move(fresh));
    });
    GapTeller gaps;
    health.begin(pipeline, reloader);
    std::uint64_t resyncs = 0;
    SerialFile serials(settings.state_dir, boot_id_of_host());
    agent.every(std::chrono::seconds(1), [&] {
        say_what_was_missed(serials, pipeline);
        serials.keep(pipeline.last_serial(), monotonic_ns(), false);
        for (const GapNews& news : gaps.tell(pipeline.take_new_gaps()))
            raise_gap(health.own(), news);
        tell_resync(pipeline.counters(), resyncs);
        outputs.look_after();
    });
    agent.on_hangup([&] {
        outputs.reopen();
        health.reloading();
        log::info("SIGHUP: the JSON file is opened anew, the rules are read anew");
        reloader.reload();
    });
    std::optional<Handover> handover;
    if (recent)
        handover.emplace(settings.state_dir, boot_id_of_host(), monotonic_ns());
    if (handover && !handover->empty())
        agent.begin_with(handover->mono_ns(), handover->real_ns(),
                         [&] { go_on_from(*handover, pipeline, *recent); });
    agent.run(pipeline);
    pipeline.stop();
    if (agent.makes_way() && recent)
        leave_to_successor(*recent, settings.state_dir);
    serials.keep(pipeline.last_serial(), monotonic_ns(), true);
    for (const GapNews& news : gaps.tell_rest(pipeline.take_new_gaps()))
        raise_gap(health.own(), news);
    health.end();
    outputs.flush();
    if (capture != nullptr) {
        capture->flush();
        if (capture->error() != 0)
            log::warning(fmt::format("the capture {} is incomplete: {}", capture->path(),
                                     std::generic_category().message(capture->error())));
    }
    log_statistics(pipeline, outputs, agent, start);
    return agent.lost_privileged() ? kExitCannotRun : kExitFine;
}

}  // namespace

int run_command(const Settings& settings) {
    const int code = watch_host(settings);
    // All that had to end has ended with that.
    if (successor_asked())
        become_successor();
    return code;
}

}  // namespace audisp_eql::collector
