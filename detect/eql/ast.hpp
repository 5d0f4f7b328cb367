// SPDX-License-Identifier: Apache-2.0
// The syntax tree of an EQL query, as written: no field ids, no folding, no types.
//
// Memory: a tree of unique_ptr, owned from the root; its depth is bounded by the parser
// (kMaxDepth), so that recursion over it is safe. Threads: read-only once parsed.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "detect/eql/diagnostic.hpp"

namespace audisp_eql::detect {

enum class LiteralKind : std::uint8_t { null, boolean, integer, real, text };

struct Literal {
    LiteralKind kind = LiteralKind::null;
    bool boolean = false;
    std::int64_t integer = 0;
    double real = 0;
    std::string text;  // escapes resolved
};

enum class ExprKind : std::uint8_t {
    literal,     // literal
    field,       // name (dotted path), optional (?name)
    call,        // name (as written, without '~'), fold_case ('~' form), operands: arguments
    negate,      // unary minus of operands[0]
    arithmetic,  // arithmetic operator, operands[0], operands[1]
    compare,     // compare operator, operands[0], operands[1]
    in_list,     // operands[0] in (operands[1…]); fold_case: in~
    match,       // operands[0] `match` (operands[1…]), constants; fold_case: ':', like~, regex~
    logical_not,
    logical_and,  // two or more operands
    logical_or,   // two or more operands
    of_query,     // name ('descendant', 'child', 'event') of [subquery]
};

enum class CompareOp : std::uint8_t { equal, not_equal, less, less_equal, greater, greater_equal };
enum class ArithmeticOp : std::uint8_t { add, subtract, multiply, divide, modulo };
enum class MatchOp : std::uint8_t { like, regex };

struct EventQuery;

struct Expr {
    ExprKind kind = ExprKind::literal;
    SourceRange at;
    std::uint32_t height = 1;  // nodes on the longest way down, this one included; <= kMaxDepth

    Literal literal;
    std::string name;
    bool optional = false;
    bool fold_case = false;
    CompareOp compare = CompareOp::equal;
    ArithmeticOp arithmetic = ArithmeticOp::add;
    MatchOp match = MatchOp::like;
    std::vector<std::unique_ptr<Expr>> operands;
    std::unique_ptr<EventQuery> subquery;
};
using ExprPtr = std::unique_ptr<Expr>;

// `not in` is logical_not over in_list: negation lies outside the any-of either way.

struct EventQuery {
    bool any = false;      // "any where"
    std::string category;  // else the category's name
    ExprPtr where;
    SourceRange at;  // begins at the category
};

struct SequenceItem {
    EventQuery query;
    bool missing = false;     // ![…]
    std::vector<ExprPtr> by;  // the item's own keys
    std::uint32_t runs = 1;   // with runs=N
    std::string alias;        // as NAME
    SourceRange at;
};

enum class QueryKind : std::uint8_t { event, sequence, sample };

struct Pipe {
    std::string name;
    std::vector<ExprPtr> arguments;
    SourceRange at;
};

struct Query {
    QueryKind kind = QueryKind::event;
    EventQuery event;         // kind event
    std::vector<ExprPtr> by;  // kind sequence, sample
    std::optional<std::int64_t> maxspan_ns;
    SourceRange maxspan_at;
    std::vector<SequenceItem> items;
    std::optional<SequenceItem> until;
    std::vector<Pipe> pipes;
};

}  // namespace audisp_eql::detect
