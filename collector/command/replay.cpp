// SPDX-License-Identifier: Apache-2.0
// audisp-eql replay: the rules over audit logs and captures, as one log.
#include <chrono>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <fmt/core.h>

#include "collector/agent/alert_line.hpp"
#include "collector/agent/log.hpp"
#include "collector/agent/pipeline.hpp"
#include "collector/agent/rule_loader.hpp"
#include "collector/command/alert_summary.hpp"
#include "collector/command/command.hpp"
#include "collector/command/input_files.hpp"
#include "collector/command/result_lines.hpp"
#include "collector/feed/capture.hpp"
#include "detect/event/json_writer.hpp"

namespace audisp_eql::collector {
namespace {

class Replay {
  public:
    Replay(const Settings& settings, std::shared_ptr<const detect::RuleSet> rules)
        : settings_(settings),
          rules_(std::move(rules)),
          pipeline_(rules_, pipeline_options(),
                    [this](const detect::Alert& alert) { on_alert(alert); }),
          reader_(pipeline_) {}

    // False if one could not be read to its end.
    bool files(const std::vector<std::string>& paths) {
        LineReader reader;
        reader.on_line = [this](const InputLine& line) { reader_.line(line.text); };
        return read_files(paths, reader, status_);
    }

    void finish() {
        pipeline_.finish();
        if (settings_.replay_output == ReplayOutput::summary && !settings_.events)
            summary_.append_to(output_.buffer());
        output_.flush();
        status_.erase();
    }

    std::uint64_t alerts() const { return pipeline_.counters().alerts; }
    void tell_statistics(std::chrono::nanoseconds took) const {
        const PipelineCounters counters = pipeline_.counters();
        collector::tell_statistics(counters, reader_.counters(), took,
                                   fmt::format("alerts: {}", counters.alerts));
    }

  private:
    PipelineOptions pipeline_options() {
        PipelineOptions options;
        options.single_alerts = settings_.single_alerts;
        options.stories = settings_.stories;
        options.mask_secrets = settings_.mask_secrets;
        if (!settings_.host_id.empty())
            options.default_host_id = settings_.host_id;
        if (settings_.events) {
            options.on_event = [this](const detect::Event& event) {
                detect::append_event_json(output_.buffer(), event,
                                          rules_ ? &rules_->fields() : nullptr);
                output_.end_line();
            };
        }
        return options;
    }

    void on_alert(const detect::Alert& alert) {
        if (settings_.events)
            return;
        switch (settings_.replay_output) {
            case ReplayOutput::ndjson:
                output_.buffer() += alert.json;
                output_.end_line();
                break;
            case ReplayOutput::text:
                output_.buffer() += alert_line(alert);
                output_.end_line();
                break;
            case ReplayOutput::summary:
                summary_.add(alert);
                break;
        }
    }

    const Settings& settings_;
    std::shared_ptr<const detect::RuleSet> rules_;
    StatusLine status_;
    ResultLines output_{status_};
    AlertSummary summary_;
    Pipeline pipeline_;
    CaptureReader reader_;
};

// What is wrong with rules that can't run; the others are what check is for.
void tell_broken(const LoadedRules& rules) {
    for (const PathTrouble& trouble : rules.files.troubles)
        log::error(trouble.path + ": cannot be read: " + trouble.message);
    for (std::size_t i = 0; i < rules.reports.size(); ++i) {
        const detect::RuleReport& report = rules.reports[i];
        if (report.status != detect::RuleReport::Status::error)
            continue;
        for (const detect::Diagnostic& diagnostic : report.diagnostics)
            std::cerr << detect::render(diagnostic, report.file, rules.files.sources[i].text);
    }
    print_exception_diagnostics(rules, std::cerr);
    for (const std::string& note : notes(rules))
        log::info(note);
}

}  // namespace

int replay_command(const Settings& settings) {
    if (settings.arguments.empty()) {
        log::error("replay takes the files to read; '-' is standard input");
        return kExitUserMistake;
    }
    LoadedRules rules;
    if (!settings.events || settings.exit_code) {
        rules = load_rule_set(settings.rules, settings.deprecated, settings.exceptions);
        tell_broken(rules);
    }
    bool mistaken = rules.broken();
    const auto begin = std::chrono::steady_clock::now();
    auto owned = std::make_unique<Replay>(settings, rules.set);
    mistaken = !owned->files(settings.arguments) || mistaken;
    owned->finish();
    owned->tell_statistics(std::chrono::steady_clock::now() - begin);
    // A log of which nobody saw processes end leaves them all in the table. To free them one by one
    // took a twelfth of the whole run; the end of this process frees them at once.
    static const Replay* const replay = owned.release();
    if (mistaken)
        return kExitUserMistake;
    return settings.exit_code && replay->alerts() != 0 ? kExitMatched : kExitFine;
}

}  // namespace audisp_eql::collector
