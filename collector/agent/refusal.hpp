// SPDX-License-Identifier: Apache-2.0
// The agent does not start for want of a feed that is required (option require): its log says so
// where nobody may read it, so an alert does, too.
//
// Memory: values. Threads: the caller's.
#pragma once

#include <string>

#include "collector/agent/access.hpp"

namespace audisp_eql::collector {

struct Settings;

// Returns when the alert has gone out, or lies in the spool.
void tell_refusal(const Settings& settings, const Access& access, const std::string& why);

}  // namespace audisp_eql::collector
