// SPDX-License-Identifier: Apache-2.0
// A number with its noun: "1 event", "2 events".
//
// Memory: values. Threads: any.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace audisp_eql::collector {

// `what` in the singular, with a plural in s.
inline std::string counted(std::uint64_t count, std::string_view what) {
    return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

}  // namespace audisp_eql::collector
