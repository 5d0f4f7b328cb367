// SPDX-License-Identifier: Apache-2.0
// What younger kernels have and older ones are done without, found by trying: nothing is changed,
// and no record made.
//
// Memory: values. Threads: one.
#pragma once

#include <optional>
#include <string>

#include "collector/feed/audit_control.hpp"

namespace audisp_eql::collector {

// Nothing: it could not be found out.
struct KernelFeatures {
    std::optional<bool> address_family;    // audit rules may test saddr_fam (5.3)
    std::optional<bool> io_uring_rules;    // audit rules about io_uring's operations (5.16)
    std::optional<bool> multicast;         // audit records for listeners (3.16)
    std::optional<bool> connector_filter;  // process events of the wanted kinds alone (6.6)
};

// The first two. Rules that are locked cannot be tried.
void try_audit_rules(AuditControl& control, const AuditStatus& status, KernelFeatures& features);
// 0, or the errno of a listener's socket, to what is to be thought of it: a missing right says
// nothing of the kernel.
std::optional<bool> multicast_from(int error);
int try_multicast();

// What is done without those that are not there, for people; empty: all are.
std::string fallbacks_text(const KernelFeatures& features);

}  // namespace audisp_eql::collector
