// SPDX-License-Identifier: Apache-2.0
#include "collector/forward/tls_link.hpp"

#include <stdexcept>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <fmt/format.h>

#include "collector/forward/stream_link.hpp"

namespace audisp_eql::collector {
namespace links {

using TlsStream = asio::ssl::stream<Tcp::socket>;

namespace {

struct TlsKind {
    using Type = TlsStream;
    static Tcp::socket& socket(Type& stream) { return stream.next_layer(); }
    static asio::awaitable<std::string> handshake(Type& stream) {
        error_code ec;
        auto token = asio::redirect_error(asio::use_awaitable, ec);
        const auto role = asio::ssl::stream_base::client;
        co_await stream.async_handshake(role, token);
        co_return ec ? "TLS: " + ec.message() : std::string();
    }
};

void check(const error_code& ec, const char* option, const std::string& file) {
    if (ec)
        throw std::runtime_error(fmt::format("{} = {}: {}", option, file, ec.message()));
}

asio::ssl::context context_of(const TlsOptions& tls) {
    asio::ssl::context context(asio::ssl::context::tls_client);
    error_code ec;
    SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);  // RFC 9662, 4
    const TlsFiles files = tls.read ? tls.read() : read_tls_files(tls.ca, tls.cert, tls.key);
    if (files.ca.empty())
        context.set_default_verify_paths(ec);
    else
        context.add_certificate_authority(asio::buffer(files.ca), ec);
    check(ec, "tls-ca", tls.ca);
    if (!files.cert.empty())
        context.use_certificate_chain(asio::buffer(files.cert), ec);
    check(ec, "tls-cert", tls.cert);
    if (!files.key.empty())
        context.use_private_key(asio::buffer(files.key), asio::ssl::context::pem, ec);
    check(ec, "tls-key", tls.key);
    context.set_verify_mode(tls.verify ? asio::ssl::verify_peer : asio::ssl::verify_none, ec);
    return context;
}

}  // namespace
}  // namespace links

std::shared_ptr<RemoteLink> make_tls_link(boost::asio::io_context& io, const RemoteServer& server,
                                          const TlsOptions& tls, RemoteLink::Events events) {
    // The stream holds a reference of its own to what it needs of the context (SSL_new(3)).
    auto context = links::context_of(tls);
    auto link =
        std::make_shared<links::StreamLink<links::TlsKind>>(io, server, std::move(events), context);
    if (tls.verify)
        link->stream().set_verify_callback(boost::asio::ssl::host_name_verification(server.host));
    // So that a server of several names shows the right certificate.
    SSL_set_tlsext_host_name(link->stream().native_handle(), server.host.c_str());
    return link;
}

}  // namespace audisp_eql::collector
