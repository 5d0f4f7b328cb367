// SPDX-License-Identifier: Apache-2.0
// How values compare, and tests of one value against constants, in the quickest form the constants
// allow.
//
// Memory: a test owns its constants. Threads: read-only once made.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "detect/eql/ast.hpp"
#include "detect/event/value.hpp"
#include "detect/text/cidr.hpp"
#include "detect/text/regex.hpp"
#include "detect/text/text_set.hpp"
#include "detect/text/wildcard.hpp"

namespace audisp_eql::detect {

// What the field table says about the sides of a comparison.
struct CompareMode {
    bool id = false;       // user.id == 0 and user.id == "0" mean the same
    bool address = false;  // ::1 is 0:0:0:0:0:0:0:1
    bool operator==(const CompareMode&) const = default;
};

// Unordered where the two do not compare at all. Dates compare with ISO 8601 texts and with
// milliseconds since the epoch. Booleans are equal or unordered.
std::partial_ordering compare_values(const Value& left, const Value& right, CompareMode mode);

bool holds(CompareOp op, std::partial_ordering order);

// Appends the value as string() writes it.
void append_text(std::string& out, const Value& value);

enum class Affix : std::uint8_t { prefix, suffix, inside };
// inside: false for an empty text or part, as Elasticsearch documents stringContains.
bool text_has(Affix where, std::string_view text, std::string_view part, bool fold_case);

// A constant that owns its text.
class Constant {
  public:
    explicit Constant(const Literal& literal);
    // null gives nullopt
    std::optional<Value> value() const;
    const Literal& literal() const { return literal_; }

  private:
    Literal literal_;
};

// value == any of the constants. nulls among them equal nothing.
class EqualTest {
  public:
    EqualTest(const std::vector<Literal>& literals, CompareMode mode);
    bool matches(const Value& value) const;
    // As WildcardSet::required.
    std::optional<std::vector<RequiredText>> required() const;

  private:
    void add_number(const Value& number, CompareMode mode);
    void add_text(std::string_view text, CompareMode mode);
    bool matches_number(const Value& value) const;
    bool matches_text(std::string_view text) const;

    TextSet texts_{false};
    std::vector<std::int64_t> wholes_;  // sorted
    std::vector<double> reals_;         // sorted, none of them a whole 64 bit number
    std::vector<std::int64_t> dates_;   // sorted; what the texts and numbers mean as dates
    std::vector<IpAddress> addresses_;  // mode.address
    CidrSet blocks_;                    // mode.address: "10.0.0.0/8" as a term
    bool has_blocks_ = false;
    bool accepts_[2] = {false, false};  // false, true
};

// value == any of the texts, case folded.
struct FoldedEqualTest {
    TextSet texts{true};
    bool matches(const Value& value) const {
        return value.is_text() && texts.contains(value.as_text());
    }
};

struct LikeTest {
    WildcardSet patterns;
    bool matches(const Value& value) const {
        return value.is_text() && patterns.matches(value.as_text());
    }
};

struct RegexTest {
    Regex patterns;
    bool matches(const Value& value) const {
        return value.is_text() && patterns.matches(value.as_text());
    }
};

struct OrderTest {
    CompareOp op;
    Constant constant;
    CompareMode mode;
    bool matches(const Value& value) const;
};

struct CidrTest {
    CidrSet blocks;
    bool matches(const Value& value) const {
        return value.is_text() && blocks.contains(value.as_text());
    }
};

struct AffixTest {
    Affix where;
    std::string part;
    bool fold_case;
    bool matches(const Value& value) const {
        return value.is_text() && text_has(where, value.as_text(), part, fold_case);
    }
};

using ValueTest =
    std::variant<EqualTest, FoldedEqualTest, LikeTest, RegexTest, OrderTest, CidrTest, AffixTest>;

// Texts of which every value that passes shows one, case aside; nullopt if a value may pass
// without.
std::optional<std::vector<RequiredText>> required_texts(const ValueTest& test);

inline bool matches(const ValueTest& test, const Value& value) {
    return std::visit([&](const auto& one) { return one.matches(value); }, test);
}

}  // namespace audisp_eql::detect
