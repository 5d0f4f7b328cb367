// SPDX-License-Identifier: Apache-2.0
// The syntax tree as an s-expression on one line: what tests compare and what a rule's author can
// read to see how a query was understood.
//
//   process where not a == 1 and b : "x*"   ->   (event process (and (not (== a 1)) (like~ b
//   "x*")))
//
// Memory: values. Threads: no state.
#pragma once

#include <string>

#include "detect/eql/ast.hpp"

namespace audisp_eql::detect {

std::string dump(const Query& query);
std::string dump(const Expr& expr);

}  // namespace audisp_eql::detect
