// SPDX-License-Identifier: Apache-2.0
// audisp-eql enable, disable: switching the program on and off, in either form.
#include <chrono>
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>

#include <fmt/format.h>

#include "collector/agent/log.hpp"
#include "collector/agent/own_files.hpp"
#include "collector/agent/rule_loader.hpp"
#include "collector/command/audit_measure.hpp"
#include "collector/command/command.hpp"
#include "collector/command/doctor.hpp"
#include "collector/command/switch_steps.hpp"
#include "collector/host/gather.hpp"

namespace audisp_eql::collector {
namespace {

std::optional<Form> form_from(const std::string& word) {
    if (word == "plugin")
        return Form::plugin;
    if (word == "service")
        return Form::service;
    return std::nullopt;
}

void say(const std::string& text) {
    std::cout << text << std::endl;  // at once: the next step may take seconds
}

// False: something went wrong, and it was said what.
bool carry_out_all(const SwitchPlan& plan, const SwitchFacts& facts, const char* undo) {
    for (const Step step : plan.steps) {
        try {
            say("- " + carry_out(step, facts));
        } catch (const std::runtime_error& problem) {
            log::error(problem.what());
            log::info(fmt::format("what was done before stands above; {}", undo));
            return false;
        }
    }
    return true;
}

// nullopt: auditd would start it again and again, and systemd, too. It was said why.
std::optional<LoadedRules> usable_rules(const Settings& settings) {
    try {
        LoadedRules rules = load_rule_set(settings.rules, settings.deprecated, settings.exceptions);
        if (rules.set != nullptr && !rules.set->rules().empty())
            return rules;
        log::error("no rule can be loaded: 'audisp-eql check' says why; nothing was changed");
    } catch (const std::runtime_error& problem) {
        log::error(fmt::format("{}; nothing was changed", problem.what()));
    }
    return std::nullopt;
}

// What shows the host's usual work, and nobody minds waiting for.
constexpr std::chrono::seconds kMeasuringTime{10};

// What our audit rules add to auditd's log is said before anything is changed. False: it is more
// than goes without asking.
bool price_is_right(const Settings& settings, const KernelNeeds& needs) {
    if (settings.accept)
        return true;
    const auto time = settings.measure.seconds == 0
                          ? kMeasuringTime
                          : std::chrono::seconds(settings.measure.seconds);
    const char* mend =
        "'audisp-eql audit-rules --measure 60s' names the programs that fill it, num_logs and "
        "max_log_file make room; or take it as it is: audisp-eql enable plugin --accept";
    try {
        say(fmt::format("Measuring for {} s what auditd's log will take", time.count()));
        const MeasuredCosts measured = measure_costs(needs.lines, time);
        const LogPrice price =
            log_price(measured.costs.all(), measured.costs.others(), measured.seconds,
                      log_room(read_auditd_file(kAuditdConf), kAuditdConf));
        say("Price: " + price.text);
        if (!price.dear)
            return true;
        log::error(fmt::format("that is less than 7 days, and nothing was changed: {}", mend));
    } catch (const std::runtime_error& problem) {
        log::error(
            fmt::format("what auditd's log will take cannot be measured: {}; nothing was "
                        "changed: {}",
                        problem.what(), mend));
    }
    return false;
}

void say_findings(const Settings& settings) {
    std::size_t said = 0;
    for (const Finding& finding : examine_host(settings)) {
        if (finding.verdict == Verdict::fine)
            continue;
        if (said++ == 0)
            say("\nWhat 'audisp-eql doctor' has to say:");
        say("  " + text_line(finding));
    }
    if (said == 0)
        say("'audisp-eql doctor' finds nothing wrong");
}

// The last word has a technique that must come back as an alert.
int test_detection(const Settings& settings, const SwitchFacts& facts) {
    if (facts.audit_locked) {
        say("Later, after the reboot: audisp-eql selftest");
        return kExitFine;
    }
    say("\nWhat 'audisp-eql selftest' has to say:");
    Settings of_selftest = settings;
    of_selftest.arguments.clear();
    return selftest_command(of_selftest);
}

}  // namespace

int enable_command(const Settings& settings) {
    const auto form =
        settings.arguments.size() == 1 ? form_from(settings.arguments[0]) : std::nullopt;
    if (!form) {
        log::error(
            "enable wants to know how: 'enable plugin' where auditd runs, 'enable service' where "
            "it does not");
        return kExitUserMistake;
    }
    SwitchFacts facts = gather_switch_facts(settings.config);
    SwitchPlan plan = plan_enable(*form, facts);
    if (!plan.refusal.empty()) {
        log::error(plan.refusal);
        return kExitCannotRun;
    }
    if (!plan.steps.empty() || facts.audit_locked) {
        const std::optional<LoadedRules> rules = usable_rules(settings);
        if (!rules)
            return kExitCannotRun;
        const KernelNeeds needs = needs_of_run(settings, *rules->set);
        // Locked, no rule of ours can be tried, and none is loaded before the reboot.
        if (facts.audit_locked) {
            facts.boot_rules = boot_rules_file(audit_rules_text(needs, *rules->set));
            plan = plan_enable(*form, facts);
        } else if (plan.costs_log && !price_is_right(settings, needs)) {
            return kExitCannotRun;
        }
    }
    const char* name = *form == Form::plugin ? "auditd's plugin" : "a service";
    if (plan.steps.empty())
        say(fmt::format("audisp-eql is switched on as {} already: nothing was changed", name));
    else if (!carry_out_all(plan, facts, "'audisp-eql disable' takes it back"))
        return kExitCannotRun;
    else
        say(fmt::format("audisp-eql is switched on as {}", name));
    for (const auto& note : plan.notes)
        say("Note: " + note);
    if (plan.costs_log && facts.audit_locked)
        say("Note: auditd's log will take the records of our audit rules, too, about eight for "
            "each program that starts; after the reboot 'audisp-eql audit-rules --measure 60s' "
            "says how long its history then lasts");
    say_findings(settings);
    const bool runs = *form == Form::service || facts.auditd_pid != 0;
    return runs ? test_detection(settings, facts) : kExitFine;
}

int disable_command(const Settings& settings) {
    const bool whatever = settings.arguments.empty();
    const auto form =
        settings.arguments.size() == 1 ? form_from(settings.arguments[0]) : std::nullopt;
    if (!whatever && !form) {
        log::error("disable takes 'plugin' or 'service', or nothing for whatever is on");
        return kExitUserMistake;
    }
    const SwitchFacts facts = gather_switch_facts(settings.config);
    const SwitchPlan plan = plan_disable(form, facts);
    if (!plan.refusal.empty()) {
        log::error(plan.refusal);
        return kExitCannotRun;
    }
    if (!carry_out_all(plan, facts, "the rest can be done again with 'audisp-eql disable'"))
        return kExitCannotRun;
    say(plan.steps.empty() ? "audisp-eql is not switched on: nothing was changed"
                           : "audisp-eql is switched off");
    for (const auto& note : plan.notes)
        say("Note: " + note);
    return kExitFine;
}

}  // namespace audisp_eql::collector
