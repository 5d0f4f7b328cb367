// SPDX-License-Identifier: Apache-2.0
#include "collector/audit/record.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstring>

#include <libaudit.h>

namespace audisp_eql::collector {

namespace {

// Between the kernel's text and what auditd adds in log_format=ENRICHED (audit(8), auditd.conf(5)).
constexpr char kEnrichedSeparator = '\x1d';
// The longest name in libaudit's table is INTEGRITY_POLICY_RULE; UNKNOWN[65535] is shorter.
constexpr std::size_t kMaxTypeName = 32;

// Takes digits from the front of `text`; false if there is none or the number is beyond `limit`.
bool take_number(std::string_view& text, std::uint64_t limit, std::uint64_t& number) {
    std::size_t i = 0;
    number = 0;
    for (; i < text.size() && text[i] >= '0' && text[i] <= '9'; ++i) {
        number = number * 10 + static_cast<std::uint64_t>(text[i] - '0');
        if (number > limit)
            return false;
    }
    text.remove_prefix(i);
    return i > 0;
}

// Of a size that the compiler knows: comparing is a load or two.
template <std::size_t kSize>
bool begins(std::string_view text, const char (&literal)[kSize]) {
    return text.size() >= kSize - 1 && std::memcmp(text.data(), literal, kSize - 1) == 0;
}
template <std::size_t kSize>
bool take(std::string_view& text, const char (&literal)[kSize]) {
    if (!begins(text, literal))
        return false;
    text.remove_prefix(kSize - 1);
    return true;
}

bool is_blank(char c) {
    return c == ' ' || c == '\n' || c == '\0';
}

std::uint16_t rare_type_of(std::string_view name) {
    std::array<char, kMaxTypeName + 1> text{};
    if (name.empty() || name.size() > kMaxTypeName)
        return 0;
    std::memcpy(text.data(), name.data(), name.size());
    const int type = audit_name_to_msg_type(text.data());
    return type > 0 && type <= 0xffff ? static_cast<std::uint16_t>(type) : 0;
}

// 0: no such type.
std::uint16_t type_of(std::string_view name) {
    // The types of syscall events make up nearly every log; they are told apart without a table.
    switch (field_code(name)) {
        case field_code("SYSCALL"):
            return audit_type::kSyscall;
        case field_code("PATH"):
            return audit_type::kPath;
        case field_code("CWD"):
            return audit_type::kCwd;
        case field_code("EXECVE"):
            return audit_type::kExecve;
        case field_code("SOCKADDR"):
            return audit_type::kSockaddr;
        case field_code("EOE"):
            return audit_type::kEoe;
        default:
            return name == "PROCTITLE" ? audit_type::kProctitle : rare_type_of(name);
    }
}

constexpr std::array<std::int8_t, 256> kHexDigits = [] {
    std::array<std::int8_t, 256> table{};
    table.fill(-1);
    for (int digit = 0; digit < 10; ++digit)
        table[static_cast<std::size_t>('0' + digit)] = static_cast<std::int8_t>(digit);
    for (int digit = 10; digit < 16; ++digit) {
        table[static_cast<std::size_t>('A' + digit - 10)] = static_cast<std::int8_t>(digit);
        table[static_cast<std::size_t>('a' + digit - 10)] = static_cast<std::int8_t>(digit);
    }
    return table;
}();

int hex_digit(char c) {
    return kHexDigits[static_cast<unsigned char>(c)];
}

// Takes "audit(SEC.MSEC:SERIAL):" from the front of `bytes`.
bool take_key(std::string_view& bytes, EventKey& key) {
    constexpr std::uint64_t kMaxSeconds = 0xffff'ffff'ffff;  // keeps milliseconds within 64 bits
    std::uint64_t seconds = 0;
    std::uint64_t millis = 0;
    if (!take(bytes, "audit(") || !take_number(bytes, kMaxSeconds, seconds) || !take(bytes, ".") ||
        !take_number(bytes, 999, millis) || !take(bytes, ":") ||
        !take_number(bytes, UINT32_MAX, key.serial) || !take(bytes, "):"))
        return false;
    key.time_ms = static_cast<std::int64_t>(seconds * 1000 + millis);
    return true;
}

std::string_view body_of(std::string_view bytes) {
    if (const void* cut = std::memchr(bytes.data(), kEnrichedSeparator, bytes.size()))
        bytes =
            bytes.substr(0, static_cast<std::size_t>(static_cast<const char*>(cut) - bytes.data()));
    while (!bytes.empty() && is_blank(bytes.front()))
        bytes.remove_prefix(1);
    while (!bytes.empty() && is_blank(bytes.back()))
        bytes.remove_suffix(1);
    return bytes;
}

// Keys and values are a few bytes long: eight at a time in a register find their end sooner than a
// call of memchr.
constexpr std::uint64_t repeated(char c) {
    return 0x0101010101010101U * static_cast<unsigned char>(c);
}
// Marks the bytes of `word` that are zero, in their highest bits; exact for the lowest one.
constexpr std::uint64_t zero_bytes(std::uint64_t word) {
    return (word - repeated(1)) & ~word & repeated('\x80');
}
// The first byte lowest.
std::uint64_t load_word(const char* at) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, sizeof word);
    return std::endian::native == std::endian::little ? word : __builtin_bswap64(word);
}
std::size_t first_marked(std::uint64_t marks) {
    return static_cast<std::size_t>(std::countr_zero(marks)) / 8;
}

// Where `c` is, or `end`.
const char* find_near(const char* at, const char* end, char c) {
    constexpr std::ptrdiff_t kNear = 32;
    for (const char* const near = at + std::min(kNear, end - at); near - at >= 8; at += 8) {
        if (const std::uint64_t marks = zero_bytes(load_word(at) ^ repeated(c)))
            return at + first_marked(marks);
    }
    const void* const found = std::memchr(at, c, static_cast<std::size_t>(end - at));
    return found ? static_cast<const char*>(found) : end;
}

}  // namespace

std::optional<RecordHead> parse_head(std::string_view bytes) {
    RecordHead head;
    if (!take_key(bytes, head.key))
        return std::nullopt;
    head.body = body_of(bytes);
    return head;
}

std::optional<RecordHead> HeadParser::parse(std::string_view bytes) {
    // What was parsed ends with "):", so equal text is the whole of it.
    if (size_ == 0 || !bytes.starts_with(std::string_view(text_.data(), size_))) {
        std::string_view rest = bytes;
        if (!take_key(rest, key_)) {
            size_ = 0;
            return std::nullopt;
        }
        size_ = bytes.size() - rest.size();
        if (size_ > text_.size()) {  // leading zeros
            size_ = 0;
            return RecordHead{key_, body_of(rest)};
        }
        std::memcpy(text_.data(), bytes.data(), size_);
    }
    return RecordHead{key_, body_of(bytes.substr(size_))};
}

std::optional<RawRecord> parse_line(std::string_view line) {
    RawRecord record;
    if (take(line, "node=")) {
        const std::size_t space = line.find(' ');
        if (space == std::string_view::npos)
            return std::nullopt;
        record.node = line.substr(0, space);
        line.remove_prefix(space + 1);
    }
    if (!take(line, "type="))
        return std::nullopt;
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos)
        return std::nullopt;
    record.type = type_of(line.substr(0, space));
    line.remove_prefix(space + 1);
    if (record.type == 0 || !take(line, "msg=") || !begins(line, "audit("))
        return std::nullopt;
    record.bytes = line;
    return record;
}

void append_type_name(std::uint16_t type, std::string& out) {
    if (const char* name = audit_msg_type_to_name(type)) {
        out += name;
        return;
    }
    out += "UNKNOWN[";
    out += std::to_string(type);
    out += ']';
}

// Up to the first '=' or ' ', or the end.
void FieldCursor::read_key() {
    const char* const begin = at_;
    if (end_ - at_ >= 8) {
        const std::uint64_t word = load_word(at_);
        const std::uint64_t marks =
            zero_bytes(word ^ repeated('=')) | zero_bytes(word ^ repeated(' '));
        if (marks != 0) {
            const std::size_t size = first_marked(marks);
            key = std::string_view(begin, size);
            code = size == 0 ? 0 : __builtin_bswap64(word) >> (64 - 8 * size);
            at_ += size;
            return;
        }
    }
    while (at_ != end_ && *at_ != '=' && *at_ != ' ')
        ++at_;
    key = std::string_view(begin, static_cast<std::size_t>(at_ - begin));
    code = field_code(key);
}

bool FieldCursor::next() {
    while (at_ != end_) {
        if (*at_ == ' ') {
            ++at_;
            continue;
        }
        read_key();
        if (at_ == end_ || *at_ == ' ' || key.empty()) {
            if (at_ != end_)
                ++at_;
            continue;
        }
        ++at_;
        read_value();
        return true;
    }
    return false;
}

void FieldCursor::read_value() {
    quoted = false;
    value = {};
    if (at_ == end_)
        return;
    if (*at_ == '"') {
        quoted = true;
        ++at_;
        // Without its closing quote the value was cut; what is there is still its beginning.
        const char* const close = find_near(at_, end_, '"');
        value = std::string_view(at_, static_cast<std::size_t>(close - at_));
        at_ = close == end_ ? end_ : close + 1;
        return;
    }
    if (*at_ == '\'') {
        // msg='…' of user messages: the last field, closed by the kernel. The text may hold quotes,
        // so that only the last one of the record can be the closing one.
        const std::string_view rest(at_ + 1, static_cast<std::size_t>(end_ - at_) - 1);
        value = rest.substr(0, rest.rfind('\''));
        at_ = end_;
        return;
    }
    const char* const space = find_near(at_, end_, ' ');
    value = std::string_view(at_, static_cast<std::size_t>(space - at_));
    at_ = space;
}

std::optional<std::string_view> find_field(std::string_view body, std::string_view key) {
    FieldCursor fields(body);
    while (fields.next()) {
        if (fields.key == key)
            return fields.value;
    }
    return std::nullopt;
}

bool decode_hex(std::string_view text, char* out) {
    if (text.size() % 2 != 0)
        return false;
    for (std::size_t i = 0; i < text.size(); i += 2) {
        const int high = hex_digit(text[i]);
        const int low = hex_digit(text[i + 1]);
        if ((high | low) < 0)
            return false;
        *out++ = static_cast<char>(high << 4 | low);
    }
    return true;
}

bool append_untrusted(std::string_view value, bool quoted, std::string& out) {
    if (quoted) {
        // audit_log_d_path() writes these two for a path that it could not build.
        if (value == "<too_long>" || value == "<no_memory>")
            return false;
        out += value;
        return true;
    }
    const std::size_t before = out.size();
    out.resize(before + value.size() / 2);
    if (!value.empty() && decode_hex(value, out.data() + before))
        return true;
    out.resize(before);
    return false;
}

void append_as_untrusted(std::string_view bytes, std::string& out) {
    static constexpr char kDigits[] = "0123456789ABCDEF";
    // audit_string_contains_control() in kernel/audit.c.
    const bool readable = std::all_of(bytes.begin(), bytes.end(), [](char c) {
        return c != '"' && static_cast<unsigned char>(c) >= 0x21 &&
               static_cast<unsigned char>(c) <= 0x7e;
    });
    if (readable) {
        out += '"';
        out += bytes;
        out += '"';
        return;
    }
    for (const char c : bytes) {
        out += kDigits[static_cast<unsigned char>(c) >> 4];
        out += kDigits[static_cast<unsigned char>(c) & 15];
    }
}

std::optional<std::int64_t> parse_decimal(std::string_view text) {
    constexpr std::size_t kAlwaysFits = 18;  // digits
    std::int64_t number = 0;
    if (!text.empty() && text.size() <= kAlwaysFits && text.front() != '-') {
        for (const char c : text) {
            if (c < '0' || c > '9')
                return std::nullopt;
            number = number * 10 + (c - '0');
        }
        return number;
    }
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size())
        return std::nullopt;
    return number;
}

std::optional<std::uint64_t> parse_hex(std::string_view text) {
    if (text.empty() || text.size() > 16)
        return std::nullopt;
    std::uint64_t number = 0;
    for (const char c : text) {
        const int digit = hex_digit(c);
        if (digit < 0)
            return std::nullopt;
        number = number << 4 | static_cast<std::uint64_t>(digit);
    }
    return number;
}

std::optional<std::uint64_t> parse_octal(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, 8);
    if (error != std::errc{} || end != text.data() + text.size())
        return std::nullopt;
    return number;
}

}  // namespace audisp_eql::collector
