// SPDX-License-Identifier: Apache-2.0
// Gives back to the heap what the record pool keeps for later use and nobody uses now.
//
// Memory: none. Threads: each has its own pool.
#pragma once

namespace audisp_eql::detect {

// Looks at every free piece: for when memory is short.
void trim_record_pool();

}  // namespace audisp_eql::detect
