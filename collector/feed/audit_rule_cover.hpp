// SPDX-License-Identifier: Apache-2.0
// Whether an audit rule of the kernel reports all that another would: so that a host's own rules
// count, too.
//
// Memory: values. Threads: no state.
#pragma once

#include "collector/feed/audit_control.hpp"

namespace audisp_eql::collector {

// True where every call that `needed` reports is also reported by `present`. False where that
// can't be told.
bool covers(const AuditRuleBytes& present, const AuditRuleBytes& needed);

}  // namespace audisp_eql::collector
