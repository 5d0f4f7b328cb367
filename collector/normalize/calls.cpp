// SPDX-License-Identifier: Apache-2.0
// System calls that have few fields of their own: what auditd's users look at is the call's name,
// its arguments and its result.
#include <array>
#include <charconv>
#include <utility>

#include <libaudit.h>
#include <sys/socket.h>

#include "collector/audit/record.hpp"
#include "collector/normalize/path.hpp"
#include "collector/normalize/state.hpp"

namespace audisp_eql::collector {

using detect::FieldId;

namespace {

EventKind kind_of(Operation operation) {
    switch (operation) {
        case Operation::bind:
            return EventKind::bind;
        case Operation::listen:
            return EventKind::listen;
        case Operation::make_memory_file:
            return EventKind::memfd_create;
        case Operation::trace:
            return EventKind::ptrace;
        case Operation::signal:
            return EventKind::signal;
        case Operation::load_module:
            return EventKind::module_load;
        case Operation::unload_module:
            return EventKind::module_unload;
        case Operation::mount:
            return EventKind::mount;
        case Operation::unmount:
            return EventKind::unmount;
        default:
            return EventKind::other_syscall;
    }
}

// As auditbeat names them; others by number.
std::string_view family_name(int family) {
    switch (family) {
        case AF_INET:
            return "ipv4";
        case AF_INET6:
            return "ipv6";
        case AF_UNIX:
            return "unix";
        case AF_NETLINK:
            return "netlink";
        default:
            return {};
    }
}

}  // namespace

void Normalizer::State::put_call(EventKind kind, const SyscallFacts& facts,
                                 const Process& process) {
    put_shape(kind, facts.time);
    put_credentials(process.credentials);
    put_syscall(facts);
    const SyscallRecord& syscall = facts.syscall;
    constexpr FieldId kArguments[] = {FieldId::auditd_a0, FieldId::auditd_a1, FieldId::auditd_a2,
                                      FieldId::auditd_a3};
    for (std::size_t i = 0; i < std::size(kArguments); ++i) {
        std::array<char, 16> text;  // 64 bits in hex
        const auto end =
            std::to_chars(text.data(), text.data() + text.size(), syscall.args[i], 16).ptr;
        builder.set_text(kArguments[i], {text.data(), static_cast<std::size_t>(end - text.data())});
    }
    const bool error = syscall.exit < 0 && syscall.exit > -4096;  // MAX_ERRNO
    const char* name = error ? audit_errno_to_name(static_cast<int>(-syscall.exit)) : nullptr;
    if (name)
        builder.set_literal(FieldId::auditd_exit, name);
    else
        put_number(FieldId::auditd_exit, syscall.exit);
    builder.set_literal(FieldId::event_outcome,
                        syscall.success.value_or(syscall.exit >= 0) ? "success" : "failure");
}

void Normalizer::State::put_number(FieldId field, std::int64_t number) {
    std::array<char, 24> text;
    const auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
    builder.set_text(field, {text.data(), static_cast<std::size_t>(end - text.data())});
}

void Normalizer::State::put_socket(const SocketAddress& address) {
    if (const std::string_view family = family_name(address.number); !family.empty())
        builder.set_literal(FieldId::auditd_socket_family, family);
    else
        put_number(FieldId::auditd_socket_family, address.number);
    if (address.is_inet()) {
        builder.set_text(FieldId::auditd_socket_addr, address.ip);
        put_number(FieldId::auditd_socket_port, address.port);
    } else if (!address.path.empty()) {
        builder.set_text(FieldId::auditd_socket_path, address.path);
    }
}

void Normalizer::State::on_plain_call(const SyscallFacts& facts) {
    const EventKind kind = kind_of(facts.call.operation);
    if (kind == EventKind::ptrace) {
        const auto target = find_field(facts.event.body_of(audit_type::kObjPid), "opid");
        const auto pid = parse_decimal(target.value_or(""));
        if (pid && told_by_connector(facts, static_cast<std::int32_t>(*pid))) {
            ++counters.repeated_traces;
            return;
        }
    }
    const Actor actor = actor_of(facts);
    put_call(kind, facts, *actor.process);
    put_target(facts.event, kind);
    if (const auto address = socket_address(facts.event))
        put_socket(*address);
    if (kind == EventKind::memfd_create)
        put_memory_file(facts);
    for (const AuditEvent::Record& record : facts.event.records()) {
        const std::string_view body = facts.event.body(record);
        if (record.type == audit_type::kKernModule) {
            put_module(kind, body);
        } else if (record.type == audit_type::kCapset) {
            put_capset(body);
        }
    }
    ++counters.other;
    emit(facts.time, facts.origin(), *actor.process, actor.image->block);
}

// The name is behind a pointer; the descriptor's link has it, as long as the process lives.
void Normalizer::State::put_memory_file(const SyscallFacts& facts) {
    const std::string_view link = path_of_descriptor(
        facts, static_cast<std::int32_t>(facts.syscall.exit), LeadsTo::anything, 0);
    if (const auto name = memory_file_of(link))
        builder.set_text(FieldId::process_ext_memfd_name, *name);
    end_descriptors();
    // MFD_… of linux/memfd.h
    constexpr std::pair<FieldId, std::uint64_t> kFlags[] = {
        {FieldId::process_ext_memfd_flag_cloexec, 1},
        {FieldId::process_ext_memfd_flag_allow_seal, 2},
        {FieldId::process_ext_memfd_flag_hugetlb, 4},
        {FieldId::process_ext_memfd_flag_noexec_seal, 8},
        {FieldId::process_ext_memfd_flag_exec, 16}};
    for (const auto& [field, flag] : kFlags)
        builder.set_boolean(field, (facts.argument(1) & flag) != 0);
}

// The record of a module has its name; what it made of the kernel, /proc's neighbour has.
void Normalizer::State::put_module(EventKind kind, std::string_view body) {
    scratch.clear();
    put_untrusted(FieldId::auditd_name, body, "name");
    if (kind != EventKind::module_load || scratch.empty())
        return;
    builder.set_text(FieldId::process_ext_load_module_name, scratch);
    if (proc && !asked_for.module_taint)
        return;
    const std::string name = scratch;
    if (const auto taint = module_named(name); taint && !taint->flags.empty())
        builder.set_text(FieldId::process_ext_load_module_taint_flags, taint->flags);
}

// OBJ_PID: the process that a signal was sent to, or that is traced (audit_signal_info_syscall(),
// __audit_ptrace() in kernel/auditsc.c).
void Normalizer::State::put_target(const AuditEvent& event, EventKind kind) {
    const std::string_view body = event.body_of(audit_type::kObjPid);
    if (body.empty())
        return;
    put_plain(FieldId::auditd_opid, body, "opid");
    put_untrusted(FieldId::auditd_ocomm, body, "ocomm");
    if (kind != EventKind::ptrace)
        return;
    if (const auto pid = parse_decimal(find_field(body, "opid").value_or("")))
        builder.set_integer(FieldId::process_ext_ptrace_child_pid, *pid);
}

}  // namespace audisp_eql::collector
