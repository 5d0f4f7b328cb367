// SPDX-License-Identifier: Apache-2.0
// What `doctor` says about this host, for the commands that change it, too.
//
// Memory: values. Threads: one; takes up to a second.
#pragma once

#include <string>

#include "collector/agent/options.hpp"
#include "collector/host/finding.hpp"

namespace audisp_eql::collector {

// With the running agent's own configuration where there is one, otherwise with `settings`.
Findings examine_host(const Settings& settings);

// "warning  backlog_limit        …; mend: …"
std::string text_line(const Finding& finding);

}  // namespace audisp_eql::collector
