// SPDX-License-Identifier: Apache-2.0
// fork events: from the connector's FORK, held until the image they show is filled; without the
// connector from audit's clone records, and inferred for processes that a record names first.
#include <algorithm>

#include "collector/normalize/state.hpp"

namespace audisp_eql::collector {

namespace {

// include/uapi/linux/sched.h
constexpr std::uint64_t kCloneThread = 0x10000;

}  // namespace

void Normalizer::State::emit_fork(Process& child, Credentials credentials,
                                  const detect::EventTime& time, const detect::Origin& origin,
                                  bool is_inferred) {
    if (child.parent && !credentials.known()) {  // told since then by the parent's own record
        credentials = child.parent->credentials;
        child.parent_credentials = credentials;
        if (!child.credentials.known())
            child.credentials = credentials;
    }
    child.fork_told = true;
    ++counters.fork;
    if (!wanted(EventKind::fork, child, child.parent_image->block))
        return;
    if (is_inferred)
        builder.set_boolean(detect::FieldId::inferred, true);
    put_shape(EventKind::fork, time);
    put_credentials(credentials);
    put_birth(child);
    builder.set_literal(detect::FieldId::event_outcome, "success");
    emit(time, origin, child, child.parent_image->block);
}

void Normalizer::State::on_fork(const ProcEvent& event) {
    if (!undecided.empty())
        if (const ProcessPtr parent = processes.find(event.parent_tgid))
            release_changes(*parent);
    const ProcessPtr child = processes.fork(event.parent_tgid, event.pid, event.tgid, event.ns);
    if (!child || child->fork_told)
        return;
    Image& image = *child->parent_image;
    if (image.state != Image::State::awaited) {
        emit_fork(*child, child->credentials, timeline.of_connector(event.ns),
                  {detect::Origin::Kind::proc, event.ns, 0, child->pid});
        return;
    }
    hold(image, {EventKind::fork, child, event.ns, child->credentials, nullptr, 0, false});
    child->fork_held = true;
}

void Normalizer::State::hold(Image& image, const HeldEvent& event) {
    auto [place, first] = held_events.try_emplace(&image);
    if (first)
        image_deadlines.push_back({event.ns + kImageDeadlineNs, ImagePtr(&image)});
    place->second.events.push_back(event);
    ++events_held;
    while (events_held > kMaxHeld && !image_deadlines.empty()) {
        const ImagePtr oldest = std::move(image_deadlines.front().image);
        image_deadlines.pop_front();
        if (const auto found = held_events.find(oldest.get()); found != held_events.end())
            counters.let_go_early += found->second.events.size();
        release_forks(*oldest);
    }
}

void Normalizer::State::release_forks(Image& image) {
    const auto found = held_events.find(&image);
    if (found == held_events.end())
        return;
    const ImagePtr keep(&image);
    const std::vector<HeldEvent> events = std::move(found->second.events);
    held_events.erase(found);
    events_held -= events.size();
    if (image.state == Image::State::awaited)
        image.state = Image::State::unknown;  // later ones need not wait for it
    if (!image.block)
        counters.images_by_deadline += events.size();
    for (const HeldEvent& event : events)
        if (event.kind == EventKind::fork)
            event.process->fork_held = false;
    for (const HeldEvent& event : events) {
        if (event.kind == EventKind::fork)
            emit_fork(*event.process, event.credentials, timeline.of_connector(event.ns),
                      {detect::Origin::Kind::proc, event.ns, 0, event.process->pid});
        else
            emit_change(event, image);
    }
}

void Normalizer::State::release_forks_before(Process& process) {
    // Audit is in order: the record of an image that an ancestor ran comes before any record of
    // its descendants. What is still awaited here is not going to be told.
    if (!process.fork_held)
        return;
    std::vector<ProcessPtr> chain;
    for (Process* at = &process; at && at->fork_held; at = at->parent.get())
        chain.emplace_back(at);
    for (auto at = chain.rbegin(); at != chain.rend(); ++at)
        if ((*at)->fork_held)
            release_forks(*(*at)->parent_image);
}

void Normalizer::State::release_missed_images() {
    const std::uint64_t missed = processes.counters().images_missed;
    if (missed == images_missed_seen)
        return;
    images_missed_seen = missed;
    std::vector<ImagePtr> settled;
    for (const ImageDeadline& deadline : image_deadlines)
        if (deadline.image->state != Image::State::awaited)
            settled.push_back(deadline.image);
    for (const ImagePtr& image : settled)
        release_forks(*image);
}

namespace {

// Whom /proc can be asked about: of the living processes that still run the image, the oldest. 0 if
// there is none.
std::int32_t owner_of(const Image& image, const HeldEvents& held) {
    std::int32_t owner = 0;
    const Process* at = held.events.front().process.get();
    for (; at && (at->image.get() == &image || at->parent_image.get() == &image);
         at = at->parent.get())
        if (at->alive() && at->image.get() == &image)
            owner = at->pid;
    return owner;
}

}  // namespace

void Normalizer::State::advance_forks(std::vector<ImagePtr>& to_ask) {
    while (!image_deadlines.empty() && image_deadlines.front().ns <= now_ns) {
        const ImagePtr image = std::move(image_deadlines.front().image);
        image_deadlines.pop_front();
        const auto found = held_events.find(image.get());
        if (found == held_events.end())
            continue;
        const bool asked = found->second.asked_pid != 0;
        const std::int32_t owner = asked ? 0 : owner_of(*image, found->second);
        if (owner == 0) {
            release_forks(*image);
            continue;
        }
        found->second.asked_pid = owner;
        if (proc)
            to_ask.push_back(image);
        // A replay waits for the answer that the live run got at this point.
        image_deadlines.push_back({now_ns + kImageDeadlineNs, image});
    }
}

void Normalizer::State::ask_proc(const Image& image) {
    const auto found = held_events.find(&image);
    if (found == held_events.end())
        return;
    const std::int32_t pid = found->second.asked_pid;
    const auto snapshot = proc->read(pid);
    ProcSnapshot gone;
    gone.pid = pid;
    gone.gone = true;
    learn(to_text(snapshot ? *snapshot : gone));
}

void Normalizer::State::release_asked(std::int32_t pid) {
    if (held_events.empty())
        return;
    std::vector<ImagePtr> answered;
    for (const ImageDeadline& deadline : image_deadlines) {
        const auto found = held_events.find(deadline.image.get());
        if (found != held_events.end() && found->second.asked_pid == pid)
            answered.push_back(deadline.image);
    }
    for (const ImagePtr& image : answered)
        release_forks(*image);
}

void Normalizer::State::emit_inferred_fork(Process& child, const SyscallFacts& facts) {
    ++counters.inferred_forks;
    emit_fork(child, child.credentials, facts.time, facts.origin(), true);
}

// The connector told of it, in order and with the pid of the initial namespace. What is new is the
// executable of a process that is older than the feeds.
void Normalizer::State::on_fork_seen(const SyscallFacts& facts) {
    ++counters.ignored;
    const ProcessPtr process = process_of(facts);
    complete_image(*processes.image_at(*process, facts.point), facts);
    release_missed_images();
}

void Normalizer::State::on_fork_record(const SyscallFacts& facts) {
    const std::string_view name = facts.call.name;
    const bool hidden_flags = name == "clone3";  // behind a pointer
    if (name == "clone" && (facts.syscall.args[0] & kCloneThread) != 0)
        return;
    const auto pid = static_cast<std::int32_t>(facts.syscall.exit);
    if (pid <= 0)
        return;
    const ProcessPtr parent = process_of(facts);
    // vfork's record comes after those of the child, which was inferred from them.
    const ProcessPtr known = processes.find(pid);
    if (known && known->inferred && known->first_ms >= facts.point.time_ms) {
        known->inferred = false;
        return;
    }
    complete_image(*processes.image_at(*parent, facts.point), facts);
    // Nearly every clone3 is a thread or a posix_spawn whose exec tells of it at once.
    if (hidden_flags)
        return;
    const ProcessPtr child =
        processes.fork_recorded(*parent, pid, facts.point.serial, facts.point.time_ms);
    if (child)
        emit_fork(*child, child->credentials, facts.time, facts.origin());
}

}  // namespace audisp_eql::collector
