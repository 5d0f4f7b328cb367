// SPDX-License-Identifier: Apache-2.0
// A row of a table of mistakes: a file, and what is said to it where.
#pragma once

#include <cstdint>
#include <ostream>
#include <string_view>

namespace audisp_eql::detect {

struct Mistake {
    std::string_view file;
    std::uint32_t line, column;
    std::string_view message;
};
inline std::ostream& operator<<(std::ostream& out, const Mistake& row) {
    return out << row.file;
}

}  // namespace audisp_eql::detect
