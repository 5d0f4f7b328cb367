// SPDX-License-Identifier: Apache-2.0
// Whether an alert would arrive: asked without writing anything.
//
// Memory: values. Threads: no state between calls.
#pragma once

#include <string>

#include "collector/host/host_state.hpp"

namespace audisp_eql::collector {

// `path`: a unix datagram socket that somebody must have open.
OutputFacts probe_syslog(const std::string& path);
// `path`: a file that is appended to, or made.
OutputFacts probe_json_file(const std::string& path);

}  // namespace audisp_eql::collector
