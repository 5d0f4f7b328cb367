// SPDX-License-Identifier: Apache-2.0
// EQL text -> tokens, one at a time. What older dialects wrote otherwise ('…', ?"…", &&, !:) is
// reported here with what to write instead, and handed on as what was meant, so that the parser
// can go on and find the other mistakes.
//
// Memory: tokens own their text; the lexer keeps a view of the source. Threads: none shared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "detect/eql/diagnostic.hpp"

namespace audisp_eql::detect {

// Nobody mends more mistakes than this at one sitting, and a hostile text could hold millions.
inline constexpr std::size_t kMaxErrors = 25;

enum class TokenKind : std::uint8_t {
    end,
    invalid,            // already reported
    identifier,         // text: the name
    quoted_identifier,  // text: the name without its back-quotes
    function_name,      // text: the name without '~'
    text,               // text: escapes resolved
    integer,            // text: the digits
    real,               // text: as written
    // keywords
    kw_and,
    kw_any,
    kw_by,
    kw_false,
    kw_in,
    kw_in_fold,
    kw_join,
    kw_like,
    kw_like_fold,
    kw_maxspan,
    kw_not,
    kw_null,
    kw_of,
    kw_or,
    kw_regex,
    kw_regex_fold,
    kw_sample,
    kw_sequence,
    kw_true,
    kw_until,
    kw_where,
    kw_with,
    // operators and brackets
    colon,
    assign,
    equal,
    not_equal,
    less,
    less_equal,
    greater,
    greater_equal,
    plus,
    minus,
    star,
    slash,
    percent,
    dot,
    comma,
    bracket_open,
    missing_open,  // ![
    bracket_close,
    paren_open,
    paren_close,
    pipe,
    question,
};

struct Token {
    TokenKind kind = TokenKind::end;
    SourceRange at;
    std::string text;
};

// The keyword that `word` is, or `end`. Keywords are lower case only.
TokenKind keyword_of(std::string_view word);
// "and", "in~", …: empty for what is no keyword.
std::string_view keyword_text(TokenKind kind);

class Lexer {
  public:
    // `source` must outlive the lexer and be shorter than 4 GiB.
    Lexer(std::string_view source, Diagnostics& diagnostics)
        : source_(source), diagnostics_(diagnostics) {}

    // The next token; `end` again and again after the last.
    Token next();
    std::string_view source() const { return source_; }

  private:
    char peek(std::size_t ahead = 0) const {
        return position_ + ahead < source_.size() ? source_[position_ + ahead] : '\0';
    }
    bool starts_with(std::string_view prefix) const {
        return source_.substr(position_).starts_with(prefix);
    }
    bool skip_space_and_comments();
    bool skip_block_comment();
    Token finish(TokenKind kind, std::size_t begin, std::string text = {}) const;
    Token word();
    Token number();
    Token quoted_name();
    Token string_of(char quote);
    Token raw_string();
    Token old_raw_string();
    Token symbol();
    Token unexpected_character();
    void escape(std::string& text);
    void unicode_escape(std::string& text);
    void report(std::size_t begin, std::size_t end, std::string message, std::string hint = {});

    std::string_view source_;
    std::size_t position_ = 0;
    Diagnostics& diagnostics_;
    std::size_t reported_ = 0;
};

}  // namespace audisp_eql::detect
