// SPDX-License-Identifier: Apache-2.0
// A fixed set of texts: `in` and `in~`, and the literal patterns of a wildcard list.
//
// Memory: owns the texts. Threads: read-only once filled.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include <boost/unordered/unordered_flat_set.hpp>

#include "detect/text/fold.hpp"

namespace audisp_eql::detect {

class TextSet {
  public:
    explicit TextSet(bool fold_case) : fold_case_(fold_case) {}

    void add(std::string_view text) {
        shortest_ = std::min(shortest_, text.size());
        longest_ = std::max(longest_, text.size());
        texts_.insert(fold_case_ ? folded(text) : std::string(text));
    }
    bool contains(std::string_view value) const {
        if (value.size() < shortest_ || value.size() > longest_)
            return false;
        return fold_case_ ? texts_.contains(FoldedText(value).view()) : texts_.contains(value);
    }
    // As contains, for a value that is already folded where the set folds case.
    bool contains_prepared(std::string_view value) const {
        return value.size() >= shortest_ && value.size() <= longest_ && texts_.contains(value);
    }
    bool empty() const { return texts_.empty(); }
    std::size_t size() const { return texts_.size(); }
    // The texts, folded where the set folds case, in no order.
    auto begin() const { return texts_.begin(); }
    auto end() const { return texts_.end(); }

  private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const {
            return std::hash<std::string_view>{}(text);
        }
    };
    boost::unordered_flat_set<std::string, Hash, std::equal_to<>> texts_;
    std::size_t shortest_ = std::string::npos;
    std::size_t longest_ = 0;
    bool fold_case_;
};

}  // namespace audisp_eql::detect
