// SPDX-License-Identifier: Apache-2.0
#include "collector/command/agent_settings.hpp"

#include <charconv>
#include <filesystem>

#include <fmt/format.h>

#include "collector/host/output_probe.hpp"
#include "collector/host/system_files.hpp"

namespace audisp_eql::collector {
namespace {

void make_absolute(const std::string& directory, std::string& path) {
    if (!path.empty() && !path.starts_with('/') && !directory.empty())
        path = (std::filesystem::path(directory) / path).lexically_normal();
}

}  // namespace

std::optional<Settings> settings_of(const AgentFacts& agent) {
    std::vector<std::string> arguments = agent.arguments;
    if (!arguments.empty() && arguments.front() == "run")
        arguments.erase(arguments.begin());
    const std::string directory = read_system_link(fmt::format("/proc/{}/cwd", agent.pid));
    // Of the options only this one is opened while they are read.
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        constexpr std::string_view kConfig = "--config=";
        if (arguments[i] == "--config" && i + 1 < arguments.size()) {
            make_absolute(directory, arguments[i + 1]);
        } else if (arguments[i].starts_with(kConfig)) {
            std::string path = arguments[i].substr(kConfig.size());
            make_absolute(directory, path);
            arguments[i] = std::string(kConfig) + path;
        }
    }
    Settings settings;
    if (!read_settings(Command::run, arguments, settings).errors.empty())
        return std::nullopt;
    for (auto& path : settings.rules)
        make_absolute(directory, path);
    for (auto& path : settings.exceptions)
        make_absolute(directory, path);
    make_absolute(directory, settings.json_file);
    if (settings.syslog_enabled())
        make_absolute(directory, settings.syslog);
    return settings;
}

std::vector<OutputFacts> probe_servers(const Settings& settings, std::int32_t agent) {
    std::vector<OutputFacts> outputs;
    for (const RemoteServer& server : settings.syslog_servers) {
        std::uint16_t port = 0;
        std::from_chars(server.port.data(), server.port.data() + server.port.size(), port);
        if (agent == 0 || server.transport == RemoteServer::Transport::udp || port == 0)
            outputs.push_back({"syslog server " + server.text, ""});
        else
            outputs.push_back(probe_server(server.text, agent, port));
    }
    return outputs;
}

std::vector<OutputFacts> probe_outputs(const Settings& settings, std::int32_t agent) {
    std::vector<OutputFacts> outputs = probe_servers(settings, agent);
    if (settings.syslog_enabled())
        outputs.push_back(probe_syslog(settings.syslog));
    if (!settings.json_file.empty())
        outputs.push_back(probe_json_file(settings.json_file));
    if (settings.stdout_form != StdoutForm::none)
        outputs.push_back({"standard output", ""});
    return outputs;
}

}  // namespace audisp_eql::collector
