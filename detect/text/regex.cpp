// SPDX-License-Identifier: Apache-2.0
// The one file that knows RE2. A pattern is rewritten from Lucene's syntax to RE2's, twice: over
// code points for values that are UTF-8, and over bytes for those that are not, so that one bad
// byte in a command line hides nothing. Syntax: Lucene's RegExp, its class documentation.
#include "detect/text/regex.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <vector>

#include <re2/re2.h>

#include "detect/text/code_point.hpp"
#include "detect/text/utf8.hpp"

namespace audisp_eql::detect {

namespace {

enum class Alphabet { code_points, bytes };

bool is_letter(char32_t c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

class Translator {
  public:
    Translator(std::string_view pattern, Alphabet alphabet, bool fold_case)
        : in_(pattern), alphabet_(alphabet), fold_case_(fold_case) {}

    // False with a reason in error().
    bool run() {
        while (at_ < in_.size() && error_.empty())
            item();
        if (error_.empty() && !groups_.empty())
            error_ = "a '(' has no ')'";
        return error_.empty();
    }
    const std::string& text() const { return out_; }
    const std::string& error() const { return error_; }

  private:
    static constexpr std::size_t kNoAtom = std::string::npos;
    // Groups open at once; RE2 allows 1000, patterns in rules have up to 4.
    static constexpr std::size_t kMaxGroups = 100;

    void item() {
        const char c = in_[at_];
        switch (c) {
            case '|':
                ++at_;
                out_ += '|';
                atom_ = kNoAtom;
                return;
            case '(':
                ++at_;
                if (groups_.size() == kMaxGroups)
                    return fail("more than 100 '(' inside one another");
                groups_.push_back(out_.size());
                out_ += "(?:";
                atom_ = kNoAtom;
                return;
            case ')':
                ++at_;
                if (groups_.empty())
                    return fail("a ')' has no '('");
                out_ += ')';
                atom_ = groups_.back();
                groups_.pop_back();
                return;
            case '?':
            case '*':
            case '+':
            case '{':
                return repeat();
            case '~':
            case '&':
            case '@':
            case '#':
            case '<':
            case '>':
                return fail(std::string("the operator '") + c + "' is not supported; write '\\" +
                            c + "' for the character");
            default:
                return atom(c);
        }
    }

    void atom(char c) {
        atom_ = out_.size();
        if (c == '.') {
            ++at_;
            out_ += '.';
        } else if (c == '[') {
            ++at_;
            character_class();
        } else if (c == '"') {
            ++at_;
            quoted();
        } else if (c == '\\') {
            ++at_;
            if (!predefined(out_))
                literal(next_character());
        } else {
            literal(next_character());
        }
    }

    // Each repeat wraps what it repeats: stacked repeats would mean something else in RE2.
    void repeat() {
        if (atom_ == kNoAtom)
            return fail(std::string("nothing to repeat before '") + in_[at_] + "'");
        std::string count(1, in_[at_++]);
        if (count == "{") {
            const std::size_t close = in_.find('}', at_);
            if (close == std::string_view::npos)
                return fail("a '{' has no '}'");
            const std::string_view inside = in_.substr(at_, close - at_);
            if (!is_count(inside))
                return fail(
                    "a '{' must be followed by {n}, {n,} or {n,m}; write '\\{' for the "
                    "character");
            count.append(inside).append("}");
            at_ = close + 1;
        }
        out_.insert(atom_, "(?:");
        out_ += ')';
        out_ += count;
    }

    static bool is_count(std::string_view inside) {
        const std::size_t comma = inside.find(',');
        const auto digits = [](std::string_view text) {
            return std::all_of(text.begin(), text.end(),
                               [](char c) { return c >= '0' && c <= '9'; });
        };
        const std::string_view low = inside.substr(0, comma);
        return !low.empty() && digits(low) &&
               (comma == std::string_view::npos || digits(inside.substr(comma + 1)));
    }

    void quoted() {
        const std::size_t close = in_.find('"', at_);
        if (close == std::string_view::npos)
            return fail("a '\"' has no second '\"'; write '\\\"' for the character");
        out_ += "(?:";
        while (at_ < close)
            literal(next_character());
        out_ += ')';
        at_ = close + 1;
    }

    // \d, \w, \s and their opposites, as members of a class or by themselves.
    bool predefined(std::string& out) {
        if (at_ == in_.size() ||
            std::string_view("dDsSwW").find(in_[at_]) == std::string_view::npos)
            return false;
        out += '\\';
        out += in_[at_++];
        return true;
    }

    // The character at the cursor; an escape's backslash has been read.
    char32_t next_character() {
        if (at_ == in_.size()) {
            fail("a '\\' at the end");
            return 0;
        }
        const CodePoint point = code_point_at(in_, at_);
        at_ += point.length;
        return point.value;
    }

    static void append_code(std::string& out, char32_t c) {
        char buffer[16];
        std::snprintf(buffer, sizeof buffer, "\\x{%x}", static_cast<unsigned>(c));
        out += buffer;
    }

    // Over bytes a code point is the sequence of its bytes, kept together for a repeat.
    void literal(char32_t c) {
        if (!error_.empty())
            return;
        if (fold_case_ && is_letter(c)) {
            out_ += '[';
            out_ += static_cast<char>(c | 0x20);
            out_ += static_cast<char>(c & ~0x20u);
            out_ += ']';
        } else if (c < 0x80 || alphabet_ == Alphabet::code_points) {
            append_code(out_, c);
        } else {
            std::string bytes;
            append_utf8(bytes, c);
            out_ += "(?:";
            for (const char byte : bytes)
                append_code(out_, static_cast<unsigned char>(byte));
            out_ += ')';
        }
    }

    // Over bytes a class that holds any other than ASCII takes every byte above ASCII: the value is
    // no text, and missing it would be worse.
    void character_class() {
        std::string members;
        const bool negated = at_ < in_.size() && in_[at_] == '^';
        at_ += negated ? 1 : 0;
        bool first = true;
        while (error_.empty() && at_ < in_.size() && (first || in_[at_] != ']')) {
            first = false;
            class_member(members);
        }
        if (error_.empty() && at_ == in_.size())
            fail("a '[' has no ']'");
        ++at_;
        out_ += negated ? "[^" : "[";
        out_ += members;
        out_ += ']';
    }

    void class_member(std::string& members) {
        if (in_[at_] == '\\') {
            ++at_;
            if (predefined(members))
                return;
        }
        const char32_t low = next_character();
        char32_t high = low;
        if (at_ + 1 < in_.size() && in_[at_] == '-' && in_[at_ + 1] != ']') {
            ++at_;
            if (in_[at_] == '\\')
                ++at_;
            high = next_character();
        }
        if (high < low)
            return fail("a range in [ ] is the wrong way round");
        append_range(members, low, high);
        if (!fold_case_)
            return;
        append_range(members, std::max<char32_t>(low, 'a') - 0x20,
                     std::min<char32_t>(high, 'z') - 0x20,
                     std::max<char32_t>(low, 'a') <= std::min<char32_t>(high, 'z'));
        append_range(members, std::max<char32_t>(low, 'A') + 0x20,
                     std::min<char32_t>(high, 'Z') + 0x20,
                     std::max<char32_t>(low, 'A') <= std::min<char32_t>(high, 'Z'));
    }

    void append_range(std::string& members, char32_t low, char32_t high, bool wanted = true) {
        if (!wanted)
            return;
        if (alphabet_ == Alphabet::bytes && high >= 0x80) {
            members += "\\x{80}-\\x{ff}";
            if (low >= 0x80)
                return;
            high = 0x7f;
        }
        append_code(members, low);
        members += '-';
        append_code(members, high);
    }

    void fail(std::string reason) {
        if (error_.empty())
            error_ = std::move(reason);
    }

    std::string_view in_;
    std::size_t at_ = 0;
    Alphabet alphabet_;
    bool fold_case_;
    std::string out_;
    std::size_t atom_ = kNoAtom;  // where the last atom begins in out_
    std::vector<std::size_t> groups_;
    std::string error_;
};

RE2::Options options_for(Alphabet alphabet) {
    RE2::Options options;
    options.set_encoding(alphabet == Alphabet::bytes ? RE2::Options::EncodingLatin1
                                                     : RE2::Options::EncodingUTF8);
    options.set_dot_nl(true);
    options.set_never_capture(true);
    options.set_log_errors(false);
    options.set_max_mem(Regex::kMaxMemory);
    return options;
}

}  // namespace

struct Regex::Programs {
    Programs(const std::string& over_code_points, const std::string& over_bytes)
        : code_points(over_code_points, options_for(Alphabet::code_points)),
          bytes(over_bytes, options_for(Alphabet::bytes)) {}
    RE2 code_points;
    RE2 bytes;
};

Regex::Regex(std::unique_ptr<Programs> programs) : programs_(std::move(programs)) {}
Regex::Regex(Regex&&) noexcept = default;
Regex& Regex::operator=(Regex&&) noexcept = default;
Regex::~Regex() = default;

std::optional<Regex> Regex::compile(std::span<const std::string> patterns, bool fold_case,
                                    std::string& error) {
    const auto translate = [&](Alphabet alphabet, std::string& out) {
        for (const std::string& pattern : patterns) {
            const std::string where =
                patterns.size() > 1 ? " in \"" + pattern.substr(0, 80) + "\"" : std::string();
            if (pattern.size() > kMaxPatternBytes) {
                error = "a regular expression is longer than " + std::to_string(kMaxPatternBytes) +
                        " bytes";
                return false;
            }
            Translator translator(pattern, alphabet, fold_case);
            if (!translator.run()) {
                error = translator.error() + where;
                return false;
            }
            out += out.empty() ? "(?:" : "|(?:";
            out += translator.text() + ")";
        }
        return true;
    };
    std::string over_code_points, over_bytes;
    if (!translate(Alphabet::code_points, over_code_points) ||
        !translate(Alphabet::bytes, over_bytes))
        return std::nullopt;
    auto programs = std::make_unique<Programs>(over_code_points, over_bytes);
    for (const RE2* program : {&programs->code_points, &programs->bytes}) {
        if (!program->ok()) {
            error = "the regular expression cannot be compiled: " + program->error();
            return std::nullopt;
        }
    }
    return Regex(std::move(programs));
}

bool Regex::matches(std::string_view value) const {
    value = value.substr(0, kMaxValueBytes);
    const RE2& program = is_utf8(value) ? programs_->code_points : programs_->bytes;
    // As RE2::FullMatch, which asks for submatches first.
    return program.Match({value.data(), value.size()}, 0, value.size(), RE2::ANCHOR_BOTH, nullptr,
                         0);
}

}  // namespace audisp_eql::detect
