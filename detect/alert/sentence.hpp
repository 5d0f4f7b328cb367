// SPDX-License-Identifier: Apache-2.0
// The one sentence of an alert that a person reads first.
//
// Memory: values. Threads: no state.
#pragma once

#include <string>
#include <string_view>

#include "detect/engine/engine.hpp"
#include "detect/rule/rule.hpp"

namespace audisp_eql::detect {

// "RULE: sh (pid 42, /usr/bin/dash) of user root, child of bash (pid 41), connected to
// 192.0.2.1:4444, created /etc/cron.d/x, on host web1". Printable UTF-8 on one line, whatever the
// names were.
std::string alert_sentence(const Rule& rule, const Match& match);

// Appends what a terminal may show of `text`, '?' for the rest; at most `most` bytes, then "…".
void append_printable(std::string& out, std::string_view text, std::size_t most);

}  // namespace audisp_eql::detect
