// SPDX-License-Identifier: Apache-2.0
// What to tell whoever wrote a name, a value or a call that means nothing: guesses at what was
// meant.
//
// Memory: values. Threads: no state.
#pragma once

#include <string>
#include <string_view>

#include "detect/eql/ast.hpp"
#include "detect/eql/predicate_function.hpp"
#include "detect/event/field_table.hpp"

namespace audisp_eql::detect {

// Of a field that is not in the field table.
std::string hint_for_unknown_field(std::string_view name);
// What a call reads like: "startsWith(string, string)".
std::string signature(const FunctionRow& function);
// Of a constant that a field of another type is compared with.
std::string hint_for_mismatch(ValueType field, const Literal& literal);
// The value that was probably meant where ECS knows all values of the field (event.type, …) and
// this is none of them; empty where anything may stand or nothing is near.
std::string_view meant_value(FieldId field, std::string_view value);
// The event category that was probably meant; empty if ECS has this one, or none like it.
std::string_view meant_category(std::string_view category);

// What means something in other regular expressions and is an ordinary character in Lucene's: an
// anchor, '\\b' and the like. Empty if there is nothing of the kind.
std::string odd_in_regex(std::string_view pattern);
// Of a regular expression that is not understood.
std::string hint_for_regex(std::string_view pattern);

}  // namespace audisp_eql::detect
