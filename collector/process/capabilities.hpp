// SPDX-License-Identifier: Apache-2.0
// Names of capabilities (linux/capability.h), by bit.
//
// Memory: static. Threads: constant.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace audisp_eql::collector {

// CAP_CHOWN, … CAP_CHECKPOINT_RESTORE: all up to Linux 6.18.
inline constexpr std::size_t kCapabilities = 41;
inline constexpr std::int64_t kAllCapabilities = (std::int64_t{1} << kCapabilities) - 1;

extern const std::array<std::string_view, kCapabilities> kCapabilityNames;

}  // namespace audisp_eql::collector
