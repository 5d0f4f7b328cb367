// SPDX-License-Identifier: Apache-2.0
#include "tests/conformance/naive_value.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <regex>
#include <set>

namespace audisp_eql::naive {

namespace {

bool is_number(const Value& value) {
    return std::holds_alternative<std::int64_t>(value) || std::holds_alternative<double>(value);
}

double number(const Value& value) {
    if (const auto* integer = std::get_if<std::int64_t>(&value))
        return static_cast<double>(*integer);
    return std::get<double>(value);
}

int sign(double difference) {
    return difference < 0 ? -1 : difference > 0 ? 1 : 0;
}

// 16 bytes, IPv4 as v4-mapped; nullopt: no address.
std::optional<std::string> address(const std::string& text) {
    unsigned char bytes[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (inet_pton(AF_INET, text.c_str(), bytes + 12) == 1 ||
        inet_pton(AF_INET6, text.c_str(), bytes) == 1)
        return std::string(reinterpret_cast<char*>(bytes), 16);
    return std::nullopt;
}

bool is_v4(const std::string& bytes) {
    return bytes.compare(0, 12, std::string("\0\0\0\0\0\0\0\0\0\0\xff\xff", 12)) == 0;
}

bool in_network(const std::string& ip, const std::string& network) {
    const auto slash = network.find('/');
    const auto base = address(network.substr(0, slash));
    const auto host = address(ip);
    if (!base || !host || is_v4(*base) != is_v4(*host))
        return false;
    const int width = is_v4(*base) ? 32 : 128;
    const int bits = slash == std::string::npos ? width : std::atoi(network.c_str() + slash + 1);
    const int skip = is_v4(*base) ? 96 : 0;
    for (int bit = skip; bit < skip + bits; ++bit) {
        const auto at = static_cast<std::size_t>(bit / 8);
        const int mask = 0x80 >> (bit % 8);
        if ((static_cast<unsigned char>((*base)[at]) & mask) !=
            (static_cast<unsigned char>((*host)[at]) & mask))
            return false;
    }
    return true;
}

std::string text_of(const Value& value) {
    if (const auto* text = std::get_if<std::string>(&value))
        return *text;
    if (const auto* integer = std::get_if<std::int64_t>(&value))
        return std::to_string(*integer);
    if (const auto* boolean = std::get_if<bool>(&value))
        return *boolean ? "true" : "false";
    return {};
}

}  // namespace

bool is_null(const Value& value) {
    return std::holds_alternative<std::monostate>(value);
}

bool is_true(const Value& value) {
    const auto* boolean = std::get_if<bool>(&value);
    return boolean != nullptr && *boolean;
}

std::string folded(std::string text) {
    for (char& c : text)
        if (c >= 'A' && c <= 'Z')
            c = static_cast<char>(c - 'A' + 'a');
    return text;
}

Kind kind_of(const std::string& field) {
    static const std::set<std::string> ids{"user.id",
                                           "process.user.id",
                                           "process.parent.user.id",
                                           "process.group.id",
                                           "process.parent.group.id",
                                           "process.real_user.id",
                                           "process.real_group.id",
                                           "user.Ext.real.id",
                                           "group.id"};
    static const std::set<std::string> addresses{"destination.ip", "source.ip"};
    return ids.contains(field) ? Kind::id : addresses.contains(field) ? Kind::ip : Kind::plain;
}

std::optional<int> compare(const Value& left, const Value& right, Kind kind) {
    if (is_null(left) || is_null(right))
        return std::nullopt;
    if (is_number(left) && is_number(right))
        return sign(number(left) - number(right));
    if (kind == Kind::id && (is_number(left) || is_number(right))) {
        const std::string a = text_of(left), b = text_of(right);
        return a == b ? 0 : a < b ? -1 : 1;
    }
    if (left.index() != right.index())
        return std::nullopt;
    if (const auto* boolean = std::get_if<bool>(&left))
        return static_cast<int>(*boolean) - static_cast<int>(std::get<bool>(right));
    const auto& a = std::get<std::string>(left);
    const auto& b = std::get<std::string>(right);
    if (kind == Kind::ip) {
        const auto x = address(a), y = address(b);
        if (x && y)
            return *x == *y ? 0 : *x < *y ? -1 : 1;
    }
    return a == b ? 0 : a < b ? -1 : 1;
}

// The textbook table: row by row over the text, which prefixes of the pattern match so far.
bool wildcard(const std::string& raw_pattern, const std::string& raw_text, bool fold) {
    const std::string pattern = fold ? folded(raw_pattern) : raw_pattern;
    const std::string text = fold ? folded(raw_text) : raw_text;
    std::vector<bool> row(pattern.size() + 1, false);
    row[0] = true;
    for (std::size_t p = 0; p < pattern.size() && pattern[p] == '*'; ++p)
        row[p + 1] = true;
    for (const char c : text) {
        std::vector<bool> next(pattern.size() + 1, false);
        for (std::size_t p = 0; p < pattern.size(); ++p) {
            if (pattern[p] == '*')
                next[p + 1] = next[p] || row[p + 1];
            else if (pattern[p] == '?' || pattern[p] == c)
                next[p + 1] = row[p];
        }
        row = next;
    }
    return row[pattern.size()];
}

bool regex(const std::string& pattern, const std::string& text, bool fold) {
    auto flags = std::regex::ECMAScript;
    if (fold)
        flags |= std::regex::icase;
    return std::regex_match(text, std::regex(pattern, flags));
}

Value arithmetic(detect::ArithmeticOp op, const Value& left, const Value& right) {
    if (!is_number(left) || !is_number(right))
        return {};
    const bool real = std::holds_alternative<double>(left) || std::holds_alternative<double>(right);
    const double a = number(left), b = number(right);
    const auto* x = std::get_if<std::int64_t>(&left);
    const auto* y = std::get_if<std::int64_t>(&right);
    using Op = detect::ArithmeticOp;
    if ((op == Op::divide || op == Op::modulo) && b == 0)
        return {};
    switch (op) {
        case Op::add:
            return real ? Value(a + b) : Value(*x + *y);
        case Op::subtract:
            return real ? Value(a - b) : Value(*x - *y);
        case Op::multiply:
            return real ? Value(a * b) : Value(*x * *y);
        case Op::divide:
            return real ? Value(a / b) : Value(*x / *y);
        case Op::modulo:
            return real ? Value(std::fmod(a, b)) : Value(*x % *y);
    }
    return {};
}

namespace {

Value index_of(std::string text, std::string sub, std::int64_t start, bool fold) {
    if (fold) {
        text = folded(text);
        sub = folded(sub);
    }
    const auto at = text.find(sub, static_cast<std::size_t>(std::max<std::int64_t>(start, 0)));
    return at == std::string::npos ? Value{} : Value(static_cast<std::int64_t>(at));
}

Value substring(const std::string& text, std::int64_t start, std::optional<std::int64_t> end) {
    const auto size = static_cast<std::int64_t>(text.size());
    const auto clamp = [size](std::int64_t at) {
        return std::clamp<std::int64_t>(at < 0 ? at + size : at, 0, size);
    };
    const std::int64_t from = clamp(start), to = end ? clamp(*end) : size;
    return from >= to ? Value(std::string())
                      : Value(text.substr(static_cast<std::size_t>(from),
                                          static_cast<std::size_t>(to - from)));
}

Value between(const std::string& text, const std::string& left, const std::string& right,
              bool greedy, bool fold) {
    const std::string in = fold ? folded(text) : text;
    const auto from = in.find(fold ? folded(left) : left);
    if (from == std::string::npos)
        return {};
    const std::string end = fold ? folded(right) : right;
    const auto begin = from + left.size();
    const auto to = greedy ? in.rfind(end) : in.find(end, begin);
    if (to == std::string::npos || to < begin)
        return {};
    return text.substr(begin, to - begin);
}

Value number_of(const std::string& text, std::int64_t base) {
    const bool hex = text.starts_with("0x");
    const std::string digits = hex && base == 16 ? text.substr(2) : text;
    if (digits.empty())
        return {};
    char* end = nullptr;
    const int radix = hex ? 16 : static_cast<int>(base);
    const long long parsed = std::strtoll(digits.c_str(), &end, radix);
    if (*end == '\0')
        return static_cast<std::int64_t>(parsed);
    return {};
}

}  // namespace

Value call(const std::string& raw_name, bool fold, const std::vector<Value>& arguments) {
    const std::string name = folded(raw_name);
    for (std::size_t i = 0; i < arguments.size(); ++i)
        if (is_null(arguments[i]))
            return {};
    const auto text = [&](std::size_t i) -> const std::string* {
        return i < arguments.size() ? std::get_if<std::string>(&arguments[i]) : nullptr;
    };
    const auto integer = [&](std::size_t i) -> const std::int64_t* {
        return i < arguments.size() ? std::get_if<std::int64_t>(&arguments[i]) : nullptr;
    };
    using Op = detect::ArithmeticOp;
    const std::map<std::string, Op> operators{{"add", Op::add},
                                              {"subtract", Op::subtract},
                                              {"multiply", Op::multiply},
                                              {"divide", Op::divide},
                                              {"modulo", Op::modulo}};
    if (const auto found = operators.find(name); found != operators.end())
        return arithmetic(found->second, arguments.at(0), arguments.at(1));
    if (name == "string")
        return text_of(arguments.at(0));
    if (name == "concat") {
        std::string all;
        for (const Value& argument : arguments)
            all += text_of(argument);
        return all;
    }
    if (!text(0))
        return {};
    std::string first = *text(0);
    if (name == "length")
        return static_cast<std::int64_t>(first.size());
    if (name == "number")
        return number_of(first, integer(1) ? *integer(1) : 10);
    if (name == "substring")
        return integer(1) ? substring(first, *integer(1),
                                      integer(2) ? std::optional(*integer(2)) : std::nullopt)
                          : Value{};
    if (name == "cidrmatch") {
        for (std::size_t i = 1; i < arguments.size(); ++i)
            if (text(i) && in_network(first, *text(i)))
                return true;
        return false;
    }
    if (!text(1))
        return {};
    std::string second = *text(1);
    if (name == "between")
        return text(2) ? between(first, second, *text(2),
                                 arguments.size() > 3 && is_true(arguments[3]), fold)
                       : Value{};
    if (name == "indexof")
        return index_of(first, second, integer(2) ? *integer(2) : 0, fold);
    if (fold) {
        first = folded(first);
        second = folded(second);
    }
    if (name == "startswith")
        return first.starts_with(second);
    if (name == "endswith")
        return first.ends_with(second);
    if (name == "stringcontains")
        return !first.empty() && !second.empty() && first.find(second) != std::string::npos;
    return {};
}

}  // namespace audisp_eql::naive
