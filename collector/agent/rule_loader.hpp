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
#include "detect/engine/engine.hpp"
#include "detect/rule/rule_set.hpp"

namespace audisp_eql::collector {

struct LoadedRules {
    std::shared_ptr<const detect::RuleSet> set;
    RuleFiles files;
    std::vector<detect::RuleReport> reports;
    RuleFiles exception_files;
    std::vector<detect::ExceptionReport> exceptions;
    bool broken() const;  // some file was wrong or unreadable
};
// What the files say, before anything is made of it.
struct RuleInput {
    RuleFiles rules, exceptions;
    std::string none;  // what to say if not a single rule file was found
};
// Paths, as --rules and --exceptions; empty: the installed ones.
RuleInput read_rule_input(const std::vector<std::string>& rules,
                          const std::vector<std::string>& exceptions);
// As below.
LoadedRules load_rule_set(RuleInput input, bool evaluate_deprecated,
                          std::shared_ptr<const detect::RuleSet> replaces = nullptr);
// Throws std::runtime_error where not a single file was found: a run without rules guards nothing.
// `exceptions`: paths, as `paths`; none there is fine. `replaces`: see RuleSet::Options.
LoadedRules load_rule_set(const std::vector<std::string>& paths, bool evaluate_deprecated,
                          const std::vector<std::string>& exceptions = {},
                          std::shared_ptr<const detect::RuleSet> replaces = nullptr);

// Every diagnostic in the compiler's form.
void print_diagnostics(const LoadedRules& rules, std::ostream& out);
// The errors alone, one line each: "rules/x.toml:12:9: unknown function 'lenght'".
std::vector<std::string> error_lines(const LoadedRules& rules);
// What is wrong with exceptions, warnings too, one line each: an exception that does not hold as it
// was meant is found out late.
std::vector<std::string> exception_lines(const LoadedRules& rules);
void print_exception_diagnostics(const LoadedRules& rules, std::ostream& out);
// "ci-runner: for every rule, until 2027-01-31"
std::string exception_text(const detect::ExceptionReport::Item& item);
// "events kept from rules by exceptions: ci-runner 12, backup 0"; empty if there are none.
std::string suppression_text(const std::vector<detect::SuppressedEvents>& suppressed);
// What rules ask for and do not get here, each said once: "3 rules ask for actions (kill_process):
// this program only reports".
std::vector<std::string> notes(const LoadedRules& rules);
// "14 files, 12 of them EQL rules: 11 loaded, 1 with errors"
std::string summary(const LoadedRules& rules);

}  // namespace audisp_eql::collector
