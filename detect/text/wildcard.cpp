// SPDX-License-Identifier: Apache-2.0
#include "detect/text/wildcard.hpp"

#include <algorithm>

#include "detect/text/utf8.hpp"

namespace audisp_eql::detect {

namespace {

// More prefixes than this are searched, fewer compared one by one.
constexpr std::size_t kFewPrefixes = 8;

}  // namespace

Wildcard::Wildcard(std::string_view pattern, bool fold_case)
    : pattern_(fold_case ? folded(pattern) : std::string(pattern)), fold_case_(fold_case) {}

bool Wildcard::matches(std::string_view value) const {
    if (!fold_case_)
        return matches_prepared(value);
    return matches_prepared(FoldedText(value).view());
}

std::string Wildcard::longest_piece() const {
    std::string_view longest;
    for (std::size_t at = 0; at < pattern_.size();) {
        const std::size_t end = std::min(pattern_.find_first_of("*?", at), pattern_.size());
        if (end - at > longest.size())
            longest = std::string_view(pattern_).substr(at, end - at);
        at = end + 1;
    }
    return std::string(longest);
}

// On a mismatch the last star takes one character more. Earlier stars need no second thought: what
// lies between two stars is best matched as early as it can be.
bool Wildcard::matches_prepared(std::string_view value) const {
    constexpr std::size_t kNone = std::string_view::npos;
    std::size_t p = 0, v = 0;
    std::size_t after_star = kNone, star_value = 0;
    while (v < value.size()) {
        if (p < pattern_.size() && pattern_[p] == '*') {
            after_star = ++p;
            star_value = v;
        } else if (p < pattern_.size() && pattern_[p] == '?') {
            ++p;
            v += character_length(value, v);
        } else if (p < pattern_.size() && pattern_[p] == value[v]) {
            ++p;
            ++v;
        } else if (after_star != kNone) {
            star_value += character_length(value, star_value);
            p = after_star;
            v = star_value;
        } else {
            return false;
        }
    }
    while (p < pattern_.size() && pattern_[p] == '*')
        ++p;
    return p == pattern_.size();
}

WildcardSet::WildcardSet(std::span<const std::string> patterns, bool fold_case)
    : fold_case_(fold_case), exact_(fold_case) {
    for (const std::string& pattern : patterns)
        add(pattern);
    drop_covered_prefixes();
}

void WildcardSet::add(std::string_view pattern) {
    const std::size_t star = pattern.find('*');
    if (pattern.find('?') != std::string_view::npos)
        with_question_mark_.emplace_back(pattern, fold_case_);
    else if (star == std::string_view::npos)
        exact_.add(pattern);
    else if (pattern.find_first_not_of('*') == std::string_view::npos)
        any_ = true;
    else if (pattern.find_first_not_of('*', star) == std::string_view::npos)
        prefixes_.push_back(fold_case_ ? folded(pattern.substr(0, star))
                                       : std::string(pattern.substr(0, star)));
    else
        add_pieces(pattern);
}

void WildcardSet::add_pieces(std::string_view pattern) {
    const auto add_text = [this](std::string_view piece) {
        for (const char c : piece)
            texts_ += fold_case_ ? fold(c) : c;
        return static_cast<std::uint32_t>(piece.size());
    };
    Pieces pieces{};
    pieces.at = static_cast<std::uint32_t>(texts_.size());
    pieces.inner_begin = static_cast<std::uint32_t>(inner_.size());
    const std::size_t last = pattern.rfind('*');
    std::size_t at = pattern.find('*');
    pieces.first = add_text(pattern.substr(0, at));
    pieces.last = add_text(pattern.substr(last + 1));
    while (at < last) {
        const std::size_t star = pattern.find('*', at + 1);
        if (star > at + 1)
            inner_.push_back(add_text(pattern.substr(at + 1, star - at - 1)));
        at = star;
    }
    pieces.inner_end = static_cast<std::uint32_t>(inner_.size());
    pieces_.push_back(pieces);
}

// Sorted and with no prefix of another left, at most one prefix can match a value: the last one
// that is not greater than it.
void WildcardSet::drop_covered_prefixes() {
    std::sort(prefixes_.begin(), prefixes_.end());
    std::vector<std::string> kept;
    for (std::string& prefix : prefixes_) {
        if (kept.empty() || !prefix.starts_with(kept.back()))
            kept.push_back(std::move(prefix));
    }
    prefixes_ = std::move(kept);
    if (prefixes_.size() > kFewPrefixes)
        return;
    for (const std::string& prefix : prefixes_)
        add_pieces(prefix + '*');
    prefixes_.clear();
}

std::optional<std::vector<RequiredText>> WildcardSet::required() const {
    using Where = RequiredText::Where;
    if (any_)
        return std::nullopt;
    std::vector<RequiredText> all;
    for (const std::string& text : exact_)
        all.push_back({Where::whole, text});
    for (const std::string& prefix : prefixes_)
        all.push_back({Where::prefix, prefix});
    for (const Pieces& pieces : pieces_)
        all.push_back(required_by(pieces));
    for (const Wildcard& pattern : with_question_mark_)
        all.push_back({Where::inside, pattern.longest_piece()});
    return all;
}

// A pattern of one piece says where it stands, of others the longest stands somewhere.
RequiredText WildcardSet::required_by(const Pieces& pieces) const {
    using Where = RequiredText::Where;
    const char* text = texts_.data() + pieces.at;
    const std::string_view first(text, pieces.first);
    const std::string_view last(text + pieces.first, pieces.last);
    const bool has_inner = pieces.inner_begin < pieces.inner_end;
    if (!has_inner && last.empty())
        return {Where::prefix, std::string(first)};
    if (!has_inner && first.empty())
        return {Where::suffix, std::string(last)};
    std::string_view longest = first;
    text += pieces.first + pieces.last;
    for (std::uint32_t i = pieces.inner_begin; i < pieces.inner_end; text += inner_[i++])
        longest = inner_[i] > longest.size() ? std::string_view(text, inner_[i]) : longest;
    longest = last.size() > longest.size() ? last : longest;
    return {Where::inside, std::string(longest)};
}

bool WildcardSet::matches(std::string_view value) const {
    if (!fold_case_)
        return matches_prepared(value);
    return matches_prepared(FoldedText(value).view());
}

bool WildcardSet::matches_prepared(std::string_view value) const {
    if (any_ || exact_.contains_prepared(value))
        return true;
    if (!prefixes_.empty()) {
        const auto after = std::upper_bound(prefixes_.begin(), prefixes_.end(), value);
        if (after != prefixes_.begin() && value.starts_with(*(after - 1)))
            return true;
    }
    for (const Pieces& pieces : pieces_) {
        if (matches_pieces(pieces, value))
            return true;
    }
    for (const Wildcard& pattern : with_question_mark_) {
        if (pattern.matches_prepared(value))
            return true;
    }
    return false;
}

// The inner pieces each as early as it can be: an earlier place never takes room from the pieces
// behind it.
bool WildcardSet::matches_pieces(const Pieces& pieces, std::string_view value) const {
    const char* text = texts_.data() + pieces.at;
    const std::string_view first(text, pieces.first);
    const std::string_view last(text + pieces.first, pieces.last);
    if (value.size() < first.size() + last.size() || !value.starts_with(first) ||
        !value.ends_with(last))
        return false;
    value.remove_prefix(first.size());
    value.remove_suffix(last.size());
    text += pieces.first + pieces.last;
    for (std::uint32_t i = pieces.inner_begin; i < pieces.inner_end; ++i) {
        const std::string_view piece(text, inner_[i]);
        const std::size_t at = value.find(piece);
        if (at == std::string_view::npos)
            return false;
        value.remove_prefix(at + piece.size());
        text += piece.size();
    }
    return true;
}

}  // namespace audisp_eql::detect
