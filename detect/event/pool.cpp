// SPDX-License-Identifier: Apache-2.0
#include "detect/event/pool.hpp"

namespace audisp_eql::detect {

std::pmr::memory_resource& record_pool() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return *std::pmr::new_delete_resource();
#else
    thread_local auto* const resource = new std::pmr::unsynchronized_pool_resource();
    return *resource;
#endif
}

}  // namespace audisp_eql::detect
