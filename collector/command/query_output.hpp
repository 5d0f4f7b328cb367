// SPDX-License-Identifier: Apache-2.0
// What a question found, as lines of JSON: an event as it is; a sequence or a sample as
// {"join_keys":[…],"events":[…]}, null in the place of a missing-event clause.
//
// Memory: one line. Threads: one.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "collector/command/result_lines.hpp"
#include "detect/engine/engine.hpp"

namespace audisp_eql::collector {

class QueryOutput final : public detect::MatchSink {
  public:
    struct Form {
        bool count = false;   // nothing but the number of matches
        bool single = false;  // an event query: the event stands for itself
        // Of each event only these and what lies below them ("process.parent"); empty: all.
        std::vector<std::string> fields;
    };
    // The event's own text, if the input has one.
    using TextOf = std::function<std::string_view(const detect::Event&)>;

    QueryOutput(ResultLines& lines, Form form, TextOf text_of)
        : lines_(lines), form_(std::move(form)), text_of_(std::move(text_of)) {}

    // The names of fields that the query or the input added; before the first match.
    void set_names(const detect::FieldNames& names) { names_ = &names; }
    void on_matches(const detect::Rule& rule, std::span<const detect::Match> matches) override;
    void finish();
    std::uint64_t matches() const { return matches_; }

  private:
    void append(const detect::Match& match);
    void append(const detect::Event& event);
    bool is_chosen(std::string_view name) const;

    ResultLines& lines_;
    Form form_;
    TextOf text_of_;
    const detect::FieldNames* names_ = nullptr;
    std::uint64_t matches_ = 0;
};

}  // namespace audisp_eql::collector
