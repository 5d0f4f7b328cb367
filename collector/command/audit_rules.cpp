// SPDX-License-Identifier: Apache-2.0
// audisp-eql audit-rules: the kernel audit rules that the loaded EQL rules need; printed, loaded,
// or measured.
#include "collector/feed/audit_rules.hpp"

#include <chrono>
#include <cstring>
#include <iostream>
#include <stdexcept>

#include <fmt/format.h>

#include "collector/agent/kernel_needs.hpp"
#include "collector/agent/log.hpp"
#include "collector/agent/own_files.hpp"
#include "collector/agent/rule_loader.hpp"
#include "collector/command/audit_cost_report.hpp"
#include "collector/command/audit_measure.hpp"
#include "collector/command/command.hpp"
#include "collector/host/gather.hpp"

namespace audisp_eql::collector {
namespace {

int install(const KernelNeeds& needs) {
    KernelAuditControl control;
    AuditStatus status;
    if (const int error = control.status(status); error != 0)
        throw std::runtime_error(
            fmt::format("the kernel's audit does not answer: {}", std::strerror(error)));
    std::string text;
    for (const NeededLine& line : needs.lines)
        text += line.text + '\n';
    ParsedAuditRules parsed = parse_audit_rules(text);
    const RuleReport report = load_rules(control, parsed.rules);
    for (const std::string& note : parsed.notes)
        log::warning(note);
    for (const std::string& note : report.notes)
        log::warning(note);
    for (const AuditRule& rule : report.absent)
        log::warning(fmt::format("{} is not there: {}", rule.directory, rule.text));
    log::info(fmt::format("audit rules: {} of ours in force, {} before, {} of others left alone",
                          report.loaded, report.removed, report.foreign));
    if (status.enabled == 0)
        log::warning(
            "audit is off: nothing is reported until something turns it on (auditctl -e 1)");
    return status.enabled == 2 ? kExitCannotRun : kExitFine;
}

int measure(const Settings& settings, const KernelNeeds& needs, const detect::RuleSet& rules) {
    const MeasuredCosts measured =
        measure_costs(needs.lines, std::chrono::seconds(settings.measure.seconds));
    print_costs({rules, needs.lines, measured.costs, measured.seconds,
                 log_room(read_auditd_file(kAuditdConf), kAuditdConf)},
                std::cout);
    return kExitFine;
}

}  // namespace

int audit_rules_command(const Settings& settings) {
    if (settings.remove_audit_rules)
        return remove_audit_leftovers(settings);
    if (settings.install && settings.measure.seconds != 0) {
        log::error("--install and --measure are two things: measure first, then install");
        return kExitUserMistake;
    }
    Settings of_run = settings;
    if (!settings.arguments.empty())
        of_run.rules = settings.arguments;
    const LoadedRules rules = load_rule_set(of_run.rules, settings.deprecated, settings.exceptions);
    for (const auto& line : error_lines(rules))
        log::warning(line);
    const KernelNeeds needs = needs_of_run(of_run, *rules.set);
    int result = kExitFine;
    if (settings.install)
        result = install(needs);
    else if (settings.measure.seconds != 0)
        result = measure(settings, needs, *rules.set);
    else
        std::cout << audit_rules_text(needs, *rules.set);
    std::cout.flush();
    if (!std::cout)
        return kExitCannotRun;
    return result == kExitFine && rules.broken() ? kExitUserMistake : result;
}

}  // namespace audisp_eql::collector
