// SPDX-License-Identifier: Apache-2.0
// Any bytes as a file of exceptions.
#include "detect/rule/exceptions.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "tests/fuzz/diagnostics.hpp"

using namespace audisp_eql::detect;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const ExceptionFile file = load_exceptions(text);
    check_diagnostics(file.diagnostics, text);
    for (const ExceptionItem& item : file.items) {
        FUZZ_CHECK(!item.id.empty());
        FUZZ_CHECK(std::size_t{item.at.offset} + item.at.length <= text.size());
        FUZZ_CHECK(item.rules.size() == item.rules_at.size());
    }
    return 0;
}
