// SPDX-License-Identifier: Apache-2.0
// "did you mean …": the known name that a mistyped one is nearest to.
//
// Memory: views only; the names offered must outlive the search. Threads: no state between
// searches.
#pragma once

#include <cstddef>
#include <string_view>

namespace audisp_eql::detect {

// Characters inserted, deleted, replaced or swapped with their neighbour to make `left` out of
// `right`, whatever their case (ASCII); `limit` + 1 if more than `limit` are needed.
std::size_t edit_distance(std::string_view left, std::string_view right, std::size_t limit);

class NearestName {
  public:
    // Longer words get no suggestion: no known name is that long, and the cost grows with it.
    static constexpr std::size_t kMaxLength = 64;

    explicit NearestName(std::string_view word);

    void offer(std::string_view name);
    // The nearest so far, the first of equals; empty if none is near enough to be meant: a third of
    // the word's characters may differ.
    std::string_view best() const { return best_; }

  private:
    std::string_view word_;
    std::string_view best_;
    std::size_t bound_;  // a nearer name than this many edits displaces the best
};

}  // namespace audisp_eql::detect
