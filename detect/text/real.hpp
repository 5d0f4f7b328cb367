// SPDX-License-Identifier: Apache-2.0
// Decimal numbers with a fraction, whatever the locale.
//
// Memory: values. Threads: any.
#pragma once

#include <optional>
#include <string_view>

namespace audisp_eql::detect {

// The whole text as a number: digits, a point, an exponent, a minus in front. nullopt: it is none,
// or out of range.
std::optional<double> parse_real(std::string_view text);

// The same with what every C++ library has: not every C++ library reads floating point.
std::optional<double> parse_real_portably(std::string_view text);

}  // namespace audisp_eql::detect
