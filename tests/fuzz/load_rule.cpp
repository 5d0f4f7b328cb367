// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "detect/rule/rule.hpp"
#include "tests/fuzz/diagnostics.hpp"

using namespace audisp_eql::detect;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const RuleFile file = load_rule("input", text);
    check_diagnostics(file.diagnostics, text);
    FUZZ_CHECK((file.status == RuleFile::Status::broken) == has_errors(file.diagnostics));
    if (file.status == RuleFile::Status::ok) {
        FUZZ_CHECK(file.rule && file.query);
        FUZZ_CHECK(!file.rule->id.empty() && !file.rule->name.empty());
        // Wherever the compiler may find a mistake, it is in the file.
        const auto length = static_cast<std::uint32_t>(file.rule->query.size());
        for (std::uint32_t offset = 0; offset <= length; ++offset) {
            const SourceRange place = file.in_file({offset, length - offset});
            FUZZ_CHECK(std::size_t{place.offset} + place.length <= text.size());
        }
    }
    return 0;
}
