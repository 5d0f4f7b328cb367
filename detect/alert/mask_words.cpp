// SPDX-License-Identifier: Apache-2.0
#include "detect/alert/mask_words.hpp"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "detect/alert/mask.hpp"
#include "detect/alert/mask_names.hpp"
#include "detect/alert/mask_programs.hpp"

namespace audisp_eql::detect {

namespace {

constexpr std::size_t npos = std::string_view::npos;
// Commands in quotes in commands: ssh host 'sudo sh -c "…"'. Deeper ones are scanned for names.
constexpr unsigned kMaxDepth = 4;
// Longer words are no program's name.
constexpr std::size_t kMaxProgram = 32;

struct Word {
    std::string text;  // without its quotes
    std::size_t begin = 0, end = 0;
    bool quoted = false;
    std::size_t mask_from = npos;  // of `text`
};

bool is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

bool has_space(std::string_view text) {
    return std::any_of(text.begin(), text.end(), is_space);
}

bool listed(std::string_view list, std::string_view word) {
    if (word.empty() || word.size() > kMaxProgram || has_space(word))
        return false;
    const std::string padded = " " + std::string(word) + " ";
    return list.find(padded) != npos;
}

// By program, its rows of kSecretOptions, a bit each. Every word of an alert is looked up.
using OptionsByProgram = boost::unordered_flat_map<std::string_view, std::uint64_t>;

OptionsByProgram options_by_program() {
    OptionsByProgram options;
    for (std::size_t row = 0; row < kSecretOptionCount; ++row) {
        const std::string_view programs = kSecretOptions[row].programs;
        for (std::size_t begin = 1; begin < programs.size();) {
            const std::size_t end = programs.find(' ', begin);
            options[programs.substr(begin, end - begin)] |= std::uint64_t{1} << row;
            begin = end + 1;
        }
    }
    return options;
}

// 0: none.
std::uint64_t options_of(std::string_view program) {
    static const OptionsByProgram options = options_by_program();
    const auto found = options.find(program);
    return found == options.end() ? 0 : found->second;
}

std::string_view base_name(std::string_view path) {
    return path.substr(path.rfind('/') + 1);
}

bool is_option(std::string_view word) {
    return word.size() > 1 && word[0] == '-';
}

// "-c", "-lc", "-ec": a script follows.
bool takes_script(std::string_view word) {
    return word.size() >= 2 && word.size() <= 4 && word[0] == '-' && word[1] != '-' &&
           word.back() == 'c';
}

class Command {
  public:
    explicit Command(std::vector<Word*> words) : words_(std::move(words)) {}

    void mask() {
        for (std::size_t i = 0; i < words_.size(); ++i) {
            by_name(i);
            by_program(i);
            learn(i);
        }
        last_word();
        if (runs("chpasswd"))  // a here-string
            for (Word* const word : words_)
                hide_after(*word, 0, ':');
    }

    bool reads_secret() const {
        return std::any_of(words_.begin(), words_.end(), [](const Word* word) {
            return listed(kReadsSecrets, base_name(word->text));
        });
    }
    // What it writes is a secret.
    void mask_written() {
        if (!runs("echo") && !runs("printf"))
            return;
        for (std::size_t i = 1; i < words_.size(); ++i)
            if (!is_option(words_[i]->text)) {
                hide_after(*words_[i], 0, ':');
                hide(*words_[i], 0);
            }
    }

  private:
    // True if there is something.
    static bool hide(Word& word, std::size_t from) {
        if (from < word.text.size() && word.mask_from == npos)
            word.mask_from = from;
        return from < word.text.size();
    }
    static bool hide_after(Word& word, std::size_t from, char mark) {
        const std::size_t at = word.text.find(mark, from);
        return at != npos && hide(word, at + 1);
    }
    // With a `mark` the part behind it.
    static bool hide_part(Word& word, std::size_t from, char mark) {
        return mark == 0 ? hide(word, from) : hide_after(word, from, mark);
    }
    bool runs(std::string_view program) const {
        return !words_.empty() && base_name(words_[0]->text) == program;
    }
    std::string_view text(std::size_t i) const {
        return i < words_.size() ? std::string_view(words_[i]->text) : std::string_view();
    }

    void by_name(std::size_t i) {
        Word& word = *words_[i];
        const std::string_view text(word.text);
        const std::size_t dashes = std::min(text.find_first_not_of('-'), text.size());
        std::size_t end = dashes;
        while (end < text.size() && is_name_character(text[end]))
            ++end;
        const std::string_view name = text.substr(dashes, end - dashes);
        if (end < text.size() && text[end] == '=') {
            // A script that begins with an assignment is not all secret.
            const bool script =
                i > 0 && dashes == 0 && takes_script(words_[i - 1]->text) && has_space(text);
            if (!script && names_a_secret(name) && !(name == "PWD" && text[end + 1] == '/'))
                hide(word, end + 1);
            return;
        }
        if (i + 1 == words_.size() || name.empty() || !names_a_secret(name))
            return;
        std::size_t next = i + 1;
        if (end + 1 == text.size() && text[end] == ':') {  // Authorization: Bearer SECRET
            if (words_[next]->text.size() < 10 && next + 1 < words_.size() && name.size() > 12)
                ++next;
            if (words_[next]->text.find(kMasked) == npos)  // by mask_pairs()
                hide(*words_[next], 0);
            return;
        }
        if (end != text.size() || is_option(words_[next]->text))
            return;
        const bool option = dashes > 1 || (dashes == 1 && name.size() > 4);
        if (option || (dashes == 0 && sets_names_))
            hide(*words_[next], 0);
    }

    void by_program(std::size_t i) {
        if (options_ == 0)
            return;
        Word& word = *words_[i];
        for (std::size_t row = 0; row < kSecretOptionCount; ++row) {
            if ((options_ >> row & 1U) == 0)
                continue;
            const SecretOption& known = kSecretOptions[row];
            if (!known.command.empty() && !seen(known.command, i))
                continue;
            // Once: what follows is another program's: sshpass -p SECRET ssh -p 22.
            if (by_option(known, word, i))
                options_ &= ~(std::uint64_t{1} << row);
        }
    }

    // True if there was a secret.
    bool by_option(const SecretOption& known, Word& word, std::size_t i) {
        const std::string_view text(word.text);
        const bool letter = known.option.size() == 2 && known.option[0] == '-';
        const bool cluster = letter && text.size() > 2 && text.size() <= 6 && text[0] == '-' &&
                             text.back() == known.option[1] &&
                             std::all_of(text.begin() + 1, text.end(), [](char c) {
                                 return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
                             });
        if (known.separate && (text == known.option || (cluster && !known.attached)) &&
            i + 1 < words_.size())
            return hide_part(*words_[i + 1], 0, known.after);
        // "-su USER:PASSWORD", where "-sSECRET" is none: the mark tells.
        if (cluster && known.separate && known.after != 0 && i + 1 < words_.size() &&
            hide_part(*words_[i + 1], 0, known.after))
            return true;
        if (!known.attached || !text.starts_with(known.option))
            return false;
        std::size_t from = known.option.size();
        if (known.option.starts_with("--")) {
            if (text.size() <= from || text[from] != '=')
                return false;
            ++from;
        }
        return hide_part(word, from, known.after);
    }

    bool seen(std::string_view command, std::size_t before) const {
        return std::any_of(words_.begin(), words_.begin() + static_cast<long>(before),
                           [&](const Word* word) { return word->text == command; });
    }

    // What the word says of those behind it.
    void learn(std::size_t i) {
        const std::string_view word = text(i);
        if (word == "config" || word == "configure" || word == "nmcli")
            sets_names_ = true;
        if (is_option(word) || word.size() > 256)
            return;
        const std::uint64_t options = options_of(base_name(word));
        if (options != 0 && !(i > 0 && listed(kNamesFollow, words_[i - 1]->text)))
            options_ |= options;
    }

    void last_word() {
        for (const SecretLastWord& known : kSecretLastWords) {
            const auto program = std::find_if(words_.begin(), words_.end(), [&](const Word* word) {
                return base_name(word->text) == known.program;
            });
            if (words_.end() - program < 3 &&
                !(known.program == "mkpasswd" && words_.end() - program == 2))
                continue;
            if (!known.command.empty() && (*std::next(program))->text != known.command)
                continue;
            const std::string_view first = (*std::next(program))->text;
            if (!known.needs.empty() && (!is_option(first) || first.find(known.needs) == npos))
                continue;
            if (!is_option(words_.back()->text))
                hide(*words_.back(), 0);
        }
    }

    std::vector<Word*> words_;
    std::uint64_t options_ = 0;  // rows of kSecretOptions that hold from here on
    bool sets_names_ = false;    // "git config NAME VALUE"
};

struct Part {
    std::vector<Word> words;
    bool piped = false;  // into the next
};

// As a shell splits it, roughly: words, quotes, and where a command ends.
std::vector<Part> split(std::string_view text) {
    std::vector<Part> parts(1);
    for (std::size_t at = 0; at < text.size();) {
        const char c = text[at];
        if (c == '\n' || c == ';' || c == '|' || c == '&' || c == '(' || c == ')' || c == '`') {
            parts.back().piped = c == '|' && text.substr(at, 2) != "||" && !parts.back().piped;
            if (!parts.back().words.empty())
                parts.emplace_back();
            ++at;
            continue;
        }
        if (is_space(c) || c == '<' || c == '>') {
            ++at;
            continue;
        }
        Word& word = parts.back().words.emplace_back();
        word.begin = at;
        char quote = 0;
        for (; at < text.size(); ++at) {
            const char here = text[at];
            if (quote != 0 ? here == quote : here == '"' || here == '\'') {
                quote = quote != 0 ? '\0' : here;
                word.quoted = true;
            } else if (here == '\\' && quote != '\'' && at + 1 < text.size()) {
                word.text += text[++at];
                word.quoted = true;
            } else if (quote == 0 &&
                       (is_space(here) || std::string_view(";|&()`<>").find(here) != npos)) {
                break;
            } else {
                word.text += here;
            }
        }
        word.end = at;
    }
    return parts;
}

// Again as it was written: in its quotes.
std::string written(std::string_view raw, const Word& word, unsigned depth) {
    if (word.mask_from != npos)
        return word.text.substr(0, word.mask_from) + std::string(kMasked);
    if (!word.quoted || !has_space(word.text) || depth >= kMaxDepth)
        return std::string(raw);
    const std::string inner = mask_commands(mask_pairs(word.text), depth + 1);
    if (inner == word.text)
        return std::string(raw);
    const std::string quote(raw[0] == '"' || raw[0] == '\'' ? 1U : 0U, raw[0]);
    return quote + inner + quote;
}

std::vector<Word*> pointers(std::vector<Word>& words) {
    std::vector<Word*> found;
    for (Word& word : words)
        found.push_back(&word);
    return found;
}

}  // namespace

std::string mask_commands(std::string_view text, unsigned depth) {
    std::vector<Part> parts = split(text);
    std::vector<Command> commands;
    commands.reserve(parts.size());
    for (std::size_t i = 0; i < parts.size(); ++i) {
        Command& command = commands.emplace_back(pointers(parts[i].words));
        command.mask();
        if (i > 0 && parts[i - 1].piped && command.reads_secret())
            commands[i - 1].mask_written();
    }
    std::string out;
    std::size_t done = 0;
    for (const Part& part : parts) {
        for (const Word& word : part.words) {
            out += text.substr(done, word.begin - done);
            out += written(text.substr(word.begin, word.end - word.begin), word, depth);
            done = word.end;
        }
    }
    out += text.substr(done);
    return out;
}

std::vector<std::string> mask_args(std::vector<std::string> args) {
    std::vector<Word> words(args.size());
    for (std::size_t i = 0; i < args.size(); ++i)
        words[i].text = args[i];
    Command(pointers(words)).mask();
    for (std::size_t i = 0; i < args.size(); ++i) {
        if (words[i].mask_from != npos)
            args[i] = args[i].substr(0, words[i].mask_from) + std::string(kMasked);
        else
            args[i] = mask_text(args[i]);
    }
    return args;
}

}  // namespace audisp_eql::detect
