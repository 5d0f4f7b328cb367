// SPDX-License-Identifier: Apache-2.0
#include "collector/forward/remote_syslog.hpp"

#include <algorithm>
#include <cctype>
#include <utility>

#include <boost/asio/ip/host_name.hpp>

#include "collector/forward/syslog_text.hpp"

namespace audisp_eql::collector {
namespace {

using Transport = RemoteServer::Transport;

struct Scheme {
    std::string_view prefix;
    Transport transport;
    const char* port;  // RFC 5426, RFC 6587 (by custom) and RFC 5425
};
constexpr Scheme kSchemes[] = {{"udp://", Transport::udp, "514"},
                               {"tcp://", Transport::tcp, "514"},
                               {"tls://", Transport::tls, "6514"}};

// The length of a UDP datagram over IPv4, less its headers (RFC 768, RFC 791).
constexpr std::size_t kLargestDatagram = 65'507;

bool is_port(std::string_view text) {
    return !text.empty() && text.size() <= 5 &&
           std::ranges::all_of(text, [](unsigned char c) { return std::isdigit(c) != 0; }) &&
           std::stoi(std::string(text)) <= 65'535;
}

}  // namespace

std::optional<RemoteServer> parse_remote_server(std::string_view text) {
    const auto scheme = std::ranges::find_if(
        kSchemes, [&](const Scheme& known) { return text.starts_with(known.prefix); });
    if (scheme == std::end(kSchemes))
        return std::nullopt;
    RemoteServer server{scheme->transport, {}, scheme->port, std::string(text)};
    std::string_view rest = text.substr(scheme->prefix.size());
    const bool bracketed = rest.starts_with('[');
    const std::size_t end = bracketed ? rest.find(']') : std::min(rest.find(':'), rest.size());
    if (end == std::string_view::npos)
        return std::nullopt;
    server.host = rest.substr(bracketed ? 1 : 0, bracketed ? end - 1 : end);
    rest.remove_prefix(end + (bracketed ? 1 : 0));
    if (rest.starts_with(':')) {
        server.port = rest.substr(1);
        rest = {};
    }
    if (!rest.empty() || server.host.empty() || !is_port(server.port) ||
        server.host.find_first_of("/ @") != std::string::npos)
        return std::nullopt;
    return server;
}

RemoteSyslogOutput::RemoteSyslogOutput(boost::asio::io_context& io, Spool& spool,
                                       RemoteSyslogOptions options, OutputWarning warn)
    : QueuedOutput(io, spool, options.server.text, true, std::move(warn)),
      io_(io),
      options_(std::move(options)) {
    if (options_.host.empty()) {
        boost::system::error_code ignored;
        options_.host = boost::asio::ip::host_name(ignored);
    }
    make_remote_link(io_, options_.server, options_.tls, {});  // throws where the files are wrong
}

RemoteSyslogOutput::~RemoteSyslogOutput() {
    if (link_ != nullptr)
        link_->close();
}

void RemoteSyslogOutput::open() {
    RemoteLink::Events events;
    events.ready = [this] {
        state_ = State::ready;
        fresh_ = true;
        retry_now();
    };
    events.written = [this] {
        state_ = State::sent;
        retry_now();
    };
    events.lost = [this](const std::string& why) {
        state_ = State::closed;
        failed_ = why;
        retry_now();
    };
    state_ = State::opening;
    try {
        link_ = make_remote_link(io_, options_.server, options_.tls, std::move(events));
        link_->open();
    } catch (const std::runtime_error& error) {  // the certificate's file has gone, say
        state_ = State::closed;
        failed_ = error.what();
    }
}

// Whether it can be reached shows in a moment; a failure is told by look_after() or an alert.
bool RemoteSyslogOutput::reach(std::string& why) {
    if (state_ == State::closed && failed_.empty())
        open();
    why = std::exchange(failed_, {});
    return why.empty();
}

bool RemoteSyslogOutput::receiver_changed() {
    return fresh_ || state_ == State::closed;
}

QueuedOutput::Item RemoteSyslogOutput::render(const detect::Alert& alert) {
    std::string text = rfc5424_header(options_.facility, alert.severity, alert.wall_us,
                                      options_.host, options_.tag) +
                       (options_.cee ? "@cee: " : "");
    std::size_t room = options_.max_bytes;
    if (options_.server.transport == Transport::udp)
        room = std::min(room, kLargestDatagram - text.size());
    text += trim_alert(alert, room);
    if (options_.server.transport != Transport::udp)
        text = octet_counted(text);
    return {std::move(text), 0, {}, {}, {}};
}

QueuedOutput::Attempt RemoteSyslogOutput::attempt(Item& item, std::string& why) {
    if (!failed_.empty()) {
        why = std::exchange(failed_, {});
        return Attempt::absent;
    }
    switch (state_) {
        case State::closed:
            open();
            return Attempt::busy;
        case State::opening:
            return Attempt::busy;
        case State::ready:
            if (std::exchange(fresh_, false) && resend())
                return Attempt::moved;
            link_->send(item.text);
            state_ = State::sending;
            began_ = std::chrono::steady_clock::now();
            return Attempt::busy;
        case State::sending:
            if (std::chrono::steady_clock::now() - began_ < kStalled)
                return Attempt::busy;
            why = "the server does not read";
            return Attempt::absent;
        case State::sent:
            break;
    }
    state_ = State::ready;
    return Attempt::sent;
}

}  // namespace audisp_eql::collector
