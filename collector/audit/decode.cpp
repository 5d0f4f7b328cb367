// SPDX-License-Identifier: Apache-2.0
#include "collector/audit/decode.hpp"

#include <array>
#include <cstddef>
#include <cstring>
#include <limits>

namespace audisp_eql::collector {

namespace {

// One row a key, one function that stores its value. Found by the key's code in a table of slots
// that is made at compile time.
template <class Record>
struct FieldRow {
    std::uint64_t code;
    void (*store)(Record&, const FieldCursor&);
};

template <class Record, std::size_t kRows>
class FieldTable {
  public:
    static_assert(kRows < 32, "a row is a bit of the mask of fields seen");
    using Rows = std::array<FieldRow<Record>, kRows>;

    constexpr explicit FieldTable(const Rows& rows) : rows_(rows) {
        slots_.fill(kNone);
        for (std::size_t row = 0; row < kRows; ++row) {
            std::size_t slot = slot_of(rows[row].code);
            while (slots_[slot] != kNone)
                slot = (slot + 1) % kSlots;
            slots_[slot] = static_cast<std::uint8_t>(row);
        }
    }

    // Goes through the body, until the rows in `enough` were seen; of a repeated key the first
    // counts. Returns the rows seen, as bits.
    std::uint32_t read(std::string_view body, Record& record, std::uint32_t enough = kAll) const {
        std::uint32_t seen = 0;
        FieldCursor fields(body);
        while ((seen & enough) != enough && fields.next()) {
            const std::size_t row = find(fields.code);
            if (row == kNone || (seen >> row & 1) != 0)
                continue;
            seen |= std::uint32_t{1} << row;
            rows_[row].store(record, fields);
        }
        return seen;
    }

    constexpr std::uint32_t bit_of(std::uint64_t code) const {
        return std::uint32_t{1} << find(code);
    }

  private:
    static constexpr std::uint32_t kAll = 0xffffffffU;  // there are fewer
    static constexpr std::size_t kSlots = 64;
    static constexpr std::uint8_t kNone = 0xff;

    static constexpr std::size_t slot_of(std::uint64_t code) {
        return static_cast<std::size_t>(code * 0x9e3779b97f4a7c15U >> 58);  // Fibonacci hashing
    }
    constexpr std::size_t find(std::uint64_t code) const {
        for (std::size_t slot = slot_of(code); slots_[slot] != kNone; slot = (slot + 1) % kSlots) {
            if (rows_[slots_[slot]].code == code)
                return slots_[slot];
        }
        return kNone;
    }

    Rows rows_;
    std::array<std::uint8_t, kSlots> slots_{};
};

std::uint32_t id_of(std::string_view text) {
    const std::optional<std::int64_t> id = parse_decimal(text);
    return id && *id >= 0 && *id <= UINT32_MAX ? static_cast<std::uint32_t>(*id) : kUnsetId;
}

std::int32_t int_of(std::string_view text, std::int32_t otherwise) {
    const std::optional<std::int64_t> number = parse_decimal(text);
    return number && *number >= INT32_MIN && *number <= INT32_MAX
               ? static_cast<std::int32_t>(*number)
               : otherwise;
}

Untrusted untrusted(const FieldCursor& field) {
    return {field.value, field.quoted};
}

template <std::size_t kIndex>
void store_argument(SyscallRecord& record, const FieldCursor& field) {
    record.args[kIndex] = parse_hex(field.value).value_or(0);
}

template <std::uint32_t SyscallRecord::*kMember>
void store_id(SyscallRecord& record, const FieldCursor& field) {
    record.*kMember = id_of(field.value);
}

template <Untrusted SyscallRecord::*kMember>
void store_untrusted(SyscallRecord& record, const FieldCursor& field) {
    record.*kMember = untrusted(field);
}

void store_arch(SyscallRecord& record, const FieldCursor& field) {
    record.arch = static_cast<std::uint32_t>(parse_hex(field.value).value_or(0));
}
void store_number(SyscallRecord& record, const FieldCursor& field) {
    record.number = int_of(field.value, -1);
}
void store_success(SyscallRecord& record, const FieldCursor& field) {
    if (field.value == "yes" || field.value == "no")
        record.success = field.value == "yes";
}
void store_exit(SyscallRecord& record, const FieldCursor& field) {
    record.exit = parse_decimal(field.value).value_or(0);
}
void store_ppid(SyscallRecord& record, const FieldCursor& field) {
    record.ppid = int_of(field.value, 0);
}
void store_pid(SyscallRecord& record, const FieldCursor& field) {
    record.pid = int_of(field.value, 0);
}
void store_tty(SyscallRecord& record, const FieldCursor& field) {
    if (field.value != "(none)")
        record.tty = field.value;
}

// The order and spelling of audit_log_exit() and audit_log_task_info() in kernel/auditsc.c and
// kernel/audit.c.
constexpr FieldTable<SyscallRecord, 20> kSyscallFields({{
    {field_code("arch"), store_arch},
    {field_code("syscall"), store_number},
    {field_code("success"), store_success},
    {field_code("exit"), store_exit},
    {field_code("a0"), store_argument<0>},
    {field_code("a1"), store_argument<1>},
    {field_code("a2"), store_argument<2>},
    {field_code("a3"), store_argument<3>},
    {field_code("ppid"), store_ppid},
    {field_code("pid"), store_pid},
    {field_code("auid"), store_id<&SyscallRecord::auid>},
    {field_code("uid"), store_id<&SyscallRecord::uid>},
    {field_code("gid"), store_id<&SyscallRecord::gid>},
    {field_code("euid"), store_id<&SyscallRecord::euid>},
    {field_code("egid"), store_id<&SyscallRecord::egid>},
    {field_code("tty"), store_tty},
    {field_code("ses"), store_id<&SyscallRecord::session>},
    {field_code("comm"), store_untrusted<&SyscallRecord::comm>},
    {field_code("exe"), store_untrusted<&SyscallRecord::exe>},
    {field_code("key"), store_untrusted<&SyscallRecord::key>},
}});

constexpr FieldTable<PathRecord, 8> kPathFields({{
    {field_code("item"),
     [](PathRecord& record, const FieldCursor& field) { record.item = int_of(field.value, -1); }},
    {field_code("name"),
     [](PathRecord& record, const FieldCursor& field) { record.name = untrusted(field); }},
    {field_code("inode"),
     [](PathRecord& record, const FieldCursor& field) {
         const std::optional<std::int64_t> inode = parse_decimal(field.value);
         record.inode = inode ? static_cast<std::uint64_t>(*inode) : 0;
     }},
    {field_code("dev"),
     [](PathRecord& record, const FieldCursor& field) { record.device = field.value; }},
    {field_code("mode"),
     [](PathRecord& record, const FieldCursor& field) {
         record.mode = static_cast<std::uint32_t>(parse_octal(field.value).value_or(0));
     }},
    {field_code("ouid"),
     [](PathRecord& record, const FieldCursor& field) { record.uid = id_of(field.value); }},
    {field_code("ogid"),
     [](PathRecord& record, const FieldCursor& field) { record.gid = id_of(field.value); }},
    {field_code("nametype"),
     [](PathRecord& record, const FieldCursor& field) { record.nametype = field.value; }},
}});

}  // namespace

namespace {

// A SYSCALL record exactly as audit_log_exit() writes that of a call with a result: each field
// where it is expected, numbers of ordinary size. Takes a third of the time of the table; whatever
// looks different is left to it.
class UsualSyscall {
  public:
    explicit UsualSyscall(std::string_view body)
        : at_(body.data()), end_(body.data() + body.size()) {}

    bool read(SyscallRecord& record) {
        return key("arch=") && hex(record.arch) && key(" syscall=") && number(record.number) &&
               success(record) && key(" exit=") && signed_number(record.exit) && key(" a0=") &&
               hex(record.args[0]) && key(" a1=") && hex(record.args[1]) && key(" a2=") &&
               hex(record.args[2]) && key(" a3=") && hex(record.args[3]) && key(" items=") &&
               ignored() && key(" ppid=") && number(record.ppid) && key(" pid=") &&
               number(record.pid) && key(" auid=") && number(record.auid) && key(" uid=") &&
               number(record.uid) && key(" gid=") && number(record.gid) && key(" euid=") &&
               number(record.euid) && key(" suid=") && ignored() && key(" fsuid=") && ignored() &&
               key(" egid=") && number(record.egid) && key(" sgid=") && ignored() &&
               key(" fsgid=") && ignored() && key(" tty=") && terminal(record.tty) &&
               key(" ses=") && number(record.session) && key(" comm=") && text(record.comm) &&
               key(" exe=") && text(record.exe) && (!key(" subj=") || label()) && key(" key=") &&
               text(record.key) && at_ == end_ && record.pid > 0;
    }

  private:
    template <std::size_t kSize>
    bool key(const char (&literal)[kSize]) {
        constexpr std::size_t kLength = kSize - 1;
        if (static_cast<std::size_t>(end_ - at_) < kLength ||
            std::memcmp(at_, literal, kLength) != 0)
            return false;
        at_ += kLength;
        return true;
    }
    bool at_end() const { return at_ == end_ || *at_ == ' '; }

    template <class Number>
    bool number(Number& out) {
        std::uint64_t value = 0;
        const char* const begin = at_;
        for (; at_ != end_ && *at_ >= '0' && *at_ <= '9'; ++at_)
            value = value * 10 + static_cast<std::uint64_t>(*at_ - '0');
        // Ten digits, so that nothing has overflowed here.
        if (at_ == begin || at_ - begin > 10 || !at_end() ||
            value > std::numeric_limits<Number>::max())
            return false;
        out = static_cast<Number>(value);
        return true;
    }
    bool signed_number(std::int64_t& out) {
        const bool negative = at_ != end_ && *at_ == '-';
        at_ += negative ? 1 : 0;
        std::uint32_t value = 0;
        if (!number(value))
            return false;
        out = negative ? -std::int64_t{value} : std::int64_t{value};
        return true;
    }
    template <class Number>
    bool hex(Number& out) {
        Number value = 0;
        const char* const begin = at_;
        for (; at_ != end_; ++at_) {
            const char c = *at_;
            if (c >= '0' && c <= '9')
                value = value << 4 | static_cast<Number>(c - '0');
            else if (c >= 'a' && c <= 'f')
                value = value << 4 | static_cast<Number>(c - 'a' + 10);
            else
                break;
        }
        out = value;
        return at_ != begin && at_ - begin <= std::ptrdiff_t{2 * sizeof value} && at_end();
    }
    bool success(SyscallRecord& record) {
        record.success = key(" success=yes");
        return (*record.success || key(" success=no")) && at_end();
    }
    bool ignored() {
        std::uint32_t value = 0;
        return number(value);
    }
    std::string_view word() {
        const char* const begin = at_;
        while (at_ != end_ && *at_ != ' ')
            ++at_;
        return {begin, static_cast<std::size_t>(at_ - begin)};
    }
    bool unquoted() const { return at_ != end_ && *at_ != '"' && *at_ != '\''; }
    bool label() {
        const bool is_one = unquoted();
        word();
        return is_one;
    }
    bool terminal(std::string_view& out) {
        if (!unquoted())
            return false;
        const std::string_view name = word();
        if (name != "(none)")
            out = name;
        return true;
    }
    bool text(Untrusted& out) {
        if (at_ == end_ || *at_ == '\'')
            return false;
        out.quoted = *at_ == '"';
        if (!out.quoted) {
            out.text = word();
            return true;
        }
        const char* const begin = ++at_;
        while (at_ != end_ && *at_ != '"')
            ++at_;
        if (at_ == end_)
            return false;
        out.text = {begin, static_cast<std::size_t>(at_ - begin)};
        ++at_;
        return at_end();
    }

    const char* at_;
    const char* end_;
};

}  // namespace

std::optional<SyscallRecord> parse_syscall(std::string_view body) {
    if (SyscallRecord usual; UsualSyscall(body).read(usual))
        return usual;
    constexpr std::uint32_t kNeeded = kSyscallFields.bit_of(field_code("arch")) |
                                      kSyscallFields.bit_of(field_code("syscall")) |
                                      kSyscallFields.bit_of(field_code("pid"));
    SyscallRecord record;
    const std::uint32_t seen = kSyscallFields.read(body, record);
    if ((seen & kNeeded) != kNeeded || record.pid <= 0)
        return std::nullopt;
    return record;
}

std::optional<SyscallRecord> parse_task(std::string_view body) {
    SyscallRecord record;
    kSyscallFields.read(body, record);
    if (record.pid <= 0)
        return std::nullopt;
    return record;
}

std::optional<PathRecord> parse_path(std::string_view body) {
    PathRecord record;
    kPathFields.read(body, record);
    if (record.item < 0)
        return std::nullopt;
    return record;
}

std::optional<PathRecord> parse_path_file(std::string_view body) {
    constexpr std::uint32_t kEnough =
        kPathFields.bit_of(field_code("item")) | kPathFields.bit_of(field_code("name")) |
        kPathFields.bit_of(field_code("inode")) | kPathFields.bit_of(field_code("dev"));
    PathRecord record;
    kPathFields.read(body, record, kEnough);
    if (record.item < 0)
        return std::nullopt;
    return record;
}

void decode_keys(const Untrusted& key, std::string& buffer, std::vector<std::string_view>& keys) {
    const std::size_t begin = buffer.size();
    if (!key.append_to(buffer))
        return;
    std::string_view rest = std::string_view(buffer).substr(begin);
    while (!rest.empty()) {
        const std::size_t separator = rest.find('\x01');
        if (separator != 0)
            keys.push_back(rest.substr(0, separator));
        rest.remove_prefix(separator == std::string_view::npos ? rest.size() : separator + 1);
    }
}

}  // namespace audisp_eql::collector
