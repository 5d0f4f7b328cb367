// SPDX-License-Identifier: Apache-2.0
#include "detect/rule/toml_text.hpp"

#include <algorithm>

#include "detect/text/utf8.hpp"

namespace audisp_eql::detect {
namespace {

std::uint32_t narrow(std::size_t offset) {
    return static_cast<std::uint32_t>(offset);
}

// Bytes that an escape takes in the file, the backslash included. TOML 1.0, "String".
std::size_t escape_length(char name) {
    switch (name) {
        case 'x':
            return 4;
        case 'u':
            return 6;
        case 'U':
            return 10;
        default:
            return 2;
    }
}

std::uint32_t file_offset(const TextMap& map, std::uint32_t in_value) {
    const auto after = std::upper_bound(
        map.begin(), map.end(), in_value,
        [](std::uint32_t offset, const TextStretch& stretch) { return offset < stretch.in_value; });
    const TextStretch& stretch = after == map.begin() ? map.front() : *(after - 1);
    return stretch.in_file + (in_value - stretch.in_value);
}

}  // namespace

std::uint32_t offset_of(std::string_view file, std::uint32_t line, std::uint32_t column) {
    constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
    std::size_t offset = file.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0;
    for (std::uint32_t at = 1; at < line; ++at) {
        const std::size_t end = file.find('\n', offset);
        if (end == std::string_view::npos) {
            return narrow(file.size());
        }
        offset = end + 1;
    }
    for (std::uint32_t at = 1; at < column && offset < file.size() && file[offset] != '\n'; ++at) {
        offset += character_length(file, offset);
    }
    return narrow(offset);
}

TextMap map_string(std::string_view file, std::size_t quote, std::string_view value) {
    const std::string_view opening = file.substr(std::min(quote, file.size()));
    const bool multi_line = opening.starts_with("'''") || opening.starts_with("\"\"\"");
    const bool escapes = opening.starts_with('"');
    std::size_t at = std::min(quote + (multi_line ? 3 : 1), file.size());
    if (multi_line && file.substr(at).starts_with("\r\n")) {
        at += 2;  // the first line break is not part of the value
    } else if (multi_line && file.substr(at).starts_with("\n")) {
        at += 1;
    }

    TextMap map = {{0, narrow(at)}};
    for (std::size_t done = 0; done < value.size();) {
        if (at + 1 >= file.size()) {
            return {map.front()};
        }
        if (escapes && file[at] == '\\') {
            const char name = file[at + 1];
            if (name == '\n' || name == '\r' || name == ' ' || name == '\t') {
                // A backslash at a line's end takes the blank space behind it away.
                at = std::min(file.find_first_not_of(" \t\r\n", at + 1), file.size());
            } else {
                const bool coded = escape_length(name) > 2;
                at += escape_length(name);
                done += coded ? character_length(value, done) : 1;
            }
            map.push_back({narrow(done), narrow(at)});
        } else if (file[at] == value[done]) {
            ++at;
            ++done;
        } else if (file.substr(at, 2) == "\r\n" && value[done] == '\n') {
            at += 2;  // toml++ makes one line break of the two
            ++done;
            map.push_back({narrow(done), narrow(at)});
        } else {
            return {map.front()};
        }
    }
    return map;
}

SourceRange to_file(const TextMap& map, SourceRange in_value) {
    const std::uint32_t begin = file_offset(map, in_value.offset);
    const std::uint32_t end = file_offset(map, in_value.offset + in_value.length);
    return {begin, end - begin};
}

}  // namespace audisp_eql::detect
