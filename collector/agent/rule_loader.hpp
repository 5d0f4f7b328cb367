// SPDX-License-Identifier: Apache-2.0
// Rule files -> rule set, and what became of each file for people to read.
//
// Memory: values. Threads: no state between calls.
#pragma once

#include <iosfwd>
#include <memory>
#include <string>
#include <vector>

#include "collector/agent/rule_files.hpp"
#include "detect/rule/rule_set.hpp"

namespace audisp_eql::collector {

struct LoadedRules {
    std::shared_ptr<const detect::RuleSet> set;
    RuleFiles files;
    std::vector<detect::RuleReport> reports;
    bool broken() const;  // some file was wrong or unreadable
};
// Throws std::runtime_error where not a single file was found: a run without rules guards nothing.
// `replaces`: see RuleSet::Options.
LoadedRules load_rule_set(const std::vector<std::string>& paths, bool evaluate_deprecated,
                          std::shared_ptr<const detect::RuleSet> replaces = nullptr);

// Every diagnostic in the compiler's form.
void print_diagnostics(const LoadedRules& rules, std::ostream& out);
// The errors alone, one line each: "rules/x.toml:12:9: unknown function 'lenght'".
std::vector<std::string> error_lines(const LoadedRules& rules);
// "14 files, 12 of them EQL rules: 11 loaded, 1 with errors"
std::string summary(const LoadedRules& rules);

}  // namespace audisp_eql::collector
