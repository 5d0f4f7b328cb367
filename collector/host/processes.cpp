// SPDX-License-Identifier: Apache-2.0
// Which processes matter to detection: the agents that run, and who else has netlink sockets.
#include <algorithm>
#include <charconv>
#include <filesystem>
#include <sstream>
#include <unistd.h>

#include <fmt/format.h>
#include <linux/netlink.h>
#include <sys/stat.h>
#include <system_error>

#include "collector/host/gather.hpp"
#include "collector/host/system_files.hpp"

namespace audisp_eql::collector {
namespace {

constexpr std::uint32_t kFirstGroup = 1;  // AUDIT_NLGRP_READLOG; CN_IDX_PROC

// auditd starts its plugins without a command word.
bool watches(const std::vector<std::string>& arguments) {
    return arguments.empty() || arguments.front().starts_with('-') || arguments.front() == "run";
}

char state_of(std::int32_t pid) {
    const std::string stat = read_system_file(fmt::format("/proc/{}/stat", pid));
    const auto end = stat.rfind(')');
    return end == std::string::npos || end + 2 >= stat.size() ? 'S' : stat[end + 2];
}

bool reads_stdin(std::int32_t pid) {
    const std::string target = read_system_link(fmt::format("/proc/{}/fd/0", pid));
    return target.starts_with("socket:") || target.starts_with("pipe:");
}

}  // namespace

std::vector<NetlinkSocket> netlink_sockets(std::string_view table) {
    std::vector<NetlinkSocket> sockets;
    std::istringstream lines{std::string(table)};
    std::string line;
    std::getline(lines, line);  // the names of the columns
    while (std::getline(lines, line)) {
        std::istringstream words(line);
        std::string address, port, groups, skip;
        NetlinkSocket socket;
        words >> address >> socket.protocol >> port >> groups;
        for (int i = 0; i < 5; ++i)  // Rmem Wmem Dump Locks Drops
            words >> skip;
        words >> socket.inode;
        if (!words)
            continue;
        std::from_chars(groups.data(), groups.data() + groups.size(), socket.groups, 16);
        sockets.push_back(socket);
    }
    return sockets;
}

std::vector<std::uint64_t> socket_inodes(std::int32_t pid) {
    constexpr std::string_view kSocket = "socket:[";
    std::vector<std::uint64_t> inodes;
    std::error_code error;
    for (std::filesystem::directory_iterator at(fmt::format("/proc/{}/fd", pid), error), end;
         !error && at != end; at.increment(error)) {
        const std::string target = read_system_link(at->path());
        std::uint64_t inode = 0;
        if (!target.starts_with(kSocket))
            continue;
        std::from_chars(target.data() + kSocket.size(), target.data() + target.size(), inode);
        inodes.push_back(inode);
    }
    return inodes;
}

std::optional<AgentFacts> agent_facts(const ProcSnapshot& process) {
    if (!std::string_view(process.exe).ends_with("/audisp-eql") || process.args.empty())
        return std::nullopt;
    AgentFacts agent;
    agent.arguments.assign(process.args.begin() + 1, process.args.end());
    if (!watches(agent.arguments))
        return std::nullopt;
    agent.pid = process.pid;
    agent.parent = process.ppid;
    agent.start_tick = process.start_tick;
    agent.capabilities = process.cap_effective;
    agent.state = state_of(agent.pid);
    const std::string base = fmt::format("/proc/{}/", agent.pid);
    struct stat running {};
    agent.program_replaced = ::stat((base + "exe").c_str(), &running) == 0 && running.st_nlink == 0;
    agent.reads_stdin = reads_stdin(agent.pid);
    const std::string network = read_system_link(base + "ns/net");
    const std::string first = host_network_namespace();
    // Not to be seen: it is just ending, or we may not look.
    agent.same_network_namespace = network.empty() || first.empty() || network == first;
    agent.security_label = read_system_file(base + "attr/current");
    agent.security_label.resize(agent.security_label.find_last_not_of(std::string_view("\n\0", 2)) +
                                1);
    // The table of its own network namespace.
    const auto inodes = socket_inodes(agent.pid);
    for (const NetlinkSocket& socket : netlink_sockets(read_system_file(base + "net/netlink"))) {
        if (std::find(inodes.begin(), inodes.end(), socket.inode) == inodes.end())
            continue;
        agent.has_audit_socket = agent.has_audit_socket || socket.protocol == NETLINK_AUDIT;
        agent.hears_connector = agent.hears_connector || (socket.protocol == NETLINK_CONNECTOR &&
                                                          (socket.groups & kFirstGroup) != 0);
    }
    return agent;
}

std::vector<AgentFacts> find_agents(ProcReader& proc) {
    std::vector<AgentFacts> agents;
    for (const std::int32_t pid : proc.pids()) {
        if (pid == ::getpid())
            continue;
        const auto process = proc.read(pid);
        if (!process)
            continue;
        if (auto agent = agent_facts(*process))
            agents.push_back(std::move(*agent));
    }
    // The confined process of one is the same agent: its first process holds the feeds.
    std::vector<std::int32_t> pids;
    for (const AgentFacts& agent : agents)
        pids.push_back(agent.pid);
    std::erase_if(agents, [&pids](const AgentFacts& agent) {
        return std::find(pids.begin(), pids.end(), agent.parent) != pids.end();
    });
    std::sort(agents.begin(), agents.end(),
              [](const AgentFacts& a, const AgentFacts& b) { return a.pid < b.pid; });
    return agents;
}

}  // namespace audisp_eql::collector
