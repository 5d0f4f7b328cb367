// SPDX-License-Identifier: Apache-2.0
// Any bytes as the hex of a socket address, and as the address itself.
#include <cstdint>
#include <string>
#include <string_view>

#include "collector/audit/decode.hpp"
#include "tests/fuzz/check.hpp"

namespace {

using namespace audisp_eql::collector;

void decode(std::string_view hex) {
    const auto address = decode_sockaddr(hex);
    if (!address)
        return;
    FUZZ_CHECK(address->ip.empty() != address->is_inet());
    FUZZ_CHECK(address->path.size() <= hex.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static constexpr char kDigits[] = "0123456789ABCDEF";
    decode({reinterpret_cast<const char*>(data), size});
    std::string hex;
    for (std::size_t i = 0; i < size; ++i) {
        hex += kDigits[data[i] >> 4];
        hex += kDigits[data[i] & 15];
    }
    decode(hex);
    return 0;
}
