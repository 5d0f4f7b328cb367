// SPDX-License-Identifier: Apache-2.0
// doors OPERATION [ADDRESS PORT]: makes one system call that the kernel audits, and says what it
// knows of it as "key=value" words. Ends with 77 and a reason where the machine has no such call.
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <map>
#include <netinet/in.h>
#include <sched.h>
#include <string>
#include <unistd.h>

#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/io_uring.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

namespace {

constexpr int kSkipped = 77;
// Where file systems, namespaces and rings are made only to be audited.
constexpr const char* kMountPoint = "/mnt";

char** g_arguments;

[[noreturn]] void die(const char* what) {
    std::printf("failed: %s: %s\n", what, std::strerror(errno));
    std::exit(1);
}

int checked(int result, const char* what) {
    if (result < 0)
        die(what);
    return result;
}

sockaddr_in peer() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(g_arguments[3])));
    if (::inet_pton(AF_INET, g_arguments[2], &address.sin_addr) != 1)
        die("the address");
    return address;
}

int inet_socket(int type) {
    return checked(::socket(AF_INET, type, 0), "socket");
}

const sockaddr* plain(const sockaddr_in& address) {
    return reinterpret_cast<const sockaddr*>(&address);
}

template <class Body>
pid_t child(Body body) {
    const pid_t pid = checked(::fork(), "fork");
    if (pid == 0) {
        body();
        ::_exit(0);
    }
    return pid;
}

void await(pid_t pid) {
    ::waitpid(pid, nullptr, 0);
}

// ---- identity ----

void change_user() {
    checked(::setresgid(65534, 65534, 65534), "setresgid");
    checked(::setresuid(65534, 65534, 65534), "setresuid");
}

void new_session() {
    const pid_t pid = child([] { checked(::setsid(), "setsid"); });
    std::printf("child=%d\n", pid);
    await(pid);
}

void drop_capability() {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    std::array<__user_cap_data_struct, 2> data{};
    checked(static_cast<int>(::syscall(SYS_capget, &header, data.data())), "capget");
    data[0].effective &= ~(1U << CAP_SYS_TIME);
    checked(static_cast<int>(::syscall(SYS_capset, &header, data.data())), "capset");
}

void set_login_id() {
    const pid_t pid = child([] {
        const int fd = checked(::open("/proc/self/loginuid", O_WRONLY), "open");
        checked(static_cast<int>(::write(fd, "65534", 5)), "the login id");
    });
    std::printf("child=%d\n", pid);
    await(pid);
}

// ---- other processes ----

void trace_child() {
    const pid_t pid = child([] { ::pause(); });
    std::printf("child=%d\n", pid);
    if (::ptrace(PTRACE_ATTACH, pid, nullptr, nullptr) != 0)
        die("ptrace");
    ::waitpid(pid, nullptr, 0);
    ::ptrace(PTRACE_DETACH, pid, nullptr, nullptr);
    ::kill(pid, SIGKILL);
    await(pid);
}

void signal_child() {
    const pid_t pid = child([] { ::pause(); });
    std::printf("child=%d\n", pid);
    checked(::kill(pid, SIGUSR1), "kill");
    await(pid);
}

void dump_core() {
    const pid_t pid = child([] {
        const rlimit none{0, 0};
        ::setrlimit(RLIMIT_CORE, &none);
        std::abort();
    });
    std::printf("child=%d\n", pid);
    await(pid);
}

void break_seccomp() {
    const pid_t pid = child([] {
        // All calls but one are allowed.
        std::array<sock_filter, 4> program{{
            BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
            BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getpriority, 0, 1),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
            BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        }};
        const sock_fprog filter{program.size(), program.data()};
        ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        checked(::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter), "seccomp");
        ::syscall(SYS_getpriority, 0, 0);
    });
    std::printf("child=%d\n", pid);
    await(pid);
}

// ---- the kernel ----

void load_module() {
    // No module: the kernel refuses it, and audit has the attempt.
    const char text[] = "no module";
    const long result = ::syscall(SYS_init_module, text, sizeof text, "");
    std::printf("result=%ld errno=%d\n", result, errno);
}

void unload_module() {
    const long result = ::syscall(SYS_delete_module, "audisp_eql_no_such_module", O_NONBLOCK);
    std::printf("result=%ld errno=%d\n", result, errno);
}

void mount_and_unmount() {
    checked(::unshare(CLONE_NEWNS), "unshare");
    checked(::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "make private");
    checked(::mount("audisp-eql", kMountPoint, "tmpfs", 0, nullptr), "mount");
    checked(::umount2(kMountPoint, MNT_DETACH), "umount2");
}

void enter_namespace() {
    const int own = checked(::open("/proc/self/ns/uts", O_RDONLY), "open");
    checked(::unshare(CLONE_NEWUTS), "unshare");
    checked(::setns(own, CLONE_NEWUTS), "setns");
}

// ---- memory and descriptors ----

void make_memfd() {
    checked(static_cast<int>(::syscall(SYS_memfd_create, "payload", MFD_CLOEXEC)), "memfd_create");
    ::usleep(200'000);  // the name can be read from /proc only while the process lives
}

void rename_self() {
    checked(::prctl(PR_SET_NAME, "kworker/u8:0"), "prctl");
}

void protect_memory() {
    void* page = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    checked(::mprotect(page, 4096, PROT_READ | PROT_WRITE | PROT_EXEC), "mprotect");
}

void splice_pipes() {
    std::array<int, 2> from{}, to{};
    checked(::pipe(from.data()), "pipe");
    checked(::pipe(to.data()), "pipe");
    checked(static_cast<int>(::write(from[1], "x", 1)), "write");
    checked(static_cast<int>(::splice(from[0], nullptr, to[1], nullptr, 1, 0)), "splice");
}

void exec_memfd() {
    const int fd = checked(::memfd_create("stage2", MFD_CLOEXEC), "memfd_create");
    const int source = checked(::open("/bin/true", O_RDONLY), "open");
    std::array<char, 65536> bytes{};
    for (ssize_t n; (n = ::read(source, bytes.data(), bytes.size())) > 0;)
        checked(static_cast<int>(::write(fd, bytes.data(), static_cast<std::size_t>(n))), "write");
    std::fflush(stdout);
    char name[] = "stage2";
    char* const arguments[] = {name, nullptr};
    ::execveat(fd, "", arguments, environ, AT_EMPTY_PATH);
    die("execveat");
}

// Long enough that /proc can be asked before the end on a loaded machine.
[[noreturn]] void become_sleep(const char* path) {
    std::fflush(stdout);
    ::execl(path, "sleep", "0.5", nullptr);
    die(path);
}

void exec_descriptor() {
    const int fd = checked(::open("/bin/true", O_RDONLY | O_CLOEXEC), "open");
    std::fflush(stdout);
    char name[] = "true";
    char* const arguments[] = {name, nullptr};
    ::fexecve(fd, arguments, environ);
    die("fexecve");
}

void exec_in_namespace() {
    checked(::unshare(CLONE_NEWNS), "unshare");
    become_sleep("/bin/sleep");
}

// The same file under another path: of a merged /usr, the directories of / are its own.
void exec_in_root() {
    if (::access("/usr/lib64", F_OK) != 0) {
        std::puts("skipped: /usr is no root directory");
        std::exit(kSkipped);
    }
    checked(::chroot("/usr"), "chroot");
    become_sleep("/bin/sleep");
}

// ---- the network ----

void bind_and_listen() {
    const int fd = inet_socket(SOCK_STREAM);
    const sockaddr_in address = peer();
    checked(::bind(fd, plain(address), sizeof address), "bind");
    checked(::listen(fd, 1), "listen");
}

// `accept` gives the new descriptor or a negative errno.
void accept_child(long (*accept)(int fd)) {
    const int fd = inet_socket(SOCK_STREAM);
    sockaddr_in address = peer();
    address.sin_port = 0;
    checked(::bind(fd, plain(address), sizeof address), "bind");
    checked(::listen(fd, 1), "listen");
    socklen_t size = sizeof address;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
    const pid_t pid = child([&] {
        const int client = inet_socket(SOCK_STREAM);
        checked(::connect(client, plain(address), sizeof address), "connect");
        ::usleep(500'000);  // the listener asks the accepted socket who this is
    });
    std::printf("child=%d port=%d\n", pid, ntohs(address.sin_port));
    const long made = accept(fd);
    if (made == -ENOSYS) {
        ::kill(pid, SIGKILL);
        std::puts("skipped: the kernel has no 32-bit system calls");
        std::exit(kSkipped);
    }
    checked(static_cast<int>(made), "accept");
    await(pid);
}

long accept_nobody(int fd) {
    return ::accept(fd, nullptr, nullptr);
}

long accept_somebody(int fd) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    return ::accept4(fd, reinterpret_cast<sockaddr*>(&address), &size, SOCK_CLOEXEC);
}

void send_datagram() {
    const sockaddr_in address = peer();
    checked(static_cast<int>(
                ::sendto(inet_socket(SOCK_DGRAM), "x", 1, 0, plain(address), sizeof address)),
            "sendto");
}

void fast_open() {
    const sockaddr_in address = peer();
    const ssize_t sent =
        ::sendto(inet_socket(SOCK_STREAM), "x", 1, MSG_FASTOPEN, plain(address), sizeof address);
    std::printf("result=%ld errno=%d\n", static_cast<long>(sent), errno);
}

void fast_open_message() {
    sockaddr_in address = peer();
    char text[] = "x";
    iovec part{text, 1};
    msghdr message{};
    message.msg_name = &address;
    message.msg_namelen = sizeof address;
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    const ssize_t sent = ::sendmsg(inet_socket(SOCK_STREAM), &message, MSG_FASTOPEN);
    std::printf("result=%ld errno=%d\n", static_cast<long>(sent), errno);
}

// int 0x80 takes 32-bit pointers: what it reads lies below 4 GiB.
long old_door([[maybe_unused]] long number, [[maybe_unused]] long a, [[maybe_unused]] long b,
              [[maybe_unused]] long c) {
#if defined(__x86_64__)
    long result = number;
    asm volatile("int $0x80"
                 : "+a"(result)
                 : "b"(a), "c"(b), "d"(c)
                 : "memory", "r8", "r9", "r10", "r11");
    return result;
#else
    std::puts("skipped: no 32-bit door on this architecture");
    std::exit(kSkipped);
#endif
}

constexpr long kSocketcall = 102;

long old_accept(int fd) {
    auto* low = static_cast<char*>(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE,
                                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0));
    const std::array<std::uint32_t, 3> arguments{static_cast<std::uint32_t>(fd), 0, 0};
    std::memcpy(low, arguments.data(), sizeof arguments);
    constexpr long kAccept = 5;
    return old_door(kSocketcall, kAccept, static_cast<long>(reinterpret_cast<std::intptr_t>(low)),
                    0);
}

void old_connect(bool packed) {
    auto* low = static_cast<char*>(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE,
                                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0));
    const sockaddr_in address = peer();
    std::memcpy(low, &address, sizeof address);
    const int fd = inet_socket(SOCK_STREAM);
    const auto where = static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(low));
    long result;
    if (packed) {
        const std::array<std::uint32_t, 3> arguments{static_cast<std::uint32_t>(fd), where,
                                                     sizeof address};
        std::memcpy(low + 64, arguments.data(), sizeof arguments);
        constexpr long kConnect = 3;
        result = old_door(kSocketcall, kConnect, static_cast<long>(where) + 64, 0);
    } else {
        constexpr long kConnect32 = 362;
        result = old_door(kConnect32, fd, where, sizeof address);
    }
    if (result == -ENOSYS) {
        std::puts("skipped: the kernel has no 32-bit system calls");
        std::exit(kSkipped);
    }
    std::printf("result=%ld\n", result);
}

void old_exec() {
    auto* low = static_cast<char*>(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE,
                                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0));
    std::strcpy(low, "/bin/true");
    const auto where = static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(low));
    const std::array<std::uint32_t, 2> arguments{where, 0};
    std::memcpy(low + 64, arguments.data(), sizeof arguments);
    constexpr long kExecve32 = 11;
    std::fflush(stdout);
    errno = static_cast<int>(-old_door(kExecve32, where, static_cast<long>(where) + 64, 0));
    if (errno == ENOSYS) {
        std::puts("skipped: the kernel has no 32-bit system calls");
        std::exit(kSkipped);
    }
    die("execve");
}

// A ring with one entry, by hand: liburing is not needed for a single connect.
class Ring {
  public:
    explicit Ring(unsigned flags) {
        parameters_.flags = flags;
        parameters_.sq_thread_idle = 100;
        fd_ = static_cast<int>(::syscall(SYS_io_uring_setup, 4, &parameters_));
        if (fd_ < 0) {
            std::printf("skipped: io_uring_setup: %s\n", std::strerror(errno));
            std::exit(kSkipped);
        }
        sq_ = map(parameters_.sq_off.array + parameters_.sq_entries * sizeof(unsigned),
                  IORING_OFF_SQ_RING);
        cq_ = map(parameters_.cq_off.cqes + parameters_.cq_entries * sizeof(io_uring_cqe),
                  IORING_OFF_CQ_RING);
        entries_ = reinterpret_cast<io_uring_sqe*>(
            map(parameters_.sq_entries * sizeof(io_uring_sqe), IORING_OFF_SQES));
    }

    int connect(int fd, const sockaddr_in& address) {
        io_uring_sqe& entry = entries_[0];
        entry = {};
        entry.opcode = IORING_OP_CONNECT;
        entry.fd = fd;
        entry.addr = reinterpret_cast<std::uintptr_t>(&address);
        entry.off = sizeof address;
        at(sq_, parameters_.sq_off.array) = 0;
        __atomic_store_n(&at(sq_, parameters_.sq_off.tail), 1U, __ATOMIC_RELEASE);
        const bool polled = parameters_.flags & IORING_SETUP_SQPOLL;
        // The kernel's thread sees a new entry by itself while it is awake.
        if (!polled || (at(sq_, parameters_.sq_off.flags) & IORING_SQ_NEED_WAKEUP) != 0)
            checked(static_cast<int>(::syscall(
                        SYS_io_uring_enter, fd_, 1, polled ? 0 : 1,
                        polled ? IORING_ENTER_SQ_WAKEUP : IORING_ENTER_GETEVENTS, nullptr, 0)),
                    "io_uring_enter");
        while (__atomic_load_n(&at(cq_, parameters_.cq_off.tail), __ATOMIC_ACQUIRE) == 0)
            ::usleep(1000);
        return reinterpret_cast<io_uring_cqe*>(cq_ + parameters_.cq_off.cqes)->res;
    }

  private:
    char* map(std::size_t size, off_t offset) const {
        void* place =
            ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd_, offset);
        if (place == MAP_FAILED)
            die("mmap of the ring");
        return static_cast<char*>(place);
    }
    static unsigned& at(char* ring, unsigned offset) {
        return *reinterpret_cast<unsigned*>(ring + offset);
    }

    io_uring_params parameters_{};
    int fd_ = -1;
    char* sq_ = nullptr;
    char* cq_ = nullptr;
    io_uring_sqe* entries_ = nullptr;
};

void ring_connect(unsigned flags) {
    Ring ring(flags);
    const sockaddr_in address = peer();
    std::printf("result=%d\n", ring.connect(inet_socket(SOCK_STREAM), address));
}

const std::map<std::string, void (*)()> kOperations{
    {"setuid", change_user},
    {"setsid", new_session},
    {"loginuid", set_login_id},
    {"capset", drop_capability},
    {"ptrace", trace_child},
    {"kill", signal_child},
    {"abort", dump_core},
    {"seccomp", break_seccomp},
    {"init_module", load_module},
    {"delete_module", unload_module},
    {"mount", mount_and_unmount},
    {"setns", enter_namespace},
    {"memfd_create", make_memfd},
    {"prctl", rename_self},
    {"mprotect", protect_memory},
    {"splice", splice_pipes},
    {"exec_memfd", exec_memfd},
    {"exec_descriptor", exec_descriptor},
    {"exec_namespace", exec_in_namespace},
    {"exec_root", exec_in_root},
    {"exec32", old_exec},
    {"listen", bind_and_listen},
    {"accept", [] { accept_child(accept_somebody); }},
    {"accept_nobody", [] { accept_child(accept_nobody); }},
    {"accept_socketcall", [] { accept_child(old_accept); }},
    {"sendto", send_datagram},
    {"fast_open", fast_open},
    {"fast_open_message", fast_open_message},
    {"connect32", [] { old_connect(false); }},
    {"socketcall", [] { old_connect(true); }},
    {"uring", [] { ring_connect(0); }},
    {"uring_polled", [] { ring_connect(IORING_SETUP_SQPOLL); }},
};

}  // namespace

int main(int count, char** arguments) {
    g_arguments = arguments;
    const auto found = count > 1 ? kOperations.find(arguments[1]) : kOperations.end();
    if (found == kOperations.end() || (count != 2 && count != 4)) {
        std::fputs("usage: doors OPERATION [ADDRESS PORT]\n", stderr);
        return 2;
    }
    std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
    std::printf("pid=%d\n", ::getpid());
    found->second();
    return 0;
}
