// SPDX-License-Identifier: Apache-2.0
// Links over TLS (RFC 5425); an optional part of the build.
//
// Memory, threads: see remote_link.hpp.
#pragma once

#include <memory>

#include "collector/forward/remote_link.hpp"

namespace audisp_eql::collector {

// Throws std::runtime_error where the files can't be used, or the program was built without TLS.
std::shared_ptr<RemoteLink> make_tls_link(boost::asio::io_context& io, const RemoteServer& server,
                                          const TlsOptions& tls, RemoteLink::Events events);

}  // namespace audisp_eql::collector
