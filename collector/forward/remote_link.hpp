// SPDX-License-Identifier: Apache-2.0
// One connection to a syslog server, from looking up its name to its loss. A link is used once:
// after `lost` a new one is made.
//
// Memory: a link keeps itself alive while it has work; it owns a copy of what it sends. Threads:
// the io_context's one. No event comes after close(), or from within a call.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/io_context.hpp>

#include "collector/forward/remote_server.hpp"
#include "collector/forward/tls_files.hpp"

namespace audisp_eql::collector {

struct TlsOptions {
    std::string ca, cert, key;  // files; empty: the system's, none, none
    bool verify = true;
    std::function<TlsFiles()> read;  // by who may; empty: this process
};

class RemoteLink {
  public:
    // From the look-up to the end of the handshake; servers far away take a second or two.
    static constexpr std::chrono::seconds kConnectTime{15};

    struct Events {
        std::function<void()> ready;
        std::function<void()> written;                 // what send() was given
        std::function<void(const std::string&)> lost;  // and why
    };
    virtual ~RemoteLink() = default;
    virtual void open() = 0;
    // One text at a time, once ready.
    virtual void send(std::string_view text) = 0;
    virtual void close() = 0;
};

// Throws std::runtime_error where the TLS files can't be used.
std::shared_ptr<RemoteLink> make_remote_link(boost::asio::io_context& io,
                                             const RemoteServer& server, const TlsOptions& tls,
                                             RemoteLink::Events events);

}  // namespace audisp_eql::collector
