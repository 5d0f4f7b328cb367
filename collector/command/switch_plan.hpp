// SPDX-License-Identifier: Apache-2.0
// What `enable` and `disable` do, decided from what the host is now: either form that watches the
// host, as auditd's plugin or as a service, is switched on or off by a few steps. Steps whose work
// is done already are no part of the plan, so that asking twice does nothing.
//
// Memory: values. Threads: plain data. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace audisp_eql::collector {

enum class Form : std::uint8_t { plugin, service };

// What the plan depends on.
struct SwitchFacts {
    bool root = false;
    bool audit_answers = false;  // the kernel's audit can be asked
    bool audit_locked = false;   // enabled=2: no rules can be loaded until the next boot
    std::string program;         // the path of this program
    std::string config;          // absolute path of its configuration; empty: the default

    bool auditd_installed = false;
    bool auditd_enabled = false;             // starts at boot
    std::int32_t auditd_pid = 0;             // 0: does not run
    bool auditd_takes_plugins = false;       // 3.0 or newer: it has a directory for plugins
    std::string plugin_path;                 // of the file that names us, or is to
    std::optional<std::string> plugin_text;  // nullopt: there is no such file
    bool program_fits = false;               // what the file names, or we: auditd would start it
    bool plugin_runs = false;                // auditd has started us
    bool boot_rules_possible = false;        // the directory that auditd's rules are read from
    std::optional<std::string> boot_rules_text;  // of our file in it; nullopt: there is none
    std::string boot_rules;                      // what is to stand there, where audit is locked

    bool systemd = false;
    bool unit_installed = false;
    bool unit_enabled = false, unit_active = false;
    bool user_exists = false;
};

enum class Step : std::uint8_t {
    write_plugin_file,  // made anew, or set to active
    write_boot_rules,   // audit is locked: what the next boot loads before the lock
    remove_boot_rules,
    clear_plugin_file,  // set to inactive, or removed where `enable` made it
    reload_auditd,      // SIGHUP, which every version and distribution allows
    await_plugin_start,
    await_audit_rules,  // the program loads them once it has read its own
    await_plugin_end,
    make_user,         // by systemd-sysusers
    make_directories,  // by systemd-tmpfiles
    start_service,     // and at every boot
    stop_service,      // and at no boot
};

struct SwitchPlan {
    std::vector<Step> steps;
    // Not empty: nothing is done; what is in the way, and the command that mends it.
    std::string refusal;
    // What else there is to know, one line each.
    std::vector<std::string> notes;
    // Switched on, it will load audit rules whose records auditd writes to its log.
    bool costs_log = false;
};

// The file of audit rules for the next boot, of these lines in auditctl's form.
std::string boot_rules_file(const std::string& lines);

SwitchPlan plan_enable(Form form, const SwitchFacts& facts);
// nullopt: whatever is on.
SwitchPlan plan_disable(std::optional<Form> form, const SwitchFacts& facts);

}  // namespace audisp_eql::collector
