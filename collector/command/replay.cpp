// SPDX-License-Identifier: Apache-2.0
// audisp-eql replay: the rules over audit logs and captures, as one log.
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <exception>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <fmt/core.h>
#include <system_error>

#include "collector/agent/alert_line.hpp"
#include "collector/agent/log.hpp"
#include "collector/agent/pipeline.hpp"
#include "collector/agent/rule_loader.hpp"
#include "collector/command/alert_summary.hpp"
#include "collector/command/command.hpp"
#include "collector/feed/capture.hpp"
#include "collector/feed/log_file.hpp"
#include "detect/event/json_writer.hpp"

namespace audisp_eql::collector {
namespace {

// Lines to standard output, in large pieces. What cannot be written ends the program.
class LineOutput {
  public:
    ~LineOutput() { std::fwrite(buffer_.data(), 1, buffer_.size(), stdout); }
    std::string& buffer() { return buffer_; }
    void end_line() {
        buffer_ += '\n';
        if (buffer_.size() >= kFlushBytes)
            flush();
    }
    void flush() {
        const bool good = std::fwrite(buffer_.data(), 1, buffer_.size(), stdout) == buffer_.size();
        buffer_.clear();
        if (!good || std::fflush(stdout) != 0)
            throw std::system_error(errno, std::generic_category(),
                                    "cannot write to standard output");
    }

  private:
    static constexpr std::size_t kFlushBytes = 64 * 1024;
    std::string buffer_;
};

class Replay {
  public:
    Replay(const Settings& settings, std::shared_ptr<const detect::RuleSet> rules)
        : settings_(settings),
          rules_(std::move(rules)),
          pipeline_(rules_, pipeline_options(),
                    [this](const detect::Alert& alert) { on_alert(alert); }),
          reader_(pipeline_) {}

    // False if the file could not be read (to its end).
    bool file(const std::string& path) {
        try {
            read_lines(path, [this](std::string_view line) { reader_.line(line); });
            return true;
        } catch (const std::runtime_error& problem) {
            log::error(problem.what());
            return false;
        }
    }

    void finish() {
        pipeline_.finish();
        if (settings_.replay_output == ReplayOutput::summary && !settings_.events)
            summary_.append_to(output_.buffer());
        output_.flush();
    }

    std::uint64_t alerts() const { return pipeline_.counters().alerts; }
    void tell_statistics(std::chrono::nanoseconds took) const;

  private:
    PipelineOptions pipeline_options() {
        PipelineOptions options;
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
    LineOutput output_;
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
}

// "3 records cannot be read, 1 event has no end"; empty if all is well.
std::string troubles(const PipelineCounters& counters, const CaptureCounters& lines) {
    const std::pair<std::uint64_t, const char*> list[] = {
        {lines.unknown_lines, "lines are neither records nor capture lines"},
        {lines.long_lines, "lines are too long"},
        {counters.unknown_types, "records are of an unknown type"},
        {counters.assembler.unparsed, "records cannot be read"},
        {counters.assembler.incomplete, "events have no end"},
        {counters.assembler.without_syscall, "events have no SYSCALL record"},
        {counters.assembler.orphans, "ends belong to no event"},
        {counters.assembler.evicted, "events had to be let go unfinished"},
        {counters.assembler.capped_records, "records were left out of too large events"},
        {counters.normalizer.undecoded, "events cannot be decoded"},
        {counters.normalizer.let_go_early, "forks or ends had to be let go early"},
        {counters.engine.pending_dropped, "pending matches had to be dropped"},
        {counters.epochs, "breaks of the log's clock: nothing matches across them"},
        {counters.losses, "losses were recorded"},
    };
    std::string text;
    for (const auto& [count, what] : list) {
        if (count != 0)
            text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, what);
    }
    return text;
}

void Replay::tell_statistics(std::chrono::nanoseconds took) const {
    const PipelineCounters counters = pipeline_.counters();
    const double seconds = std::chrono::duration<double>(took).count();
    log::info(fmt::format("{} messages, {} of them audit records, in {:.2f} s ({:.0f} a second)",
                          counters.messages, counters.assembler.records, seconds,
                          static_cast<double>(counters.messages) / std::max(seconds, 1e-6)));
    const NormalizerCounters& events = counters.normalizer;
    log::info(fmt::format(
        "events: {} fork ({} inferred), {} exec, {} end, {} connect, {} accept, {} file; "
        "alerts: {}",
        events.fork, events.inferred_forks, events.exec, events.end, events.connect, events.accept,
        events.file, counters.alerts));
    if (const std::string text = troubles(counters, reader_.counters()); !text.empty())
        log::warning("not all is well: " + text);
}

}  // namespace

int replay_command(const Settings& settings) {
    if (settings.arguments.empty()) {
        log::error("replay takes the files to read; '-' is standard input");
        return kExitUserMistake;
    }
    LoadedRules rules;
    if (!settings.events || settings.exit_code) {
        rules = load_rule_set(settings.rules, settings.deprecated);
        tell_broken(rules);
    }
    bool mistaken = rules.broken();
    const auto begin = std::chrono::steady_clock::now();
    Replay replay(settings, rules.set);
    for (const std::string& path : in_order_of_writing(settings.arguments))
        mistaken = !replay.file(path) || mistaken;
    replay.finish();
    replay.tell_statistics(std::chrono::steady_clock::now() - begin);
    if (mistaken)
        return kExitUserMistake;
    return settings.exit_code && replay.alerts() != 0 ? kExitMatched : kExitFine;
}

}  // namespace audisp_eql::collector
