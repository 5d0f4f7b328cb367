// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/memory_guard.hpp"

#include <malloc.h>

#include "collector/feed/ring.hpp"
#include "detect/event/pool.hpp"

namespace audisp_eql::collector {

MemoryGuard::MemoryGuard(std::size_t ceiling)
    : ceiling_(ceiling), mark_(ceiling / 3 * 2 - Ring::kDefaultBytes) {}

bool MemoryGuard::look() {
    since_ = 0;
    return used() > mark_;
}

std::size_t MemoryGuard::used() {
    const struct mallinfo2 heap = ::mallinfo2();
    const detect::RecordPoolUse pool = detect::record_pool_use();
    const std::size_t taken = heap.uordblks + heap.hblkhd;
    // A sanitizer's heap says nothing: then the pool is all that is known.
    return taken < pool.reserved ? pool.live : taken - pool.reserved + pool.live;
}

}  // namespace audisp_eql::collector
