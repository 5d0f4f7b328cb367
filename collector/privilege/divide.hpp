// SPDX-License-Identifier: Apache-2.0
// One program, two processes. The one that was started keeps what needs rights: the feeds'
// sockets, their reader, the kernel's audit rules and settings, /proc and the rule files (auditd
// and systemd know its pid). The one that it forks does all else, with the bytes that the other
// puts into the shared ring, and confined (confine.hpp): hostile bytes are worked out there.
//
// Each ends with the other. Without the confined one, audit is put back as it was; without the
// privileged one, what was read is worked off and the outputs are flushed.
//
// Memory: values. Threads: to be called while there is one.
#pragma once

#include <optional>
#include <vector>

#include "collector/agent/access.hpp"

namespace audisp_eql::collector {

struct Settings;

struct Division {
    // Set in the privileged process, when all is over.
    std::optional<int> exit_code;
    // Of the process that goes on: the confined one, or the only one (option confine).
    Access access;
};

// `keep`: descriptors that the confined process goes on with, beside the standard ones. What of the
// confinement cannot be had here is one line of the log; with confine = on std::runtime_error is
// thrown for it.
Division divide(const Settings& settings, std::vector<int> keep);

}  // namespace audisp_eql::collector
