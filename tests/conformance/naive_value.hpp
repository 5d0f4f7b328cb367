// SPDX-License-Identifier: Apache-2.0
// Values, comparison, wildcards and functions of the naive evaluator. See naive.hpp.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "tests/conformance/naive.hpp"

namespace audisp_eql::naive {

bool is_null(const Value& value);
bool is_true(const Value& value);

// What kind of field a value came from decides how it compares.
enum class Kind { plain, id, ip };
Kind kind_of(const std::string& field);

// -1, 0, 1; nullopt: the two do not compare (types differ, or one is null).
std::optional<int> compare(const Value& left, const Value& right, Kind kind);

bool wildcard(const std::string& pattern, const std::string& text, bool fold);
bool regex(const std::string& pattern, const std::string& text, bool fold);

Value arithmetic(detect::ArithmeticOp op, const Value& left, const Value& right);
Value call(const std::string& name, bool fold, const std::vector<Value>& arguments);

std::string folded(std::string text);

}  // namespace audisp_eql::naive
