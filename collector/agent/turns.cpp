// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/turns.hpp"

#include <cstdint>
#include <unistd.h>

#include <sys/syscall.h>

namespace audisp_eql::collector {

namespace {

// struct sched_attr of sched_setattr(2), as it was at first. glibc has it from 2.41 on, and the
// kernel's header does not go together with glibc's <sched.h> before.
struct SchedAttr {
    std::uint32_t size;
    std::uint32_t sched_policy;
    std::uint64_t sched_flags;
    std::int32_t sched_nice;
    std::uint32_t sched_priority;
    std::uint64_t sched_runtime;  // of SCHED_OTHER: how long a turn is, in nanoseconds
    std::uint64_t sched_deadline;
    std::uint64_t sched_period;
};
constexpr std::uint32_t kSchedOther = 0;

}  // namespace

void ask_for_short_turns() {
    SchedAttr attributes{};
    if (::syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) != 0 ||
        attributes.sched_policy != kSchedOther)
        return;
    attributes.size = sizeof attributes;
    attributes.sched_runtime = static_cast<std::uint64_t>(std::chrono::nanoseconds(kTurn).count());
    ::syscall(SYS_sched_setattr, 0, &attributes, 0);
}

}  // namespace audisp_eql::collector
