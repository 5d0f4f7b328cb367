// SPDX-License-Identifier: Apache-2.0
// Whether an alert would arrive: asked without writing anything.
//
// Memory: values. Threads: no state between calls.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "collector/host/host_state.hpp"

namespace audisp_eql::collector {

// `path`: a unix datagram socket that somebody must have open.
OutputFacts probe_syslog(const std::string& path);
// A connection to a syslog server, which a running agent keeps open: whether it has one to this
// port. Nothing is sent or looked up.
OutputFacts probe_server(const std::string& name, std::int32_t agent, std::uint16_t port);
// What mends an output by its name.
std::string_view mend_of(const OutputFacts& output);
// How many of these sockets are established with that port at the other end, of a table as
// /proc/net/tcp.
std::size_t established(std::string_view table, const std::vector<std::uint64_t>& inodes,
                        std::uint16_t port);

// `path`: a file that is appended to, or made.
OutputFacts probe_json_file(const std::string& path);

}  // namespace audisp_eql::collector
