// SPDX-License-Identifier: Apache-2.0
// A syslog message around an alert's JSON: the form of syslog(3) for the local socket, that of RFC
// 5424 for servers elsewhere.
//
// Memory: values. Threads: no state.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "detect/rule/rule.hpp"

namespace audisp_eql::collector {

// low notice (5), medium warning (4), high error (3), critical critical (2). Not alert or
// emergency: daemons write those on every terminal.
int syslog_level(detect::RuleSeverity severity);

// "<PRI>Nov  2 02:31:05 TAG[PID]: ", in local time.
std::string local_syslog_header(int facility, detect::RuleSeverity severity, std::string_view tag);

// "<PRI>1 2026-11-22T02:31:05.000123Z HOST TAG PID alert - ": no structured data; all is JSON.
// `host` as RFC 5424 has it: what is not printable ASCII becomes '_', and empty "-".
std::string rfc5424_header(int facility, detect::RuleSeverity severity, std::int64_t wall_us,
                           std::string_view host, std::string_view tag);

// RFC 6587, 3.4.1: the length in octets before the message.
std::string octet_counted(std::string_view message);

}  // namespace audisp_eql::collector
