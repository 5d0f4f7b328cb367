// SPDX-License-Identifier: Apache-2.0
// How soon the kernel lets the program run when something has come for it.
//
// Memory: none. Threads: before others are started, which inherit what is set here, as forks do.
#pragma once

#include <chrono>

namespace audisp_eql::collector {

// The shortest that the kernel grants. What asks for shorter turns gets them earlier, and no more
// of the CPU in all: an alert does not wait until the shell that caused it has had its turn of some
// milliseconds.
constexpr std::chrono::microseconds kTurn{100};

// From Linux 6.12 on; older kernels leave everything as it is, and so does one that refuses.
void ask_for_short_turns();

}  // namespace audisp_eql::collector
