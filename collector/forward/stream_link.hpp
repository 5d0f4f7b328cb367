// SPDX-License-Identifier: Apache-2.0
// What links over streams share: the coroutines' frame, and reading and writing with or without
// TLS. For remote_link.cpp and tls_link.cpp only.
//
// Memory, threads: see remote_link.hpp.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "collector/forward/remote_link.hpp"

namespace audisp_eql::collector::links {
namespace asio = boost::asio;
using boost::system::error_code;
using Tcp = asio::ip::tcp;

// What a coroutine of a link does before and after the steps that its transport differs in.
template <typename Link>
class LinkBase : public RemoteLink, public std::enable_shared_from_this<Link> {
  public:
    LinkBase(asio::io_context& io, const RemoteServer& server, Events events)
        : io_(io), server_(server), events_(std::move(events)), deadline_(io) {}

    void open() final {
        deadline_.expires_after(kConnectTime);
        deadline_.async_wait([self = this->shared_from_this()](error_code ec) {
            if (!ec && !self->ready_)
                self->fail("no connection within 15 s");
        });
        auto body = connect(this->shared_from_this());
        asio::co_spawn(io_, std::move(body), asio::detached);
    }
    void send(std::string_view text) final {
        text_ = text;
        auto body = write(this->shared_from_this());
        asio::co_spawn(io_, std::move(body), asio::detached);
    }
    void close() final {
        closed_ = true;
        deadline_.cancel();
        static_cast<Link*>(this)->shut();
    }

  protected:
    void fail(const std::string& why) {
        if (closed_)
            return;
        close();
        events_.lost(why);
    }

    asio::io_context& io_;
    RemoteServer server_;
    Events events_;
    asio::steady_timer deadline_;
    std::string text_;
    bool ready_ = false, closed_ = false;

  private:
    // The coroutines hold the link: nobody else may, after the output's end.
    static asio::awaitable<void> connect(std::shared_ptr<Link> link) {
        const std::string why = co_await link->reach();
        if (link->closed_)
            co_return;
        if (!why.empty()) {
            link->fail(why);
            co_return;
        }
        link->ready_ = true;
        link->deadline_.cancel();
        link->events_.ready();
        const std::string end = co_await link->watch();
        link->fail(end);
    }
    static asio::awaitable<void> write(std::shared_ptr<Link> link) {
        const std::string why = co_await link->put();
        if (link->closed_)
            co_return;
        if (why.empty())
            link->events_.written();
        else
            link->fail(why);
    }
};

// A kind of stream: what it is, the socket below it, and what comes before the first byte (its
// text: why that failed).
struct PlainStream {
    using Type = Tcp::socket;
    static Tcp::socket& socket(Type& stream) { return stream; }
    static asio::awaitable<std::string> handshake(Type&) { co_return std::string(); }
};

template <typename Kind>
class StreamLink final : public LinkBase<StreamLink<Kind>> {
  public:
    template <typename... More>
    StreamLink(asio::io_context& io, const RemoteServer& server, RemoteLink::Events events,
               More&... more)
        : LinkBase<StreamLink>(io, server, std::move(events)),
          resolver_(io),
          stream_(io, more...) {}

    typename Kind::Type& stream() { return stream_; }

    asio::awaitable<std::string> reach() {
        error_code ec;
        auto token = asio::redirect_error(asio::use_awaitable, ec);
        const auto found =
            co_await resolver_.async_resolve(this->server_.host, this->server_.port, token);
        if (ec)
            co_return ec.message();
        co_await asio::async_connect(Kind::socket(stream_), found, token);
        if (ec)
            co_return ec.message();
        // A server that vanishes is found out about within minutes, also without an alert to send.
        error_code ignored;
        const asio::socket_base::keep_alive alive(true);
        Kind::socket(stream_).set_option(alive, ignored);
        co_return co_await Kind::handshake(stream_);
    }
    asio::awaitable<std::string> put() {
        error_code ec;
        auto token = asio::redirect_error(asio::use_awaitable, ec);
        const auto buffer = asio::buffer(this->text_);
        co_await asio::async_write(stream_, buffer, token);
        co_return ec ? ec.message() : std::string();
    }
    // Servers say nothing; a read ends when they leave.
    asio::awaitable<std::string> watch() {
        error_code ec;
        auto token = asio::redirect_error(asio::use_awaitable, ec);
        const auto buffer = asio::buffer(scratch_);
        while (!ec)
            co_await stream_.async_read_some(buffer, token);
        co_return ec == asio::error::eof ? "the server closed the connection" : ec.message();
    }
    void shut() {
        error_code ignored;
        resolver_.cancel();
        Kind::socket(stream_).close(ignored);
    }

  private:
    Tcp::resolver resolver_;
    typename Kind::Type stream_;
    char scratch_[512];
};

}  // namespace audisp_eql::collector::links
