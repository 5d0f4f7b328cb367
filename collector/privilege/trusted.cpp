// SPDX-License-Identifier: Apache-2.0
#include "collector/privilege/trusted.hpp"

#include <algorithm>
#include <filesystem>
#include <unistd.h>

#include <fmt/format.h>
#include <sys/stat.h>
#include <system_error>

#include "collector/agent/options.hpp"

namespace audisp_eql::collector {
namespace {

namespace fs = std::filesystem;

std::string mended_by(const char* command, const std::string& path) {
    return fmt::format("mend it with: {} {}", command, path);
}

void distrust(RuleFiles& files, Trust& trust) {
    std::erase_if(files.sources, [&](const detect::RuleSource& source) {
        const auto trouble = trust.trouble_with(source.name);
        if (trouble)
            files.troubles.push_back({source.name, *trouble});
        return trouble.has_value();
    });
}

}  // namespace

Trust::Trust(unsigned user) : user_(user) {}

std::optional<std::string> Trust::look_at(const std::string& path, bool above) {
    struct stat about {};
    // What is not there, nobody has written; /dev/null holds nothing.
    if (::lstat(path.c_str(), &about) != 0 || (!S_ISREG(about.st_mode) && !S_ISDIR(about.st_mode)))
        return std::nullopt;
    const char* const what = above ? ", a directory above it," : "";
    if (about.st_uid != 0 && about.st_uid != user_)
        return fmt::format("{}{} belongs to uid {}, who can change what is detected; {}", path,
                           what, about.st_uid, mended_by("chown root", path));
    const bool sticky = above && (about.st_mode & S_ISVTX) != 0;
    if ((about.st_mode & S_IWOTH) != 0 && !sticky)
        return fmt::format("{}{} can be written by everybody (mode {:04o}); {}", path, what,
                           about.st_mode & 07777, mended_by("chmod o-w", path));
    return std::nullopt;
}

std::optional<std::string> Trust::trouble_with(const std::string& path) {
    std::error_code error;
    const fs::path given = fs::absolute(path, error).lexically_normal();
    const fs::path real = fs::weakly_canonical(given, error);
    // A link above could be turned elsewhere: both ways are looked at.
    for (const fs::path& way : {given, real}) {
        if (auto trouble = look_at(way.string(), false))
            return trouble;
        for (fs::path at = way.parent_path();; at = at.parent_path()) {
            const auto [seen, fresh] = seen_.try_emplace(at.string());
            if (fresh)
                seen->second = look_at(at.string(), true);
            if (seen->second)
                return seen->second;
            if (at == at.parent_path())
                break;
        }
    }
    return std::nullopt;
}

std::vector<std::string> untrusted_files(const Settings& settings) {
    Trust trust(::geteuid());
    std::vector<std::string> lines;
    const auto look = [&](const std::string& path) {
        if (auto trouble = trust.trouble_with(path))
            lines.push_back(std::move(*trouble));
    };
    for (const std::string& path : configuration_files(settings.config))
        look(path);
    for (const auto& paths :
         {settings.rules.empty() ? default_rule_paths() : settings.rules,
          settings.exceptions.empty() ? default_exception_paths() : settings.exceptions}) {
        for (const std::string& path : paths)
            look(path);
        for (const detect::RuleSource& source : read_rule_files(paths).sources)
            look(source.name);
    }
    // One directory above many files is one trouble.
    std::sort(lines.begin(), lines.end());
    lines.erase(std::unique(lines.begin(), lines.end()), lines.end());
    return lines;
}

RuleInput read_trusted_rules(const std::vector<std::string>& rules,
                             const std::vector<std::string>& exceptions) {
    RuleInput input = read_rule_input(rules, exceptions);
    Trust trust(::geteuid());
    distrust(input.rules, trust);
    distrust(input.exceptions, trust);
    return input;
}

}  // namespace audisp_eql::collector
