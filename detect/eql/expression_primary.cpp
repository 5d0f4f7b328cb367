// SPDX-License-Identifier: Apache-2.0
// The leaves of a condition: constants, fields, calls, groups, and relations to other events.
#include <charconv>
#include <memory>
#include <string>
#include <utility>

#include "detect/eql/expression_parser.hpp"

namespace audisp_eql::detect {
namespace {

// Could stand behind a field.
bool is_operator(TokenKind kind) {
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

}  // namespace

ExprPtr ExpressionParser::primary() {
    switch (tokens_.current().kind) {
        case TokenKind::paren_open:
            return group();
        case TokenKind::identifier:
        case TokenKind::function_name:
            if (tokens_.at(TokenKind::function_name) ||
                tokens_.following().kind == TokenKind::paren_open) {
                return call();
            }
            return field();
        case TokenKind::quoted_identifier:
        case TokenKind::question:
            return field();
        default:
            return constant("a value");
    }
}

ExprPtr ExpressionParser::group() {
    tokens_.take();
    ExprPtr inner = expression();
    close_paren("')'", true);
    return inner;
}

// At the ")" of a group or list, or at a mistake before it; `good` if nothing was wrong so far.
bool ExpressionParser::close_paren(std::string_view expected, bool good) {
    if (tokens_.accept(TokenKind::paren_close)) {
        return good;
    }
    if (good) {
        tokens_.expected(expected,
                         tokens_.at(TokenKind::end) || tokens_.at(TokenKind::bracket_close)
                             ? "a '(' before it is not closed"
                             : "");
    }
    tokens_.skip_to({TokenKind::paren_close, TokenKind::bracket_close, TokenKind::pipe});
    tokens_.accept(TokenKind::paren_close);
    return false;
}

ExprPtr ExpressionParser::call() {
    const Token name = tokens_.take();
    ExprPtr call = node(ExprKind::call, name.at);
    call->name = name.text;
    call->fold_case = name.kind == TokenKind::function_name;
    if (!tokens_.at(TokenKind::paren_open)) {
        tokens_.expected("'(' after the function '" + name.text + "~'");
        return nullptr;
    }
    if (tokens_.following().kind == TokenKind::paren_close) {
        tokens_.take();
        tokens_.take();
    } else if (!list_of(&ExpressionParser::expression, call->operands)) {
        return nullptr;
    }
    return finish(std::move(call), name.at);
}

// ["?"] name {"." name}
ExprPtr ExpressionParser::field() {
    const SourceRange first = tokens_.current().at;
    ExprPtr field = node(ExprKind::field, first);
    field->optional = tokens_.accept(TokenKind::question);
    do {
        if (!path_segment(field->name)) {
            return nullptr;
        }
        if (tokens_.at(TokenKind::bracket_open) && tokens_.following().kind == TokenKind::integer) {
            array_index();
        }
    } while (tokens_.accept(TokenKind::dot));
    if (tokens_.at(TokenKind::paren_open)) {
        tokens_.error(tokens_.since(first), "a function's name is a plain word",
                      "if a field is meant, an operator is missing after it");
        return nullptr;
    }
    const SourceRange whole = tokens_.since(first);
    const Token& next = tokens_.current();
    if (next.kind == TokenKind::real && next.text.starts_with('.') &&
        next.at.offset == whole.offset + whole.length) {
        tokens_.error(next.at, "a name cannot begin with a digit",
                      "write it in back-quotes: .`" + next.text.substr(1) + "`");
        return nullptr;
    }
    return finish(std::move(field), first);
}

bool ExpressionParser::path_segment(std::string& name) {
    if (!tokens_.at(TokenKind::identifier) && !tokens_.at(TokenKind::quoted_identifier)) {
        const std::string_view keyword = keyword_text(tokens_.current().kind);
        tokens_.expected(name.empty() ? "a field's name" : "a name after '.'",
                         keyword.empty() ? ""
                                         : "a name that is a keyword stands in back-quotes: `" +
                                               std::string(keyword) + "`");
        return false;
    }
    if (!name.empty()) {
        name += '.';
    }
    name += tokens_.take().text;
    return true;
}

// field[0]: read over, so that the rest of the query is looked at too.
void ExpressionParser::array_index() {
    const SourceRange open = tokens_.take().at;
    tokens_.take();
    tokens_.accept(TokenKind::bracket_close);
    tokens_.error(
        tokens_.since(open), "array elements cannot be picked by number",
        "a field stands for all its values: field == \"x\" holds if any of them is \"x\"");
}

ExprPtr ExpressionParser::constant(std::string_view expected) {
    const Token& token = tokens_.current();
    const SourceRange first = token.at;
    Literal literal;
    switch (token.kind) {
        case TokenKind::text:
            literal.kind = LiteralKind::text;
            literal.text = token.text;
            break;
        case TokenKind::kw_true:
        case TokenKind::kw_false:
            literal.kind = LiteralKind::boolean;
            literal.boolean = token.kind == TokenKind::kw_true;
            break;
        case TokenKind::kw_null:
            break;
        case TokenKind::integer:
        case TokenKind::real:
            number(token, literal);
            break;
        default:
            no_constant(expected);
            return nullptr;
    }
    tokens_.take();
    ExprPtr constant = node(ExprKind::literal, first);
    const LiteralKind kind = literal.kind;
    constant->literal = std::move(literal);
    if (kind == LiteralKind::integer && tokens_.at(TokenKind::identifier) &&
        tokens_.current().at.offset == first.offset + first.length) {
        tokens_.error(tokens_.since(first), "a name cannot begin with a digit",
                      "write it in back-quotes: `" + std::string(tokens_.text_of(first)) +
                          tokens_.current().text + "`");
        return nullptr;
    }
    return finish(std::move(constant), first);
}

void ExpressionParser::number(const Token& token, Literal& literal) {
    const char* const end = token.text.data() + token.text.size();
    if (token.kind == TokenKind::integer) {
        literal.kind = LiteralKind::integer;
        if (std::from_chars(token.text.data(), end, literal.integer).ec != std::errc()) {
            tokens_.error(token.at, "the number is too large",
                          "whole numbers go up to 9223372036854775807");
        }
        return;
    }
    literal.kind = LiteralKind::real;
    if (std::from_chars(token.text.data(), end, literal.real).ec != std::errc()) {
        tokens_.error(token.at, "the number is out of range");
    }
}

void ExpressionParser::no_constant(std::string_view expected) {
    const TokenKind kind = tokens_.current().kind;
    const TokenKind next = tokens_.following().kind;
    std::string hint;
    if (kind == TokenKind::bracket_open) {
        hint = "a list stands in '(' and ')', a subquery after 'descendant of'";
    } else if (kind == TokenKind::equal) {
        hint = "one '==' is enough";
    } else if (const std::string_view keyword = keyword_text(kind);
               !keyword.empty() && kind != TokenKind::kw_not &&
               (next == TokenKind::dot || is_operator(next))) {
        hint = "a field named like a keyword stands in back-quotes: `" + std::string(keyword) + "`";
    } else if (expected != "a value" &&
               (kind == TokenKind::identifier || kind == TokenKind::function_name ||
                kind == TokenKind::quoted_identifier)) {
        hint = "fields are compared with '==': the right side of ':', 'like' and 'regex' is text";
    } else if (expected != "a value" && (kind == TokenKind::minus || kind == TokenKind::plus)) {
        hint = "compare numbers with '=='";
    }
    tokens_.expected(expected, std::move(hint));
}

// ---- NAME of [event query]

ExprPtr ExpressionParser::of_query() {
    const Token name = tokens_.take();
    ExprPtr of = node(ExprKind::of_query, name.at);
    of->name = name.text;
    tokens_.take();
    if (name.text != "descendant" && name.text != "child" && name.text != "event") {
        tokens_.error(name.at, "unknown relation '" + name.text + "'",
                      "what stands before 'of' is 'descendant', 'child' or 'event'");
    }
    if (tokens_.at(TokenKind::missing_open)) {
        tokens_.error(tokens_.current().at, "a missing event has no relatives",
                      "write 'not' before '" + name.text + " of'");
    } else if (!tokens_.at(TokenKind::bracket_open)) {
        tokens_.expected("'[' after 'of'", "write: " + name.text + " of [process where …]");
        return nullptr;
    }
    tokens_.take();
    of->subquery = std::make_unique<EventQuery>(event_query());
    if (!tokens_.accept(TokenKind::bracket_close)) {
        tokens_.expected("']'");
        tokens_.skip_to({TokenKind::bracket_close});
        tokens_.accept(TokenKind::bracket_close);
    }
    return finish(std::move(of), name.at);
}

}  // namespace audisp_eql::detect
