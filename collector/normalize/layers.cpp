// SPDX-License-Identifier: Apache-2.0
// The layers that events of every kind have: what is common in the own layer, who the process is,
// the host.
#include <algorithm>
#include <charconv>
#include <utility>

#include "collector/audit/record.hpp"
#include "collector/normalize/state.hpp"

namespace audisp_eql::collector {

using detect::BlockBuilder;
using detect::BlockPtr;
using detect::FieldId;

namespace {

constexpr std::int64_t kUsPerMs = 1000;
constexpr std::int64_t kNsPerTick = 10'000'000;

BlockBuilder::Bytes decimal(BlockBuilder& builder, std::uint32_t number) {
    char digits[16];
    const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    return builder.append({digits, static_cast<std::size_t>(end - digits)});
}

std::uint16_t number_of(EventKind kind) {
    return static_cast<std::uint16_t>(static_cast<unsigned>(kind) + 1);
}

}  // namespace

std::string_view account_name(const AccountNames& names, std::uint32_t id) {
    const auto found = names.find(id);
    return found == names.end() ? std::string_view{} : std::string_view(found->second);
}

std::optional<std::uint32_t> account_id(const AccountNames& names, std::string_view name) {
    if (name.empty())
        return std::nullopt;
    const auto found = std::find_if(names.begin(), names.end(),
                                    [name](const auto& account) { return account.second == name; });
    return found == names.end() ? std::nullopt : std::optional(found->first);
}

void Normalizer::State::put_shape(EventKind kind, const detect::EventTime& time) {
    const EventShape& shape = shape_of(kind);
    kind_at_hand = kind;
    builder.set_date(FieldId::timestamp, time.wall_us);
    builder.set_literal(FieldId::event_kind, "event");
    builder.set_literals(FieldId::event_category, shape.category);
    builder.set_literals(FieldId::event_type, shape.type);
    builder.set_literals(FieldId::event_action, shape.action);
}

void Normalizer::State::put_credentials(const Credentials& credentials) {
    if (!credentials.known())
        return;
    const auto effective_user = decimal(builder, credentials.euid);
    builder.set_text(FieldId::user_id, effective_user);
    builder.set_text(FieldId::process_user_id, effective_user);
    const bool same_user = credentials.uid == credentials.euid;
    const auto real_user = same_user ? effective_user : decimal(builder, credentials.uid);
    builder.set_text(FieldId::user_ext_real_id, real_user);
    builder.set_text(FieldId::process_real_user_id, real_user);
    if (!same_user)
        builder.set_text(FieldId::user_effective_id, effective_user);
    if (credentials.auid != kUnsetId)
        builder.set_text(FieldId::user_audit_id, decimal(builder, credentials.auid));

    if (credentials.egid != Credentials::kUnknown) {
        const auto effective_group = decimal(builder, credentials.egid);
        builder.set_text(FieldId::group_id, effective_group);
        builder.set_text(FieldId::process_group_id, effective_group);
        const auto real_group = credentials.gid == credentials.egid
                                    ? effective_group
                                    : decimal(builder, credentials.gid);
        builder.set_text(FieldId::group_ext_real_id, real_group);
        builder.set_text(FieldId::process_real_group_id, real_group);
    }

    std::array<BlockBuilder::Bytes, 2> related;
    std::size_t names = 0;
    if (const auto name = account_name(users, credentials.euid); !name.empty()) {
        const auto bytes = related[names++] = builder.append(name);
        builder.set_text(FieldId::user_name, bytes);
        builder.set_text(FieldId::process_user_name, bytes);
        if (same_user)
            builder.set_text(FieldId::user_ext_real_name, bytes);
    }
    if (!same_user)
        if (const auto name = account_name(users, credentials.uid); !name.empty()) {
            const auto bytes = related[names++] = builder.append(name);
            builder.set_text(FieldId::user_ext_real_name, bytes);
        }
    builder.set_texts(FieldId::related_user, std::span(related).first(names));
    if (const auto name = account_name(groups, credentials.egid); !name.empty()) {
        const auto bytes = builder.append(name);
        builder.set_text(FieldId::group_name, bytes);
        builder.set_text(FieldId::process_group_name, bytes);
    }

    put_capabilities(credentials);
    if (!credentials.tty_known)
        return;
    const std::string_view tty = credentials.tty();
    builder.set_boolean(FieldId::process_interactive, !tty.empty());
    if (!tty.empty())
        builder.set_text(FieldId::process_tty_name, tty);
}

void Normalizer::State::put_account(const AccountNames& names, std::uint32_t id, FieldId id_field,
                                    FieldId name_field) {
    if (id == kUnsetId)
        return;
    builder.set_text(id_field, decimal(builder, id));
    if (const auto name = account_name(names, id); !name.empty())
        builder.set_text(name_field, name);
}

void Normalizer::State::put_process_ids(const Credentials& credentials) {
    if (credentials.auid != kUnsetId)
        builder.set_text(FieldId::user_audit_id, decimal(builder, credentials.auid));
    if (!credentials.known())
        return;
    builder.set_text(FieldId::process_user_id, decimal(builder, credentials.euid));
    builder.set_text(FieldId::process_real_user_id, decimal(builder, credentials.uid));
    if (const auto name = account_name(users, credentials.euid); !name.empty())
        builder.set_text(FieldId::process_user_name, name);
}

void Normalizer::State::put_plain(FieldId field, std::string_view body, std::string_view key) {
    const auto value = find_field(body, key);
    if (value && !value->empty() && *value != "?")
        builder.set_text(field, *value);
}

void Normalizer::State::put_untrusted(FieldId field, std::string_view body, std::string_view key) {
    FieldCursor cursor(body);
    while (cursor.next()) {
        if (cursor.key != key)
            continue;
        scratch.clear();
        if (append_untrusted(cursor.value, cursor.quoted, scratch))
            builder.set_text(field, scratch);
        return;
    }
}

void Normalizer::State::put_syscall(const SyscallFacts& facts) {
    builder.set_date(FieldId::event_start, facts.event.key().time_ms * kUsPerMs);
    std::string_view name = syscall_name(facts.syscall.arch, facts.syscall.number);
    if (name.empty())
        name = facts.call.name;  // newer than libaudit
    if (!name.empty())
        builder.set_literal(FieldId::auditd_syscall, name);
    if (facts.syscall.success)
        builder.set_literal(FieldId::auditd_result, *facts.syscall.success ? "success" : "fail");
    scratch.clear();
    key_scratch.clear();
    decode_keys(facts.syscall.key, scratch, key_scratch);
    builder.set_texts(FieldId::audit_key, key_scratch);
}

const BlockPtr& Normalizer::State::identity_of(Process& process) {
    if (process.identity)
        return process.identity;
    processes.link_parent(process, 0);
    builder.set_integer(FieldId::process_pid, process.pid);
    builder.set_text(FieldId::process_entity_id, processes.entity_id(process));

    std::array<std::string_view, ProcessTable::kMaxAncestry> ancestry;
    std::size_t ancestors = 0;
    for (Process* at = process.parent.get(); at && ancestors < ancestry.size();
         at = at->parent.get())
        ancestry[ancestors++] = processes.entity_id(*at);
    builder.set_texts(FieldId::process_ext_ancestry, std::span(ancestry).first(ancestors));

    const std::int64_t start_ns =
        process.start_ns >= 0 ? process.start_ns
                              : (process.start_tick >= 0 ? process.start_tick * kNsPerTick : -1);
    if (start_ns >= 0)
        if (const auto wall_us = timeline.wall_us_of(start_ns))
            builder.set_date(FieldId::process_start, *wall_us);

    const Credentials& parent = process.parent_credentials;
    if (parent.known()) {
        builder.set_text(FieldId::process_parent_user_id, decimal(builder, parent.euid));
        if (parent.egid != Credentials::kUnknown)
            builder.set_text(FieldId::process_parent_group_id, decimal(builder, parent.egid));
        if (parent.tty_known)
            builder.set_boolean(FieldId::process_parent_interactive, !parent.tty().empty());
        if (const auto name = account_name(users, parent.euid); !name.empty())
            builder.set_text(FieldId::process_parent_user_name, name);
        if (const auto name = account_name(groups, parent.egid); !name.empty())
            builder.set_text(FieldId::process_parent_group_name, name);
    }
    if (process.resynced)
        builder.set_boolean(FieldId::process_resynced, true);
    process.identity = builder.finish();
    return process.identity;
}

void Normalizer::State::put_host(std::string_view id) {
    builder.set_literal(FieldId::event_module, "auditd");
    builder.set_literal(FieldId::host_os_type, "linux");
    builder.set_literal(FieldId::host_os_family, "linux");
    if (id.empty())
        id = default_host_id;
    const auto bytes = builder.append(id.empty() ? std::string_view("replay") : id);
    builder.set_text(FieldId::host_id, bytes);
    builder.set_text(FieldId::agent_id, bytes);  // there is one on a host
}

const BlockPtr& Normalizer::State::host_layer() {
    if (!host) {
        put_host({});
        host = builder.finish();
    }
    return host;
}

bool Normalizer::State::wanted(EventKind kind, Process& process, BlockPtr image) {
    find_leaders(process);
    release_forks_before(process);
    // Who is who is settled now: ids and start times are told by what is known at a process's first
    // event, and must not depend on what rules look at.
    if (!process.session_leader || !process.group_leader)
        name_unseen_leaders(process);
    keep_leaders(process);
    detect::Event::Layers layers;
    layers[static_cast<std::size_t>(detect::Layer::process)] = identity_of(process);
    layers[static_cast<std::size_t>(detect::Layer::image)] = std::move(image);
    if (process.parent)
        layers[static_cast<std::size_t>(detect::Layer::parent)] = identity_of(*process.parent);
    layers[static_cast<std::size_t>(detect::Layer::parent_image)] = process.parent_image->block;
    layers[static_cast<std::size_t>(detect::Layer::host)] = host_layer();
    const detect::Event sketch({}, {}, std::move(layers), number_of(kind));
    return sink.wants(sketch);
}

void Normalizer::State::emit(const detect::EventTime& time, const detect::Origin& origin,
                             Process& process, BlockPtr image) {
    put_leaders(process);
    BlockPtr own = builder.finish();
    release_forks_before(process);
    if (!process.session_leader || !process.group_leader)
        name_unseen_leaders(process);
    detect::Event::Layers layers;
    show_leaders(process, image, layers);
    layers[static_cast<std::size_t>(detect::Layer::own)] = std::move(own);
    layers[static_cast<std::size_t>(detect::Layer::process)] = identity_of(process);
    layers[static_cast<std::size_t>(detect::Layer::image)] = std::move(image);
    if (process.parent)
        layers[static_cast<std::size_t>(detect::Layer::parent)] = identity_of(*process.parent);
    layers[static_cast<std::size_t>(detect::Layer::parent_image)] = process.parent_image->block;
    layers[static_cast<std::size_t>(detect::Layer::host)] = host_layer();
    const detect::EventPtr event(
        new detect::Event(time, origin, std::move(layers), number_of(kind_at_hand)));
    sink.on_event(event, ProcessPtr(&process));
}

}  // namespace audisp_eql::collector
