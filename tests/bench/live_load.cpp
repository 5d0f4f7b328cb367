// SPDX-License-Identifier: Apache-2.0
// What compare makes happen on the host while it measures.
//
// Usage: live_load execs N                 starts /bin/true N times, one after the other
//        live_load connects N RATE         tries to connect, to an address that leads nowhere
//        live_load tcp N                   connects to itself over the loopback, N times
//        live_load technique N DIRECTORY   a program below DIRECTORY connects and becomes a shell
// The time that it took comes out in seconds; of technique, a line for each: the process's id and
// the monotonic time, in nanoseconds, at which the shell ran.
#include <arpa/inet.h>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <netinet/in.h>
#include <string>
#include <unistd.h>

#include <sys/socket.h>
#include <sys/wait.h>

namespace {

std::int64_t now_ns() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * std::int64_t{1'000'000'000} + now.tv_nsec;
}

void sleep_ns(std::int64_t ns) {
    const timespec time{ns / 1'000'000'000, ns % 1'000'000'000};
    nanosleep(&time, nullptr);
}

void start(const char* path, char* const arguments[]) {
    const pid_t child = fork();
    if (child == 0) {
        execv(path, arguments);
        _exit(127);
    }
    int status = 0;
    waitpid(child, &status, 0);
}

void execs(long count) {
    char name[] = "true";
    char* const arguments[] = {name, nullptr};
    for (long i = 0; i < count; ++i)
        start("/bin/true", arguments);
}

// In a network namespace of its own this fails at once; nothing leaves the host.
void try_to_connect() {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(4444);
    inet_pton(AF_INET, "198.51.100.1", &address.sin_addr);  // RFC 5737, for documentation
    if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
        std::fputs("live_load: something answers at 198.51.100.1\n", stderr);
    close(fd);
}

void connects(long count, long rate) {
    const std::int64_t begin = now_ns();
    for (long i = 0; i < count; ++i) {
        try_to_connect();
        if (const std::int64_t due = rate > 0 ? begin + (i + 1) * (1'000'000'000 / rate) : 0;
            due > now_ns())
            sleep_ns(due - now_ns());
    }
}

void tcp(long count) {
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    bind(listener, reinterpret_cast<const sockaddr*>(&address), size);
    listen(listener, 16);
    getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
    // The closing end is the server's: its port is one, and its TIME_WAITs do not use up the range.
    for (long i = 0; i < count; ++i) {
        const int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (connect(client, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
            std::perror("live_load: connect");
            std::exit(1);
        }
        const int server = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        const linger reset{1, 0};
        setsockopt(server, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        close(server);
        close(client);
    }
}

// DIRECTORY/bash starts DIRECTORY/update, which connects and becomes DIRECTORY/bash again; all of
// them are this program.
void technique(long count, const std::string& directory) {
    const std::string program = directory + "/update";
    std::string name = "update";
    char* const arguments[] = {name.data(), nullptr};
    for (long i = 0; i < count; ++i) {
        start(program.c_str(), arguments);
        sleep_ns(30'000'000);
    }
}

int connect_and_become_a_shell() {
    try_to_connect();
    char path[4096];
    const ssize_t size = readlink("/proc/self/exe", path, sizeof path - 1);
    if (size < 0)
        return 1;
    std::string shell(path, static_cast<std::size_t>(size));
    shell.replace(shell.rfind('/') + 1, std::string::npos, "bash");
    std::string role = "arrived";
    std::string name = "bash";
    char* const arguments[] = {name.data(), role.data(), nullptr};
    execv(shell.c_str(), arguments);
    return 1;
}

}  // namespace

int main(int argc, char** argv) {
    const std::int64_t begin = now_ns();
    if (argc == 1)
        return connect_and_become_a_shell();
    const std::string what = argv[1];
    if (what == "arrived") {
        std::printf("%d %lld\n", static_cast<int>(getpid()), static_cast<long long>(begin));
        return 0;
    }
    const long count = argc > 2 ? std::atol(argv[2]) : 0;
    if (what == "execs")
        execs(count);
    else if (what == "connects" && argc > 3)
        connects(count, std::atol(argv[3]));
    else if (what == "tcp")
        tcp(count);
    else if (what == "technique" && argc > 3)
        technique(count, argv[3]);
    else
        return 2;
    if (what != "technique")
        std::printf("%.6f\n", static_cast<double>(now_ns() - begin) / 1e9);
    return 0;
}
