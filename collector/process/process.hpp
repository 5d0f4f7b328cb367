// SPDX-License-Identifier: Apache-2.0
// One process: who it is (stable across exec) and the images it ran.
//
// Memory: counted. A process keeps its parent's Process alive (lineage outlives the parent), and
// events keep the blocks. Threads: the worker only.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>

#include "detect/alert/alert.hpp"
#include "detect/event/event.hpp"

namespace audisp_eql::collector {

// What a process runs: a slot that the connector's EXEC opens and the audit record fills later.
// A fork's child shares its parent's slot, filled or not.
struct Image : boost::intrusive_ref_counter<Image, boost::thread_unsafe_counter> {
    enum class State : std::uint8_t {
        unknown,   // never seen: the process is older than the feeds
        awaited,   // an exec happened, its record is still to come
        partial,   // known from a system call record: executable, no arguments
        procfs,    // read from /proc
        executed,  // from the exec's own records
    };
    State state = State::unknown;
    std::int64_t opened_ns = 0;  // awaited: since when (monotonic)
    detect::BlockPtr block;      // Layer::image; null while unknown or awaited
};
using ImagePtr = boost::intrusive_ptr<Image>;

struct Credentials {
    static constexpr std::uint32_t kUnknown = 0xffffffff;
    std::uint32_t uid = kUnknown, gid = kUnknown, euid = kUnknown, egid = kUnknown;
    std::uint32_t auid = kUnknown, session = kUnknown;
    std::string tty;  // empty: none or not known
    bool known() const { return euid != kUnknown; }
};

struct Process : boost::intrusive_ref_counter<Process, boost::thread_unsafe_counter> {
    std::int32_t pid = 0;
    std::string entity_id;
    std::int64_t start_tick = -1;  // field 22 of /proc/PID/stat; -1: not known
    std::int64_t start_ns = -1;    // the connector's FORK; -1: not seen
    std::int64_t exit_ns = -1;     // the leader's EXIT; -1: alive
    std::uint32_t exit_code = 0;
    bool inferred = false;  // first seen by something else than its FORK or /proc

    boost::intrusive_ptr<Process> parent;  // who forked it; null: not known
    ImagePtr parent_image;                 // what the parent ran then; never null once made
    Credentials parent_credentials;        // and as whom
    ImagePtr image;                        // what it runs now; never null once made
    // Images that the connector announced and audit has not told yet, oldest first, the last is
    // `image`.
    std::vector<ImagePtr> awaited;
    Credentials credentials;  // as of the last record

    detect::BlockPtr identity;  // Layer::process, made when first needed
};
using ProcessPtr = boost::intrusive_ptr<Process>;

// Ancestors, nearest first, at most detect's limit, for the alert.
std::vector<detect::Ancestor> ancestors_of(const Process& process);

}  // namespace audisp_eql::collector
