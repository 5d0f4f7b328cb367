// SPDX-License-Identifier: Apache-2.0
// The system calls of the confined process: an allow list; all else answers EPERM. Beside obvious
// needs it holds what glibc, Asio and OpenSSL call below them.
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <initializer_list>
#include <memory>
#include <sched.h>
#include <seccomp.h>
#include <unistd.h>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "collector/privilege/confine.hpp"

namespace audisp_eql::collector {
namespace {

constexpr std::array kAllowed{
    // Files: where they may lie is Landlock's and the file permissions' business.
    "read",
    "write",
    "readv",
    "writev",
    "pread64",
    "pwrite64",
    "pwritev",
    "close",
    "lseek",
    "open",
    "openat",
    "stat",
    "lstat",
    "fstat",
    "newfstatat",
    "statx",
    "access",
    "faccessat",
    "faccessat2",
    "readlink",
    "readlinkat",
    "getdents64",
    "getcwd",
    "statfs",
    "fstatfs",
    "mkdir",
    "mkdirat",
    "unlink",
    "unlinkat",
    "rmdir",
    "rename",
    "renameat",
    "renameat2",
    "ftruncate",
    "fallocate",
    "fsync",
    "fdatasync",
    "sync_file_range",
    "fadvise64",
    "flock",
    "fcntl",
    "chmod",
    "fchmod",
    "fchmodat",
    "umask",
    "dup",
    "dup2",
    "dup3",
    // Memory that holds no code (below).
    "munmap",
    "mremap",
    "madvise",
    "brk",
    "membarrier",
    // Sockets, once made (below).
    "connect",
    "bind",
    "listen",
    "accept",
    "accept4",
    "sendto",
    "sendmsg",
    "sendmmsg",
    "recvfrom",
    "recvmsg",
    "recvmmsg",
    "shutdown",
    "getsockname",
    "getpeername",
    "setsockopt",
    "getsockopt",
    // Waiting, time, threads.
    "poll",
    "ppoll",
    "select",
    "pselect6",
    "epoll_create1",
    "epoll_ctl",
    "epoll_wait",
    "epoll_pwait",
    "epoll_pwait2",
    "eventfd2",
    "pipe2",
    "timerfd_create",
    "timerfd_settime",
    "timerfd_gettime",
    "nanosleep",
    "clock_nanosleep",
    "clock_gettime",
    "clock_getres",
    "gettimeofday",
    "time",
    "sched_yield",
    "sched_getaffinity",
    "futex",
    "set_robust_list",
    "rseq",
    "set_tid_address",
    "exit",
    "exit_group",
    "restart_syscall",
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "rt_sigtimedwait",
    "sigaltstack",
    // About itself.
    "getpid",
    "gettid",
    "getppid",
    "getuid",
    "geteuid",
    "getgid",
    "getegid",
    "getrusage",
    "times",
    "sysinfo",
    "uname",
    "getrandom",
    "getrlimit",
    "getcpu",
    // Before newer ones with flags: glibc up to 2.31 at least calls them.
    "epoll_create",
    "eventfd",
    "getdents",
    "pipe",
};

struct ContextFree {
    void operator()(scmp_filter_ctx context) const { ::seccomp_release(context); }
};
using Context = std::unique_ptr<void, ContextFree>;

// A call that this architecture does not have is none that must be allowed.
int allow(const Context& context, const char* name) {
    const int number = ::seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR)
        return 0;
    const int answer = ::seccomp_rule_add(context.get(), SCMP_ACT_ALLOW, number, 0);
    return answer == -EDOM ? 0 : answer;
}

// As libseccomp's macros, whose initializers lack a member (clang warns).
constexpr scmp_arg_cmp argument(unsigned number, scmp_compare how, scmp_datum_t first,
                                scmp_datum_t second = 0) {
    return {number, how, first, second};
}

template <typename... Tests>
int allow_if(const Context& context, int number, Tests... tests) {
    const std::array<scmp_arg_cmp, sizeof...(tests)> all{tests...};
    return ::seccomp_rule_add_array(context.get(), SCMP_ACT_ALLOW, number,
                                    static_cast<unsigned>(all.size()), all.data());
}

int allow_with_conditions(const Context& c) {
    const auto self = static_cast<scmp_datum_t>(::getpid());
    int bad = 0;
    const auto rule = [&bad](int answer) { bad = bad != 0 ? bad : answer; };
    for (const int family : {AF_UNIX, AF_INET, AF_INET6})
        rule(allow_if(c, SCMP_SYS(socket),
                      argument(0, SCMP_CMP_EQ, static_cast<scmp_datum_t>(family))));
    rule(allow_if(c, SCMP_SYS(socketpair), argument(0, SCMP_CMP_EQ, AF_UNIX)));
    // No new code: no library is loaded any more, no name-service module either.
    rule(allow_if(c, SCMP_SYS(mmap), argument(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)));
    rule(allow_if(c, SCMP_SYS(mprotect), argument(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)));
    // Threads, no processes. What clone3 asks for lies in memory, where a filter cannot look:
    // glibc then uses clone.
    rule(allow_if(
        c, SCMP_SYS(clone),
        argument(0, SCMP_CMP_MASKED_EQ, CLONE_THREAD | CLONE_VM, CLONE_THREAD | CLONE_VM)));
    rule(::seccomp_rule_add(c.get(), SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0));
    // abort() and raise(): to itself.
    rule(allow_if(c, SCMP_SYS(kill), argument(0, SCMP_CMP_EQ, self)));
    rule(allow_if(c, SCMP_SYS(tgkill), argument(0, SCMP_CMP_EQ, self)));
    // A terminal's form, non-blocking descriptors, how much can be read.
    for (const auto request :
         std::initializer_list<scmp_datum_t>{TCGETS, TIOCGWINSZ, FIONBIO, FIONREAD})
        rule(allow_if(c, SCMP_SYS(ioctl), argument(1, SCMP_CMP_EQ, request)));
    // The name of a thread; limits are read, not set.
    rule(allow_if(c, SCMP_SYS(prctl), argument(0, SCMP_CMP_EQ, PR_SET_NAME)));
    rule(allow_if(c, SCMP_SYS(prctl), argument(0, SCMP_CMP_EQ, PR_GET_NAME)));
    rule(allow_if(c, SCMP_SYS(prlimit64), argument(2, SCMP_CMP_EQ, 0)));
    return bad;
}

}  // namespace

std::string filter_system_calls() {
    const auto because = [](const char* what, int answer) {
        return fmt::format("seccomp: {}: {}", what, std::strerror(-answer));
    };
    const Context context(::seccomp_init(SCMP_ACT_ERRNO(EPERM)));
    if (!context)
        return "seccomp: no memory";
    // Another word size's calls have other numbers.
    ::seccomp_attr_set(context.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    // A binary tree: the list is looked through at each call.
    ::seccomp_attr_set(context.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
    for (const char* name : kAllowed)
        if (const int answer = allow(context, name); answer != 0)
            return because(name, answer);
    if (const int answer = allow_with_conditions(context); answer != 0)
        return because("a condition", answer);
    if (const int answer = ::seccomp_load(context.get()); answer != 0)
        return because("cannot be put in force", answer);
    return {};
}

}  // namespace audisp_eql::collector
