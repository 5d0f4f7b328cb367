// SPDX-License-Identifier: Apache-2.0
// From paths to rule texts.
//
// Memory: values. Threads: no state between calls.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "detect/rule/rule_set.hpp"

namespace audisp_eql::collector {

// A path that could not be read.
struct PathTrouble {
    std::string path;
    std::string message;
};

struct RuleFiles {
    std::vector<detect::RuleSource> sources;
    std::vector<PathTrouble> troubles;
    std::vector<std::string> tests;  // *.test.toml of directories: found, not read
};

// What --rules means when it is not given; those of them that exist.
std::vector<std::string> default_rule_paths();
// The same for --exceptions.
std::vector<std::string> default_exception_paths();

// The tests of a rule NAME.toml stand beside it in NAME.test.toml.
bool is_rule_test(std::string_view path);
std::string test_of_rule(std::string_view path);
std::string rule_of_test(std::string_view path);

// Reads files as given, and of directories every *.toml below them, in the order of their names;
// tests of rules, hidden files and directories are skipped, a directory is entered once however
// links lead to it.
RuleFiles read_rule_files(const std::vector<std::string>& paths);

}  // namespace audisp_eql::collector
