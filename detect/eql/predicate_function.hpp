// SPDX-License-Identifier: Apache-2.0
// EQL's functions: one row each, so that the checker, the evaluator and the documentation say the
// same. Names are case-insensitive; a null argument gives null unless a row's function says else.
//
// Memory: results that are new texts lie in the caller's arena. Threads: no state.
#pragma once

#include <cstddef>
#include <memory_resource>
#include <optional>
#include <span>
#include <string_view>

#include "detect/event/value.hpp"

namespace audisp_eql::detect {

// The value of an expression; nullopt is EQL's null.
using MaybeValue = std::optional<Value>;

// What an expression can be; `any` where only the event decides.
enum class ValueType : std::uint8_t { any, null, boolean, number, text, address, date };
std::string_view to_string(ValueType type);

struct FunctionRow {
    std::string_view name;       // as Elasticsearch writes it
    std::string_view arguments;  // one letter each: t text, n number, b boolean, a address, v any
    std::size_t required;        // fewest arguments
    bool repeats;                // the last argument may be repeated
    bool folds;                  // has a '~' form
    ValueType result;
    MaybeValue (*evaluate)(std::span<const MaybeValue> arguments, bool fold,
                           std::pmr::memory_resource& arena);

    // The letter of argument number `index`, from 0.
    char argument(std::size_t index) const {
        return index < arguments.size() ? arguments[index] : arguments.back();
    }
};

std::span<const FunctionRow> function_rows();
// Null if there is none of that name.
const FunctionRow* find_function(std::string_view name);

// The arithmetic operators; null for what is not a number, overflow and division by zero.
MaybeValue add(const Value& left, const Value& right);
MaybeValue subtract(const Value& left, const Value& right);
MaybeValue multiply(const Value& left, const Value& right);
MaybeValue divide(const Value& left, const Value& right);
MaybeValue modulo(const Value& left, const Value& right);
MaybeValue negate(const Value& operand);

// Texts that an expression makes are cut off (null) beyond this: a command line has at most 2 MB.
inline constexpr std::size_t kMaxMadeText = 8 * 1024 * 1024;

}  // namespace audisp_eql::detect
