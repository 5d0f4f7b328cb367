// SPDX-License-Identifier: Apache-2.0
// Finds out what a HostState holds, by trying where that can be tried: the kernel is asked, the
// proc connector is subscribed to and a fork of our own awaited. Changes nothing.
//
// Memory: values. Threads: one; forks once. Takes up to a second.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "collector/host/host_state.hpp"
#include "collector/process/proc_reader.hpp"

namespace audisp_eql::collector {

// Everything but outputs and rules, which depend on the configuration.
HostState gather_host_state(ProcReader& proc);

// ---- its parts, which others use too ----

// Running agents, but for this process.
std::vector<AgentFacts> find_agents(ProcReader& proc);

// nullopt: it does not run audisp-eql, or not to watch the host.
std::optional<AgentFacts> agent_facts(const ProcSnapshot& process);

// auditd as it runs (`pid`; 0: not) or would run, with its configuration.
AuditdFacts gather_auditd(ProcReader& proc, std::int32_t pid);

// auditd starts only what is root's, nobody else's to change, and rwxr-x at least (audispd.c).
bool auditd_would_start(const std::string& program);

// Names and values of auditd's files, in lower case: "key = value", '#' begins a comment line.
std::map<std::string, std::string> read_auditd_file(const std::string& path);

ConnectorFacts try_connector();

// A socket of the netlink family, as /proc/net/netlink lists it.
struct NetlinkSocket {
    int protocol = 0;
    std::uint32_t groups = 0;
    std::uint64_t inode = 0;
};
std::vector<NetlinkSocket> netlink_sockets(std::string_view table);
// Of one process; empty where its descriptors may not be seen.
std::vector<std::uint64_t> socket_inodes(std::int32_t pid);

}  // namespace audisp_eql::collector
