// SPDX-License-Identifier: Apache-2.0
// IP addresses and networks: cidrMatch, and comparing addresses however they are written.
//
// Memory: values. Threads: no state.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace audisp_eql::detect {

// 16 bytes; IPv4 lies in ::ffff:0:0/96, so a v4-mapped IPv6 address is the IPv4 address.
class IpAddress {
  public:
    // Textual form without allocation; nullopt if it is none (names, scope ids, octal digits).
    static std::optional<IpAddress> parse(std::string_view text);
    static IpAddress v4(const std::array<std::uint8_t, 4>& bytes);
    static IpAddress v6(const std::array<std::uint8_t, 16>& bytes) { return IpAddress(bytes); }

    bool is_v4() const;
    const std::array<std::uint8_t, 16>& bytes() const { return bytes_; }
    // The canonical form (RFC 5952); IPv4 as a.b.c.d.
    std::string to_string() const;
    bool operator==(const IpAddress&) const = default;

  private:
    explicit IpAddress(const std::array<std::uint8_t, 16>& bytes) : bytes_(bytes) {}
    std::array<std::uint8_t, 16> bytes_;
};

// True if both texts name one address, or are the same text.
bool same_address(std::string_view a, std::string_view b);

class CidrSet {
  public:
    // "10.6.48.157/8" (host bits are ignored), "::1" (a bare address is that address alone). False
    // and unchanged if it is neither.
    bool add(std::string_view block);
    bool contains(const IpAddress& address) const;
    // False if `text` is no address.
    bool contains(std::string_view text) const;

  private:
    struct Block {
        std::array<std::uint8_t, 16> network;
        std::array<std::uint8_t, 16> mask;
        bool v4;
    };
    std::vector<Block> blocks_;
};

}  // namespace audisp_eql::detect
