// SPDX-License-Identifier: Apache-2.0
// `regex` and `regex~`: Lucene's regular expressions, run in linear time by RE2.
//
// What Lucene has: . ? + * {n} {n,} {n,m} | ( ) [ ] [^ ] "quoted text" \d \D \s \S \w \W, and \x
// for the character x. ^ and $ are ordinary characters: the whole value must match anyway, and the
// dot matches a newline. `+?` is not lazy but "(…+) or nothing". The optional operators ~ & @ # < >
// are refused with a reason; "\@" and the like are the characters.
//
// Memory: owns the programs (kMaxMemory each). Threads: read-only once compiled.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace audisp_eql::detect {

class Regex {
  public:
    // The longest public pattern has some 300 bytes.
    static constexpr std::size_t kMaxPatternBytes = 16 * 1024;
    // RE2's own default; the program and its DFA caches share it. A pattern that needs more to
    // compile is refused; a value that needs more runs on RE2's slower, constant-memory path.
    static constexpr std::int64_t kMaxMemory = 8 << 20;
    // Of a longer value only the beginning is seen. Far above what the collector keeps of a field;
    // only JSON input can bring more.
    static constexpr std::size_t kMaxValueBytes = 1 << 20;

    // Any of the patterns may match. Nullopt with what is wrong (and in which pattern) in `error`.
    static std::optional<Regex> compile(std::span<const std::string> patterns, bool fold_case,
                                        std::string& error);
    bool matches(std::string_view value) const;

    Regex(Regex&&) noexcept;
    Regex& operator=(Regex&&) noexcept;
    ~Regex();

  private:
    struct Programs;
    explicit Regex(std::unique_ptr<Programs> programs);
    std::unique_ptr<Programs> programs_;
};

}  // namespace audisp_eql::detect
