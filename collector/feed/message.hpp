// SPDX-License-Identifier: Apache-2.0
// What every feed speaks: one message at a time, in arrival order. Live feeds put messages into the
// ring, files and captures make them from lines; from here on a live run and its replay are one.
//
// Memory: a Message is a view on its feed's buffer, dead when the consumer returns.
// Threads: plain data.
#pragma once

#include <cstdint>
#include <string_view>

namespace audisp_eql::collector {

enum class MessageKind : std::uint8_t {
    audit_record,  // `bytes`: what the kernel sent after the netlink header: "audit(…): …"
    audit_line,  // `bytes`: one line as auditd writes it, without newline: "type=… msg=audit(…): …"
    proc_event,  // `bytes`: a ProcEvent, to be copied out
    host,        // `bytes`: "boot_id=… machine_id=… hostname=… kernel=… feeds=…"
    process,     // `bytes`: one process as /proc shows it: "pid=… ppid=… start_tick=… …"
    process_exec,  // `bytes`: what /proc shows of one right after its exec: "pid=… exe=… fd0=… …"
    user,          // `bytes`: "uid=… name=…", one line of the user database
    group,         // `bytes`: "gid=… name=…"
    clock,         // `mono_ns` and `real_ns` were read together
    loss,          // `bytes`: "feed=… count=…"
};

struct Message {
    MessageKind kind;
    std::uint16_t audit_type = 0;  // audit_record: nlmsg_type
    // Monotonic nanoseconds. audit_*: when the batch was received, the same as the clock message
    // before it; 0 where the input does not tell (plain audit logs). Others: the message's own.
    std::int64_t mono_ns = 0;
    std::int64_t real_ns = 0;  // clock: wall time, nanoseconds since the epoch
    std::string_view bytes;
};

// A proc connector event (struct proc_event of linux/cn_proc.h, flattened; own struct because the
// uapi header changed its layout's names in 6.6).
struct ProcEvent {
    enum class What : std::uint32_t {
        none = 0,
        fork = 1,
        exec = 2,
        uid = 4,
        gid = 0x40,
        sid = 0x80,
        ptrace = 0x100,
        comm = 0x200,
        coredump = 0x40000000,
        exit = 0x80000000,
    };
    What what = What::none;
    std::uint32_t cpu = 0;
    std::uint32_t seq = 0;
    bool concluded = false;  // exit: nobody reported it, /proc no longer has the process
    std::int64_t ns = 0;     // CLOCK_MONOTONIC
    std::int32_t pid = 0;
    std::int32_t tgid = 0;
    std::int32_t parent_pid = 0;  // fork: the parent; exit: the parent then
    std::int32_t parent_tgid = 0;
    std::uint32_t first = 0;   // uid: ruid, gid: rgid, exit: exit_code
    std::uint32_t second = 0;  // uid: euid, gid: egid, exit: exit_signal
    char comm[16] = {};        // comm
};

class MessageSink {
  public:
    virtual ~MessageSink() = default;
    virtual void on_message(const Message& message) = 0;
};

}  // namespace audisp_eql::collector
