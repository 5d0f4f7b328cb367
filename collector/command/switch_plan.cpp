// SPDX-License-Identifier: Apache-2.0
#include "collector/command/switch_plan.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "collector/command/plugin_file.hpp"

namespace audisp_eql::collector {
namespace {

SwitchPlan refuse(std::string why) {
    SwitchPlan plan;
    plan.refusal = std::move(why);
    return plan;
}

bool plugin_is_on(const SwitchFacts& facts) {
    return facts.plugin_text && plugin_is_active(*facts.plugin_text) == true;
}

std::string not_root(std::string_view command) {
    return fmt::format("only root can switch audisp-eql on or off: sudo audisp-eql {}", command);
}

// Until the next boot no rule can be loaded, and then only by who is there before the lock: the
// host's own load of its audit rules.
void add_locked(const SwitchFacts& facts, SwitchPlan& plan) {
    if (facts.boot_rules_possible && facts.boot_rules_text != facts.boot_rules)
        plan.steps.push_back(Step::write_boot_rules);
    plan.notes.emplace_back(
        facts.boot_rules_possible
            ? "the audit rules are locked (-e 2): audisp-eql sees what the rules in force report, "
              "and all that it needs after the next reboot"
            : "the audit rules are locked (-e 2), and there is no directory to have more loaded "
              "from before the lock: audisp-eql sees what the host's own rules report");
}

SwitchPlan plan_enable_plugin(const SwitchFacts& facts) {
    if (facts.unit_enabled || facts.unit_active)
        return refuse(
            "the service is switched on, and both forms at once would be in each other's way: "
            "audisp-eql disable service");
    if (!facts.auditd_installed)
        return refuse(
            "auditd is not installed: install it (3.0 or newer), or use audisp-eql enable service");
    if (!facts.auditd_takes_plugins)
        return refuse(
            "auditd has no directory for plugins: it takes them from 3.0 on; where it is older, "
            "or is to be replaced, use audisp-eql enable service");
    if (!facts.program_fits)
        return refuse(fmt::format(
            "auditd starts only a program that belongs to root, that nobody else may write and "
            "whose mode is 0750 or 0755: the one that {} names is not so",
            facts.plugin_path));
    SwitchPlan plan;
    if (!plugin_is_on(facts)) {
        // Whom the process that parses becomes; a package has made it.
        if (!facts.user_exists && facts.systemd && facts.unit_installed)
            plan.steps.push_back(Step::make_user);
        plan.steps.push_back(Step::write_plugin_file);
    }
    plan.costs_log = !plan.steps.empty();
    if (facts.auditd_pid == 0) {
        plan.notes.emplace_back(
            "auditd does not run: it starts audisp-eql when it is started (service auditd start)");
    } else if (!facts.plugin_runs) {
        plan.steps.push_back(Step::reload_auditd);
        plan.steps.push_back(Step::await_plugin_start);
        if (!facts.audit_locked)
            plan.steps.push_back(Step::await_audit_rules);
    }
    if (!facts.auditd_enabled && facts.systemd)
        plan.notes.emplace_back(
            "auditd is not started at boot, so audisp-eql is not either: systemctl enable auditd");
    if (!facts.config.empty() && facts.plugin_text &&
        facts.plugin_text->find(facts.config) == std::string::npos)
        plan.notes.push_back(
            fmt::format("auditd starts audisp-eql as {} says, which does not name {}",
                        facts.plugin_path, facts.config));
    if (facts.audit_locked)
        add_locked(facts, plan);
    return plan;
}

SwitchPlan plan_enable_service(const SwitchFacts& facts) {
    if (plugin_is_on(facts) || facts.plugin_runs)
        return refuse(
            "audisp-eql is switched on as auditd's plugin, and both forms at once would be in each "
            "other's way: audisp-eql disable plugin");
    if (!facts.systemd)
        return refuse(
            "this host does not run systemd: let its own service manager start 'audisp-eql run'");
    if (!facts.unit_installed)
        return refuse(
            "systemd does not know audisp-eql.service: install it from the package, or with "
            "'cmake --install', and let systemd read it (systemctl daemon-reload)");
    if (facts.auditd_pid != 0 || facts.auditd_enabled)
        return refuse(
            "auditd holds the kernel's audit feed, or will at the next boot, and there is only "
            "one: "
            "use audisp-eql enable plugin; or give auditd and its log up first (systemctl disable "
            "auditd; service auditd stop)");
    SwitchPlan plan;
    if (!facts.user_exists)
        plan.steps.push_back(Step::make_user);
    if (!facts.unit_enabled || !facts.unit_active) {
        plan.steps.push_back(Step::make_directories);
        plan.steps.push_back(Step::start_service);
        if (!facts.audit_locked)
            plan.steps.push_back(Step::await_audit_rules);
    }
    if (facts.audit_locked)
        plan.notes.emplace_back(
            "the audit rules are locked (-e 2): audisp-eql sees what the rules in force report, "
            "and "
            "all that it needs after the next reboot");
    return plan;
}

void add_plugin_off(const SwitchFacts& facts, SwitchPlan& plan) {
    if (plugin_is_on(facts))
        plan.steps.push_back(Step::clear_plugin_file);
    if (facts.auditd_pid != 0 && facts.plugin_runs) {
        plan.steps.push_back(Step::reload_auditd);
        plan.steps.push_back(Step::await_plugin_end);
    }
}

}  // namespace

std::string boot_rules_file(const std::string& lines) {
    return "# Made by 'audisp-eql enable plugin' because audit is locked (-e 2); 'disable' removes "
           "it.\n"
           "# What the kernel refuses of it is passed over, so that the rules of others are loaded "
           "(auditctl(8)):\n-c\n" +
           lines;
}

SwitchPlan plan_enable(Form form, const SwitchFacts& facts) {
    if (!facts.root)
        return refuse(not_root(form == Form::plugin ? "enable plugin" : "enable service"));
    if (!facts.audit_answers)
        return refuse(
            "the kernel's audit does not answer here: audisp-eql runs on the host itself, not in a "
            "container; 'audisp-eql doctor' says more");
    return form == Form::plugin ? plan_enable_plugin(facts) : plan_enable_service(facts);
}

SwitchPlan plan_disable(std::optional<Form> form, const SwitchFacts& facts) {
    if (!facts.root)
        return refuse(not_root("disable"));
    SwitchPlan plan;
    if (form != Form::service)
        add_plugin_off(facts, plan);
    if (form != Form::service && facts.boot_rules_text) {
        plan.steps.push_back(Step::remove_boot_rules);
        if (facts.audit_locked)
            plan.notes.emplace_back(
                "the audit rules are locked (-e 2): those of audisp-eql stay in force until the "
                "next reboot");
    }
    if (form != Form::plugin && (facts.unit_enabled || facts.unit_active))
        plan.steps.push_back(Step::stop_service);
    return plan;
}

}  // namespace audisp_eql::collector
