// SPDX-License-Identifier: Apache-2.0
// audisp-eql test: the tests that stand beside rules.
#include <iostream>

#include "collector/agent/log.hpp"
#include "collector/command/command.hpp"
#include "collector/command/rule_test_report.hpp"
#include "collector/command/rule_test_run.hpp"

namespace audisp_eql::collector {

int test_command(const Settings& settings) {
    if (settings.arguments.empty()) {
        log::error("test takes rule files or directories; their tests are in NAME.test.toml");
        return kExitUserMistake;
    }
    const TestRun run = run_rule_tests(settings.arguments);
    if (run.rules.empty() && run.troubles.empty()) {
        log::error("no rules: " + settings.arguments.front() + " holds no *.toml file");
        return kExitUserMistake;
    }
    if (settings.test_output == TestOutput::junit)
        print_junit(run, std::cout);
    else
        print_text(run, std::cout);
    std::cout.flush();
    if (!std::cout)
        return kExitCannotRun;
    return run.good() ? kExitFine : kExitUserMistake;
}

}  // namespace audisp_eql::collector
