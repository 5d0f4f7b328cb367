// SPDX-License-Identifier: Apache-2.0
// uid_change, gid_change, session_id_change, ptrace and coredump, from the connector: it tells of
// every change whatever made it, and only of changes, where audit would report each call. Without
// it, from audit's records of the calls.
//
// An exec of a set-user-id file changes the ids before its EXEC is announced (begin_new_exec() in
// fs/exec.c), and so does a program that calls setuid and then exec. Which of the two it was tells
// the mode of the file, in the exec's own record: a change that an EXEC follows waits for that, and
// is shown with the image that it belongs to. Any other shows what the process runs.
#include <algorithm>
#include <charconv>

#include "collector/audit/record.hpp"
#include "collector/normalize/state.hpp"

namespace audisp_eql::collector {

using detect::FieldId;

namespace {

constexpr std::uint32_t kSetUserId = 04000, kSetGroupId = 02000;  // sys/stat.h
// linux/ptrace.h
constexpr std::uint64_t kAttach = 16, kSeize = 0x4206;

// The mode of PATH item 0, 0 if no record has it.
std::uint32_t mode_of_file(const AuditEvent& event) {
    for (const AuditEvent::Record& record : event.records()) {
        if (record.type != audit_type::kPath)
            continue;
        const std::string_view body = event.body(record);
        if (find_field(body, "item") != "0")
            continue;
        const std::string_view text = find_field(body, "mode").value_or("");
        std::uint32_t mode = 0;
        std::from_chars(text.data(), text.data() + text.size(), mode, 8);
        return mode;
    }
    return 0;
}

EventKind kind_of(ProcEvent::What what) {
    switch (what) {
        case ProcEvent::What::uid:
            return EventKind::uid_change;
        case ProcEvent::What::gid:
            return EventKind::gid_change;
        case ProcEvent::What::sid:
            return EventKind::session_id_change;
        case ProcEvent::What::ptrace:
            return EventKind::ptrace;
        default:
            return EventKind::coredump;
    }
}

}  // namespace

void Normalizer::State::on_identity(const ProcEvent& event) {
    if (event.pid != event.tgid)  // a library changes the ids of every thread
        return;
    const ProcessPtr process = processes.find(event.tgid);
    if (!process || !process->alive())
        return;
    Credentials& credentials = process->credentials;
    const Credentials before = credentials;
    const bool user = event.what == ProcEvent::What::uid;
    credentials.changed_ns = event.ns;
    if (user) {
        credentials.set_users(event.first, event.second);
    } else {
        credentials.gid = event.first;
        credentials.egid = event.second;
    }
    const bool real_changed = (user ? before.uid : before.gid) != event.first;
    // Also sent where only the saved or the file system's ids changed.
    if (before.known() && !real_changed && (user ? before.euid : before.egid) == event.second)
        return;
    const EventKind kind = kind_of(event.what);
    if (!wanted(kind)) {
        ++counters.ignored;
        return;
    }
    for (const HeldEvent& change : undecided)
        if (change.process == process && change.kind == kind) {
            release_changes(*process);
            break;
        }
    undecided.push_back({kind, process, event.ns, credentials, nullptr, 0, real_changed});
    ++process->changes_undecided;
}

void Normalizer::State::on_task_message(const ProcEvent& event) {
    const bool trace = event.what == ProcEvent::What::ptrace;
    const EventKind kind = kind_of(event.what);
    // Of a trace, the tracer acts; it is 0 where it lets go.
    const ProcessPtr process = processes.find(trace ? event.parent_tgid : event.tgid);
    if (!process || !process->alive())
        return;
    release_changes(*process);
    if (trace)
        traces[next_trace++ % traces.size()] = {process->pid, event.tgid, event.ns};
    if (!wanted(kind)) {
        ++counters.ignored;
        return;
    }
    show_change(
        {kind, process, event.ns, process->credentials, nullptr, trace ? event.tgid : 0, false});
}

void Normalizer::State::show_change(const HeldEvent& change) {
    Image& image = *change.process->image;
    if (image.state == Image::State::awaited)
        hold(image, change);
    else
        emit_change(change, image);
}

void Normalizer::State::emit_change(const HeldEvent& change, const Image& image) {
    const detect::EventTime time = timeline.of_connector(change.ns);
    put_shape(change.kind, time);
    put_credentials(change.credentials);
    builder.set_literal(FieldId::event_outcome, "success");
    if (change.kind == EventKind::ptrace)
        builder.set_integer(FieldId::process_ext_ptrace_child_pid, change.target);
    ++counters.other;
    emit(time, {detect::Origin::Kind::proc, change.ns, 0, change.process->pid}, *change.process,
         image.block);
}

void Normalizer::State::release_changes(Process& process) {
    if (process.changes_undecided == 0)
        return;
    process.changes_undecided = 0;
    const ProcessPtr keep(&process);
    std::deque<HeldEvent> rest;
    std::deque<HeldEvent> released;
    for (HeldEvent& change : undecided)
        (change.process == keep ? released : rest).push_back(std::move(change));
    undecided = std::move(rest);
    for (const HeldEvent& change : released)
        show_change(change);
}

void Normalizer::State::advance_changes() {
    while (!undecided.empty() && undecided.front().ns + kChangeHoldNs <= now_ns) {
        const ProcessPtr process = undecided.front().process;
        release_changes(*process);
    }
}

void Normalizer::State::hold_changes_for_exec(const ProcessPtr& process, const ImagePtr& before) {
    if (process->changes_undecided == 0)
        return;
    if (process->image->state != Image::State::awaited) {
        release_changes(*process);
        return;
    }
    process->changes_undecided = 0;
    for (auto at = undecided.begin(); at != undecided.end();) {
        if (at->process != process) {
            ++at;
            continue;
        }
        at->before = before;
        hold(*process->image, *at);
        at = undecided.erase(at);
    }
}

void Normalizer::State::settle_changes(const Image& image, const AuditEvent& event) {
    const auto found = held_events.find(&image);
    if (found == held_events.end() || !found->second.events.front().before)
        return;
    const std::uint32_t mode = mode_of_file(event);
    std::vector<HeldEvent> by_call;
    std::vector<HeldEvent>& events = found->second.events;
    for (auto at = events.begin(); at != events.end() && at->before;) {
        const bool user = at->kind == EventKind::uid_change;
        if ((mode & (user ? kSetUserId : kSetGroupId)) != 0 && !at->real_changed) {
            at->before = nullptr;  // told behind the exec
            ++at;
            continue;
        }
        by_call.push_back(std::move(*at));
        at = events.erase(at);
        --events_held;
    }
    if (events.empty())
        held_events.erase(found);
    for (const HeldEvent& change : by_call)
        emit_change(change, *change.before);
}

bool Normalizer::State::told_by_connector(const SyscallFacts& facts, std::int32_t target) {
    const std::uint64_t request = facts.syscall.args[0];
    if (request != kAttach && request != kSeize)
        return false;
    for (Trace& trace : traces)
        if (trace.tracer == facts.syscall.pid && trace.target == target &&
            trace.ns + kTraceRepeatNs >= now_ns) {
            trace = {};
            return true;
        }
    return false;
}

void Normalizer::State::on_identity_call(const SyscallFacts& facts) {
    const Operation operation = facts.call.operation;
    const ProcessPtr known = processes.find(facts.point);
    const Credentials before = known ? known->credentials : Credentials{};
    const Actor actor = actor_of(facts);
    const Credentials& after = actor.process->credentials;
    const bool user = operation == Operation::change_user;
    if (operation != Operation::new_session && before.known() &&
        (user ? before.uid == after.uid && before.euid == after.euid
              : before.gid == after.gid && before.egid == after.egid)) {
        ++counters.ignored;
        return;
    }
    if (operation == Operation::new_session && !connector) {
        processes.session_begun(*actor.process);
        entry_may_begin(*actor.process);
    }
    put_call(operation == Operation::new_session ? EventKind::session_id_change
             : user                              ? EventKind::uid_change
                                                 : EventKind::gid_change,
             facts, *actor.process);
    ++counters.other;
    emit(facts.time, facts.origin(), *actor.process, actor.image->block);
}

}  // namespace audisp_eql::collector
