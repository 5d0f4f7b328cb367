// SPDX-License-Identifier: Apache-2.0
// One value of one field. A field is a set of values: see Values.
//
// Memory: a text value is a view; it lives as long as the Block (or the literal) it points into.
// Threads: plain data.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace audisp_eql::detect {

enum class ValueKind : std::uint8_t {
    text,     // bytes as the kernel gave them; not necessarily UTF-8
    integer,  // 64 bit signed
    real,
    boolean,
    date,  // microseconds since 1970-01-01 UTC
};

// 16 bytes, trivially copyable.
class Value {
  public:
    static constexpr Value text(std::string_view bytes) {
        Value v(ValueKind::text);
        v.data_.bytes = bytes.data();
        v.size_ = static_cast<std::uint32_t>(bytes.size());
        return v;
    }
    static constexpr Value integer(std::int64_t number) {
        Value v(ValueKind::integer);
        v.data_.number = number;
        return v;
    }
    static constexpr Value real(double number) {
        Value v(ValueKind::real);
        v.data_.real = number;
        return v;
    }
    static constexpr Value boolean(bool truth) {
        Value v(ValueKind::boolean);
        v.data_.number = truth ? 1 : 0;
        return v;
    }
    // microseconds since the epoch
    static constexpr Value date(std::int64_t micros) {
        Value v(ValueKind::date);
        v.data_.number = micros;
        return v;
    }

    constexpr ValueKind kind() const { return kind_; }
    constexpr bool is_text() const { return kind_ == ValueKind::text; }
    // Each accessor is valid for its own kind only (as_integer: integer, boolean and date).
    constexpr std::string_view as_text() const { return {data_.bytes, size_}; }
    constexpr std::int64_t as_integer() const { return data_.number; }
    constexpr double as_real() const { return data_.real; }
    constexpr bool as_boolean() const { return data_.number != 0; }

  private:
    constexpr explicit Value(ValueKind kind) : data_{.number = 0}, kind_(kind) {}

    union Data {
        std::int64_t number;
        double real;
        const char* bytes;
    } data_;
    std::uint32_t size_ = 0;
    ValueKind kind_;
};
static_assert(sizeof(Value) == 16);

// All values of one field of one event: none (the field is missing), one or many.
using Values = std::span<const Value>;

}  // namespace audisp_eql::detect
