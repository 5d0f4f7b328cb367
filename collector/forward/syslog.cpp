// SPDX-License-Identifier: Apache-2.0
#include "collector/forward/syslog.hpp"

#include <algorithm>
#include <stdexcept>
#include <unistd.h>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <sys/socket.h>
#include <sys/stat.h>

#include "collector/forward/syslog_text.hpp"

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

bool is_busy(const error_code& ec) {
    return ec == asio::error::would_block || ec == asio::error::try_again ||
           ec == asio::error::no_buffer_space || ec == asio::error::no_memory ||
           ec == asio::error::interrupted;
}

}  // namespace

SyslogOutput::SyslogOutput(asio::io_context& io, Spool& spool, SyslogOptions options,
                           OutputWarning warn)
    : QueuedOutput(io, spool, "syslog:" + options.path, true, std::move(warn)),
      options_(std::move(options)),
      endpoint_(endpoint_of(options_.path)),
      socket_(io) {}

QueuedOutput::Item SyslogOutput::render(const detect::Alert& alert) {
    Item item{"", 0, alert.id, alert.message, alert.rule_name};
    item.text = local_syslog_header(options_.facility, alert.severity, options_.tag) +
                (options_.cee ? "@cee: " : "");
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
    connected_ = fresh_ = !ec;
    reached_ = connected_ ? socket_at_path() : Socket();
    if (ec == asio::error::connection_refused)
        why = "nobody reads the socket";
    else if (ec == boost::system::errc::wrong_protocol_type)
        why = "it is a stream socket, and a datagram socket is needed";
    else if (ec)
        why = ec.message();
    return connected_;
}

SyslogOutput::Socket SyslogOutput::socket_at_path() const {
    struct stat about {};
    if (stat(options_.path.c_str(), &about) != 0)
        return {};
    return {about.st_dev, about.st_ino, about.st_ctim.tv_sec, about.st_ctim.tv_nsec};
}

// What lay unread in the socket of a daemon that was killed is lost, and nothing says so until the
// next alert is refused.
bool SyslogOutput::receiver_changed() {
    if (connected_ && socket_at_path() != reached_)
        connected_ = false;
    return fresh_ || !connected_;
}

QueuedOutput::Attempt SyslogOutput::attempt(Item& item, std::string& why) {
    // Twice: a daemon that was restarted leaves a dead connection behind.
    for (int tries = 0; tries < 2; ++tries) {
        if (!connected_ && !connect(why))
            return Attempt::absent;
        if (std::exchange(fresh_, false) && resend())
            return Attempt::moved;
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
