// SPDX-License-Identifier: Apache-2.0
// What /proc and the records say of an exec beyond the program: its container, its standard
// descriptors, its environment.
#include <algorithm>
#include <array>
#include <utility>

#include "collector/audit/record.hpp"
#include "collector/normalize/state.hpp"
#include "collector/process/capabilities.hpp"
#include "collector/process/container.hpp"

namespace audisp_eql::collector {

using detect::FieldId;
using detect::Value;

namespace {

constexpr std::array kTypeFields{FieldId::process_stdio_stdin_type,
                                 FieldId::process_stdio_stdout_type,
                                 FieldId::process_stdio_stderr_type};

// The literals or numbers of three descriptors, without repeats.
class ThreeValues {
  public:
    void add(const Value& value) {
        const auto same = [&](const Value& other) {
            return value.is_text() ? other.as_text() == value.as_text()
                                   : other.as_integer() == value.as_integer();
        };
        const auto end = values_.begin() + static_cast<long>(size_);
        if (std::none_of(values_.begin(), end, same))
            values_[size_++] = value;
    }
    detect::Values values() const { return std::span(values_).first(size_); }

  private:
    std::array<Value, ExecContext::kStandard> values_{Value::integer(0), Value::integer(0),
                                                      Value::integer(0)};
    std::size_t size_ = 0;
};

// Audit names a file that was removed as the kernel's links do.
bool same_file(std::string_view a, std::string_view b) {
    return a == b || (a.starts_with(b) && a.substr(b.size()) == " (deleted)");
}

constexpr std::array<Value, kCapabilities> make_no_capabilities() {
    return []<std::size_t... kBit>(std::index_sequence<kBit...>) {
        return std::array<Value, kCapabilities>{((void)kBit, Value::integer(0))...};
    }
    (std::make_index_sequence<kCapabilities>());
}
// A Value has no default.
constexpr std::array<Value, kCapabilities> kNoCapabilities = make_no_capabilities();

}  // namespace

void Normalizer::State::put_container(std::string_view cgroup) {
    const Container container = container_of(cgroup);
    if (container.id.empty())
        return;
    builder.set_text(FieldId::container_id, container.id);
    if (!container.runtime.empty())
        builder.set_literal(FieldId::container_runtime, container.runtime);
    if (!container.pod_uid.empty())
        builder.set_text(FieldId::kubernetes_pod_uid, container.pod_uid);
}

void Normalizer::State::put_stdio(std::span<const StandardDescriptor, ExecContext::kStandard> stdio,
                                  std::string_view source) {
    ThreeValues types, transports, ports;
    std::array<std::string_view, ExecContext::kStandard> peers;
    std::size_t peer_count = 0;
    for (std::size_t i = 0; i < stdio.size(); ++i) {
        const StandardDescriptor& descriptor = stdio[i];
        if (descriptor.type == StandardDescriptor::Type::unknown)
            continue;
        const std::string_view type = name_of(descriptor.type);
        builder.set_literal(kTypeFields[i], type);
        types.add(Value::text(type));
        if (descriptor.transport != StandardDescriptor::Transport::unknown)
            transports.add(Value::text(name_of(descriptor.transport)));
        if (descriptor.peer_ip.empty())
            continue;
        ports.add(Value::integer(descriptor.peer_port));
        const auto end = peers.begin() + peer_count;
        if (std::find(peers.begin(), end, descriptor.peer_ip) == end)
            peers[peer_count++] = descriptor.peer_ip;
    }
    if (types.values().empty())
        return;
    builder.set_literals(FieldId::process_stdio_type, types.values());
    builder.set_literals(FieldId::process_stdio_transport, transports.values());
    builder.set_texts(FieldId::process_stdio_peer_ip, std::span(peers).first(peer_count));
    builder.set_literals(FieldId::process_stdio_peer_port, ports.values());
    builder.set_literal(FieldId::process_stdio_source, source);
}

void Normalizer::State::put_context(const ExecContext& context, bool late) {
    put_container(context.cgroup);
    put_view(context.foreign_mounts, context.own_root);
    put_stdio(context.stdio, "procfs");
    variable_scratch.assign(context.variables.begin(), context.variables.end());
    builder.set_texts(FieldId::process_env_vars, variable_scratch);
    if (late)
        builder.set_boolean(FieldId::context_late, true);
}

void Normalizer::State::put_capabilities(const Credentials& credentials) {
    if (!asked_for.capabilities)
        return;
    put_capability_names(FieldId::process_capabilities_effective, credentials.cap_effective);
    put_capability_names(FieldId::process_capabilities_permitted, credentials.cap_permitted);
}

void Normalizer::State::put_capability_names(FieldId field, std::int64_t mask) {
    std::array<Value, kCapabilities> names = kNoCapabilities;
    std::size_t count = 0;
    for (std::size_t bit = 0; mask > 0 && bit < kCapabilities; ++bit)
        if ((mask >> bit & 1) != 0)
            names[count++] = Value::text(kCapabilityNames[bit]);
    builder.set_literals(field, std::span(names).first(count));
}

void Normalizer::State::put_view(bool foreign_mounts, bool own_root) {
    std::array<Value, 2> words{Value::text("mount_namespace"), Value::text("root")};
    const std::span view(words);
    if (foreign_mounts)
        builder.set_literals(FieldId::process_view, own_root ? view : view.first(1));
    else if (own_root)
        builder.set_literals(FieldId::process_view, view.last(1));
}

namespace {

std::int64_t mask_of(std::string_view body, std::string_view key) {
    const auto hex = find_field(body, key);
    const auto mask = hex ? parse_hex(*hex) : std::nullopt;
    return mask ? static_cast<std::int64_t>(*mask & kAllCapabilities) : -1;
}

}  // namespace

void Normalizer::State::put_capset(std::string_view body) {
    put_plain(FieldId::auditd_cap_effective, body, "cap_pe");
    put_plain(FieldId::auditd_cap_permitted, body, "cap_pp");
    put_capability_names(FieldId::process_capabilities_effective, mask_of(body, "cap_pe"));
    put_capability_names(FieldId::process_capabilities_permitted, mask_of(body, "cap_pp"));
}

void Normalizer::State::take_capabilities(Credentials& credentials,
                                          const SyscallFacts& facts) const {
    if (!asked_for.capabilities)
        return;
    if (const std::string_view set = facts.event.body_of(audit_type::kCapset); !set.empty()) {
        credentials.cap_permitted = mask_of(set, "cap_pp");
        credentials.cap_effective = mask_of(set, "cap_pe");
    } else if (facts.call.operation == Operation::exec) {
        const std::string_view granted = facts.event.body_of(audit_type::kBprmFcaps);
        if (!granted.empty()) {
            credentials.cap_permitted = mask_of(granted, "pp");
            credentials.cap_effective = mask_of(granted, "pe");
            return;
        }
        // The kernel makes that record where an exec grants anything, save for root with the full
        // set (nonroot_raised_pE() in security/commoncap.c).
        credentials.cap_permitted = credentials.cap_effective =
            credentials.euid == 0 ? kAllCapabilities : 0;
    }
}

bool Normalizer::State::is_late(const ExecContext& context, std::string_view executable) {
    return !same_file(context.exe, executable) && !same_file(executable, context.exe);
}

}  // namespace audisp_eql::collector
