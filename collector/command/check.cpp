// SPDX-License-Identifier: Apache-2.0
// audisp-eql check: what is wrong with rules.
#include <iostream>

#include "collector/agent/rule_loader.hpp"
#include "collector/command/check_report.hpp"
#include "collector/command/command.hpp"

namespace audisp_eql::collector {
int check_command(const Settings& settings) {
    const auto rules =
        load_rule_set(settings.arguments.empty() ? settings.rules : settings.arguments,
                      settings.deprecated, settings.exceptions);
    if (settings.check_output == CheckOutput::json) {
        print_json(rules, std::cout);
    } else {
        print_diagnostics(rules, std::cout);
        for (const auto& note : notes(rules))
            std::cout << note << '\n';
        for (const auto& file : rules.exceptions)
            for (const auto& item : file.items)
                std::cout << "exception " << exception_text(item) << " (" << file.file << ")\n";
        std::cout << summary(rules) << '\n';
    }
    std::cout.flush();
    if (!std::cout)
        return kExitCannotRun;
    return rules.broken() ? kExitUserMistake : kExitFine;
}

}  // namespace audisp_eql::collector
