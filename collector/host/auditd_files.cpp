// SPDX-License-Identifier: Apache-2.0
// auditd's configuration and its plugin directory, as auditd reads them (man 5 auditd.conf,
// audisp/audispd-pconfig.c).
#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <sys/stat.h>
#include <system_error>

#include "collector/feed/feeds.hpp"
#include "collector/host/gather.hpp"

namespace audisp_eql::collector {
namespace {

constexpr std::string_view kDirectory = "/etc/audit";
constexpr std::string_view kProgram = "audisp-eql";

std::string trimmed(std::string_view text) {
    constexpr std::string_view kBlank = " \t\r";
    text.remove_prefix(std::min(text.find_first_not_of(kBlank), text.size()));
    return std::string(text.substr(0, text.find_last_not_of(kBlank) + 1));
}

std::map<std::string, std::string> read_pairs(const std::string& path) {
    std::map<std::string, std::string> pairs;
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) {
        const auto equals = line.find('=');
        if (equals == std::string::npos || trimmed(line).starts_with('#'))
            continue;
        std::string name = trimmed(std::string_view(line).substr(0, equals));
        std::transform(name.begin(), name.end(), name.begin(),
                       [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        pairs[name] = trimmed(std::string_view(line).substr(equals + 1));
    }
    return pairs;
}

std::string value_of(const std::map<std::string, std::string>& pairs, const std::string& name) {
    const auto found = pairs.find(name);
    return found == pairs.end() ? std::string{} : found->second;
}

bool exists(const std::string& path) {
    std::error_code error;
    return std::filesystem::exists(path, error);
}

// auditd takes root's regular files that not all may write; from 4.2 no group either, which a host
// with a sane umask does not notice.
PluginConf read_plugin(const std::string& path, const std::map<std::string, std::string>& pairs) {
    PluginConf plugin;
    plugin.path = path;
    std::string active = value_of(pairs, "active");
    std::transform(active.begin(), active.end(), active.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    plugin.active = active == "yes";
    plugin.program = value_of(pairs, "path");
    plugin.format = value_of(pairs, "format").empty() ? "string" : value_of(pairs, "format");
    std::istringstream words(value_of(pairs, "args"));
    for (std::string word; words >> word;)
        ++plugin.arguments;
    struct stat file {};
    if (::stat(path.c_str(), &file) == 0)
        plugin.safe_file =
            S_ISREG(file.st_mode) && file.st_uid == 0 && (file.st_mode & S_IWOTH) == 0;
    plugin.program_exists = exists(plugin.program);
    plugin.program_fits = auditd_would_start(plugin.program);
    return plugin;
}

std::optional<PluginConf> find_plugin(const std::string& directory) {
    std::optional<PluginConf> found;
    std::error_code error;
    for (std::filesystem::directory_iterator at(directory, error), end; !error && at != end;
         at.increment(error)) {
        const std::string name = at->path().filename();
        // Left alone by auditd, whatever is in it: a.conf.rpmnew, .a.conf.swp.
        if (name.starts_with('.') || std::count(name.begin(), name.end(), '.') > 1)
            continue;
        const auto pairs = read_pairs(at->path());
        if (std::filesystem::path(value_of(pairs, "path")).filename() != kProgram)
            continue;
        PluginConf plugin = read_plugin(at->path(), pairs);
        if (!found || plugin.active)
            found = std::move(plugin);
    }
    return found;
}

}  // namespace

bool auditd_would_start(const std::string& program) {
    constexpr mode_t kAsked = S_IRWXU | S_IRGRP | S_IXGRP;
    struct stat file {};
    return ::stat(program.c_str(), &file) == 0 && S_ISREG(file.st_mode) && file.st_uid == 0 &&
           (file.st_mode & kAsked) == kAsked && (file.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

std::map<std::string, std::string> read_auditd_file(const std::string& path) {
    auto pairs = read_pairs(path);
    for (auto& [name, value] : pairs)
        std::transform(value.begin(), value.end(), value.begin(),
                       [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return pairs;
}

AuditdFacts gather_auditd(ProcReader& proc, std::int32_t pid) {
    AuditdFacts auditd;
    auditd.pid = pid;
    auditd.installed = exists("/usr/sbin/auditd") || exists("/sbin/auditd");
    auditd.enabled = auditd_will_start();
    std::string directory(kDirectory);
    if (const auto process = pid == 0 ? std::nullopt : proc.read(pid)) {
        const auto& words = process->args;
        const auto option = std::find(words.begin(), words.end(), "-c");
        if (option != words.end() && option + 1 != words.end())
            directory = *(option + 1);
    }
    const std::string path = directory + "/auditd.conf";
    auditd.conf = read_auditd_file(path);
    if (!auditd.conf.empty())
        auditd.conf_path = path;
    // A path keeps its case.
    auditd.plugin_directory = value_of(read_pairs(path), "plugin_dir");
    if (auditd.plugin_directory.empty())
        auditd.plugin_directory = directory + "/plugins.d";
    auditd.plugin = find_plugin(auditd.plugin_directory);
    if (!exists(auditd.plugin_directory))
        auditd.plugin_directory.clear();
    return auditd;
}

}  // namespace audisp_eql::collector
