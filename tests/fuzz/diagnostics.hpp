// SPDX-License-Identifier: Apache-2.0
// What holds for the diagnostics of any text.
#pragma once

#include <string>
#include <string_view>

#include "detect/eql/diagnostic.hpp"
#include "tests/fuzz/check.hpp"

namespace audisp_eql::detect {

// Each lies within the text, has a message, and can be shown in a few short lines.
inline void check_diagnostics(const Diagnostics& diagnostics, std::string_view text) {
    for (const Diagnostic& diagnostic : diagnostics) {
        const std::size_t end = std::size_t{diagnostic.at.offset} + diagnostic.at.length;
        FUZZ_CHECK(end <= text.size());
        FUZZ_CHECK(!diagnostic.message.empty());
        const std::string shown = render(diagnostic, "input", text);
        FUZZ_CHECK(shown.size() < 4096);
        for (const char c : shown) {
            FUZZ_CHECK(c == '\n' || static_cast<unsigned char>(c) >= 0x20);
        }
    }
}

}  // namespace audisp_eql::detect
