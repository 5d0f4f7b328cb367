// SPDX-License-Identifier: Apache-2.0
#include "collector/forward/remote_syslog.hpp"

#include <memory>
#include <optional>
#include <regex>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>

#include "tests/unit/forward/fixture.hpp"

namespace {

using namespace audisp_eql;
using namespace audisp_eql::collector;
using namespace audisp_eql::collector::forward_test;
namespace asio = boost::asio;
using Tcp = asio::ip::tcp;
using Udp = asio::ip::udp;

struct Fixture {
    asio::io_context io;
    Spool spool{SpoolOptions(), [](const std::string&) {}};
    std::vector<std::string> warnings;

    RemoteSyslogOptions options(const std::string& scheme, unsigned port) const {
        RemoteSyslogOptions made;
        made.server = parse_remote_server(scheme + "://127.0.0.1:" + std::to_string(port)).value();
        made.host = "a host";
        return made;
    }
    RemoteSyslogOutput output(const RemoteSyslogOptions& made) {
        return RemoteSyslogOutput(io, spool, made,
                                  [this](const std::string& line) { warnings.push_back(line); });
    }
};

// A server that takes one connection at a time.
class Server {
  public:
    explicit Server(unsigned short port = 0)
        : acceptor_(io_, Tcp::endpoint(asio::ip::address_v4::loopback(), port)) {
        acceptor_.non_blocking(true);
    }
    unsigned short port() const { return acceptor_.local_endpoint().port(); }
    // All that has come so far.
    std::string read() {
        boost::system::error_code ec;
        if (!peer_) {
            Tcp::socket peer(io_);
            acceptor_.accept(peer, ec);
            if (ec)
                return text_;
            peer.non_blocking(true);
            peer_ = std::move(peer);
        }
        char buffer[65'536];
        while (const std::size_t size = peer_->read_some(asio::buffer(buffer), ec))
            text_.append(buffer, size);
        return text_;
    }
    void hang_up() {
        peer_.reset();
        text_.clear();
    }

  private:
    asio::io_context io_;
    Tcp::acceptor acceptor_;
    std::optional<Tcp::socket> peer_;
    std::string text_;
};

// The whole messages; one whose end has not arrived is none yet.
std::vector<std::string> unframed(std::string_view text) {
    std::vector<std::string> messages;
    for (std::size_t space; (space = text.find(' ')) != std::string_view::npos;) {
        const std::size_t size = std::stoul(std::string(text.substr(0, space)));
        text.remove_prefix(space + 1);
        if (text.size() < size)
            break;
        messages.emplace_back(text.substr(0, size));
        text.remove_prefix(size);
    }
    return messages;
}

BOOST_AUTO_TEST_SUITE(forward)

BOOST_AUTO_TEST_CASE(servers_are_read_or_refused) {
    struct {
        const char* text;
        const char* expected;  // "HOST PORT"; empty: refused
    } const cases[] = {
        {"udp://logs", "logs 514"},
        {"tcp://logs:1514", "logs 1514"},
        {"tls://logs.example.org", "logs.example.org 6514"},
        {"tls://[2001:db8::1]:7", "2001:db8::1 7"},
        {"udp://[2001:db8::1]", "2001:db8::1 514"},
        {"logs:514", ""},
        {"http://logs", ""},
        {"udp://", ""},
        {"udp://:514", ""},
        {"udp://logs:", ""},
        {"udp://logs:70000", ""},
        {"udp://logs:1x", ""},
        {"udp://2001:db8::1", ""},
        {"udp://[2001:db8::1", ""},
        {"udp://logs/path", ""},
    };
    for (const auto& row : cases) {
        const auto server = parse_remote_server(row.text);
        BOOST_TEST((server ? server->host + " " + server->port : "") == row.expected, row.text);
    }
}

BOOST_FIXTURE_TEST_CASE(udp_has_one_message_a_datagram, Fixture) {
    asio::io_context other;
    Udp::socket server(other, Udp::endpoint(asio::ip::address_v4::loopback(), 0));
    server.non_blocking(true);
    RemoteSyslogOutput output = this->output(options("udp", server.local_endpoint().port()));
    output.probe();
    detect::Alert made = alert("1");
    made.wall_us = 1'000'000;
    raise(spool, output, made);
    BOOST_TEST(run_until(io, [&] { return output.counters().delivered == 1; }));
    char buffer[10'000];
    boost::system::error_code ec;
    const std::size_t size = server.receive(asio::buffer(buffer), 0, ec);
    const std::string message(buffer, size);
    BOOST_TEST(message == "<84>1 1970-01-01T00:00:01.000000Z a_host audisp-eql " +
                              std::to_string(getpid()) + " alert - " + made.json);
    BOOST_TEST(warnings.empty());
}

BOOST_FIXTURE_TEST_CASE(tcp_counts_octets_and_keeps_the_order, Fixture) {
    Server server;
    RemoteSyslogOutput output = this->output(options("tcp", server.port()));
    output.probe();
    for (int i = 0; i < 100; ++i)
        raise(spool, output, alert(std::to_string(i), 1000));
    BOOST_TEST(run_until(io, [&] {
        server.read();
        return output.counters().delivered == 100;
    }));
    // What the kernel has taken from the output may still be on its way to the server.
    BOOST_TEST(run_until(io, [&] { return unframed(server.read()).size() == 100; }));
    const auto messages = unframed(server.read());
    BOOST_TEST_REQUIRE(messages.size() == 100u);
    for (std::size_t i = 0; i < messages.size(); ++i)
        BOOST_TEST(messages[i].ends_with(alert(std::to_string(i), 1000).json));
}

BOOST_FIXTURE_TEST_CASE(a_lost_connection_gets_the_last_alerts_again, Fixture) {
    Server server;
    RemoteSyslogOutput output = this->output(options("tcp", server.port()));
    raise(spool, output, alert("1"));
    raise(spool, output, alert("2"));
    BOOST_TEST(run_until(io, [&] { return unframed(server.read()).size() == 2; }));
    server.hang_up();
    BOOST_TEST(run_until(io, [&] {
        output.look_after();  // no alert is needed to find out
        return unframed(server.read()).size() == 2;
    }));
    BOOST_TEST(output.counters().resent == 2u);
    raise(spool, output, alert("3"));
    BOOST_TEST(run_until(io, [&] { return unframed(server.read()).size() == 3; }));
}

BOOST_FIXTURE_TEST_CASE(a_server_that_comes_late_gets_what_was_kept, Fixture) {
    unsigned short port = 0;
    {
        Server none;
        port = none.port();
    }
    RemoteSyslogOutput output = this->output(options("tcp", port));
    raise(spool, output, alert("1"));
    BOOST_TEST(run_until(io, [&] { return !warnings.empty(); }));
    BOOST_TEST(warnings.at(0) == "alerts cannot go to tcp://127.0.0.1:" + std::to_string(port) +
                                     ": Connection refused; they are kept until they can");
    Server server(port);
    BOOST_TEST(run_until(io, [&] { return unframed(server.read()).size() == 1; }));
    BOOST_TEST(run_until(io, [&] { return output.counters().queued == 0; }));
    BOOST_TEST(output.counters().trouble == "");
}

// The worker goes on; what the kernel's buffers do not take waits in the spool.
BOOST_FIXTURE_TEST_CASE(a_server_that_does_not_read_blocks_nobody, Fixture) {
    Server server;
    RemoteSyslogOutput output = this->output(options("tcp", server.port()));
    for (int i = 0; i < 900; ++i)
        raise(spool, output, alert(std::to_string(i), 7000));
    io.restart();
    io.run_for(std::chrono::milliseconds(300));
    BOOST_TEST(output.counters().queued > 0u);
    BOOST_TEST(output.counters().dropped == 0u);
    BOOST_TEST(run_until(io, [&] {
        server.read();
        return output.counters().delivered == 900;
    }));
    BOOST_TEST(run_until(io, [&] { return unframed(server.read()).size() == 900; }));
}

BOOST_FIXTURE_TEST_CASE(wrong_tls_files_are_named_at_the_start, Fixture) {
    RemoteSyslogOptions made = options("tls", 6514);
    made.tls.ca = "/nonexistent/ca.pem";
    BOOST_CHECK_EXCEPTION(this->output(made), std::runtime_error, [](const std::exception& error) {
        return std::string(error.what()).starts_with("tls-ca = /nonexistent/ca.pem: ");
    });
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
