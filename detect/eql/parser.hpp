// SPDX-License-Identifier: Apache-2.0
// EQL text -> syntax tree, by recursive descent with a depth bound.
//
// Grammar (loosest first; keywords are lower case only):
//   query      = (sequence | sample | eventQuery) { "|" IDENT [ expr {"," expr} ] }
//   eventQuery = ( "any" | IDENT | STRING ) "where" expr
//   sequence   = "sequence" [by] [span] item { item } [ "until" "[" eventQuery "]" [by] ]
//   item       = sub [by] [ "with" "runs" "=" INT ] [ "as" IDENT ]
//   sub        = ( "[" | "![" ) eventQuery "]"
//   sample     = "sample" [by] "[" eventQuery "]" [by] { "[" eventQuery "]" [by] }
//   by         = "by" expr {"," expr}          span = "with" "maxspan" "=" NUMBER UNIT
//   expr  = and {"or" and}     and = not {"and" not}     not = "not" not | cmp
//   cmp   = IDENT "of" sub  |  sum [ ("=="|"!="|"<"|"<="|">"|">=") sum ]
//   sum   = mul {("+"|"-") mul}     mul = unary {("*"|"/"|"%") unary}
//   unary = ("-"|"+") unary | pred
//   pred  = primary [ ["not"] ("in"|"in~") "(" expr {"," expr} ")"
//                   | (":"|"like"|"like~"|"regex"|"regex~") ( const | "(" const {"," const} ")" ) ]
//   primary = const | func "(" [expr {"," expr}] ")" | ["?"] path | "(" expr ")"
//   const = STRING | RAW | NUMBER | "true" | "false" | "null"
//
// Memory: the tree owns its text. Threads: no state between calls.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "detect/eql/ast.hpp"
#include "detect/eql/diagnostic.hpp"

namespace audisp_eql::detect {

// Deeper nesting is an error: the parser and everything that walks the tree recurse. The deepest
// public rule nests 9 levels.
inline constexpr std::size_t kMaxDepth = 200;
// Longer texts are an error. The longest public query has 12 kB.
inline constexpr std::size_t kMaxQueryBytes = 1024 * 1024;

// Parses one query. On error: nullopt, and at least one error in `diagnostics` (ranges are offsets
// into `text`). Never throws for bad input.
std::optional<Query> parse_query(std::string_view text, Diagnostics& diagnostics);

// Parses one condition without category, as exceptions and tests use it.
ExprPtr parse_expression(std::string_view text, Diagnostics& diagnostics);

}  // namespace audisp_eql::detect
