// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <charconv>

#include "collector/audit/decode.hpp"
#include "collector/audit/record.hpp"
#include "collector/process/proc_reader.hpp"

namespace audisp_eql::collector {

namespace {

class Writer {
  public:
    void number(std::string_view key, std::int64_t value) {
        start(key);
        char digits[24];
        const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
        out.append(digits, end);
    }
    void text(std::string_view key, std::string_view value) {
        start(key);
        append_as_untrusted(value, out);
    }
    std::string out;

  private:
    void start(std::string_view key) {
        if (!out.empty())
            out += ' ';
        out.append(key).append("=");
    }
};

struct NumberField {
    std::string_view key;
    std::int64_t (*get)(const ProcSnapshot&);
    void (*set)(ProcSnapshot&, std::int64_t);
};

#define NUMBER(key, member)                                                    \
    NumberField {                                                              \
        key, [](const ProcSnapshot& s) { return std::int64_t{s.member}; },     \
            [](ProcSnapshot& s, std::int64_t value) {                          \
                s.member = static_cast<decltype(ProcSnapshot::member)>(value); \
            }                                                                  \
    }
constexpr std::array kNumbers{
    NUMBER("ppid", ppid),
    NUMBER("start_tick", start_tick),
    NUMBER("threads", threads),
    NUMBER("uid", uid),
    NUMBER("euid", euid),
    NUMBER("gid", gid),
    NUMBER("egid", egid),
    NUMBER("auid", auid),
    NUMBER("ses", session),
    NUMBER("sid", sid),
    NUMBER("pgid", pgid),
    NUMBER("cap_prm", cap_permitted),
    NUMBER("cap_eff", cap_effective),
    NUMBER("argc", args_count),
};
#undef NUMBER

// "a0", "a1", …
bool is_argument(std::string_view key) {
    return key.size() > 1 && key[0] == 'a' &&
           std::all_of(key.begin() + 1, key.end(), [](char c) { return c >= '0' && c <= '9'; });
}

void read_text(const FieldCursor& field, std::string& into) {
    into.clear();
    append_untrusted(field.value, field.quoted, into);
}

}  // namespace

std::string to_text(const ProcSnapshot& snapshot) {
    Writer writer;
    writer.number("pid", snapshot.pid);
    if (snapshot.gone) {
        writer.number("gone", 1);
        return std::move(writer.out);
    }
    for (const NumberField& field : kNumbers)
        writer.number(field.key, field.get(snapshot));
    writer.text("tty", snapshot.tty);
    writer.text("exe", snapshot.exe);
    writer.text("cwd", snapshot.cwd);
    writer.text("cgroup", snapshot.cgroup);
    for (std::size_t i = 0; i < snapshot.args.size(); ++i)
        writer.text("a" + std::to_string(i), snapshot.args[i]);
    return std::move(writer.out);
}

std::optional<ProcSnapshot> snapshot_from_text(std::string_view text) {
    ProcSnapshot snapshot;
    FieldCursor field(text);
    while (field.next()) {
        if (field.key == "tty") {
            read_text(field, snapshot.tty);
        } else if (field.key == "exe") {
            read_text(field, snapshot.exe);
        } else if (field.key == "cwd") {
            read_text(field, snapshot.cwd);
        } else if (field.key == "cgroup") {
            read_text(field, snapshot.cgroup);
        } else if (is_argument(field.key)) {
            if (snapshot.args.size() < Arguments::kMaxArguments)
                read_text(field, snapshot.args.emplace_back());
        } else if (const auto number = parse_decimal(field.value)) {
            if (field.key == "pid")
                snapshot.pid = static_cast<std::int32_t>(*number);
            else if (field.key == "gone")
                snapshot.gone = *number != 0;
            for (const NumberField& known : kNumbers)
                if (field.key == known.key)
                    known.set(snapshot, *number);
        }
    }
    if (snapshot.pid <= 0)
        return std::nullopt;
    return snapshot;
}

std::string to_text(const DescriptorTarget& target) {
    Writer writer;
    writer.number("pid", target.pid);
    writer.number("fd", target.fd);
    writer.number("inode", static_cast<std::int64_t>(target.inode));
    writer.text("path", target.path);
    return std::move(writer.out);
}

std::optional<DescriptorTarget> descriptor_from_text(std::string_view text) {
    DescriptorTarget target;
    FieldCursor field(text);
    while (field.next()) {
        if (field.key == "path") {
            read_text(field, target.path);
        } else if (const auto number = parse_decimal(field.value)) {
            if (field.key == "pid")
                target.pid = static_cast<std::int32_t>(*number);
            else if (field.key == "fd")
                target.fd = static_cast<std::int32_t>(*number);
            else if (field.key == "inode")
                target.inode = static_cast<std::uint64_t>(*number);
        }
    }
    if (target.pid <= 0 || target.fd < 0 || target.path.empty())
        return std::nullopt;
    return target;
}

}  // namespace audisp_eql::collector
