// SPDX-License-Identifier: Apache-2.0
// Hosts on which nothing is wrong.
#pragma once

#include "collector/host/host_state.hpp"

namespace audisp_eql::collector {

// audisp-eql is installed and nothing runs.
inline HostState idle_host() {
    HostState host;
    host.kernel.release = "6.1.0";
    host.kernel.command_line = {"quiet", "audit=1"};
    host.kernel.syscall_rules = true;
    host.kernel.io_uring_disabled = 2;
    host.audit = AuditStatus{.enabled = 0, .failure = 1, .backlog_limit = 64};
    host.lines.emplace();
    host.connector = ConnectorFacts{true, true, ""};
    host.capabilities = (std::int64_t{1} << 41) - 1;
    host.clock_synchronised = true;
    host.outputs = {{"syslog /dev/log", ""}};
    host.rules.emplace().loaded = 2;
    return host;
}

// audisp-eql holds the feed.
inline HostState sound_host() {
    HostState host = idle_host();
    AgentFacts agent;
    agent.pid = 4242;
    agent.parent = 1;
    agent.capabilities = host.capabilities;
    agent.has_audit_socket = agent.hears_connector = true;
    host.agents = {agent};
    host.audit = AuditStatus{
        .enabled = 1, .failure = 1, .pid = 4242, .backlog_limit = 32768, .backlog_wait_time = 0};
    host.holder_name = "audisp-eql";
    AuditLine exec;
    exec.list = AuditLine::List::exit;
    exec.own = exec.exec = true;
    exec.key = "audisp-eql-exec";
    AuditLine connect = exec;
    connect.exec = false;
    connect.connect = true;
    host.lines = {exec, connect};
    return host;
}

// auditd holds the feed and has started audisp-eql.
inline HostState plugin_host() {
    HostState host = sound_host();
    host.auditd.installed = host.auditd.enabled = true;
    host.auditd.pid = 700;
    host.auditd.conf_path = "/etc/audit/auditd.conf";
    host.auditd.conf = {{"overflow_action", "syslog"},
                        {"q_depth", "2000"},
                        {"disk_full_action", "syslog"},
                        {"max_log_file_action", "rotate"}};
    PluginConf plugin;
    plugin.path = "/etc/audit/plugins.d/audisp-eql.conf";
    plugin.active = plugin.program_exists = plugin.program_fits = true;
    plugin.program = "/usr/sbin/audisp-eql";
    plugin.format = "string";
    plugin.arguments = 1;
    host.auditd.plugin = plugin;
    host.audit->pid = 700;
    host.holder_name = "auditd";
    host.agents[0].parent = 700;
    host.agents[0].reads_stdin = true;
    return host;
}

}  // namespace audisp_eql::collector
