// SPDX-License-Identifier: Apache-2.0
// What came of rule tests: for people, and as JUnit's XML for the machines that run tests.
//
// Threads: no state between calls.
#pragma once

#include <iosfwd>

#include "collector/command/rule_test_run.hpp"

namespace audisp_eql::collector {

void print_text(const TestRun& run, std::ostream& out);
// A test suite for each rule, a test case for each test; a rule or a file of tests with mistakes
// has a case "load" with an error. Valid XML 1.0 in UTF-8, whatever bytes the names hold.
void print_junit(const TestRun& run, std::ostream& out);

}  // namespace audisp_eql::collector
