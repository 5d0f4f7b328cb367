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

void Normalizer::ask(ProcReader* proc) {
    state_->proc = proc;
}

void Normalizer::on_message(const Message& message) {
    State& state = *state_;
    switch (message.kind) {
        case MessageKind::host:
            state.on_host(message.bytes);
            break;
        case MessageKind::process:
            state.on_process(message.bytes, message.mono_ns);
            break;
        case MessageKind::process_exec:
            state.on_exec_context(message.bytes);
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

// Failed calls that changed nothing. A connect, or a message that may be one, is an attempt
// whatever came of it; of the calls that make an event only because somebody audits them, a failure
// tells as much as a success.
bool failure_matters(Operation operation) {
    switch (operation) {
        case Operation::connect:
        case Operation::send:
        case Operation::ring:
        case Operation::bind:
        case Operation::listen:
        case Operation::signal:
        case Operation::mount:
        case Operation::unmount:
        case Operation::other:
            return true;
        default:
            return false;
    }
}

bool failed(const SyscallFacts& facts) {
    return !failure_matters(facts.call.operation) &&
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
        state.on_other_record(event);
        return;
    }
    const auto syscall = parse_syscall(body);
    if (!syscall) {
        ++state.counters.undecoded;
        return;
    }
    SyscallFacts facts{event, *syscall, syscall_of(*syscall), {}, {}};
    state.on_side_records(facts);
    if (failed(facts) || !state.on_syscall(facts))
        ++state.counters.ignored;
}

// Events without a SYSCALL record: what programs report, refusals outside a system call, and
// operations of a ring that the kernel's own thread carries out.
void Normalizer::State::on_other_record(const AuditEvent& event) {
    const std::uint16_t type = event.records().empty() ? 0 : event.records().front().type;
    if (on_report(event, type))
        return;
    if (type == audit_type::kUringop) {
        on_ring_record(event);
        return;
    }
    bool told = false;
    for (const AuditEvent::Record& record : event.records())
        told |= on_lone_record(event, record);
    if (told)
        return;
    const bool broken = event.has(audit_type::kExecve) || event.has(audit_type::kSockaddr);
    ++(broken ? counters.undecoded : counters.ignored);
}

void Normalizer::State::date(SyscallFacts& facts, bool blocking) {
    const EventKey& key = facts.event.key();
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
}

bool Normalizer::State::on_syscall(SyscallFacts& facts) {
    const Operation operation = facts.call.operation;
    const bool followed = asked_for.of_exec.stdio && facts.call.descriptor != DescriptorCall::none;
    const bool makes_event = wanted(operation, facts);
    if (!makes_event && !followed)
        return false;
    date(facts, operation == Operation::accept);
    if (followed)
        follow_descriptors(facts);
    if (!makes_event)
        return false;
    switch (operation) {
        case Operation::exec:
            on_exec(facts);
            return true;
        case Operation::connect:
            on_connect(facts);
            return true;
        case Operation::accept:
            on_accept(facts);
            return true;
        case Operation::fork:
            if (connector)
                on_fork_seen(facts);
            else
                on_fork_record(facts);
            return true;
        case Operation::send:
            on_send(facts);
            return true;
        case Operation::ring:
            on_ring(facts);
            return true;
        case Operation::change_user:
        case Operation::change_group:
        case Operation::new_session:
            on_identity_call(facts);
            return true;
        case Operation::bind:
        case Operation::listen:
        case Operation::trace:
        case Operation::signal:
        case Operation::make_memory_file:
        case Operation::load_module:
        case Operation::unload_module:
        case Operation::mount:
        case Operation::unmount:
        case Operation::other:
            on_plain_call(facts);
            return true;
        default:
            if (!is_of_file(operation))
                return false;
            on_file(facts);
            return true;
    }
}

ProcessPtr Normalizer::State::process_of(const SyscallFacts& facts) {
    bool inferred = false;
    ProcessPtr process = processes.find_or_infer(facts.point, inferred);
    // A report named it before, without its parent.
    inferred |= std::exchange(process->known_by_report, false);
    // Without the connector a pid's new owner shows by a parent that the old one can't have got.
    if (!inferred && !connector && process->parent && process->parent->pid != facts.point.ppid &&
        !may_adopt(*process, facts.point.ppid)) {
        process = processes.infer(facts.point);
        inferred = true;
    }
    release_changes(*process);
    take_credentials(process->credentials, facts);
    take_capabilities(process->credentials, facts);
    if (asked_for.of_exec.stdio)
        settle_descriptors(*process);
    if (inferred && facts.point.ppid <= 0) {
        process->known_by_report = true;
        return process;
    }
    // A child that goes on with its parent's program has its arguments too.
    if (inferred && !facts.point.exec && shows(*process->parent_image, facts))
        process->image = process->recorded_image = process->parent_image;
    if (inferred && !connector && facts.call.operation != Operation::fork)
        emit_inferred_fork(*process, facts);
    return process;
}

void Normalizer::State::take_credentials(Credentials& credentials, const SyscallFacts& facts) {
    const SyscallRecord& syscall = facts.syscall;
    // The connector's word on ids is newer than a record made before it. And a record of no system
    // call has not all of them.
    const bool stale = !facts.is_call() ||
                       (facts.point.entry_ns && *facts.point.entry_ns < credentials.changed_ns);
    if (!stale || !credentials.known()) {
        credentials.set_users(
            syscall.uid, facts.is_call() || syscall.euid != kUnsetId ? syscall.euid : syscall.uid);
        credentials.gid = syscall.gid;
        credentials.egid = facts.is_call() || syscall.egid != kUnsetId ? syscall.egid : syscall.gid;
    }
    if (facts.is_call() || syscall.auid != kUnsetId) {
        credentials.auid = syscall.auid;
        credentials.session = syscall.session;
    }
    if (facts.is_call())
        credentials.set_tty(syscall.tty);
}

Actor Normalizer::State::actor_of(const SyscallFacts& facts) {
    ProcessPtr process = process_of(facts);
    ImagePtr image = processes.image_at(*process, facts.point);
    release_missed_images();
    complete_image(*image, facts);
    return {std::move(process), std::move(image)};
}

void Normalizer::advance(std::int64_t mono_ns) {
    State& state = *state_;
    if (mono_ns <= state.now_ns)
        return;
    state.now_ns = mono_ns;
    std::vector<ImagePtr> to_ask;
    state.advance_forks(to_ask);
    state.advance_changes();
    state.advance_ends();
    // Last, so that a replay, which reads the answers as messages, has the same order.
    for (const ImagePtr& image : to_ask)
        state.ask_proc(*image);
    state.processes.advance(mono_ns);
}

void Normalizer::State::let_all_go() {
    while (!undecided.empty()) {
        const ProcessPtr process = undecided.front().process;
        release_changes(*process);
    }
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

void Normalizer::ask_for(AskedContext asked) {
    state_->asked_for = std::move(asked);
}

std::int64_t Normalizer::engine_ns() const {
    return state_->timeline.engine_ns();
}
const NormalizerCounters& Normalizer::counters() const {
    return state_->counters;
}
std::size_t Normalizer::shed_processes(std::size_t tombstones, std::size_t live) {
    return state_->processes.shed(tombstones, live);
}
const ProcessTable& Normalizer::processes() const {
    return state_->processes;
}

}  // namespace audisp_eql::collector
