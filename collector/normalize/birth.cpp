// SPDX-License-Identifier: Apache-2.0
// How a process was made: what its parent had been doing, and which other children it had.
#include <algorithm>

#include "collector/normalize/state.hpp"

namespace audisp_eql::collector {

using detect::FieldId;

namespace {
constexpr std::int64_t kNsPerUs = 1000;
constexpr std::int64_t kNsPerMs = 1'000'000;
}  // namespace

void Normalizer::State::put_birth(const Process& process) {
    const Birth& birth = process.birth;
    if (birth.parent_active_ns < 0)
        return;
    builder.set_integer(FieldId::process_siblings_count, birth.siblings);
    if (process.parent && process.parent->birth.parent_active_ns >= 0)
        builder.set_integer(FieldId::process_parent_siblings_count, process.parent->birth.siblings);
    if (birth.sibling_ns >= 0)
        builder.set_integer(FieldId::process_siblings_newest_ms,
                            (process.start_ns - birth.sibling_ns) / kNsPerMs);
    if (birth.siblings > 0)
        return;
    std::int64_t idle_ns = process.start_ns - birth.parent_active_ns;
    // Connections are dated by the other clock.
    const auto start_us = timeline.wall_us_of(process.start_ns);
    const std::int64_t network_us = process.parent ? process.parent->network_us : -1;
    if (network_us >= 0) {
        // One after the fork hides whether there was one just before it.
        if (!start_us || network_us > *start_us)
            return;
        idle_ns = std::min(idle_ns, (*start_us - network_us) * kNsPerUs);
    }
    builder.set_integer(FieldId::process_parent_ext_idle_ms, idle_ns / kNsPerMs);
}

}  // namespace audisp_eql::collector
