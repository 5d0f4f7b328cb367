// SPDX-License-Identifier: Apache-2.0
// What the parsers of queries and of expressions share: two tokens of look-ahead, the mistakes
// found so far, going on after one, and the depth bound.
//
// Memory: keeps a view of the source. Threads: none shared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "detect/eql/diagnostic.hpp"
#include "detect/eql/lexer.hpp"

namespace audisp_eql::detect {

class TokenStream {
  public:
    TokenStream(std::string_view source, Diagnostics& diagnostics);

    const Token& current() const { return current_; }
    const Token& following() const { return following_; }
    bool at(TokenKind kind) const { return current_.kind == kind; }
    Token take();
    bool accept(TokenKind kind);

    // From the beginning of `first` to the end of the last token taken.
    SourceRange since(SourceRange first) const;
    std::string_view text_of(SourceRange range) const;
    // The token taken last, as written; empty before the first.
    std::string_view previous_text() const { return text_of(previous_); }

    // One mistake for one place: what follows from an error already reported there is not said.
    void error(SourceRange at, std::string message, std::string hint = {});
    // "expected WHAT, found …" at the current token. If that is a word much like one of `words`,
    // the hint names it instead.
    void expected(std::string_view what, std::string hint = {},
                  std::initializer_list<std::string_view> words = {});
    bool failed() const { return diagnostics_.size() > first_; }

    // Goes forward to one of `stops` outside any bracket opened on the way, or to the end.
    void skip_to(std::initializer_list<TokenKind> stops);
    // Reports, and gives up: from here on the stream is at its end and silent.
    void give_up(SourceRange at, std::string message, std::string hint = {});

    // Held by whatever recurses. False when the text nests too deeply; then the stream has ended.
    class [[nodiscard]] DepthGuard {
      public:
        explicit DepthGuard(TokenStream& tokens) : tokens_(tokens), within_(tokens.descend()) {}
        ~DepthGuard() { --tokens_.depth_; }
        DepthGuard(const DepthGuard&) = delete;
        DepthGuard& operator=(const DepthGuard&) = delete;
        explicit operator bool() const { return within_; }

      private:
        TokenStream& tokens_;
        bool within_;
    };

    void too_deep(SourceRange at);

  private:
    bool descend();
    void end_here(SourceRange at);

    Lexer lexer_;
    Diagnostics& diagnostics_;
    std::size_t first_;  // diagnostics before this one are not ours
    Token current_;
    Token following_;
    SourceRange previous_;
    std::size_t depth_ = 0;
    bool given_up_ = false;
};

// How a message names a token: 'where', the string "…", the end of the query.
std::string describe(const Token& token, std::string_view source);

}  // namespace audisp_eql::detect
