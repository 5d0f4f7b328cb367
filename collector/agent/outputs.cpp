// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/outputs.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/core.h>

#include "collector/agent/alert_line.hpp"
#include "collector/agent/log.hpp"
#include "collector/forward/json_file.hpp"
#include "collector/forward/stdout.hpp"
#include "collector/forward/syslog.hpp"

namespace audisp_eql::collector {

Outputs::Outputs(boost::asio::io_context& io, const Settings& settings) {
    const OutputWarning warn = [](std::string_view text) { log::warning(text); };
    if (settings.syslog_enabled()) {
        SyslogOptions options;
        options.path = settings.syslog;
        options.facility = settings.syslog_facility.number;
        options.cee = settings.cee;
        options.max_bytes = settings.max_message_bytes.value;
        add(std::make_unique<SyslogOutput>(io, std::move(options), warn));
    }
    if (!settings.json_file.empty()) {
        auto file = std::make_unique<JsonFileOutput>(io, settings.json_file, warn);
        json_file_ = file.get();
        add(std::move(file));
    }
    if (settings.stdout_form != StdoutForm::none) {
        const bool text = settings.stdout_form == StdoutForm::text;
        const StdoutOutput::LineForm form = text ? alert_line : StdoutOutput::LineForm();
        add(std::make_unique<StdoutOutput>(io, form, warn));
    }
    if (outputs_.empty())
        log::warning("alerts go nowhere: syslog, json-file and stdout are all off");
    else
        log::info("alerts go to " + names());
    for (auto& output : outputs_)
        output->probe();
}

Outputs::~Outputs() = default;

void Outputs::deliver(const detect::Alert& alert) {
    for (auto& output : outputs_)
        output->deliver(alert);
}

void Outputs::reopen() {
    if (json_file_ != nullptr)
        json_file_->reopen();
}

void Outputs::flush() {
    using Clock = std::chrono::steady_clock;
    const auto end = Clock::now() + std::chrono::milliseconds(kFlushMs);
    for (auto& output : outputs_) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
        output->flush(static_cast<int>(std::max<long>(0, left.count())));
    }
}

std::string Outputs::names() const {
    std::string text;
    for (const auto& output : outputs_)
        text += (text.empty() ? "" : ", ") + output->name();
    return text;
}

std::string Outputs::statistics() const {
    std::string text;
    for (const auto& output : outputs_) {
        const OutputCounters counters = output->counters();
        text += fmt::format("; {}: {} delivered", output->name(), counters.delivered);
        if (counters.dropped != 0 || counters.queued != 0)
            text += fmt::format(", {} lost", counters.dropped + counters.queued);
    }
    return text;
}

}  // namespace audisp_eql::collector
