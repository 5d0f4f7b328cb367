// SPDX-License-Identifier: Apache-2.0
#include "detect/eql/predicate_value.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

#include "detect/text/fold.hpp"
#include "detect/text/time_text.hpp"

namespace audisp_eql::detect {

namespace {

constexpr std::int64_t kMicrosPerMilli = 1000;

bool is_number(const Value& value) {
    return value.kind() == ValueKind::integer || value.kind() == ValueKind::real;
}

// Exact for every pair: a 64 bit integer need not fit a double.
std::partial_ordering compare_mixed(std::int64_t whole, double real) {
    if (std::isnan(real))
        return std::partial_ordering::unordered;
    constexpr double kBeyond = 9223372036854775808.0;  // 2^63
    if (real >= kBeyond)
        return std::partial_ordering::less;
    if (real < -kBeyond)
        return std::partial_ordering::greater;
    const double truncated = std::trunc(real);
    const auto as_whole = static_cast<std::int64_t>(truncated);
    if (whole != as_whole)
        return whole <=> as_whole;
    return 0.0 <=> real - truncated;
}

std::partial_ordering reversed(std::partial_ordering order) {
    return 0 <=> order;
}

std::partial_ordering compare_numbers(const Value& left, const Value& right) {
    const bool whole_left = left.kind() == ValueKind::integer;
    const bool whole_right = right.kind() == ValueKind::integer;
    if (whole_left && whole_right)
        return left.as_integer() <=> right.as_integer();
    if (whole_left)
        return compare_mixed(left.as_integer(), right.as_real());
    if (whole_right)
        return reversed(compare_mixed(right.as_integer(), left.as_real()));
    return left.as_real() <=> right.as_real();
}

// "1000" as a number, if that is its canonical decimal text.
std::optional<std::int64_t> canonical_whole(std::string_view text) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size())
        return std::nullopt;
    const bool leading_zero = text.size() > 1 && (text[0] == '0' || text.starts_with("-0"));
    return leading_zero ? std::nullopt : std::optional(number);
}

std::partial_ordering compare_id(std::string_view text, const Value& number) {
    const auto whole = canonical_whole(text);
    return whole ? compare_numbers(Value::integer(*whole), number)
                 : std::partial_ordering::unordered;
}

std::optional<std::int64_t> as_date(const Value& value) {
    if (value.kind() == ValueKind::date)
        return value.as_integer();
    if (value.kind() == ValueKind::integer) {
        std::int64_t micros = 0;
        if (__builtin_mul_overflow(value.as_integer(), kMicrosPerMilli, &micros))
            return std::nullopt;
        return micros;
    }
    return value.is_text() ? parse_iso_time(value.as_text()) : std::nullopt;
}

std::partial_ordering compare_texts(std::string_view left, std::string_view right,
                                    CompareMode mode) {
    if (mode.address) {
        const auto a = IpAddress::parse(left);
        const auto b = IpAddress::parse(right);
        if (a && b)
            return std::memcmp(a->bytes().data(), b->bytes().data(), a->bytes().size()) <=> 0;
    }
    return left <=> right;  // byte order is code point order in UTF-8
}

}  // namespace

std::partial_ordering compare_values(const Value& left, const Value& right, CompareMode mode) {
    if (left.is_text() && right.is_text())
        return compare_texts(left.as_text(), right.as_text(), mode);
    if (is_number(left) && is_number(right))
        return compare_numbers(left, right);
    if (left.kind() == ValueKind::date || right.kind() == ValueKind::date) {
        const auto a = as_date(left);
        const auto b = as_date(right);
        return a && b ? std::partial_ordering(*a <=> *b) : std::partial_ordering::unordered;
    }
    if (left.kind() == ValueKind::boolean && right.kind() == ValueKind::boolean)
        return left.as_boolean() == right.as_boolean() ? std::partial_ordering::equivalent
                                                       : std::partial_ordering::unordered;
    if (mode.id && left.is_text() && is_number(right))
        return compare_id(left.as_text(), right);
    if (mode.id && is_number(left) && right.is_text())
        return reversed(compare_id(right.as_text(), left));
    return std::partial_ordering::unordered;
}

bool holds(CompareOp op, std::partial_ordering order) {
    switch (op) {
        case CompareOp::equal:
            return order == 0;
        case CompareOp::not_equal:
            return order != 0;
        case CompareOp::less:
            return order < 0;
        case CompareOp::less_equal:
            return order <= 0;
        case CompareOp::greater:
            return order > 0;
        case CompareOp::greater_equal:
            return order >= 0;
    }
    return false;
}

namespace {

// As Java's Double.toString, which Elasticsearch uses: 1.0, 0.25, 1.5E10.
void append_real(std::string& out, double real) {
    char buffer[32];
    const double size = std::fabs(real);
    const bool plain = size == 0 || (size >= 1e-3 && size < 1e7);
    const auto format = plain ? std::chars_format::fixed : std::chars_format::scientific;
    const auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, real, format);
    std::string_view digits(buffer, static_cast<std::size_t>(end - buffer));
    if (plain) {
        out += digits;
        if (digits.find('.') == std::string_view::npos)
            out += ".0";
        return;
    }
    const std::size_t exponent = digits.find('e');
    const std::string_view mantissa = digits.substr(0, exponent);
    out += mantissa;
    if (mantissa.find('.') == std::string_view::npos)
        out += ".0";
    out += 'E';
    std::string_view power = digits.substr(exponent + 1);
    if (power.starts_with('-'))
        out += '-';
    power.remove_prefix(1);
    while (power.size() > 1 && power.starts_with('0'))
        power.remove_prefix(1);
    out += power;
}

}  // namespace

void append_text(std::string& out, const Value& value) {
    switch (value.kind()) {
        case ValueKind::text:
            out += value.as_text();
            return;
        case ValueKind::integer:
            out += std::to_string(value.as_integer());
            return;
        case ValueKind::real:
            append_real(out, value.as_real());
            return;
        case ValueKind::boolean:
            out += value.as_boolean() ? "true" : "false";
            return;
        case ValueKind::date:
            append_iso_time(out, value.as_integer());
            return;
    }
}

bool text_has(Affix where, std::string_view text, std::string_view part, bool fold_case) {
    if (text.size() < part.size())
        return false;
    const auto equal = [&](std::string_view a) {
        return fold_case ? equal_folded(a, part) : a == part;
    };
    switch (where) {
        case Affix::prefix:
            return equal(text.substr(0, part.size()));
        case Affix::suffix:
            return equal(text.substr(text.size() - part.size()));
        case Affix::inside:
            break;
    }
    if (part.empty())
        return false;
    if (!fold_case)
        return text.find(part) != std::string_view::npos;
    return std::search(text.begin(), text.end(), part.begin(), part.end(),
                       [](char a, char b) { return fold(a) == fold(b); }) != text.end();
}

Constant::Constant(const Literal& literal) : literal_(literal) {}

std::optional<Value> Constant::value() const {
    switch (literal_.kind) {
        case LiteralKind::null:
            return std::nullopt;
        case LiteralKind::boolean:
            return Value::boolean(literal_.boolean);
        case LiteralKind::integer:
            return Value::integer(literal_.integer);
        case LiteralKind::real:
            return Value::real(literal_.real);
        case LiteralKind::text:
            return Value::text(literal_.text);
    }
    return std::nullopt;
}

namespace {

std::optional<std::int64_t> as_whole(double real) {
    constexpr double kBeyond = 9223372036854775808.0;  // 2^63
    if (std::trunc(real) != real || real >= kBeyond || real < -kBeyond)
        return std::nullopt;
    return static_cast<std::int64_t>(real);
}

template <typename T>
bool has(const std::vector<T>& sorted, T value) {
    return std::binary_search(sorted.begin(), sorted.end(), value);
}

}  // namespace

EqualTest::EqualTest(const std::vector<Literal>& literals, CompareMode mode) {
    for (const Literal& literal : literals) {
        const Constant constant(literal);
        const auto value = constant.value();
        if (!value)
            continue;
        if (value->kind() == ValueKind::boolean) {
            accepts_[value->as_boolean() ? 1 : 0] = true;
            continue;
        }
        if (const auto date = as_date(*value))
            dates_.push_back(*date);
        if (value->is_text())
            add_text(literal.text, mode);
        else
            add_number(*value, mode);
    }
    std::sort(wholes_.begin(), wholes_.end());
    std::sort(reals_.begin(), reals_.end());
    std::sort(dates_.begin(), dates_.end());
}

void EqualTest::add_number(const Value& number, CompareMode mode) {
    const auto whole = number.kind() == ValueKind::integer ? std::optional(number.as_integer())
                                                           : as_whole(number.as_real());
    if (!whole) {
        reals_.push_back(number.as_real());
        return;
    }
    wholes_.push_back(*whole);
    if (mode.id)
        texts_.add(std::to_string(*whole));
}

void EqualTest::add_text(std::string_view text, CompareMode mode) {
    texts_.add(text);
    if (mode.id) {
        if (const auto whole = canonical_whole(text))
            wholes_.push_back(*whole);
    }
    if (!mode.address)
        return;
    if (const auto address = IpAddress::parse(text))
        addresses_.push_back(*address);
    else if (blocks_.add(text))
        has_blocks_ = true;
}

bool EqualTest::matches(const Value& value) const {
    switch (value.kind()) {
        case ValueKind::text:
            return matches_text(value.as_text());
        case ValueKind::integer:
        case ValueKind::real:
            return matches_number(value);
        case ValueKind::boolean:
            return accepts_[value.as_boolean() ? 1 : 0];
        case ValueKind::date:
            return has(dates_, value.as_integer());
    }
    return false;
}

bool EqualTest::matches_number(const Value& value) const {
    if (value.kind() == ValueKind::integer)
        return has(wholes_, value.as_integer());
    const auto whole = as_whole(value.as_real());
    return whole ? has(wholes_, *whole) : has(reals_, value.as_real());
}

bool EqualTest::matches_text(std::string_view text) const {
    if (texts_.contains(text))
        return true;
    if (addresses_.empty() && !has_blocks_)
        return false;
    const auto address = IpAddress::parse(text);
    if (!address)
        return false;
    return std::find(addresses_.begin(), addresses_.end(), *address) != addresses_.end() ||
           blocks_.contains(*address);
}

std::optional<std::vector<RequiredText>> EqualTest::required() const {
    // Numbers, dates and addresses have more spellings than one.
    if (!wholes_.empty() || !reals_.empty() || !dates_.empty() || !addresses_.empty() ||
        has_blocks_ || accepts_[0] || accepts_[1])
        return std::nullopt;
    std::vector<RequiredText> all;
    for (const std::string& text : texts_)
        all.push_back({RequiredText::Where::whole, text});
    return all;
}

namespace {

using Required = std::optional<std::vector<RequiredText>>;

struct RequiredOf {
    Required operator()(const EqualTest& test) const { return test.required(); }
    Required operator()(const FoldedEqualTest& test) const {
        std::vector<RequiredText> all;
        for (const std::string& text : test.texts)
            all.push_back({RequiredText::Where::whole, text});
        return all;
    }
    Required operator()(const LikeTest& test) const { return test.patterns.required(); }
    Required operator()(const AffixTest& test) const {
        using Where = RequiredText::Where;
        const Where where = test.where == Affix::prefix   ? Where::prefix
                            : test.where == Affix::suffix ? Where::suffix
                                                          : Where::inside;
        return std::vector{RequiredText{where, test.part}};
    }
    Required operator()(const RegexTest&) const { return std::nullopt; }
    Required operator()(const OrderTest&) const { return std::nullopt; }
    Required operator()(const CidrTest&) const { return std::nullopt; }
};

}  // namespace

Required required_texts(const ValueTest& test) {
    return std::visit(RequiredOf{}, test);
}

bool OrderTest::matches(const Value& value) const {
    const auto bound = constant.value();
    return bound && holds(op, compare_values(value, *bound, mode));
}

}  // namespace audisp_eql::detect
