// SPDX-License-Identifier: Apache-2.0
// audisp-eql status, and audisp-eql maintenance: what a running agent is asked and told.
#include <cstdio>
#include <string>

#include <fmt/core.h>

#include "collector/agent/log.hpp"
#include "collector/agent/option_table.hpp"
#include "collector/agent/status_listener.hpp"
#include "collector/command/command.hpp"

namespace audisp_eql::collector {
namespace {

int print(const std::string& text) {
    return std::fputs(text.c_str(), stdout) < 0 || std::fflush(stdout) != 0 ? kExitCannotRun
                                                                            : kExitFine;
}

const char* word_of(StatusOutput form) {
    switch (form) {
        case StatusOutput::text:
            return "text";
        case StatusOutput::json:
            return "json";
        case StatusOutput::prometheus:
            return "prometheus";
    }
    return "text";
}

}  // namespace

int status_command(const Settings& settings) {
    if (!settings.arguments.empty()) {
        log::error(fmt::format("unexpected argument '{}'", settings.arguments.front()));
        return kExitUserMistake;
    }
    return print(ask_agent(settings.status_socket,
                           std::string("status ") + word_of(settings.status_output)));
}

int maintenance_command(const Settings& settings) {
    std::optional<std::uint32_t> seconds;
    if (settings.arguments.size() == 1)
        seconds = interval_seconds(settings.arguments.front());
    if (!seconds) {
        log::error("how long? 'audisp-eql maintenance 30m' declares one, 'off' ends it");
        return kExitUserMistake;
    }
    const std::string answer =
        ask_agent(settings.status_socket, fmt::format("maintenance {}", *seconds));
    if (answer.starts_with("ok: "))
        return print(answer.substr(4));
    log::error(answer.substr(answer.starts_with("no: ") ? 4 : 0, answer.find('\n') - 4));
    return kExitCannotRun;
}

}  // namespace audisp_eql::collector
