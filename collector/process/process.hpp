// SPDX-License-Identifier: Apache-2.0
// One process: who it is (stable across exec) and the images it ran.
//
// Memory: counted and pooled. A process keeps its parent alive (lineage outlives the parent), as
// far up as ancestry needs: see ProcessTable. Events keep the blocks. Threads: the worker only.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/container/small_vector.hpp>
#include <boost/intrusive/list_hook.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>

#include "collector/process/descriptors.hpp"
#include "detect/alert/alert.hpp"
#include "detect/event/event.hpp"

namespace audisp_eql::collector {

// How the first process of a login, a service or a container came to be
// (process.entry_leader.entry_meta.type).
enum class EntryType : std::uint8_t {
    unknown,
    init,
    sshd,
    ssm,
    teleport,
    kubelet,
    container,
    terminal,
    console,
};

// What a process runs: a slot that the connector's EXEC opens and the audit record fills later.
// A fork's child shares its parent's slot, filled or not.
struct Image : boost::intrusive_ref_counter<Image, boost::thread_unsafe_counter> {
    enum class State : std::uint8_t {
        unknown,   // never seen: the process is older than the feeds, or its record was lost
        awaited,   // an exec happened, its record is still to come
        partial,   // known from a system call record: executable, no arguments
        procfs,    // read from /proc
        executed,  // from the exec's own records
    };
    State state = State::unknown;
    std::int64_t opened_ns = 0;  // of one that was awaited: since when (monotonic)
    detect::BlockPtr block;      // Layer::image; null while unknown or awaited
    // Of which kind of daemon it is, once somebody has asked.
    mutable std::optional<EntryType> daemon;

    void set_block(detect::BlockPtr made) {
        block = std::move(made);
        daemon.reset();
    }
    static void* operator new(std::size_t size);
    static void operator delete(void* memory, std::size_t size);
};
using ImagePtr = boost::intrusive_ptr<Image>;

// What a process's parent was doing when it forked it, as the connector tells: a shell that
// somebody types into waits between two commands, one that runs a script does not. Nanoseconds of
// the connector's clock; -1: not known.
struct Birth {
    // The last thing before the fork that the parent was seen to do: it was forked, executed a
    // program, forked another child, or saw one end.
    std::int64_t parent_active_ns = -1;
    std::uint32_t siblings = 0;    // other children of the parent that were alive
    std::int64_t sibling_ns = -1;  // when the newest child before this one was forked, if it lived
};

struct Credentials {
    static constexpr std::uint32_t kUnknown = 0xffffffff;
    std::uint32_t uid = kUnknown, gid = kUnknown, euid = kUnknown, egid = kUnknown;
    std::uint32_t auid = kUnknown, session = kUnknown;
    std::array<char, 16> tty_name{};  // as audit names it: pts0; empty: none
    bool tty_known = false;
    std::int64_t cap_permitted = -1, cap_effective = -1;  // bit masks; -1: not known
    std::int64_t changed_ns = 0;  // when the connector last told of a change; 0: never

    bool known() const { return euid != kUnknown; }
    std::string_view tty() const { return tty_name.data(); }
    // What changes with the user ids (capabilities(7), "Effect of user ID changes").
    void set_users(std::uint32_t real, std::uint32_t effective) {
        if (euid == 0 && effective != 0) {
            cap_effective = 0;
            cap_permitted = -1;  // unless the process asked to keep them
        } else if (euid != 0 && effective == 0) {
            cap_effective = cap_permitted;
        }
        uid = real;
        euid = effective;
    }
    void set_tty(std::string_view name) {
        const std::size_t size = std::min(name.size(), tty_name.size() - 1);
        std::copy_n(name.data(), size, tty_name.data());
        tty_name[size] = '\0';
        tty_known = true;
    }
};

// The text of a UUID.
struct EntityId {
    std::array<char, 36> text{};
    bool empty() const { return text[0] == '\0'; }
    std::string_view view() const {
        return empty() ? std::string_view{} : std::string_view(text.data(), text.size());
    }
};

struct Process;

// A process as others know it: the leader of their session, group or entry. Outlives it, as a
// session outlives its leader.
struct Leader : boost::intrusive_ref_counter<Leader, boost::thread_unsafe_counter> {
    std::int32_t pid = 0;
    Process* process = nullptr;  // null: gone
    detect::BlockPtr identity;   // of one that is gone: what it was
    detect::BlockPtr image;

    static void* operator new(std::size_t size);
    static void operator delete(void* memory, std::size_t size);
};
using LeaderPtr = boost::intrusive_ptr<Leader>;

struct Process : boost::intrusive_ref_counter<Process, boost::thread_unsafe_counter> {
    std::int32_t pid = 0;
    std::int32_t ppid = 0;  // of a process whose parent is not linked yet; 0: not known
    // Empty until somebody needs it: what it is made from may come with a later message. Never
    // changes afterwards.
    EntityId entity_id;
    std::uint32_t ordinal = 0;       // among those of equal pid and tick
    std::int64_t start_tick = -1;    // field 22 of /proc/PID/stat; -1: not known
    std::int64_t start_ns = -1;      // the connector's FORK; -1: not seen
    std::int64_t first_ns = -1;      // the first connector message that named it
    std::uint64_t first_serial = 0;  // the first audit record that named it
    std::int64_t first_ms = 0;       // and its time
    std::int64_t exit_ns = -1;       // its last thread's EXIT; -1: alive
    std::uint32_t exit_status = 0;   // the leader's, as wait(2) gives it
    std::int32_t threads = 0;        // alive beside the leader, as far as was seen
    bool leader_exited = false;      // and other threads live on
    bool inferred = false;           // first seen by something else than its FORK or /proc
    bool resynced = false;           // first seen in /proc, after its FORK may have been lost
    bool known_by_report = false;    // first seen by a user-space message, which names no parent
    std::uint16_t changes_undecided = 0;  // that the normalizer holds: see its identity.cpp
    bool fork_held = false;               // the normalizer holds its fork event
    bool fork_told = false;               // or has told it

    Birth birth;
    std::int64_t active_ns = -1;   // as Birth::parent_active_ns, up to now
    std::int64_t network_us = -1;  // wall time of its last connect or accept
    // Of one that may have accepted a connection or not: later than all that it is compared with.
    static constexpr std::int64_t kUnknownNetwork = INT64_MAX;
    std::uint32_t living_children = 0;      // whose FORK was seen
    const Process* newest_child = nullptr;  // of them, if it lives; for comparing only
    bool counted_by_parent = false;         // among its living children

    boost::intrusive_ptr<Process> parent;  // who forked it; null: not known
    ImagePtr parent_image;                 // what the parent ran then; never null once made
    Credentials parent_credentials;        // and as whom

    // The connector runs ahead of audit, so a process has two present images: what it runs as of
    // the connector (a FORK's child gets this one), and what it ran when the audit records that
    // come now were made. Neither is ever null once made.
    ImagePtr image;
    ImagePtr recorded_image;
    // Images that the connector announced and audit has not told yet, oldest first, the last is
    // `image`.
    boost::container::small_vector<ImagePtr, 2> awaited;
    // Execs whose record came before the connector's EXEC (feeds that were not read in drain
    // order): the announcement is still to come and opens nothing.
    struct ToldAhead {
        std::int64_t audit_ms;
        std::int64_t until_ns;  // the announcement is not younger than this
    };
    boost::container::small_vector<ToldAhead, 1> told_ahead;
    Credentials credentials;  // as of the last record

    std::int32_t sid = 0;   // pid of its session's leader; 0: not known
    std::int32_t pgid = 0;  // and of its process group's
    // Looked up when first needed; null: not yet, or never seen.
    LeaderPtr session_leader, group_leader, entry_leader;
    EntryType entry_type = EntryType::unknown;  // of entry_leader
    LeaderPtr as_leader;                        // itself, as others know it; null: nobody does

    // The sockets among its descriptors, once its own records have begun.
    DescriptorTablePtr descriptors;
    bool descriptors_settled = false;

    detect::BlockPtr identity;  // Layer::process, made when first needed

    boost::intrusive::list_member_hook<> in_table;  // the table's order of use, or of exits

    Process() = default;
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;
    ~Process();

    bool alive() const { return exit_ns < 0; }

    static void* operator new(std::size_t size);
    static void operator delete(void* memory, std::size_t size);
};
using ProcessPtr = boost::intrusive_ptr<Process>;

// Ancestors, nearest first, at most ProcessTable::kMaxAncestry, for the alert.
std::vector<detect::Ancestor> ancestors_of(const Process& process);

}  // namespace audisp_eql::collector
