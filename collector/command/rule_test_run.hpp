// SPDX-License-Identifier: Apache-2.0
// Rules and the tests beside them: found, run, and what came of each.
//
// Memory: values. Threads: no state between calls.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "collector/agent/rule_files.hpp"
#include "detect/eql/diagnostic.hpp"

namespace audisp_eql::collector {

struct TestOutcome {
    std::string name;
    std::string place;               // FILE:LINE:COLUMN of the test
    std::vector<std::string> wrong;  // what was expected and what came; empty: passed
    double seconds = 0;
    bool passed() const { return wrong.empty(); }
};

struct TestedRule {
    std::string file;
    std::string test_file;
    bool has_tests = false;
    std::vector<TestOutcome> tests;
    // What is wrong with the rule's file or its tests', in the compiler's form; empty if nothing.
    std::string mistakes;
    bool good() const;
};

// Runs the tests of the rules: a file NAME.toml or NAME.test.toml, or a directory that is searched
// for both. What can't be read, or has no rule, stands in `troubles`. Skips files in other
// languages and counts them.
struct TestRun {
    std::vector<TestedRule> rules;
    std::vector<PathTrouble> troubles;
    std::size_t other_languages = 0;
    bool good() const;
};
TestRun run_rule_tests(const std::vector<std::string>& paths);

}  // namespace audisp_eql::collector
