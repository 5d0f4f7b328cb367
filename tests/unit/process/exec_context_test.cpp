// SPDX-License-Identifier: Apache-2.0
#include "collector/process/exec_context.hpp"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <netinet/in.h>
#include <string>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "collector/process/proc_reader.hpp"

namespace audisp_eql::collector {
namespace {

using Type = StandardDescriptor::Type;
using Transport = StandardDescriptor::Transport;

// A child with these on its standard descriptors, until it goes out of scope.
class Child {
  public:
    Child(int in, int out, int error) {
        pid_ = ::fork();
        if (pid_ != 0)
            return;
        // Copies first, so that none is overwritten before its turn.
        const int copies[] = {::dup(in), ::dup(out), ::dup(error)};
        for (int fd = 0; fd < 3; ++fd)
            copies[fd] >= 0 ? ::dup2(copies[fd], fd) : ::close(fd);
        ::setpgid(0, 0);
        const char done = 'x';
        if (::write(ready_[1], &done, 1) == 1)
            ::pause();
        ::_exit(0);
    }
    ~Child() {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
        ::close(ready_[0]);
        ::close(ready_[1]);
    }
    ExecContext context(const ExecQuestions& questions) const {
        char done = 0;
        BOOST_REQUIRE(::read(ready_[0], &done, 1) == 1);
        ExecContext context;
        LinuxProcReader().read_exec(pid_, questions, context);
        return context;
    }
    pid_t pid() const { return pid_; }

  private:
    struct Pipe {
        int ends[2] = {-1, -1};
        Pipe() { BOOST_REQUIRE(::pipe2(ends, O_CLOEXEC) == 0); }
        int operator[](int i) const { return ends[i]; }
    } ready_;
    pid_t pid_ = -1;
};

struct Fd {
    int fd;
    explicit Fd(int opened) : fd(opened) { BOOST_REQUIRE(fd >= 0); }
    ~Fd() { ::close(fd); }
};

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

std::uint16_t bound_port(int fd) {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    BOOST_REQUIRE(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    return ntohs(address.sin_port);
}

bool call_with(int (*call)(int, const sockaddr*, socklen_t), int fd, std::uint16_t port) {
    const sockaddr_in address = loopback(port);
    return call(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

ExecQuestions stdio_only() {
    ExecQuestions questions;
    questions.stdio = true;
    return questions;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(process)

BOOST_AUTO_TEST_CASE(text_of_an_exec_context_and_back) {
    ExecContext context;
    context.pid = 42;
    context.exe = "/tmp/a b\n";
    context.stdio[0] = {Type::inet, Transport::tcp, 4444, "198.51.100.1"};
    context.stdio[1] = {Type::inet, Transport::udp, 0, ""};
    context.stdio[2].type = Type::closed;
    context.cgroup = "/docker/\"x";
    context.sid = 7;
    context.pgid = 8;
    context.foreign_mounts = context.own_root = true;
    context.variables = {"A=", "LD_PRELOAD=/tmp/x y.so", "B=\n\xff\""};
    std::string text;
    append_text(context, text);
    BOOST_TEST(text.find('\n') == std::string::npos);
    ExecContext read;
    BOOST_REQUIRE(context_from_text(text, read));
    BOOST_TEST((read == context));

    text.clear();
    context.clear(42);
    context.gone = true;
    append_text(context, text);
    BOOST_TEST(text == "pid=42 gone=1");
    BOOST_REQUIRE(context_from_text(text, read));
    BOOST_TEST(read.gone);
    BOOST_TEST(!context_from_text("exe=\"/bin/sh\" fd0=tty", read));
    BOOST_TEST(!context_from_text("", read));
    BOOST_REQUIRE(context_from_text("pid=1 fd0=nonsense fd9=tty fd0_port=x later=1", read));
    BOOST_TEST((read.stdio[0].type == Type::unknown));
}

BOOST_AUTO_TEST_CASE(what_stands_on_descriptors) {
    const Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    const Fd file(::open("/tmp", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600));
    int pipe[2];
    BOOST_REQUIRE(::pipe2(pipe, O_CLOEXEC) == 0);
    const Fd pipe_in(pipe[0]), pipe_out(pipe[1]);
    int pair[2];
    BOOST_REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    const Fd local(pair[0]), other(pair[1]);
    const Fd terminal(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    BOOST_REQUIRE(::grantpt(terminal.fd) == 0);
    BOOST_REQUIRE(::unlockpt(terminal.fd) == 0);
    const Fd tty(::open(::ptsname(terminal.fd), O_RDWR | O_NOCTTY | O_CLOEXEC));
    const Fd netlink(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0));
    struct Row {
        int fd;
        Type type;
    };
    const Row rows[] = {{null.fd, Type::null},   {file.fd, Type::file}, {pipe_out.fd, Type::pipe},
                        {local.fd, Type::local}, {tty.fd, Type::tty},   {netlink.fd, Type::socket},
                        {-1, Type::closed}};
    for (const Row& row : rows) {
        BOOST_TEST_CONTEXT(name_of(row.type)) {
            const Child child(null.fd, row.fd, row.fd);
            const ExecContext context = child.context(stdio_only());
            BOOST_TEST((context.stdio[0].type == Type::null));
            BOOST_TEST((context.stdio[1].type == row.type));
            BOOST_TEST((context.stdio[2] == context.stdio[1]));
            BOOST_TEST(context.cgroup.empty());
            BOOST_TEST(!context.exe.empty());
        }
    }
}

// As the devices of a container look from outside: not by their usual paths.
BOOST_AUTO_TEST_CASE(devices_are_known_under_other_names) {
    char directory[] = "/tmp/audisp-eql-devices-XXXXXX";
    BOOST_REQUIRE(::mkdtemp(directory) != nullptr);
    const std::string path = std::string(directory) + "/null";
    const bool made = ::mknod(path.c_str(), S_IFCHR | 0600, makedev(1, 3)) == 0;
    const int null = made ? ::open(path.c_str(), O_RDWR | O_CLOEXEC) : -1;
    const std::string number = std::string(directory) + "/3";
    const Fd file(::open(number.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    if (null >= 0) {
        const Child child(null, file.fd, file.fd);
        const ExecContext context = child.context(stdio_only());
        BOOST_TEST((context.stdio[0].type == Type::null));
        BOOST_TEST((context.stdio[1].type == Type::file));
        ::close(null);
    } else {
        BOOST_TEST_MESSAGE("skipped: no device can be made or opened in /tmp here");
    }
    ::unlink(path.c_str());
    ::unlink(number.c_str());
    ::rmdir(directory);
}

BOOST_AUTO_TEST_CASE(internet_sockets_say_who_is_at_the_other_end) {
    const Fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    BOOST_REQUIRE(call_with(::bind, listener.fd, 0));
    BOOST_REQUIRE(::listen(listener.fd, 1) == 0);
    const std::uint16_t port = bound_port(listener.fd);
    const Fd tcp(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in6 mapped{};
    mapped.sin6_family = AF_INET6;
    mapped.sin6_port = htons(port);
    mapped.sin6_addr.s6_addr[10] = mapped.sin6_addr.s6_addr[11] = 0xff;
    mapped.sin6_addr.s6_addr[12] = 127;
    mapped.sin6_addr.s6_addr[15] = 1;
    BOOST_REQUIRE(::connect(tcp.fd, reinterpret_cast<sockaddr*>(&mapped), sizeof mapped) == 0);
    const Fd udp(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    BOOST_REQUIRE(call_with(::connect, udp.fd, 53));

    const Child child(tcp.fd, udp.fd, listener.fd);
    const ExecContext context = child.context(stdio_only());
    BOOST_TEST(
        (context.stdio[0] == StandardDescriptor{Type::inet, Transport::tcp, port, "127.0.0.1"}));
    BOOST_TEST(
        (context.stdio[1] == StandardDescriptor{Type::inet, Transport::udp, 53, "127.0.0.1"}));
    BOOST_TEST((context.stdio[2] == StandardDescriptor{Type::inet, Transport::tcp, 0, ""}));

    const auto ends = LinuxProcReader().socket(child.pid(), 0);
    BOOST_REQUIRE(ends);
    BOOST_TEST(ends->inet);
    BOOST_TEST(ends->transport == "tcp");
    BOOST_TEST(ends->peer_ip == "127.0.0.1");
    BOOST_TEST(ends->peer_port == port);
    BOOST_TEST(ends->local_ip == "127.0.0.1");
    BOOST_TEST(ends->local_port != 0);
    BOOST_TEST(LinuxProcReader().socket(child.pid(), 2).value().local_port == port);
    BOOST_TEST(!LinuxProcReader().socket(child.pid(), 999));
}

BOOST_AUTO_TEST_CASE(only_what_is_asked_is_read) {
    const Child child(0, 1, 2);
    ExecQuestions questions;
    questions.container = questions.group = true;
    questions.keep_variable = [](std::string_view variable) {
        return variable.starts_with("PATH=");
    };
    const ExecContext context = child.context(questions);
    BOOST_TEST((context.stdio[0].type == Type::unknown));
    BOOST_TEST(context.cgroup.starts_with("/"));
    BOOST_TEST(context.pgid == child.pid());
    BOOST_TEST(context.sid == ::getsid(0));
    BOOST_REQUIRE(context.variables.size() == 1U);
    BOOST_TEST(context.variables[0] == "PATH=" + std::string(::getenv("PATH")));
}

BOOST_AUTO_TEST_CASE(of_one_that_is_gone_nothing_is_known) {
    const pid_t pid = ::fork();
    if (pid == 0)
        ::_exit(0);
    BOOST_REQUIRE(::waitpid(pid, nullptr, 0) == pid);
    ExecContext context;
    LinuxProcReader().read_exec(pid, stdio_only(), context);
    BOOST_TEST(context.gone);
    BOOST_TEST(context.pid == pid);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace audisp_eql::collector
