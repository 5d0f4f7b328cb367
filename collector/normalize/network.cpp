// SPDX-License-Identifier: Apache-2.0
// connection_attempted and connection_accepted, through whatever door: connect, socketcall, TCP
// fast open, io_uring. And the messages that connect nothing.
#include <functional>

#include <boost/container_hash/hash.hpp>

#include "collector/audit/record.hpp"
#include "collector/normalize/state.hpp"

namespace audisp_eql::collector {

using detect::FieldId;

namespace {

// errno values of Linux (asm-generic), as a system call returns them.
constexpr std::int64_t kAgain = -11;
constexpr std::int64_t kInProgress = -115;
constexpr std::int64_t kAlready = -114;
constexpr std::int64_t kIsConnected = -106;

// linux/socket.h, linux/io_uring.h
constexpr std::uint64_t kFastOpen = 0x20000000;  // MSG_FASTOPEN
constexpr std::int64_t kRingConnect = 16;        // IORING_OP_CONNECT

std::string_view network_type(const SocketAddress& address) {
    return address.family == SocketAddress::Family::inet ? "ipv4" : "ipv6";
}

std::uint64_t flags_of(const SyscallFacts& facts) {
    return facts.call.flags < 0 ? 0 : facts.argument(static_cast<std::size_t>(facts.call.flags));
}

}  // namespace

bool Normalizer::State::repeats_attempt(const SyscallFacts& facts, const SocketAddress& address,
                                        std::int64_t result) {
    std::size_t key = std::hash<std::string_view>{}(address.ip);
    boost::hash_combine(key, address.port);
    boost::hash_combine(key, facts.syscall.pid);
    boost::hash_combine(key, facts.argument(0));
    const std::int64_t now = facts.time.engine_ns;
    while (!attempts_in_order.empty() &&
           (attempts_in_order.front().engine_ns + kConnectRepeatNs < now ||
            attempts_in_order.size() >= kMaxConnectAttempts)) {
        const ConnectAttempt& oldest = attempts_in_order.front();
        const auto found = attempts.find(oldest.key);
        if (found != attempts.end() && found->second == oldest.engine_ns)
            attempts.erase(found);
        attempts_in_order.pop_front();
    }
    if (result == kAlready || result == kIsConnected)
        return attempts.contains(key);
    attempts[key] = now;
    attempts_in_order.push_back({key, now});
    return false;
}

void Normalizer::State::on_connect(const SyscallFacts& facts) {
    const auto address = socket_address(facts.event);
    if (!address) {
        ++(facts.event.has(audit_type::kSockaddr) ? counters.undecoded : counters.ignored);
        return;
    }
    attempt(facts, *address, facts.syscall.exit);
}

void Normalizer::State::attempt(const SyscallFacts& facts, const SocketAddress& address,
                                std::int64_t result) {
    if (!address.is_inet()) {
        ++counters.ignored;
        return;
    }
    if (repeats_attempt(facts, address, result)) {
        ++counters.repeated_connects;
        return;
    }
    const Actor actor = actor_of(facts);
    actor.process->network_us = facts.time.wall_us;
    ++counters.connect;
    // A recording holds what /proc said, whatever rules look at.
    const bool recorded = proc && learned;
    if (!recorded && !wanted(EventKind::connect, *actor.process, actor.image->block))
        return;
    put_shape(EventKind::connect, facts.time);
    put_credentials(actor.process->credentials);
    put_syscall(facts);
    const bool pending = result == kInProgress || result == kAgain;
    builder.set_literal(FieldId::event_outcome, result >= 0 ? "success"
                                                : pending   ? "unknown"
                                                            : "failure");
    put_peer(address);
    put_local_end(facts, address, result);
    emit(facts.time, facts.origin(), *actor.process, actor.image->block);
}

void Normalizer::State::put_peer(const SocketAddress& address) {
    const auto text = builder.append(address.ip);
    builder.set_text(FieldId::destination_ip, text);
    builder.set_text(FieldId::destination_address, text);
    builder.set_integer(FieldId::destination_port, address.port);
    builder.set_literal(FieldId::network_direction, "egress");
    builder.set_literal(FieldId::network_type, network_type(address));
}

// No record has it. The descriptor is the first argument of connect(2) and its kind; of a ring's
// operation it is not told.
void Normalizer::State::put_local_end(const SyscallFacts& facts, const SocketAddress& address,
                                      std::int64_t result) {
    if (facts.call.operation == Operation::send)
        builder.set_literal(FieldId::network_transport, "tcp");
    const bool by_descriptor =
        facts.call.operation == Operation::connect || facts.call.operation == Operation::send;
    if (!by_descriptor || (proc && !asked_for.local_ends))
        return;
    const auto ends = socket_of(facts, static_cast<std::int32_t>(facts.argument(0)));
    if (!ends || !ends->inet)
        return;
    // Another socket by now, unless it has that peer or is still on its way to it.
    const bool same = ends->peer_ip == address.ip && ends->peer_port == address.port;
    if (!same && !(ends->peer_ip.empty() && result == kInProgress))
        return;
    put_own_address(*ends, FieldId::source_ip, FieldId::source_address, FieldId::source_port);
}

void Normalizer::State::put_own_address(const SocketEnds& ends, FieldId ip, FieldId text,
                                        FieldId port) {
    builder.set_literal(FieldId::network_source, "procfs");
    if (!ends.transport.empty())
        builder.set_text(FieldId::network_transport, ends.transport);
    if (ends.local_ip.empty())
        return;
    const auto bytes = builder.append(ends.local_ip);
    builder.set_text(ip, bytes);
    builder.set_text(text, bytes);
    builder.set_integer(port, ends.local_port);
}

// TCP fast open: the first message connects (tcp(7)). Any other message to an address tells of no
// connection; a rule may ask for it.
void Normalizer::State::on_send(const SyscallFacts& facts) {
    const auto address = socket_address(facts.event);
    if (!address || !address->is_inet()) {
        ++counters.ignored;
        return;
    }
    if ((flags_of(facts) & kFastOpen) != 0) {
        attempt(facts, *address, facts.syscall.exit);
        return;
    }
    if (!wanted(EventKind::send)) {
        ++counters.ignored;
        return;
    }
    const Actor actor = actor_of(facts);
    put_call(EventKind::send, facts, *actor.process);
    put_socket(*address);
    put_peer(*address);
    ++counters.other;
    emit(facts.time, facts.origin(), *actor.process, actor.image->block);
}

namespace {

// The operations of one submission stand in URINGOP records before the SYSCALL record. A connect
// that would block is tried again by a worker: the last record has the result.
std::optional<std::int64_t> result_of_ring_connect(const AuditEvent& event, bool& other_operation) {
    std::optional<std::int64_t> result;
    for (const AuditEvent::Record& record : event.records()) {
        if (record.type != audit_type::kUringop)
            continue;
        const std::string_view body = event.body(record);
        const auto operation = find_field(body, "uring_op");
        if (operation && parse_decimal(*operation) == kRingConnect)
            result = parse_decimal(find_field(body, "exit").value_or("")).value_or(kAgain);
        else
            other_operation = true;
    }
    return result;
}

}  // namespace

void Normalizer::State::on_ring(const SyscallFacts& facts) {
    const auto address = socket_address(facts.event);
    bool other_operation = false;
    auto result = result_of_ring_connect(facts.event, other_operation);
    // Kernels before 5.16 write no URINGOP: then the address is all there is.
    if (!result && !other_operation)
        result = kInProgress;
    if (!address || !result) {
        ++counters.ignored;
        return;
    }
    attempt(facts, *address, *result);
}

// A ring with a kernel thread of its own (SQPOLL) makes no system call: the audit rules' io_uring
// list writes URINGOP and SOCKADDR alone. The second try comes as an event without an address.
void Normalizer::State::on_ring_record(const AuditEvent& event) {
    const auto address = socket_address(event);
    bool other_operation = false;
    const auto result = result_of_ring_connect(event, other_operation);
    const auto record = parse_task(event.body_of(audit_type::kUringop));
    if (!address || !result || !record) {
        ++counters.ignored;
        return;
    }
    static constexpr Syscall kNoCall;
    SyscallFacts facts{event, *record, kNoCall, {}, {}};
    date(facts, false);
    attempt(facts, *address, *result);
}

// accept(fd, NULL, NULL) has no address in its record, but the descriptor: as long as the process
// keeps it, the socket itself tells.
std::optional<SocketEnds> Normalizer::State::ends_of_accept(
    const SyscallFacts& facts, const std::optional<SocketAddress>& address) {
    const bool asks = asked_for.local_ends || (!address && asked_for.accepted_ends);
    if (proc && (!asks || !wanted(EventKind::accept)))
        return std::nullopt;
    auto ends = socket_of(facts, static_cast<std::int32_t>(facts.syscall.exit));
    // With another peer it is another socket by now.
    if (ends && ends->inet && address &&
        (ends->peer_ip != address->ip || ends->peer_port != address->port))
        return std::nullopt;
    return ends;
}

// Live, /proc is asked about an accept without an address only if a rule may look at it: a busy
// server makes thousands a second.
bool Normalizer::State::passes_over(const SyscallFacts& facts) {
    if (!proc || learned || asked_for.idle)
        return false;
    const Actor actor = actor_of(facts);
    if (wanted(EventKind::accept, *actor.process, actor.image->block))
        return false;
    actor.process->network_us = Process::kUnknownNetwork;
    ++counters.accept;
    ++counters.accepts_without_peer;
    return true;
}

void Normalizer::State::on_accept(const SyscallFacts& facts) {
    auto address = socket_address(facts.event);
    if (address && !address->is_inet()) {
        ++counters.ignored;
        return;
    }
    if (!address && passes_over(facts))
        return;
    const auto ends = ends_of_accept(facts, address);
    if (ends && !ends->inet && !address) {
        ++counters.ignored;  // a unix socket
        return;
    }
    if (!address && ends && !ends->peer_ip.empty()) {
        address.emplace();
        address->family = ends->peer_ip.find(':') == std::string::npos
                              ? SocketAddress::Family::inet
                              : SocketAddress::Family::inet6;
        address->ip = ends->peer_ip;
        address->port = ends->peer_port;
    }
    if (!address)
        ++counters.accepts_without_peer;
    const Actor actor = actor_of(facts);
    actor.process->network_us = facts.time.wall_us;
    ++counters.accept;
    if (!wanted(EventKind::accept, *actor.process, actor.image->block))
        return;
    put_shape(EventKind::accept, facts.time);
    put_credentials(actor.process->credentials);
    put_syscall(facts);
    builder.set_literal(FieldId::event_outcome, "success");
    builder.set_literal(FieldId::network_direction, "ingress");
    if (address) {
        const auto text = builder.append(address->ip);
        builder.set_text(FieldId::source_ip, text);
        builder.set_text(FieldId::source_address, text);
        builder.set_integer(FieldId::source_port, address->port);
        // The record holds the peer only; rules ask for destination.ip of an accept too.
        builder.set_text(FieldId::destination_ip, text);
        builder.set_text(FieldId::destination_address, text);
        builder.set_literal(FieldId::network_type, network_type(*address));
    }
    if (ends && ends->inet)
        put_own_address(*ends, FieldId::destination_ip, FieldId::destination_address,
                        FieldId::destination_port);
    emit(facts.time, facts.origin(), *actor.process, actor.image->block);
}

}  // namespace audisp_eql::collector
