// SPDX-License-Identifier: Apache-2.0
// What a live run says about its host before the first event: who it is, its users and groups, its
// processes. Messages like any other, so that a capture holds them and a replay knows them.
//
// User and group names come from /etc/passwd and /etc/group read as files, never through the name
// service, which may ask the network and block.
// Memory: values. Threads: the worker's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "collector/feed/message.hpp"
#include "collector/process/proc_reader.hpp"

namespace audisp_eql::collector {

// What events of this host carry as host.id and host.name. No value has spaces or quotes; empty:
// the host does not say.
struct HostNames {
    std::string machine_id;
    std::string hostname;
};
HostNames read_host_names(const std::string& root = {});

struct HostOptions {
    std::string feeds;  // "audit,proc"
    std::string root;   // tests: where /etc and /proc are looked for
    // Which way audit records come in: "multicast"; empty: none.
    std::string audit_feed = {};
    // The program's own processes; empty: this one.
    std::vector<std::int32_t> own_pids = {};
    // The clocks before the feeds were opened; 0: now. What was queued since must not lie before
    // the first message, or it would be taken for that of an earlier boot.
    std::int64_t mono_ns = 0, real_ns = 0;
    // What is read now was so from then on, as far as is known: messages of that time follow.
    bool backdated = false;
};

struct HostReport {
    std::size_t users = 0;
    std::size_t groups = 0;
    std::size_t processes = 0;
    // Those with a program of their own (no kernel threads) other than ourselves: the ones that
    // audit cannot see if it was never enabled before.
    std::size_t programs = 0;
};

// Hosts with more keep them in a directory service; the files are small everywhere else.
inline constexpr std::size_t kMaxAccountFileBytes = std::size_t{8} << 20;
// pid_max allows more, but such a host is full of threads, not processes.
inline constexpr std::size_t kMaxProcesses = 200'000;

// Clock, host, users, groups, processes, in that order. Call it after the proc connector has
// subscribed: what starts meanwhile is told twice, what was there before once.
HostReport tell_host_facts(MessageSink& sink, ProcReader& proc, const HostOptions& options);

// audit=1 among the kernel's arguments: every process is audited from its first moment on.
bool booted_with_audit(const std::string& root = {});

// One line for a host whose audit was off: programs that started before it was first enabled have
// no audit context, and are not audited until they restart (their children are).
std::string blind_line(std::size_t programs);

}  // namespace audisp_eql::collector
