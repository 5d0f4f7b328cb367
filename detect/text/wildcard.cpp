// SPDX-License-Identifier: Apache-2.0
#include "detect/text/wildcard.hpp"

#include <algorithm>

#include "detect/text/utf8.hpp"

namespace audisp_eql::detect {

Wildcard::Wildcard(std::string_view pattern, bool fold_case)
    : pattern_(fold_case ? folded(pattern) : std::string(pattern)),
      fold_case_(fold_case),
      has_question_mark_(pattern.find('?') != std::string_view::npos) {
    if (has_question_mark_)
        return;
    pieces_.emplace_back();
    for (const char c : pattern_) {
        if (c == '*')
            pieces_.emplace_back();
        else
            pieces_.back() += c;
    }
}

bool Wildcard::matches(std::string_view value) const {
    if (!fold_case_)
        return matches_prepared(value);
    return matches_prepared(FoldedText(value).view());
}

bool Wildcard::matches_prepared(std::string_view value) const {
    return has_question_mark_ ? matches_characters(value) : matches_pieces(value);
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

// First piece at the start, last at the end, the others in order between them, each as early as it
// can be: an earlier place never takes room from the pieces behind it.
bool Wildcard::matches_pieces(std::string_view value) const {
    const std::string& first = pieces_.front();
    const std::string& last = pieces_.back();
    if (pieces_.size() == 1)
        return value == first;
    if (value.size() < first.size() + last.size() || !value.starts_with(first) ||
        !value.ends_with(last))
        return false;
    value.remove_prefix(first.size());
    value.remove_suffix(last.size());
    for (std::size_t i = 1; i + 1 < pieces_.size(); ++i) {
        const std::size_t at = value.find(pieces_[i]);
        if (at == std::string_view::npos)
            return false;
        value.remove_prefix(at + pieces_[i].size());
    }
    return true;
}

// On a mismatch the last star takes one character more. Earlier stars need no second thought: what
// lies between two stars is best matched as early as it can be.
bool Wildcard::matches_characters(std::string_view value) const {
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
    const auto literal = [&](std::string_view text) {
        return fold_case_ ? folded(text) : std::string(text);
    };
    const std::size_t from = pattern.find_first_not_of('*');
    if (from == std::string_view::npos) {
        if (pattern.empty())
            exact_.add(pattern);
        else
            any_ = true;
        return;
    }
    const std::size_t to = pattern.find_last_not_of('*') + 1;
    const std::string_view core = pattern.substr(from, to - from);
    const bool open_start = from > 0;
    const bool open_end = to < pattern.size();
    if (core.find_first_of("*?") != std::string_view::npos)
        general_.emplace_back(pattern, fold_case_);
    else if (open_start && open_end)
        contained_.push_back(literal(core));
    else if (open_start)
        suffixes_.push_back(literal(core));
    else if (open_end)
        prefixes_.push_back(literal(core));
    else
        exact_.add(core);
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
}

std::optional<std::vector<RequiredText>> WildcardSet::required() const {
    using Where = RequiredText::Where;
    if (any_)
        return std::nullopt;
    std::vector<RequiredText> all;
    const auto add_each = [&](const auto& texts, Where where) {
        for (const std::string& text : texts)
            all.push_back({where, text});
    };
    add_each(exact_, Where::whole);
    add_each(prefixes_, Where::prefix);
    add_each(suffixes_, Where::suffix);
    add_each(contained_, Where::inside);
    for (const Wildcard& pattern : general_)
        all.push_back({Where::inside, pattern.longest_piece()});
    return all;
}

bool WildcardSet::matches(std::string_view value) const {
    if (!fold_case_)
        return matches_prepared(value);
    return matches_prepared(FoldedText(value).view());
}

bool WildcardSet::matches_prepared(std::string_view value) const {
    if (any_ || exact_.contains_prepared(value))
        return true;
    const auto after = std::upper_bound(prefixes_.begin(), prefixes_.end(), value);
    if (after != prefixes_.begin() && value.starts_with(*(after - 1)))
        return true;
    for (const std::string& suffix : suffixes_) {
        if (value.ends_with(suffix))
            return true;
    }
    for (const std::string& part : contained_) {
        if (value.find(part) != std::string_view::npos)
            return true;
    }
    for (const Wildcard& pattern : general_) {
        if (pattern.matches_prepared(value))
            return true;
    }
    return false;
}

}  // namespace audisp_eql::detect
