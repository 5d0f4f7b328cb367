// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/event_ways.hpp"

#include <algorithm>

namespace audisp_eql::collector {

namespace {

using enum EventKind;
using Use = Way::Use;

// Families 2 and 10 are IPv4 and IPv6. A connect or a bind of another family is no event of
// interest, and of those (unix, netlink) there are by far the most.
constexpr std::array<std::string_view, 4> kInet{"saddr_fam=2", "saddr_fam=10"};
constexpr std::array<std::string_view, 4> kDone{"success=1"};
// Signal 0 only asks; 23 (URG) is what the runtime of Go sends its own threads without end.
constexpr std::array<std::string_view, 4> kSignals{"SIGNAL!=0 SIGNAL!=23"};
// POKETEXT, POKEDATA, ATTACH, SEIZE (linux/ptrace.h): what writes to another process or begins to
// trace it. A debugger makes thousands of the others.
constexpr std::array<std::string_view, 4> kTraces{"a0=0x4", "a0=0x5", "a0=0x10", "a0=0x4206"};

// linux/socket.h; asm-generic/fcntl.h, the same on x86 and arm.
constexpr std::uint64_t kFastOpen = 0x20000000;  // MSG_FASTOPEN
constexpr std::uint64_t kCreate = 0x40;          // O_CREAT
constexpr std::uint64_t kWrite = 0x203;          // O_WRONLY, O_RDWR, O_TRUNC

// Sorted by what stands first in the output.
constexpr Way kWays[] = {
    {exec, Operation::exec, Use::always, "exec",
     "Executions. Only those that succeeded: a search through PATH fails up to nine times before.",
     kDone},
    {fork, Operation::fork, Use::without_connector, "fork",
     "Forks, and threads with them: without the proc connector nothing tells them apart.", kDone},

    {connect,
     Operation::connect,
     Use::always,
     "net",
     "Outgoing connections over IPv4 (family 2) and IPv6 (10), whatever they returned.",
     kInet,
     0,
     {3}},
    {accept,
     Operation::accept,
     Use::always,
     "accept",
     "Accepted connections. No family test: it would lose accept with no room for the address.",
     kDone,
     0,
     {5, 18}},
    {connect,
     Operation::send,
     Use::door,
     "tfo",
     "TCP fast open connects without connect: MSG_FASTOPEN among the flags.",
     {},
     kFastOpen},
    {connect, Operation::ring, Use::door, "uring", "Connections through io_uring.", kInet},
    {connect,
     Operation::ring,
     Use::door,
     "uring",
     "The same by a ring's own kernel thread, which makes no system call.",
     {},
     0,
     {},
     true},
    {bind,
     Operation::bind,
     Use::always,
     "bind",
     "Sockets that are given an address.",
     kInet,
     0,
     {2}},
    {listen, Operation::listen, Use::always, "bind", "Sockets that begin to listen.", {}, 0, {4}},
    {send,
     Operation::send,
     Use::expensive,
     "send",
     "Every message to an address (UDP).",
     kInet,
     0,
     {11, 16, 20}},

    {file_creation, Operation::open, Use::always, "file", "Files", kDone, kCreate},
    {file_modification, Operation::open, Use::always, "file", "Files", kDone, kWrite},
    {file_modification, Operation::truncate, Use::always, "file", "Files", kDone},
    {file_open, Operation::open, Use::always, "file", "Files", kDone},
    {file_rename, Operation::rename, Use::always, "file", "Files", kDone},
    {file_deletion, Operation::remove, Use::always, "file", "Files", kDone},
    {directory_creation, Operation::make_directory, Use::always, "file", "Files", kDone},
    {node_creation, Operation::make_node, Use::always, "file", "Files", kDone},
    {link_creation, Operation::link, Use::always, "file", "Files", kDone},
    {symlink_creation, Operation::symlink, Use::always, "file", "Files", kDone},
    {mode_change, Operation::change_mode, Use::always, "file", "Files", kDone},
    {owner_change, Operation::change_owner, Use::always, "file", "Files", kDone},
    {attributes_change, Operation::change_attributes, Use::always, "file", "Files", kDone},
    {times_change, Operation::change_times, Use::always, "file", "Files", kDone},

    {uid_change, Operation::change_user, Use::without_connector, "ids", "Changes of user ids.",
     kDone},
    {gid_change, Operation::change_group, Use::without_connector, "ids", "Changes of group ids.",
     kDone},
    {session_id_change, Operation::new_session, Use::without_connector, "ids", "New sessions.",
     kDone},
    {ptrace, Operation::trace, Use::without_connector, "ptrace",
     "Processes that begin to trace another, or write to its memory.", kTraces},
    {signal, Operation::signal, Use::always, "signal", "Signals, but for 0 and URG.", kSignals},
    {memfd_create, Operation::make_memory_file, Use::always, "memfd", "Files in memory.", kDone},
    {module_load, Operation::load_module, Use::always, "module", "Kernel modules that are loaded.",
     kDone},
    {module_unload, Operation::unload_module, Use::always, "module",
     "Kernel modules that are unloaded.", kDone},
    {mount, Operation::mount, Use::always, "mount", "Mounts, tried ones too."},
    {unmount, Operation::unmount, Use::always, "mount", "Unmounts, tried ones too."},
};

// Reading and writing, waiting, memory, time, and what every program start does.
constexpr std::string_view kBusyCalls[] = {"access",
                                           "brk",
                                           "clock_gettime",
                                           "clock_nanosleep",
                                           "clone",
                                           "clone3",
                                           "close",
                                           "close_range",
                                           "copy_file_range",
                                           "dup",
                                           "dup2",
                                           "dup3",
                                           "epoll_ctl",
                                           "epoll_pwait",
                                           "epoll_pwait2",
                                           "epoll_wait",
                                           "eventfd2",
                                           "exit",
                                           "exit_group",
                                           "faccessat",
                                           "faccessat2",
                                           "fadvise64",
                                           "fallocate",
                                           "fcntl",
                                           "fcntl64",
                                           "fdatasync",
                                           "fstat",
                                           "fstat64",
                                           "fstatfs",
                                           "fsync",
                                           "futex",
                                           "get_robust_list",
                                           "getcwd",
                                           "getdents",
                                           "getdents64",
                                           "getegid",
                                           "geteuid",
                                           "getgid",
                                           "getpeername",
                                           "getpid",
                                           "getpgrp",
                                           "getppid",
                                           "getrandom",
                                           "getrlimit",
                                           "getrusage",
                                           "getsockname",
                                           "getsockopt",
                                           "gettid",
                                           "gettimeofday",
                                           "getuid",
                                           "io_getevents",
                                           "io_submit",
                                           "io_uring_enter",
                                           "ioctl",
                                           "lseek",
                                           "lstat",
                                           "lstat64",
                                           "madvise",
                                           "mmap",
                                           "mmap2",
                                           "mprotect",
                                           "mremap",
                                           "munmap",
                                           "nanosleep",
                                           "newfstatat",
                                           "pipe",
                                           "pipe2",
                                           "poll",
                                           "ppoll",
                                           "prctl",
                                           "pread64",
                                           "preadv",
                                           "prlimit64",
                                           "pselect6",
                                           "pwrite64",
                                           "pwritev",
                                           "read",
                                           "readlink",
                                           "readlinkat",
                                           "readv",
                                           "recvfrom",
                                           "recvmmsg",
                                           "recvmsg",
                                           "restart_syscall",
                                           "rseq",
                                           "rt_sigaction",
                                           "rt_sigprocmask",
                                           "rt_sigreturn",
                                           "rt_sigtimedwait",
                                           "sched_getaffinity",
                                           "sched_yield",
                                           "select",
                                           "sendfile",
                                           "sendfile64",
                                           "set_robust_list",
                                           "set_tid_address",
                                           "setsockopt",
                                           "shutdown",
                                           "sigaltstack",
                                           "sigreturn",
                                           "socket",
                                           "socketcall",
                                           "socketpair",
                                           "splice",
                                           "stat",
                                           "stat64",
                                           "statfs",
                                           "statx",
                                           "time",
                                           "timer_settime",
                                           "timerfd_settime",
                                           "umask",
                                           "uname",
                                           "vfork",
                                           "wait4",
                                           "waitid",
                                           "waitpid",
                                           "write",
                                           "writev"};

}  // namespace

std::span<const Way> ways() {
    return kWays;
}

bool is_of_file(EventKind kind) {
    return kind >= file_creation && kind <= times_change;
}

ProcEvent::What connector_message(EventKind kind) {
    switch (kind) {
        case fork:
            return ProcEvent::What::fork;
        case end:
            return ProcEvent::What::exit;
        case uid_change:
            return ProcEvent::What::uid;
        case gid_change:
            return ProcEvent::What::gid;
        case session_id_change:
            return ProcEvent::What::sid;
        case ptrace:
            return ProcEvent::What::ptrace;
        case coredump:
            return ProcEvent::What::coredump;
        default:
            return ProcEvent::What::none;
    }
}

bool is_reported(EventKind kind) {
    return kind == crash || (kind >= apparmor && kind < EventKind::count);
}

std::set<std::string_view> calls_that_do(Operation operation) {
    std::set<std::string_view> names;
    for (const Syscall& call : syscalls())
        if (call.operation == operation)
            names.insert(call.name);
    return names;
}

bool is_busy_call(std::string_view name) {
    return std::binary_search(std::begin(kBusyCalls), std::end(kBusyCalls), name);
}

}  // namespace audisp_eql::collector
