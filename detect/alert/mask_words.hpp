// SPDX-License-Identifier: Apache-2.0
// Secrets among the words of commands; a part of masking.
//
// Memory: values. Threads: no state.
#pragma once

#include <string>
#include <string_view>

namespace audisp_eql::detect {

// The text as shell commands, quoted words being texts of their own. `depth`: of the quotes.
std::string mask_commands(std::string_view text, unsigned depth);
// Names with their values, addresses, tokens; words have no meaning.
std::string mask_pairs(std::string_view text);

}  // namespace audisp_eql::detect
