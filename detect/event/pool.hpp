// SPDX-License-Identifier: Apache-2.0
// Where what comes and goes with every record has its memory: blocks, events, processes, images.
//
// Memory: never destroyed, so that what has static storage duration can still be released at exit.
// Threads: each thread has its own; give memory back on the thread that took it.
#pragma once

#include <cstddef>
#include <memory_resource>

namespace audisp_eql::detect {

// Keeps the steady state free of malloc. Under a sanitizer plain new and delete, since a pool would
// hide use after free.
std::pmr::memory_resource& record_pool();

struct RecordPoolUse {
    std::size_t live = 0;      // bytes in use
    std::size_t reserved = 0;  // taken from the heap; used again; see pool_trim.hpp
};
// Of this thread's pool.
RecordPoolUse record_pool_use();

}  // namespace audisp_eql::detect
