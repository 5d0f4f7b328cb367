// SPDX-License-Identifier: Apache-2.0
// Divides itself as `audisp-eql run` does, and tries from inside the process that parses what an
// attacker who has got hold of it would. Prints a line for each try; exit code 3 if one succeeded
// that must not, or failed that must work.
//
//     confined DIRECTORY attack|crash|wait [same-user]
#include <arpa/inet.h>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <exception>
#include <fcntl.h>
#include <functional>
#include <netdb.h>
#include <netinet/in.h>
#include <string>
#include <thread>
#include <unistd.h>

#include <linux/netlink.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>

#include "collector/agent/options.hpp"
#include "collector/privilege/confine.hpp"
#include "collector/privilege/divide.hpp"

using namespace audisp_eql::collector;

namespace {

int wrong = 0;

void said(const char* verdict, const std::string& what, const char* why) {
    std::printf("%s: %s (%s)\n", verdict, what.c_str(), why);
    std::fflush(stdout);
}

// `result` >= 0 is success.
void must_fail(const std::string& what, long result) {
    const int error = errno;
    if (result >= 0)
        ++wrong;
    said(result >= 0 ? "WRONG, could" : "could not", what,
         result >= 0 ? "must not" : std::strerror(error));
}

void must_work(const std::string& what, bool works) {
    const int error = errno;
    if (!works)
        ++wrong;
    said(works ? "could" : "WRONG, could not", what, works ? "needed" : std::strerror(error));
}

int opens(const std::string& path, int flags = O_RDONLY) {
    return ::open(path.c_str(), flags | O_CLOEXEC, 0600);
}

sockaddr_un unix_address(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    return address;
}

int receiver(const std::string& path) {
    const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const sockaddr_un address = unix_address(path);
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        std::abort();
    ::chmod(path.c_str(), 0666);
    return fd;
}

int listener(sockaddr_in& address) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(fd, 4) != 0 ||
        ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0)
        std::abort();
    return fd;
}

bool has_netlink_socket() {
    DIR* const directory = ::opendir("/proc/self/fd");
    bool found = false;
    while (const dirent* entry = directory ? ::readdir(directory) : nullptr) {
        int domain = 0;
        socklen_t size = sizeof domain;
        found = found || (::getsockopt(std::atoi(entry->d_name), SOL_SOCKET, SO_DOMAIN, &domain,
                                       &size) == 0 &&
                          domain == AF_NETLINK);
    }
    if (directory)
        ::closedir(directory);
    return found || directory == nullptr;
}

// Where file permissions, capabilities or Landlock stand in the way.
void attack_files(const std::string& other) {
    must_fail("open /etc/shadow", opens("/etc/shadow"));
    must_fail("open /proc/1/mem", opens("/proc/1/mem"));
    must_fail("open the privileged process's memory", opens("/proc/" + other + "/mem", O_RDWR));
    must_fail("read its memory's map", opens("/proc/" + other + "/maps"));
    must_fail("write in /etc", opens("/etc/audisp-eql-attack", O_WRONLY | O_CREAT));
    must_fail("write in /tmp", opens("/tmp/audisp-eql-attack", O_WRONLY | O_CREAT));
    must_fail("write to itself", opens("/proc/self/exe", O_WRONLY));
    must_fail("change the kernel's settings", opens("/proc/sys/kernel/core_pattern", O_WRONLY));
    must_fail("become root", ::setuid(0));
    must_fail("mount", ::mount("none", "/mnt", "tmpfs", 0, nullptr));
    must_fail("trace the privileged process",
              ::ptrace(PTRACE_ATTACH, std::atoi(other.c_str()), 0, 0));
    must_work("see no netlink socket among its own", !has_netlink_socket());
}

// Where only the filter does.
void attack_calls(int other) {
    const auto call = [](auto... words) { return ::syscall(words...); };
    char* const no_words[] = {nullptr};
    must_fail("make an audit socket", ::socket(AF_NETLINK, SOCK_RAW, NETLINK_AUDIT));
    must_fail("make a connector socket", ::socket(AF_NETLINK, SOCK_DGRAM, NETLINK_CONNECTOR));
    must_fail("make a packet socket", ::socket(AF_PACKET, SOCK_RAW, 0));
    must_fail("fork", call(SYS_fork));
    must_fail("vfork by clone", call(SYS_clone, CLONE_VM | CLONE_VFORK | SIGCHLD, 0, 0, 0, 0));
    must_fail("fork by clone3", call(SYS_clone3, nullptr, 0));
    must_fail("exec", ::execve("/bin/true", no_words, no_words));
    must_fail("exec a descriptor", call(SYS_execveat, 0, "", no_words, no_words, AT_EMPTY_PATH));
    must_fail("be traced", ::ptrace(PTRACE_TRACEME, 0, 0, 0));
    must_fail("signal the privileged process", ::kill(other, 0));
    must_fail("signal process 1", ::kill(1, 0));
    must_fail("signal all", ::kill(-1, 0));
    char byte = 0;
    iovec mine{&byte, 1}, theirs{&wrong, 1};
    must_fail("read its memory", ::process_vm_readv(other, &mine, 1, &theirs, 1, 0));
    must_fail("take its descriptors", call(SYS_pidfd_open, other, 0));
    must_fail("open by handle", call(SYS_open_by_handle_at, AT_FDCWD, nullptr, 0));
    must_fail("load a module", call(SYS_init_module, nullptr, 0, ""));
    must_fail("load BPF", call(SYS_bpf, 0, nullptr, 0));
    must_fail("use the keyring", call(SYS_keyctl, 0, 0, 0, 0, 0));
    must_fail("set up io_uring", call(SYS_io_uring_setup, 1, nullptr));
    must_fail("open perf events", call(SYS_perf_event_open, nullptr, 0, 0, -1, 0));
    must_fail("enter a user namespace", call(SYS_unshare, CLONE_NEWUSER));
    must_fail("change root", ::chroot("/tmp"));
    must_fail("be dumped", ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
    must_fail("make code", ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
                                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
                               ? -1
                               : 0);
    must_fail("raise its limits", call(SYS_prlimit64, 0, 0, &mine, nullptr));
}

void needs(const Settings& settings, Access& access, const std::string& socket,
           const sockaddr_in& server) {
    const std::string file = settings.state_dir + "/kept", other = settings.state_dir + "/kept.new";
    const int spool = opens(other, O_RDWR | O_CREAT | O_APPEND);
    must_work("write its state",
              spool >= 0 && ::write(spool, "x", 1) == 1 && ::fdatasync(spool) == 0 &&
                  ::rename(other.c_str(), file.c_str()) == 0 && ::unlink(file.c_str()) == 0);
    const sockaddr_un address = unix_address(socket);
    const int log = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    must_work(
        "send to syslog",
        ::sendto(log, "x", 1, 0, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 1);
    const int tcp = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must_work("reach a server",
              ::connect(tcp, reinterpret_cast<const sockaddr*>(&server), sizeof server) == 0);
    addrinfo* found = nullptr;
    must_work("look up a name", ::getaddrinfo("localhost", "514", nullptr, &found) == 0);
    ::freeaddrinfo(found);
    bool ran = false;
    std::thread([&ran] { ran = true; }).join();
    must_work("start a thread", ran);
    const auto process = access.proc->read(::getppid());
    must_work("ask for a process", process && process->exe.ends_with("/confined"));
    must_work("ask for the rules", access.read_rules().rules.sources.size() == 1);
    must_work("open its JSON file",
              !access.open_json_file || access.open_json_file() >= 0 ||
                  opens(settings.json_file, O_WRONLY | O_APPEND | O_CREAT) >= 0);
}

// What a question costs, beside the same without a second process.
void measure(ProcReader& brokered) {
    constexpr int kQuestions = 2000;
    const std::int32_t asked = ::getpid();
    LinuxProcReader direct;
    const auto microseconds = [](ProcReader& reader, std::int32_t pid) {
        const auto start = std::chrono::steady_clock::now();
        for (int i = 0; i < kQuestions; ++i)
            reader.read(pid);
        const std::chrono::duration<double, std::micro> taken =
            std::chrono::steady_clock::now() - start;
        return taken.count() / kQuestions;
    };
    const double one = microseconds(direct, asked), two = microseconds(brokered, asked);
    std::printf("a process read from /proc: %.0f us in one process, %.0f us through the other\n",
                one, two);
}

int attack(const Settings& settings, Access& access, const std::string& socket,
           const sockaddr_in& server) {
    attack_files(std::to_string(::getppid()));
    if (kSanitized)
        std::puts("skipped: what the system call filter refuses, which sanitizer builds lack");
    else
        attack_calls(::getppid());
    needs(settings, access, socket, server);
    measure(*access.proc);
    return wrong == 0 ? 0 : 3;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3)
        return 2;
    const std::string directory = argv[1], what = argv[2];
    Settings settings;
    settings.config = "/dev/null";
    settings.state_dir = directory + "/state";
    settings.rules = {directory + "/rule.toml"};
    settings.exceptions = {directory + "/none"};
    settings.json_file = directory + "/alerts.json";
    settings.syslog = "off";
    settings.confine = kSanitized ? ConfineMode::automatic : ConfineMode::on;
    settings.user = "no such user";
    const std::string socket = directory + "/syslog";
    sockaddr_in server;
    receiver(socket);
    listener(server);
    if (argc > 3 && (::chown(settings.state_dir.c_str(), kNobody.uid, kNobody.gid) != 0 ||
                     ::setresgid(kNobody.gid, kNobody.gid, kNobody.gid) != 0 ||
                     ::setresuid(kNobody.uid, kNobody.uid, kNobody.uid) != 0))
        return 2;
    try {
        Division division = divide(settings, {});
        if (division.exit_code)
            return *division.exit_code;
        if (what == "attack")
            return attack(settings, division.access, socket, server);
        if (what == "crash")
            ::abort();
        std::printf("waiting %d\n", ::getpid());
        std::fflush(stdout);
        char byte = 0;
        // The other's end, or a signal that it passes on.
        while (::read(division.access.notices, &byte, 1) < 0)
            ::usleep(1000);
        std::puts(byte == 0 ? "the other has ended" : "a signal was passed on");
        return 0;
    } catch (const std::exception& problem) {
        std::fprintf(stderr, "%s\n", problem.what());
        return 1;
    }
}
