// SPDX-License-Identifier: Apache-2.0
// The leaders of a process: of its session, of its process group, and of its entry.
//
// The entry leader is the first process of what somebody or something began: a login over ssh, a
// service, a container. Elastic Endpoint documents the values of entry_meta.type and the outline
// (ECS, process.entry_leader): a session leader that a remote-access daemon started, what init
// started itself, the first process in a container, the session leader of a terminal; everything
// else has the entry leader of its parent.
#include <algorithm>
#include <array>

#include "collector/normalize/state.hpp"

namespace audisp_eql::collector {

using detect::FieldId;
using detect::Layer;

namespace {

constexpr std::int32_t kInitPid = 1;
constexpr std::int32_t kThreadDaemonPid = 2;  // kthreadd: kernel threads are nobody's entry

struct Daemon {
    std::string_view name;
    EntryType type;
};
// A daemon's own processes (sshd's are up to three programs) are of one type, so what one of them
// starts is told from what is still the daemon itself.
constexpr std::array<Daemon, 8> kDaemons{{
    {"sshd", EntryType::sshd},
    {"sshd-session", EntryType::sshd},
    {"sshd-auth", EntryType::sshd},
    {"dropbear", EntryType::sshd},
    {"ssm-session-worker", EntryType::ssm},
    {"ssm-document-worker", EntryType::ssm},
    {"teleport", EntryType::teleport},
    {"kubelet", EntryType::kubelet},
}};
// They start the first process of a container, and join it before that.
constexpr std::array<std::string_view, 4> kContainerRuntimes{"runc", "crun", "conmon", "youki"};
constexpr std::string_view kContainerShim = "containerd-shim";

detect::Values names_of(const Image& image) {
    return image.block ? image.block->values(FieldId::process_name) : detect::Values{};
}

EntryType daemon_among(const detect::Values& names) {
    for (const detect::Value& name : names)
        for (const Daemon& daemon : kDaemons)
            if (name.as_text() == daemon.name)
                return daemon.type;
    return EntryType::unknown;
}

// Asked of every ancestor for nearly every event.
EntryType daemon_of(const Image& image) {
    if (!image.daemon)
        image.daemon = daemon_among(names_of(image));
    return *image.daemon;
}

bool is_container_runtime(const Image& image) {
    for (const detect::Value& name : names_of(image))
        if (name.as_text().starts_with(kContainerShim) ||
            std::find(kContainerRuntimes.begin(), kContainerRuntimes.end(), name.as_text()) !=
                kContainerRuntimes.end())
            return true;
    return false;
}

std::string_view container_id(const Image& image) {
    const detect::Values id =
        image.block ? image.block->values(FieldId::container_id) : detect::Values{};
    return id.empty() ? std::string_view{} : id[0].as_text();
}

std::string_view name_of(EntryType type) {
    constexpr std::array<std::string_view, 9> kNames{
        "", "init", "sshd", "ssm", "teleport", "kubelet", "container", "terminal", "console"};
    return kNames[static_cast<std::size_t>(type)];
}

// The type of an entry that begins with this process; unknown: none begins here. `above`: of its
// parent's entry.
EntryType begins_entry(const Process& process, EntryType above) {
    if (process.pid == kInitPid)
        return EntryType::init;
    const Image& own = *process.recorded_image;
    const Image& parent = *process.parent_image;
    const bool leads_session = process.sid == process.pid;
    // Where nobody told of sessions, what a daemon starts is a session's leader as a rule.
    if ((leads_session || process.sid == 0) && own.block)
        if (const EntryType daemon = daemon_of(parent);
            daemon != EntryType::unknown && daemon_of(own) != daemon)
            return daemon;
    if (const std::string_view id = container_id(own); !id.empty()) {
        const bool entered = container_id(parent) != id || is_container_runtime(parent);
        if (entered && !is_container_runtime(own))
            return EntryType::container;
    }
    const std::int32_t ppid = process.parent ? process.parent->pid : process.ppid;
    if (ppid == kInitPid)
        return EntryType::init;
    const bool begun_by_a_person = above != EntryType::unknown && above != EntryType::init;
    const std::string_view tty = process.credentials.tty();
    if (leads_session && !tty.empty() && !begun_by_a_person)
        return tty.starts_with("pts") ? EntryType::terminal : EntryType::console;
    return EntryType::unknown;
}

}  // namespace

void Normalizer::State::find_entry(Process& process, std::size_t generations) {
    if (process.entry_leader || process.pid == kThreadDaemonPid)
        return;
    if (!process.parent)
        processes.link_parent(process, 0);
    Process* const parent = process.parent.get();
    // Every process above was asked before, save where its own parent was not known then.
    if (parent && generations > 0)
        find_entry(*parent, generations - 1);
    const EntryType above = parent ? parent->entry_type : EntryType::unknown;
    const EntryType type = begins_entry(process, above);
    if (type != EntryType::unknown) {
        process.entry_type = type;
        process.entry_leader = ProcessTable::leader_of(process);
    } else if (parent) {
        process.entry_type = parent->entry_type;
        process.entry_leader = parent->entry_leader;
    }
}

void Normalizer::State::entry_may_begin(Process& process) {
    // A process leads the entry that it began, whatever it runs later.
    if (process.entry_leader && process.entry_leader->process == &process)
        return;
    process.entry_leader.reset();
}

void Normalizer::State::find_leaders(Process& process) {
    // Most processes have all of them from their parent.
    if (!process.session_leader || !process.group_leader)
        processes.find_leaders(process);
    find_entry(process, ProcessTable::kMaxAncestry);
}

void Normalizer::State::keep_leaders(const Process& process) {
    for (const LeaderPtr* leader :
         {&process.session_leader, &process.group_leader, &process.entry_leader})
        if (*leader && (*leader)->process)
            identity_of(*(*leader)->process);
}

void Normalizer::State::put_leaders(Process& process) {
    find_leaders(process);
    if (process.sid != 0)
        builder.set_boolean(FieldId::process_session_leader_same_as_process,
                            process.sid == process.pid);
    if (process.pgid != 0)
        builder.set_boolean(FieldId::process_group_leader_same_as_process,
                            process.pgid == process.pid);
    if (process.entry_leader)
        builder.set_boolean(FieldId::process_entry_leader_same_as_process,
                            process.entry_leader->process == &process);
    if (process.entry_type != EntryType::unknown)
        builder.set_literal(FieldId::process_entry_type, name_of(process.entry_type));
}

void Normalizer::State::show_leader(const Leader* leader, const Process& process,
                                    const detect::BlockPtr& image, detect::BlockPtr& identity,
                                    detect::BlockPtr& runs) {
    if (!leader)
        return;
    if (!leader->process) {
        identity = leader->identity;
        runs = leader->image;
    } else {
        identity = identity_of(*leader->process);
        if (leader->process == &process)
            runs = image;
        else if (leader->process->recorded_image->block)
            runs = leader->process->recorded_image->block;
        else
            runs = leader->process->image->block;
    }
}

void Normalizer::State::name_unseen_leaders(Process& process) {
    const auto name = [this](std::int32_t pid, LeaderPtr& leader) {
        if (leader || pid <= 0)
            return;
        leader = LeaderPtr(new Leader);
        leader->pid = pid;
        builder.set_integer(FieldId::process_pid, pid);
        leader->identity = builder.finish();
    };
    name(process.sid, process.session_leader);
    name(process.pgid, process.group_leader);
}

void Normalizer::State::show_leaders(const Process& process, const detect::BlockPtr& image,
                                     detect::Event::Layers& layers) {
    const auto at = [&layers](Layer layer) -> detect::BlockPtr& {
        return layers[static_cast<std::size_t>(layer)];
    };
    show_leader(process.entry_leader.get(), process, image, at(Layer::entry_leader),
                at(Layer::entry_leader_image));
    show_leader(process.session_leader.get(), process, image, at(Layer::session_leader),
                at(Layer::session_leader_image));
    show_leader(process.group_leader.get(), process, image, at(Layer::group_leader),
                at(Layer::group_leader_image));
}

}  // namespace audisp_eql::collector
