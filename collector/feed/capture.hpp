// SPDX-License-Identifier: Apache-2.0
// The capture format (text, one message a line, arrival order): reading and writing.
//   type=HOST msg=capture(1): boot_id=… machine_id=… hostname=… kernel=… feeds=audit,proc
//   type=PROC msg=proc(NS): pid= ppid= start_tick= exe= argc= a0= …
//   type=PROC_EXEC msg=proc(NS): pid= exe= fd0= … cgroup= env= …
//   type=USER msg=capture(1): uid= name=        type=GROUP msg=capture(1): gid= name=
//   type=CLOCK msg=proc(NS): real=NS
//   type=SYSCALL msg=audit(1700000000.123:42): …
//   type=CN_PROC msg=proc(NS): what=fork cpu=0 seq=7 parent_pid= parent_tgid= pid= tgid=
//   type=LOSS msg=proc(NS): feed= count= …
// Plain audit logs are captures that hold audit lines only.
//
// Memory: the reader's messages are views on the line given to it. Threads: no shared state.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "collector/feed/message.hpp"

namespace audisp_eql::collector {

struct CaptureCounters {
    std::uint64_t lines = 0;
    std::uint64_t unknown_lines = 0;  // neither an audit record nor a capture line that can be read
    std::uint64_t long_lines = 0;     // over kMaxLineBytes, skipped
};

// MAX_AUDIT_MESSAGE_LENGTH in libaudit.h is 8970; enriched text and a node name come on top.
inline constexpr std::size_t kMaxLineBytes = 32 * 1024;

class CaptureReader {
  public:
    explicit CaptureReader(MessageSink& sink) : sink_(sink) {}
    // One line without its newline. Empty ones are passed over.
    void line(std::string_view text);
    const CaptureCounters& counters() const { return counters_; }

  private:
    bool capture_line(std::string_view name, std::string_view rest);
    bool clock(std::int64_t mono_ns, std::string_view body);
    bool proc_event(std::int64_t mono_ns, std::string_view body);
    void send(MessageKind kind, std::int64_t mono_ns, std::string_view bytes);

    MessageSink& sink_;
    std::int64_t clock_mono_ns_ = 0;  // of the last CLOCK line: when audit records were received
    CaptureCounters counters_;
};

// Turns the messages that a worker consumes into capture lines. Nothing a message holds can make a
// second line: newlines in records become spaces, as auditd writes them.
//
// Clock messages move the timers of the run (an event without an end, a fork whose image is
// awaited), so its replay needs them; on an idle host, where no timer is left to fire, only the
// last one before the next message is kept.
class CaptureWriter {
  public:
    // Longer than anything downstream waits: an assembler's time-out, an image's deadline and an
    // end's silence one after the other make 4 s.
    static constexpr std::int64_t kQuietNs = 10'000'000'000;

    // Appends the lines for this message to `out`.
    void write(const Message& message, std::string& out);

  private:
    void on_clock(const Message& message, std::string& out);

    std::int64_t now_ns_ = 0;      // the last clock message
    std::int64_t traffic_ns_ = 0;  // the clock when something else was written
    std::string pending_clock_;    // a line; empty: none
};

// The text of a connector message: "what=fork cpu=0 seq=7 …", and back.
void append_text(const ProcEvent& event, std::string& out);
std::optional<ProcEvent> proc_event_from_text(std::string_view text);

}  // namespace audisp_eql::collector
