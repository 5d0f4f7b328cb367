// SPDX-License-Identifier: Apache-2.0
#include "detect/text/nearest.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "detect/text/fold.hpp"

namespace audisp_eql::detect {

// Optimal string alignment (Damerau-Levenshtein without moved pairs), three rows at a time.
std::size_t edit_distance(std::string_view left, std::string_view right, std::size_t limit) {
    const std::size_t longer = std::max(left.size(), right.size());
    const std::size_t shorter = std::min(left.size(), right.size());
    if (longer - shorter > limit || longer > NearestName::kMaxLength) {
        return limit + 1;
    }
    const auto same = [](char a, char b) { return fold(a) == fold(b); };
    using Row = std::array<std::size_t, NearestName::kMaxLength + 1>;
    Row before_last{};
    Row last{};
    Row row{};
    for (std::size_t column = 0; column <= right.size(); ++column) {
        last[column] = column;
    }
    for (std::size_t line = 1; line <= left.size(); ++line) {
        row[0] = line;
        for (std::size_t column = 1; column <= right.size(); ++column) {
            const std::size_t replaced =
                last[column - 1] + (same(left[line - 1], right[column - 1]) ? 0 : 1);
            row[column] = std::min({last[column] + 1, row[column - 1] + 1, replaced});
            if (line > 1 && column > 1 && same(left[line - 1], right[column - 2]) &&
                same(left[line - 2], right[column - 1])) {
                row[column] = std::min(row[column], before_last[column - 2] + 1);
            }
        }
        before_last = last;
        last = row;
    }
    return std::min(last[right.size()], limit + 1);
}

NearestName::NearestName(std::string_view word)
    : word_(word), bound_(word.size() > kMaxLength ? 0 : word.size() / 3 + 1) {}

void NearestName::offer(std::string_view name) {
    if (bound_ == 0) {
        return;
    }
    const std::size_t distance = edit_distance(word_, name, bound_ - 1);
    if (distance < bound_) {
        best_ = name;
        bound_ = distance;
    }
}

}  // namespace audisp_eql::detect
