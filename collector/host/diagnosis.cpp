// SPDX-License-Identifier: Apache-2.0
#include "collector/host/diagnosis.hpp"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>

#include "collector/host/output_probe.hpp"

namespace audisp_eql::collector {
namespace {

using Result = std::optional<Diagnosis>;

Result without_agent(const HostState& host) {
    const AuditdFacts& auditd = host.auditd;
    const bool plugin = auditd.pid != 0 && auditd.plugin;
    if (plugin && auditd.plugin->active)
        return Diagnosis{
            Stage::plugin,
            fmt::format("auditd (pid {}) runs, and its plugin audisp-eql is dead", auditd.pid),
            "service auditd restart; the system log says why it ended"};
    if (plugin)
        return Diagnosis{
            Stage::plugin,
            fmt::format("auditd does not start audisp-eql: {} is not active", auditd.plugin->path),
            fmt::format("sed -i 's/^active *=.*/active = yes/' {} && service auditd "
                        "reload",
                        auditd.plugin->path)};
    return Diagnosis{Stage::agent, "audisp-eql does not run",
                     "start it, or test this host without it: audisp-eql selftest --standalone"};
}

Result agent(const HostState& host) {
    if (host.agents.empty())
        return without_agent(host);
    const AgentFacts& agent = host.agents.front();
    if (agent.state == 'T' || agent.state == 't')
        return Diagnosis{Stage::agent,
                         fmt::format("audisp-eql (pid {}) is stopped: it reads nothing", agent.pid),
                         fmt::format("kill -CONT {}", agent.pid)};
    return std::nullopt;
}

Result audit(const HostState& host) {
    if (!host.audit)
        return Diagnosis{
            Stage::audit,
            fmt::format("the kernel's audit does not answer: {}", std::strerror(host.audit_error)),
            "audisp-eql doctor"};
    if (host.audit->enabled == 0)
        return Diagnosis{Stage::audit, "audit is disabled: the kernel records nothing",
                         "auditctl -e 1"};
    const auto holder = static_cast<std::int32_t>(host.audit->pid);
    const AgentFacts& agent = host.agents.front();
    if (holder == agent.pid || holder == agent.parent)
        return std::nullopt;
    return Diagnosis{
        Stage::feed,
        holder == 0
            ? fmt::format("nobody reads the audit feed, though audisp-eql (pid {}) runs", agent.pid)
            : fmt::format("the audit feed is held by {} (pid {}), not by audisp-eql (pid {})",
                          host.holder_name.empty() ? "a program that is gone" : host.holder_name,
                          holder, agent.pid),
        "restart audisp-eql, or auditd where that starts it"};
}

Result connector(const HostState& host) {
    const AgentFacts& agent = host.agents.front();
    if (agent.hears_connector)
        return std::nullopt;
    return Diagnosis{Stage::proc_connector,
                     fmt::format("audisp-eql (pid {}) was refused the proc connector{}: forks and "
                                 "ends are not seen, parents are guesses",
                                 agent.pid,
                                 agent.same_network_namespace
                                     ? ""
                                     : " (it is in another network namespace than the host)"),
                     agent.same_network_namespace
                         ? "start it with CAP_NET_ADMIN; its log says what the kernel answered"
                         : "start it in the host's network namespace (no PrivateNetwork=, no "
                           "container)"};
}

bool arrived(const std::vector<WatchedOutput>& outputs) {
    const auto seen = [](const WatchedOutput& output) { return !output.seen_in.empty(); };
    return std::any_of(outputs.begin(), outputs.end(), seen);
}

Result missing_output(const std::vector<WatchedOutput>& outputs) {
    for (const WatchedOutput& output : outputs)
        if (output.seen_in.empty() && !output.output.error.empty())
            return Diagnosis{Stage::output,
                             fmt::format("alerts to {} do not arrive: {}", output.output.name,
                                         output.output.error),
                             std::string(mend_of(output.output))};
    return std::nullopt;
}

std::string line_named(const HostState& host) {
    const auto& lines = *host.lines;
    const auto hides = [](const AuditLine& line) {
        return line.never && line.every_process &&
               (line.list == AuditLine::List::task ||
                (line.list == AuditLine::List::exit && (line.exec || line.connect)));
    };
    const auto hiding = std::find_if(lines.begin(), lines.end(), hides);
    if (hiding != lines.end())
        return hiding->list == AuditLine::List::task
                   ? "the rule '-a never,task' keeps programs from being audited"
                   : "a '-a never,exit' rule hides them";
    const auto shows = [&](bool AuditLine::*what) {
        return std::any_of(lines.begin(), lines.end(), [what](const AuditLine& line) {
            return line.list == AuditLine::List::exit && !line.never && line.*what;
        });
    };
    if (!shows(&AuditLine::exec))
        return "no rule of the kernel audits execve";
    if (!shows(&AuditLine::connect))
        return "no rule of the kernel audits connect";
    return "its rules should show them: another rule, a rate limit or a full backlog hides them";
}

Result kernel_rules(const SelftestFacts& facts) {
    const HostState& host = facts.host;
    const Overheard& heard = facts.overheard;
    const bool listened_and_missed = heard.audit && !(heard.exec && heard.connect);
    if (!listened_and_missed && (heard.audit || !host.lines))
        return std::nullopt;
    const std::string line = host.lines ? line_named(host) : "its rules cannot be listed";
    // Where we could not listen, only what the rules say counts.
    if (!heard.audit && line.starts_with("its rules should"))
        return std::nullopt;
    const std::string what = !listened_and_missed            ? "what it should"
                             : !heard.exec && !heard.connect ? "the execution and the connection"
                             : !heard.exec                   ? "the execution"
                                                             : "the connection";
    return Diagnosis{Stage::kernel_rules,
                     fmt::format("the kernel did not record {}: {}", what, line),
                     "restart audisp-eql, which loads its rules; then audisp-eql doctor"};
}

Result rules(const Rehearsal& rehearsal) {
    if (!rehearsal.error.empty())
        return Diagnosis{Stage::rules, "the agent's rules cannot be read: " + rehearsal.error,
                         "audisp-eql check"};
    if (rehearsal.result == Rehearsal::Result::no_match || !rehearsal.asks)
        return Diagnosis{Stage::rules,
                         "no rule of the agent finds the technique: the rules for reverse shells "
                         "are not among them",
                         "add the installed rules to its 'rules', then send it SIGHUP"};
    if (rehearsal.result != Rehearsal::Result::excepted)
        return std::nullopt;
    std::string ids;
    for (const std::string& id : rehearsal.exceptions)
        ids += (ids.empty() ? "" : ", ") + id;
    return Diagnosis{Stage::exceptions,
                     fmt::format("an exception keeps the technique from the rules: {}", ids),
                     "narrow it, or let it expire (audisp-eql check lists exceptions), then send "
                     "SIGHUP"};
}

// Everything that can be asked is as it should be, and no alert came.
Diagnosis unexplained(const SelftestFacts& facts) {
    const AgentFacts& agent = facts.host.agents.front();
    const bool followed = std::any_of(facts.outputs.begin(), facts.outputs.end(),
                                      [](const WatchedOutput& output) { return output.followed; });
    if (!followed)
        return {Stage::output,
                "it is not known where the agent's alerts can be read: no JSON file, and no log "
                "that syslog is known to write",
                "audisp-eql selftest --look-in FILE"};
    std::string places;
    for (const WatchedOutput& output : facts.outputs)
        if (output.followed)
            places += (places.empty() ? "" : ", ") + output.places;
    if (facts.rehearsal.result == Rehearsal::Result::match)
        return {Stage::agent,
                fmt::format("audisp-eql (pid {}) made no alert that arrived in {}, though its "
                            "configured rules match: it may run with older rules, be far behind, "
                            "or syslog writes elsewhere",
                            agent.pid, places),
                fmt::format("kill -HUP {}, and look at its log; audisp-eql selftest --look-in FILE",
                            agent.pid)};
    return {Stage::agent,
            fmt::format("no alert arrived in {}, and it could not be rehearsed why", places),
            "audisp-eql doctor"};
}

std::string detected_text(const std::vector<WatchedOutput>& outputs) {
    std::string text;
    for (const WatchedOutput& output : outputs)
        if (!output.seen_in.empty())
            text += fmt::format("{}{} after {:.3f} s", text.empty() ? "" : "; ", output.seen_in,
                                static_cast<double>(output.after.count()) / 1000);
    const auto named =
        std::find_if(outputs.begin(), outputs.end(),
                     [](const WatchedOutput& output) { return !output.rule.empty(); });
    return named == outputs.end() ? text : fmt::format("\"{}\" in {}", named->rule, text);
}

}  // namespace

std::string_view to_string(Stage stage) {
    switch (stage) {
        case Stage::detected:
            return "detected";
        case Stage::technique:
            return "technique";
        case Stage::agent:
            return "agent";
        case Stage::plugin:
            return "plugin";
        case Stage::audit:
            return "audit";
        case Stage::feed:
            return "feed";
        case Stage::kernel_rules:
            return "kernel audit rules";
        case Stage::proc_connector:
            return "proc connector";
        case Stage::rules:
            return "rules";
        case Stage::exceptions:
            return "exceptions";
        case Stage::output:
            return "output";
    }
    return {};
}

std::optional<Diagnosis> diagnose_before(const SelftestFacts& facts) {
    if (Result found = agent(facts.host))
        return found;
    return audit(facts.host);
}

Diagnosis diagnose(const SelftestFacts& facts) {
    if (Result found = diagnose_before(facts))
        return *found;
    if (!facts.technique_error.empty())
        return {Stage::technique, "the technique could not be performed: " + facts.technique_error,
                "run this as root; one of /tmp, /var/tmp, /dev/shm and /run must allow programs"};
    // The loss of one feed may leave this technique visible and others not.
    if (Result found = connector(facts.host)) {
        found->arrived = arrived(facts.outputs);
        return *found;
    }
    if (arrived(facts.outputs)) {
        Diagnosis good{Stage::detected, detected_text(facts.outputs), ""};
        Diagnosis result = missing_output(facts.outputs).value_or(std::move(good));
        result.arrived = true;
        return result;
    }
    Result unheard = facts.rehearsal.asks ? kernel_rules(facts) : std::nullopt;
    if (unheard)
        return *unheard;
    if (Result found = rules(facts.rehearsal))
        return *found;
    if (Result found = missing_output(facts.outputs))
        return *found;
    if (facts.outputs.empty())
        return {Stage::output,
                "alerts go nowhere: syslog, syslog-server, json-file and stdout are all off",
                "set one of them in the agent's configuration"};
    if (!facts.settings_known)
        return {Stage::agent, "the agent's configuration cannot be read as it read it",
                "audisp-eql run --help; mend the file, then restart the agent"};
    return unexplained(facts);
}

}  // namespace audisp_eql::collector
