// SPDX-License-Identifier: Apache-2.0
#include "collector/command/plugin_file.hpp"

#include <algorithm>
#include <cctype>
#include <cstddef>

namespace audisp_eql::collector {
namespace {

constexpr std::string_view kOwnMark =
    "# Made by 'audisp-eql enable plugin'; 'disable' removes it.\n";

bool same_word(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
        return std::tolower(static_cast<unsigned char>(x)) ==
               std::tolower(static_cast<unsigned char>(y));
    });
}

// Where a key's value stands in the text.
struct Place {
    std::size_t begin = 0, end = 0;
};

// auditd takes words apart at blanks: "active = yes" (audispd-pconfig.c, get_line and nv_split).
std::optional<Place> find_value(std::string_view file, std::string_view key) {
    constexpr std::string_view kBlank = " \t\r";
    for (std::size_t line = 0; line < file.size();) {
        const std::size_t end = std::min(file.find('\n', line), file.size());
        const auto word = [&](std::size_t from) {
            const std::size_t first = std::min(file.find_first_not_of(kBlank, from), end);
            return Place{first, std::min(file.find_first_of(kBlank, first), end)};
        };
        const Place name = word(line), equals = word(name.end), value = word(equals.end);
        if (same_word(file.substr(name.begin, name.end - name.begin), key) &&
            file.substr(equals.begin, equals.end - equals.begin) == "=")
            return value;
        line = end + 1;
    }
    return std::nullopt;
}

std::string with_value(std::string_view file, std::string_view key, std::string_view value) {
    std::string text(file);
    if (const auto place = find_value(file, key)) {
        text.replace(place->begin, place->end - place->begin, value);
        return text;
    }
    if (!text.empty() && text.back() != '\n')
        text += '\n';
    return text.append(key).append(" = ").append(value).append("\n");
}

}  // namespace

std::optional<bool> plugin_is_active(std::string_view file) {
    const auto place = find_value(file, "active");
    if (!place)
        return std::nullopt;
    return same_word(file.substr(place->begin, place->end - place->begin), "yes");
}

std::string with_plugin_active(std::string_view file, bool active) {
    return with_value(file, "active", active ? "yes" : "no");
}

std::string new_plugin_file(std::string_view program, std::string_view config) {
    std::string text = with_value(built_in_plugin_file(), "path", program);
    // auditd up to 4.0 passes two words on.
    if (!config.empty())
        text = with_value(text, "args", std::string("run --config=").append(config));
    return std::string(kOwnMark) + with_plugin_active(text, true);
}

bool is_own_plugin_file(std::string_view file) {
    return file.starts_with(kOwnMark);
}

}  // namespace audisp_eql::collector
