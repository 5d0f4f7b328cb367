// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/options.hpp"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>

#include "collector/feed/feeds.hpp"
#include "tests/unit/agent/temporary_directory.hpp"

using namespace audisp_eql::collector;

namespace {

using Strings = std::vector<std::string>;

std::string joined(const Strings& lines) {
    std::string text;
    for (const auto& line : lines)
        text += (text.empty() ? "" : "\n") + line;
    return text;
}

// A configuration file in a directory of its own, so that the host's is never read.
struct Configured {
    explicit Configured(const std::string& text = "") { directory.write("main.conf", text); }
    std::string path() const { return directory.path("main.conf"); }

    OptionMessages read(Strings arguments, Command command = Command::run) {
        settings = {};
        arguments.insert(arguments.begin(), {"--config", path()});
        return read_settings(command, arguments, settings);
    }

    TemporaryDirectory directory;
    Settings settings;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(agent)

BOOST_AUTO_TEST_CASE(options_defaults) {
    Configured configured;
    BOOST_TEST(joined(configured.read({}).errors) == "");
    const Settings& settings = configured.settings;
    BOOST_TEST(settings.rules.empty());
    BOOST_TEST((settings.feed == AuditFeed::automatic));
    BOOST_TEST(settings.syslog == "/dev/log");
    BOOST_TEST(settings.syslog_facility.number == 10);
    BOOST_TEST(settings.max_message_bytes.value == 8000U);
    BOOST_TEST(!settings.cee);
    BOOST_TEST((settings.stdout_form == StdoutForm::none));
    BOOST_TEST((settings.log_level == LogLevel::info));
}

BOOST_AUTO_TEST_CASE(options_of_every_kind_on_the_command_line) {
    Configured configured;
    const auto messages = configured.read({"--rules",
                                           "a.toml",
                                           "--rules=b",
                                           "--feed",
                                           "unicast",
                                           "--require=audit,proc_connector",
                                           "--syslog",
                                           "off",
                                           "--syslog-facility",
                                           "local4",
                                           "--cee",
                                           "--json-file",
                                           "/tmp/a.json",
                                           "--stdout",
                                           "text",
                                           "--max-message-bytes",
                                           "2048",
                                           "--deprecated=off",
                                           "--capture",
                                           "c",
                                           "--log-level",
                                           "debug"});
    BOOST_TEST(joined(messages.errors) == "");
    const Settings& settings = configured.settings;
    BOOST_TEST(joined(settings.rules) == "a.toml\nb");
    BOOST_TEST((settings.feed == AuditFeed::unicast));
    BOOST_TEST(settings.requires_feed(RequiredFeed::audit));
    BOOST_TEST(settings.requires_feed(RequiredFeed::proc_connector));
    BOOST_TEST(!settings.syslog_enabled());
    BOOST_TEST(settings.syslog_facility.number == 20);
    BOOST_TEST(settings.cee);
    BOOST_TEST(settings.json_file == "/tmp/a.json");
    BOOST_TEST((settings.stdout_form == StdoutForm::text));
    BOOST_TEST(settings.max_message_bytes.value == 2048U);
    BOOST_TEST(!settings.deprecated);
    BOOST_TEST(settings.capture == "c");
    BOOST_TEST((settings.log_level == LogLevel::debug));
}

BOOST_AUTO_TEST_CASE(options_of_one_command_only) {
    Configured configured;
    BOOST_TEST(joined(configured
                          .read({"--output", "summary", "--exit-code", "--events", "--host-id",
                                 "web1", "one.log", "-", "--", "--odd"},
                                Command::replay)
                          .errors) == "");
    BOOST_TEST((configured.settings.replay_output == ReplayOutput::summary));
    BOOST_TEST(configured.settings.exit_code);
    BOOST_TEST(configured.settings.events);
    BOOST_TEST(configured.settings.host_id == "web1");
    BOOST_TEST(joined(configured.settings.arguments) == "one.log\n-\n--odd");

    BOOST_TEST(joined(configured.read({"--output", "json", "x"}, Command::check).errors) == "");
    BOOST_TEST((configured.settings.check_output == CheckOutput::json));
    BOOST_TEST(joined(configured.read({"--for", "60", "x"}, Command::record).errors) == "");
    BOOST_TEST(configured.settings.record_seconds.value == 60U);
}

BOOST_AUTO_TEST_CASE(options_wrong_on_the_command_line) {
    const struct {
        Command command;
        Strings arguments;
        const char* message;
    } rows[] = {
        {Command::run, {"--ruels", "x"}, "unknown option '--ruels', did you mean '--rules'?"},
        {Command::run, {"--ruels=x"}, "unknown option '--ruels', did you mean '--rules'?"},
        {Command::run, {"--zzzzzzzz"}, "unknown option '--zzzzzzzz'"},
        {Command::run, {"-x"}, "unknown option '-x'"},
        {Command::run, {"--rul", "x"}, "unknown option '--rul'"},
        {Command::run, {"--rules"}, "the required argument for option '--rules' is missing"},
        {Command::run, {"--feed", "x"}, "--feed: 'x' is none of auto, plugin, unicast, multicast"},
        {Command::run, {"--cee=maybe"}, "--cee: 'maybe' is neither on nor off"},
        {Command::run, {"--feed=auto", "--feed=plugin"}, "--feed: is given twice"},
        {Command::run, {"--require", "audit,"}, "--require: '' is none of audit, proc_connector"},
        {Command::run,
         {"--max-message-bytes=100"},
         "--max-message-bytes: '100' is no whole number from 1024 to 200000"},
        {Command::run,
         {"--max-message-bytes=-1"},
         "--max-message-bytes: '-1' is no whole number from 1024 to 200000"},
        {Command::run,
         {"--max-message-bytes=8000x"},
         "--max-message-bytes: '8000x' is no whole number from 1024 to 200000"},
        {Command::check, {"--exit-code"}, "unknown option '--exit-code'"},
        {Command::check, {"--output", "xml"}, "--output: 'xml' is none of text, json"},
        {Command::replay,
         {"--output", "json"},
         "--output: 'json' is none of ndjson, text, summary"},
    };
    for (const auto& row : rows) {
        Configured configured;
        BOOST_TEST_CONTEXT(joined(row.arguments))
        BOOST_TEST(joined(configured.read(row.arguments, row.command).errors) == row.message);
    }
}

BOOST_AUTO_TEST_CASE(options_file_is_read) {
    Configured configured(
        "# alerts to the collector's own file\n"
        "\n"
        "rules = /a b/c#d\r\n"
        "rules=/second\n"
        "  syslog_facility =  local0 \n"
        "cee = yes\n"
        "require = audit, proc_connector");
    BOOST_TEST(joined(configured.read({}).errors) == "");
    BOOST_TEST(joined(configured.settings.rules) == "/a b/c#d\n/second");
    BOOST_TEST(configured.settings.syslog_facility.number == 16);
    BOOST_TEST(configured.settings.cee);
    BOOST_TEST(configured.settings.require.size() == 2U);
    // Keys that another command uses are checked and otherwise no matter.
    BOOST_TEST(joined(configured.read({"x.toml"}, Command::check).errors) == "");
}

// Paths and queries are in UTF-8, whatever the locale.
BOOST_AUTO_TEST_CASE(options_need_not_be_ascii) {
    Configured configured("json-file = /tmp/\xc3\xa4\nrules = \xc3\xb6.toml\n");
    BOOST_TEST(joined(configured.read({"--syslog", "/tmp/\xe2\x82\xac"}).errors) == "");
    BOOST_TEST(configured.settings.json_file == "/tmp/\xc3\xa4");
    BOOST_TEST(configured.settings.rules == Strings{"\xc3\xb6.toml"},
               boost::test_tools::per_element());
    BOOST_TEST(configured.settings.syslog == "/tmp/\xe2\x82\xac");
    const std::string query = "process where process.name == \"\xc3\xa4\"";
    BOOST_TEST(joined(configured.read({query}, Command::query).errors) == "");
    BOOST_TEST(configured.settings.arguments == Strings{query}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(options_file_mistakes_are_all_told_with_their_lines) {
    Configured configured(
        "ruels = x\n"
        "feed = fast\n"
        "nonsense\n"
        "json-file =\n"
        "capture = /tmp/x\n"
        "= x\n"
        "cee = on\n"
        "cee = off\n");
    const std::string file = configured.path();
    BOOST_TEST(joined(configured.read({"--log-level=loud"}).errors) ==
               joined({file + ":1: unknown key 'ruels', did you mean 'rules'?",
                       file + ":3: expected 'key = value'", file + ":4: 'json-file' has no value",
                       file + ":5: 'capture' can be given on the command line only",
                       file + ":6: expected 'key = value'",
                       "--log-level: 'loud' is none of error, warning, info, debug",
                       file + ":2: feed: 'fast' is none of auto, plugin, unicast, multicast",
                       file + ":8: cee: is given twice"}));
}

BOOST_AUTO_TEST_CASE(options_precedence) {
    Configured configured("syslog = /main\njson-file = /main\nlog-level = error\nrules = /main\n");
    configured.directory.write("conf.d/10-a.conf", "syslog = /a\njson-file = /a\nrules = /a\n");
    configured.directory.write("conf.d/20-b.conf", "syslog = /b\nrules = /b1\nrules = /b2\n");
    configured.directory.write("conf.d/20-b.conf.rpmnew", "syslog = /wrong\n");
    configured.directory.write("conf.d/.hidden.conf", "nonsense\n");
    BOOST_TEST(joined(configured.read({}).errors) == "");
    BOOST_TEST(configured.settings.syslog == "/b");
    BOOST_TEST(configured.settings.json_file == "/a");
    BOOST_TEST((configured.settings.log_level == LogLevel::error));
    BOOST_TEST(joined(configured.settings.rules) == "/b1\n/b2");

    configured.read({"--syslog=/c", "--rules=/c"});
    BOOST_TEST(configured.settings.syslog == "/c");
    BOOST_TEST(joined(configured.settings.rules) == "/c");
    BOOST_TEST(configured.settings.json_file == "/a");
}

BOOST_AUTO_TEST_CASE(options_chosen_file_must_exist) {
    TemporaryDirectory directory;
    Settings settings;
    const auto messages =
        read_settings(Command::run, {"--config", directory.path("none.conf")}, settings);
    BOOST_TEST(joined(messages.errors) ==
               directory.path("none.conf") + ": cannot be read: No such file or directory");
    const auto of_directory =
        read_settings(Command::run, {"--config", directory.path("")}, settings = {});
    BOOST_TEST(of_directory.errors.size() == 1U);
}

BOOST_AUTO_TEST_CASE(options_help_looks_at_nothing_else) {
    Settings settings;
    const auto messages =
        read_settings(Command::run, {"--config", "/nonexistent", "--help"}, settings);
    BOOST_TEST(messages.errors.empty());
    BOOST_TEST(settings.help);
    const std::string help = option_help(Command::run);
    BOOST_TEST(help.find("--syslog-facility NAME (=authpriv)") != std::string::npos);
    BOOST_TEST(help.find("--exit-code") == std::string::npos);
    BOOST_TEST(option_help(Command::replay).find("--exit-code") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
