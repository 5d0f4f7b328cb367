// SPDX-License-Identifier: Apache-2.0
// What the program says about itself. It goes to stderr; where stderr leads nowhere (as auditd's
// plugin) to the local syslog socket. Alerts never take this way.
//
// Levels are for audiences. error: it does not do its work, act. warning: it works, but something
// is blind, lost or ignored. info: what it does, at its start and its end. debug: for developers.
//
// Memory: texts are copied. Threads: any. Nothing here waits for syslog.
#pragma once

#include <string>
#include <string_view>

#include "collector/agent/options.hpp"

namespace audisp_eql::collector::log {

// Before the first message; until then messages go to stderr. `syslog_path`: the socket for the
// case that stderr leads nowhere; "off": none.
void start(LogLevel level, const std::string& syslog_path);

void error(std::string_view text);
void warning(std::string_view text);
void info(std::string_view text);
void debug(std::string_view text);

}  // namespace audisp_eql::collector::log
