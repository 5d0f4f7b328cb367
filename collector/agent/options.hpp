// SPDX-License-Identifier: Apache-2.0
// The one table of options: what the command line and the configuration file may say, filled once
// into Settings. Precedence: command line, then conf.d/*.conf (the last name wins), then the
// configuration file, then the default. An option that may be given several times is replaced as a
// whole by the place of higher precedence.
//
// Memory: values. Threads: no state between calls.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "collector/forward/remote_server.hpp"

namespace audisp_eql::collector {

enum class Command : std::uint8_t {
    run,
    replay,
    query,
    record,
    check,
    test,
    doctor,
    audit_rules,
    selftest,
    enable,
    disable,
    fields,
    rules,
    status,
    maintenance,
};

enum class AuditFeed : std::uint8_t;  // collector/feed/feeds.hpp
enum class RequiredFeed : std::uint8_t { audit, proc_connector };
enum class StdoutForm : std::uint8_t { none, ndjson, text };
enum class ReplayOutput : std::uint8_t { ndjson, text, summary };
enum class QueryInputKind : std::uint8_t { automatic, audit, ndjson };
enum class CheckOutput : std::uint8_t { text, json };
enum class StatusOutput : std::uint8_t { text, json, prometheus };
enum class TestOutput : std::uint8_t { text, junit };
enum class ConfineMode : std::uint8_t { automatic, on, off };
enum class LogLevel : std::uint8_t { error, warning, info, debug };

// A syslog facility by its number (RFC 5424, table 1).
struct SyslogFacility {
    int number = 10;
};

// A number within the bounds that its own option has.
template <std::size_t kLeast, std::size_t kMost, std::size_t kDefault>
struct Bounded {
    static constexpr std::size_t kMin = kLeast, kMax = kMost;
    std::size_t value = kDefault;
};

inline constexpr std::string_view kDefaultConfig = "/etc/audisp-eql/audisp-eql.conf";

// "60s", "5m", "1h"; a number alone is seconds. At most a day.
struct Duration {
    static constexpr std::uint32_t kMost = 86'400;
    std::uint32_t seconds = 0;
};

// The same, or "off" and 0: never.
struct Interval {
    std::uint32_t seconds = 0;
};

// Names of fields, "rule.id,user.id"; "none".
struct FieldList {
    std::vector<std::string> names;
};

struct Settings {
    std::string config;                   // empty: kDefaultConfig, which may be absent
    std::vector<std::string> rules;       // files and directories; empty: the installed ones
    std::vector<std::string> exceptions;  // files and directories; empty: the default one
    bool deprecated = false;
    LogLevel log_level = LogLevel::info;

    AuditFeed feed{};  // automatic
    std::vector<RequiredFeed> require;
    Bounded<64, 65'536, 256> memory_mib;
    bool env_vars = false;
    bool expensive_audit_rules = false;
    bool install = false;  // audit-rules
    Duration measure;      // audit-rules; 0: does not
    bool accept = false;   // enable: whatever the audit rules cost
    std::string capture;   // empty: none

    std::string syslog = "/dev/log";  // a unix datagram socket; "off"
    // authpriv: alerts hold command lines, and every distribution keeps this facility from
    // ordinary users' eyes.
    SyslogFacility syslog_facility;
    bool cee = false;
    // rsyslog cuts at about 8096 bytes of message by default. Less than 1 kB holds no alert; the
    // journal's socket takes 212,000 bytes in one datagram.
    Bounded<1024, 200'000, 8000> max_message_bytes;
    std::vector<RemoteServer> syslog_servers;
    std::string tls_ca, tls_cert, tls_key;  // files; empty: the system's, none, none
    bool tls_verify = true;
    std::string json_file;  // empty: none
    StdoutForm stdout_form = StdoutForm::none;
    bool single_alerts = true;
    bool stories = false;
    bool mask_secrets = true;

    std::string state_dir = "/var/lib/audisp-eql";  // used if it is there; "off"
    Bounded<1, 65'536, 64> spool_mib;
    Bounded<0, 3600, 30> resend_seconds;

    Interval fold_window{60};
    FieldList fold_by{{"rule.id", "host.id", "user.id", "process.executable",
                       "process.parent.executable", "destination.ip"}};
    Bounded<0, 1'000'000, 100> alert_ceiling;  // alerts of a rule a minute; 0: none
    Interval heartbeat{300};
    std::string status_socket = "/run/audisp-eql/status.socket";  // "off"
    ConfineMode confine = ConfineMode::automatic;
    std::string user = "_audisp-eql";  // whom the confined process is

    std::string host_id;  // replay, query: where the input does not tell
    ReplayOutput replay_output = ReplayOutput::ndjson;
    bool exit_code = false;  // replay, query: 3 if anything matched
    bool events = false;     // replay: events in place of alerts

    QueryInputKind query_input = QueryInputKind::automatic;
    std::string query_file;      // empty: the query is the first argument
    std::string category_field;  // empty: event.category
    std::string timestamp_field = "@timestamp";
    std::string tiebreaker_field;     // empty: none
    std::vector<std::string> fields;  // each "a,b,c"
    bool count = false;

    CheckOutput check_output = CheckOutput::text;
    bool remove_audit_rules = false;  // audit-rules
    StatusOutput status_output = StatusOutput::text;
    TestOutput test_output = TestOutput::text;
    Bounded<0, 86'400 * 30, 0> record_seconds;  // 0: until stopped

    std::vector<std::string> look_in;  // selftest: files that syslog writes, beside the usual ones
    Bounded<0, 4'194'304, 0> selftest_agent;  // pid (PID_MAX_LIMIT); 0: the one that runs
    bool standalone = false;                  // selftest: with an agent of its own

    std::vector<std::string> arguments;  // FILE…, RULE…
    bool help = false;

    bool syslog_enabled() const { return syslog != "off"; }
    bool requires_feed(RequiredFeed feed) const;
};

struct OptionMessages {
    std::vector<std::string> errors;    // the user's mistakes, all of them
    std::vector<std::string> warnings;  // the program goes on
};

// `arguments`: what follows the command word. With --help nothing else is looked at.
OptionMessages read_settings(Command command, const std::vector<std::string>& arguments,
                             Settings& settings);

// The configuration file, if it is there or was asked for, and conf.d/*.conf beside it, in the
// order in which they are read. `config`: Settings::config.
std::vector<std::string> configuration_files(const std::string& config);

// The options of a command in groups, as --help shows them.
std::string option_help(Command command);

std::string_view to_string(RequiredFeed feed);

}  // namespace audisp_eql::collector
