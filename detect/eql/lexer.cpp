// SPDX-License-Identifier: Apache-2.0
#include "detect/eql/lexer.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "detect/text/code_point.hpp"

namespace audisp_eql::detect {
namespace {

struct Keyword {
    std::string_view text;
    TokenKind kind;
};

constexpr std::array kKeywords = {
    Keyword{"and", TokenKind::kw_and},         Keyword{"any", TokenKind::kw_any},
    Keyword{"by", TokenKind::kw_by},           Keyword{"false", TokenKind::kw_false},
    Keyword{"in", TokenKind::kw_in},           Keyword{"in~", TokenKind::kw_in_fold},
    Keyword{"join", TokenKind::kw_join},       Keyword{"like", TokenKind::kw_like},
    Keyword{"like~", TokenKind::kw_like_fold}, Keyword{"maxspan", TokenKind::kw_maxspan},
    Keyword{"not", TokenKind::kw_not},         Keyword{"null", TokenKind::kw_null},
    Keyword{"of", TokenKind::kw_of},           Keyword{"or", TokenKind::kw_or},
    Keyword{"regex", TokenKind::kw_regex},     Keyword{"regex~", TokenKind::kw_regex_fold},
    Keyword{"sample", TokenKind::kw_sample},   Keyword{"sequence", TokenKind::kw_sequence},
    Keyword{"true", TokenKind::kw_true},       Keyword{"until", TokenKind::kw_until},
    Keyword{"where", TokenKind::kw_where},     Keyword{"with", TokenKind::kw_with},
};

// Longest first where one begins another. A mistake is an operator of another language or of an
// older dialect: reported, then read as what was meant.
struct Symbol {
    std::string_view text;
    TokenKind kind;
    std::string_view mistake = {};
    std::string_view hint = {};
};

constexpr std::array kSymbols = {
    Symbol{"![", TokenKind::missing_open},
    Symbol{"!=", TokenKind::not_equal},
    Symbol{"!:", TokenKind::colon, "'!:' is not an operator",
           "write 'not' before the condition: not field : \"pattern\""},
    Symbol{"!", TokenKind::kw_not, "'!' is not an operator", "write 'not'"},
    Symbol{"===", TokenKind::equal, "'===' is not an operator", "write '=='"},
    Symbol{"==", TokenKind::equal},
    Symbol{"=", TokenKind::assign},
    Symbol{"<=", TokenKind::less_equal},
    Symbol{"<>", TokenKind::not_equal, "'<>' is not an operator", "write '!='"},
    Symbol{"<", TokenKind::less},
    Symbol{">=", TokenKind::greater_equal},
    Symbol{">", TokenKind::greater},
    Symbol{"&&", TokenKind::kw_and, "'&&' is not an operator", "write 'and'"},
    Symbol{"||", TokenKind::kw_or, "'||' is not an operator", "write 'or'"},
    Symbol{"|", TokenKind::pipe},
    Symbol{":", TokenKind::colon},
    Symbol{"+", TokenKind::plus},
    Symbol{"-", TokenKind::minus},
    Symbol{"*", TokenKind::star},
    Symbol{"/", TokenKind::slash},
    Symbol{"%", TokenKind::percent},
    Symbol{".", TokenKind::dot},
    Symbol{",", TokenKind::comma},
    Symbol{"[", TokenKind::bracket_open},
    Symbol{"]", TokenKind::bracket_close},
    Symbol{"(", TokenKind::paren_open},
    Symbol{")", TokenKind::paren_close},
    Symbol{"?", TokenKind::question},
};

// ASCII only, and never the process's locale: a query means the same on every host.
bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool starts_name(char c) {
    return is_letter(c) || c == '_' || c == '@';
}
bool in_name(char c) {
    return is_letter(c) || is_digit(c) || c == '_';
}

int hex_digit(char c) {
    if (is_digit(c)) {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

}  // namespace

TokenKind keyword_of(std::string_view word) {
    const auto* found = std::find_if(kKeywords.begin(), kKeywords.end(),
                                     [&](const Keyword& keyword) { return keyword.text == word; });
    return found == kKeywords.end() ? TokenKind::end : found->kind;
}

std::string_view keyword_text(TokenKind kind) {
    const auto* found = std::find_if(kKeywords.begin(), kKeywords.end(),
                                     [&](const Keyword& keyword) { return keyword.kind == kind; });
    return found == kKeywords.end() ? std::string_view() : found->text;
}

Token Lexer::next() {
    if (!skip_space_and_comments() || position_ >= source_.size()) {
        position_ = source_.size();
        return finish(TokenKind::end, position_);
    }
    const char c = peek();
    if (starts_name(c)) {
        return word();
    }
    if (is_digit(c) || (c == '.' && is_digit(peek(1)))) {
        return number();
    }
    if (c == '`') {
        return quoted_name();
    }
    if (starts_with("\"\"\"")) {
        return raw_string();
    }
    if (c == '"' || c == '\'') {
        return string_of(c);
    }
    if (c == '?' && (peek(1) == '"' || peek(1) == '\'')) {
        return old_raw_string();
    }
    return symbol();
}

// False if a comment is not closed: nothing can follow it.
bool Lexer::skip_space_and_comments() {
    while (position_ < source_.size()) {
        const char c = peek();
        if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
            ++position_;
        } else if (starts_with("//")) {
            position_ = std::min(source_.find('\n', position_), source_.size());
        } else if (starts_with("/*")) {
            if (!skip_block_comment()) {
                return false;
            }
        } else {
            break;
        }
    }
    return true;
}

bool Lexer::skip_block_comment() {
    const std::size_t begin = position_;
    std::size_t open = 0;
    bool nested = false;
    while (position_ < source_.size()) {
        if (starts_with("/*")) {
            nested = open > 0;
            ++open;
            position_ += 2;
        } else if (starts_with("*/")) {
            --open;
            position_ += 2;
            if (open == 0) {
                return true;
            }
        } else {
            ++position_;
        }
    }
    report(begin, begin + 2, "the comment is not closed",
           nested ? "comments nest: each '/*' needs its own '*/'" : "close it with '*/'");
    return false;
}

Token Lexer::finish(TokenKind kind, std::size_t begin, std::string text) const {
    return Token{kind,
                 {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(position_ - begin)},
                 std::move(text)};
}

Token Lexer::word() {
    const std::size_t begin = position_;
    const bool has_tilde_form = peek() != '_' && peek() != '@';
    while (in_name(peek()) || position_ == begin) {
        ++position_;
    }
    std::string name(source_.substr(begin, position_ - begin));
    if (has_tilde_form && peek() == '~') {
        const TokenKind keyword = keyword_of(name + '~');
        ++position_;
        return keyword == TokenKind::end ? finish(TokenKind::function_name, begin, std::move(name))
                                         : finish(keyword, begin, name + '~');
    }
    const TokenKind keyword = keyword_of(name);
    return finish(keyword == TokenKind::end ? TokenKind::identifier : keyword, begin,
                  std::move(name));
}

Token Lexer::number() {
    const std::size_t begin = position_;
    TokenKind kind = TokenKind::integer;
    const auto digits = [&] {
        while (is_digit(peek())) {
            ++position_;
        }
    };
    digits();
    if (peek() == '.') {
        kind = TokenKind::real;
        ++position_;
        digits();
    }
    const std::size_t sign = peek(1) == '+' || peek(1) == '-' ? 1 : 0;
    if ((peek() == 'e' || peek() == 'E') && is_digit(peek(1 + sign))) {
        kind = TokenKind::real;
        position_ += 1 + sign;
        digits();
    }
    return finish(kind, begin, std::string(source_.substr(begin, position_ - begin)));
}

Token Lexer::quoted_name() {
    const std::size_t begin = position_++;
    std::string name;
    while (position_ < source_.size() && peek() != '\n') {
        if (peek() == '`') {
            ++position_;
            if (peek() != '`') {
                if (name.empty()) {
                    report(begin, position_, "the name between the back-quotes is empty");
                }
                return finish(TokenKind::quoted_identifier, begin, std::move(name));
            }
        }
        name += peek();
        ++position_;
    }
    report(begin, begin + 1, "the back-quoted name is not closed on its line",
           "close it with '`'; a back-quote inside a name is written twice");
    return finish(TokenKind::quoted_identifier, begin, std::move(name));
}

Token Lexer::string_of(char quote) {
    const std::size_t begin = position_++;
    std::string text;
    while (position_ < source_.size() && peek() != '\n' && peek() != '\r') {
        if (peek() == quote) {
            ++position_;
            if (quote == '\'') {
                report(begin, position_, "strings stand in double quotes", "write \"…\"");
            }
            return finish(TokenKind::text, begin, std::move(text));
        }
        if (peek() == '\\') {
            escape(text);
        } else {
            text += peek();
            ++position_;
        }
    }
    report(begin, begin + 1, "the string is not closed on its line",
           quote == '"' ? "close it with '\"'; write a line break inside a string as \\n"
                        : "strings stand in double quotes: \"…\"");
    return finish(TokenKind::text, begin, std::move(text));
}

// One line, no escapes. Up to two quotes before the closing three belong to the text.
Token Lexer::raw_string() {
    const std::size_t begin = position_;
    const std::size_t line_end = std::min(source_.find_first_of("\r\n", position_), source_.size());
    const std::string_view line = source_.substr(0, line_end);
    std::size_t close = line.find("\"\"\"", begin + 3);
    if (close == std::string_view::npos) {
        position_ = line_end;
        report(begin, begin + 3, "the raw string is not closed on its line",
               "close it with '\"\"\"'; a raw string holds no line break");
        return finish(TokenKind::text, begin);
    }
    for (int extra = 0; extra < 2 && close + 3 < line.size() && line[close + 3] == '"'; ++extra) {
        ++close;
    }
    position_ = close + 3;
    return finish(TokenKind::text, begin, std::string(line.substr(begin + 3, close - begin - 3)));
}

// ?"…" and ?'…' were the raw strings of the first EQL. Nothing is escaped, save the quote.
Token Lexer::old_raw_string() {
    const std::size_t begin = position_;
    const char quote = peek(1);
    position_ += 2;
    while (position_ < source_.size() && peek() != '\n' && peek() != quote) {
        position_ += peek() == '\\' && peek(1) == quote ? 2U : 1U;
    }
    std::string text(source_.substr(begin + 2, position_ - begin - 2));
    if (peek() == quote) {
        ++position_;
    }
    report(begin, position_, "'?' before a string is no longer part of the language",
           "write a raw string as \"\"\"…\"\"\"");
    return finish(TokenKind::text, begin, std::move(text));
}

Token Lexer::symbol() {
    const auto* found = std::find_if(kSymbols.begin(), kSymbols.end(), [&](const Symbol& symbol) {
        return starts_with(symbol.text);
    });
    if (found == kSymbols.end()) {
        return unexpected_character();
    }
    const std::size_t begin = position_;
    position_ += found->text.size();
    if (found->text == "!") {
        const std::size_t next = source_.find_first_not_of(" \t\r\n", position_);
        if (next != std::string_view::npos && source_[next] == '[') {
            position_ = next + 1;
            report(begin, position_, "'!' and '[' stand together", "write '!['");
            return finish(TokenKind::missing_open, begin);
        }
    }
    if (!found->mistake.empty()) {
        report(begin, position_, std::string(found->mistake), std::string(found->hint));
    }
    return finish(found->kind, begin);
}

Token Lexer::unexpected_character() {
    const std::size_t begin = position_;
    const CodePoint character = code_point_at(source_, position_);
    position_ += character.length;
    std::string hint;
    // What word processors and web pages make of quotes and spaces.
    if (character.value == 0x201c || character.value == 0x201d || character.value == 0x201e ||
        character.value == 0x2018 || character.value == 0x2019) {
        hint = "write plain double quotes: \"…\"";
    } else if (character.value == 0xa0 || character.value == 0xfeff ||
               (character.value >= 0x2000 && character.value <= 0x200d)) {
        hint = "replace it with a plain space";
    } else if (character.value == 0x2013 || character.value == 0x2014) {
        hint = "write a plain '-'";
    } else if (character.value == '#') {
        hint = "comments begin with '//'";
    } else if (character.value == ';') {
        hint = "a query has no ';' at its end";
    } else if (character.value == '{' || character.value == '}') {
        hint = "conditions are grouped with '(' and ')', subqueries with '[' and ']'";
    }
    std::string name;
    if (!character.valid) {
        name = "byte that is not UTF-8";
    } else if (is_printable(character.value)) {
        name = "character '" + std::string(source_.substr(begin, character.length)) + "'";
    } else {
        std::array<char, 16> code{};
        std::snprintf(code.data(), code.size(), "U+%04X", static_cast<unsigned>(character.value));
        name = std::string("character ") + code.data();
    }
    report(begin, position_, "unexpected " + name, std::move(hint));
    return finish(TokenKind::invalid, begin);
}

// At a backslash. Appends what it stands for; a mistake is reported and its text kept.
void Lexer::escape(std::string& text) {
    constexpr std::string_view kNames = "btnfr\"\\'";
    constexpr std::string_view kMeanings = "\b\t\n\f\r\"\\'";
    const std::size_t begin = position_;
    const char name = peek(1);
    if (name == 'u') {
        unicode_escape(text);
        return;
    }
    const std::size_t index = name == '\0' ? std::string_view::npos : kNames.find(name);
    if (index != std::string_view::npos) {
        text += kMeanings[index];
        position_ += 2;
        return;
    }
    ++position_;  // the character itself stays part of the string
    text += '\\';
    if (position_ < source_.size() && peek() != '\n' && peek() != '\r') {
        const std::size_t end = position_ + code_point_at(source_, position_).length;
        report(begin, end,
               "unknown escape '" + std::string(source_.substr(begin, end - begin)) + "'",
               "write '\\\\' for a backslash, or use a raw string: \"\"\"…\"\"\"");
    }
}

// \u{2 to 8 hexadecimal digits}
void Lexer::unicode_escape(std::string& text) {
    const std::size_t begin = position_;
    position_ += 2;
    std::uint32_t value = 0;
    std::size_t digits = 0;
    if (peek() == '{') {
        ++position_;
        while (digits < 8 && hex_digit(peek()) >= 0) {
            value = value * 16 + static_cast<std::uint32_t>(hex_digit(peek()));
            ++digits;
            ++position_;
        }
    }
    if (digits < 2 || peek() != '}') {
        report(begin, position_, "the escape '\\u' needs a code point in braces",
               "write 2 to 8 hexadecimal digits: \\u{00e9}");
        return;
    }
    ++position_;
    if (value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) {
        report(begin, position_, "the escape stands for no character",
               "code points go up to 10ffff, without d800 to dfff");
        return;
    }
    append_utf8(text, value);
}

void Lexer::report(std::size_t begin, std::size_t end, std::string message, std::string hint) {
    if (++reported_ > kMaxErrors) {
        return;  // one string may hold them all
    }
    diagnostics_.push_back(
        {Severity::error,
         {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end - begin)},
         std::move(message),
         std::move(hint)});
}

}  // namespace audisp_eql::detect
