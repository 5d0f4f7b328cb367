// SPDX-License-Identifier: Apache-2.0
#include "collector/normalize/normalizer.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "collector/audit/record.hpp"
#include "collector/normalize/state.hpp"

namespace audisp_eql::collector {

Normalizer::State::State(EventSink& events, ProcReader* reader, MessageSink* learned_messages)
    : sink(events), proc(reader), learned(learned_messages) {}

Normalizer::Normalizer(EventSink& sink, ProcReader* proc, MessageSink* learned)
    : state_(std::make_unique<State>(sink, proc, learned)) {}
Normalizer::~Normalizer() = default;

void Normalizer::on_message(const Message& message) {
    State& state = *state_;
    switch (message.kind) {
        case MessageKind::host:
            state.on_host(message.bytes);
            break;
        case MessageKind::process:
            state.on_process(message.bytes, message.mono_ns);
            break;
        case MessageKind::user:
            state.on_account(state.users, "uid", message.bytes);
            break;
        case MessageKind::group:
            state.on_account(state.groups, "gid", message.bytes);
            break;
        case MessageKind::clock:
            state.on_clock(message.mono_ns, message.real_ns);
            break;
        case MessageKind::proc_event: {
            ProcEvent event;
            if (message.bytes.size() != sizeof event)
                break;
            std::memcpy(&event, message.bytes.data(), sizeof event);
            state.on_proc_event(event);
            break;
        }
        case MessageKind::audit_record:
        case MessageKind::audit_line:
        case MessageKind::loss:
            break;  // not this room's
    }
}

namespace {

bool makes_events(Operation operation, bool files_wanted) {
    if (is_of_file(operation))
        return files_wanted;
    switch (operation) {
        case Operation::exec:
        case Operation::connect:
        case Operation::accept:
        case Operation::fork:
            return true;
        default:
            return false;
    }
}

// Failed calls that changed nothing. A connect is an attempt whatever came of it.
bool failed(const SyscallFacts& facts) {
    return facts.call.operation != Operation::connect &&
           !facts.syscall.success.value_or(facts.syscall.exit >= 0);
}

// True if `pid` is one that may have become the parent of a process by the death of others: init,
// or an ancestor (PR_SET_CHILD_SUBREAPER).
bool may_adopt(const Process& process, std::int32_t pid) {
    if (pid <= 1)
        return true;
    for (const Process* at = process.parent.get(); at; at = at->parent.get())
        if (at->pid == pid)
            return true;
    return false;
}

}  // namespace

void Normalizer::on_audit_event(const AuditEvent& event) {
    State& state = *state_;
    state.last_audit_ns = state.now_ns;
    state.timeline.audit(event.key().time_ms);
    if (state.default_host_id.empty() && !event.node().empty()) {
        state.default_host_id = event.node();
        if (state.boot_id.empty())
            state.host.reset();
    }
    if (const auto audit_ns = state.timeline.monotonic_of(event.key().time_ms))
        state.release_ends_before(*audit_ns);
    const std::string_view body = event.body_of(audit_type::kSyscall);
    if (body.empty()) {
        const bool broken = event.has(audit_type::kExecve) || event.has(audit_type::kSockaddr);
        ++(broken ? state.counters.undecoded : state.counters.ignored);
        return;
    }
    const auto syscall = parse_syscall(body);
    if (!syscall) {
        ++state.counters.undecoded;
        return;
    }
    SyscallFacts facts{event, *syscall, syscall_of(*syscall), {}, {}};
    if (!makes_events(facts.call.operation, state.files_wanted) || failed(facts)) {
        ++state.counters.ignored;
        return;
    }
    state.on_syscall(facts);
}

void Normalizer::State::on_syscall(SyscallFacts& facts) {
    const EventKey& key = facts.event.key();
    const bool blocking = facts.call.operation == Operation::accept;
    facts.time = timeline.of_audit(key.time_ms, facts.event.received_ns(), blocking);
    if (timeline.take_epoch_change() != EpochChange::none)
        sink.on_epoch();
    facts.point = {.pid = facts.syscall.pid,
                   .ppid = facts.syscall.ppid,
                   .serial = key.serial,
                   .time_ms = key.time_ms,
                   .entry_ns = timeline.monotonic_of(key.time_ms),
                   .received_ns = facts.event.received_ns(),
                   .exec = facts.call.operation == Operation::exec};
    switch (facts.call.operation) {
        case Operation::exec:
            on_exec(facts);
            break;
        case Operation::connect:
            on_connect(facts);
            break;
        case Operation::accept:
            on_accept(facts);
            break;
        case Operation::fork:
            if (connector)
                on_fork_seen(facts);
            else
                on_fork_record(facts);
            break;
        default:
            if (is_of_file(facts.call.operation))
                on_file(facts);
            break;
    }
}

ProcessPtr Normalizer::State::process_of(const SyscallFacts& facts) {
    bool inferred = false;
    ProcessPtr process = processes.find_or_infer(facts.point, inferred);
    // Without the connector a pid's new owner shows by a parent that the old one can't have got.
    if (!inferred && !connector && process->parent && process->parent->pid != facts.point.ppid &&
        !may_adopt(*process, facts.point.ppid)) {
        process = processes.infer(facts.point);
        inferred = true;
    }
    const SyscallRecord& syscall = facts.syscall;
    Credentials& credentials = process->credentials;
    // The connector's word on ids is newer than a record made before it.
    const bool stale = facts.point.entry_ns && *facts.point.entry_ns < credentials.changed_ns;
    if (!stale || !credentials.known()) {
        credentials.uid = syscall.uid;
        credentials.euid = syscall.euid;
        credentials.gid = syscall.gid;
        credentials.egid = syscall.egid;
    }
    credentials.auid = syscall.auid;
    credentials.session = syscall.session;
    credentials.set_tty(syscall.tty);
    // A child that goes on with its parent's program has its arguments too.
    if (inferred && !facts.point.exec && shows(*process->parent_image, facts))
        process->image = process->recorded_image = process->parent_image;
    if (inferred && !connector && facts.call.operation != Operation::fork)
        emit_inferred_fork(*process, facts);
    return process;
}

void Normalizer::advance(std::int64_t mono_ns) {
    State& state = *state_;
    if (mono_ns <= state.now_ns)
        return;
    state.now_ns = mono_ns;
    std::vector<ImagePtr> to_ask;
    state.advance_forks(to_ask);
    state.advance_ends();
    // Last, so that a replay, which reads the answers as messages, has the same order.
    for (const ImagePtr& image : to_ask)
        state.ask_proc(*image);
    state.processes.advance(mono_ns);
}

void Normalizer::State::let_all_go() {
    while (!image_deadlines.empty()) {
        const ImagePtr image = std::move(image_deadlines.front().image);
        image_deadlines.pop_front();
        release_forks(*image);
    }
    while (!held_ends.empty()) {
        const HeldEnd end = std::move(held_ends.front());
        held_ends.pop_front();
        emit_end(end);
    }
}

void Normalizer::finish() {
    state_->let_all_go();
}

void Normalizer::set_default_host_id(std::string_view id) {
    state_->default_host_id = id == "replay" ? std::string_view{} : id;
    if (state_->boot_id.empty())
        state_->host.reset();
}

void Normalizer::set_files_wanted(bool wanted) {
    state_->files_wanted = wanted;
}

std::int64_t Normalizer::engine_ns() const {
    return state_->timeline.engine_ns();
}
const NormalizerCounters& Normalizer::counters() const {
    return state_->counters;
}
const ProcessTable& Normalizer::processes() const {
    return state_->processes;
}

}  // namespace audisp_eql::collector
