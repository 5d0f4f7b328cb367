// SPDX-License-Identifier: Apache-2.0
// Which sockets stand on which descriptors, from the records of socket, connect, accept, dup and
// their kind, where the host audits them.
#include <fcntl.h>
#include <netinet/in.h>

#include <sys/socket.h>

#include "collector/audit/record.hpp"
#include "collector/normalize/state.hpp"

namespace audisp_eql::collector {

namespace {

constexpr std::int64_t kInProgress = -115;  // EINPROGRESS of a non-blocking connect

KnownSocket socket_made(const SyscallFacts& facts, std::uint32_t number) {
    KnownSocket made;
    made.number = number;
    const auto domain = facts.argument(0);
    if (domain == AF_UNIX) {
        made.type = StandardDescriptor::Type::local;
    } else if (domain == AF_INET || domain == AF_INET6) {
        made.type = StandardDescriptor::Type::inet;
        const auto type = facts.argument(1) & 0xf;  // SOCK_TYPE_MASK of linux/net.h
        made.transport = type == SOCK_STREAM  ? StandardDescriptor::Transport::tcp
                         : type == SOCK_DGRAM ? StandardDescriptor::Transport::udp
                                              : StandardDescriptor::Transport::other;
    }
    return made;
}

}  // namespace

// The arguments of a socketcall(2) lie behind a pointer; audit has them in a record of their own.
std::uint64_t SyscallFacts::argument(std::size_t index) const {
    const std::string_view packed = event.body_of(audit_type::kSocketcall);
    if (packed.empty())
        return syscall.args[index];
    const char key[] = {'a', static_cast<char>('0' + index)};
    const auto value = find_field(packed, {key, sizeof key});
    return value ? parse_hex(*value).value_or(0) : 0;
}

void Normalizer::State::follow_descriptors(const SyscallFacts& facts) {
    const DescriptorCall call = facts.call.descriptor;
    if (call == DescriptorCall::none || !asked_for.of_exec.stdio)
        return;
    const bool connects = call == DescriptorCall::connect;
    if (facts.syscall.exit < 0 && !(connects && facts.syscall.exit == kInProgress))
        return;
    const ProcessPtr process = process_of(facts);
    const auto fd = static_cast<std::int32_t>(facts.argument(0));
    const auto made = static_cast<std::int32_t>(facts.syscall.exit);
    switch (call) {
        case DescriptorCall::socket:
            own_descriptors(*process).set(made, socket_made(facts, ++sockets_made));
            break;
        case DescriptorCall::connect:
            set_peer(*process, fd, fd, facts);
            break;
        case DescriptorCall::accept:
            set_peer(*process, fd, made, facts);
            break;
        case DescriptorCall::control:
            if (facts.argument(1) != F_DUPFD && facts.argument(1) != F_DUPFD_CLOEXEC)
                break;
            [[fallthrough]];
        case DescriptorCall::duplicate:
            copy_descriptor(*process, fd, made);
            break;
        case DescriptorCall::close:
            if (const auto* const table = descriptors_of(*process); table && table->find(fd))
                own_descriptors(*process).forget(fd);
            break;
        case DescriptorCall::none:
            break;
    }
}

// `fd` is the socket that the call names, `made` the one that has the peer then.
void Normalizer::State::set_peer(Process& process, std::int32_t fd, std::int32_t made,
                                 const SyscallFacts& facts) {
    const DescriptorTable* const table = descriptors_of(process);
    const KnownSocket* const known = table ? table->find(fd) : nullptr;
    KnownSocket socket = known ? *known : KnownSocket{};
    if (!known || fd != made)
        socket.number = ++sockets_made;
    const auto address = socket_address(facts.event);
    if (address && address->is_inet()) {
        socket.type = StandardDescriptor::Type::inet;
        socket.set_peer(address->ip, address->port);
    } else if (address && address->family == SocketAddress::Family::unix_domain) {
        socket.type = StandardDescriptor::Type::local;
    } else if (!known) {
        return;  // accept(fd, NULL, NULL) on a socket that nobody told of
    }
    own_descriptors(process).set(made, socket);
}

void Normalizer::State::copy_descriptor(Process& process, std::int32_t from, std::int32_t to) {
    const DescriptorTable* const table = descriptors_of(process);
    if (!table || from == to)
        return;
    if (const KnownSocket* const socket = table->find(from)) {
        const KnownSocket copy = *socket;
        own_descriptors(process).set(to, copy);
    } else if (table->find(to)) {
        own_descriptors(process).forget(to);
    }
}

bool Normalizer::State::stdio_of_records(Process& process) {
    const DescriptorTable* const table = descriptors_of(process);
    if (!table)
        return false;
    const bool believed = table->talks();
    for (std::size_t i = 0; i < ExecContext::kStandard; ++i) {
        StandardDescriptor& standard = stdio_scratch[i];
        const KnownSocket* const socket = table->find(static_cast<std::int32_t>(i));
        standard.type = socket ? socket->type : StandardDescriptor::Type::unknown;
        standard.transport = socket ? socket->transport : StandardDescriptor::Transport::unknown;
        standard.peer_ip = socket ? socket->peer_ip() : std::string_view{};
        standard.peer_port = socket ? socket->peer_port : std::uint16_t{0};
    }
    if (table->has_others_than_standard())
        own_descriptors(process).keep_standard();
    return believed;
}

}  // namespace audisp_eql::collector
