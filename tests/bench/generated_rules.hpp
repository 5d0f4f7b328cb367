// SPDX-License-Identifier: Apache-2.0
// Rules in the shapes of the public ones, made up: how many are sequences, which fields they test
// in which form and how long their lists are follows counts over 649 public Linux rules (given
// beside each share); the words and values are our own. As with real rules, ordinary work meets
// the names, paths and flags that they mention all the time, and hardly ever a whole rule. The same
// seed gives the same rules from the same compiler.
//
// Memory: values. Threads: no state.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "detect/rule/rule_set.hpp"

namespace audisp_eql::bench {

// `count` rule files in TOML; the first n of them do not depend on `count`.
std::vector<detect::RuleSource> generated_rules(std::size_t count, std::uint64_t seed = 1);

}  // namespace audisp_eql::bench
