// SPDX-License-Identifier: Apache-2.0
// A syslog server as the administrator names it: "tls://logs.example.org:6514".
//
// Memory: values. Threads: no state.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace audisp_eql::collector {

struct RemoteServer {
    enum class Transport : std::uint8_t { udp, tcp, tls };
    Transport transport = Transport::udp;
    std::string host;  // a name or an address, without []
    std::string port;
    std::string text;  // as it was given
};

// nullopt: not of the form udp|tcp|tls://HOST[:PORT].
std::optional<RemoteServer> parse_remote_server(std::string_view text);

}  // namespace audisp_eql::collector
