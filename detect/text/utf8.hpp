// SPDX-License-Identifier: Apache-2.0
// What counts as one character in bytes that need not be text.
//
// Memory: views only. Threads: no state.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace audisp_eql::detect {

// Length of the UTF-8 code point that begins at `at`; 0 if the bytes there are none (a stray
// continuation, an overlong form, a surrogate, above U+10FFFF, cut short). RFC 3629, section 4.
constexpr std::size_t code_point_length(std::string_view text, std::size_t at) {
    const auto byte = [&](std::size_t i) -> std::uint8_t {
        return at + i < text.size() ? static_cast<std::uint8_t>(text[at + i]) : 0;
    };
    const auto tail = [&](std::size_t i) { return (byte(i) & 0xc0) == 0x80; };
    const std::uint8_t first = byte(0);
    if (first < 0x80)
        return at < text.size() ? 1 : 0;
    if (first >= 0xc2 && first <= 0xdf)
        return tail(1) ? 2 : 0;
    if (first >= 0xe0 && first <= 0xef) {
        const std::uint8_t low = first == 0xe0 ? 0xa0 : 0x80;
        const std::uint8_t high = first == 0xed ? 0x9f : 0xbf;
        return byte(1) >= low && byte(1) <= high && tail(2) ? 3 : 0;
    }
    if (first >= 0xf0 && first <= 0xf4) {
        const std::uint8_t low = first == 0xf0 ? 0x90 : 0x80;
        const std::uint8_t high = first == 0xf4 ? 0x8f : 0xbf;
        return byte(1) >= low && byte(1) <= high && tail(2) && tail(3) ? 4 : 0;
    }
    return 0;
}

// Bytes of the character at `at` (< size): a code point, or one byte where there is none.
constexpr std::size_t character_length(std::string_view text, std::size_t at) {
    const std::size_t length = code_point_length(text, at);
    return length == 0 ? 1 : length;
}

constexpr bool is_utf8(std::string_view text) {
    for (std::size_t i = 0; i < text.size();) {
        const std::size_t length = code_point_length(text, i);
        if (length == 0)
            return false;
        i += length;
    }
    return true;
}

// Characters in `text`: what length() and '?' count.
constexpr std::size_t count_characters(std::string_view text) {
    std::size_t count = 0;
    for (std::size_t i = 0; i < text.size(); i += character_length(text, i))
        ++count;
    return count;
}

}  // namespace audisp_eql::detect
