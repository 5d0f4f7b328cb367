// SPDX-License-Identifier: Apache-2.0
// audisp-eql audit-rules: the kernel audit rules that the loaded EQL rules need.
#include <iostream>

#include "collector/agent/kernel_needs.hpp"
#include "collector/agent/rule_loader.hpp"
#include "collector/command/command.hpp"

namespace audisp_eql::collector {

int audit_rules_command(const Settings& settings) {
    if (settings.remove_audit_rules)
        return remove_audit_leftovers(settings);
    const LoadedRules rules =
        load_rule_set(settings.arguments.empty() ? settings.rules : settings.arguments,
                      settings.deprecated, settings.exceptions);
    for (const auto& line : error_lines(rules))
        std::cerr << line << '\n';
    NeedsOptions options;
    options.expensive = settings.expensive_audit_rules;
    std::cout << audit_rules_text(kernel_needs(*rules.set, options), *rules.set) << std::flush;
    if (!std::cout)
        return kExitCannotRun;
    return rules.broken() ? kExitUserMistake : kExitFine;
}

}  // namespace audisp_eql::collector
