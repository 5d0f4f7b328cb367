// SPDX-License-Identifier: Apache-2.0
// Messages' facts + process table -> ECS events, in completion order: connector events before the
// audit batch they precede, fork events once the image they show is filled, ends last.
//
// Memory: owns the process table and the held events. Threads: one. No clock is read: time passes
// by messages and advance().
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "collector/audit/assembler.hpp"
#include "collector/feed/message.hpp"
#include "collector/process/process_table.hpp"
#include "detect/event/event.hpp"

namespace audisp_eql::collector {

class EventSink {
  public:
    virtual ~EventSink() = default;
    // `process` is the event's own process: alerts take the ancestry from it.
    virtual void on_event(const detect::EventPtr& event, const ProcessPtr& process) = 0;
    // The input's clock broke.
    virtual void on_epoch() = 0;
};

struct NormalizerCounters {
    std::uint64_t exec = 0, fork = 0, end = 0, connect = 0, accept = 0;
    std::uint64_t inferred_forks = 0;
    std::uint64_t images_by_deadline = 0;  // forks let go without a filled image
    std::uint64_t ignored = 0;             // audit events that make no event
    std::uint64_t undecoded = 0;           // events whose records could not be read
    std::uint64_t accepts_without_peer = 0;
    std::uint64_t repeated_connects = 0;  // EALREADY, EISCONN of a known attempt
    std::uint64_t held_dropped = 0;       // by kMaxHeld
};

class Normalizer {
  public:
    static constexpr std::int64_t kImageDeadlineNs = 1'000'000'000;
    static constexpr std::int64_t kEndMarginNs = 25'000'000;  // audit's coarse clock and queue
    static constexpr std::int64_t kEndSilenceNs = 1'000'000'000;
    static constexpr std::int64_t kConnectRepeatNs = 60'000'000'000;
    static constexpr std::size_t kMaxHeld = 100'000;  // forks and ends that wait; a burst's worth

    // `proc`: asked once when an awaited image is overdue; null in replay.
    Normalizer(EventSink& sink, ProcReader* proc);
    ~Normalizer();

    // host, process, user, group, clock and proc_event messages.
    void on_message(const Message& message);
    void on_audit_event(const AuditEvent& event);
    // Stream time went on: overdue forks and ends come out in order of their deadlines.
    void advance(std::int64_t mono_ns);
    void finish();

    // Host id used where the input has no HOST line: --host-id, else the first node=, else
    // "replay".
    void set_default_host_id(std::string_view id);

    const NormalizerCounters& counters() const;
    const ProcessTable& processes() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace audisp_eql::collector
