// SPDX-License-Identifier: Apache-2.0
// Clues: texts of which an event must show one in some field for a condition to hold. Rules are
// found by them, instead of being tried one by one.
//
// Memory: values. Threads: no state.
#pragma once

#include <vector>

#include "detect/eql/compiler.hpp"
#include "detect/eql/predicate.hpp"
#include "detect/text/wildcard.hpp"

namespace audisp_eql::detect {

struct Clue {
    FieldId field;
    RequiredText required;  // case aside; of any value of the field
};
// An event that shows none of these does not meet the condition.
using Clues = std::vector<Clue>;

// Several lists, one for each part of the condition that gives one; none if the condition may hold
// without any text (negations give no clue: they hold for events without the field).
std::vector<Clues> clues_of(const Condition& condition, const PredicateTable& predicates);

}  // namespace audisp_eql::detect
