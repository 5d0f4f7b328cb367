// SPDX-License-Identifier: Apache-2.0
#include "collector/forward/syslog.hpp"

#include <algorithm>
#include <ctime>
#include <stdexcept>
#include <unistd.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <sys/socket.h>

namespace audisp_eql::collector {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

using Protocol = asio::local::datagram_protocol;

Protocol::endpoint endpoint_of(const std::string& path) {
    try {
        return Protocol::endpoint(path);
    } catch (const boost::system::system_error&) {
        throw std::runtime_error("the path of the syslog socket is too long: " + path);
    }
}

// "Nov  2 02:31:05": local time, as syslog(3) writes it.
std::string stamp(std::time_t now) {
    static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    std::tm local{};
    localtime_r(&now, &local);
    char text[32];
    std::snprintf(text, sizeof text, "%s %2d %02d:%02d:%02d", kMonths[local.tm_mon % 12],
                  local.tm_mday, local.tm_hour, local.tm_min, local.tm_sec);
    return text;
}

bool is_busy(const error_code& ec) {
    return ec == asio::error::would_block || ec == asio::error::try_again ||
           ec == asio::error::no_buffer_space || ec == asio::error::no_memory ||
           ec == asio::error::interrupted;
}

}  // namespace

int syslog_level(detect::RuleSeverity severity) {
    switch (severity) {
        case detect::RuleSeverity::low:
            return 5;
        case detect::RuleSeverity::medium:
            return 4;
        case detect::RuleSeverity::high:
            return 3;
        case detect::RuleSeverity::critical:
            return 2;
    }
    return 4;
}

SyslogOutput::SyslogOutput(asio::io_context& io, SyslogOptions options, OutputWarning warn)
    : QueuedOutput(io, std::move(warn)),
      options_(std::move(options)),
      endpoint_(endpoint_of(options_.path)),
      socket_(io) {}

QueuedOutput::Item SyslogOutput::render(const detect::Alert& alert) {
    Item item{"", 0, alert.id, alert.message, alert.rule_name};
    item.text = "<" + std::to_string(options_.facility * 8 + syslog_level(alert.severity)) + ">" +
                stamp(std::time(nullptr)) + " " + options_.tag + "[" + std::to_string(getpid()) +
                "]: " + (options_.cee ? "@cee: " : "");
    const std::size_t room = largest_datagram() - item.text.size();
    item.text += trim_alert(alert, std::min(options_.max_bytes, room));
    return item;
}

// unix(7): a datagram larger than the send buffer less 32 bytes is refused with EMSGSIZE.
std::size_t SyslogOutput::largest_datagram() {
    constexpr std::size_t kDefaultSendBuffer = 212'992;
    asio::socket_base::send_buffer_size size;
    error_code ec;
    if (socket_.is_open())
        socket_.get_option(size, ec);
    const auto bytes = static_cast<std::size_t>(std::max(size.value(), 0));
    return (!socket_.is_open() || ec ? kDefaultSendBuffer : bytes) - 32;
}

bool SyslogOutput::connect(std::string& why) {
    error_code ec;
    socket_.close(ec);
    socket_.open(Protocol(), ec);
    if (!ec)
        socket_.non_blocking(true, ec);
    if (!ec)
        socket_.connect(endpoint_, ec);
    connected_ = !ec;
    if (ec == asio::error::connection_refused)
        why = "nobody reads the socket";
    else if (ec == boost::system::errc::wrong_protocol_type)
        why = "it is a stream socket, and a datagram socket is needed";
    else if (ec)
        why = ec.message();
    return connected_;
}

QueuedOutput::Attempt SyslogOutput::attempt(Item& item, std::string& why) {
    // Twice: a daemon that was restarted leaves a dead connection behind.
    for (int tries = 0; tries < 2; ++tries) {
        if (!connected_ && !connect(why))
            return Attempt::absent;
        error_code ec;
        socket_.send(asio::buffer(item.text), MSG_NOSIGNAL, ec);
        while (ec == asio::error::message_size && shrink(item))
            socket_.send(asio::buffer(item.text), MSG_NOSIGNAL, ec);
        if (!ec)
            return Attempt::sent;
        if (is_busy(ec))
            return Attempt::busy;
        if (ec == asio::error::message_size)
            return Attempt::refused;
        why = ec == asio::error::connection_refused ? "nobody reads the socket" : ec.message();
        connected_ = false;
    }
    return Attempt::absent;
}

// The parts of a queued alert are gone; its ids and its sentence remain.
bool SyslogOutput::shrink(Item& item) const {
    const std::size_t header = item.text.find('{');
    if (header == std::string::npos || item.text.size() - header <= detect::kSmallestAlert)
        return false;
    detect::Alert parts;
    parts.id = item.id;
    parts.message = item.message;
    parts.rule_name = item.rule_name;
    parts.json = item.text.substr(header);
    item.text.resize(header);
    item.text += trim_alert(parts, parts.json.size() / 2);
    return true;
}

}  // namespace audisp_eql::collector
