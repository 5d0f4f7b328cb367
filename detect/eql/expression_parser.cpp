// SPDX-License-Identifier: Apache-2.0
#include "detect/eql/expression_parser.hpp"

#include <algorithm>
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
    const SourceRange first = tokens_.current().at;
    const TokenStream::DepthGuard depth(tokens_);
    if (!depth || !category(query)) {
        return query;
    }
    if (!tokens_.accept(TokenKind::kw_where)) {
        tokens_.expected("'where' after the event category",
                         "an event query reads: process where …, or: any where …", {"where"});
        return query;
    }
    if (tokens_.at(TokenKind::end) || tokens_.at(TokenKind::bracket_close) ||
        tokens_.at(TokenKind::pipe)) {
        tokens_.expected("a condition after 'where'", "'where true' takes every event");
        return query;
    }
    query.where = expression();
    query.at = tokens_.since(first);
    return query;
}

// False if there is none to go on behind.
bool ExpressionParser::category(EventQuery& query) {
    if (tokens_.accept(TokenKind::kw_any)) {
        query.any = true;
    } else if (tokens_.at(TokenKind::identifier) || tokens_.at(TokenKind::text)) {
        const Token name = tokens_.take();
        query.category = name.text;
        if (name.text.empty()) {
            tokens_.error(name.at, "the event category is empty",
                          "write 'any where …' for events of every category");
        }
    } else if (tokens_.at(TokenKind::kw_where)) {
        tokens_.expected("an event category before 'where'",
                         "write 'any where …' for events of every category");
    } else {
        tokens_.expected("an event category",
                         "an event query reads: process where …, or: any where …");
        return false;
    }
    return true;
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

// TIGHTER (OP TIGHTER)*, the leftmost first.
ExprPtr ExpressionParser::arithmetic(ExprPtr (ExpressionParser::*tighter)(), ArithmeticOpOf op_of) {
    const SourceRange first = tokens_.current().at;
    ExprPtr left = (this->*tighter)();
    while (left) {
        const std::optional<ArithmeticOp> op = op_of(tokens_.current().kind);
        if (!op) {
            break;
        }
        tokens_.take();
        ExprPtr right = (this->*tighter)();
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

ExprPtr ExpressionParser::sum() {
    return arithmetic(&ExpressionParser::product, sum_op);
}

ExprPtr ExpressionParser::product() {
    return arithmetic(&ExpressionParser::unary, product_op);
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
    if (compare_op(tokens_.following().kind)) {
        tokens_.error(tokens_.current().at, "'not' cannot stand before a comparison's sign",
                      "write '!=', or put 'not' before the whole condition");
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
    const SourceRange open = tokens_.take().at;
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
    return close_paren(open, "',' or ')'", good);
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
