// SPDX-License-Identifier: Apache-2.0
// What a host has and does as far as detection depends on it: facts, without judgement. A fact that
// could not be found out is empty, and is then not judged.
//
// Memory: values. Threads: plain data.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "collector/feed/audit_control.hpp"
#include "collector/host/kernel_features.hpp"

namespace audisp_eql::collector {

// One of the kernel's audit rules, as far as it can hide something from us.
struct AuditLine {
    enum class List : std::uint8_t { task, exit, exclude, io_uring, other };
    List list = List::other;
    bool never = false;
    bool own = false;                          // its key is one of ours
    std::string key;                           // empty: none
    bool every_process = false;                // no test but arch and key
    bool exec = false, connect = false;        // of this machine's own word size
    std::vector<std::uint32_t> message_types;  // exclude: AUDIT_MSGTYPE tests for equality
};
AuditLine describe(const AuditRuleBytes& rule);

// A program by its pid, as messages name it.
struct NamedProcess {
    std::int32_t pid = 0;
    std::string name;
    bool operator==(const NamedProcess&) const = default;
};

// A running `audisp-eql run`.
struct AgentFacts {
    std::int32_t pid = 0;
    std::int32_t parent = 0;
    std::vector<std::string> arguments;  // without the program's name
    std::int64_t start_tick = 0;
    char state = 'S';                    // as in /proc/PID/stat; T: stopped
    std::int64_t capabilities = -1;      // effective; -1: not known
    bool program_replaced = false;       // its file was removed or replaced since it started
    bool has_audit_socket = false;       // netlink, to the kernel's audit
    bool hears_connector = false;        // netlink, in the group of process events
    bool reads_stdin = false;            // from a socket or a pipe, as a plugin does
    bool same_network_namespace = true;  // as the host
    std::string security_label;          // /proc/PID/attr/current
};

// How auditd is to start us: a file of its plugin directory.
struct PluginConf {
    std::string path;
    bool active = false;
    std::string program;
    std::string format;
    std::size_t arguments = 0;
    bool safe_file = true;  // root's, a regular file, not writable for all
    // What auditd asks of the program: root's, and rwxr-x at least.
    bool program_exists = false, program_fits = false;
};

struct AuditdFacts {
    bool installed = false;
    bool enabled = false;                     // systemd starts it at boot
    std::int32_t pid = 0;                     // 0: does not run
    std::string conf_path;                    // empty: cannot be read
    std::map<std::string, std::string> conf;  // names and values in lower case
    std::string plugin_directory;             // empty: it has none
    std::optional<PluginConf> plugin;
};

struct KernelFacts {
    std::string release;
    std::vector<std::string> command_line;
    // From the kernel's own configuration, which a host need not show: hints.
    std::string config_path;  // empty: none found
    std::map<std::string, bool> config;
    std::optional<bool> syscall_rules;     // it takes rules about system calls, found by trying
    std::optional<int> io_uring_disabled;  // the sysctl, from 6.6
    KernelFeatures features;
};

struct ConnectorFacts {
    bool subscribed = false;
    bool heard = false;  // a fork of our own came back
    std::string error;
    std::optional<bool> filtered = std::nullopt;  // what was not asked for did not come
};

struct OutputFacts {
    std::string name;   // "syslog /dev/log"
    std::string error;  // empty: somebody reads it, or it can be written
};

struct RuleFacts {
    std::size_t loaded = 0;
    std::size_t broken = 0;
    std::size_t blind = 0;  // of the loaded ones: what they need is not seen now
    std::string unseen;     // by the first of them
    std::string error;      // nothing could be loaded
};

struct HostState {
    KernelFacts kernel;

    // The kernel's answer to a question for its status; nothing: `audit_error` is its errno.
    std::optional<AuditStatus> audit;
    int audit_error = 0;
    std::string holder_name;
    std::optional<std::vector<AuditLine>> lines;
    std::vector<AuditRuleBytes> kernel_rules;  // the same, as the kernel gave them
    // Other programs that read the multicast group.
    std::vector<NamedProcess> listeners;
    std::optional<ConnectorFacts> connector;

    std::vector<AgentFacts> agents;
    AuditdFacts auditd;
    // Programs that are older than whoever holds the feed now.
    std::vector<NamedProcess> older_programs;

    std::int64_t capabilities = -1;  // our own, effective
    bool initial_pid_namespace = true, initial_user_namespace = true;
    bool same_network_namespace = true;     // as pid 1
    std::optional<bool> selinux_enforcing;  // nothing: no SELinux
    bool apparmor = false;

    std::optional<bool> clock_synchronised;
    std::int64_t clock_offset_us = 0;  // what the kernel still corrects
    std::int64_t clock_step_ns = 0;    // wall against monotonic time, over the examination

    std::vector<OutputFacts> outputs;
    std::optional<RuleFacts> rules;
};

}  // namespace audisp_eql::collector
