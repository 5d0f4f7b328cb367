// SPDX-License-Identifier: Apache-2.0
#include "detect/eql/predicate_function.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>

#include "detect/eql/predicate_value.hpp"
#include "detect/text/cidr.hpp"
#include "detect/text/fold.hpp"
#include "detect/text/real.hpp"
#include "detect/text/utf8.hpp"

namespace audisp_eql::detect {

namespace {

using Arguments = std::span<const MaybeValue>;
using Arena = std::pmr::memory_resource;

constexpr std::size_t kNowhere = std::string_view::npos;

MaybeValue keep(std::string_view text, Arena& arena) {
    if (text.size() > kMaxMadeText)
        return std::nullopt;
    if (text.empty())
        return Value::text({});
    auto* const bytes = static_cast<char*>(arena.allocate(text.size(), 1));
    std::memcpy(bytes, text.data(), text.size());
    return Value::text({bytes, text.size()});
}

bool all_texts(Arguments arguments) {
    return std::all_of(arguments.begin(), arguments.end(),
                       [](const MaybeValue& value) { return value && value->is_text(); });
}

std::size_t find(std::string_view text, std::string_view part, std::size_t from, bool folded) {
    if (!folded)
        return text.find(part, from);
    if (from > text.size())
        return kNowhere;
    const auto at =
        std::search(text.begin() + static_cast<std::ptrdiff_t>(from), text.end(), part.begin(),
                    part.end(), [](char a, char b) { return fold(a) == fold(b); });
    if (at == text.end() && !part.empty())
        return kNowhere;
    return static_cast<std::size_t>(at - text.begin());
}

std::size_t find_last(std::string_view text, std::string_view part, bool folded) {
    if (!folded)
        return text.rfind(part);
    const auto at = std::find_end(text.begin(), text.end(), part.begin(), part.end(),
                                  [](char a, char b) { return fold(a) == fold(b); });
    return at == text.end() ? kNowhere : static_cast<std::size_t>(at - text.begin());
}

// Byte offset of character number `index`; the end for what lies beyond.
std::size_t offset_of_character(std::string_view text, std::int64_t index) {
    std::size_t offset = 0;
    while (index > 0 && offset < text.size()) {
        offset += character_length(text, offset);
        --index;
    }
    return offset;
}

std::optional<std::int64_t> whole_number(const MaybeValue& value) {
    if (value && value->kind() == ValueKind::integer)
        return value->as_integer();
    return std::nullopt;
}

// --- texts ------------------------------------------------------------------------------------

MaybeValue starts_with(Arguments arguments, bool folded, Arena&) {
    if (!all_texts(arguments))
        return std::nullopt;
    return Value::boolean(
        text_has(Affix::prefix, arguments[0]->as_text(), arguments[1]->as_text(), folded));
}

MaybeValue ends_with(Arguments arguments, bool folded, Arena&) {
    if (!all_texts(arguments))
        return std::nullopt;
    return Value::boolean(
        text_has(Affix::suffix, arguments[0]->as_text(), arguments[1]->as_text(), folded));
}

MaybeValue string_contains(Arguments arguments, bool folded, Arena&) {
    if (!all_texts(arguments))
        return std::nullopt;
    return Value::boolean(
        text_has(Affix::inside, arguments[0]->as_text(), arguments[1]->as_text(), folded));
}

MaybeValue length(Arguments arguments, bool, Arena&) {
    if (!all_texts(arguments))
        return std::nullopt;
    return Value::integer(static_cast<std::int64_t>(count_characters(arguments[0]->as_text())));
}

// indexOf(text, part[, start]); a missing or null start is 0.
MaybeValue index_of(Arguments arguments, bool folded, Arena&) {
    if (!all_texts(arguments.first(2)))
        return std::nullopt;
    std::int64_t start = 0;
    if (arguments.size() > 2 && arguments[2]) {
        const auto number = whole_number(arguments[2]);
        if (!number)
            return std::nullopt;
        start = std::max<std::int64_t>(0, *number);
    }
    const std::string_view text = arguments[0]->as_text();
    const std::size_t at =
        find(text, arguments[1]->as_text(), offset_of_character(text, start), folded);
    if (at == kNowhere)
        return std::nullopt;
    return Value::integer(static_cast<std::int64_t>(count_characters(text.substr(0, at))));
}

// substring(text, start[, end]): Python's slices; null bounds are open.
MaybeValue substring(Arguments arguments, bool, Arena&) {
    if (!all_texts(arguments.first(1)))
        return std::nullopt;
    const std::string_view text = arguments[0]->as_text();
    const auto count = static_cast<std::int64_t>(count_characters(text));
    std::array<std::int64_t, 2> bounds{0, count};
    for (std::size_t i = 0; i < 2; ++i) {
        if (i + 1 >= arguments.size() || !arguments[i + 1])
            continue;
        const auto bound = whole_number(arguments[i + 1]);
        if (!bound)
            return std::nullopt;
        const std::int64_t from_start = *bound < 0 ? *bound + count : *bound;
        bounds[i] = std::clamp<std::int64_t>(from_start, 0, count);
    }
    if (bounds[0] >= bounds[1])
        return Value::text({});
    const std::size_t begin = offset_of_character(text, bounds[0]);
    const std::size_t end = begin + offset_of_character(text.substr(begin), bounds[1] - bounds[0]);
    return Value::text(text.substr(begin, end - begin));
}

// between(text, left, right[, greedy]); an empty text on any side gives the whole text, as
// Elasticsearch's own tests have it.
MaybeValue between(Arguments arguments, bool folded, Arena&) {
    if (!all_texts(arguments.first(3)))
        return std::nullopt;
    bool greedy = false;
    if (arguments.size() > 3) {
        if (!arguments[3] || arguments[3]->kind() != ValueKind::boolean)
            return std::nullopt;
        greedy = arguments[3]->as_boolean();
    }
    const std::string_view text = arguments[0]->as_text();
    const std::string_view left = arguments[1]->as_text();
    const std::string_view right = arguments[2]->as_text();
    if (text.empty() || left.empty() || right.empty())
        return arguments[0];
    const std::size_t at = find(text, left, 0, folded);
    if (at == kNowhere)
        return std::nullopt;
    const std::string_view rest = text.substr(at + left.size());
    const std::size_t end = greedy ? find_last(rest, right, folded) : find(rest, right, 0, folded);
    if (end == kNowhere)
        return std::nullopt;
    return Value::text(rest.substr(0, end));
}

MaybeValue concat(Arguments arguments, bool, Arena& arena) {
    std::string text;
    for (const MaybeValue& argument : arguments) {
        if (!argument)
            return std::nullopt;
        append_text(text, *argument);
        if (text.size() > kMaxMadeText)
            return std::nullopt;
    }
    return keep(text, arena);
}

MaybeValue string(Arguments arguments, bool, Arena& arena) {
    if (!arguments[0] || arguments[0]->is_text())
        return arguments[0];
    std::string text;
    append_text(text, *arguments[0]);
    return keep(text, arena);
}

// --- numbers ----------------------------------------------------------------------------------

MaybeValue parse_whole(std::string_view text, int base) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
    if (error != std::errc{} || end != text.data() + text.size())
        return std::nullopt;
    return Value::integer(number);
}

// number(text[, base]): "0x…" is hexadecimal where no other base is given.
MaybeValue number(Arguments arguments, bool, Arena&) {
    if (!all_texts(arguments.first(1)))
        return std::nullopt;
    std::string_view text = arguments[0]->as_text();
    std::optional<std::int64_t> base;
    if (arguments.size() > 1 && arguments[1]) {
        base = whole_number(arguments[1]);
        if (!base || *base < 2 || *base > 36)
            return std::nullopt;
    }
    if (base.value_or(16) == 16 && (text.starts_with("0x") || text.starts_with("0X"))) {
        text.remove_prefix(2);
        return text.starts_with('-') ? std::nullopt : parse_whole(text, 16);
    }
    if (base)
        return parse_whole(text, static_cast<int>(*base));
    if (const MaybeValue whole = parse_whole(text, 10))
        return whole;
    const std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
    if (digits.empty() || !((digits[0] >= '0' && digits[0] <= '9') || digits[0] == '.'))
        return std::nullopt;  // not "inf" and "nan"
    const std::optional<double> real = parse_real(text);
    return real ? MaybeValue(Value::real(*real)) : std::nullopt;
}

bool is_number(const Value& value) {
    return value.kind() == ValueKind::integer || value.kind() == ValueKind::real;
}

double to_real(const Value& value) {
    return value.kind() == ValueKind::integer ? static_cast<double>(value.as_integer())
                                              : value.as_real();
}

template <MaybeValue (*operation)(const Value&, const Value&)>
MaybeValue apply(Arguments arguments, bool, Arena&) {
    if (!arguments[0] || !arguments[1])
        return std::nullopt;
    return operation(*arguments[0], *arguments[1]);
}

// Both whole, or both as reals.
template <typename Whole, typename Real>
MaybeValue arithmetic(const Value& left, const Value& right, Whole&& whole, Real&& real) {
    if (!is_number(left) || !is_number(right))
        return std::nullopt;
    if (left.kind() == ValueKind::integer && right.kind() == ValueKind::integer)
        return whole(left.as_integer(), right.as_integer());
    return real(to_real(left), to_real(right));
}

MaybeValue finite(double number) {
    return std::isfinite(number) ? MaybeValue(Value::real(number)) : std::nullopt;
}

MaybeValue cidr_match(Arguments arguments, bool, Arena&) {
    if (!all_texts(arguments))
        return std::nullopt;
    const auto address = IpAddress::parse(arguments[0]->as_text());
    if (!address)
        return Value::boolean(false);
    for (const MaybeValue& block : arguments.subspan(1)) {
        CidrSet one;
        if (one.add(block->as_text()) && one.contains(*address))
            return Value::boolean(true);
    }
    return Value::boolean(false);
}

// Rows in the order of the Elasticsearch documentation: by name.
constexpr std::array kRows{
    FunctionRow{"add", "nn", 2, false, false, ValueType::number, apply<add>},
    FunctionRow{"between", "tttb", 3, false, true, ValueType::text, between},
    FunctionRow{"cidrMatch", "at", 2, true, false, ValueType::boolean, cidr_match},
    FunctionRow{"concat", "v", 1, true, false, ValueType::text, concat},
    FunctionRow{"divide", "nn", 2, false, false, ValueType::number, apply<divide>},
    FunctionRow{"endsWith", "tt", 2, false, true, ValueType::boolean, ends_with},
    FunctionRow{"indexOf", "ttn", 2, false, true, ValueType::number, index_of},
    FunctionRow{"length", "t", 1, false, false, ValueType::number, length},
    FunctionRow{"modulo", "nn", 2, false, false, ValueType::number, apply<modulo>},
    FunctionRow{"multiply", "nn", 2, false, false, ValueType::number, apply<multiply>},
    FunctionRow{"number", "tn", 1, false, false, ValueType::number, number},
    FunctionRow{"startsWith", "tt", 2, false, true, ValueType::boolean, starts_with},
    FunctionRow{"string", "v", 1, false, false, ValueType::text, string},
    FunctionRow{"stringContains", "tt", 2, false, true, ValueType::boolean, string_contains},
    FunctionRow{"substring", "tnn", 2, false, false, ValueType::text, substring},
    FunctionRow{"subtract", "nn", 2, false, false, ValueType::number, apply<subtract>},
};

}  // namespace

std::string_view to_string(ValueType type) {
    switch (type) {
        case ValueType::any:
            return "any value";
        case ValueType::null:
            return "null";
        case ValueType::boolean:
            return "true or false";
        case ValueType::number:
            return "a number";
        case ValueType::text:
            return "a string";
        case ValueType::address:
            return "an IP address";
        case ValueType::date:
            return "a date";
    }
    return {};
}

std::span<const FunctionRow> function_rows() {
    return kRows;
}

const FunctionRow* find_function(std::string_view name) {
    const auto row = std::find_if(kRows.begin(), kRows.end(), [&](const FunctionRow& candidate) {
        return equal_folded(candidate.name, name);
    });
    return row == kRows.end() ? nullptr : &*row;
}

MaybeValue add(const Value& left, const Value& right) {
    return arithmetic(
        left, right,
        [](std::int64_t a, std::int64_t b) -> MaybeValue {
            std::int64_t sum = 0;
            return __builtin_add_overflow(a, b, &sum) ? std::nullopt
                                                      : MaybeValue(Value::integer(sum));
        },
        [](double a, double b) { return finite(a + b); });
}

MaybeValue subtract(const Value& left, const Value& right) {
    return arithmetic(
        left, right,
        [](std::int64_t a, std::int64_t b) -> MaybeValue {
            std::int64_t difference = 0;
            return __builtin_sub_overflow(a, b, &difference)
                       ? std::nullopt
                       : MaybeValue(Value::integer(difference));
        },
        [](double a, double b) { return finite(a - b); });
}

MaybeValue multiply(const Value& left, const Value& right) {
    return arithmetic(
        left, right,
        [](std::int64_t a, std::int64_t b) -> MaybeValue {
            std::int64_t product = 0;
            return __builtin_mul_overflow(a, b, &product) ? std::nullopt
                                                          : MaybeValue(Value::integer(product));
        },
        [](double a, double b) { return finite(a * b); });
}

namespace {
bool can_divide(std::int64_t a, std::int64_t b) {
    return b != 0 && !(a == std::numeric_limits<std::int64_t>::min() && b == -1);
}
}  // namespace

MaybeValue divide(const Value& left, const Value& right) {
    return arithmetic(
        left, right,
        [](std::int64_t a, std::int64_t b) {
            return can_divide(a, b) ? MaybeValue(Value::integer(a / b)) : std::nullopt;
        },
        [](double a, double b) { return finite(a / b); });
}

MaybeValue modulo(const Value& left, const Value& right) {
    return arithmetic(
        left, right,
        [](std::int64_t a, std::int64_t b) {
            return can_divide(a, b) ? MaybeValue(Value::integer(a % b)) : std::nullopt;
        },
        [](double a, double b) { return finite(std::fmod(a, b)); });
}

MaybeValue negate(const Value& operand) {
    if (operand.kind() == ValueKind::real)
        return Value::real(-operand.as_real());
    return subtract(Value::integer(0), operand);
}

}  // namespace audisp_eql::detect
