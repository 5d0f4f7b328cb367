// SPDX-License-Identifier: Apache-2.0
// What a system call is, whatever the word size and door: one table of names; their numbers on each
// architecture come from libaudit, once, when the first record asks.
//
// Memory: static. Threads: constant once made.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace audisp_eql::collector {

struct SyscallRecord;

// The system calls that become events.
enum class Operation : std::uint8_t {
    other,
    exec,
    connect,
    accept,
    fork,  // fork, vfork, clone, clone3
    exit,
    // Of files; mkdir, mknod and symlink make a name, unlink and rmdir remove one.
    open,
    truncate,
    rename,
    remove,
    make_directory,
    make_node,
    link,
    symlink,
    change_mode,
    change_owner,
    change_attributes,
    change_times,
    // Of sockets.
    bind,
    listen,
    send,  // sendto, sendmsg, sendmmsg
    ring,  // io_uring_enter: what it does stands in URINGOP records
    // Of the process itself and of others.
    change_user,
    change_group,
    new_session,
    make_memory_file,
    trace,
    signal,
    // Of the kernel.
    load_module,
    unload_module,
    mount,
    unmount,
};

constexpr bool is_of_file(Operation operation) {
    return operation >= Operation::open && operation <= Operation::change_times;
}

// What a call does to the caller's file descriptors, as far as sockets are followed.
enum class DescriptorCall : std::uint8_t {
    none,
    socket,
    connect,
    accept,
    duplicate,  // dup, dup2, dup3: a0, the result is the copy
    control,    // fcntl, which may be such a copy
    close,
};

// One row of the table: the call's name and what its arguments are, as far as somebody needs it.
// An index is that of a0 to a3 in the SYSCALL record; kNone: it has no such argument.
struct Syscall {
    static constexpr std::int8_t kNone = -1;
    std::string_view name;
    Operation operation = Operation::other;
    // The descriptor that its (first) path is relative to; of a call without a path, the file's.
    std::int8_t directory = kNone;
    std::int8_t second_directory = kNone;  // … its second path
    std::int8_t flags = kNone;             // O_… of open, MSG_… of send, AT_… of the others
    // Its number where libaudit does not know the call: system calls since Linux 5.1 have the same
    // on every architecture.
    std::int16_t common_number = kNone;
    // What it sets: the mode, the owner (the group follows); the signal that it sends.
    std::int8_t value = kNone;
    DescriptorCall descriptor = DescriptorCall::none;
};

// Every row, sorted by operation.
std::span<const Syscall> syscalls();

// The row of a call; one without a name and with Operation::other for those that make no event.
// Architectures: x86-64 (x32 included), i386, aarch64, arm. socketcall (i386) is looked up by its
// first argument.
const Syscall& syscall_of(const SyscallRecord& syscall);

// "execve", "connect", …; empty if not known. Static storage. (libaudit's table)
std::string_view syscall_name(std::uint32_t arch, std::int32_t number);

}  // namespace audisp_eql::collector
