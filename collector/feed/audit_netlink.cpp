// SPDX-License-Identifier: Apache-2.0
#include "collector/feed/audit_netlink.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>
#include <libaudit.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "collector/feed/audit_control.hpp"
#include "collector/feed/netlink_slots.hpp"

namespace audisp_eql::collector {

std::optional<AuditFrame> parse_audit_datagram(std::string_view datagram) {
    nlmsghdr header{};
    if (datagram.size() < sizeof header)
        return std::nullopt;
    std::memcpy(&header, datagram.data(), sizeof header);
    AuditFrame frame{header.nlmsg_type, datagram.substr(NLMSG_HDRLEN)};
    // Text that a program sent (AUDIT_USER…) may bring its NUL along.
    while (!frame.bytes.empty() && frame.bytes.back() == '\0')
        frame.bytes.remove_suffix(1);
    return frame;
}

bool is_audit_record(std::uint16_t type) {
    if (type == AUDIT_USER || type == AUDIT_LOGIN)
        return true;
    return type >= AUDIT_FIRST_USER_MSG && type != AUDIT_REPLACE;
}

struct AuditNetlink::Slots : NetlinkSlots<kMaxBatch, kSlotBytes> {};

AuditNetlink::AuditNetlink() : fd_(::audit_open()), slots_(std::make_unique<Slots>()) {
    if (fd_ < 0)
        throw std::runtime_error(
            fmt::format("the kernel's audit socket cannot be opened: {}", std::strerror(errno)));
    try {
        register_reader();
    } catch (...) {
        ::audit_close(fd_);
        throw;
    }
}

AuditNetlink::AuditNetlink(int descriptor) : fd_(descriptor), slots_(std::make_unique<Slots>()) {}

AuditNetlink::~AuditNetlink() {
    ::close(fd_);
}

void AuditNetlink::make_room(int bytes) const {
    if (::setsockopt(fd_, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) != 0)
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

std::unique_ptr<AuditNetlink> AuditNetlink::listen() {
    // The kernel sends to listeners of the first network namespace only; elsewhere the group can be
    // joined and stays silent.
    struct stat own {
    }, first{};
    if (::stat("/proc/self/ns/net", &own) == 0 && ::stat("/proc/1/ns/net", &first) == 0 &&
        (own.st_ino != first.st_ino || own.st_dev != first.st_dev))
        throw std::runtime_error(
            "the kernel sends audit records to the host's network namespace only, and this program "
            "runs in another one");
    const int fd = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_AUDIT);
    if (fd < 0)
        throw std::runtime_error(
            fmt::format("the kernel's audit socket cannot be opened: {}", std::strerror(errno)));
    auto listener = std::make_unique<AuditNetlink>(fd);
    listener->make_room(kListenBuffer);
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    address.nl_groups = 1U << (AUDIT_NLGRP_READLOG - 1);
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        throw std::runtime_error(
            fmt::format("the kernel does not let this program listen to audit (CAP_AUDIT_READ on "
                        "the host itself is needed): {}",
                        std::strerror(errno)));
    return listener;
}

void AuditNetlink::register_reader() {
    make_room(kReceiveBuffer);
    const int answer = ::audit_set_pid(fd_, static_cast<std::uint32_t>(::getpid()), WAIT_NO);
    if (answer > 0)
        return;
    if (answer == -EEXIST)
        throw std::runtime_error("the audit feed is held by " + audit_holder());
    throw std::runtime_error(fmt::format("the kernel does not give us the audit feed: {}",
                                         std::strerror(answer < 0 ? -answer : EIO)));
}

void AuditNetlink::read(std::size_t max_records, AuditBatch& batch) {
    const std::size_t wanted = std::min(max_records, kMaxBatch);
    int got = 0;
    do {
        got = slots_->receive(fd_, wanted);
        // The overrun is told once, before the messages that precede it; what the socket holds is
        // still there.
        if (got < 0 && errno == ENOBUFS) {
            batch.overrun = true;
            continue;
        }
    } while (got < 0 && (errno == EINTR || errno == ENOBUFS));
    if (got < 0) {
        if (errno != EAGAIN && errno != EWOULDBLOCK)
            batch.error = errno;
        return;
    }
    for (std::size_t i = 0; i < static_cast<std::size_t>(got); ++i) {
        if (!slots_->is_from_kernel(i)) {
            ++batch.foreign;
            continue;
        }
        if (slots_->is_cut(i)) {
            ++batch.cut;
            continue;
        }
        const auto frame = parse_audit_datagram(slots_->bytes(i));
        if (!frame || !is_audit_record(frame->type)) {
            ++batch.control;
            continue;
        }
        batch.records.push_back({MessageKind::audit_record, frame->type, frame->bytes});
    }
}

}  // namespace audisp_eql::collector
