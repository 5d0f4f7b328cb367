// SPDX-License-Identifier: Apache-2.0
#include "detect/text/code_point.hpp"

#include "detect/text/utf8.hpp"

namespace audisp_eql::detect {

CodePoint code_point_at(std::string_view bytes, std::size_t offset) {
    const auto byte = [&](std::size_t index) {
        return static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[offset + index]));
    };
    const std::size_t length = code_point_length(bytes, offset);
    if (length <= 1) {
        return {byte(0), 1, length == 1};
    }
    std::uint32_t value = byte(0) & (0xffU >> (length + 1));
    for (std::size_t index = 1; index < length; ++index) {
        value = (value << 6) | (byte(index) & 0x3f);
    }
    return {value, length, true};
}

bool is_printable(std::uint32_t code_point) {
    return code_point >= 0x20 && !(code_point >= 0x7f && code_point < 0xa0) &&
           code_point != 0xad &&                               // soft hyphen
           code_point != 0x61c &&                              // direction mark
           !(code_point >= 0x200b && code_point <= 0x200f) &&  // zero width, direction
           !(code_point >= 0x2028 && code_point <= 0x202e) &&  // line separators, direction
           !(code_point >= 0x2060 && code_point <= 0x206f) &&  // invisible operators, direction
           code_point != 0xfeff &&                             // byte order mark
           !(code_point >= 0xfff9 && code_point <= 0xfffb) &&  // annotation marks
           !(code_point >= 0xe0000 && code_point <= 0xe0fff);  // tags
}

void append_utf8(std::string& out, std::uint32_t code_point) {
    const auto add = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
    if (code_point < 0x80) {
        add(code_point);
    } else if (code_point < 0x800) {
        add(0xc0 | (code_point >> 6));
        add(0x80 | (code_point & 0x3f));
    } else if (code_point < 0x10000) {
        add(0xe0 | (code_point >> 12));
        add(0x80 | ((code_point >> 6) & 0x3f));
        add(0x80 | (code_point & 0x3f));
    } else {
        add(0xf0 | (code_point >> 18));
        add(0x80 | ((code_point >> 12) & 0x3f));
        add(0x80 | ((code_point >> 6) & 0x3f));
        add(0x80 | (code_point & 0x3f));
    }
}

}  // namespace audisp_eql::detect
