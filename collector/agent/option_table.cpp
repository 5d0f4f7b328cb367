// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/option_table.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include <boost/make_shared.hpp>
#include <boost/program_options/value_semantic.hpp>

#include "collector/feed/feeds.hpp"
#include "detect/event/field_table.hpp"

namespace po = boost::program_options;

namespace audisp_eql::collector {
namespace {

template <typename Value>
struct Choice {
    std::string_view name;
    Value value;
};

constexpr Choice<AuditFeed> kFeeds[] = {{"auto", AuditFeed::automatic},
                                        {"plugin", AuditFeed::plugin},
                                        {"unicast", AuditFeed::unicast},
                                        {"multicast", AuditFeed::multicast}};
constexpr Choice<RequiredFeed> kRequired[] = {{"audit", RequiredFeed::audit},
                                              {"proc_connector", RequiredFeed::proc_connector}};
constexpr Choice<StdoutForm> kStdoutForms[] = {
    {"none", StdoutForm::none}, {"ndjson", StdoutForm::ndjson}, {"text", StdoutForm::text}};
constexpr Choice<ReplayOutput> kReplayOutputs[] = {{"ndjson", ReplayOutput::ndjson},
                                                   {"text", ReplayOutput::text},
                                                   {"summary", ReplayOutput::summary}};
constexpr Choice<QueryInputKind> kQueryInputs[] = {{"auto", QueryInputKind::automatic},
                                                   {"audit", QueryInputKind::audit},
                                                   {"ndjson", QueryInputKind::ndjson}};
constexpr Choice<CheckOutput> kCheckOutputs[] = {{"text", CheckOutput::text},
                                                 {"json", CheckOutput::json}};
constexpr Choice<StatusOutput> kStatusOutputs[] = {{"text", StatusOutput::text},
                                                   {"json", StatusOutput::json},
                                                   {"prometheus", StatusOutput::prometheus}};
constexpr Choice<TestOutput> kTestOutputs[] = {{"text", TestOutput::text},
                                               {"junit", TestOutput::junit}};
constexpr Choice<ConfineMode> kConfineModes[] = {
    {"auto", ConfineMode::automatic}, {"on", ConfineMode::on}, {"off", ConfineMode::off}};
constexpr Choice<LogLevel> kLogLevels[] = {{"error", LogLevel::error},
                                           {"warning", LogLevel::warning},
                                           {"info", LogLevel::info},
                                           {"debug", LogLevel::debug}};
// RFC 5424 table 1, names of syslog(3).
constexpr Choice<int> kFacilities[] = {
    {"kern", 0},      {"user", 1},    {"mail", 2},    {"daemon", 3},  {"auth", 4},
    {"syslog", 5},    {"lpr", 6},     {"news", 7},    {"uucp", 8},    {"cron", 9},
    {"authpriv", 10}, {"ftp", 11},    {"local0", 16}, {"local1", 17}, {"local2", 18},
    {"local3", 19},   {"local4", 20}, {"local5", 21}, {"local6", 22}, {"local7", 23}};

template <typename Value, std::size_t N>
Value choose(const Choice<Value> (&choices)[N], std::string_view text) {
    std::string names;
    for (const auto& choice : choices) {
        if (choice.name == text)
            return choice.value;
        names += (names.empty() ? "" : ", ") + std::string(choice.name);
    }
    throw BadValue("'" + std::string(text) + "' is none of " + names);
}

// "60s", "5m", "1h", "90".
std::optional<std::uint32_t> seconds_of(const std::string& text) {
    std::uint32_t seconds = 0;
    const char* const last = text.data() + text.size();
    const auto [end, error] = std::from_chars(text.data(), last, seconds);
    const std::string_view unit(end, static_cast<std::size_t>(last - end));
    const std::uint32_t factor = unit.empty() || unit == "s" ? 1
                                 : unit == "m"               ? 60
                                 : unit == "h"               ? 3600
                                                             : 0;
    if (error != std::errc() || factor == 0 || seconds > Duration::kMost / factor)
        return std::nullopt;
    return seconds * factor;
}

std::string_view trimmed(std::string_view text) {
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    return text.substr(0, text.find_last_not_of(' ') + 1);
}

const std::string& single(const boost::any& out, const std::vector<std::string>& values) {
    po::validators::check_first_occurrence(out);
    return po::validators::get_single_string(values);
}

}  // namespace

// Program_options finds these by the value's type (argument-dependent lookup), so they can't lie in
// the unnamed namespace.
static void validate(boost::any& out, const std::vector<std::string>& values, AuditFeed*, int) {
    out = choose(kFeeds, single(out, values));
}
static void validate(boost::any& out, const std::vector<std::string>& values, StdoutForm*, int) {
    out = choose(kStdoutForms, single(out, values));
}
static void validate(boost::any& out, const std::vector<std::string>& values, ReplayOutput*, int) {
    out = choose(kReplayOutputs, single(out, values));
}
static void validate(boost::any& out, const std::vector<std::string>& values, QueryInputKind*,
                     int) {
    out = choose(kQueryInputs, single(out, values));
}
static void validate(boost::any& out, const std::vector<std::string>& values, CheckOutput*, int) {
    out = choose(kCheckOutputs, single(out, values));
}
static void validate(boost::any& out, const std::vector<std::string>& values, StatusOutput*, int) {
    out = choose(kStatusOutputs, single(out, values));
}
static void validate(boost::any& out, const std::vector<std::string>& values, TestOutput*, int) {
    out = choose(kTestOutputs, single(out, values));
}
static void validate(boost::any& out, const std::vector<std::string>& values, ConfineMode*, int) {
    out = choose(kConfineModes, single(out, values));
}
static void validate(boost::any& out, const std::vector<std::string>& values, LogLevel*, int) {
    out = choose(kLogLevels, single(out, values));
}
static void validate(boost::any& out, const std::vector<std::string>& values, SyslogFacility*,
                     int) {
    out = SyslogFacility{choose(kFacilities, single(out, values))};
}
static void validate(boost::any& out, const std::vector<std::string>& values,
                     std::vector<RequiredFeed>*, int) {
    if (out.empty())
        out = std::vector<RequiredFeed>();
    auto& feeds = *boost::any_cast<std::vector<RequiredFeed>>(&out);
    for (std::string_view rest : values) {
        while (true) {
            const auto comma = rest.find(',');
            feeds.push_back(choose(kRequired, trimmed(rest.substr(0, comma))));
            if (comma == std::string_view::npos)
                break;
            rest.remove_prefix(comma + 1);
        }
    }
}
static void validate(boost::any& out, const std::vector<std::string>& values,
                     std::vector<RemoteServer>*, int) {
    if (out.empty())
        out = std::vector<RemoteServer>();
    auto& servers = *boost::any_cast<std::vector<RemoteServer>>(&out);
    for (const std::string& text : values) {
        const auto server = parse_remote_server(text);
        if (!server)
            throw BadValue("'" + text +
                           "' is not of the form udp://HOST[:PORT], tcp://… or tls://…; an IPv6 "
                           "address stands in []");
        servers.push_back(*server);
    }
}
static void validate(boost::any& out, const std::vector<std::string>& values, Duration*, int) {
    const std::string& text = single(out, values);
    const auto seconds = seconds_of(text);
    if (!seconds || *seconds == 0)
        throw BadValue("'" + text + "' is no time such as 60s, 5m or 1h, of a day at most");
    out = Duration{*seconds};
}
static void validate(boost::any& out, const std::vector<std::string>& values, Interval*, int) {
    const std::string& text = single(out, values);
    const auto seconds = interval_seconds(text);
    if (!seconds)
        throw BadValue("'" + text + "' is neither off nor a time such as 60s, 5m or 1h, of a day " +
                       "at most");
    out = Interval{*seconds};
}
static void validate(boost::any& out, const std::vector<std::string>& values, FieldList*, int) {
    const std::string& text = single(out, values);
    FieldList list;
    const detect::FieldNames known;
    std::string_view rest = text == "none" ? std::string_view() : text;
    while (!rest.empty()) {
        const auto comma = std::min(rest.find(','), rest.size());
        const std::string_view name = trimmed(rest.substr(0, comma));
        rest.remove_prefix(std::min(comma + 1, rest.size()));
        if (name != "rule.id" && !known.find(name))
            throw BadValue("'" + std::string(name) + "' is no field of alerts");
        list.names.emplace_back(name);
    }
    out = list;
}
template <std::size_t kLeast, std::size_t kMost, std::size_t kDefault>
static void validate(boost::any& out, const std::vector<std::string>& values,
                     Bounded<kLeast, kMost, kDefault>*, int) {
    const std::string& text = single(out, values);
    Bounded<kLeast, kMost, kDefault> result;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), result.value);
    if (error != std::errc() || end != text.data() + text.size() || result.value < kLeast ||
        result.value > kMost)
        throw BadValue("'" + text + "' is no whole number from " + std::to_string(kLeast) + " to " +
                       std::to_string(kMost));
    out = result;
}

std::optional<std::uint32_t> interval_seconds(const std::string& text) {
    return text == "off" ? 0 : seconds_of(text);
}

std::string_view to_string(RequiredFeed feed) {
    for (const auto& choice : kRequired)
        if (choice.value == feed)
            return choice.name;
    return {};
}

namespace {

constexpr unsigned kRun = command_bit(Command::run), kReplay = command_bit(Command::replay),
                   kQuery = command_bit(Command::query), kRecord = command_bit(Command::record),
                   kCheck = command_bit(Command::check), kTest = command_bit(Command::test),
                   kDoctor = command_bit(Command::doctor),
                   kAuditRules = command_bit(Command::audit_rules),
                   kSelftest = command_bit(Command::selftest),
                   kEnable = command_bit(Command::enable), kDisable = command_bit(Command::disable),
                   kFields = command_bit(Command::fields),
                   kRulesCommand = command_bit(Command::rules),
                   kStatus = command_bit(Command::status),
                   kMaintenance = command_bit(Command::maintenance);
constexpr unsigned kLive = kRun | kRecord,
                   kRuled = kRun | kReplay | kCheck | kAuditRules | kSelftest;
constexpr unsigned kAll = kRuled | kQuery | kRecord | kTest | kDoctor | kEnable | kDisable |
                          kFields | kRulesCommand | kStatus | kMaintenance;

constexpr const char* kRules = "Rules";
constexpr const char* kInput = "What is read";
constexpr const char* kOutput = "Where results go";
constexpr const char* kGeneral = "General";

struct TableBuilder {
    std::vector<OptionRow> rows;

    void add(const char* group, unsigned commands, bool in_file, const char* name,
             const po::value_semantic* semantic, const char* help) {
        rows.push_back({group, commands, in_file,
                        boost::make_shared<po::option_description>(name, semantic, help)});
    }
};

template <typename Value>
po::typed_value<Value>* value(Value& target, const char* name) {
    return po::value<Value>(&target)->value_name(name);
}

// A switch: "--cee" on the command line, "cee = on" in the file.
po::typed_value<bool>* on_off(bool& target) {
    return po::value<bool>(&target)
        ->value_name("[=on|off]")
        ->implicit_value(true, "")
        ->default_value(target, target ? "on" : "off");
}

void add_rules(TableBuilder& table, Settings& s) {
    table.add(kRules, kRuled, true, "rules", value(s.rules, "PATH"),
              "A rule file, or a directory that is searched for *.toml files. May be given several "
              "times. Default: " AUDISP_EQL_RULES_DIR " and /etc/audisp-eql/rules.d.");
    table.add(
        kRules, kRuled, true, "exceptions", value(s.exceptions, "PATH"),
        "A file of exceptions, or a directory that is searched for *.toml files. May be given "
        "several times. Default: /etc/audisp-eql/exceptions.d.");
    table.add(kRules, kRuled, true, "deprecated", on_off(s.deprecated),
              "Also evaluate rules that their authors have marked as deprecated.");
}

void add_input(TableBuilder& table, Settings& s) {
    table.add(kInput, kLive, true, "feed", value(s.feed, "WAY")->default_value(s.feed, "auto"),
              "How audit records come in. auto: as auditd's plugin if auditd started this program, "
              "else from the kernel, beside auditd where it is enabled. plugin: from auditd on "
              "standard input. unicast: from the kernel, as the host's audit daemon. multicast: "
              "from the kernel, beside whoever is that; a burst may overrun it.");
    table.add(
        kInput, kLive, true, "require", value(s.require, "FEED[,FEED]"),
        "Refuse to start without these feeds (audit, proc_connector). With run that is an alert, "
        "and so is one that goes away later. Without this option the program goes on with what "
        "it gets and says what is missing.");
    table.add(kInput, kRun, true, "memory-mib",
              value(s.memory_mib, "N")->default_value(s.memory_mib, "256"),
              "The most memory the program may take, in MiB. Near it the oldest of what it keeps "
              "(processes that ended, sequences that have begun) is let go, and an alert says so.");
    table.add(
        kInput, kRun, true, "env-vars", on_off(s.env_vars),
        "Read the environment of programs as they start, and keep what a loaded rule tests for "
        "in process.env_vars. Environments may hold secrets.");
    table.add(
        kInput, kRun | kAuditRules, true, "expensive-audit-rules", on_off(s.expensive_audit_rules),
        "Also load the kernel audit rules that cost most: opens and new files anywhere, every UDP "
        "message, each change of a standard descriptor. Without it, rules that ask for these in no "
        "particular place are blind; 'audisp-eql audit-rules' names them.");
    table.add(kOutput, kAuditRules, false, "install", po::bool_switch(&s.install),
              "Load them into the kernel now, in place of those with keys of ours; no other audit "
              "rule is touched. They stay until the next boot, or until audisp-eql runs and ends.");
    table.add(
        kOutput, kAuditRules, false, "measure", value(s.measure, "TIME"),
        "Load them for this time (60s, 5m, 1h), count the records and bytes that each adds on "
        "this host, and put everything back: what that means for auditd's log, and which "
        "programs fill it.");
    table.add(kOutput, kEnable, false, "measure", value(s.measure, "TIME"),
              "How long to measure what the audit rules add to auditd's log, before anything is "
              "changed; 10s without it.");
    table.add(kOutput, kEnable, false, "accept", po::bool_switch(&s.accept),
              "Also where auditd's log will reach back for less than 7 days; without measuring.");
    table.add(kInput, kRecord, false, "for",
              value(s.record_seconds, "SECONDS")->default_value(s.record_seconds, "0"),
              "Stop after this time; 0: run until SIGINT or SIGTERM.");
    table.add(kInput, kSelftest, false, "standalone", po::bool_switch(&s.standalone),
              "Test with an agent of its own, which runs for as long as the test; only where none "
              "runs. The options about rules are for this.");
    table.add(kInput, kSelftest, false, "agent", value(s.selftest_agent, "PID"),
              "Which running audisp-eql to test, if there are several.");
    table.add(kOutput, kSelftest | kEnable, false, "look-in", value(s.look_in, "FILE"),
              "A file that syslog writes alerts to, beside the usual ones in /var/log and the "
              "journal. May be given several times.");
    table.add(kInput, kReplay | kQuery, false, "host-id", value(s.host_id, "ID"),
              "The host.id of events whose log does not name its host.");
}

void add_query(TableBuilder& table, Settings& s) {
    table.add(kInput, kQuery, false, "input",
              value(s.query_input, "KIND")->default_value(s.query_input, "auto"),
              "audit: audit logs and captures. ndjson: events as lines of JSON, with dotted or "
              "nested keys; they are held in memory to be sorted by time. auto: as the first line "
              "looks.");
    table.add(kInput, kQuery, false, "query-file", value(s.query_file, "FILE"),
              "Read the query from this file; all arguments are then files to ask.");
    table.add(kInput, kQuery, false, "event-category-field", value(s.category_field, "NAME"),
              "What 'process where' tests. Default: event.category.");
    table.add(kInput, kQuery, false, "timestamp-field",
              value(s.timestamp_field, "NAME")->default_value(s.timestamp_field),
              "The time of JSON events: ISO 8601 text, or milliseconds since 1970.");
    table.add(kInput, kQuery, false, "tiebreaker-field", value(s.tiebreaker_field, "NAME"),
              "Orders JSON events of the same time; those without it come last. Otherwise they "
              "stay in the order of their lines.");
    table.add(kOutput, kQuery, false, "fields", value(s.fields, "NAME[,NAME]"),
              "Of each event write these fields only, and those below them (process.parent), as "
              "nested JSON with the values that the query sees. May be given several times.");
    table.add(kOutput, kQuery, false, "count", po::bool_switch(&s.count),
              "Write only the number of matches.");
}

void add_output(TableBuilder& table, Settings& s) {
    table.add(kOutput, kRun, true, "syslog", value(s.syslog, "PATH")->default_value(s.syslog),
              "The local syslog socket that gets the alerts; off: none.");
    table.add(kOutput, kRun, true, "syslog-facility",
              value(s.syslog_facility, "NAME")->default_value(s.syslog_facility, "authpriv"),
              "kern, user, daemon, auth, authpriv, local0 to local7, …");
    table.add(
        kOutput, kRun, true, "cee", on_off(s.cee),
        "Write @cee: before the JSON, for rsyslog's mmjsonparse and syslog-ng's json-parser.");
    table.add(
        kOutput, kRun, true, "max-message-bytes",
        value(s.max_message_bytes, "N")->default_value(s.max_message_bytes, "8000"),
        "Trim what goes to syslog to this size, the least important parts first. rsyslog cuts "
        "at 8 kB by default.");
    table.add(kOutput, kRun, true, "syslog-server", value(s.syslog_servers, "URL"),
              "Also send alerts to a syslog server, in the form of RFC 5424: udp://HOST[:PORT], "
              "tcp://HOST[:PORT] (octet counting) or tls://HOST[:PORT]. Ports unless given: 514, "
              "514, 6514. HOST is looked up in /etc/hosts and DNS. May be given several times.");
    table.add(kOutput, kRun, true, "tls-ca", value(s.tls_ca, "FILE"),
              "The certificates (PEM) that a TLS server's must come from. Default: the system's.");
    table.add(kOutput, kRun, true, "tls-cert", value(s.tls_cert, "FILE"),
              "The certificate chain (PEM) that is shown to TLS servers.");
    table.add(kOutput, kRun, true, "tls-key", value(s.tls_key, "FILE"),
              "The private key (PEM) of tls-cert.");
    table.add(kOutput, kRun, true, "tls-verify", on_off(s.tls_verify),
              "Refuse a TLS server whose certificate is not valid for its name. Off: anybody in "
              "between can read the alerts.");
    table.add(kOutput, kRun, true, "json-file", value(s.json_file, "PATH"),
              "Also append each alert, whole, as one line of JSON to this file.");
    table.add(kOutput, kRun, true, "stdout",
              value(s.stdout_form, "FORM")->default_value(s.stdout_form, "none"),
              "Also write alerts to standard output. ndjson: whole, one line each. text: one "
              "readable line each. none.");
    table.add(
        kOutput, kRun, true, "state-dir", value(s.state_dir, "DIR")->default_value(s.state_dir),
        "Alerts are written to DIR/spool before they are sent, and are there after a restart. "
        "If DIR does not exist, or is off: they are kept in memory.");
    table.add(kOutput, kRun, true, "spool-mib",
              value(s.spool_mib, "N")->default_value(s.spool_mib, "64"),
              "The most that the spool may take, in MiB; the oldest alerts go first.");
    table.add(kOutput, kRun, true, "resend-seconds",
              value(s.resend_seconds, "N")->default_value(s.resend_seconds, "30"),
              "When syslog was restarted or a connection was lost, the alerts of this time go out "
              "again, under the same ids: nobody knows which of them were read. 0: none.");
    table.add(kOutput, kRun | kReplay, true, "single-alerts", on_off(s.single_alerts),
              "Each alert by itself, at once.");
    table.add(kOutput, kRun | kReplay, true, "stories", on_off(s.stories),
              "Also one alert for all alerts about one process tree, with the rules that fired and "
              "what the tree did afterwards, when it has been quiet for a minute (at the latest "
              "after 15 minutes).");
    table.add(kOutput, kRun, true, "fold-window",
              value(s.fold_window, "TIME")->default_value(s.fold_window, "60s"),
              "Alerts that agree in the fields of fold-by within this time fold: the first goes "
              "out at once, the others are counted, and one more tells the count. off: none fold.");
    table.add(kOutput, kRun, true, "fold-by", value(s.fold_by, "FIELD[,FIELD]"),
              "What alerts that fold have in common. Default: rule.id, host.id, user.id, "
              "process.executable, process.parent.executable, destination.ip.");
    table.add(kOutput, kRun, true, "alert-ceiling",
              value(s.alert_ceiling, "N")->default_value(s.alert_ceiling, "100"),
              "A rule with more alerts a minute than this is only counted until it is quieter, and "
              "one alert says so. 0: no ceiling.");
    table.add(
        kOutput, kRun | kReplay, true, "mask-secrets", on_off(s.mask_secrets),
        "Put [masked] in the place of passwords, tokens and keys that stood on a command line, "
        "in every alert; rules still see them. 'query' and 'replay --events' mask nothing.");
    table.add(
        kOutput, kRun, false, "capture", value(s.capture, "FILE"),
        "Also write what this run sees to FILE, so that 'audisp-eql replay FILE' repeats it.");
    table.add(kOutput, kReplay, false, "output",
              value(s.replay_output, "FORM")->default_value(s.replay_output, "ndjson"),
              "ndjson: each alert as one line of JSON. text: one readable line each. summary: for "
              "each rule the count and the commonest groups.");
    table.add(kOutput, kReplay, false, "events", po::bool_switch(&s.events),
              "Write every event that the rules see, as ECS in JSON, in place of the alerts.");
    table.add(kOutput, kReplay | kQuery, false, "exit-code", po::bool_switch(&s.exit_code),
              "Exit with 3 if anything matched.");
    table.add(kOutput, kCheck | kDoctor | kRulesCommand, false, "output",
              value(s.check_output, "FORM")->default_value(s.check_output, "text"),
              "text: messages for people. json: one object a line.");
    table.add(kOutput, kStatus, false, "output",
              value(s.status_output, "FORM")->default_value(s.status_output, "text"),
              "text: for people. json: one object. prometheus: its text format, for a scraper.");
    table.add(kOutput, kAuditRules, false, "remove", po::bool_switch(&s.remove_audit_rules),
              "In place of that, take out of the kernel what a crash of audisp-eql has left there: "
              "its audit rules and, where state-dir says so, changed settings.");
    table.add(kOutput, kTest, false, "output",
              value(s.test_output, "FORM")->default_value(s.test_output, "text"),
              "text: a line for each rule, and what is wrong. junit: XML, one test suite a rule.");
}

void add_general(TableBuilder& table, Settings& s) {
    table.add(kGeneral, kAll, false, "config", value(s.config, "FILE"),
              "The configuration file; conf.d/*.conf beside it is read too. Default: "
              "/etc/audisp-eql/audisp-eql.conf, if it exists.");
    table.add(kGeneral, kRun, true, "heartbeat",
              value(s.heartbeat, "TIME")->default_value(s.heartbeat, "5m"),
              "How often a heartbeat goes the way of the alerts, with rates and losses. off: "
              "never.");
    table.add(kGeneral, kRun | kStatus | kMaintenance, true, "status-socket",
              value(s.status_socket, "PATH")->default_value(s.status_socket),
              "The unix socket on which the running program answers 'status' and 'maintenance'; "
              "its owner and group may ask. off: none.");
    table.add(
        kGeneral, kLive, true, "confine", value(s.confine, "HOW")->default_value(s.confine, "auto"),
        "Work out records, rules and alerts in a process of their own without any rights: another "
        "user, no capabilities, few system calls, no programs, writing only below state-dir and "
        "beside json-file. auto: as far as this host can. on: not without all of it. off: in one "
        "process; what gets hold of it through a hostile record is root.");
    table.add(kGeneral, kLive, true, "user", value(s.user, "NAME")->default_value(s.user),
              "Whom that process runs as, if this one was started as root.");
    table.add(kGeneral, kAll, true, "log-level",
              value(s.log_level, "LEVEL")->default_value(s.log_level, "info"),
              "What the program says about itself: error, warning, info, debug.");
    table.add(kGeneral, kAll, false, "help,h", po::bool_switch(&s.help), "This text.");
}

}  // namespace

std::vector<OptionRow> option_table(Settings& settings) {
    TableBuilder table;
    add_rules(table, settings);
    add_input(table, settings);
    add_query(table, settings);
    add_output(table, settings);
    add_general(table, settings);
    return std::move(table.rows);
}

}  // namespace audisp_eql::collector
