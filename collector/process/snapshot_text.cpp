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
    NUMBER("foreign_mounts", foreign_mounts),
    NUMBER("own_root", own_root),
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
    if (snapshot.resync)
        writer.number("resync", 1);
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
            else if (field.key == "resync")
                snapshot.resync = *number != 0;
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

std::string to_text(const SocketEnds& ends) {
    Writer writer;
    writer.number("pid", ends.pid);
    writer.number("fd", ends.fd);
    writer.text("socket", ends.inet ? "inet" : "other");
    if (!ends.inet)
        return std::move(writer.out);
    writer.text("transport", ends.transport);
    writer.text("local_ip", ends.local_ip);
    writer.number("local_port", ends.local_port);
    writer.text("peer_ip", ends.peer_ip);
    writer.number("peer_port", ends.peer_port);
    return std::move(writer.out);
}

std::optional<SocketEnds> socket_from_text(std::string_view text) {
    SocketEnds ends;
    bool is_socket = false;
    FieldCursor field(text);
    while (field.next()) {
        const std::int64_t number = parse_decimal(field.value).value_or(0);
        if (field.key == "pid") {
            ends.pid = static_cast<std::int32_t>(number);
        } else if (field.key == "fd") {
            ends.fd = static_cast<std::int32_t>(number);
        } else if (field.key == "socket") {
            is_socket = true;
            ends.inet = field.value == "inet";
        } else if (field.key == "transport") {
            read_text(field, ends.transport);
        } else if (field.key == "local_ip") {
            read_text(field, ends.local_ip);
        } else if (field.key == "local_port") {
            ends.local_port = static_cast<std::uint16_t>(number);
        } else if (field.key == "peer_ip") {
            read_text(field, ends.peer_ip);
        } else if (field.key == "peer_port") {
            ends.peer_port = static_cast<std::uint16_t>(number);
        }
    }
    if (ends.pid <= 0 || ends.fd < 0 || !is_socket)
        return std::nullopt;
    return ends;
}

std::string to_text(const ModuleTaint& taint) {
    Writer writer;
    writer.text("module", taint.name);
    writer.text("taint", taint.flags);
    return std::move(writer.out);
}

std::optional<ModuleTaint> module_from_text(std::string_view text) {
    ModuleTaint taint;
    FieldCursor field(text);
    while (field.next()) {
        if (field.key == "module")
            read_text(field, taint.name);
        else if (field.key == "taint")
            read_text(field, taint.flags);
    }
    return taint.name.empty() ? std::nullopt : std::optional(std::move(taint));
}

}  // namespace audisp_eql::collector
