// SPDX-License-Identifier: Apache-2.0
#include "detect/eql/token_stream.hpp"

#include <algorithm>
#include <utility>

#include "detect/eql/parser.hpp"
#include "detect/text/code_point.hpp"
#include "detect/text/fold.hpp"
#include "detect/text/nearest.hpp"

namespace audisp_eql::detect {
namespace {

// Messages quote at most this much of the source.
constexpr std::size_t kMaxQuoted = 40;

std::string cut(std::string_view text) {
    std::string out;
    std::size_t offset = 0;
    for (std::size_t count = 0; offset < text.size(); ++count) {
        if (count == kMaxQuoted) {
            return out + "…";
        }
        const CodePoint character = code_point_at(text, offset);
        out += text.substr(offset, character.length);
        offset += character.length;
    }
    return out;
}

// What a word would have been, had it been written in lower case.
std::string case_hint(std::string_view word) {
    const std::string lower = folded(word);
    return lower != word && keyword_of(lower) != TokenKind::end
               ? "keywords are lower case: write '" + lower + "'"
               : std::string();
}

// … or without a slip.
std::string word_hint(const Token& token, std::initializer_list<std::string_view> words) {
    if (token.kind != TokenKind::identifier) {
        return {};
    }
    if (std::string hint = case_hint(token.text); !hint.empty()) {
        return hint;
    }
    NearestName nearest(token.text);
    for (const std::string_view word : words) {
        nearest.offer(word);
    }
    return nearest.best().empty() ? std::string()
                                  : "did you mean '" + std::string(nearest.best()) + "'?";
}

}  // namespace

std::string describe(const Token& token, std::string_view source) {
    const std::string text = cut(source.substr(token.at.offset, token.at.length));
    switch (token.kind) {
        case TokenKind::end:
            return "the end of the query";
        case TokenKind::text:
            return "the string " + text;
        case TokenKind::integer:
        case TokenKind::real:
            return "the number " + text;
        default:
            return "'" + text + "'";
    }
}

TokenStream::TokenStream(std::string_view source, Diagnostics& diagnostics)
    : lexer_(source, diagnostics), diagnostics_(diagnostics), first_(diagnostics.size()) {
    current_ = lexer_.next();
    following_ = lexer_.next();
}

Token TokenStream::take() {
    previous_ = current_.at;
    Token token = std::exchange(current_, std::move(following_));
    if (given_up_) {
        end_here(token.at);
        return token;
    }
    following_ = lexer_.next();
    if (diagnostics_.size() - first_ >= kMaxErrors) {
        give_up(current_.at, "too many errors: the rest of the query was not read");
    }
    return token;
}

bool TokenStream::accept(TokenKind kind) {
    if (!at(kind)) {
        return false;
    }
    take();
    return true;
}

SourceRange TokenStream::since(SourceRange first) const {
    return {first.offset,
            std::max(previous_.offset + previous_.length, first.offset) - first.offset};
}

std::string_view TokenStream::text_of(SourceRange range) const {
    return lexer_.source().substr(range.offset, range.length);
}

void TokenStream::error(SourceRange at, std::string message, std::string hint) {
    const bool known =
        std::any_of(diagnostics_.begin() + static_cast<std::ptrdiff_t>(first_), diagnostics_.end(),
                    [&](const Diagnostic& other) { return other.at.offset == at.offset; });
    if (given_up_ || known) {
        return;
    }
    diagnostics_.push_back({Severity::error, at, std::move(message), std::move(hint)});
    if (diagnostics_.size() - first_ >= kMaxErrors) {
        give_up(current_.at, "too many errors: the rest of the query was not read");
    }
}

void TokenStream::expected(std::string_view what, std::string hint,
                           std::initializer_list<std::string_view> words) {
    // NOT x: the parser took 'NOT' for a field and stumbles over what follows.
    std::string meant = word_hint(current_, words);
    if (meant.empty()) {
        meant = case_hint(previous_text());
    }
    if (!meant.empty()) {
        hint = std::move(meant);
    }
    // The end is where the last word ends, not behind the blank lines that follow.
    const SourceRange at = this->at(TokenKind::end)
                               ? SourceRange{previous_.offset + previous_.length, 0}
                               : current_.at;
    error(at, "expected " + std::string(what) + ", found " + describe(current_, lexer_.source()),
          std::move(hint));
}

void TokenStream::skip_to(std::initializer_list<TokenKind> stops) {
    std::size_t parens = 0;
    std::size_t brackets = 0;
    for (; !at(TokenKind::end); take()) {
        if (parens == 0 && brackets == 0 &&
            std::find(stops.begin(), stops.end(), current_.kind) != stops.end()) {
            return;
        }
        switch (current_.kind) {
            case TokenKind::paren_open:
                ++parens;
                break;
            case TokenKind::paren_close:
                parens -= parens > 0 ? 1 : 0;
                break;
            case TokenKind::bracket_open:
            case TokenKind::missing_open:
                ++brackets;
                break;
            case TokenKind::bracket_close:
                // A subquery's end closes whatever was left open inside it.
                if (brackets == 0 &&
                    std::find(stops.begin(), stops.end(), current_.kind) != stops.end()) {
                    return;
                }
                brackets -= brackets > 0 ? 1 : 0;
                break;
            default:
                break;
        }
    }
}

void TokenStream::give_up(SourceRange at, std::string message, std::string hint) {
    if (given_up_) {
        return;
    }
    given_up_ = true;
    diagnostics_.push_back({Severity::error, at, std::move(message), std::move(hint)});
    end_here(current_.at);
}

void TokenStream::too_deep(SourceRange at) {
    give_up(at, "nested too deeply: more than " + std::to_string(kMaxDepth) + " levels");
}

bool TokenStream::descend() {
    if (++depth_ > kMaxDepth) {
        too_deep(current_.at);
    }
    return depth_ <= kMaxDepth;
}

void TokenStream::end_here(SourceRange at) {
    current_ = Token{TokenKind::end, {at.offset, 0}, {}};
    following_ = current_;
}

}  // namespace audisp_eql::detect
