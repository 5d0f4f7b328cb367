// SPDX-License-Identifier: Apache-2.0
#include "detect/eql/diagnostic.hpp"

#include <algorithm>

#include "detect/text/code_point.hpp"
#include "detect/text/utf8.hpp"

namespace audisp_eql::detect {
namespace {

// How much of a long line is shown, in characters, and how much of that before the caret.
constexpr std::size_t kShownWidth = 100;
constexpr std::size_t kShownBefore = 60;

// Appends one character as a terminal may see it; gives back the bytes read.
std::size_t append_shown(std::string& out, std::string_view text, std::size_t offset) {
    const CodePoint character = code_point_at(text, offset);
    if (character.value == '\t') {
        out += ' ';
    } else if (!character.valid || !is_printable(character.value)) {
        out += '?';
    } else {
        out += text.substr(offset, character.length);
    }
    return character.length;
}

std::string shown(std::string_view text) {
    std::string out;
    for (std::size_t offset = 0; offset < text.size();) {
        offset += append_shown(out, text, offset);
    }
    return out;
}

struct Line {
    std::uint32_t number;  // from 1
    std::size_t begin;
    std::string_view text;  // without its end
};

Line line_at(std::string_view source, std::size_t offset) {
    const std::string_view before = source.substr(0, offset);
    const auto number =
        static_cast<std::uint32_t>(1 + std::count(before.begin(), before.end(), '\n'));
    const std::size_t last_break = before.rfind('\n');
    const std::size_t begin = last_break == std::string_view::npos ? 0 : last_break + 1;
    std::string_view text = source.substr(begin);
    text = text.substr(0, text.find('\n'));
    if (text.ends_with('\r')) {
        text.remove_suffix(1);
    }
    return {number, begin, text};
}

// The part of a line round its marked columns, and the marks below it.
struct Excerpt {
    std::string text;
    std::string marks;
};

Excerpt excerpt(std::string_view line, std::size_t column, std::size_t marked) {
    const std::size_t width = count_characters(line);
    std::size_t first = 0;
    if (width > kShownWidth && column > kShownBefore) {
        first = std::min(column - kShownBefore, width - kShownWidth);
    }
    const std::size_t last = std::min(width, first + kShownWidth);
    Excerpt out;
    out.text = first > 0 ? "…" : "";
    out.marks = first > 0 ? " " : "";
    std::size_t at = 0;
    for (std::size_t offset = 0; offset < line.size() && at < last; ++at) {
        std::string ignored;
        offset += append_shown(at < first ? ignored : out.text, line, offset);
    }
    out.text += last < width ? "…" : "";
    const std::size_t begin = std::max(column, first);
    out.marks += std::string(begin - first, ' ') + '^';
    const std::size_t end = std::min(column + marked, last);
    out.marks += std::string(end > begin + 1 ? end - begin - 1 : 0, '~');
    return out;
}

}  // namespace

bool has_errors(const Diagnostics& diagnostics) {
    return std::any_of(diagnostics.begin(), diagnostics.end(), [](const Diagnostic& diagnostic) {
        return diagnostic.severity == Severity::error;
    });
}

SourcePosition position_of(std::string_view source, std::uint32_t offset) {
    const std::size_t end = std::min<std::size_t>(offset, source.size());
    const Line line = line_at(source, end);
    const std::size_t column = count_characters(source.substr(line.begin, end - line.begin)) + 1;
    return {line.number, static_cast<std::uint32_t>(column)};
}

std::string render(const Diagnostic& diagnostic, std::string_view file, std::string_view source) {
    const std::size_t offset = std::min<std::size_t>(diagnostic.at.offset, source.size());
    const Line line = line_at(source, offset);
    // A place behind the line (its break, the end of the text) is shown at the line's end.
    const std::size_t in_line = std::min(offset - line.begin, line.text.size());
    const std::size_t column = count_characters(line.text.substr(0, in_line));
    const std::size_t marked = count_characters(line.text.substr(in_line, diagnostic.at.length));

    const std::string number = std::to_string(line.number);
    const std::size_t gutter = std::max<std::size_t>(number.size(), 5);
    const std::string margin = std::string(gutter, ' ') + " | ";
    const Excerpt part = excerpt(line.text, column, marked);

    std::string out = shown(file) + ':' + number + ':' + std::to_string(column + 1) + ": ";
    out += diagnostic.severity == Severity::error ? "error: " : "warning: ";
    out += shown(diagnostic.message) + '\n';
    out += std::string(gutter - number.size(), ' ') + number + " | " + part.text + '\n';
    out += margin + part.marks + '\n';
    if (!diagnostic.hint.empty()) {
        out += margin + "hint: " + shown(diagnostic.hint) + '\n';
    }
    return out;
}

}  // namespace audisp_eql::detect
