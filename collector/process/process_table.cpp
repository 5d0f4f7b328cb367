// SPDX-License-Identifier: Apache-2.0
#include "collector/process/process_table.hpp"

#include <algorithm>
#include <utility>

#include <boost/intrusive/list.hpp>
#include <boost/unordered/unordered_flat_map.hpp>

#include "collector/process/entity_id.hpp"

namespace audisp_eql::collector {

namespace {

// Field 22 of /proc/PID/stat counts in USER_HZ, 100 on every architecture that Linux has today.
constexpr std::int64_t kTickNs = 10'000'000;

// A FORK that was seen: what the parent was doing, and that it does this now.
void note_birth(Process& child, Process& parent, std::int64_t ns) {
    const Process* const newest = parent.newest_child;
    child.birth = {parent.active_ns, parent.living_children, newest ? newest->start_ns : -1};
    child.active_ns = parent.active_ns = ns;
    child.counted_by_parent = true;
    ++parent.living_children;
    parent.newest_child = &child;
}

void note_exit(Process& child, std::int64_t ns) {
    if (!child.counted_by_parent || !child.parent)
        return;
    Process& parent = *child.parent;
    child.counted_by_parent = false;
    --parent.living_children;
    parent.active_ns = std::max(parent.active_ns, ns);
    if (parent.newest_child == &child)
        parent.newest_child = nullptr;
}

}  // namespace

struct ProcessTable::State {
    // The newest incarnation of a pid, alive or a tombstone, and the tombstone before it, which
    // late records may speak of.
    struct Slot {
        ProcessPtr current;
        ProcessPtr previous;
    };
    using Order = boost::intrusive::list<
        Process, boost::intrusive::member_hook<Process, boost::intrusive::list_member_hook<>,
                                               &Process::in_table>>;

    ProcessTableCounters& counters;
    boost::unordered_flat_map<std::int32_t, Slot> by_pid;
    Order live;        // least recently used first
    Order tombstones;  // oldest exit first
    EntityNamer entities;
    std::int64_t now_ns = 0;  // the connector's clock

    explicit State(ProcessTableCounters& c) : counters(c) {}
    ~State() { clear(); }

    void clear() {
        live.clear();
        tombstones.clear();
        by_pid.clear();
        counters.live = counters.tombstones = 0;
        now_ns = 0;
    }

    void use(Process& process) {
        if (process.alive())
            live.splice(live.end(), live, live.iterator_to(process));
    }

    // Forgets one that lies in `live` or `tombstones`.
    void forget(Process& process) {
        note_exit(process, process.active_ns);
        Order& order = process.alive() ? live : tombstones;
        --(process.alive() ? counters.live : counters.tombstones);
        order.erase(order.iterator_to(process));
        counters.images_awaited -= process.awaited.size();
        counters.images_missed += process.awaited.size();
        process.awaited.clear();
        const auto found = by_pid.find(process.pid);
        Slot& slot = found->second;
        if (slot.previous.get() == &process) {
            slot.previous.reset();
        } else {
            slot.current = std::move(slot.previous);
            if (!slot.current)
                by_pid.erase(found);
        }
    }

    void bury(Process& process, std::int64_t exit_ns) {
        note_exit(process, exit_ns);
        live.erase(live.iterator_to(process));
        --counters.live;
        process.exit_ns = exit_ns;
        tombstones.push_back(process);
        ++counters.tombstones;
        if (counters.tombstones > kMaxTombstones) {
            ++counters.evicted;
            forget(tombstones.front());
        }
    }

    void dig_up(Process& process) {
        tombstones.erase(tombstones.iterator_to(process));
        --counters.tombstones;
        process.exit_ns = -1;
        process.leader_exited = false;
        live.push_back(process);
        ++counters.live;
        ++counters.revived;
    }

    // A new process under its pid; what was there becomes the tombstone before it.
    ProcessPtr make(std::int32_t pid) {
        auto& slot = by_pid[pid];
        if (slot.current) {
            if (slot.current->alive()) {
                ++counters.reused_pids;
                bury(*slot.current, std::max<std::int64_t>(now_ns, 0));
            }
            // bury() may have evicted, so the slot is looked up again below.
        }
        Slot& place = by_pid[pid];
        if (place.current) {
            if (place.previous)
                forget(*place.previous);
            place.previous = std::move(place.current);
        }
        const ProcessPtr process(new Process);
        process->pid = pid;
        process->image = process->recorded_image = ImagePtr(new Image);
        process->parent_image = ImagePtr(new Image);
        place.current = process;
        live.push_back(*process);
        ++counters.live;
        if (counters.live > kMaxLive) {
            ++counters.evicted;
            forget(live.front());
        }
        return process;
    }

    void set_tick(Process& process, std::int64_t tick) {
        process.start_tick = tick;
        const auto found = by_pid.find(process.pid);
        if (found == by_pid.end())
            return;
        const ProcessPtr& before = found->second.previous;
        if (before && before->start_tick == tick)
            process.ordinal = before->ordinal + 1;
    }

    Process* newest(std::int32_t pid) const {
        const auto found = by_pid.find(pid);
        return found == by_pid.end() ? nullptr : found->second.current.get();
    }

    // The process that a connector message names as alive, made if it is not known.
    ProcessPtr named_by_connector(std::int32_t pid, std::int64_t ns) {
        ProcessPtr process(newest(pid));
        if (process && !process->alive()) {
            if (ns <= process->exit_ns + kRevivalNs)
                dig_up(*process);
            else
                process.reset();
        }
        if (process) {
            use(*process);
            return process;
        }
        process = make(pid);
        process->first_ns = ns;
        process->inferred = true;
        ++counters.inferred;
        return process;
    }

    void drop_oldest_awaited(Process& process) {
        // No record fills it any more, but a fork may still hold it: it counts as never seen, and
        // a later system call record may name its executable.
        Image& image = *process.awaited.front();
        if (image.state == Image::State::awaited)
            image.state = Image::State::unknown;
        process.recorded_image = process.awaited.front();
        process.awaited.erase(process.awaited.begin());
        --counters.images_awaited;
        ++counters.images_missed;
    }

    // Execs that audit has gone past without telling. With comparable clocks: announced well before
    // the record's entry; else: announced longer ago than any record is late.
    void settle_images(Process& process, const RecordPoint& record) {
        while (!process.awaited.empty()) {
            const std::int64_t opened = process.awaited.front()->opened_ns;
            const bool past = record.entry_ns ? *record.entry_ns > opened + kSlackNs
                                              : now_ns > opened + kToldAheadNs;
            if (!past)
                return;
            drop_oldest_awaited(process);
        }
    }
};

namespace {

// What a child has from its parent whoever tells of it.
void inherit_leaders(Process& child, const Process& parent) {
    if (child.sid == 0) {
        child.sid = parent.sid;
        child.session_leader = parent.session_leader;
    }
    if (child.pgid == 0) {
        child.pgid = parent.pgid;
        child.group_leader = parent.group_leader;
    }
}

// The child runs what the parent runs, as the same user.
void inherit(Process& child, Process& parent) {
    child.parent = ProcessPtr(&parent);
    child.parent_image = parent.image;
    child.parent_credentials = parent.credentials;
    child.credentials = parent.credentials;
    child.image = child.recorded_image = parent.image;
    inherit_leaders(child, parent);
}

// Chains have no rings as long as nobody becomes a descendant of itself.
bool descends_from(const Process& process, const Process& ancestor) {
    for (const Process* at = &process; at; at = at->parent.get())
        if (at == &ancestor)
            return true;
    return false;
}

// Beyond kMaxLineage generations, exited ancestors let go of theirs.
void bound_lineage(const Process& child) {
    Process* at = child.parent.get();
    for (std::uint32_t up = 1; at && up < ProcessTable::kMaxLineage; ++up)
        at = at->parent.get();
    if (at && !at->alive())
        at->parent.reset();
}

}  // namespace

ProcessTable::ProcessTable() : state_(std::make_unique<State>(counters_)) {}
ProcessTable::~ProcessTable() = default;

void ProcessTable::set_boot_id(std::string_view uuid) {
    state_->entities.set_boot_id(uuid);
}

void ProcessTable::clear() {
    state_->clear();
    state_->entities.clear();
}

ProcessPtr ProcessTable::snapshot(const ProcSnapshot& snapshot, std::int64_t now_ns) {
    state_->now_ns = std::max(state_->now_ns, now_ns);
    ProcessPtr process = find(snapshot.pid);
    if (process &&
        (process->start_tick >= 0 ? process->start_tick != snapshot.start_tick : !process->alive()))
        process.reset();  // another incarnation: the FORK was not seen
    if (!process) {
        process = state_->make(snapshot.pid);
        process->resynced = snapshot.resync;
    }
    if (process->start_tick < 0)
        state_->set_tick(*process, snapshot.start_tick);
    if (process->start_ns < 0)  // else every thread was seen
        process->threads = std::max(process->threads, snapshot.threads - 1);
    if (!process->parent)
        process->ppid = snapshot.ppid;
    // Messages of the feeds are newer than what was read.
    Credentials& credentials = process->credentials;
    if (credentials.euid == Credentials::kUnknown) {
        credentials.uid = snapshot.uid;
        credentials.euid = snapshot.euid;
    }
    if (credentials.egid == Credentials::kUnknown) {
        credentials.gid = snapshot.gid;
        credentials.egid = snapshot.egid;
    }
    if (!credentials.tty_known) {
        credentials.auid = snapshot.auid;
        credentials.session = snapshot.session;
        credentials.set_tty(snapshot.tty);
    }
    if (credentials.cap_permitted < 0) {
        credentials.cap_permitted = snapshot.cap_permitted;
        credentials.cap_effective = snapshot.cap_effective;
    }
    if (process->sid == 0)
        process->sid = snapshot.sid;
    if (process->pgid == 0)
        process->pgid = snapshot.pgid;
    return process;
}

void ProcessTable::image_read(Process& process, detect::BlockPtr block) {
    Image& image = *process.image;
    if (image.state == Image::State::executed || image.state == Image::State::procfs)
        return;
    image.set_block(std::move(block));
    image.state = Image::State::procfs;
}

ProcessPtr ProcessTable::fork(std::int32_t parent_pid, std::int32_t pid, std::int32_t tgid,
                              std::int64_t ns) {
    State& state = *state_;
    state.now_ns = std::max(state.now_ns, ns);
    if (pid != tgid) {
        ++counters_.threads;
        if (Process* const process = state.newest(tgid); process && process->alive())
            ++process->threads;
        return {};
    }
    ++counters_.forks;

    const ProcessPtr parent = state.named_by_connector(parent_pid, ns);

    const std::int64_t tick = ns / kTickNs;
    ProcessPtr child = find(pid);
    // The same process, if a snapshot was read before its FORK, or, where connector messages begin
    // in the middle of a log, if its clone record was.
    const bool known = child && child->start_ns < 0 &&
                       (child->start_tick == tick || (child->start_tick < 0 && child->alive() &&
                                                      child->fork_told && child->parent == parent));
    if (!known)
        child = state.make(pid);
    child->start_ns = child->first_ns = ns;
    if (child->start_tick < 0)
        state.set_tick(*child, tick);
    if (known) {
        if (descends_from(*parent, *child))
            return child;  // no kernel says so
        child->parent = parent;
        child->parent_image = parent->image;
        child->parent_credentials = parent->credentials;
        inherit_leaders(*child, *parent);
    } else {
        inherit(*child, *parent);
    }
    if (!known)
        note_birth(*child, *parent, ns);
    bound_lineage(*child);
    return child;
}

ProcessPtr ProcessTable::fork_recorded(Process& parent, std::int32_t pid, std::uint64_t serial,
                                       std::int64_t time_ms) {
    if (pid == parent.pid)
        return {};
    ++counters_.forks;
    const ProcessPtr keep(&parent);  // making the child may evict it
    const ProcessPtr child = state_->make(pid);
    child->first_serial = serial;
    child->first_ms = time_ms;
    inherit(*child, parent);
    bound_lineage(*child);
    return child;
}

ProcessTable::Announced ProcessTable::exec_announced(std::int32_t pid, std::int64_t ns) {
    State& state = *state_;
    state.now_ns = std::max(state.now_ns, ns);
    const ProcessPtr process = state.named_by_connector(pid, ns);
    process->threads = 0;  // de_thread: the others are gone, whoever called exec is the leader now
    process->leader_exited = false;
    process->active_ns = ns;
    auto& ahead = process->told_ahead;
    const auto fresh = std::find_if(ahead.begin(), ahead.end(),
                                    [ns](const auto& told) { return ns <= told.until_ns; });
    if (fresh != ahead.end()) {
        const std::int64_t told_ms = fresh->audit_ms;
        ahead.erase(ahead.begin(), fresh + 1);
        return {process, told_ms};
    }
    ahead.clear();

    if (process->awaited.size() == kMaxAwaited)
        state.drop_oldest_awaited(*process);
    const ImagePtr image(new Image);
    image->state = Image::State::awaited;
    image->opened_ns = ns;
    process->image = image;
    process->awaited.push_back(image);
    ++counters_.images_awaited;
    return {process, 0};
}

LeaderPtr ProcessTable::leader_of(Process& process) {
    if (!process.as_leader) {
        process.as_leader = LeaderPtr(new Leader);
        process.as_leader->pid = process.pid;
        process.as_leader->process = &process;
    }
    return process.as_leader;
}

void ProcessTable::session_begun(Process& process) {
    process.sid = process.pgid = process.pid;
    process.session_leader = process.group_leader = leader_of(process);
    process.credentials.set_tty({});
}

void ProcessTable::group_joined(Process& process, std::int32_t pgid) {
    if (process.pgid == pgid)
        return;
    process.pgid = pgid;
    process.group_leader.reset();
}

// The kernel gives a pid to nobody else while a session or a group has it as its number: whoever
// had it last is the leader.
void ProcessTable::find_leaders(Process& process) {
    const auto look_up = [this](std::int32_t pid, LeaderPtr& leader) {
        if (leader || pid <= 0)
            return;
        if (const ProcessPtr found = find(pid))
            leader = leader_of(*found);
    };
    look_up(process.sid, process.session_leader);
    look_up(process.pgid, process.group_leader);
}

ProcessPtr ProcessTable::exit(std::int32_t pid, std::int32_t tgid, std::uint32_t exit_status,
                              std::int64_t ns) {
    state_->now_ns = std::max(state_->now_ns, ns);
    const ProcessPtr process = find(tgid);
    if (!process || !process->alive())
        return {};
    if (pid == tgid) {
        process->exit_status = exit_status;
        process->leader_exited = true;
    } else if (process->threads > 0) {
        --process->threads;
    }
    if (!process->leader_exited || process->threads > 0)
        return {};
    state_->bury(*process, ns);
    return process;
}

ProcessPtr ProcessTable::find(std::int32_t pid) const {
    return ProcessPtr(state_->newest(pid));
}

ProcessPtr ProcessTable::find(const RecordPoint& record) const {
    const auto found = state_->by_pid.find(record.pid);
    if (found == state_->by_pid.end())
        return {};
    const auto& [current, previous] = found->second;
    if (!previous || current->start_ns < 0 || !record.entry_ns ||
        *record.entry_ns >= current->start_ns)
        return current;
    // Entered before the newest incarnation began, as far as a coarse clock can tell: the one
    // before it, if its exec is still to be told or the difference is beyond the clock's.
    const bool awaits = record.exec && !previous->awaited.empty();
    return awaits || *record.entry_ns < current->start_ns - kSlackNs ? previous : current;
}

ProcessPtr ProcessTable::infer(const RecordPoint& record) {
    const ProcessPtr process = state_->make(record.pid);
    process->first_serial = record.serial;
    process->first_ms = record.time_ms;
    process->inferred = true;
    process->ppid = record.ppid;
    ++counters_.inferred;
    link_parent(*process, record.serial);
    // Before an exec it ran what it was forked with; before anything else it may have had execs
    // that nobody told of.
    if (process->parent && record.exec)
        process->image = process->recorded_image = process->parent_image;
    return process;
}

ProcessPtr ProcessTable::find_or_infer(const RecordPoint& record, bool& was_inferred) {
    ProcessPtr process = find(record);
    if (process && !process->alive() && record.entry_ns &&
        *record.entry_ns > process->exit_ns + kRevivalNs)
        process.reset();  // made by a new owner of the pid, whose FORK was not seen
    was_inferred = !process;
    if (!process)
        return infer(record);
    state_->use(*process);
    if (process->first_serial == 0) {
        process->first_serial = record.serial;
        process->first_ms = record.time_ms;
    }
    if (!process->parent) {
        process->ppid = record.ppid;
        link_parent(*process, record.serial);
    }
    return process;
}

ProcessTable::Executed ProcessTable::image_executed(Process& process, detect::BlockPtr block,
                                                    const RecordPoint& record) {
    state_->settle_images(process, record);
    Executed executed;
    if (!process.awaited.empty()) {
        executed.image = process.awaited.front();
        executed.announced_ns = executed.image->opened_ns;
        process.awaited.erase(process.awaited.begin());
        --counters_.images_awaited;
    } else {
        executed.image = ImagePtr(new Image);
        process.image = executed.image;
        // Where the receive time is known, the announcement can only be older than that.
        const std::int64_t until =
            record.received_ns > 0 ? record.received_ns : state_->now_ns + kToldAheadNs;
        if (state_->now_ns > 0) {
            if (process.told_ahead.size() == kMaxAwaited)
                process.told_ahead.erase(process.told_ahead.begin());
            process.told_ahead.push_back({record.time_ms, until});
        }
    }
    executed.image->set_block(std::move(block));
    executed.image->state = Image::State::executed;
    process.recorded_image = executed.image;
    return executed;
}

const ImagePtr& ProcessTable::image_at(Process& process, const RecordPoint& record) {
    state_->settle_images(process, record);
    return process.recorded_image;
}

void ProcessTable::link_parent(Process& process, std::uint64_t serial) {
    if (process.parent || process.ppid <= 0 || process.ppid == process.pid)
        return;
    ProcessPtr parent = find(process.ppid);
    if (!parent) {
        if (serial == 0)
            return;
        const ProcessPtr keep(&process);  // making the parent may evict it
        parent = state_->make(process.ppid);
        parent->first_serial = serial;
        parent->inferred = true;
        ++counters_.inferred;
    }
    // A parent is not younger than its child (pid reuse).
    if (parent->start_tick >= 0 && process.start_tick >= 0 &&
        parent->start_tick > process.start_tick)
        return;
    if (descends_from(*parent, process))
        return;
    process.parent = parent;
    process.parent_image = parent->recorded_image;
    process.parent_credentials = parent->credentials;
    inherit_leaders(process, *parent);
    process.identity.reset();
    bound_lineage(process);
}

std::string_view ProcessTable::entity_id(Process& process) {
    if (process.entity_id.empty())
        process.entity_id = state_->entities.name(process);
    return process.entity_id.view();
}

void ProcessTable::advance(std::int64_t now_ns) {
    State& state = *state_;
    state.now_ns = std::max(state.now_ns, now_ns);
    while (!state.tombstones.empty() &&
           state.tombstones.front().exit_ns + kTombstoneNs <= state.now_ns)
        state.forget(state.tombstones.front());
}

std::vector<std::int32_t> ProcessTable::live_pids() const {
    std::vector<std::int32_t> pids;
    pids.reserve(state_->live.size());
    for (const Process& process : state_->live)
        pids.push_back(process.pid);
    return pids;
}

std::size_t ProcessTable::shed(std::size_t tombstones, std::size_t live) {
    State& state = *state_;
    std::size_t gone = 0;
    const auto forget = [&](State::Order& order, std::size_t count) {
        for (; count > 0 && !order.empty(); --count, ++gone)
            state.forget(order.front());
    };
    forget(state.tombstones, tombstones);
    forget(state.live, live);
    counters_.evicted += gone;
    return gone;
}

}  // namespace audisp_eql::collector
