// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include <fmt/core.h>

#include "collector/agent/log.hpp"
#include "collector/command/command.hpp"
#include "collector/feed/plugin.hpp"
#include "collector/host/technique.hpp"
#include "detect/text/nearest.hpp"

namespace audisp_eql::collector {
namespace {

int print(const std::string& text) {
    return std::fputs(text.c_str(), stdout) < 0 || std::fflush(stdout) != 0 ? kExitCannotRun
                                                                            : kExitFine;
}

int mistake(const std::string& text) {
    log::error(text);
    return kExitUserMistake;
}

int unknown_command(const std::string& word) {
    detect::NearestName search(word);
    for (const auto& entry : commands())
        search.offer(entry.name);
    const auto nearest = search.best();
    return mistake(
        fmt::format("unknown command '{}'{}; 'audisp-eql help' lists the commands", word,
                    nearest.empty() ? "" : fmt::format(", did you mean '{}'?", nearest)));
}

int help(const std::vector<std::string>& arguments) {
    if (arguments.empty())
        return print(program_help());
    const auto* entry = find_command(arguments.front());
    return entry == nullptr ? unknown_command(arguments.front()) : print(command_help(*entry));
}

int execute(const CommandEntry& entry, const std::vector<std::string>& arguments) {
    Settings settings;
    const OptionMessages messages = read_settings(entry.command, arguments, settings);
    if (settings.help)
        return print(command_help(entry));
    log::start(settings.log_level, settings.syslog);
    for (const auto& text : messages.warnings)
        log::warning(text);
    for (const auto& text : messages.errors)
        log::error(text);
    if (!messages.errors.empty()) {
        log::info(fmt::format("'audisp-eql {} --help' lists the options", entry.name));
        return kExitUserMistake;
    }
    return entry.function(settings);
}

// auditd starts its plugins without a command word: "audisp-eql --config FILE".
int dispatch(std::vector<std::string> arguments) {
    if (is_technique(arguments))
        return technique_main(arguments);
    if (arguments.empty() || arguments.front().substr(0, 1) == "-") {
        if (!arguments.empty() && (arguments.front() == "--help" || arguments.front() == "-h"))
            return print(program_help());
        if (!arguments.empty() && arguments.front() == "--version")
            return print(version_text());
        return execute(*find_command("run"), arguments);
    }
    const std::string word = arguments.front();
    arguments.erase(arguments.begin());
    if (word == "help")
        return help(arguments);
    if (word == "version")
        return print(version_text());
    const auto* entry = find_command(word);
    return entry == nullptr ? unknown_command(word) : execute(*entry, arguments);
}

}  // namespace
}  // namespace audisp_eql::collector

int main(int argc, char** argv) {
    using namespace audisp_eql::collector;
    try {
        unblock_signals();
        return dispatch({argv + 1, argv + argc});
    } catch (const std::exception& problem) {
        log::error(problem.what());
        return kExitCannotRun;
    }
}
