// SPDX-License-Identifier: Apache-2.0
// audisp-eql audit-rules: the kernel audit rules that the loaded EQL rules need; printed, loaded,
// or measured.
#include "collector/feed/audit_rules.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstring>
#include <iostream>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "collector/agent/audit_costs.hpp"
#include "collector/agent/kernel_needs.hpp"
#include "collector/agent/log.hpp"
#include "collector/agent/rule_loader.hpp"
#include "collector/command/audit_cost_report.hpp"
#include "collector/command/command.hpp"
#include "collector/command/counted.hpp"
#include "collector/command/status_line.hpp"
#include "collector/feed/audit_trial.hpp"
#include "collector/host/gather.hpp"

namespace audisp_eql::collector {
namespace {

using Clock = std::chrono::steady_clock;

// Set by SIGINT and SIGTERM: a measurement ends early, and all is put back.
volatile std::sig_atomic_t stopped = 0;

void stop_on_signals() {
    struct sigaction action {};
    action.sa_handler = [](int) { stopped = 1; };
    ::sigaction(SIGINT, &action, nullptr);
    ::sigaction(SIGTERM, &action, nullptr);
}

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

// Counts what comes in until the time is over; how many seconds that were.
double count(AuditTrial& trial, std::chrono::seconds time, AuditCosts& costs) {
    Assembler assembler(costs);
    StatusLine line;
    AuditBatch batch;
    const auto start = Clock::now();
    auto shown = start;
    while (stopped == 0) {
        const auto now = Clock::now();
        if (now - start >= time)
            break;
        if (line.watched() && now - shown >= std::chrono::milliseconds(200)) {
            shown = now;
            line.show(
                fmt::format("{} s of {} s, {} records; Ctrl-C ends it and shows what there is",
                            std::chrono::duration_cast<std::chrono::seconds>(now - start).count(),
                            time.count(), costs.all().records + costs.others().records));
        }
        const std::int64_t now_ns = now.time_since_epoch().count();
        if (trial.read(100, batch))
            for (const AuditBatch::Record& record : batch.records)
                assembler.add({record.audit_type, now_ns, record.bytes, {}}, now_ns);
        assembler.advance(now_ns);
    }
    assembler.finish();
    return std::chrono::duration<double>(Clock::now() - start).count();
}

int measure(const Settings& settings, const KernelNeeds& needs, const detect::RuleSet& rules) {
    std::vector<std::string> texts;
    for (const NeededLine& line : needs.lines)
        texts.push_back(line.text);
    AuditCosts costs(texts.size(), AuditTrial::line_of);
    stop_on_signals();
    double seconds = 0;
    {
        AuditTrial trial(texts);
        for (const auto& note : trial.notes())
            log::warning(note);
        seconds = count(trial, std::chrono::seconds(settings.measure.seconds), costs);
        log::info(fmt::format("measured for {:.0f} s: {}", seconds, trial.feed()));
        if (const auto lost = trial.lost(); lost != 0)
            log::warning(
                fmt::format("the kernel lost at least {} meanwhile: there is more than was counted",
                            counted(lost, "record")));
    }
    constexpr const char* kConf = "/etc/audit/auditd.conf";
    print_costs({rules, needs.lines, costs, std::max(seconds, 0.001),
                 log_room(read_auditd_file(kConf), kConf)},
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
    const LoadedRules rules =
        load_rule_set(settings.arguments.empty() ? settings.rules : settings.arguments,
                      settings.deprecated, settings.exceptions);
    for (const auto& line : error_lines(rules))
        log::warning(line);
    NeedsOptions options;
    options.expensive = settings.expensive_audit_rules;
    const KernelNeeds needs = kernel_needs(*rules.set, options);
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
