// SPDX-License-Identifier: Apache-2.0
#include "detect/eql/parser_hint.hpp"

#include <algorithm>
#include <array>

namespace audisp_eql::detect {
namespace {

constexpr std::string_view kListHint =
    "several values stand in a list behind 'in' or ':': field in (\"a\", \"b\")";

constexpr std::string_view kBracketHint = "the event queries of a sequence stand in '[' and ']'";

// Words that an expression goes on behind, and operators that need something on their right.
constexpr std::array<std::string_view, 3> kConnectives{"and", "or", "not"};
constexpr std::array<std::string_view, 14> kOperators{"==", "!=", "<", "<=", ">", ">=", ":",
                                                      "+",  "-",  "*", "/",  "%", "in", "like"};

template <std::size_t size>
bool holds(const std::array<std::string_view, size>& words, std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
}

bool starts_condition(const TokenStream& tokens) {
    switch (tokens.current().kind) {
        case TokenKind::kw_not:
        case TokenKind::question:
        case TokenKind::quoted_identifier:
        case TokenKind::function_name:
            return true;
        case TokenKind::identifier: {
            const TokenKind next = tokens.following().kind;
            return next == TokenKind::dot || next == TokenKind::paren_open ||
                   is_test_operator(next);
        }
        default:
            return false;
    }
}

}  // namespace

bool is_test_operator(TokenKind kind) {
    switch (kind) {
        case TokenKind::colon:
        case TokenKind::equal:
        case TokenKind::not_equal:
        case TokenKind::less:
        case TokenKind::less_equal:
        case TokenKind::greater:
        case TokenKind::greater_equal:
        case TokenKind::kw_in:
        case TokenKind::kw_in_fold:
        case TokenKind::kw_like:
        case TokenKind::kw_like_fold:
        case TokenKind::kw_regex:
        case TokenKind::kw_regex_fold:
            return true;
        default:
            return false;
    }
}

std::string hint_behind_condition(const TokenStream& tokens) {
    const Token& found = tokens.current();
    if (starts_condition(tokens))
        return "an 'and' or 'or' is missing before it";
    if (found.kind == TokenKind::identifier && found.text == "is")
        return "to ask whether a field is there, write: field != null";
    if (found.kind == TokenKind::comma || found.kind == TokenKind::text ||
        found.kind == TokenKind::integer)
        return std::string(kListHint);
    if (found.kind == TokenKind::paren_close)
        return "no '(' is open here";
    if (found.kind == TokenKind::bracket_close)
        return "no '[' is open here";
    return {};
}

std::string hint_in_parens(const TokenStream& tokens, std::string_view expected) {
    const TokenKind found = tokens.current().kind;
    if (expected.starts_with("','") && (found == TokenKind::text || found == TokenKind::integer))
        return "a ',' is missing before it";
    return hint_behind_condition(tokens);
}

std::string hint_behind_item(const TokenStream& tokens, bool keyed) {
    const Token& found = tokens.current();
    const TokenKind next = tokens.following().kind;
    if (found.kind == TokenKind::kw_by)
        return keyed ? "separate the keys with commas: by a, b"
                     : "'by' stands before 'with runs' and 'as'";
    if (found.kind == TokenKind::comma)
        return "items follow each other without commas";
    if (found.kind == TokenKind::bracket_close)
        return "no '[' is open here";
    if (found.kind == TokenKind::kw_maxspan)
        return "write it before the first '[': sequence by … with maxspan=…";
    if (found.kind == TokenKind::identifier && found.text == "runs")
        return "write: with runs=3";
    return next == TokenKind::kw_where ? std::string(kBracketHint) : std::string();
}

std::string hint_for_first_item(const TokenStream& tokens, bool keyed, bool spanned) {
    if (tokens.following().kind == TokenKind::kw_where)
        return std::string(kBracketHint);
    if (tokens.at(TokenKind::kw_maxspan))
        return "write 'with' before it: with maxspan=5m";
    if (!spanned && tokens.at(TokenKind::identifier))
        return keyed ? "separate the keys with commas: by a, b"
                     : "keys stand behind 'by': sequence by host.id […] […]";
    return "a sequence reads: sequence by … with maxspan=… […] […]";
}

std::string hint_for_value(const TokenStream& tokens) {
    const TokenKind kind = tokens.current().kind;
    const TokenKind next = tokens.following().kind;
    if (kind == TokenKind::bracket_open)
        return "a list stands in '(' and ')', a subquery after 'descendant of'";
    if (kind == TokenKind::equal && tokens.previous_text() == "==")
        return "one '==' is enough";
    if (is_test_operator(kind) && holds(kConnectives, tokens.previous_text()))
        return "each condition names its field; several values of one field stand in a list: "
               "field in (\"a\", \"b\")";
    const std::string_view keyword = keyword_text(kind);
    if (!keyword.empty() && kind != TokenKind::kw_not &&
        (next == TokenKind::dot || is_test_operator(next)))
        return "a field named like a keyword stands in back-quotes: `" + std::string(keyword) + "`";
    return {};
}

std::string hint_for_constant(const TokenStream& tokens) {
    switch (tokens.current().kind) {
        case TokenKind::identifier:
        case TokenKind::function_name:
        case TokenKind::quoted_identifier:
            return "text stands in double quotes; the right side of ':', 'like' and 'regex' is "
                   "never a field";
        case TokenKind::minus:
        case TokenKind::plus:
            return "compare numbers with '=='";
        default:
            return hint_for_value(tokens);
    }
}

std::string missing_value(const TokenStream& tokens) {
    const std::string_view before = tokens.previous_text();
    if (holds(kConnectives, before))
        return "a condition after '" + std::string(before) + "'";
    if (holds(kOperators, before))
        return "a value after '" + std::string(before) + "'";
    return "a value";
}

}  // namespace audisp_eql::detect
