// SPDX-License-Identifier: Apache-2.0
// What to tell whoever wrote something that the grammar does not have: guesses at what was meant,
// from the tokens round the mistake.
//
// Memory: values. Threads: no state.
#pragma once

#include <string>
#include <string_view>

#include "detect/eql/token_stream.hpp"

namespace audisp_eql::detect {

// Could stand between a field and a value.
bool is_test_operator(TokenKind kind);

// Each is the hint for the current token; empty if nothing is likely.
// Behind a whole condition, where 'and', 'or' or the condition's end would do.
std::string hint_behind_condition(const TokenStream& tokens);
// Behind a value in '(' and ')', where `expected` would do.
std::string hint_in_parens(const TokenStream& tokens, std::string_view expected);
// Behind the item of a sequence; `keyed`: it has its own 'by'.
std::string hint_behind_item(const TokenStream& tokens, bool keyed);
// Behind the head of a sequence; `keyed`, `spanned`: it has 'by', 'with maxspan'.
std::string hint_for_first_item(const TokenStream& tokens, bool keyed, bool spanned);
// Where a value should stand.
std::string hint_for_value(const TokenStream& tokens);
// Where only a constant may stand.
std::string hint_for_constant(const TokenStream& tokens);

// "a condition after 'and'": what is missing at the current token.
std::string missing_value(const TokenStream& tokens);

}  // namespace audisp_eql::detect
