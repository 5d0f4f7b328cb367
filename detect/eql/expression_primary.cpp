// SPDX-License-Identifier: Apache-2.0
// The leaves of a condition: constants, fields, calls, groups, and relations to other events.
#include <charconv>
#include <memory>
#include <string>
#include <utility>

#include "detect/eql/expression_parser.hpp"
#include "detect/eql/parser_hint.hpp"
#include "detect/text/real.hpp"

namespace audisp_eql::detect {
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
            return constant({});
    }
}

ExprPtr ExpressionParser::group() {
    const SourceRange open = tokens_.take().at;
    ExprPtr inner = expression();
    close_paren(open, "')'", true);
    return inner;
}

// At the ")" of a group or list, or at a mistake before it; `good` if nothing was wrong so far.
bool ExpressionParser::close_paren(SourceRange open, std::string_view expected, bool good) {
    if (tokens_.accept(TokenKind::paren_close)) {
        return good;
    }
    const bool ends = tokens_.at(TokenKind::end) || tokens_.at(TokenKind::bracket_close);
    if (good && !ends) {
        tokens_.expected(expected, hint_in_parens(tokens_, expected), {"and"});
    } else if (good && tokens_.previous_text() != "(") {
        tokens_.error(open, "this '(' is not closed", "close it with ')'");
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
        tokens_.error(tokens_.since(first),
                      "an operator is missing behind the field '" + field->name + "'",
                      "before a list write ':' or 'in'; a function's name has no dots");
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
        const std::string& rest = tokens_.current().text;
        if (tokens_.text_of(first) == "0" && (rest.starts_with('x') || rest.starts_with('X'))) {
            tokens_.error({first.offset, first.length + tokens_.current().at.length},
                          "numbers are decimal", "to read text as one, there is number(text, 16)");
            return nullptr;
        }
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
    if (const auto real = parse_real(token.text))
        literal.real = *real;
    else
        tokens_.error(token.at, "the number is out of range");
}

void ExpressionParser::no_constant(std::string_view expected) {
    if (expected.empty())
        tokens_.expected(missing_value(tokens_), hint_for_value(tokens_));
    else
        tokens_.expected(expected, hint_for_constant(tokens_));
}

// ---- NAME of [event query]

ExprPtr ExpressionParser::of_query() {
    const Token name = tokens_.take();
    ExprPtr of = node(ExprKind::of_query, name.at);
    of->name = name.text;
    tokens_.take();
    if (name.text != "descendant" && name.text != "child" && name.text != "event") {
        tokens_.error(name.at, "unknown relation '" + name.text + "'",
                      "write: descendant of [process where …]");
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
