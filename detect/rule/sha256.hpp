// SPDX-License-Identifier: Apache-2.0
// SHA-256 as hexadecimal text: which rule, and which set of rules, raised an alert.
//
// Memory: values. Threads: no state.
#pragma once

#include <string>
#include <string_view>

namespace audisp_eql::detect {

// 64 lower-case digits. Throws std::runtime_error if the host's OpenSSL refuses SHA-256.
std::string sha256_hex(std::string_view bytes);

}  // namespace audisp_eql::detect
