// SPDX-License-Identifier: Apache-2.0
#include "collector/forward/remote_link.hpp"

#include <boost/asio/ip/udp.hpp>

#include "collector/forward/stream_link.hpp"
#include "collector/forward/tls_link.hpp"

namespace audisp_eql::collector {
namespace links {
namespace {

using Udp = asio::ip::udp;

class UdpLink final : public LinkBase<UdpLink> {
  public:
    UdpLink(asio::io_context& io, const RemoteServer& server, Events events)
        : LinkBase(io, server, std::move(events)), resolver_(io), socket_(io) {}

    asio::awaitable<std::string> reach() {
        error_code ec;
        auto token = asio::redirect_error(asio::use_awaitable, ec);
        const auto found = co_await resolver_.async_resolve(server_.host, server_.port, token);
        if (!ec && found.empty())
            ec = asio::error::host_not_found;
        if (!ec)
            socket_.connect(found.begin()->endpoint(), ec);
        co_return ec ? ec.message() : std::string();
    }
    asio::awaitable<std::string> put() {
        error_code ec;
        auto token = asio::redirect_error(asio::use_awaitable, ec);
        const auto buffer = asio::buffer(text_);
        co_await socket_.async_send(buffer, token);
        co_return ec ? ec.message() : std::string();
    }
    // What a server answers is an ICMP error at most.
    asio::awaitable<std::string> watch() {
        error_code ec;
        auto token = asio::redirect_error(asio::use_awaitable, ec);
        const auto buffer = asio::buffer(scratch_);
        while (!ec)
            co_await socket_.async_receive(buffer, token);
        co_return ec.message();
    }
    void shut() {
        error_code ignored;
        resolver_.cancel();
        socket_.close(ignored);
    }

  private:
    Udp::resolver resolver_;
    Udp::socket socket_;
    char scratch_[512];
};

}  // namespace
}  // namespace links

std::shared_ptr<RemoteLink> make_remote_link(boost::asio::io_context& io,
                                             const RemoteServer& server, const TlsOptions& tls,
                                             RemoteLink::Events events) {
    switch (server.transport) {
        case RemoteServer::Transport::udp:
            return std::make_shared<links::UdpLink>(io, server, std::move(events));
        case RemoteServer::Transport::tcp:
            return std::make_shared<links::StreamLink<links::PlainStream>>(io, server,
                                                                           std::move(events));
        case RemoteServer::Transport::tls:
            break;
    }
    return make_tls_link(io, server, tls, std::move(events));
}

}  // namespace audisp_eql::collector
