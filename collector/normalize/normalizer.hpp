// SPDX-License-Identifier: Apache-2.0
// Messages' facts + process table -> ECS events, in completion order: connector events before the
// audit batch they precede, fork events once the image they show is filled, ends last.
//
// Memory: owns the process table and the held events. Threads: one. No clock is read: time passes
// by messages and advance().
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "collector/audit/assembler.hpp"
#include "collector/feed/message.hpp"
#include "collector/normalize/actions.hpp"
#include "collector/process/exec_context.hpp"
#include "collector/process/process_table.hpp"
#include "detect/event/event.hpp"

namespace audisp_eql::collector {

class EventSink {
  public:
    virtual ~EventSink() = default;
    // `process` is the event's own process: alerts take the ancestry from it. Events come in
    // completion order; their engine time is their own and may lie a little before the last one's.
    virtual void on_event(const detect::EventPtr& event, const ProcessPtr& process) = 0;
    // The input's clock broke, or another boot begins.
    virtual void on_epoch() = 0;
    // False: an event need not be made. `sketch` has its kind(), what its process and its parent
    // run, and its host.
    virtual bool wants(const detect::Event& sketch) {
        static_cast<void>(sketch);
        return true;
    }
};

// True if somebody looks at events of this kind. `syscall`: the call's name, for
// EventKind::other_syscall; else empty.
using EventFilter = std::function<bool(EventKind kind, std::string_view syscall)>;

struct NormalizerCounters {
    std::uint64_t exec = 0, fork = 0, end = 0, connect = 0, accept = 0, file = 0;
    std::uint64_t other = 0;  // events of any other kind
    std::uint64_t inferred_forks = 0;
    std::uint64_t images_by_deadline = 0;  // forks let go without a filled image
    std::uint64_t ignored = 0;             // events of the feeds that make no event
    std::uint64_t undecoded = 0;           // events whose records could not be read
    std::uint64_t accepts_without_peer = 0;
    std::uint64_t descriptors_not_asked = 0;  // kMaxDescriptorsAsked
    std::uint64_t sockets_asked = 0;          // /proc was asked about a connection's ends
    std::uint64_t sockets_gone = 0;           // and it was closed, or another one
    std::uint64_t files_unnamed = 0;          // ftruncate and the like: nothing says of which file
    std::uint64_t repeated_connects = 0;      // EALREADY, EISCONN of a known attempt
    std::uint64_t repeated_traces = 0;        // told by the connector before
    std::uint64_t repeated_reports = 0;       // further steps of one change of an account
    std::uint64_t let_go_early = 0;           // held forks and ends, by kMaxHeld
    std::uint64_t ends_cancelled = 0;         // the process went on (exec by another thread)
    std::uint64_t execs_asked = 0;            // /proc was asked about the exec's context
    std::uint64_t execs_gone = 0;             // and the process was gone
};

// What costs something and few rules look at.
struct AskedContext {
    ExecQuestions of_exec;
    bool capabilities = false;
    bool accepted_ends = false;  // of accepts whose record has no address
    bool idle = false;        // how long a parent had done nothing, accepting connections included
    bool local_ends = false;  // of connects and accepts: the own address, the transport
    bool module_taint = false;
};

class Normalizer {
  public:
    static constexpr std::int64_t kImageDeadlineNs = 1'000'000'000;
    static constexpr std::int64_t kEndMarginNs = 25'000'000;  // audit's coarse clock and queue
    static constexpr std::int64_t kEndSilenceNs = 1'000'000'000;
    static constexpr std::int64_t kConnectRepeatNs = 60'000'000'000;
    // From an exec's change of ids to its EXEC lies the loading of the file, from a slow disk.
    static constexpr std::int64_t kChangeHoldNs = 50'000'000;
    // The connector's word of an attachment and audit's are a scheduling delay apart.
    static constexpr std::int64_t kTraceRepeatNs = 1'000'000'000;
    // useradd's steps on one account, the home directory copied between them.
    static constexpr std::int64_t kReportRepeatMs = 10'000;
    static constexpr std::size_t kMaxHeld = 100'000;  // forks and ends that wait; a burst's worth
    // Attempts that a repeated connect is looked up in: a minute of a busy scanner.
    static constexpr std::size_t kMaxConnectAttempts = 100'000;
    // Descriptors that /proc was asked about, kept for the next call on the same directory.
    static constexpr std::size_t kMaxDescriptors = 4096;
    // Questions for them and for sockets in a second: where every open of a host is audited and a
    // rule asks for files, what is asked must not take the time of what is read (some 10 us each).
    static constexpr std::size_t kMaxDescriptorsAsked = 5000;
    // What /proc said about execs whose records did not come. One message completes a few at most.
    static constexpr std::size_t kMaxExecContexts = 1000;
    // Names of users and of groups, each.
    static constexpr std::size_t kMaxAccounts = 100'000;

    // `proc`: asked once when an awaited image is overdue, and what a descriptor leads to that a
    // call on files was relative to; null in replay. What it says is a
    // `process` message like any other: it goes to `learned` (if any), so that a capture repeats
    // it, and then to on_message().
    Normalizer(EventSink& sink, ProcReader* proc, MessageSink* learned = nullptr);
    // Asks that one from now on; null: nobody.
    void ask(ProcReader* proc);
    ~Normalizer();

    // Events that nobody looks at are not made; exec, fork, end, connect and accept always are.
    // Again when the answers change. Empty: all are made.
    void set_filter(EventFilter filter);

    // host, process, user, group, clock and proc_event messages.
    void on_message(const Message& message);
    void on_audit_event(const AuditEvent& event);
    // Stream time went on: overdue forks and ends come out.
    void advance(std::int64_t mono_ns);
    void finish();

    // Host id used where the input has no HOST line: --host-id; "replay" or empty: the first
    // node=, else "replay".
    void set_default_host_id(std::string_view id);

    // False: events of files are not made, because nobody asks for them. True at first.
    void set_files_wanted(bool wanted);
    // What is asked from now on about each exec, of /proc (if there is one) and of the records; as
    // the normalizer is made, nothing is.
    void ask_for(AskedContext asked);

    // Largest engine time so far: what the engine may be advanced to.
    std::int64_t engine_ns() const;
    const NormalizerCounters& counters() const;
    const ProcessTable& processes() const;
    // As ProcessTable's.
    std::size_t shed_processes(std::size_t tombstones, std::size_t live);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace audisp_eql::collector
