// SPDX-License-Identifier: Apache-2.0
// audisp-eql enable, disable: switching the program on and off, in either form.
#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>

#include <fmt/format.h>

#include "collector/agent/log.hpp"
#include "collector/agent/rule_loader.hpp"
#include "collector/command/command.hpp"
#include "collector/command/doctor.hpp"
#include "collector/command/switch_steps.hpp"

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

// auditd would start it again and again, and systemd, too.
bool has_rules(const Settings& settings) {
    try {
        const LoadedRules rules =
            load_rule_set(settings.rules, settings.deprecated, settings.exceptions);
        if (rules.set != nullptr && !rules.set->rules().empty())
            return true;
        log::error("no rule can be loaded: 'audisp-eql check' says why; nothing was changed");
    } catch (const std::runtime_error& problem) {
        log::error(fmt::format("{}; nothing was changed", problem.what()));
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
    const SwitchFacts facts = gather_switch_facts(settings.config);
    const SwitchPlan plan = plan_enable(*form, facts);
    if (!plan.refusal.empty()) {
        log::error(plan.refusal);
        return kExitCannotRun;
    }
    if (!plan.steps.empty() && !has_rules(settings))
        return kExitCannotRun;
    const char* name = *form == Form::plugin ? "auditd's plugin" : "a service";
    if (plan.steps.empty())
        say(fmt::format("audisp-eql is switched on as {} already: nothing was changed", name));
    else if (!carry_out_all(plan, facts, "'audisp-eql disable' takes it back"))
        return kExitCannotRun;
    else
        say(fmt::format("audisp-eql is switched on as {}", name));
    for (const auto& note : plan.notes)
        say("Note: " + note);
    if (plan.costs_log)
        say("Note: auditd's log takes the records of our audit rules, too, about eight for each "
            "program that starts: see how long its history then lasts (max_log_file, num_logs)");
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
