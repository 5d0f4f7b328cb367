// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/own_files.hpp"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <set>
#include <string>
#include <utility>

#include <system_error>

#include "collector/agent/audit_lines.hpp"
#include "collector/agent/options.hpp"
#include "collector/agent/rule_files.hpp"

namespace audisp_eql::collector {
namespace {

// The configuration, the rules and the exceptions, as audit can be asked about them. A path with a
// blank could not stand in an audit rule.
std::set<std::string> own_places(const Settings& settings) {
    namespace fs = std::filesystem;
    std::set<std::string> places;
    const auto add = [&](const std::string& path) {
        std::error_code error;
        const fs::path place = fs::weakly_canonical(path, error);
        const std::string text = place.string();
        const bool plain = std::none_of(text.begin(), text.end(), [](char byte) {
            return static_cast<unsigned char>(byte) <= ' ' || byte == '\x7f';
        });
        if (error || !plain || text.size() <= 1)
            return;
        if (fs::is_regular_file(place, error))
            places.insert("path=" + text);
        else if (fs::is_directory(place, error))
            places.insert("dir=" + text);
    };
    // The directory of the usual one is ours, another file's need not be.
    const bool usual = settings.config.empty() || settings.config == kDefaultConfig;
    add(usual ? fs::path(kDefaultConfig).parent_path().string() : settings.config);
    for (const auto& paths :
         {settings.rules.empty() ? default_rule_paths() : settings.rules,
          settings.exceptions.empty() ? default_exception_paths() : settings.exceptions})
        for (const std::string& path : paths)
            add(path);
    // Watched with a directory above it.
    std::erase_if(places, [&places](const std::string& place) {
        const fs::path path = place.substr(place.find('=') + 1);
        for (fs::path above = path.parent_path(); above != above.parent_path();
             above = above.parent_path())
            if (places.contains("dir=" + above.string()))
                return true;
        return false;
    });
    // Each is looked at in every call that opens a file to write.
    constexpr std::size_t kMost = 8;
    while (places.size() > kMost)
        places.erase(std::prev(places.end()));
    return places;
}

}  // namespace

std::vector<NeededLine> lines_of_own_files(const Settings& settings) {
    std::vector<NeededLine> lines;
    for (std::string& text : lines_of_writers(own_places(settings)))
        lines.push_back({std::move(text),
                         "Who writes into the configuration, the rules or the exceptions of the "
                         "program itself: an alert names them.",
                         {},
                         false});
    return lines;
}

KernelNeeds needs_of_run(const Settings& settings, const detect::RuleSet& rules) {
    NeedsOptions options;
    options.expensive = settings.expensive_audit_rules;
    KernelNeeds needs = kernel_needs(rules, options);
    const std::vector<NeededLine> own = lines_of_own_files(settings);
    needs.lines.insert(needs.lines.begin(), own.begin(), own.end());
    return needs;
}

}  // namespace audisp_eql::collector
