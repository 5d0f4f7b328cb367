// SPDX-License-Identifier: Apache-2.0
// An alert as one line for a person at a terminal.
//
// Threads: no state between calls.
#pragma once

#include <string>

#include "detect/alert/alert.hpp"

namespace audisp_eql::collector {

// "2026-01-31T02:31:05Z MEDIUM rule name: sh(1234), user root, parent nc(1233), to 192.0.2.7:4444";
// no newline. What is not known is left out. Whatever bytes the alert holds, the line can't steer a
// terminal: control and direction characters are shown as \u{…}.
std::string alert_line(const detect::Alert& alert);
// What alerts of one kind have in common: "sh, user root, parent nc, to 192.0.2.7:4444".
std::string alert_group(const detect::Alert& alert);

}  // namespace audisp_eql::collector
