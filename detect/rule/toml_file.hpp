// SPDX-License-Identifier: Apache-2.0
// A TOML file that somebody wrote by hand: read with bounds, and with diagnostics that know the
// place. Rule files, rule tests and exceptions are read through it.
//
// Memory: refers to the text and the diagnostics it was given. Threads: one at a time.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include <toml++/toml.h>

#include "detect/eql/diagnostic.hpp"
#include "detect/rule/toml_text.hpp"

namespace audisp_eql::detect {

class TomlFile {
  public:
    TomlFile(std::string_view text, Diagnostics& diagnostics)
        : text_(text), diagnostics_(diagnostics) {}

    // Nothing, with an error, where it is too large or not TOML.
    std::optional<toml::table> parse();

    SourceRange at(const toml::source_region& region) const;
    SourceRange at(const toml::node& node) const { return at(node.source()); }
    std::string_view text() const { return text_; }

    void error(SourceRange at, std::string message, std::string hint = {}) {
        diagnostics_.push_back({Severity::error, at, std::move(message), std::move(hint)});
    }
    void warning(SourceRange at, std::string message, std::string hint = {}) {
        diagnostics_.push_back({Severity::warning, at, std::move(message), std::move(hint)});
    }
    // Keys that are none of these: an error each, with the nearest of them.
    void only(const toml::table& table, std::initializer_list<std::string_view> keys);

  private:
    bool acceptable();

    std::string_view text_;
    Diagnostics& diagnostics_;
};

}  // namespace audisp_eql::detect
