// SPDX-License-Identifier: Apache-2.0
// ASCII case folding: all that EQL's case-insensitive operators fold (Lucene's case_insensitive).
//
// Memory: FoldedText owns its copy. Threads: no state.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace audisp_eql::detect {

constexpr char fold(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

inline bool equal_folded(std::string_view a, std::string_view b) {
    if (a.size() != b.size())
        return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (fold(a[i]) != fold(b[i]))
            return false;
    }
    return true;
}

inline std::string folded(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        c = fold(c);
    return out;
}

// A folded copy of a value for the length of one test. Ordinary values stay on the stack.
class FoldedText {
  public:
    explicit FoldedText(std::string_view text) {
        char* out = small_;
        if (text.size() > sizeof small_) {
            large_.resize(text.size());
            out = large_.data();
        }
        for (std::size_t i = 0; i < text.size(); ++i)
            out[i] = fold(text[i]);
        view_ = {out, text.size()};
    }
    FoldedText(const FoldedText&) = delete;
    FoldedText& operator=(const FoldedText&) = delete;

    std::string_view view() const { return view_; }

  private:
    // Longer than every path and nearly every command line seen in the recordings.
    static constexpr std::size_t kOnStack = 1024;
    char small_[kOnStack];
    std::string large_;
    std::string_view view_;
};

// Hash and equality for containers whose lookups ignore case.
struct FoldedHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
        return std::hash<std::string_view>{}(FoldedText(text).view());
    }
};
struct FoldedEqual {
    using is_transparent = void;
    bool operator()(std::string_view a, std::string_view b) const { return equal_folded(a, b); }
};

}  // namespace audisp_eql::detect
