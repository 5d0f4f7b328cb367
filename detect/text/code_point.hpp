// SPDX-License-Identifier: Apache-2.0
// One code point at a time: what it is, and whether a terminal may see it.
//
// Memory: none kept. Threads: no state.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace audisp_eql::detect {

struct CodePoint {
    std::uint32_t value = 0;  // for what is not UTF-8: the byte
    std::size_t length = 1;
    bool valid = true;
};

// The code point that begins at `offset`, which must lie in `bytes`.
CodePoint code_point_at(std::string_view bytes, std::size_t offset);

// False for what a terminal would act upon or not show: control characters, line separators,
// zero-width characters, and the marks that change the direction of text.
bool is_printable(std::uint32_t code_point);

// Appends the UTF-8 form of a code point, which must be valid.
void append_utf8(std::string& out, std::uint32_t code_point);

}  // namespace audisp_eql::detect
