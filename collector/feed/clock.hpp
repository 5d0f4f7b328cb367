// SPDX-License-Identifier: Apache-2.0
// The two clocks, in one form each: the engine counts on the monotonic one, people read the other.
//
// Threads: anybody's.
#pragma once

#include <cstdint>
#include <ctime>

namespace audisp_eql::collector {

inline std::int64_t nanoseconds(clockid_t clock) {
    timespec now{};
    ::clock_gettime(clock, &now);
    return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}
inline std::int64_t monotonic_ns() {
    return nanoseconds(CLOCK_MONOTONIC);
}
inline std::int64_t wall_us() {
    return nanoseconds(CLOCK_REALTIME) / 1000;
}

}  // namespace audisp_eql::collector
