// SPDX-License-Identifier: Apache-2.0
// What the confined process asks and the privileged one answers: numbers and texts behind one
// another, a message a question. The privileged side believes nothing of a question; the confined
// side knows who answers.
//
// Memory: a Writer refers to its text, a Reader's texts are views on the message. Threads: none of
// their own.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace audisp_eql::collector::wire {

// The first number of a question. What follows it, and the answer:
enum class Question : std::uint64_t {
    open_feeds = 1,  // rules, rules without connector, connector's messages -> FeedReport
    start_reader,
    exchange,        // rules, connector's messages -> lines
    rules_in_force,  // -> rules
    look_after,      // whether to restore -> AuditView
    stop_reader,     // -> lines
    close_feeds,     // -> lines
    pids,            // -> pids
    process,         // pid -> RawProcess
    exec,            // pid, ExecFiles as bits -> RawExec
    descriptor,      // pid, fd -> DescriptorTarget
    socket,          // pid, fd -> SocketEnds
    module,          // name -> ModuleTaint
    rule_files,      // -> RuleInput
    json_file,       // -> a descriptor
    configuration,   // -> FileHashes
    tls_files,       // -> TlsFiles
    notify,          // what ServiceNotify says
};

// The first number of an answer. Behind failed and refused stands why. in_file: the answer is in
// the file in memory that comes with it.
enum class Outcome : std::uint64_t { done = 1, failed, refused, in_file };

// Of a question; the longest are kernel audit rules, of which a thousand are 100 kB.
inline constexpr std::size_t kMaxQuestion = std::size_t{256} << 10;
// What surely fits into one message on the socket (net.core.wmem_default is 208 kB).
inline constexpr std::size_t kMaxInline = std::size_t{64} << 10;
// Of an answer. Rule files of a hundred times what is public.
inline constexpr std::size_t kMaxAnswer = std::size_t{256} << 20;

class Writer {
  public:
    explicit Writer(std::string& out) : out_(out) {}
    Writer& number(std::uint64_t value) {
        char bytes[sizeof value];
        std::memcpy(bytes, &value, sizeof value);
        out_.append(bytes, sizeof bytes);
        return *this;
    }
    Writer& text(std::string_view value) {
        number(value.size());
        out_ += value;
        return *this;
    }
    Writer& texts(const std::vector<std::string>& values) {
        number(values.size());
        for (const std::string& value : values)
            text(value);
        return *this;
    }

  private:
    std::string& out_;
};

class Reader {
  public:
    explicit Reader(std::string_view bytes) : rest_(bytes) {}
    // Nothing was missing so far; what was missing reads as 0 and as empty.
    bool good() const { return good_; }
    // All was read, and no more is there.
    bool complete() const { return good_ && rest_.empty(); }
    std::uint64_t number() {
        std::uint64_t value = 0;
        if (rest_.size() < sizeof value) {
            good_ = false;
            return 0;
        }
        std::memcpy(&value, rest_.data(), sizeof value);
        rest_.remove_prefix(sizeof value);
        return value;
    }
    std::string_view text() {
        const std::uint64_t size = number();
        if (size > rest_.size()) {
            good_ = false;
            return {};
        }
        const std::string_view value = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return value;
    }
    std::vector<std::string> texts() {
        std::vector<std::string> values;
        for (std::uint64_t left = number(); left > 0 && good_; --left)
            values.emplace_back(text());
        return values;
    }

  private:
    std::string_view rest_;
    bool good_ = true;
};

}  // namespace audisp_eql::collector::wire
