// SPDX-License-Identifier: Apache-2.0
// Messages other than audit records: the host, its users, its processes, the clocks, the connector.
#include <cstring>

#include "collector/audit/record.hpp"
#include "collector/normalize/state.hpp"

namespace audisp_eql::collector {

using detect::FieldId;

void Normalizer::State::forget_machine() {
    let_all_go();
    processes.clear();
    attempts.clear();
    attempts_in_order.clear();
    descriptors.clear();
    boot_id.clear();
    host.reset();
    users.clear();
    groups.clear();
    exec_contexts.clear();
    told_sockets.clear();
    now_ns = 0;
    last_audit_ns = 0;
    clocked = false;
    timeline.another_boot();
    sink.on_epoch();
}

void Normalizer::State::check_restart(std::int64_t mono_ns) {
    if (mono_ns <= 0 || mono_ns + Timeline::kMaxBackNs >= now_ns)
        return;
    forget_machine();
    now_ns = mono_ns;
}

void Normalizer::State::on_host(std::string_view text) {
    std::string_view boot, machine, name, kernel, feeds;
    FieldCursor field(text);
    while (field.next()) {
        if (field.key == "boot_id")
            boot = field.value;
        else if (field.key == "machine_id")
            machine = field.value;
        else if (field.key == "hostname")
            name = field.value;
        else if (field.key == "kernel")
            kernel = field.value;
        else if (field.key == "feeds")
            feeds = field.value;
    }
    if (!boot_id.empty() && boot_id != boot)
        forget_machine();
    boot_id = boot;
    processes.set_boot_id(boot);
    if (feeds.find("proc") != std::string_view::npos)
        connector = true;

    put_host(machine);
    if (!name.empty()) {
        const auto bytes = builder.append(name);
        builder.set_text(FieldId::host_name, bytes);
        builder.set_text(FieldId::host_hostname, bytes);
    }
    if (!kernel.empty())
        builder.set_text(FieldId::host_os_kernel, kernel);
    host = builder.finish();
}

void Normalizer::State::on_account(AccountNames& names, std::string_view id_key,
                                   std::string_view text) {
    std::optional<std::int64_t> id;
    std::string_view name;
    FieldCursor field(text);
    while (field.next()) {
        if (field.key == id_key)
            id = parse_decimal(field.value);
        else if (field.key == "name")
            name = field.value;
    }
    if (!id || *id < 0 || *id > 0xffffffffLL || name.empty() || names.size() >= kMaxAccounts)
        return;
    names.try_emplace(static_cast<std::uint32_t>(*id), name);  // the first of a file counts
}

void Normalizer::State::on_process(std::string_view text, std::int64_t mono_ns) {
    if (!clocked)
        check_restart(mono_ns);
    if (auto target = descriptor_from_text(text)) {
        on_descriptor(std::move(*target));
        return;
    }
    if (auto ends = socket_from_text(text)) {
        on_socket(std::move(*ends));
        return;
    }
    if (auto taint = module_from_text(text)) {
        told_module = std::move(taint);
        return;
    }
    const auto snapshot = snapshot_from_text(text);
    if (!snapshot)
        return;
    if (!snapshot->gone) {
        const ProcessPtr process = processes.snapshot(*snapshot, mono_ns);
        Image& image = *process->image;
        if (image.state != Image::State::executed && image.state != Image::State::procfs) {
            processes.image_read(*process, image_of_snapshot(*snapshot));
            release_forks(image);
        }
    }
    release_asked(snapshot->pid);
}

void Normalizer::State::on_clock(std::int64_t mono_ns, std::int64_t real_ns) {
    check_restart(mono_ns);
    clocked = true;
    timeline.clock(mono_ns, real_ns);
    timeline.take_epoch_change();  // a restart was handled above
}

void Normalizer::State::on_session(const ProcEvent& event) {
    const ProcessPtr process = processes.find(event.tgid);
    if (!process || !process->alive())
        return;
    processes.session_begun(*process);
    entry_may_begin(*process);
}

void Normalizer::State::on_proc_event(const ProcEvent& event) {
    // Where the clock is told, an old message is a late one: the program stood still meanwhile.
    if (!clocked)
        check_restart(event.ns);
    connector = true;
    now_ns = std::max(now_ns, event.ns);
    timeline.connector(event.ns);
    timeline.take_epoch_change();  // a restart was handled above
    switch (event.what) {
        case ProcEvent::What::fork:
            on_fork(event);
            break;
        case ProcEvent::What::exec:
            on_exec_announced(event);
            break;
        case ProcEvent::What::exit:
            on_exit(event);
            break;
        case ProcEvent::What::uid:
        case ProcEvent::What::gid:
            on_identity(event);
            break;
        case ProcEvent::What::sid:
            on_session(event);
            on_task_message(event);
            break;
        case ProcEvent::What::ptrace:
        case ProcEvent::What::coredump:
            on_task_message(event);
            break;
        case ProcEvent::What::none:
        case ProcEvent::What::comm:
            break;
    }
}

}  // namespace audisp_eql::collector
