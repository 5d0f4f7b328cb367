// SPDX-License-Identifier: Apache-2.0
#include "detect/rule/toml_file.hpp"

#include <algorithm>
#include <cctype>

#include "detect/text/nearest.hpp"

namespace audisp_eql::detect {
namespace {

// toml++ 3.3 bounds the nesting of values, but builds (and tears down, by recursion) a table for
// each part of a dotted key: a million parts overflow the stack. The largest public rule file has
// fewer than 2000 dots in all.
constexpr std::size_t kMaxDots = 20'000;

// Where the string that begins at `at` ends: behind its closing quotes.
std::size_t end_of_string(std::string_view text, std::size_t at) {
    const char quote = text[at];
    const std::string_view three = quote == '"' ? "\"\"\"" : "'''";
    const bool multi_line = text.substr(at, 3) == three;
    for (at += multi_line ? 3 : 1; at < text.size(); ++at) {
        if (text[at] == '\\' && quote == '"')
            ++at;
        else if (multi_line ? text.substr(at, 3) == three : text[at] == quote || text[at] == '\n')
            return at + (multi_line ? 3 : 1);
    }
    return text.size();
}

// Dots outside of strings and comments. Of a text that is not TOML they are counted right up to
// where the parser stops.
std::size_t count_dots(std::string_view text) {
    std::size_t dots = 0;
    for (std::size_t at = 0; at < text.size();) {
        if (text[at] == '"' || text[at] == '\'') {
            at = end_of_string(text, at);
        } else if (text[at] == '#') {
            at = std::min(text.find('\n', at), text.size());
        } else {
            dots += text[at] == '.' ? 1 : 0;
            ++at;
        }
    }
    return dots;
}

// For what goes wrong where a query stands in a TOML string.
std::string_view hint_for(std::string_view message) {
    const auto says = [&](std::string_view part) {
        return message.find(part) != std::string_view::npos;
    };
    if (says("unknown escape"))
        return "put the query between ''' and ''': nothing is escaped there";
    if (says("expected a comment or whitespace"))
        return "text that holds a quote stands between ''' and '''";
    if (says("string") && says("end-of-file"))
        return "the text is not closed";
    if (says("string") && says("control characters"))
        return "the text is not closed on its line; several lines stand between ''' and '''";
    return {};
}

}  // namespace

bool TomlFile::acceptable() {
    if (text_.size() > kMaxRuleFileBytes) {
        error({0, 0}, "the file is too large: " + std::to_string(text_.size()) + " bytes",
              "at most " + std::to_string(kMaxRuleFileBytes) + " bytes");
        return false;
    }
    if (count_dots(text_) > kMaxDots) {
        error({0, 0}, "the file holds more than " + std::to_string(kMaxDots) + " dots",
              "such a file never does: its keys would nest too deeply");
        return false;
    }
    return true;
}

std::optional<toml::table> TomlFile::parse() {
    if (!acceptable())
        return std::nullopt;
    try {
        return toml::parse(text_, std::string_view());
    } catch (const toml::parse_error& failure) {
        std::string message(failure.description());
        if (!message.empty())
            message[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(message[0])));
        SourceRange place = at(failure.source());
        place.length = place.offset < text_.size() ? 1 : 0;
        const std::string_view hint = hint_for(message);
        error(place, "not valid TOML: " + message, std::string(hint));
        return std::nullopt;
    }
}

SourceRange TomlFile::at(const toml::source_region& region) const {
    const std::uint32_t begin = offset_of(text_, region.begin.line, region.begin.column);
    const std::uint32_t end = offset_of(text_, region.end.line, region.end.column);
    return {begin, end > begin ? end - begin : 0};
}

void TomlFile::only(const toml::table& table, std::initializer_list<std::string_view> keys) {
    for (const auto& [key, value] : table) {
        NearestName search(key.str());
        bool known = false;
        for (const std::string_view name : keys) {
            known = known || name == key.str();
            search.offer(name);
        }
        if (known)
            continue;
        std::string hint = "did you mean '" + std::string(search.best()) + "'?";
        if (search.best().empty()) {
            hint = "known are: ";
            for (const std::string_view name : keys)
                hint += (name == *keys.begin() ? "" : ", ") + std::string(name);
        }
        error(at(key.source()), "unknown key '" + std::string(key.str()) + "'", std::move(hint));
    }
}

}  // namespace audisp_eql::detect
