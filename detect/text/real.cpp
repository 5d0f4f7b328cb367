// SPDX-License-Identifier: Apache-2.0
#include "detect/text/real.hpp"

#include <charconv>
#include <locale>
#include <sstream>
#include <string>

namespace audisp_eql::detect {

std::optional<double> parse_real(std::string_view text) {
#ifdef __cpp_lib_to_chars  // libc++ 16 has none of it
    double real = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), real);
    if (error != std::errc{} || end != text.data() + text.size())
        return std::nullopt;
    return real;
#else
    return parse_real_portably(text);
#endif
}

std::optional<double> parse_real_portably(std::string_view text) {
    // Not what a stream takes besides: blanks and "+" in front, hexadecimal.
    if (text.empty() || text.find_first_not_of("0123456789.eE+-") != std::string_view::npos ||
        text.front() == '+')
        return std::nullopt;
    std::istringstream in{std::string(text)};
    in.imbue(std::locale::classic());
    double real = 0;
    if (!(in >> real) || in.peek() != std::istringstream::traits_type::eof())
        return std::nullopt;
    return real;
}

}  // namespace audisp_eql::detect
