// SPDX-License-Identifier: Apache-2.0
// The capture format (text, one message a line, arrival order): reading and writing.
//   type=HOST msg=capture(1): boot_id=… machine_id=… hostname=… kernel=… feeds=audit,proc
//   type=PROC msg=proc(NS): pid= ppid= start_tick= exe= argc= a0= …
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
#include <string>
#include <string_view>

#include "collector/feed/message.hpp"

namespace audisp_eql::collector {

struct CaptureCounters {
    std::uint64_t lines = 0;
    std::uint64_t unknown_lines = 0;  // neither an audit record nor a known capture line
    std::uint64_t long_lines = 0;     // over kMaxLineBytes, skipped
};

// MAX_AUDIT_MESSAGE_LENGTH in libaudit.h is 8970; enriched text and a node name come on top.
inline constexpr std::size_t kMaxLineBytes = 32 * 1024;

class CaptureReader {
  public:
    explicit CaptureReader(MessageSink& sink) : sink_(sink) {}
    // One line without its newline.
    void line(std::string_view text);
    const CaptureCounters& counters() const { return counters_; }

  private:
    MessageSink& sink_;
    std::int64_t clock_mono_ns_ = 0;  // of the last CLOCK line
    CaptureCounters counters_;
};

// Turns the messages that a worker consumes into capture lines. A clock message is written only
// when an audit record follows it, so an idle host writes nothing.
class CaptureWriter {
  public:
    // Appends the lines for this message to `out`.
    void write(const Message& message, std::string& out);

  private:
    std::int64_t pending_clock_mono_ns_ = 0;
    std::int64_t pending_clock_real_ns_ = 0;
};

}  // namespace audisp_eql::collector
