// SPDX-License-Identifier: Apache-2.0
#include "detect/eql/expression_parser.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <utility>

#include "detect/eql/parser.hpp"

namespace audisp_eql::detect {
namespace {

std::optional<CompareOp> compare_op(TokenKind kind) {
    switch (kind) {
        case TokenKind::equal:
        case TokenKind::assign:  // reported by the caller
            return CompareOp::equal;
        case TokenKind::not_equal:
            return CompareOp::not_equal;
        case TokenKind::less:
            return CompareOp::less;
        case TokenKind::less_equal:
            return CompareOp::less_equal;
        case TokenKind::greater:
            return CompareOp::greater;
        case TokenKind::greater_equal:
            return CompareOp::greater_equal;
        default:
            return std::nullopt;
    }
}

std::optional<ArithmeticOp> sum_op(TokenKind kind) {
    switch (kind) {
        case TokenKind::plus:
            return ArithmeticOp::add;
        case TokenKind::minus:
            return ArithmeticOp::subtract;
        default:
            return std::nullopt;
    }
}

std::optional<ArithmeticOp> product_op(TokenKind kind) {
    switch (kind) {
        case TokenKind::star:
            return ArithmeticOp::multiply;
        case TokenKind::slash:
            return ArithmeticOp::divide;
        case TokenKind::percent:
            return ArithmeticOp::modulo;
        default:
            return std::nullopt;
    }
}

struct Match {
    MatchOp op;
    bool fold_case;
};

std::optional<Match> match_op(TokenKind kind) {
    switch (kind) {
        case TokenKind::colon:
        case TokenKind::kw_like_fold:
            return Match{MatchOp::like, true};
        case TokenKind::kw_like:
            return Match{MatchOp::like, false};
        case TokenKind::kw_regex:
            return Match{MatchOp::regex, false};
        case TokenKind::kw_regex_fold:
            return Match{MatchOp::regex, true};
        default:
            return std::nullopt;
    }
}

bool is_in(TokenKind kind) {
    return kind == TokenKind::kw_in || kind == TokenKind::kw_in_fold;
}

}  // namespace

// ---- event queries and lists

EventQuery ExpressionParser::event_query() {
    EventQuery query;
    const Token first = tokens_.current();
    const TokenStream::DepthGuard depth(tokens_);
    if (!depth) {
        return query;
    }
    if (tokens_.accept(TokenKind::kw_any)) {
        query.any = true;
    } else if (tokens_.at(TokenKind::identifier) || tokens_.at(TokenKind::text)) {
        query.category = tokens_.take().text;
        if (query.category.empty()) {
            tokens_.error(first.at, "the event category is empty",
                          "write 'any where …' for events of every category");
        }
    } else if (!tokens_.at(TokenKind::kw_where)) {
        tokens_.expected("an event category",
                         "an event query reads: process where …, or: any where …");
        return query;
    }
    if (tokens_.at(TokenKind::kw_where) && !query.any && query.category.empty()) {
        tokens_.expected("an event category before 'where'",
                         "write 'any where …' for events of every category");
    }
    if (!tokens_.accept(TokenKind::kw_where)) {
        tokens_.expected("'where' after the event category",
                         "an event query reads: process where …, or: any where …", {"where"});
        return query;
    }
    query.where = expression();
    query.at = tokens_.since(first.at);
    return query;
}

std::vector<ExprPtr> ExpressionParser::expression_list(std::string_view what) {
    std::vector<ExprPtr> list;
    do {
        if (tokens_.at(TokenKind::paren_close) || tokens_.at(TokenKind::bracket_close) ||
            tokens_.at(TokenKind::bracket_open) || tokens_.at(TokenKind::missing_open) ||
            tokens_.at(TokenKind::kw_with) || tokens_.at(TokenKind::end)) {
            tokens_.expected(what, list.empty() ? "" : "remove the comma after the last one");
            break;
        }
        list.push_back(expression());
    } while (tokens_.accept(TokenKind::comma));
    return list;
}

// ---- and, or, not

// or_expr = and_expr {"or" and_expr}: one node however many operands, so that long lists of
// alternatives cost no depth.
ExprPtr ExpressionParser::expression() {
    const TokenStream::DepthGuard depth(tokens_);
    if (!depth) {
        return placeholder();
    }
    return chain(TokenKind::kw_or, ExprKind::logical_or, &ExpressionParser::logical_and);
}

ExprPtr ExpressionParser::logical_and() {
    return chain(TokenKind::kw_and, ExprKind::logical_and, &ExpressionParser::operand);
}

ExprPtr ExpressionParser::chain(TokenKind connective, ExprKind kind,
                                ExprPtr (ExpressionParser::*each)()) {
    const SourceRange first = tokens_.current().at;
    ExprPtr left = (this->*each)();
    if (!tokens_.at(connective)) {
        return left;
    }
    ExprPtr all = node(kind, first);
    all->operands.push_back(std::move(left));
    while (tokens_.accept(connective)) {
        all->operands.push_back((this->*each)());
    }
    all = finish(std::move(all), first);
    return all ? std::move(all) : placeholder();
}

// One operand of `and`: after a mistake in it, goes on behind it.
ExprPtr ExpressionParser::operand() {
    ExprPtr expr = logical_not();
    if (expr) {
        return expr;
    }
    tokens_.skip_to({TokenKind::kw_and, TokenKind::kw_or, TokenKind::comma, TokenKind::paren_close,
                     TokenKind::bracket_close, TokenKind::pipe});
    return placeholder();
}

ExprPtr ExpressionParser::logical_not() {
    if (!tokens_.at(TokenKind::kw_not)) {
        return comparison();
    }
    const TokenStream::DepthGuard depth(tokens_);
    if (!depth) {
        return nullptr;
    }
    const SourceRange first = tokens_.take().at;
    ExprPtr inner = logical_not();
    if (!inner) {
        return nullptr;
    }
    ExprPtr negation = node(ExprKind::logical_not, first);
    negation->operands.push_back(std::move(inner));
    return finish(std::move(negation), first);
}

// ---- comparisons and arithmetic

ExprPtr ExpressionParser::comparison() {
    if (tokens_.at(TokenKind::identifier) && tokens_.following().kind == TokenKind::kw_of) {
        return of_query();
    }
    const SourceRange first = tokens_.current().at;
    ExprPtr left = sum();
    const std::optional<CompareOp> op = compare_op(tokens_.current().kind);
    if (!left || !op) {
        return left;
    }
    if (tokens_.at(TokenKind::assign)) {
        tokens_.error(tokens_.current().at, "'=' does not compare",
                      "write '==' for the very same text, ':' to ignore case and use wildcards");
    }
    tokens_.take();
    ExprPtr right = sum();
    if (!right) {
        return nullptr;
    }
    ExprPtr compare = node(ExprKind::compare, first);
    compare->compare = *op;
    compare->operands.push_back(std::move(left));
    compare->operands.push_back(std::move(right));
    if (compare_op(tokens_.current().kind)) {
        tokens_.error(tokens_.current().at, "comparisons do not chain",
                      "join two comparisons with 'and'");
        return nullptr;
    }
    return finish(std::move(compare), first);
}

ExprPtr ExpressionParser::sum() {
    const SourceRange first = tokens_.current().at;
    ExprPtr left = product();
    while (left) {
        const std::optional<ArithmeticOp> op = sum_op(tokens_.current().kind);
        if (!op) {
            break;
        }
        tokens_.take();
        ExprPtr right = product();
        if (!right) {
            return nullptr;
        }
        ExprPtr both = node(ExprKind::arithmetic, first);
        both->arithmetic = *op;
        both->operands.push_back(std::move(left));
        both->operands.push_back(std::move(right));
        left = finish(std::move(both), first);
    }
    return left;
}

ExprPtr ExpressionParser::product() {
    const SourceRange first = tokens_.current().at;
    ExprPtr left = unary();
    while (left) {
        const std::optional<ArithmeticOp> op = product_op(tokens_.current().kind);
        if (!op) {
            break;
        }
        tokens_.take();
        ExprPtr right = unary();
        if (!right) {
            return nullptr;
        }
        ExprPtr both = node(ExprKind::arithmetic, first);
        both->arithmetic = *op;
        both->operands.push_back(std::move(left));
        both->operands.push_back(std::move(right));
        left = finish(std::move(both), first);
    }
    return left;
}

ExprPtr ExpressionParser::unary() {
    if (!tokens_.at(TokenKind::minus) && !tokens_.at(TokenKind::plus)) {
        return predicate();
    }
    const TokenStream::DepthGuard depth(tokens_);
    if (!depth) {
        return nullptr;
    }
    const Token sign = tokens_.take();
    ExprPtr inner = unary();
    if (!inner || sign.kind == TokenKind::plus) {
        return inner;
    }
    ExprPtr negation = node(ExprKind::negate, sign.at);
    negation->operands.push_back(std::move(inner));
    return finish(std::move(negation), sign.at);
}

// ---- in, like, regex

ExprPtr ExpressionParser::predicate() {
    const SourceRange first = tokens_.current().at;
    ExprPtr left = primary();
    if (!left) {
        return nullptr;
    }
    if (is_in(tokens_.current().kind)) {
        return in_list(std::move(left));
    }
    if (match_op(tokens_.current().kind)) {
        return match(std::move(left));
    }
    if (!tokens_.at(TokenKind::kw_not)) {
        return left;
    }
    if (is_in(tokens_.following().kind)) {
        tokens_.take();
        ExprPtr negation = node(ExprKind::logical_not, first);
        ExprPtr list = in_list(std::move(left));
        if (!list) {
            return nullptr;
        }
        negation->operands.push_back(std::move(list));
        return finish(std::move(negation), first);
    }
    if (match_op(tokens_.following().kind)) {
        tokens_.error(tokens_.current().at,
                      "'not' cannot stand before '" +
                          std::string(tokens_.text_of(tokens_.following().at)) + "'",
                      "only 'not in' is written so: put 'not' before the whole condition");
        return nullptr;
    }
    return left;
}

ExprPtr ExpressionParser::in_list(ExprPtr left) {
    ExprPtr in = node(ExprKind::in_list, left->at);
    const SourceRange first = left->at;
    in->fold_case = tokens_.take().kind == TokenKind::kw_in_fold;
    in->operands.push_back(std::move(left));
    if (!tokens_.at(TokenKind::paren_open)) {
        tokens_.expected("'(' after 'in'", "the right side is a list: field in (\"a\", \"b\")");
        return nullptr;
    }
    if (!list_of(&ExpressionParser::expression, in->operands)) {
        return nullptr;
    }
    return finish(std::move(in), first);
}

ExprPtr ExpressionParser::match(ExprPtr left) {
    const SourceRange first = left->at;
    ExprPtr match = node(ExprKind::match, first);
    const Match op = *match_op(tokens_.take().kind);
    match->match = op.op;
    match->fold_case = op.fold_case;
    match->operands.push_back(std::move(left));
    if (tokens_.at(TokenKind::paren_open)) {
        if (!list_of(&ExpressionParser::match_constant, match->operands)) {
            return nullptr;
        }
    } else {
        ExprPtr pattern = match_constant();
        if (!pattern) {
            return nullptr;
        }
        match->operands.push_back(std::move(pattern));
    }
    return finish(std::move(match), first);
}

ExprPtr ExpressionParser::match_constant() {
    return constant("a constant or a list of constants");
}

// "(" element {"," element} ")", at the "(". After a mistake goes on behind the ")".
bool ExpressionParser::list_of(ExprPtr (ExpressionParser::*element)(), std::vector<ExprPtr>& out) {
    tokens_.take();
    bool good = true;
    if (tokens_.at(TokenKind::paren_close)) {
        tokens_.expected("a value in the list");
        good = false;
    }
    while (good) {
        ExprPtr value = (this->*element)();
        if (!value) {
            good = false;
            break;
        }
        out.push_back(std::move(value));
        if (!tokens_.accept(TokenKind::comma)) {
            break;
        }
        if (tokens_.at(TokenKind::paren_close)) {
            tokens_.expected("a value after ','", "remove the comma after the last value");
            good = false;
        }
    }
    return close_paren(good);
}

// ---- primary expressions

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
    close_paren(true);
    return inner;
}

// At the ")" of a group or list, or at a mistake before it; `good` if nothing was wrong so far.
bool ExpressionParser::close_paren(bool good) {
    if (tokens_.accept(TokenKind::paren_close)) {
        return good;
    }
    if (good) {
        tokens_.expected("')'", tokens_.at(TokenKind::end) || tokens_.at(TokenKind::bracket_close)
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
    } while (tokens_.accept(TokenKind::dot));
    if (tokens_.at(TokenKind::paren_open)) {
        tokens_.error(tokens_.since(first), "a function's name is a plain word",
                      "if a field is meant, an operator is missing after it");
        return nullptr;
    }
    field = finish(std::move(field), first);
    if (tokens_.at(TokenKind::bracket_open) && tokens_.following().kind == TokenKind::integer) {
        array_index();
    }
    return field;
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
               (next == TokenKind::dot || compare_op(next) || match_op(next))) {
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

// ---- nodes

ExprPtr ExpressionParser::node(ExprKind kind, SourceRange first) {
    auto expr = std::make_unique<Expr>();
    expr->kind = kind;
    expr->at = first;
    return expr;
}

ExprPtr ExpressionParser::finish(ExprPtr expr, SourceRange first) {
    expr->at = tokens_.since(first);
    std::uint32_t below = 0;
    for (const ExprPtr& operand : expr->operands) {
        below = std::max(below, operand->height);
    }
    if (expr->subquery && expr->subquery->where) {
        below = std::max(below, expr->subquery->where->height);
    }
    expr->height = below + 1;
    if (expr->height > kMaxDepth) {
        tokens_.too_deep({first.offset, 1});
        return nullptr;
    }
    return expr;
}

ExprPtr ExpressionParser::placeholder() {
    ExprPtr expr = node(ExprKind::literal, tokens_.current().at);
    expr->literal.kind = LiteralKind::boolean;
    return expr;
}

}  // namespace audisp_eql::detect
