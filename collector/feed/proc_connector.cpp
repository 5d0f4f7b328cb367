// SPDX-License-Identifier: Apache-2.0
#include "collector/feed/proc_connector.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <stdexcept>
#include <string>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>
#include <libmnl/libmnl.h>
#include <linux/connector.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include "collector/feed/netlink_slots.hpp"

namespace audisp_eql::collector {
namespace {

// Of one system call.
constexpr std::size_t kSlots = 128;

// The wire's forms (linux/connector.h, linux/cn_proc.h), as own structs: cn_proc.h renamed its enum
// in 6.6. The event lies 36 bytes into the datagram, not aligned to 8: it is copied out.
struct WireMessage {
    std::uint32_t index, value, seq, ack;
    std::uint16_t length, flags;
};
static_assert(sizeof(WireMessage) == 20);

struct WireEvent {
    std::uint32_t what;
    std::uint32_t cpu;
    std::uint64_t timestamp_ns;
    union {
        struct {
            std::int32_t parent_pid, parent_tgid, child_pid, child_tgid;
        } fork;
        struct {
            std::int32_t pid, tgid;
            std::uint32_t first, second;  // identities; exit: code and signal
            std::int32_t parent_pid, parent_tgid;
        } task;
        struct {
            std::int32_t pid, tgid;
            char comm[16];
        } comm;
    } data;
};
static_assert(sizeof(WireEvent) == 40);

constexpr std::uint32_t kListen = 1, kIgnore = 2;  // PROC_CN_MCAST_LISTEN, _IGNORE
constexpr std::uint32_t kGroup = CN_IDX_PROC;

constexpr std::uint32_t bit(ProcEvent::What what) {
    return static_cast<std::uint32_t>(what);
}
ProcEvent flatten(const WireEvent& wire, std::uint32_t seq) {
    ProcEvent event;
    event.what = static_cast<ProcEvent::What>(wire.what);
    event.cpu = wire.cpu;
    event.seq = seq;
    event.ns = static_cast<std::int64_t>(wire.timestamp_ns);
    if (event.what == ProcEvent::What::fork) {
        event.parent_pid = wire.data.fork.parent_pid;
        event.parent_tgid = wire.data.fork.parent_tgid;
        event.pid = wire.data.fork.child_pid;
        event.tgid = wire.data.fork.child_tgid;
        return event;
    }
    event.pid = wire.data.task.pid;
    event.tgid = wire.data.task.tgid;
    switch (event.what) {
        case ProcEvent::What::uid:
        case ProcEvent::What::gid:
            event.first = wire.data.task.first;
            event.second = wire.data.task.second;
            break;
        case ProcEvent::What::ptrace:
            event.parent_pid = static_cast<std::int32_t>(wire.data.task.first);
            event.parent_tgid = static_cast<std::int32_t>(wire.data.task.second);
            break;
        case ProcEvent::What::coredump:
            event.parent_pid = static_cast<std::int32_t>(wire.data.task.first);
            event.parent_tgid = static_cast<std::int32_t>(wire.data.task.second);
            break;
        case ProcEvent::What::comm:
            std::memcpy(event.comm, wire.data.comm.comm, sizeof event.comm);
            break;
        case ProcEvent::What::exit:
            event.first = wire.data.task.first;
            event.second = wire.data.task.second;
            event.parent_pid = wire.data.task.parent_pid;
            event.parent_tgid = wire.data.task.parent_tgid;
            break;
        default:
            break;
    }
    return event;
}

}  // namespace

std::optional<ProcFrame> parse_proc_event(std::string_view payload) {
    WireMessage message{};
    if (payload.size() < sizeof message)
        return std::nullopt;
    std::memcpy(&message, payload.data(), sizeof message);
    payload.remove_prefix(sizeof message);
    if (message.index != CN_IDX_PROC || message.value != CN_VAL_PROC)
        return std::nullopt;
    // Older kernels sent a shorter event (without an exit's parent): what is missing stays zero.
    constexpr std::size_t kSmallest = 32;
    const std::size_t length = std::min<std::size_t>(message.length, payload.size());
    if (length < kSmallest)
        return std::nullopt;
    WireEvent wire{};
    std::memcpy(&wire, payload.data(), std::min(length, sizeof wire));
    return ProcFrame{flatten(wire, message.seq), message.ack};
}

// A message has 76 bytes.
struct ProcConnector::Slots : NetlinkSlots<kSlots, 256> {};

void ProcConnector::Closer::operator()(mnl_socket* socket) const {
    ::mnl_socket_close(socket);
}

ProcConnector::ProcConnector(std::uint32_t more)
    : wanted_(kAlways | more), slots_(std::make_unique<Slots>()) {
    open();
    if (!subscribe())
        throw std::runtime_error(
            "the kernel does not answer the subscription (no "
            "CONFIG_PROC_EVENTS, or a container)");
    narrow();
}

ProcConnector::ProcConnector(std::uint32_t more, int released)
    : wanted_(kAlways | more),
      socket_(::mnl_socket_fdopen(released)),
      slots_(std::make_unique<Slots>()) {
    if (socket_ == nullptr) {
        ::close(released);
        throw std::runtime_error("what was inherited is no connector socket");
    }
    ::fcntl(released, F_SETFD, FD_CLOEXEC);
    narrow();
}

int ProcConnector::release() {
    const int descriptor_of_it = ::fcntl(descriptor(), F_DUPFD_CLOEXEC, 0);
    released_ = descriptor_of_it >= 0;
    return descriptor_of_it;
}

ProcConnector::~ProcConnector() {
    if (released_)
        return;
    // Kernels before 6.6 count listeners and do not see a socket close.
    try {
        send(kIgnore, false, 0);
    } catch (const std::runtime_error&) {
        // The socket is gone; so is the subscription.
    }
}

// Kernels from 6.6 on send only the wanted events then; older ones take no notice of a request of
// this length (cn_proc_mcast_ctl() in drivers/connector/cn_proc.c). What was asked for is all that
// the kernel lets through, which its own answer is not: none is awaited.
void ProcConnector::narrow() {
    send(kListen, true, 0);
}

void ProcConnector::ask(std::uint32_t more) {
    const std::uint32_t before = std::exchange(wanted_, kAlways | more);
    if (wanted_ == before)
        return;
    try {
        narrow();
    } catch (const std::runtime_error&) {
        wanted_ = before;
        throw;
    }
}

int ProcConnector::descriptor() const {
    return ::mnl_socket_get_fd(socket_.get());
}

void ProcConnector::open() {
    socket_.reset(::mnl_socket_open2(NETLINK_CONNECTOR, SOCK_CLOEXEC));
    if (socket_ == nullptr)
        throw std::runtime_error(fmt::format("no connector socket: {}", std::strerror(errno)));
    const int fd = descriptor();
    if (::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer, sizeof kReceiveBuffer) != 0)
        ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &kReceiveBuffer, sizeof kReceiveBuffer);
    if (::mnl_socket_bind(socket_.get(), kGroup, MNL_SOCKET_AUTOPID) != 0)
        throw std::runtime_error(
            fmt::format("the process event group cannot be joined: {}", std::strerror(errno)));
}

void ProcConnector::send(std::uint32_t operation, bool with_mask, std::uint32_t ack) {
    std::array<char, 64> buffer{};
    nlmsghdr* header = ::mnl_nlmsg_put_header(buffer.data());
    header->nlmsg_type = NLMSG_DONE;
    header->nlmsg_pid = ::mnl_socket_get_portid(socket_.get());
    const std::uint32_t body[2] = {operation, wanted_};
    const std::size_t length = with_mask ? sizeof body : sizeof body[0];
    const WireMessage message{
        CN_IDX_PROC, CN_VAL_PROC, 0, ack, static_cast<std::uint16_t>(length), 0};
    void* place = ::mnl_nlmsg_put_extra_header(header, sizeof message + length);
    std::memcpy(place, &message, sizeof message);
    std::memcpy(static_cast<char*>(place) + sizeof message, body, length);
    if (::mnl_socket_sendto(socket_.get(), header, header->nlmsg_len) < 0)
        throw std::runtime_error(
            fmt::format("the kernel refuses the subscription: {}", std::strerror(errno)));
}

bool ProcConnector::subscribe() {
    // Other listeners' answers reach the whole group: ours is known by its number.
    const auto now = std::chrono::steady_clock::now();
    const auto ack = static_cast<std::uint32_t>(::getpid()) * 7919U +
                     static_cast<std::uint32_t>(now.time_since_epoch().count());
    send(kListen, false, ack);
    const auto until = now + std::chrono::milliseconds(kAnswerMs);
    bool acknowledged = false;
    while (!acknowledged) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
                              until - std::chrono::steady_clock::now())
                              .count();
        pollfd waiting{descriptor(), POLLIN, 0};
        if (left <= 0 || ::poll(&waiting, 1, static_cast<int>(left)) == 0)
            return false;
        // The answer repeats the number sent, plus one; its sequence number is the CPU's own.
        receive(kMaxDrain, early_, ack + 1, acknowledged);
    }
    return true;
}

ProcDrain ProcConnector::drain(std::size_t max_events, std::vector<ProcEvent>& events) {
    const std::size_t first = std::min(max_events, early_.size());
    if (first != 0) {
        events.insert(events.end(), early_.begin(),
                      early_.begin() + static_cast<std::ptrdiff_t>(first));
        early_.erase(early_.begin(), early_.begin() + static_cast<std::ptrdiff_t>(first));
    }
    bool ignored = false;
    return receive(max_events - first, events, 0, ignored);
}

ProcDrain ProcConnector::receive(std::size_t max_events, std::vector<ProcEvent>& events,
                                 std::uint32_t awaited_ack, bool& acknowledged) {
    ProcDrain result;
    std::size_t left = max_events;
    while (left > 0) {
        const std::size_t wanted = std::min(left, kSlots);
        const int got = slots_->receive(descriptor(), wanted);
        if (got < 0) {
            if (errno == EINTR)
                continue;
            // Told once, before the messages that precede the hole.
            if (errno == ENOBUFS) {
                result.overrun = true;
                continue;
            }
            if (errno != EAGAIN && errno != EWOULDBLOCK)
                result.error = errno;
            return result;
        }
        const auto came = static_cast<std::size_t>(got);
        left -= came;
        for (std::size_t i = 0; i < came; ++i) {
            if (!slots_->is_from_kernel(i)) {
                ++result.foreign;
                continue;
            }
            const std::string_view bytes = slots_->bytes(i);
            auto rest = static_cast<int>(bytes.size());
            const auto* header = reinterpret_cast<const nlmsghdr*>(bytes.data());
            for (; ::mnl_nlmsg_ok(header, rest); header = ::mnl_nlmsg_next(header, &rest)) {
                const auto frame =
                    parse_proc_event({static_cast<const char*>(::mnl_nlmsg_get_payload(header)),
                                      ::mnl_nlmsg_get_payload_len(header)});
                if (!frame)
                    ++result.malformed;
                else if (frame->event.what == ProcEvent::What::none)
                    acknowledged = acknowledged || frame->ack == awaited_ack;
                else if ((bit(frame->event.what) & wanted_) != 0)
                    events.push_back(frame->event);
            }
        }
        if (came < wanted)
            return result;  // it is empty
    }
    result.more = true;
    return result;
}

}  // namespace audisp_eql::collector
