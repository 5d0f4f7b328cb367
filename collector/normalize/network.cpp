// SPDX-License-Identifier: Apache-2.0
// connection_attempted and connection_accepted. Doors into the network other than connect and
// accept (io_uring, TCP fast open, sendto) belong here.
#include <functional>

#include <boost/container_hash/hash.hpp>

#include "collector/audit/record.hpp"
#include "collector/normalize/state.hpp"

namespace audisp_eql::collector {

using detect::FieldId;

namespace {

// errno values of Linux (asm-generic), as a system call returns them.
constexpr std::int64_t kInProgress = -115;
constexpr std::int64_t kAlready = -114;
constexpr std::int64_t kIsConnected = -106;

std::string_view network_type(const SocketAddress& address) {
    return address.family == SocketAddress::Family::inet ? "ipv4" : "ipv6";
}

// The first argument of the call itself; socketcall(2) keeps it behind a pointer and audit in a
// record of its own.
std::uint64_t descriptor_of(const SyscallFacts& facts) {
    const std::string_view packed = facts.event.body_of(audit_type::kSocketcall);
    if (packed.empty())
        return facts.syscall.args[0];
    const auto value = find_field(packed, "a0");
    return value ? parse_hex(*value).value_or(0) : 0;
}

}  // namespace

bool Normalizer::State::repeats_attempt(const SyscallFacts& facts, const SocketAddress& address) {
    std::size_t key = std::hash<std::string_view>{}(address.ip);
    boost::hash_combine(key, address.port);
    boost::hash_combine(key, facts.syscall.pid);
    boost::hash_combine(key, descriptor_of(facts));
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
    const std::int64_t exit = facts.syscall.exit;
    if (exit == kAlready || exit == kIsConnected)
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
    if (!address->is_inet()) {
        ++counters.ignored;
        return;
    }
    if (repeats_attempt(facts, *address)) {
        ++counters.repeated_connects;
        return;
    }
    const ProcessPtr process = process_of(facts);
    const ImagePtr image = processes.image_at(*process, facts.point);
    release_missed_images();
    complete_image(*image, facts);

    put_shape(EventKind::connect, facts.time);
    put_credentials(process->credentials);
    put_syscall(facts);
    const std::int64_t exit = facts.syscall.exit;
    builder.set_literal(FieldId::event_outcome, exit == 0             ? "success"
                                                : exit == kInProgress ? "unknown"
                                                                      : "failure");
    const auto text = builder.append(address->ip);
    builder.set_text(FieldId::destination_ip, text);
    builder.set_text(FieldId::destination_address, text);
    builder.set_integer(FieldId::destination_port, address->port);
    builder.set_literal(FieldId::network_direction, "egress");
    builder.set_literal(FieldId::network_type, network_type(*address));
    ++counters.connect;
    emit(facts.time, facts.origin(), *process, image->block);
}

void Normalizer::State::on_accept(const SyscallFacts& facts) {
    const auto address = socket_address(facts.event);
    if (address && !address->is_inet()) {
        ++counters.ignored;
        return;
    }
    const ProcessPtr process = process_of(facts);
    const ImagePtr image = processes.image_at(*process, facts.point);
    release_missed_images();
    complete_image(*image, facts);

    put_shape(EventKind::accept, facts.time);
    put_credentials(process->credentials);
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
    } else {
        ++counters.accepts_without_peer;  // accept(fd, NULL, NULL)
    }
    ++counters.accept;
    emit(facts.time, facts.origin(), *process, image->block);
}

}  // namespace audisp_eql::collector
