// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/rule_loader.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <ostream>
#include <set>
#include <stdexcept>
#include <utility>

#include <fmt/core.h>
#include <fmt/ranges.h>

#include "collector/feed/clock.hpp"
#include "collector/normalize/actions.hpp"
#include "detect/text/time_text.hpp"

namespace audisp_eql::collector {

namespace {

std::string line_of(const detect::Diagnostic& diagnostic, const detect::RuleSource& source) {
    const auto at = detect::position_of(source.text, diagnostic.at.offset);
    return fmt::format("{}:{}:{}: {}", source.name, at.line, at.column, diagnostic.message);
}

}  // namespace

bool LoadedRules::broken() const {
    return !files.troubles.empty() || !exception_files.troubles.empty() ||
           std::any_of(reports.begin(), reports.end(),
                       [](const detect::RuleReport& report) {
                           return report.status == detect::RuleReport::Status::error;
                       }) ||
           std::any_of(exceptions.begin(), exceptions.end(),
                       [](const detect::ExceptionReport& report) {
                           return detect::has_errors(report.diagnostics);
                       });
}

RuleInput read_rule_input(const std::vector<std::string>& rules,
                          const std::vector<std::string>& exceptions) {
    RuleInput input;
    input.rules = read_rule_files(rules.empty() ? default_rule_paths() : rules);
    input.none = rules.empty() ? fmt::format(
                                     "no rules: neither {} nor /etc/audisp-eql/rules.d holds a "
                                     "*.toml file; name a file or a directory with --rules",
                                     AUDISP_EQL_RULES_DIR)
                               : fmt::format("no rules: {} holds no *.toml file", rules.front());
    input.exceptions = read_rule_files(exceptions.empty() ? default_exception_paths() : exceptions);
    return input;
}

LoadedRules load_rule_set(RuleInput input, bool evaluate_deprecated,
                          std::shared_ptr<const detect::RuleSet> replaces) {
    LoadedRules rules;
    rules.files = std::move(input.rules);
    if (rules.files.sources.empty() && rules.files.troubles.empty())
        throw std::runtime_error(input.none);
    detect::RuleSet::Options options;
    options.evaluate_deprecated = evaluate_deprecated;
    options.replaces = std::move(replaces);
    rules.exception_files = std::move(input.exceptions);
    options.exceptions = rules.exception_files.sources;
    options.now_us = wall_us();
    options.made = all_shapes();
    rules.set =
        detect::RuleSet::build(rules.files.sources, options, rules.reports, &rules.exceptions);
    return rules;
}

LoadedRules load_rule_set(const std::vector<std::string>& paths, bool evaluate_deprecated,
                          const std::vector<std::string>& exceptions,
                          std::shared_ptr<const detect::RuleSet> replaces) {
    return load_rule_set(read_rule_input(paths, exceptions), evaluate_deprecated,
                         std::move(replaces));
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
    print_exception_diagnostics(rules, out);
}

void print_exception_diagnostics(const LoadedRules& rules, std::ostream& out) {
    for (const auto& trouble : rules.exception_files.troubles)
        out << trouble.path << ": error: cannot be read: " << trouble.message << '\n';
    for (std::size_t i = 0; i < rules.exceptions.size(); ++i)
        for (const auto& diagnostic : rules.exceptions[i].diagnostics)
            out << detect::render(diagnostic, rules.exceptions[i].file,
                                  rules.exception_files.sources[i].text);
}

std::vector<std::string> exception_lines(const LoadedRules& rules) {
    std::vector<std::string> lines;
    for (const auto& trouble : rules.exception_files.troubles)
        lines.push_back(trouble.path + ": cannot be read: " + trouble.message);
    for (std::size_t i = 0; i < rules.exceptions.size(); ++i)
        for (const auto& diagnostic : rules.exceptions[i].diagnostics)
            lines.push_back(line_of(diagnostic, rules.exception_files.sources[i]));
    return lines;
}

std::string exception_text(const detect::ExceptionReport::Item& item) {
    std::string text = item.id + ": for ";
    if (item.rules.empty())
        text += "every rule";
    else if (item.rules.size() == 1)
        text += "rule " + item.rules.front();
    else
        text += fmt::format("{} rules", item.rules.size());
    if (!item.expires_us)
        return text;
    std::string day;
    detect::append_iso_time(day, *item.expires_us - 1);
    return text + (item.expired ? ", expired on " : ", until ") + day.substr(0, day.find('T'));
}

std::string suppression_text(const std::vector<detect::SuppressedEvents>& suppressed) {
    std::string text;
    for (const detect::SuppressedEvents& one : suppressed)
        text += fmt::format("{}{} {}", text.empty() ? "" : ", ", one.exception, one.count);
    return text.empty() ? text : "events kept from rules by exceptions: " + text;
}

std::vector<std::string> error_lines(const LoadedRules& rules) {
    std::vector<std::string> lines;
    for (const auto& trouble : rules.files.troubles)
        lines.push_back(trouble.path + ": cannot be read: " + trouble.message);
    for (std::size_t i = 0; i < rules.reports.size(); ++i)
        for (const auto& diagnostic : rules.reports[i].diagnostics) {
            if (diagnostic.severity != detect::Severity::error)
                continue;
            lines.push_back(line_of(diagnostic, rules.files.sources[i]));
        }
    return lines;
}

std::vector<std::string> notes(const LoadedRules& rules) {
    if (!rules.set)
        return {};
    std::map<std::string, std::size_t> ignored;  // by key
    std::set<std::string> actions;
    std::size_t acting = 0;
    for (const auto& [rule, program, exceptions] : rules.set->rules()) {
        actions.insert(rule.actions.begin(), rule.actions.end());
        acting += rule.actions.empty() ? 0 : 1;
        for (const std::string& key : rule.ignored_keys)
            ++ignored[key];
    }
    std::vector<std::string> lines;
    if (acting > 0)
        lines.push_back(
            fmt::format("{} for actions ({}): this program only reports",
                        acting == 1 ? "1 rule asks" : fmt::format("{} rules ask", acting),
                        fmt::join(actions, ", ")));
    for (const auto& [key, count] : ignored)
        lines.push_back(
            fmt::format("'{}' of {} rule{} is not evaluated: {} as if it were not there", key,
                        count, count == 1 ? "" : "s", count == 1 ? "it runs" : "they run"));
    return lines;
}

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
    return text;
}

}  // namespace audisp_eql::collector
