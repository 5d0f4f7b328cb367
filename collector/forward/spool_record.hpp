// SPDX-License-Identifier: Apache-2.0
// One alert as bytes in a file of the spool, and back. A record is
//   u32 "AEQ1"   u32 length of the body   u32 CRC-32C of the body   body
// in the machine's byte order (a spool does not travel). The body holds the alert with the parts
// that it was made from, so that it can still be trimmed for an output.
//
// Memory: values. Threads: no state.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "detect/alert/alert.hpp"

namespace audisp_eql::collector {

struct SpooledAlert {
    std::uint64_t number = 0;    // counts up, without end
    std::int64_t raised_us = 0;  // wall time
    detect::Alert alert;
};

// No alert comes near it: its events are bounded. A length above it is not ours.
inline constexpr std::size_t kMaxSpoolRecord = 64 << 20;
// Nor do numbers come near this: one above it is not ours, and must not count on to 0.
inline constexpr std::uint64_t kMaxSpoolNumber = std::uint64_t{1} << 62;

std::string write_record(const SpooledAlert& alert);

struct SpoolRecordHead {
    std::uint64_t number = 0;
    std::int64_t raised_us = 0;
    std::size_t size = 0;  // of the whole record
};
// The record that `bytes` begins with; nullopt: none that is whole and sound.
std::optional<SpoolRecordHead> look_at_record(std::string_view bytes);
std::optional<SpooledAlert> read_record(std::string_view bytes);

}  // namespace audisp_eql::collector
