// SPDX-License-Identifier: Apache-2.0
// Which stage a self-test names, from what it saw.
#include "collector/host/diagnosis.hpp"

#include <cerrno>
#include <functional>
#include <string>

#include <boost/test/unit_test.hpp>

#include "collector/host/technique.hpp"
#include "tests/unit/host/hosts.hpp"

namespace audisp_eql::collector {
namespace {

BOOST_AUTO_TEST_SUITE(host)

WatchedOutput output(const char* name, const char* seen_in) {
    WatchedOutput output;
    output.output.name = name;
    output.followed = true;
    output.places = "/var/log/auth.log";
    output.seen_in = seen_in;
    output.after = std::chrono::milliseconds(213);
    if (*seen_in != '\0')
        output.rule = "Reverse Shell";
    return output;
}

SelftestFacts good() {
    SelftestFacts facts;
    facts.host = sound_host();
    facts.overheard = {true, true, true, true, true};
    facts.rehearsal.result = Rehearsal::Result::match;
    facts.outputs = {output("syslog /dev/log", "/var/log/auth.log")};
    return facts;
}

// As good(), but that no alert came.
SelftestFacts silent() {
    SelftestFacts facts = good();
    facts.outputs = {output("syslog /dev/log", "")};
    return facts;
}

struct Case {
    const char* name;
    SelftestFacts (*start)();
    std::function<void(SelftestFacts&)> change;
    Stage stage;
    const char* text;
    const char* mend;
};

const Case kCases[] = {
    {"detected", good, [](SelftestFacts&) {}, Stage::detected,
     "\"Reverse Shell\" in /var/log/auth.log after 0.213 s", ""},
    {"detected at two places", good,
     [](SelftestFacts& facts) { facts.outputs.push_back(output("file /x", "/x")); },
     Stage::detected, "after 0.213 s; /x after", ""},
    {"one of two outputs is down", good,
     [](SelftestFacts& facts) {
         facts.outputs.push_back(output("file /x", ""));
         facts.outputs[1].output.error = "No space left on device";
     },
     Stage::output, "file /x do not arrive: No space left", "a path that can be written"},
    {"where syslog writes is not known, and the file has it", good,
     [](SelftestFacts& facts) {
         facts.outputs.push_back(output("syslog /x", ""));
         facts.outputs[1].followed = false;
     },
     Stage::detected, "Reverse Shell", ""},
    {"no agent", good, [](SelftestFacts& facts) { facts.host = idle_host(); }, Stage::agent,
     "does not run", "--standalone"},
    {"dead plugin", good,
     [](SelftestFacts& facts) {
         facts.host = plugin_host();
         facts.host.agents.clear();
     },
     Stage::plugin, "its plugin audisp-eql is dead", "service auditd restart"},
    {"inactive plugin", good,
     [](SelftestFacts& facts) {
         facts.host = plugin_host();
         facts.host.agents.clear();
         facts.host.auditd.plugin->active = false;
     },
     Stage::plugin, "is not active", "active = yes"},
    {"stopped", good, [](SelftestFacts& facts) { facts.host.agents[0].state = 'T'; }, Stage::agent,
     "is stopped", "kill -CONT"},
    {"audit is disabled", good, [](SelftestFacts& facts) { facts.host.audit->enabled = 0; },
     Stage::audit, "disabled", "auditctl -e 1"},
    {"audit does not answer", good,
     [](SelftestFacts& facts) {
         facts.host.audit.reset();
         facts.host.audit_error = ECONNREFUSED;
     },
     Stage::audit, "Connection refused", "doctor"},
    {"another program holds the feed", good,
     [](SelftestFacts& facts) {
         facts.host.audit->pid = 9;
         facts.host.holder_name = "auditbeat";
     },
     Stage::feed, "held by auditbeat (pid 9)", "restart"},
    {"nobody holds the feed", good, [](SelftestFacts& facts) { facts.host.audit->pid = 0; },
     Stage::feed, "nobody reads", "restart"},
    {"no network namespace", good,
     [](SelftestFacts& facts) { facts.technique_error = "a network namespace is refused"; },
     Stage::technique, "a network namespace is refused", "root"},
    {"no connector, and detected", good,
     [](SelftestFacts& facts) { facts.host.agents[0].hears_connector = false; },
     Stage::proc_connector, "refused the proc connector", "CAP_NET_ADMIN"},
    {"no connector in another namespace", silent,
     [](SelftestFacts& facts) {
         facts.host.agents[0].hears_connector = false;
         facts.host.agents[0].same_network_namespace = false;
     },
     Stage::proc_connector, "another network namespace", "PrivateNetwork"},
    {"no exec was recorded", silent, [](SelftestFacts& facts) { facts.overheard.exec = false; },
     Stage::kernel_rules, "did not record the execution: its rules should show", "restart"},
    {"the connect rule is gone", silent,
     [](SelftestFacts& facts) {
         facts.overheard.connect = false;
         facts.host.lines->pop_back();
     },
     Stage::kernel_rules, "the connection: no rule of the kernel audits connect", "restart"},
    {"never,task", silent,
     [](SelftestFacts& facts) {
         facts.overheard.exec = facts.overheard.connect = false;
         AuditLine never;
         never.list = AuditLine::List::task;
         never.never = never.every_process = true;
         facts.host.lines->push_back(never);
     },
     Stage::kernel_rules, "the execution and the connection: the rule '-a never,task'", "restart"},
    {"could not listen, and the exec rule is gone", silent,
     [](SelftestFacts& facts) {
         facts.overheard = {};
         facts.rehearsal = {};
         facts.host.lines->erase(facts.host.lines->begin());
     },
     Stage::kernel_rules, "no rule of the kernel audits execve", "restart"},
    {"no rule finds it", silent,
     [](SelftestFacts& facts) { facts.rehearsal.result = Rehearsal::Result::no_match; },
     Stage::rules, "no rule of the agent", "SIGHUP"},
    {"no rule asks for connections, so that the kernel is not asked for them", silent,
     [](SelftestFacts& facts) {
         facts.rehearsal.result = Rehearsal::Result::no_match;
         facts.rehearsal.asks = facts.overheard.connect = false;
         facts.host.lines->pop_back();
     },
     Stage::rules, "no rule of the agent", "SIGHUP"},
    {"no rules at all", silent,
     [](SelftestFacts& facts) { facts.rehearsal.error = "no rules: /x holds no *.toml file"; },
     Stage::rules, "/x holds no", "check"},
    {"an exception", silent,
     [](SelftestFacts& facts) {
         facts.rehearsal.result = Rehearsal::Result::excepted;
         facts.rehearsal.exceptions = {"ci", "backup"};
     },
     Stage::exceptions, "ci, backup", "SIGHUP"},
    {"syslog is down", silent,
     [](SelftestFacts& facts) { facts.outputs[0].output.error = "nobody reads the socket"; },
     Stage::output, "syslog /dev/log do not arrive: nobody reads", "rsyslogd"},
    {"no output", silent, [](SelftestFacts& facts) { facts.outputs.clear(); }, Stage::output,
     "go nowhere", "configuration"},
    {"where syslog writes is not known", silent,
     [](SelftestFacts& facts) { facts.outputs[0].followed = false; }, Stage::output,
     "not known where", "--look-in"},
    {"the configuration is broken by now", silent,
     [](SelftestFacts& facts) { facts.settings_known = false; }, Stage::agent,
     "configuration cannot be read", "restart"},
    {"older rules in the agent", silent, [](SelftestFacts&) {}, Stage::agent,
     "though its configured rules match", "kill -HUP 4242"},
    {"could not rehearse", silent, [](SelftestFacts& facts) { facts.rehearsal = {}; }, Stage::agent,
     "could not be rehearsed", "doctor"},
};

BOOST_AUTO_TEST_CASE(stages) {
    for (const Case& test : kCases) {
        BOOST_TEST_CONTEXT(test.name) {
            SelftestFacts facts = test.start();
            test.change(facts);
            const Diagnosis diagnosis = diagnose(facts);
            BOOST_TEST(to_string(diagnosis.stage) == to_string(test.stage));
            BOOST_TEST(diagnosis.text.find(test.text) != std::string::npos, diagnosis.text);
            BOOST_TEST(diagnosis.mend.find(test.mend) != std::string::npos, diagnosis.mend);
            BOOST_TEST(diagnosis.mend.empty() == (test.stage == Stage::detected));
            BOOST_TEST(diagnosis.text.find('\n') == std::string::npos);
        }
    }
}

BOOST_AUTO_TEST_CASE(plugin_of_auditd_is_sound) {
    SelftestFacts facts = good();
    facts.host = plugin_host();
    BOOST_TEST((diagnose(facts).stage == Stage::detected));
    BOOST_TEST(!diagnose_before(facts));
}

// "Detected", and yet something is wrong: both are said.
BOOST_AUTO_TEST_CASE(arrival_is_told) {
    SelftestFacts facts = good();
    BOOST_TEST(diagnose(facts).arrived);
    facts.host.agents[0].hears_connector = false;
    BOOST_TEST(diagnose(facts).arrived);
    facts.outputs = silent().outputs;
    BOOST_TEST(!diagnose(facts).arrived);
}

BOOST_AUTO_TEST_CASE(technique_is_known_by_its_words) {
    const std::string nonce = make_nonce();
    BOOST_TEST(nonce != make_nonce());
    BOOST_TEST(is_technique({"-e", nonce, "198.51.100.1", "4444"}));
    BOOST_TEST(!is_technique({"-e", "print 1", "198.51.100.1", "4444"}));
    BOOST_TEST(!is_technique({"-e", nonce}));
    BOOST_TEST(!is_technique({"run", nonce, "198.51.100.1", "4444"}));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace audisp_eql::collector
