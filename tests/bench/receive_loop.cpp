// SPDX-License-Identifier: Apache-2.0
// The least that a reader of both feeds can do: takes every audit record and every message of the
// proc connector from the kernel, in the order that the program reads them, and throws them away.
// What compare measures the program against. Holds the audit feed until SIGTERM; says what it read.
//
// Usage: receive_loop
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <poll.h>
#include <unistd.h>

#include <libaudit.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/netlink.h>
#include <sys/socket.h>

namespace {

volatile std::sig_atomic_t stopped = 0;

// As the program asks for: some 20,000 events, 8 MiB of records.
constexpr int kConnectorBuffer = 16 << 20;
constexpr int kAuditBuffer = 8 << 20;
// The largest audit record has 8970 bytes (libaudit.h).
constexpr std::size_t kMessageBytes = 16 * 1024;

int netlink_socket(int protocol, std::uint32_t groups, int buffer) {
    const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    address.nl_groups = groups;
    if (fd < 0 || bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer);
    return fd;
}

bool listen_to_processes(int fd) {
    const proc_cn_mcast_op operation = PROC_CN_MCAST_LISTEN;
    nlmsghdr header{};
    cn_msg message{};
    alignas(NLMSG_ALIGNTO) char request[NLMSG_SPACE(sizeof message + sizeof operation)] = {};
    header.nlmsg_len = NLMSG_LENGTH(sizeof message + sizeof operation);
    header.nlmsg_type = NLMSG_DONE;
    message.id = {CN_IDX_PROC, CN_VAL_PROC};
    message.len = sizeof operation;
    std::memcpy(request, &header, sizeof header);
    std::memcpy(request + NLMSG_HDRLEN, &message, sizeof message);
    std::memcpy(request + NLMSG_HDRLEN + sizeof message, &operation, sizeof operation);
    return send(fd, request, header.nlmsg_len, 0) == static_cast<ssize_t>(header.nlmsg_len);
}

bool hold_audit(int fd, std::uint32_t pid) {
    if (audit_set_enabled(fd, 1) <= 0)
        return false;
    return audit_set_pid(fd, pid, WAIT_NO) > 0;
}

// How many there were.
std::uint64_t drain(int fd) {
    static char message[kMessageBytes];
    std::uint64_t count = 0;
    while (recv(fd, message, sizeof message, 0) > 0 || errno == ENOBUFS)
        ++count;
    return count;
}

}  // namespace

int main() {
    const int control = audit_open();
    const int audit = netlink_socket(NETLINK_AUDIT, 0, kAuditBuffer);
    const int processes = netlink_socket(NETLINK_CONNECTOR, CN_IDX_PROC, kConnectorBuffer);
    if (control < 0 || audit < 0 || processes < 0 || !listen_to_processes(processes)) {
        std::perror("receive_loop: a feed is not to be had");
        return 1;
    }
    struct sigaction action {};
    action.sa_handler = [](int) { stopped = 1; };
    sigaction(SIGTERM, &action, nullptr);
    // The kernel sends records to the port of the socket that made the request.
    if (!hold_audit(audit, static_cast<std::uint32_t>(getpid()))) {
        std::perror("receive_loop: the audit feed is held by another process");
        return 1;
    }
    std::puts("reading");
    std::fflush(stdout);
    std::uint64_t records = 0;
    std::uint64_t messages = 0;
    pollfd feeds[] = {{audit, POLLIN, 0}, {processes, POLLIN, 0}};
    while (stopped == 0) {
        if (poll(feeds, 2, -1) < 0)
            continue;
        records += drain(audit);
        messages += drain(processes);
    }
    audit_set_pid(control, 0, WAIT_YES);
    std::printf("%llu records, %llu messages\n", static_cast<unsigned long long>(records),
                static_cast<unsigned long long>(messages));
    return 0;
}
