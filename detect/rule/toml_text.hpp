// SPDX-License-Identifier: Apache-2.0
// From a TOML string's value back to the bytes of the file it was read from: toml++ tells the line
// and column where a value begins, a diagnostic needs the place inside it.
//
// Memory: values. Threads: no state.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "detect/eql/diagnostic.hpp"

namespace audisp_eql::detect {

// Larger files of rules, tests or exceptions are refused: the largest public rule file has 40 kB.
inline constexpr std::size_t kMaxRuleFileBytes = 1024 * 1024;

// The byte offset of a line and column as toml++ counts them: from 1, in code points, without the
// byte order mark. A position past a line's end is that line's end.
std::uint32_t offset_of(std::string_view file, std::uint32_t line, std::uint32_t column);

// From `in_value` on, the value's bytes stand one by one from `in_file` on.
struct TextStretch {
    std::uint32_t in_value = 0;
    std::uint32_t in_file = 0;
};
using TextMap = std::vector<TextStretch>;  // in order; never empty

// Where each byte of `value` stands in `file`, given the offset of its opening quote. Where escapes
// cannot be followed, everything is taken to stand where the string begins.
TextMap map_string(std::string_view file, std::size_t quote, std::string_view value);

SourceRange to_file(const TextMap& map, SourceRange in_value);

}  // namespace audisp_eql::detect
