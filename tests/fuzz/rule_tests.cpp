// SPDX-License-Identifier: Apache-2.0
// Any bytes as a file of rule tests.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "detect/rule/rule_test.hpp"
#include "tests/fuzz/diagnostics.hpp"

using namespace audisp_eql::detect;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const RuleTestFile file = load_rule_tests(text);
    check_diagnostics(file.diagnostics, text);
    for (const RuleTest& test : file.tests) {
        FUZZ_CHECK(!test.name.empty());
        FUZZ_CHECK(std::size_t{test.at.offset} + test.at.length <= text.size());
        FUZZ_CHECK(test.capture.empty() || test.events.empty());
    }
    return 0;
}
