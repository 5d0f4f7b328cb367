// SPDX-License-Identifier: Apache-2.0
#include "collector/command/switch_plan.hpp"

#include <boost/test/unit_test.hpp>

using namespace audisp_eql::collector;

namespace {

// Debian 12 with auditd and our package, of which nothing is switched on.
SwitchFacts host_with_auditd() {
    SwitchFacts facts;
    facts.root = facts.audit_answers = true;
    facts.program = "/usr/sbin/audisp-eql";
    facts.auditd_installed = facts.auditd_enabled = facts.auditd_takes_plugins = true;
    facts.auditd_pid = 700;
    facts.plugin_path = "/etc/audit/plugins.d/audisp-eql.conf";
    facts.plugin_text = "active = no\n";
    facts.program_fits = true;
    facts.systemd = facts.unit_installed = facts.user_exists = true;
    return facts;
}

SwitchFacts with_plugin() {
    SwitchFacts facts = host_with_auditd();
    facts.plugin_text = "active = yes\n";
    facts.plugin_runs = true;
    return facts;
}

SwitchFacts host_without_auditd() {
    SwitchFacts facts = host_with_auditd();
    facts.auditd_installed = facts.auditd_enabled = false;
    facts.auditd_pid = 0;
    return facts;
}

SwitchFacts with_service() {
    SwitchFacts facts = host_without_auditd();
    facts.unit_enabled = facts.unit_active = true;
    return facts;
}

using Steps = std::vector<Step>;

bool says(const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(command)

BOOST_AUTO_TEST_CASE(a_plugin_is_switched_on_and_off) {
    const Steps on{Step::write_plugin_file, Step::reload_auditd, Step::await_plugin_start,
                   Step::await_audit_rules};
    BOOST_TEST((plan_enable(Form::plugin, host_with_auditd()).steps == on));
    BOOST_TEST(plan_enable(Form::plugin, host_with_auditd()).costs_log);

    const SwitchPlan again = plan_enable(Form::plugin, with_plugin());
    BOOST_TEST(again.steps.empty());
    BOOST_TEST(again.refusal == "");
    BOOST_TEST(!again.costs_log);

    const Steps off{Step::clear_plugin_file, Step::reload_auditd, Step::await_plugin_end};
    BOOST_TEST((plan_disable(Form::plugin, with_plugin()).steps == off));
    BOOST_TEST((plan_disable(std::nullopt, with_plugin()).steps == off));
    BOOST_TEST(plan_disable(std::nullopt, host_with_auditd()).steps.empty());
    BOOST_TEST(plan_disable(Form::service, with_plugin()).steps.empty());
}

BOOST_AUTO_TEST_CASE(a_file_is_made_where_there_is_none) {
    SwitchFacts facts = host_with_auditd();
    facts.plugin_text.reset();
    BOOST_TEST((plan_enable(Form::plugin, facts).steps.front() == Step::write_plugin_file));
    facts.user_exists = false;
    BOOST_TEST((plan_enable(Form::plugin, facts).steps.front() == Step::make_user));
    // Nothing here says which user: it is nobody then.
    facts.unit_installed = false;
    BOOST_TEST((plan_enable(Form::plugin, facts).steps.front() == Step::write_plugin_file));
}

BOOST_AUTO_TEST_CASE(what_auditd_missed_is_done_again) {
    SwitchFacts facts = with_plugin();
    facts.plugin_runs = false;  // it gave up, or somebody wrote the file by hand
    const Steps steps{Step::reload_auditd, Step::await_plugin_start, Step::await_audit_rules};
    BOOST_TEST((plan_enable(Form::plugin, facts).steps == steps));
    // And the other way round: the file says no, the program runs still.
    facts = host_with_auditd();
    facts.plugin_runs = true;
    const Steps end{Step::reload_auditd, Step::await_plugin_end};
    BOOST_TEST((plan_disable(Form::plugin, facts).steps == end));
}

BOOST_AUTO_TEST_CASE(an_auditd_that_does_not_run_is_left_alone) {
    SwitchFacts facts = host_with_auditd();
    facts.auditd_pid = 0;
    const SwitchPlan plan = plan_enable(Form::plugin, facts);
    BOOST_TEST((plan.steps == Steps{Step::write_plugin_file}));
    BOOST_REQUIRE_EQUAL(plan.notes.size(), 1U);
    BOOST_TEST(says(plan.notes[0], "auditd does not run"));
    facts.auditd_enabled = false;
    BOOST_TEST(plan_enable(Form::plugin, facts).notes.size() == 2U);
}

BOOST_AUTO_TEST_CASE(a_service_is_switched_on_and_off) {
    SwitchFacts facts = host_without_auditd();
    BOOST_TEST((plan_enable(Form::service, facts).steps ==
                Steps{Step::make_directories, Step::start_service, Step::await_audit_rules}));
    facts.user_exists = false;
    BOOST_TEST((plan_enable(Form::service, facts).steps ==
                Steps{Step::make_user, Step::make_directories, Step::start_service,
                      Step::await_audit_rules}));
    BOOST_TEST(plan_enable(Form::service, with_service()).steps.empty());
    BOOST_TEST((plan_disable(Form::service, with_service()).steps == Steps{Step::stop_service}));
    BOOST_TEST((plan_disable(std::nullopt, with_service()).steps == Steps{Step::stop_service}));
    BOOST_TEST(plan_disable(Form::plugin, with_service()).steps.empty());
}

BOOST_AUTO_TEST_CASE(what_is_refused_says_what_to_do) {
    struct Case {
        const char* name;
        Form form;
        SwitchFacts (*host)();
        void (*change)(SwitchFacts&);
        const char* part;
    };
    const Case cases[] = {
        {"not root", Form::plugin, host_with_auditd, [](SwitchFacts& f) { f.root = false; },
         "sudo audisp-eql enable plugin"},
        {"container", Form::plugin, host_with_auditd,
         [](SwitchFacts& f) { f.audit_answers = false; }, "not in a container"},
        {"service beside plugin", Form::service, with_plugin, [](SwitchFacts&) {},
         "audisp-eql disable plugin"},
        {"plugin beside service", Form::plugin, with_service,
         [](SwitchFacts& f) { f.auditd_installed = true; }, "audisp-eql disable service"},
        {"no auditd", Form::plugin, host_without_auditd, [](SwitchFacts&) {},
         "auditd is not installed"},
        {"auditd 2", Form::plugin, host_with_auditd,
         [](SwitchFacts& f) { f.auditd_takes_plugins = false; }, "from 3.0 on"},
        {"not root's program", Form::plugin, host_with_auditd,
         [](SwitchFacts& f) { f.program_fits = false; }, "belongs to root"},
        {"auditd in the way", Form::service, host_with_auditd, [](SwitchFacts&) {},
         "auditd holds the kernel's audit feed"},
        {"no systemd", Form::service, host_without_auditd,
         [](SwitchFacts& f) { f.systemd = false; }, "service manager"},
        {"no unit", Form::service, host_without_auditd,
         [](SwitchFacts& f) { f.unit_installed = false; }, "systemctl daemon-reload"},
    };
    for (const Case& row : cases) {
        SwitchFacts facts = row.host();
        row.change(facts);
        const SwitchPlan plan = plan_enable(row.form, facts);
        BOOST_TEST(plan.steps.empty(), row.name);
        BOOST_TEST(says(plan.refusal, row.part), row.name << ": " << plan.refusal);
    }
    SwitchFacts facts = with_plugin();
    facts.root = false;
    BOOST_TEST(says(plan_disable(std::nullopt, facts).refusal, "sudo audisp-eql disable"));
}

BOOST_AUTO_TEST_CASE(locked_rules_are_no_reason_to_refuse) {
    SwitchFacts facts = host_with_auditd();
    facts.audit_locked = true;
    facts.boot_rules_possible = true;
    facts.boot_rules = boot_rules_file("-a always,exit -S execve\n");
    const SwitchPlan plan = plan_enable(Form::plugin, facts);
    BOOST_REQUIRE_EQUAL(plan.notes.size(), 1U);
    BOOST_TEST(says(plan.notes[0], "after the next reboot"));
    // Nothing is waited for that cannot come.
    const Steps steps{Step::write_plugin_file, Step::reload_auditd, Step::await_plugin_start,
                      Step::write_boot_rules};
    BOOST_TEST((plan.steps == steps));

    facts = with_plugin();
    facts.audit_locked = facts.boot_rules_possible = true;
    facts.boot_rules = boot_rules_file("-a always,exit -S execve\n");
    facts.boot_rules_text = facts.boot_rules;
    BOOST_TEST(plan_enable(Form::plugin, facts).steps.empty());
    // What the detection rules need has changed.
    facts.boot_rules_text = boot_rules_file("");
    BOOST_TEST((plan_enable(Form::plugin, facts).steps == Steps{Step::write_boot_rules}));
    const SwitchPlan off = plan_disable(std::nullopt, facts);
    BOOST_TEST((off.steps.back() == Step::remove_boot_rules));
    BOOST_REQUIRE_EQUAL(off.notes.size(), 1U);
    BOOST_TEST(says(off.notes[0], "until the next reboot"));
    facts.boot_rules_possible = false;
    const SwitchPlan nowhere = plan_enable(Form::plugin, facts);
    BOOST_TEST(nowhere.steps.empty());
    BOOST_TEST(says(nowhere.notes.at(0), "there is no directory"));
}

// A refused rule ends the load of all that come after it, unless the file says otherwise before it.
BOOST_AUTO_TEST_CASE(rules_for_the_boot_cannot_end_the_load_of_others) {
    const std::string text = boot_rules_file("-a always,exit -S execve\n");
    BOOST_TEST(text.find("\n-c\n") < text.find("\n-a "));
    BOOST_TEST(text.substr(text.size() - 2) == "e\n");
}

BOOST_AUTO_TEST_CASE(a_file_that_names_another_configuration_is_told) {
    SwitchFacts facts = host_with_auditd();
    facts.config = "/etc/x.conf";
    BOOST_TEST(says(plan_enable(Form::plugin, facts).notes.at(0), "does not name /etc/x.conf"));
    facts.plugin_text = "active = no\nargs = run --config=/etc/x.conf\n";
    BOOST_TEST(plan_enable(Form::plugin, facts).notes.empty());
}

BOOST_AUTO_TEST_SUITE_END()
