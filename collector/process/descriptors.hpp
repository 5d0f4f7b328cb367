// SPDX-License-Identifier: Apache-2.0
// The sockets among a process's file descriptors, as far as audit records tell: made by socket,
// connect and accept, copied by dup2 and its kind, handed on by fork and exec. It is how a log that
// holds those calls shows a shell with a connection on its standard descriptors; a live run asks
// /proc, which knows.
//
// What no record tells (a close, an open that gets the number of a closed socket) is not known
// here. So an exec keeps only the standard descriptors, and only a socket that was put on standard
// input and on one of the others is believed: what a program writes to a file whose descriptor has
// the number of a closed socket, it does not read from there.
//
// Memory: counted and pooled; a child shares its parent's table until one of them changes it.
// Threads: the worker only.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include <boost/container/static_vector.hpp>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>

#include "collector/process/exec_context.hpp"

namespace audisp_eql::collector {

struct Process;

// A socket behind a descriptor.
struct KnownSocket {
    StandardDescriptor::Type type = StandardDescriptor::Type::socket;
    StandardDescriptor::Transport transport = StandardDescriptor::Transport::unknown;
    std::uint16_t peer_port = 0;
    std::uint32_t number = 0;   // the same for the copies of one socket
    std::array<char, 46> ip{};  // INET6_ADDRSTRLEN; empty: not connected

    std::string_view peer_ip() const { return ip.data(); }
    void set_peer(std::string_view address, std::uint16_t port);
};

class DescriptorTable
    : public boost::intrusive_ref_counter<DescriptorTable, boost::thread_unsafe_counter> {
  public:
    // A program that turns into a shell has one socket or two; a server's many clients push each
    // other out, and only the newest is handed to a child.
    static constexpr std::size_t kMaxSockets = 16;

    // Null: not known to be a socket.
    const KnownSocket* find(std::int32_t fd) const;
    void set(std::int32_t fd, const KnownSocket& socket);
    void forget(std::int32_t fd);
    // An exec: those above the standard descriptors are not followed further.
    void keep_standard();
    bool empty() const { return entries_.empty(); }
    bool has_others_than_standard() const;
    // One socket is standard input, and standard output or error.
    bool talks() const;

    static void* operator new(std::size_t size);
    static void operator delete(void* memory, std::size_t size);

  private:
    struct Entry {
        std::int32_t fd;
        KnownSocket socket;
    };
    boost::container::static_vector<Entry, kMaxSockets> entries_;  // oldest first
};
using DescriptorTablePtr = boost::intrusive_ptr<DescriptorTable>;

// What the process's records say from now on is its own: before them it takes over what its
// parent's records said. (The parent's come first where they are of the time before the fork.)
void settle_descriptors(Process& process);
// Its table for reading; null: nothing is known.
const DescriptorTable* descriptors_of(Process& process);
// Its table for a change; made if there is none.
DescriptorTable& own_descriptors(Process& process);

}  // namespace audisp_eql::collector
