// SPDX-License-Identifier: Apache-2.0
// What the files of this room share: the normalizer's state. Each kind of event has a file of its
// own (exec.cpp, fork.cpp, end.cpp, network.cpp); layers.cpp builds what they have in common.
//
// Memory and threads: as Normalizer.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory_resource>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "collector/audit/decode.hpp"
#include "collector/audit/syscalls.hpp"
#include "collector/normalize/actions.hpp"
#include "collector/normalize/file_records.hpp"
#include "collector/normalize/normalizer.hpp"
#include "collector/normalize/timeline.hpp"

namespace audisp_eql::collector {

// One audit event of a system call that matters, read once.
struct SyscallFacts {
    const AuditEvent& event;
    SyscallRecord syscall;
    const Syscall& call;
    ProcessTable::RecordPoint point;
    detect::EventTime time;

    // False for records that are of no system call: a report, a ring's operation, an abnormal end.
    bool is_call() const { return syscall.number >= 0; }
    // The index-th argument of the call itself.
    std::uint64_t argument(std::size_t index) const;
    detect::Origin origin() const {
        return {detect::Origin::Kind::audit, event.key().time_ms, event.key().serial, syscall.pid};
    }
};

// Who made a record, and the image it ran then.
struct Actor {
    ProcessPtr process;
    ImagePtr image;
};

using AccountNames = boost::unordered_flat_map<std::uint32_t, std::string>;
// Empty if not known.
std::string_view account_name(const AccountNames& names, std::uint32_t id);
std::optional<std::uint32_t> account_id(const AccountNames& names, std::string_view name);

// An event of the connector that waits for the image it shows: a fork, or a change of a process.
struct HeldEvent {
    EventKind kind;
    ProcessPtr process;  // of a fork, the child
    std::int64_t ns;
    Credentials credentials;  // then
    // A change of ids just before an exec: the image before it, until the exec's record tells which
    // of the two it belongs to.
    ImagePtr before;
    std::int32_t target;  // ptrace: the process that is traced
    bool real_changed;    // not only the effective id, as a set-user-id file would
};
// Those that wait for one image.
struct HeldEvents {
    std::vector<HeldEvent> events;  // in order of arrival
    std::int32_t asked_pid = 0;     // /proc was asked, or would have been in a live run
};
struct ImageDeadline {
    std::int64_t ns;
    ImagePtr image;
};

// An attachment to a process, as the connector tells it.
struct Trace {
    std::int32_t tracer = 0, target = 0;
    std::int64_t ns = 0;
};

// A report on an account, for telling repetitions.
struct ToldReport {
    std::size_t key = 0;
    std::int64_t time_ms = 0;
};

struct HeldEnd {
    ProcessPtr process;
    ImagePtr image;  // what it ran last
    std::int64_t exit_ns;
    bool concluded = false;  // as ProcEvent's
};

// A file as an event names it.
struct FileName {
    enum class Source : std::uint8_t {
        unknown,  // what it is relative to is not known; `text` is the name as the call gave it
        records,
        procfs,  // what a descriptor of the process led to, read after the call
    };
    std::string text;  // the absolute path; empty: no name was told
    Source source = Source::unknown;
};

// What a descriptor of a process led to when it was asked.
struct Descriptor {
    std::uint64_t inode = 0;  // 0: not told
    std::string path;
    bool fresh = false;  // asked for the event at hand
};

struct ConnectAttempt {
    std::uint64_t key;
    std::int64_t engine_ns;
};

struct Normalizer::State {
    State(EventSink& events, ProcReader* reader, MessageSink* learned_messages);

    EventSink& sink;
    ProcReader* proc;
    MessageSink* learned;
    NormalizerCounters counters;
    ProcessTable processes;
    Timeline timeline;

    AskedContext asked_for;
    bool connector = false;          // the input has connector messages
    std::int64_t now_ns = 0;         // the stream's monotonic clock
    bool clocked = false;            // CLOCK messages tell it: only they can tell another boot
    std::int64_t last_audit_ns = 0;  // of it, when the last audit event came

    std::string boot_id;
    std::string default_host_id;
    detect::BlockPtr host;  // Layer::host; made when first needed
    AccountNames users, groups;

    detect::BlockBuilder builder;
    EventKind kind_at_hand = EventKind::fork;  // of the event whose own layer is in the builder
    std::string scratch;                       // decoded text on its way into the builder
    std::string path_scratch;
    std::vector<std::string_view> key_scratch;
    std::vector<detect::BlockBuilder::Bytes> word_scratch;
    Arguments arguments;

    // layers.cpp
    void put_shape(EventKind kind, const detect::EventTime& time);
    void put_credentials(const Credentials& credentials);
    // Those of process.* only, where user.* is somebody else.
    void put_process_ids(const Credentials& credentials);
    // A record's value as it stands, or decoded; nothing where it is missing or "?".
    void put_plain(detect::FieldId field, std::string_view body, std::string_view key);
    void put_untrusted(detect::FieldId field, std::string_view body, std::string_view key);
    // What every event of a system call says of it.
    void put_syscall(const SyscallFacts& facts);
    // All that the events of calls without fields of their own have: shape, ids, raw arguments and
    // the result.
    void put_call(EventKind kind, const SyscallFacts& facts, const Process& process);
    // An id, unless it is kUnsetId, and the name it has on this host.
    void put_account(const AccountNames& names, std::uint32_t id, detect::FieldId id_field,
                     detect::FieldId name_field);
    const detect::BlockPtr& identity_of(Process& process);
    // `id` empty: the default.
    void put_host(std::string_view id);
    const detect::BlockPtr& host_layer();
    // Takes what the builder holds as the event's own layer. `image` is shared, not borrowed: what
    // holds it may go while the process finds its parent.
    void emit(const detect::EventTime& time, const detect::Origin& origin, Process& process,
              detect::BlockPtr image);

    // Before anything of an event is put: false if nobody wants it, and what making it would have
    // found out about the process is noted.
    bool wanted(EventKind kind, Process& process, detect::BlockPtr image);

    // birth.cpp: what a fork or an exec says of how the process was made. Before emit().
    void put_birth(const Process& process);

    // leaders.cpp
    // What the own layer says of the leaders. Before emit().
    void put_leaders(Process& process);
    void find_leaders(Process& process);
    // Of an event that is not made: others may name them when they are gone.
    void keep_leaders(const Process& process);
    void find_entry(Process& process, std::size_t generations);
    // It executed another program, or began a session.
    static void entry_may_begin(Process& process);
    void show_leader(const Leader* leader, const Process& process, const detect::BlockPtr& image,
                     detect::BlockPtr& identity, detect::BlockPtr& runs);
    // One that was gone before anybody told of it has its pid, by which others know it.
    void name_unseen_leaders(Process& process);
    void show_leaders(const Process& process, const detect::BlockPtr& image,
                      detect::Event::Layers& layers);

    // image.cpp
    PathRecord invoked_file;  // PATH item 0 of the exec at hand
    // The program as audit or /proc names it: process.executable and process.name.
    void put_program(std::string_view path);
    detect::BlockPtr image_of_exec(const SyscallFacts& facts, Process& process,
                                   const ExecContext* context);
    detect::BlockPtr image_of_snapshot(const ProcSnapshot& snapshot);
    // sockets.cpp
    std::array<StandardDescriptor, ExecContext::kStandard> stdio_scratch;
    std::uint32_t sockets_made = 0;
    void follow_descriptors(const SyscallFacts& facts);
    void set_peer(Process& process, std::int32_t fd, std::int32_t made, const SyscallFacts& facts);
    static void copy_descriptor(Process& process, std::int32_t from, std::int32_t to);
    // Into stdio_scratch, at an exec; false: nothing is known.
    bool stdio_of_records(Process& process);

    // exec_fields.cpp
    std::vector<std::string_view> variable_scratch;
    void put_container(std::string_view cgroup);
    // What its paths are relative to, if that is not the host's root.
    void put_view(bool foreign_mounts, bool own_root);
    void put_stdio(std::span<const StandardDescriptor, ExecContext::kStandard> stdio,
                   std::string_view source);
    void put_context(const ExecContext& context, bool late);
    void put_capabilities(const Credentials& credentials);
    void put_capability_names(detect::FieldId field, std::int64_t mask);
    void put_capset(std::string_view body);
    // After an exec, and after capset(2).
    void take_capabilities(Credentials& credentials, const SyscallFacts& facts) const;
    // /proc was asked when the process ran something else already.
    static bool is_late(const ExecContext& context, std::string_view executable);

    // What a record other than exec says of an image that is not known.
    void complete_image(Image& image, const SyscallFacts& facts);
    // True if the record was made by the executable of this image.
    bool shows(const Image& image, const SyscallFacts& facts);

    // messages.cpp
    void on_host(std::string_view text);
    void on_account(AccountNames& names, std::string_view id_key, std::string_view text);
    void on_process(std::string_view text, std::int64_t mono_ns);
    void on_clock(std::int64_t mono_ns, std::int64_t real_ns);
    void on_proc_event(const ProcEvent& event);
    void on_session(const ProcEvent& event);
    // Before anything of a message with this time is used: another boot ends everything held.
    void check_restart(std::int64_t mono_ns);
    void forget_machine();

    // normalizer.cpp
    // False if it makes no event.
    bool on_syscall(SyscallFacts& facts);
    void on_other_record(const AuditEvent& event);
    // Fills `time` and `point`.
    void date(SyscallFacts& facts, bool blocking);
    ProcessPtr process_of(const SyscallFacts& facts);
    void take_credentials(Credentials& credentials, const SyscallFacts& facts);
    Actor actor_of(const SyscallFacts& facts);
    void let_all_go();

    // exec.cpp
    // What /proc said about execs whose records are still to come (replay).
    boost::unordered_flat_map<std::int32_t, ExecContext> exec_contexts;
    ExecContext exec_context;  // of the exec at hand
    std::string exec_context_text;

    void on_exec_context(std::string_view text);
    // Null: nothing is known.
    const ExecContext* context_of(const SyscallFacts& facts);
    void on_exec(const SyscallFacts& facts);
    void emit_exec(const SyscallFacts& facts, Process& process, const detect::BlockPtr& image);
    void on_exec_announced(const ProcEvent& event);

    // Of the queues below: what one node leaves, the next one takes. Not the pool of records, since
    // that is the thread's and this may be made on another.
    std::pmr::unsynchronized_pool_resource queue_memory;

    // fork.cpp
    std::pmr::deque<ImageDeadline> image_deadlines{&queue_memory};
    boost::unordered_flat_map<const Image*, HeldEvents> held_events;
    std::size_t events_held = 0;
    std::uint64_t images_missed_seen = 0;

    void on_fork(const ProcEvent& event);
    void on_fork_record(const SyscallFacts& facts);
    void on_fork_seen(const SyscallFacts& facts);
    void emit_fork(Process& child, Credentials credentials, const detect::EventTime& time,
                   const detect::Origin& origin, bool is_inferred = false);
    void emit_inferred_fork(Process& child, const SyscallFacts& facts);
    void hold(Image& image, const HeldEvent& event);
    // The image is as full as it will be: what waits for it goes out, in order.
    void release_forks(Image& image);
    // Forks that must precede an event of `process`.
    void release_forks_before(Process& process);
    // Images that audit turned out to have passed over.
    void release_missed_images();
    void advance_forks(std::vector<ImagePtr>& to_ask);
    void ask_proc(const Image& image);
    // A `process` message came: whoever waited for just that waits no longer.
    void release_asked(std::int32_t pid);

    // end.cpp
    std::pmr::deque<HeldEnd> held_ends{&queue_memory};
    void on_exit(const ProcEvent& event);
    void emit_end(const HeldEnd& held);
    void release_ends_before(std::int64_t audit_ns);
    void advance_ends();

    // network.cpp
    std::pmr::deque<ConnectAttempt> attempts_in_order{&queue_memory};
    boost::unordered_flat_map<std::uint64_t, std::int64_t> attempts;  // key -> last engine time
    void on_connect(const SyscallFacts& facts);
    void on_accept(const SyscallFacts& facts);
    // A connection was attempted, through whatever door; `result` as connect(2) returns it.
    void attempt(const SyscallFacts& facts, const SocketAddress& address, std::int64_t result);
    bool repeats_attempt(const SyscallFacts& facts, const SocketAddress& address,
                         std::int64_t result);
    void put_peer(const SocketAddress& address);
    // What /proc says of the own end.
    void put_local_end(const SyscallFacts& facts, const SocketAddress& address,
                       std::int64_t result);
    void put_own_address(const SocketEnds& ends, detect::FieldId ip, detect::FieldId text,
                         detect::FieldId port);
    bool passes_over(const SyscallFacts& facts);
    std::optional<SocketEnds> ends_of_accept(const SyscallFacts& facts,
                                             const std::optional<SocketAddress>& address);
    void on_send(const SyscallFacts& facts);
    void on_ring(const SyscallFacts& facts);
    void on_ring_record(const AuditEvent& event);

    // calls.cpp
    void on_plain_call(const SyscallFacts& facts);
    void put_target(const AuditEvent& event, EventKind kind);
    void put_memory_file(const SyscallFacts& facts);
    void put_module(EventKind kind, std::string_view body);
    void put_socket(const SocketAddress& address);
    void put_number(detect::FieldId field, std::int64_t number);

    // identity.cpp
    // Changes of ids that an EXEC may still follow, in order of arrival.
    std::deque<HeldEvent> undecided;
    std::array<Trace, 16> traces{};  // of the connector, the newest
    std::size_t next_trace = 0;
    void on_identity(const ProcEvent& event);
    void on_task_message(const ProcEvent& event);
    void on_identity_call(const SyscallFacts& facts);
    // No EXEC followed: the process runs what it ran.
    void release_changes(Process& process);
    void advance_changes();
    // An EXEC was announced; `before`: what the process ran until then.
    void hold_changes_for_exec(const ProcessPtr& process, const ImagePtr& before);
    // Its record came: what the process called before it goes out.
    void settle_changes(const Image& image, const AuditEvent& event);
    void show_change(const HeldEvent& change);
    void emit_change(const HeldEvent& change, const Image& image);
    // The audit record of an attachment that the connector told, too.
    bool told_by_connector(const SyscallFacts& facts, std::int32_t target);

    // policy.cpp: what stands in an event beside its SYSCALL record, or alone
    void on_side_records(SyscallFacts& facts);
    bool on_lone_record(const AuditEvent& event, const AuditEvent::Record& record);
    void on_avc(SyscallFacts& facts, std::string_view body);
    void on_login_id(SyscallFacts& facts, std::string_view body);
    void emit_violation(EventKind kind, const SyscallFacts& facts, std::string_view body,
                        bool refused);
    void put_refused_call(std::string_view body);

    // reports.cpp: what user space reports. False if the type is none of those.
    std::string report_account;
    std::array<ToldReport, 16> told_reports{};  // the newest
    std::size_t next_told_report = 0;
    bool on_report(const AuditEvent& event, std::uint16_t type);
    bool repeats_report(const AuditEvent& event, std::int32_t pid, std::uint16_t type,
                        std::string_view account, std::string_view result);
    void put_login(const Process& process, std::optional<std::uint32_t> id);
    void put_changed_account(const Process& process, bool group, std::optional<std::uint32_t> id);
    void put_account_name(detect::FieldId field);
    // The names of both: who acts, and the account.
    void put_related(const Credentials& credentials, std::string_view account);
    void put_origin(std::string_view hostname, std::string_view address);

    // wanted.cpp
    EventFilter filter;                                         // empty: everything
    std::array<std::int8_t, kEventKinds> wanted_kinds{};        // 0: not asked yet, 1: yes, -1: no
    boost::unordered_flat_map<const char*, bool> wanted_calls;  // by libaudit's name
    bool wanted(EventKind kind);
    bool wanted(Operation operation, const SyscallFacts& facts);

    // file.cpp; what the event at hand names
    FileRecords file_records;
    FileName file_name, original_name, target_name;
    bool files_wanted = true;
    void on_file(const SyscallFacts& facts);
    void on_open(const SyscallFacts& facts);
    void on_rename(const SyscallFacts& facts);
    void on_link(const SyscallFacts& facts);
    void on_one_file(const SyscallFacts& facts, EventKind kind, std::string_view nametype);
    // `directory`: the index of the argument that the name is relative to. `item` null: the
    // descriptor itself is the file.
    void name_file(const SyscallFacts& facts, const PathRecord* item, std::int8_t directory,
                   FileName& out);
    void name_by_descriptor(const SyscallFacts& facts, const PathRecord* item,
                            std::int8_t directory, FileName& out);
    void emit_file(const SyscallFacts& facts, EventKind kind, const PathRecord* item);
    void put_file(const SyscallFacts& facts, const PathRecord* item);
    void put_inode(const PathRecord& item);
    void put_attributes(const SyscallFacts& facts, const PathRecord& item);

    // descriptor.cpp
    enum class LeadsTo : std::uint8_t {
        anything,  // nothing in the records tells: it must have been asked for this event
        file,      // the file of an inode
        parent,    // a directory that the event's records name by its inode
    };
    boost::unordered_flat_map<std::uint64_t, Descriptor> descriptors;
    std::vector<std::uint64_t> descriptors_used;  // by the event at hand
    std::int64_t descriptor_second_ns = 0;        // when the present second of questions began
    std::size_t descriptors_asked = 0;            // in it
    void on_descriptor(DescriptorTarget&& target);
    void ask_descriptor(std::int32_t pid, std::int32_t fd);
    // Empty if it is not known. Valid until the next call.
    std::string_view path_of_descriptor(const SyscallFacts& facts, std::int32_t fd,
                                        LeadsTo expected, std::uint64_t inode);
    // After an event: what was asked for it may be another file by the next.
    void end_descriptors();
    // False: too much was asked in this second.
    bool may_ask();
    void learn(const std::string& answer);

    // What /proc said, in a replay before the event that it was asked for.
    boost::unordered_flat_map<std::uint64_t, SocketEnds> told_sockets;
    std::optional<ModuleTaint> told_module;
    void on_socket(SocketEnds&& ends);
    std::optional<SocketEnds> socket_of(const SyscallFacts& facts, std::int32_t fd);
    std::optional<ModuleTaint> module_named(std::string_view name);
};

}  // namespace audisp_eql::collector
