// SPDX-License-Identifier: Apache-2.0
// The command table and the texts of --help and --version.
#include <fmt/core.h>

#include "collector/command/command.hpp"

namespace audisp_eql::collector {
namespace {

constexpr CommandEntry kCommands[] = {
    {"run", Command::run, run_command, "", "watch this host and send alerts (the default)",
     "Reads the kernel's audit feed and the proc connector, runs the rules on what it\n"
     "sees, and sends each alert to syslog. Needs root, or CAP_AUDIT_CONTROL and\n"
     "CAP_NET_ADMIN. Started by auditd it reads from auditd. It stops on SIGTERM and\n"
     "SIGINT, after what was read has been worked off, and puts back the audit\n"
     "settings that it changed. On SIGHUP it reopens the JSON file and reads the rules\n"
     "anew: sequences of unchanged rules go on; if any file is wrong, the log says\n"
     "where, and the rules stay as they were. On SIGUSR1 it writes to its log what\n"
     "'audisp-eql status' tells. Alerts like one another fold into one with a count\n"
     "(fold-window); a replay prints each.\n",
     "  audisp-eql run --stdout text\n"
     "      one readable line for each alert on this terminal, and all of them to syslog\n"
     "  audisp-eql run --syslog off --json-file /var/log/audisp-eql/alerts.json\n"
     "  audisp-eql run --rules ./my-rules --capture /tmp/seen.capture\n"
     "      and later: audisp-eql replay --rules ./my-rules /tmp/seen.capture\n",
     "  0  stopped as asked   1  cannot run   2  an option is wrong\n"
     "A rule with errors does not stop the others; it is told at the start.\n"},
    {"replay", Command::replay, replay_command, "FILE…",
     "run the rules over audit logs or captures",
     "Reads the files as one log in the given order (rotations oldest first; .gz is\n"
     "read too, - is standard input) and writes the alerts to standard output. The\n"
     "same input gives the same bytes. Statistics go to standard error.\n",
     "  audisp-eql replay /var/log/audit/audit.log.1 /var/log/audit/audit.log\n"
     "  audisp-eql replay --output summary --rules ./my-rules /var/log/audit/audit.log*\n"
     "  ausearch --raw --start today | audisp-eql replay -\n",
     "  0  fine   1  cannot run   2  an option, a rule or a file is wrong\n"
     "  3  something matched (only with --exit-code)\n"},
    {"query", Command::query, query_command, "QUERY FILE…",
     "ask audit logs, captures or ECS events a question in EQL",
     "Reads the files as one log (rotations oldest first; .gz is read too, - is standard\n"
     "input) and writes each event that matches as one line of JSON. Events that come as\n"
     "lines of JSON are written as they were; they are sorted by time first, and for\n"
     "that held in memory. A sequence or a sample is written as\n"
     "{\"join_keys\":[…],\"events\":[…]}, with null for a missing event. Statistics go to\n"
     "standard error.\n",
     "  audisp-eql query 'process where process.executable : \"/tmp/*\"' "
     "/var/log/audit/audit.log*\n"
     "  audisp-eql query --fields @timestamp,process.args 'process where user.id == \"0\" | tail "
     "5' \\\n"
     "      /var/log/audit/audit.log\n"
     "  audisp-eql query --count 'sequence by host.id, user.id with maxspan=1m\n"
     "      [ network where true ] ![ process where true ]' events.ndjson\n",
     "  0  fine   1  cannot run   2  an option, the query or a file is wrong\n"
     "  3  something matched (only with --exit-code)\n"},
    {"record", Command::record, record_command, "FILE",
     "write what the kernel's feeds say to a file that replay reads",
     "Writes a capture of the audit feed and the proc connector, without any rules,\n"
     "until SIGINT or SIGTERM. FILE is made readable for its owner only: it holds\n"
     "command lines. - is standard output.\n",
     "  audisp-eql record --for 60 /tmp/minute.capture\n"
     "  audisp-eql replay /tmp/minute.capture\n",
     "  0  fine   1  cannot run   2  an option is wrong\n"},
    {"check", Command::check, check_command, "[RULE|DIR…]", "say what is wrong with rules",
     "Reads rule files, and directories for *.toml, and shows every error and warning\n"
     "of all of them with its place. Without arguments: the rules that run would load.\n"
     "Files in other query languages are counted and left alone.\n"
     "\n"
     "Exceptions (--exceptions) are checked and listed too. An event for which all\n"
     "entries hold, and the query if there is one, is invisible to the rules:\n"
     "\n"
     "  [[exception]]\n"
     "  id = \"ci-runner\"           # unique; what it suppresses is counted under it\n"
     "  comment = \"…\"\n"
     "  rule = [\"RULE-ID\"]         # without it: every rule\n"
     "  expires = 2027-01-31       # optional: the last day on which it holds\n"
     "  entries = [ {field = \"process.executable\", op = \"one_of\", value = [\"/opt/ci/run\"]} "
     "]\n"
     "  query = \"process where process.parent.name == \\\"ci\\\"\"\n"
     "\n"
     "op: is, is_not, one_of, wildcard (* and ?), exists, cidr.\n",
     "  audisp-eql check my-rule.toml\n"
     "  audisp-eql check /etc/audisp-eql/rules.d\n"
     "  audisp-eql check --output json ./detection-rules/rules/linux\n"
     "      one object a line: file, id, name, status, diagnostics\n",
     "  0  no errors (there may be warnings)   1  cannot run   2  a rule has an error\n"},
    {"test", Command::test, test_command, "RULE|DIR…", "run the tests that stand beside rules",
     "The tests of NAME.toml are in NAME.test.toml beside it. Each has events and says\n"
     "what the rule makes of them:\n"
     "\n"
     "  [[test]]\n"
     "  name = \"an interpreter connects, then becomes a shell\"\n"
     "  alerts = 1                 # 0: a near miss; or, in place of it, the event ids of\n"
     "  expect = [[\"1\", \"3\"]]    # each match, \"-\" for a missing-event clause\n"
     "  stage = 1                  # near misses only, optional: items of the sequence reached\n"
     "  events = '''\n"
     "  {\"@timestamp\": 1000, \"event\": {\"id\": \"1\", \"category\": [\"process\"]}, …}\n"
     "  '''                        # ECS in JSON, one event a line; or, in place of it:\n"
     "  capture = \"x.capture.gz\"   # a capture or an audit log, relative to this file\n"
     "\n"
     "Events stand in the order in which the rule sees them. @timestamp is ISO 8601 text\n"
     "or milliseconds; without it an event comes 1 ms after the one before. At the end\n"
     "the clock runs out, so that a trailing ![…] matches. Only the rule beside is\n"
     "evaluated, deprecated ones too. Of a failed test it is said at which stage the\n"
     "rule stopped, and which part of the condition was false.\n",
     "  audisp-eql test my-rules/\n"
     "  audisp-eql test --output junit my-rules/ >results.xml\n",
     "  0  all tests passed   1  cannot run   2  a test failed, or a file has a mistake\n"},
    {"doctor", Command::doctor, doctor_command, "",
     "say what stands in the way of detection on this host",
     "Looks at the kernel, its audit settings and rules, who holds the audit feed, auditd\n"
     "and its plugin, the proc connector, namespaces, security modules, io_uring, the\n"
     "clock, the rules and the outputs, and says of each in one line:\n"
     "  fine     nothing to do\n"
     "  warning  records may be lost, something is blind, or the host may suffer\n"
     "  broken   as it is, attacks go unseen\n"
     "and the command that mends it. Changes nothing. Where audisp-eql runs, its own\n"
     "configuration counts. Needs root to see everything.\n",
     "  audisp-eql doctor\n"
     "  audisp-eql doctor --output json | jq -r 'select(.verdict == \"broken\").mend'\n"
     "      one object a line: check, verdict, text, mend (empty: nothing to do)\n",
     "  0  nothing is broken   1  something is broken, or it cannot run   2  an option is wrong\n"},
    {"audit-rules", Command::audit_rules, audit_rules_command, "[RULE|DIR…]",
     "the kernel audit rules that the loaded rules need",
     "Writes to standard output, in auditctl's form, which audit rules the kernel must\n"
     "have so that every event is reported that the rules look at, and no others; above\n"
     "each line stand the rules that need it. First come lines that report who writes into\n"
     "the program's own configuration and rules. 'run' loads exactly these by itself.\n"
     "Without arguments: for the rules that run would load.\n",
     "  audisp-eql audit-rules my-rule.toml\n"
     "  audisp-eql audit-rules --measure 60s\n"
     "      what they cost on this host: each line's records and bytes a second, how far back\n"
     "      auditd's files then reach, and the programs that fill them\n"
     "  audisp-eql audit-rules --install\n",
     "  0  fine   1  cannot run   2  an option or a rule is wrong\n"},
    {"rules", Command::rules, rules_command, "[RULE|DIR…]",
     "say of each rule what it can and cannot see on this host",
     "Without arguments: the rules of the agent that runs, or that would run. Each has a\n"
     "status:\n"
     "  ok          all that it asks for can be seen\n"
     "  degraded    some test can never hold on this program's events\n"
     "  inert       it can never match on this program's events\n"
     "  blind       it is fine, and a kernel feed or audit rule that it needs is missing here\n"
     "  deprecated  its authors say so; it is not evaluated\n"
     "  error       'audisp-eql check' says what is wrong\n"
     "Below it stands what is not seen of what it asks for. Needs root to see the kernel's\n"
     "audit rules.\n",
     "  audisp-eql rules\n"
     "  audisp-eql rules --output json ./detection-rules/rules/linux\n"
     "      as check's, with the status on this host, and missing: texts\n",
     "  0  no errors   1  cannot run   2  a rule has an error\n"},
    {"selftest", Command::selftest, selftest_command, "",
     "perform a harmless technique that must come back as an alert",
     "A shell starts a program in a temporary directory, which forks, connects and becomes\n"
     "a shell: what the installed rules look for. All of it happens in a network namespace\n"
     "of its own and touches nothing. It is followed through the agent that runs to where\n"
     "its alerts arrive: the JSON file, the logs that syslog writes, the journal. Within\n"
     "15 s it says 'detected' and how long it took, or names the stage that is broken:\n"
     "agent, plugin, audit, feed, kernel audit rules, proc connector, rules, exceptions,\n"
     "output; and what mends it. The alert is a real one and says audisp-eql-selftest in\n"
     "its arguments. Needs root.\n",
     "  audisp-eql selftest\n"
     "  audisp-eql selftest --look-in /srv/log/security.log\n"
     "  audisp-eql selftest --standalone --rules ./my-rules\n",
     "  0  detected   1  not detected, or it cannot run   2  an option is wrong\n"},
    {"enable", Command::enable, enable_command, "plugin|service",
     "switch audisp-eql on, as auditd's plugin or as a service",
     "plugin: sets 'active = yes' in the file that auditd's plugin directory has of this\n"
     "program, or makes that file, and tells auditd to read its configuration. auditd\n"
     "goes on writing its log; the records of our own audit rules stand there, too. What\n"
     "they add is measured and said before anything is changed, and where the log then\n"
     "reaches back for less than 7 days nothing is, without --accept. Where audit is locked\n"
     "(-e 2) everything is prepared for the next reboot.\n"
     "service: makes the service's user and its log directory where they are missing, and\n"
     "has systemd start audisp-eql.service, now and at every boot. It takes the kernel's\n"
     "audit feed, so that auditd must be off.\n"
     "\n"
     "Each thing that is done is said; what is done already is left alone. Both forms at\n"
     "once are refused. At the end 'doctor' says what it finds wrong, and 'selftest' whether\n"
     "a technique comes back as an alert. With --config FILE auditd's plugin file, where it\n"
     "is made anew, names that configuration.\n",
     "  audisp-eql enable plugin\n",
     "  0  switched on, and detecting   1  cannot be done, or not detected\n"
     "  2  an option is wrong\n"},
    {"disable", Command::disable, disable_command, "[plugin|service]",
     "switch audisp-eql off again",
     "Takes back what 'enable' did: auditd's plugin file is set to 'active = no', or\n"
     "removed where 'enable' made it, and auditd ends the program; the service is stopped,\n"
     "now and for every boot. audisp-eql removes its audit rules as it ends. The service's\n"
     "user and log directory stay. Without an argument: whichever is on.\n",
     "  audisp-eql disable\n", "  0  switched off   1  cannot be done   2  an option is wrong\n"},
    {"status", Command::status, status_command, "", "how the running agent fares",
     "Asks the agent that runs: what it reads and what that costs, rates, queues, what was\n"
     "lost, memory, outputs and the spool, whether audit is as it should be, and of each\n"
     "rule its matches, its alerts, its pending matches by stage and what it costs (one\n"
     "event in 64 is timed). SIGUSR1 makes the agent write the same to its log. Its own\n"
     "user and group, and root, may ask.\n",
     "  audisp-eql status\n"
     "  audisp-eql status --output json | jq .alerts\n"
     "  audisp-eql status --output prometheus >/var/lib/node_exporter/audisp-eql.prom\n",
     "  0  fine   1  no agent answers   2  an option is wrong\n"},
    {"maintenance", Command::maintenance, maintenance_command, "TIME|off",
     "declare a time in which audit is worked on",
     "For so long (30m, 2h; a day at most) what the agent would call tampering is only\n"
     "counted: audit switched off, its audit rules removed, the backlog shrunk, files\n"
     "changed. One alert says who declared it, another at its end what was counted. Audit\n"
     "rules of its own that are removed meanwhile are loaded again, as ever. A stop of the\n"
     "agent ends it, and that it was killed is told as ever. Needs root.\n",
     "  audisp-eql maintenance 30m\n"
     "  audisp-eql maintenance off\n",
     "  0  declared   1  no agent answers, or it refuses   2  an option is wrong\n"},
    {"fields", Command::fields, fields_command, "",
     "what events and fields rules can test for, and when they are there",
     "Writes tables in Markdown: every kind of event with its category, type and action,\n"
     "and every field with its type, the records and files that it is taken from, and\n"
     "when it is there.\n",
     "  audisp-eql fields | grep process.Ext\n", "  0  fine   1  cannot run\n"},
};

}  // namespace

std::span<const CommandEntry> commands() {
    return kCommands;
}

const CommandEntry* find_command(std::string_view name) {
    for (const auto& entry : kCommands)
        if (entry.name == name)
            return &entry;
    return nullptr;
}

std::string program_help() {
    std::string text =
        "audisp-eql watches a Linux host through the kernel's audit and process feeds,\n"
        "runs EQL detection rules on what it sees, and sends alerts to syslog.\n"
        "\n"
        "Usage: audisp-eql [COMMAND] [OPTION…] [ARGUMENT…]\n"
        "\n"
        "Commands:\n";
    for (const auto& entry : kCommands)
        text += fmt::format("  {:<13}{}\n", entry.name, entry.summary);
    text +=
        "  version      which version this is\n"
        "  help         this text; 'audisp-eql help COMMAND' tells a command's options\n"
        "\n"
        "Try it without touching anything:\n"
        "  audisp-eql replay /var/log/audit/audit.log    what would the rules have said?\n"
        "Watch this host, as root:\n"
        "  audisp-eql run --stdout text\n"
        "\n"
        "Options may also stand in /etc/audisp-eql/audisp-eql.conf, as 'key = value'.\n"
        "Exit codes: 0 fine, 1 cannot run, 2 an option, a rule or a file is wrong,\n"
        "3 something matched (replay, query --exit-code).\n";
    return text;
}

std::string command_help(const CommandEntry& entry) {
    return fmt::format(
        "audisp-eql {0}: {1}\n\nUsage: audisp-eql {0} [OPTION…]{2}{3}\n\n{4}\n{5}Examples:\n{6}\n"
        "Exit codes:\n{7}",
        entry.name, entry.summary, entry.arguments.empty() ? "" : " ", entry.arguments,
        entry.description, option_help(entry.command), entry.examples, entry.exit_codes);
}

std::string version_text() {
    return "audisp-eql " AUDISP_EQL_VERSION "\n";
}

}  // namespace audisp_eql::collector
