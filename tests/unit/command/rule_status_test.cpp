// SPDX-License-Identifier: Apache-2.0
// What rules are said to see on invented hosts.
#include "collector/command/rule_status.hpp"

#include <sstream>
#include <string>

#include <boost/test/unit_test.hpp>

#include "collector/command/check_report.hpp"
#include "collector/feed/audit_rules.hpp"
#include "tests/unit/host/hosts.hpp"

using namespace audisp_eql;
using namespace audisp_eql::collector;

namespace {

std::string rule(const std::string& name, const std::string& query) {
    return "[rule]\nrule_id = \"" + name + "\"\nname = \"" + name + "\"\nlanguage = \"eql\"\n" +
           "query = '''" + query + "'''\n";
}

LoadedRules loaded() {
    LoadedRules rules;
    rules.files.sources = {
        {"exec.toml", rule("exec", "process where event.action == \"exec\"")},
        {"broken.toml", rule("broken", "process where lenght(x) == 1")},
        {"fork.toml", rule("fork", "process where event.action == \"fork\"")},
        {"connect.toml", rule("connect", "network where event.action == \"connection_attempted\"")},
        {"both.toml", rule("both",
                           "sequence by process.entity_id [process where event.action == "
                           "\"exec\"] [network where event.action == "
                           "\"connection_attempted\"]")},
    };
    rules.set = detect::RuleSet::build(rules.files.sources, {}, rules.reports);
    return rules;
}

std::vector<AuditRuleBytes> kernel(const std::string& text) {
    std::vector<AuditRuleBytes> bytes;
    for (const AuditRule& rule : parse_audit_rules(text).rules)
        bytes.push_back(rule.bytes);
    return bytes;
}

const std::string kExec =
    "-a always,exit -F arch=b64 -S execve,execveat -F success=1 -k audisp-eql-exec\n"
    "-a always,exit -F arch=b32 -S execve,execveat -F success=1 -k audisp-eql-exec\n";
const std::string kConnect =
    "-a always,exit -F arch=b64 -S connect -k audisp-eql-net\n"
    "-a always,exit -F arch=b32 -S connect -k audisp-eql-net\n";

std::string statuses(const std::vector<RuleStatus>& rules) {
    std::string text;
    for (const RuleStatus& rule : rules)
        text += (text.empty() ? "" : " ") + std::string(rule.status);
    return text;
}

std::string on(const HostState& host) {
    const LoadedRules rules = loaded();
    return statuses(status_of_rules(rules, view_of(host, *rules.set, {}).view));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(command)

BOOST_AUTO_TEST_CASE(status_of_rules_on_hosts) {
    HostState host = sound_host();
    host.kernel_rules = kernel(kExec + kConnect);
    BOOST_TEST(on(host) == "ok error ok ok ok");
    host.kernel_rules = kernel(kExec);
    BOOST_TEST(on(host) == "ok error ok blind blind");
    host.agents[0].hears_connector = false;
    BOOST_TEST(on(host) == "ok error blind blind blind");
    host.agents[0].hears_connector = true;
    host.kernel_rules = kernel(kExec + kConnect);
    host.audit->enabled = 0;
    BOOST_TEST(on(host) == "blind error ok blind blind");
    host.audit->enabled = 1;
    host.audit->pid = 9;
    BOOST_TEST(on(host) == "blind error ok blind blind");

    HostState plugin = plugin_host();
    plugin.kernel_rules = kernel(kExec + kConnect);
    BOOST_TEST(on(plugin) == "ok error ok ok ok");

    // Without an agent: what it would load counts, if it may.
    BOOST_TEST(on(idle_host()) == "ok error ok ok ok");
    HostState locked = idle_host();
    locked.audit->enabled = 2;
    BOOST_TEST(on(locked) == "blind error ok blind blind");
    locked.audit.reset();
    BOOST_TEST(on(locked) == "blind error ok blind blind");
}

BOOST_AUTO_TEST_CASE(status_on_a_host_as_json) {
    HostState host = sound_host();
    host.kernel_rules = kernel(kExec);
    const LoadedRules rules = loaded();
    const auto here = status_of_rules(rules, view_of(host, *rules.set, {}).view);
    BOOST_TEST(count(here, "blind") == 2U);
    std::ostringstream out;
    print_json(rules, out, &here);
    BOOST_TEST(out.str().find(R"({"file":"exec.toml","id":"exec","name":"exec","status":"ok",)"
                              R"("missing":[],"diagnostics":[]})") == 0U,
               out.str());
    BOOST_TEST(
        out.str().find(
            R"("name":"connect","status":"blind","missing":["no audit rule reports connect)") !=
            std::string::npos,
        out.str());
}

BOOST_AUTO_TEST_SUITE_END()
