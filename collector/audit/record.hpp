// SPDX-License-Identifier: Apache-2.0
// One audit record: where its event key ends and its fields begin, and reading the fields.
//
// Parser rules (kernel-made text with attacker-chosen values inside): the type comes from the
// netlink header or the line's start, never from text inside a field; everything after the first
// 0x1d (auditd's enriched part) is cut; of a repeated scalar key the first counts.
// Memory: views on the record's bytes. Threads: no state.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace audisp_eql::collector {

// Record types that matter here (linux/audit.h, libaudit.h).
namespace audit_type {
inline constexpr std::uint16_t kLogin = 1006;
inline constexpr std::uint16_t kUserFirst = 1100, kUserLast = 1199;
inline constexpr std::uint16_t kDaemonFirst = 1200, kDaemonLast = 1299;
inline constexpr std::uint16_t kSyscall = 1300, kPath = 1302, kSocketcall = 1304,
                               kConfigChange = 1305, kSockaddr = 1306, kCwd = 1307, kExecve = 1309,
                               kObjPid = 1318, kEoe = 1320, kBprmFcaps = 1321, kCapset = 1322,
                               kSeccomp = 1326, kProctitle = 1327, kKernModule = 1330,
                               kEventListener = 1335, kUringop = 1336, kOpenat2 = 1337;
inline constexpr std::uint16_t kAvc = 1400;  // SELinux and AppArmor
inline constexpr std::uint16_t kAnomAbend = 1701;
inline constexpr std::uint16_t kKernel = 2000;
inline constexpr std::uint16_t kUser2First = 2100, kUser2Last = 2999;
}  // namespace audit_type

// A view on the feed's buffer; dead when the assembler returns.
struct RawRecord {
    std::uint16_t type = 0;
    std::int64_t received_ns = 0;  // monotonic; 0: not known
    std::string_view bytes;        // "audit(1700000000.123:42): arch=c000003e …"
    std::string_view node;         // of a line with node=NAME
};

struct EventKey {
    std::int64_t time_ms = 0;  // wall time, milliseconds since the epoch
    std::uint64_t serial = 0;
    bool operator==(const EventKey&) const = default;
};

struct RecordHead {
    EventKey key;
    std::string_view body;  // fields; enriched part cut, white space round them trimmed
};
// "audit(SEC.MSEC:SERIAL): body"; nullopt if it is not that.
std::optional<RecordHead> parse_head(std::string_view bytes);

// parse_head() of records that come one after the other: those of one event have the same key, and
// its text is read once.
class HeadParser {
  public:
    std::optional<RecordHead> parse(std::string_view bytes);

  private:
    // "audit(281474976710655.999:4294967295):" has 38 characters.
    static constexpr std::size_t kMaxKeyText = 40;
    std::array<char, kMaxKeyText> text_{};  // of `key_`, up to the colon before the body
    std::size_t size_ = 0;
    EventKey key_;
};

// "type=NAME msg=audit(…): …", with an optional "node=NAME " before it. Unknown names that auditd
// writes as UNKNOWN[2100] keep their number. nullopt if the line is no audit record.
std::optional<RawRecord> parse_line(std::string_view line);

// The name that auditd writes for a type: "SYSCALL"; UNKNOWN[N] for one that libaudit has not.
void append_type_name(std::uint16_t type, std::string& out);

// Up to eight characters of a key as one number, so that keys can be told apart by one comparison;
// 0 for longer ones.
constexpr std::uint64_t field_code(std::string_view key) {
    std::uint64_t code = 0;
    for (const char c : key)
        code = code << 8 | static_cast<unsigned char>(c);
    return key.size() > 8 ? 0 : code;
}

// Goes through "key=value key=value …". Values: a quoted one without its quotes (and quoted=true),
// else up to the next space; msg='…' is one value and nothing inside it is a field. Words without
// "=" (AppArmor's "(enforce)") are passed over.
class FieldCursor {
  public:
    explicit FieldCursor(std::string_view body)
        : at_(body.data()), end_(body.data() + body.size()) {}
    // False at the end.
    bool next();
    std::string_view key;
    std::uint64_t code = 0;  // field_code(key)
    std::string_view value;
    bool quoted = false;

  private:
    void read_key();
    void read_value();
    const char* at_;
    const char* end_;
};

// The first value of a key in a body; for the rare records that have no decoder of their own.
std::optional<std::string_view> find_field(std::string_view body, std::string_view key);

// A value that the kernel took from user space: quoted = literal, else hex (any byte), else one of
// the literals (null), (none), ? and "<too_long>" -> false. Appends the bytes to `out`; appends
// nothing where it returns false.
bool append_untrusted(std::string_view value, bool quoted, std::string& out);
// The other way: as the kernel writes it, in quotes or, where that could be misread, in hex.
void append_as_untrusted(std::string_view bytes, std::string& out);
// Two hex digits a byte, either case; writes text.size() / 2 bytes. False if `text` is not that
// (some may have been written).
bool decode_hex(std::string_view text, char* out);

// The whole text must be the number; nullopt also if it does not fit.
std::optional<std::int64_t> parse_decimal(std::string_view text);
std::optional<std::uint64_t> parse_hex(std::string_view text);
std::optional<std::uint64_t> parse_octal(std::string_view text);

}  // namespace audisp_eql::collector
