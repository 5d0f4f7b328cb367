// SPDX-License-Identifier: Apache-2.0
// Wall time as people and ECS write it.
//
// Memory: no state. Threads: no state.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace audisp_eql::detect {

// Years 0001 to 9999: what RFC 3339 can write.
inline constexpr std::int64_t kFirstMicros = -62'135'596'800'000'000;
inline constexpr std::int64_t kLastMicros = 253'402'300'799'999'999;

// "2026-01-02T03:04:05.678901Z" -> microseconds since the epoch. Also without time, seconds or
// fraction, with a space for the T, with +01:00 or +0100 for the Z, and without either (UTC).
// Digits beyond microseconds are cut. Nullopt if it is no such text.
std::optional<std::int64_t> parse_iso_time(std::string_view text);

// RFC 3339 in UTC with microseconds; a time before or after what it can write becomes the nearest.
void append_iso_time(std::string& out, std::int64_t micros);

}  // namespace audisp_eql::detect
