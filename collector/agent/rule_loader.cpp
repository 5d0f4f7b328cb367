// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/rule_loader.hpp"

#include <algorithm>
#include <ostream>
#include <stdexcept>
#include <utility>

#include <fmt/core.h>

namespace audisp_eql::collector {

bool LoadedRules::broken() const {
    return !files.troubles.empty() ||
           std::any_of(reports.begin(), reports.end(), [](const detect::RuleReport& report) {
               return report.status == detect::RuleReport::Status::error;
           });
}

LoadedRules load_rule_set(const std::vector<std::string>& paths, bool evaluate_deprecated,
                          std::shared_ptr<const detect::RuleSet> replaces) {
    LoadedRules rules;
    rules.files = read_rule_files(paths.empty() ? default_rule_paths() : paths);
    if (rules.files.sources.empty() && rules.files.troubles.empty())
        throw std::runtime_error(
            paths.empty() ? fmt::format("no rules: neither {} nor /etc/audisp-eql/rules.d holds a "
                                        "*.toml file; name a file or a directory with --rules",
                                        AUDISP_EQL_RULES_DIR)
                          : fmt::format("no rules: {} holds no *.toml file", paths.front()));
    detect::RuleSet::Options options;
    options.evaluate_deprecated = evaluate_deprecated;
    options.replaces = std::move(replaces);
    rules.set = detect::RuleSet::build(rules.files.sources, options, rules.reports);
    return rules;
}

void print_diagnostics(const LoadedRules& rules, std::ostream& out) {
    for (const auto& trouble : rules.files.troubles)
        out << trouble.path << ": error: cannot be read: " << trouble.message << '\n';
    for (std::size_t i = 0; i < rules.reports.size(); ++i) {
        // A public directory holds hundreds for other systems: they are counted, not listed.
        if (rules.reports[i].status == detect::RuleReport::Status::other_language)
            continue;
        for (const auto& diagnostic : rules.reports[i].diagnostics)
            out << detect::render(diagnostic, rules.reports[i].file, rules.files.sources[i].text);
    }
}

std::vector<std::string> error_lines(const LoadedRules& rules) {
    std::vector<std::string> lines;
    for (const auto& trouble : rules.files.troubles)
        lines.push_back(trouble.path + ": cannot be read: " + trouble.message);
    for (std::size_t i = 0; i < rules.reports.size(); ++i)
        for (const auto& diagnostic : rules.reports[i].diagnostics) {
            if (diagnostic.severity != detect::Severity::error)
                continue;
            const auto at = detect::position_of(rules.files.sources[i].text, diagnostic.at.offset);
            lines.push_back(fmt::format("{}:{}:{}: {}", rules.reports[i].file, at.line, at.column,
                                        diagnostic.message));
        }
    return lines;
}

namespace {
std::ptrdiff_t rules_with_actions(const LoadedRules& rules) {
    if (!rules.set)
        return 0;
    return std::count_if(rules.set->rules().begin(), rules.set->rules().end(),
                         [](const auto& compiled) { return compiled.rule.has_actions; });
}
}  // namespace

std::string summary(const LoadedRules& rules) {
    using Status = detect::RuleReport::Status;
    const auto count = [&](Status status) {
        return std::count_if(rules.reports.begin(), rules.reports.end(),
                             [&](const auto& report) { return report.status == status; });
    };
    const auto files = rules.reports.size() + rules.files.troubles.size();
    std::string text =
        fmt::format("{} file{}, {} of them EQL rules: {} loaded", files, files == 1 ? "" : "s",
                    rules.reports.size() - static_cast<std::size_t>(count(Status::other_language)),
                    rules.set ? rules.set->rules().size() : 0);
    const std::pair<Status, const char*> others[] = {
        {Status::degraded, "with tests that can never hold here"},
        {Status::inert, "that can never match here"},
        {Status::deprecated, "deprecated"},
        {Status::error, "with errors"}};
    for (const auto& [status, words] : others)
        if (const auto n = count(status); n > 0)
            text += fmt::format(", {} {}", n, words);
    if (!rules.files.troubles.empty())
        text += fmt::format(", {} unreadable", rules.files.troubles.size());
    if (const auto left_out = count(Status::other_language); left_out > 0)
        text += fmt::format("; {} left out: in other languages, for other systems, or no rules",
                            left_out);
    if (const auto asking = rules_with_actions(rules); asking > 0)
        text += fmt::format("; {} ask for actions, which are never taken", asking);
    return text;
}

}  // namespace audisp_eql::collector
