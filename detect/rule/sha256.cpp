// SPDX-License-Identifier: Apache-2.0
#include "detect/rule/sha256.hpp"

#include <array>
#include <openssl/evp.h>
#include <stdexcept>

namespace audisp_eql::detect {

std::string sha256_hex(std::string_view bytes) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1) {
        throw std::runtime_error("OpenSSL does not offer SHA-256 on this host");
    }
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string hex;
    hex.reserve(std::size_t{size} * 2);
    for (unsigned int index = 0; index < size; ++index) {
        hex += kDigits[digest[index] >> 4];
        hex += kDigits[digest[index] & 0xf];
    }
    return hex;
}

}  // namespace audisp_eql::detect
