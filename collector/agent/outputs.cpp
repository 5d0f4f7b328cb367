// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/outputs.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <utility>

#include <boost/asio/post.hpp>
#include <fmt/core.h>
#include <sys/stat.h>

#include "collector/agent/alert_line.hpp"
#include "collector/agent/log.hpp"
#include "collector/forward/json_file.hpp"
#include "collector/forward/remote_syslog.hpp"
#include "collector/forward/stdout.hpp"
#include "collector/forward/syslog.hpp"

namespace audisp_eql::collector {

namespace {

void warn(const std::string& text) {
    log::warning(text);
}

// A package or the administrator makes the state directory; a run by hand, without it, keeps its
// alerts in memory.
SpoolOptions spool_options(const Settings& settings) {
    SpoolOptions options;
    options.max_bytes = settings.spool_mib.value << 20;
    options.resend_us = static_cast<std::int64_t>(settings.resend_seconds.value) * 1'000'000;
    std::error_code error;
    if (settings.state_dir == "off" || !std::filesystem::is_directory(settings.state_dir, error))
        return options;
    options.directory = settings.state_dir + "/spool";
    if (mkdir(options.directory.c_str(), S_IRWXU) != 0 && errno != EEXIST)
        log::warning(fmt::format("{}: {}", options.directory, std::strerror(errno)));
    return options;
}

RemoteSyslogOptions remote_options(const RemoteServer& server, const Settings& settings,
                                   const Access& access) {
    RemoteSyslogOptions options;
    options.server = server;
    options.facility = settings.syslog_facility.number;
    options.cee = settings.cee;
    options.max_bytes = settings.max_message_bytes.value;
    options.tls = {settings.tls_ca, settings.tls_cert, settings.tls_key, settings.tls_verify,
                   access.tls_files};
    return options;
}

}  // namespace

Outputs::Outputs(boost::asio::io_context& io, const Settings& settings, const Access& access)
    : spool_(spool_options(settings), warn) {
    if (settings.syslog_enabled()) {
        SyslogOptions options;
        options.path = settings.syslog;
        options.facility = settings.syslog_facility.number;
        options.cee = settings.cee;
        options.max_bytes = settings.max_message_bytes.value;
        add(std::make_unique<SyslogOutput>(io, spool_, std::move(options), warn));
    }
    for (const RemoteServer& server : settings.syslog_servers)
        add(std::make_unique<RemoteSyslogOutput>(io, spool_,
                                                 remote_options(server, settings, access), warn));
    if (!settings.json_file.empty()) {
        auto file = std::make_unique<JsonFileOutput>(io, spool_, settings.json_file, warn,
                                                     access.open_json_file);
        json_file_ = file.get();
        add(std::move(file));
    }
    if (settings.stdout_form != StdoutForm::none) {
        const bool text = settings.stdout_form == StdoutForm::text;
        const StdoutOutput::LineForm form = text ? alert_line : StdoutOutput::LineForm();
        add(std::make_unique<StdoutOutput>(io, spool_, form, warn));
    }
    if (outputs_.empty())
        log::warning("alerts go nowhere: syslog, syslog-server, json-file and stdout are all off");
    else
        log::info("alerts go to " + names());
    for (auto& output : outputs_)
        output->probe();
}

Outputs::~Outputs() {
    outputs_.clear();
    background_.join();
}

void Outputs::deliver(const detect::Alert& alert) {
    spool_.append(alert);
    for (auto& output : outputs_)
        output->on_raised();
}

void Outputs::look_after() {
    for (auto& output : outputs_)
        output->look_after();
    spool_.flush(
        [this](std::function<void()> work) { boost::asio::post(background_, std::move(work)); });
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
        if (counters.resent != 0)
            text += fmt::format(" ({} again)", counters.resent);
        // What waits in memory goes with the program.
        const std::uint64_t waiting = spool_.is_on_disk() ? counters.queued : 0;
        if (const std::uint64_t lost = counters.dropped + counters.queued - waiting; lost != 0)
            text += fmt::format(", {} lost", lost);
        if (waiting != 0)
            text += fmt::format(", {} kept for the next start", waiting);
    }
    return text;
}

}  // namespace audisp_eql::collector
