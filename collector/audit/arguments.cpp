// SPDX-License-Identifier: Apache-2.0
// The argument list of an exec, from its EXECVE records. What audit_log_execve_info() writes:
//   argc=3 a0="sh" a1=2D6320… a2="x"
// and, where an argument does not fit the rest of its record, its length in characters as logged
// ("not to be trusted", says the kernel) and its fragments, over as many records as it takes:
//   argc=3 a0="/bin/true" a1_len=40000 a1[0]=4141…   |   a1[1]=4141…   |   a1[2]=41 a2="tail"
#include <algorithm>

#include "collector/audit/decode.hpp"

namespace audisp_eql::collector {

namespace {

// A key of an EXECVE record: aN, aN_len or aN[K].
struct ArgumentKey {
    enum class Kind { none, whole, length, fragment } kind = Kind::none;
    std::uint32_t index = 0;
    std::uint32_t fragment = 0;
};

bool take_index(std::string_view& text, std::uint32_t& number) {
    // argc is bounded by the stack's size (128 kB pages): well under ten digits.
    constexpr std::size_t kMaxDigits = 9;
    std::size_t i = 0;
    number = 0;
    for (; i < text.size() && i < kMaxDigits && text[i] >= '0' && text[i] <= '9'; ++i)
        number = number * 10 + static_cast<std::uint32_t>(text[i] - '0');
    text.remove_prefix(i);
    return i > 0;
}

ArgumentKey parse_key(std::string_view text) {
    ArgumentKey key;
    if (!text.starts_with('a'))
        return key;
    text.remove_prefix(1);
    if (!take_index(text, key.index))
        return key;
    if (text.empty()) {
        key.kind = ArgumentKey::Kind::whole;
    } else if (text == "_len") {
        key.kind = ArgumentKey::Kind::length;
    } else if (text.front() == '[') {
        text.remove_prefix(1);
        if (take_index(text, key.fragment) && text == "]")
            key.kind = ArgumentKey::Kind::fragment;
    }
    return key;
}

class Collector {
  public:
    explicit Collector(Arguments& out) : out_(out) {}

    void field(const FieldCursor& field) {
        if (field.key == "argc") {
            const std::optional<std::int64_t> count = parse_decimal(field.value);
            if (!have_count_ && count && *count >= 0) {
                out_.count = *count;
                have_count_ = true;
            }
            return;
        }
        const ArgumentKey key = parse_key(field.key);
        switch (key.kind) {
            case ArgumentKey::Kind::whole:
                if (begin_word(key.index))
                    append(field);
                break;
            case ArgumentKey::Kind::fragment:
                fragment(key, field);
                break;
            case ArgumentKey::Kind::length:
            case ArgumentKey::Kind::none:
                break;
        }
    }

    void finish() {
        if (!have_count_) {
            out_.count = next_;
            out_.malformed = true;
        }
        if (next_ < out_.count && !out_.truncated)
            out_.malformed = true;
        if (static_cast<std::int64_t>(out_.words.size()) < out_.count)
            out_.truncated = true;
    }

  private:
    // True if the argument is new and is kept.
    bool begin_word(std::uint32_t index) {
        if (index < next_)
            return false;  // said before: the first counts
        if (index > next_)
            out_.malformed = true;
        next_ = std::int64_t{index} + 1;
        next_fragment_ = 0;
        full_ = full_ || out_.words.size() >= Arguments::kMaxArguments ||
                out_.command_line.size() >= Arguments::kMaxBytes;
        if (full_) {
            out_.truncated = true;
            return false;
        }
        if (!out_.words.empty())
            out_.command_line += ' ';
        out_.words.push_back({static_cast<std::uint32_t>(out_.command_line.size()), 0});
        return true;
    }

    void fragment(const ArgumentKey& key, const FieldCursor& field) {
        if (key.index >= next_) {
            begin_word(key.index);
            open_ = key.index;
        } else if (std::int64_t{key.index} + 1 != next_ || key.index != open_ ||
                   key.fragment < next_fragment_) {
            return;
        }
        if (key.fragment != next_fragment_)
            out_.malformed = true;
        next_fragment_ = key.fragment + 1;
        if (!full_)
            append(field);
    }

    void append(const FieldCursor& field) {
        std::string& text = out_.command_line;
        if (!append_untrusted(field.value, field.quoted, text) && !field.value.empty()) {
            out_.malformed = true;
            text += field.value;  // as it stands: better than nothing
        }
        if (text.size() > Arguments::kMaxBytes) {
            text.resize(Arguments::kMaxBytes);
            out_.truncated = full_ = true;
        }
        Arguments::Word& word = out_.words.back();
        word.size = static_cast<std::uint32_t>(text.size()) -
                    std::min(word.offset, static_cast<std::uint32_t>(text.size()));
    }

    Arguments& out_;
    bool have_count_ = false;
    bool full_ = false;
    std::int64_t next_ = 0;            // the index that comes next
    std::uint32_t open_ = UINT32_MAX;  // the argument that is written in fragments
    std::uint32_t next_fragment_ = 0;
};

}  // namespace

void Arguments::clear() {
    command_line.clear();
    words.clear();
    count = 0;
    truncated = malformed = false;
}

bool decode_arguments(const AuditEvent& event, Arguments& out) {
    out.clear();
    Collector collector(out);
    bool any = false;
    for (const AuditEvent::Record& record : event.records()) {
        if (record.type != audit_type::kExecve)
            continue;
        any = true;
        FieldCursor fields(event.body(record));
        while (fields.next())
            collector.field(fields);
    }
    if (any)
        collector.finish();
    return any;
}

}  // namespace audisp_eql::collector
