// SPDX-License-Identifier: Apache-2.0
// What is said about one thing on this host, and how bad it is.
//
// Memory: values. Threads: plain data.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "collector/host/host_state.hpp"

namespace audisp_eql::collector {

enum class Verdict : std::uint8_t {
    fine,
    warning,  // records may be lost, something is blind, or the host may suffer
    broken,   // as it is, attacks go unseen
};
std::string_view to_string(Verdict verdict);

struct Finding {
    std::string check;  // a stable name: "backlog_limit"
    Verdict verdict = Verdict::fine;
    std::string text;  // one line
    std::string mend;  // the command, or what to change; empty where nothing is to be done
};
using Findings = std::vector<Finding>;

// Judges the facts, the worst not first: in the order in which records come in. Pure.
Findings examine(const HostState& host);

}  // namespace audisp_eql::collector
