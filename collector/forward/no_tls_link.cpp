// SPDX-License-Identifier: Apache-2.0
// In place of tls_link.cpp where the program is built without TLS (AUDISP_EQL_TLS=OFF).
#include <stdexcept>

#include "collector/forward/tls_link.hpp"

namespace audisp_eql::collector {

std::shared_ptr<RemoteLink> make_tls_link(boost::asio::io_context&, const RemoteServer& server,
                                          const TlsOptions&, RemoteLink::Events) {
    throw std::runtime_error(server.text + ": this program was built without TLS");
}

}  // namespace audisp_eql::collector
