// SPDX-License-Identifier: Apache-2.0
// auditd: what its settings lose or stop (man 5 auditd.conf), and whether it runs us as its plugin.
#include <charconv>

#include <fmt/format.h>

#include "collector/host/checks.hpp"

namespace audisp_eql::collector::checks {
namespace {

// 8 records an exec; auditd's own default from 3.0.9 on.
constexpr int kLeastQueue = 2000;
// auditd up to 4.0 hands no more to a plugin (MAX_PLUGIN_ARGS), and starts it with the first two.
constexpr std::size_t kMaxPluginArguments = 2;

std::string change(const AuditdFacts& auditd, std::string_view name, std::string_view value) {
    return fmt::format("sed -i 's/^{0} *=.*/{0} = {1}/' {2} && service auditd reload", name, value,
                       auditd.conf_path);
}

// What one of auditd's actions does to the host or to the log; empty: nothing that must be said.
std::string harm(std::string_view action) {
    if (action == "halt")
        return "auditd shuts the host down";
    if (action == "single")
        return "auditd puts the host into single user mode";
    if (action == "suspend")
        return "auditd stops writing its log: alerts go on, their records are not kept";
    return {};
}

struct ActionSetting {
    std::string_view name;
    std::string_view when;
    std::string_view better;
};
constexpr ActionSetting kActions[] = {
    {"disk_full_action", "when the disk is full", "SYSLOG"},
    {"disk_error_action", "on a disk error", "SYSLOG"},
    {"space_left_action", "when space gets low", "SYSLOG"},
    {"admin_space_left_action", "when space gets very low", "SYSLOG"},
    {"max_log_file_action", "when its log is full", "ROTATE"},
};

// Of plugins' events, which wait in auditd's queue.
void overflow(const AuditdFacts& auditd, Report& report, bool& said) {
    const auto found = auditd.conf.find("overflow_action");
    const std::string action = found == auditd.conf.end() ? "" : found->second;
    std::string text;
    if (action == "ignore")
        text = "when its queue is full, auditd drops records and says nothing";
    else if (action == "suspend")
        text = "once its queue was full, auditd gives plugins nothing more: alerts end";
    else if (action == "halt" || action == "single")
        text = "when its queue is full, " + harm(action);
    if (text.empty())
        return;
    said = true;
    report.warning("auditd_overflow_action", text + " (overflow_action = " + action + ")",
                   change(auditd, "overflow_action", "SYSLOG"));
}

void queue(const AuditdFacts& auditd, Report& report, bool& said) {
    const auto found = auditd.conf.find("q_depth");
    if (found == auditd.conf.end())
        return;
    int depth = 0;
    const std::string& text = found->second;
    std::from_chars(text.data(), text.data() + text.size(), depth);
    if (depth >= kLeastQueue)
        return;
    said = true;
    report.warning("auditd_q_depth",
                   fmt::format("auditd's queue holds {} records: a burst of {} execs is lost",
                               depth, depth / 8),
                   change(auditd, "q_depth", std::to_string(kLeastQueue)));
}

void conf(const AuditdFacts& auditd, Report& report) {
    if (auditd.conf_path.empty())
        return;
    bool said = false;
    if (const auto local = auditd.conf.find("local_events");
        local != auditd.conf.end() && local->second == "no") {
        said = true;
        report.broken("auditd_local_events",
                      "auditd does not read this host's records (local_events = no)",
                      change(auditd, "local_events", "yes"));
    }
    overflow(auditd, report, said);
    queue(auditd, report, said);
    for (const ActionSetting& setting : kActions) {
        const auto found = auditd.conf.find(std::string(setting.name));
        if (found == auditd.conf.end())
            continue;
        const std::string harmful = harm(found->second);
        if (harmful.empty())
            continue;
        said = true;
        report.warning(
            fmt::format("auditd_{}", setting.name),
            fmt::format("{}, {} ({} = {})", setting.when, harmful, setting.name, found->second),
            change(auditd, setting.name, setting.better));
    }
    if (!said)
        report.fine("auditd_conf",
                    "auditd is set to lose nothing silently and not to stop the host");
}

// False if auditd would not start the program.
bool plugin_conf(const PluginConf& plugin, Report& report) {
    if (!plugin.safe_file) {
        report.broken("plugin",
                      plugin.path +
                          " may be written by others than root: auditd leaves "
                          "it alone",
                      fmt::format("chown root {0} && chmod 0640 {0}", plugin.path));
        return false;
    }
    if (!plugin.program_exists || !plugin.program_fits) {
        report.broken("plugin",
                      fmt::format("{} names {}, which {}", plugin.path, plugin.program,
                                  plugin.program_exists
                                      ? "auditd does not start: it must be root's, with mode 0755"
                                      : "does not exist"),
                      plugin.program_exists
                          ? fmt::format("chown root {0} && chmod 0755 {0}", plugin.program)
                          : fmt::format("set path in {} to the installed audisp-eql", plugin.path));
        return false;
    }
    if (plugin.format != "string") {
        report.broken("plugin",
                      fmt::format("{} hands records over in the format {}, which is not read",
                                  plugin.path, plugin.format),
                      fmt::format("sed -i 's/^format *=.*/format = string/' {} && service auditd "
                                  "reload",
                                  plugin.path));
        return false;
    }
    if (plugin.arguments > kMaxPluginArguments)
        report.warning("plugin_args",
                       fmt::format("{} has {} args; auditd up to 4.0 passes the first two",
                                   plugin.path, plugin.arguments),
                       "move options to /etc/audisp-eql/audisp-eql.conf");
    return true;
}

void plugin(const HostState& host, Report& report) {
    const AuditdFacts& auditd = host.auditd;
    const AgentFacts* child = agent_of_auditd(host);
    if (!auditd.plugin) {
        if (auditd.pid != 0 && child == nullptr)
            report.broken(
                "plugin",
                "auditd runs and does not know audisp-eql: no file of its plugins.d names "
                "it",
                "install -m 0640 auditd-plugin.conf /etc/audit/plugins.d/audisp-eql.conf, "
                "set active = yes, service auditd reload");
        return;
    }
    if (!auditd.plugin->active) {
        const std::string text = auditd.plugin->path + " is not active";
        const std::string mend =
            fmt::format("sed -i 's/^active *=.*/active = yes/' {} && service auditd reload",
                        auditd.plugin->path);
        if (auditd.pid != 0)
            return report.broken("plugin", text + ": auditd does not start audisp-eql", mend);
        return report.fine("plugin", text);
    }
    if (!plugin_conf(*auditd.plugin, report))
        return;
    if (auditd.pid != 0 && child == nullptr)
        return report.broken("plugin",
                             fmt::format("auditd (pid {}) runs, and its plugin audisp-eql is dead; "
                                         "auditd starts it anew max_restarts times at most",
                                         auditd.pid),
                             "service auditd restart; the system log says why it ended");
    report.fine("plugin", auditd.plugin->path + " is active");
}

}  // namespace

void auditd(const HostState& host, Report& report) {
    if (!host.auditd.installed && host.auditd.pid == 0)
        return report.fine("auditd", "auditd is not installed: audisp-eql reads the kernel itself");
    if (host.auditd.pid == 0 && !host.auditd.enabled)
        report.fine("auditd", "auditd is installed, and neither runs nor starts at boot");
    else if (host.auditd.pid != 0)
        report.fine("auditd", fmt::format("auditd runs (pid {})", host.auditd.pid));
    // Its settings count where it does something.
    if (host.auditd.pid != 0 || host.auditd.enabled)
        conf(host.auditd, report);
    plugin(host, report);
}

}  // namespace audisp_eql::collector::checks
