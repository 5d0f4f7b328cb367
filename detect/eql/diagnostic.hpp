// SPDX-License-Identifier: Apache-2.0
// What is wrong with a rule or a query, where, and what to do: data, never printed from here.
//
// Memory: values. Threads: plain data.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace audisp_eql::detect {

// A stretch of the source text, in bytes.
struct SourceRange {
    std::uint32_t offset = 0;
    std::uint32_t length = 0;
};

enum class Severity : std::uint8_t { warning, error };

struct Diagnostic {
    Severity severity = Severity::error;
    SourceRange at;       // in the text that was given to the parser or loader
    std::string message;  // what is wrong; lower case, no full stop
    std::string hint;     // what to do; may be empty
};

using Diagnostics = std::vector<Diagnostic>;

bool has_errors(const Diagnostics& diagnostics);

struct SourcePosition {
    std::uint32_t line = 1;    // from 1
    std::uint32_t column = 1;  // from 1, in characters (UTF-8 code points)
};
SourcePosition position_of(std::string_view source, std::uint32_t offset);

// The compiler's form, several lines, no colour codes:
//   rules/x.toml:12:9: error: unknown function 'lenght'
//      12 |   [ process where lenght(process.name) > 3 ]
//         |                   ^~~~~~
//         | hint: did you mean 'length'?
// A tab is shown as one space, a byte that is not printable as '?'; a long line is cut round the
// caret.
std::string render(const Diagnostic& diagnostic, std::string_view file, std::string_view source);

}  // namespace audisp_eql::detect
