// SPDX-License-Identifier: Apache-2.0
#include "collector/process/exec_context.hpp"

#include <algorithm>
#include <charconv>

#include "collector/audit/record.hpp"

namespace audisp_eql::collector {

namespace {

constexpr std::array<std::string_view, 10> kTypes{"",     "closed", "tty",  "pipe",   "file",
                                                  "null", "inet",   "unix", "socket", "other"};
constexpr std::array<std::string_view, 4> kTransports{"", "tcp", "udp", "other"};

template <class Enum, std::size_t kSize>
Enum value_of(const std::array<std::string_view, kSize>& names, std::string_view name) {
    const auto found = std::find(names.begin(), names.end(), name);
    return found == names.end() ? Enum{} : static_cast<Enum>(found - names.begin());
}

void append_number(std::string& out, std::string_view key, std::int64_t number) {
    char digits[24];
    out.append(" ").append(key).append("=");
    out.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
}

struct DescriptorKeys {
    std::string_view type, transport, ip, port;
};
constexpr std::array<DescriptorKeys, ExecContext::kStandard> kDescriptorKeys{{
    {"fd0", "fd0_transport", "fd0_ip", "fd0_port"},
    {"fd1", "fd1_transport", "fd1_ip", "fd1_port"},
    {"fd2", "fd2_transport", "fd2_ip", "fd2_port"},
}};

void append_descriptor(std::string& out, const DescriptorKeys& keys,
                       const StandardDescriptor& descriptor) {
    const auto add = [&out](std::string_view key, std::string_view word) {
        if (!word.empty())
            out.append(" ").append(key).append("=").append(word);
    };
    add(keys.type, name_of(descriptor.type));
    add(keys.transport, name_of(descriptor.transport));
    if (descriptor.peer_ip.empty())
        return;
    add(keys.ip, descriptor.peer_ip);
    append_number(out, keys.port, descriptor.peer_port);
}

bool store(const FieldCursor& field, const DescriptorKeys& keys, StandardDescriptor& descriptor) {
    if (field.key == keys.type)
        descriptor.type = value_of<StandardDescriptor::Type>(kTypes, field.value);
    else if (field.key == keys.transport)
        descriptor.transport = value_of<StandardDescriptor::Transport>(kTransports, field.value);
    else if (field.key == keys.ip)
        descriptor.peer_ip = field.value;
    else if (field.key == keys.port)
        descriptor.peer_port = static_cast<std::uint16_t>(parse_decimal(field.value).value_or(0));
    else
        return false;
    return true;
}

}  // namespace

std::string_view name_of(StandardDescriptor::Type type) {
    return kTypes[static_cast<std::size_t>(type)];
}
std::string_view name_of(StandardDescriptor::Transport transport) {
    return kTransports[static_cast<std::size_t>(transport)];
}

void ExecContext::clear(std::int32_t of_pid) {
    pid = of_pid;
    gone = false;
    exe.clear();
    for (StandardDescriptor& descriptor : stdio) {
        descriptor.type = {};
        descriptor.transport = {};
        descriptor.peer_port = 0;
        descriptor.peer_ip.clear();
    }
    cgroup.clear();
    sid = pgid = 0;
    foreign_mounts = own_root = false;
    variables.clear();
}

void append_text(const ExecContext& context, std::string& out) {
    out += "pid=";
    char digits[16];
    out.append(digits, std::to_chars(digits, digits + sizeof digits, context.pid).ptr);
    if (context.gone) {
        out += " gone=1";
        return;
    }
    out += " exe=";
    append_as_untrusted(context.exe, out);
    for (std::size_t i = 0; i < context.stdio.size(); ++i)
        append_descriptor(out, kDescriptorKeys[i], context.stdio[i]);
    if (!context.cgroup.empty()) {
        out += " cgroup=";
        append_as_untrusted(context.cgroup, out);
    }
    if (context.sid != 0)
        append_number(out, "sid", context.sid);
    if (context.pgid != 0)
        append_number(out, "pgid", context.pgid);
    if (context.foreign_mounts)
        append_number(out, "foreign_mounts", 1);
    if (context.own_root)
        append_number(out, "own_root", 1);
    for (const std::string& variable : context.variables) {
        out += " env=";
        append_as_untrusted(variable, out);
    }
}

bool context_from_text(std::string_view text, ExecContext& out) {
    out.clear(0);
    FieldCursor field(text);
    while (field.next()) {
        if (field.key == "exe") {
            append_untrusted(field.value, field.quoted, out.exe);
        } else if (field.key == "cgroup") {
            append_untrusted(field.value, field.quoted, out.cgroup);
        } else if (field.key == "env") {
            if (out.variables.size() < ExecContext::kMaxVariables)
                append_untrusted(field.value, field.quoted, out.variables.emplace_back());
        } else if (field.key.starts_with("fd")) {
            for (std::size_t i = 0; i < out.stdio.size(); ++i)
                if (store(field, kDescriptorKeys[i], out.stdio[i]))
                    break;
        } else if (const auto number = parse_decimal(field.value)) {
            const auto small = static_cast<std::int32_t>(*number);
            if (field.key == "pid")
                out.pid = small;
            else if (field.key == "gone")
                out.gone = small != 0;
            else if (field.key == "sid")
                out.sid = small;
            else if (field.key == "pgid")
                out.pgid = small;
            else if (field.key == "foreign_mounts")
                out.foreign_mounts = small != 0;
            else if (field.key == "own_root")
                out.own_root = small != 0;
        }
    }
    return out.pid > 0;
}

}  // namespace audisp_eql::collector
