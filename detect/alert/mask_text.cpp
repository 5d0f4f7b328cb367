// SPDX-License-Identifier: Apache-2.0
// One pass over a text, from left to right: names with values, addresses, tokens. What words mean
// as options of a program is mask_words.cpp's.
#include <algorithm>

#include "detect/alert/mask.hpp"
#include "detect/alert/mask_names.hpp"
#include "detect/alert/mask_words.hpp"
#include "detect/text/fold.hpp"

namespace audisp_eql::detect {

namespace {

constexpr std::size_t npos = std::string_view::npos;
// Shorter words after Bearer and Basic are words of a sentence.
constexpr std::size_t kShortestBearer = 8;
// "https://TOKEN@host": shorter ones are users.
constexpr std::size_t kShortestLoneToken = 20;
// Where "a:b@c" is no password: other addresses, packages, digests.
constexpr std::string_view kOtherSchemes[] = {"mailto", "sip", "sips", "xmpp", "tel",
                                              "urn",    "arn", "npm",  "acct", "workspace"};

bool is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}
bool is_quote(char c) {
    return c == '"' || c == '\'';
}
bool ends_word(char c) {
    return is_space(c) || is_quote(c) || c == '<' || c == '>' || c == '`';
}
bool ends_value(char c) {
    return ends_word(c) || c == ';' || c == ',' || c == '&' || c == '|' || c == ')' || c == '}' ||
           c == ']';
}

class Scanner {
  public:
    Scanner(std::string_view text, bool names) : text_(text), names_(names) {}

    std::string run() {
        while (at_ < text_.size())
            step();
        return std::move(out_);
    }

  private:
    void copy_to(std::size_t end) {
        out_ += text_.substr(at_, end - at_);
        at_ = end;
    }
    void mask_to(std::size_t end) {
        if (end > at_)
            out_ += kMasked;
        at_ = std::max(at_, end);
    }
    template <typename Ends>
    std::size_t find_from(std::size_t from, Ends ends) const {
        while (from < text_.size() && !ends(text_[from]))
            ++from;
        return from;
    }
    char at(std::size_t place) const { return place < text_.size() ? text_[place] : '\0'; }

    void step() {
        if (at_ >= word_end_ && !ends_word(text_[at_]))
            begin_word();
        if (text_.substr(at_).starts_with("://")) {
            copy_to(at_ + 3);
            return address();
        }
        if (text_.substr(at_).starts_with("-----BEGIN"))
            return private_key();
        if (!is_name_character(text_[at_]))
            return copy_to(at_ + 1);
        name();
    }

    void begin_word() {
        word_ = at_;
        word_end_ = find_from(at_, ends_word);
        last_at_ = text_.substr(at_, word_end_ - at_).rfind('@');
        last_at_ = last_at_ == npos ? npos : last_at_ + at_;
        first_at_ = text_.substr(at_, word_end_ - at_).find('@');
        first_at_ = first_at_ == npos ? npos : first_at_ + at_;
    }

    // After "://": RFC 3986, 3.2. A password with a slash in it is no address by the letter, and
    // is used all the same.
    void address() {
        const std::size_t end = std::max(word_end_, at_);
        const std::string_view rest = text_.substr(at_, end - at_);
        const std::size_t authority = std::min(rest.find_first_of("/?#"), rest.size());
        const std::size_t colon = rest.find(':', rest.starts_with('[') ? rest.find(']') : 0);
        std::size_t sign = rest.substr(0, authority).rfind('@');
        if (sign == npos && colon < authority && rest.find('@') != npos) {
            const std::string_view port = rest.substr(colon + 1, authority - colon - 1);
            if (!std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; }))
                sign = rest.rfind('@');
        }
        last_at_ = npos;  // seen to
        if (sign == npos)
            return;
        const std::size_t until = at_ + sign;
        if (colon < sign) {
            copy_to(at_ + colon + 1);
            mask_to(until);
        } else if (sign >= kShortestLoneToken) {
            mask_to(until);
        } else {
            copy_to(until);
        }
    }

    void private_key() {
        const std::size_t head = text_.find("-----", at_ + 10);
        if (head == npos || text_.substr(at_, head - at_).find("PRIVATE KEY") == npos)
            return copy_to(at_ + 10);
        copy_to(head + 5);
        mask_to(std::min(text_.find("-----END", at_), text_.size()));
    }

    void name() {
        const std::size_t end = find_from(at_, [](char c) { return !is_name_character(c); });
        std::string_view run = text_.substr(at_, end - at_);
        // "--password=": the dashes are the option's.
        const std::size_t dashes = std::min(run.find_first_not_of("-."), run.size());
        if (is_token(run.substr(dashes))) {
            copy_to(at_ + dashes);
            return mask_to(end);
        }
        const std::size_t start = at_;
        copy_to(end);
        if (at(end) == ':' && !text_.substr(end).starts_with("://") && user_and_password(start))
            return;
        run.remove_prefix(dashes);
        if (equal_folded(run, "bearer") || equal_folded(run, "basic"))
            return bearer(start);
        if (names_ && !run.empty())
            pair(run, start);
    }

    // "DOMAIN/user:password@host", without a scheme before it.
    bool user_and_password(std::size_t start) {
        if (last_at_ == npos || last_at_ <= at_ + 1 || first_at_ < start ||
            last_at_ + 1 >= word_end_)
            return false;
        const std::string_view user = text_.substr(start, at_ - start);
        const std::string_view host = text_.substr(last_at_ + 1, word_end_ - last_at_ - 1);
        if (std::any_of(std::begin(kOtherSchemes), std::end(kOtherSchemes),
                        [&](std::string_view scheme) { return equal_folded(user, scheme); }) ||
            host.starts_with("sha256:") || host.starts_with("sha512:") ||
            !(is_name_character(host[0]) || host[0] == '['))
            return false;
        copy_to(at_ + 1);
        mask_to(last_at_);
        return true;
    }

    // The word after it, as in "Authorization: Bearer WORD".
    void bearer(std::size_t start) {
        const char before = start == 0 ? ' ' : text_[start - 1];
        if (at(at_) != ' ' || !(is_space(before) || is_quote(before) || before == ':'))
            return;
        const std::size_t begin = find_from(at_, [](char c) { return c != ' '; });
        const std::size_t end = find_from(begin, ends_word);
        // In base64 or hex: not all small letters, as a word of a sentence is.
        const std::string_view word = text_.substr(begin, end - begin);
        const bool coded = std::any_of(word.begin(), word.end(), [](char c) {
            return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
        });
        if (word.size() < kShortestBearer || word.starts_with('-') || !coded)
            return;
        copy_to(begin);
        mask_to(end);
    }

    // NAME=VALUE, NAME: VALUE, "NAME": "VALUE", \"NAME\": \"VALUE\".
    void pair(std::string_view name, std::size_t start) {
        if (!names_a_secret(name))
            return;
        std::size_t next = find_from(at_, [](char c) { return c != '\\'; });
        const bool quoted = is_quote(at(next));
        next = quoted ? next + 1 : at_;
        next = find_from(next, [](char c) { return c != ' '; });
        const bool spaced = next > at_ + (quoted ? 1U : 0U) && !quoted;
        const bool colon = at(next) == ':';
        if (!colon && at(next) != '=')
            return;
        const bool path = start > word_ && text_[start - 1] == '/';
        if (colon && !quoted && (path || spaced || at(next + 1) == '/' || at(next + 1) == ':'))
            return;
        next = find_from(next, [](char c) { return c != '=' && c != ':' && c != '>'; });
        if (colon || quoted || spaced)
            next = find_from(next, [](char c) { return c != ' '; });
        if (equal_folded(name, "pwd") && at(next) == '/')
            return;  // the shell's
        value(next, name);
    }

    void value(std::size_t from, std::string_view name) {
        const std::size_t quote = find_from(from, [](char c) { return c != '\\'; });
        if (is_quote(at(quote))) {
            const std::string_view opening = text_.substr(from, quote + 1 - from);
            copy_to(quote + 1);
            return mask_to(closing(quote + 1, opening));
        }
        if (equal_folded(name, "cookie")) {
            copy_to(from);
            return mask_to(find_from(from, [](char c) { return is_quote(c) || c == '\n'; }));
        }
        std::size_t begin = from;
        if (equal_folded(name, "authorization") || equal_folded(name, "proxy-authorization")) {
            // A scheme, and after it the secret.
            const std::size_t scheme = find_from(from, ends_word);
            if (at(scheme) == ' ' && text_.substr(from, scheme - from).find('=') == npos) {
                const bool list = equal_folded(text_.substr(from, scheme - from), "digest") ||
                                  text_.substr(from).starts_with("AWS4");
                copy_to(scheme + 1);
                return mask_to(find_from(scheme + 1, [list](char c) {
                    return list ? c == '\n' || c == '\'' : ends_word(c);
                }));
            }
        }
        copy_to(begin);
        mask_to(unquoted_end(begin));
    }

    std::size_t closing(std::size_t from, std::string_view quote) const {
        for (std::size_t at = from; at < text_.size(); ++at) {
            if (text_.substr(at).starts_with(quote))
                return at;
            if (text_[at] == '\\' && quote == "\"")
                ++at;
        }
        return text_.size();
    }
    std::size_t unquoted_end(std::size_t from) const {
        while (from < text_.size() && !ends_value(text_[from]))
            from += text_[from] == '\\' && from + 1 < text_.size() ? 2 : 1;
        return from;
    }

    std::string_view text_;
    bool names_;  // names say what is a secret
    std::string out_;
    std::size_t at_ = 0;  // all before is in out_
    // The word that at_ is in, and its first and last '@'.
    std::size_t word_ = 0, word_end_ = 0, first_at_ = npos, last_at_ = npos;
};

}  // namespace

std::string mask_tokens(std::string_view text) {
    return Scanner(text, false).run();
}

std::string mask_pairs(std::string_view text) {
    return Scanner(text, true).run();
}

std::string mask_text(std::string_view text) {
    return mask_commands(mask_pairs(text), 0);
}

}  // namespace audisp_eql::detect
