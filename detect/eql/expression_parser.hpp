// SPDX-License-Identifier: Apache-2.0
// Conditions, and the event queries that hold them: the part of the grammar in parser.hpp from
// `eventQuery` down.
//
// A mistake in one operand of `and`/`or` does not hide the mistakes in the others: a placeholder
// takes its place. So every function that returns an ExprPtr without saying otherwise returns a
// node, and only TokenStream::failed() tells whether the tree is good.
//
// Memory: the tree owns its text. Threads: none shared.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "detect/eql/ast.hpp"
#include "detect/eql/token_stream.hpp"

namespace audisp_eql::detect {

class ExpressionParser {
  public:
    explicit ExpressionParser(TokenStream& tokens) : tokens_(tokens) {}

    ExprPtr expression();
    EventQuery event_query();
    // expr {"," expr}; `what` names an element in messages
    std::vector<ExprPtr> expression_list(std::string_view what);

  private:
    // Null if there is no expression; that is reported, and the tokens stand where it was noticed.
    ExprPtr logical_not();
    ExprPtr comparison();
    using ArithmeticOpOf = std::optional<ArithmeticOp> (*)(TokenKind);
    ExprPtr arithmetic(ExprPtr (ExpressionParser::*tighter)(), ArithmeticOpOf op_of);
    ExprPtr sum();
    ExprPtr product();
    ExprPtr unary();
    ExprPtr predicate();
    ExprPtr primary();
    // `expected` names it in messages; empty: any value would do.
    ExprPtr constant(std::string_view expected);
    ExprPtr match_constant();
    ExprPtr group();
    ExprPtr call();
    ExprPtr field();
    ExprPtr of_query();

    ExprPtr chain(TokenKind connective, ExprKind kind, ExprPtr (ExpressionParser::*each)());
    ExprPtr logical_and();
    ExprPtr operand();
    ExprPtr in_list(ExprPtr left);
    ExprPtr match(ExprPtr left);
    bool list_of(ExprPtr (ExpressionParser::*element)(), std::vector<ExprPtr>& out);
    bool category(EventQuery& query);
    bool close_paren(SourceRange open, std::string_view expected, bool good);
    bool path_segment(std::string& name);
    void array_index();
    void number(const Token& token, Literal& literal);
    void no_constant(std::string_view expected);

    ExprPtr node(ExprKind kind, SourceRange first);
    // Closes a node: its range and height. Null if it is too high.
    ExprPtr finish(ExprPtr node, SourceRange first);
    ExprPtr placeholder();

    TokenStream& tokens_;
};

}  // namespace audisp_eql::detect
