// SPDX-License-Identifier: Apache-2.0
// Patterns of EQL's `:`, `like` and `like~`: `*` is any run of characters, `?` exactly one, and
// there is no escape. The whole value must match, newlines included. A character is a UTF-8 code
// point, or one byte where the value is not UTF-8.
//
// Memory: owns the patterns. Threads: read-only once made.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "detect/text/text_set.hpp"

namespace audisp_eql::detect {

// What a value must be, begin with, end with or contain to match a pattern.
struct RequiredText {
    enum class Where : std::uint8_t { whole, prefix, suffix, inside } where;
    std::string text;  // folded where the pattern folds case
};

// One pattern. Matching never takes more steps than size(pattern) * size(value).
class Wildcard {
  public:
    Wildcard(std::string_view pattern, bool fold_case);
    bool matches(std::string_view value) const;
    // The longest text that stands in it between `*` and `?`.
    std::string longest_piece() const;

  private:
    friend class WildcardSet;
    // `value` is folded already if the pattern is.
    bool matches_prepared(std::string_view value) const;

    std::string pattern_;  // folded if fold_case_
    bool fold_case_;
};

// A list of patterns, any of which may match: sorted by shape so that a value is hashed once,
// looked up once among many prefixes, and only then compared pattern by pattern.
class WildcardSet {
  public:
    WildcardSet(std::span<const std::string> patterns, bool fold_case);
    bool matches(std::string_view value) const;
    bool fold_case() const { return fold_case_; }
    // As matches, for a value that is already folded (FoldedText) where the set folds case.
    bool matches_prepared(std::string_view value) const;
    // Texts of which every value that matches shows one; nullopt if a value may do without.
    std::optional<std::vector<RequiredText>> required() const;

  private:
    // A pattern with stars and without question marks: its first piece is what a value begins with,
    // its last what it ends with, the inner ones stand in order between them. First and last may be
    // empty.
    struct Pieces {
        std::uint32_t at;           // in texts_: the first, the last, then the inner ones
        std::uint32_t first, last;  // bytes of each
        std::uint32_t inner_begin, inner_end;  // in inner_: bytes of each
    };
    void add(std::string_view pattern);
    void add_pieces(std::string_view pattern);
    void drop_covered_prefixes();
    bool matches_pieces(const Pieces& pieces, std::string_view value) const;
    RequiredText required_by(const Pieces& pieces) const;

    bool fold_case_;
    bool any_ = false;  // "*"
    TextSet exact_;
    std::vector<std::string> prefixes_;  // sorted; none begins with another
    // All that is compared one by one lies together: rules have tens of thousands of patterns, and
    // what each of them costs is mostly the way to its text.
    std::vector<Pieces> pieces_;
    std::string texts_;
    std::vector<std::uint32_t> inner_;
    std::vector<Wildcard> with_question_mark_;
};

}  // namespace audisp_eql::detect
