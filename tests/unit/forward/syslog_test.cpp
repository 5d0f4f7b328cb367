// SPDX-License-Identifier: Apache-2.0
#include "collector/forward/syslog.hpp"

#include <memory>
#include <regex>

#include <boost/json/parse.hpp>

#include "tests/unit/forward/fixture.hpp"

namespace {

using namespace audisp_eql;
using namespace audisp_eql::collector;
using namespace audisp_eql::collector::forward_test;

struct Fixture {
    TemporaryDirectory directory;
    std::string path = directory.file("log");
    boost::asio::io_context io;
    Spool spool{SpoolOptions(), [](const std::string&) {}};
    std::vector<std::string> warnings;

    SyslogOptions options() const {
        SyslogOptions made;
        made.path = path;
        return made;
    }
    SyslogOutput output(const SyslogOptions& made) {
        return SyslogOutput(io, spool, made,
                            [this](const std::string& line) { warnings.push_back(line); });
    }
};

std::string json_of(const std::string& message) {
    return message.substr(std::min(message.find('{'), message.size()));
}

BOOST_AUTO_TEST_SUITE(forward)

BOOST_FIXTURE_TEST_CASE(a_message_has_the_local_form, Fixture) {
    Daemon daemon(path);
    SyslogOutput output = this->output(options());
    raise(spool, output, alert("1"));
    const auto messages = daemon.read();
    BOOST_TEST_REQUIRE(messages.size() == 1u);
    const std::regex form(
        R"re(<84>[A-Z][a-z]{2} [ 1-3][0-9] [0-2][0-9]:[0-5][0-9]:[0-6][0-9] audisp-eql\[(\d+)\]: (\{.*\}))re");
    std::smatch parts;
    BOOST_TEST_REQUIRE(std::regex_match(messages[0], parts, form), messages[0]);
    BOOST_TEST(parts[1] == std::to_string(getpid()));
    BOOST_TEST(parts[2] == alert("1").json);
    BOOST_TEST(output.name() == "syslog:" + path);
    BOOST_TEST(output.counters().delivered == 1u);
    BOOST_TEST(output.counters().trouble == "");
    BOOST_TEST(warnings.empty());
}

BOOST_FIXTURE_TEST_CASE(priorities_and_the_cee_cookie, Fixture) {
    Daemon daemon(path);
    SyslogOptions chosen = options();
    chosen.facility = 16;
    chosen.cee = true;
    SyslogOutput output = this->output(chosen);
    using enum detect::RuleSeverity;
    for (const auto severity : {low, medium, high, critical}) {
        detect::Alert made = alert("1");
        made.severity = severity;
        raise(spool, output, made);
    }
    const auto messages = daemon.read();
    BOOST_TEST_REQUIRE(messages.size() == 4u);
    const char* const priorities[] = {"<133>", "<132>", "<131>", "<130>"};
    for (std::size_t i = 0; i < messages.size(); ++i) {
        BOOST_TEST(messages[i].starts_with(priorities[i]), messages[i]);
        BOOST_TEST(messages[i].find("]: @cee: {\"event\"") != std::string::npos, messages[i]);
    }
}

BOOST_FIXTURE_TEST_CASE(a_daemon_that_comes_late_gets_what_was_kept, Fixture) {
    SyslogOutput output = this->output(options());
    output.probe();
    BOOST_TEST(warnings.size() == 1u);  // before there is an alert
    raise(spool, output, alert("1"));
    raise(spool, output, alert("2"));
    BOOST_TEST(output.counters().queued == 2u);
    BOOST_TEST(output.counters().trouble == "No such file or directory");
    BOOST_TEST_REQUIRE(warnings.size() == 1u);
    BOOST_TEST(warnings[0] == "alerts cannot go to syslog:" + path +
                                  ": No such file or directory; they are kept until they can");
    Daemon daemon(path);
    BOOST_TEST(run_until(io, [&] { return output.counters().queued == 0; }));
    const auto messages = daemon.read();
    BOOST_TEST_REQUIRE(messages.size() == 2u);
    BOOST_TEST(json_of(messages[0]) == alert("1").json);  // in order
    BOOST_TEST(json_of(messages[1]) == alert("2").json);
    BOOST_TEST(output.counters().retries >= 1u);
    BOOST_TEST(output.counters().trouble == "");
    BOOST_TEST_REQUIRE(warnings.size() == 2u);
    BOOST_TEST(warnings[1] == "alerts go to syslog:" + path + " again");
}

BOOST_FIXTURE_TEST_CASE(a_restarted_daemon_is_found_at_once, Fixture) {
    auto daemon = std::make_unique<Daemon>(path);
    SyslogOutput output = this->output(options());
    raise(spool, output, alert("1"));
    BOOST_TEST(daemon->read().size() == 1u);
    daemon.reset();
    daemon = std::make_unique<Daemon>(path);
    raise(spool, output, alert("2"));
    // The first again: nobody knows whether the old daemon had read it.
    auto messages = daemon->read();
    BOOST_TEST_REQUIRE(messages.size() == 2u);
    BOOST_TEST(json_of(messages[0]) == alert("1").json);
    BOOST_TEST(json_of(messages[1]) == alert("2").json);
    BOOST_TEST(output.counters().resent == 1u);
    BOOST_TEST(warnings.empty());

    daemon.reset();  // and while it is away
    raise(spool, output, alert("3"));
    BOOST_TEST(output.counters().queued == 1u);
    BOOST_TEST(warnings.size() == 1u);
    daemon = std::make_unique<Daemon>(path);
    output.flush(1000);
    BOOST_TEST(daemon->read().size() == 3u);
}

// What lay unread in the old daemon's socket is lost with it, and no alert comes to find out.
BOOST_FIXTURE_TEST_CASE(a_restarted_daemon_is_looked_for, Fixture) {
    auto daemon = std::make_unique<Daemon>(path);
    SyslogOutput output = this->output(options());
    output.probe();
    raise(spool, output, alert("1"));
    output.look_after();
    BOOST_TEST(output.counters().delivered == 1u);
    daemon.reset();
    daemon = std::make_unique<Daemon>(path);
    output.look_after();
    output.look_after();
    const auto messages = daemon->read();
    BOOST_TEST_REQUIRE(messages.size() == 1u);
    BOOST_TEST(json_of(messages[0]) == alert("1").json);
}

BOOST_FIXTURE_TEST_CASE(a_socket_that_nobody_reads_is_absent, Fixture) {
    {
        Daemon daemon(path);
        BOOST_TEST(link(path.c_str(), directory.file("kept").c_str()) == 0);
    }
    BOOST_TEST(rename(directory.file("kept").c_str(), path.c_str()) == 0);
    SyslogOutput output = this->output(options());
    raise(spool, output, alert("1"));
    BOOST_TEST(output.counters().trouble == "nobody reads the socket");
}

BOOST_FIXTURE_TEST_CASE(a_stream_socket_is_named, Fixture) {
    Daemon daemon(path, 0, SOCK_STREAM);
    SyslogOutput output = this->output(options());
    raise(spool, output, alert("1"));
    BOOST_TEST(output.counters().trouble ==
               "it is a stream socket, and a datagram socket is needed");
}

BOOST_FIXTURE_TEST_CASE(a_daemon_that_stops_reading_blocks_nobody, Fixture) {
    Daemon daemon(path);
    SyslogOutput output = this->output(options());
    // net.unix.max_dgram_qlen datagrams fit, usually 10 or 512.
    std::size_t delivered = 0;
    while (output.counters().queued < 20)
        raise(spool, output, alert(std::to_string(delivered++)));
    BOOST_TEST(output.counters().dropped == 0u);
    BOOST_TEST(warnings.empty());  // slow is no trouble yet

    std::vector<std::string> messages;
    BOOST_TEST(run_until(io, [&] {
        for (std::string& message : daemon.read())
            messages.push_back(std::move(message));
        return output.counters().queued == 0 && messages.size() == delivered;
    }));
    BOOST_TEST_REQUIRE(messages.size() == delivered);
    for (std::size_t i = 0; i < delivered; ++i)
        BOOST_TEST(json_of(messages[i]) == alert(std::to_string(i)).json);
}

// Without a directory. The first is rendered already and stays.
BOOST_FIXTURE_TEST_CASE(what_waits_is_bounded_and_the_newest_stay, Fixture) {
    SyslogOutput output = this->output(options());
    for (std::size_t i = 0; i < Spool::kMaxInMemory + 51; ++i)
        raise(spool, output, alert(std::to_string(i)));
    BOOST_TEST(output.counters().queued == Spool::kMaxInMemory + 1);
    BOOST_TEST(output.counters().dropped == 50u);
    BOOST_TEST_REQUIRE(warnings.size() == 2u);
    BOOST_TEST(warnings[1].find("are being lost") != std::string::npos);

    Daemon daemon(path);
    std::vector<std::string> messages;
    BOOST_TEST(run_until(io, [&] {
        for (std::string& message : daemon.read())
            messages.push_back(std::move(message));
        return messages.size() == Spool::kMaxInMemory + 1;
    }));
    BOOST_TEST(json_of(messages.at(0)) == alert("0").json);
    BOOST_TEST(json_of(messages.at(1)) == alert("51").json);
    BOOST_TEST(output.counters().dropped == 50u);
    BOOST_TEST(warnings.back().ends_with("again; 50 were lost meanwhile"), warnings.back());
}

BOOST_FIXTURE_TEST_CASE(large_alerts_are_trimmed_to_the_limit, Fixture) {
    Daemon daemon(path);
    SyslogOptions chosen = options();
    SyslogOutput output = this->output(chosen);
    raise(spool, output, alert("1", 20'000));
    chosen.max_bytes = 10'000'000;  // more than any datagram can hold
    SyslogOutput generous = this->output(chosen);
    raise(spool, generous, alert("2", 5'000'000));
    const auto messages = daemon.read();
    BOOST_TEST_REQUIRE(messages.size() == 2u);
    for (const std::string& message : messages) {
        const auto document = boost::json::parse(json_of(message));
        BOOST_TEST(document.at("rule").at("name").as_string() == "a rule");
        BOOST_TEST(!document.at("audisp_eql").at("trimmed").as_array().empty());
    }
    BOOST_TEST(json_of(messages[0]).size() <= 8000u);
    BOOST_TEST(generous.counters().trouble == "");
}

BOOST_FIXTURE_TEST_CASE(flush_waits_no_longer_than_it_may, Fixture) {
    SyslogOutput output = this->output(options());
    output.flush(1000);  // nothing to do
    raise(spool, output, alert("1"));
    const auto start = std::chrono::steady_clock::now();
    output.flush(50);
    const auto taken = std::chrono::steady_clock::now() - start;
    BOOST_TEST((taken >= std::chrono::milliseconds(50)));
    BOOST_TEST((taken < std::chrono::seconds(5)));
    BOOST_TEST(output.counters().queued == 1u);
}

BOOST_FIXTURE_TEST_CASE(an_output_may_end_while_it_waits, Fixture) {
    {
        SyslogOutput output = this->output(options());
        raise(spool, output, alert("1"));
        BOOST_TEST(output.counters().queued == 1u);
    }
    BOOST_TEST(io.run() > 0u);  // its handler comes after it
}

BOOST_FIXTURE_TEST_CASE(a_path_that_no_socket_can_have_is_refused, Fixture) {
    SyslogOptions chosen = options();
    chosen.path = "/" + std::string(200, 'x');
    BOOST_CHECK_THROW(this->output(chosen), std::runtime_error);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
