// SPDX-License-Identifier: Apache-2.0
#include "detect/text/cidr.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <cstring>

namespace audisp_eql::detect {

namespace {
constexpr std::array<std::uint8_t, 12> kMappedPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr unsigned kMappedBits = 96;
}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
    char terminated[INET6_ADDRSTRLEN];
    // A zero byte inside would hide what follows from inet_pton.
    if (text.size() >= sizeof terminated || text.find('\0') != std::string_view::npos)
        return std::nullopt;
    std::memcpy(terminated, text.data(), text.size());
    terminated[text.size()] = '\0';
    if (text.find(':') == std::string_view::npos) {
        std::array<std::uint8_t, 4> bytes;
        if (inet_pton(AF_INET, terminated, bytes.data()) != 1)
            return std::nullopt;
        return v4(bytes);
    }
    std::array<std::uint8_t, 16> bytes;
    if (inet_pton(AF_INET6, terminated, bytes.data()) != 1)
        return std::nullopt;
    return v6(bytes);
}

IpAddress IpAddress::v4(const std::array<std::uint8_t, 4>& bytes) {
    std::array<std::uint8_t, 16> mapped;
    std::copy(kMappedPrefix.begin(), kMappedPrefix.end(), mapped.begin());
    std::copy(bytes.begin(), bytes.end(), mapped.begin() + kMappedPrefix.size());
    return IpAddress(mapped);
}

bool IpAddress::is_v4() const {
    return std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), bytes_.begin());
}

std::string IpAddress::to_string() const {
    char text[INET6_ADDRSTRLEN];
    const bool short_form = is_v4();
    inet_ntop(short_form ? AF_INET : AF_INET6,
              bytes_.data() + (short_form ? kMappedPrefix.size() : 0), text, sizeof text);
    return text;
}

bool same_address(std::string_view a, std::string_view b) {
    if (a == b)
        return true;
    const auto first = IpAddress::parse(a);
    return first && first == IpAddress::parse(b);
}

bool CidrSet::add(std::string_view block) {
    const std::size_t slash = block.find('/');
    const auto address = IpAddress::parse(block.substr(0, slash));
    if (!address)
        return false;
    // "::ffff:10.0.0.0/104" counts its bits as IPv6 does.
    const bool written_v6 = block.substr(0, slash).find(':') != std::string_view::npos;
    unsigned bits = 128;
    if (slash != std::string_view::npos) {
        const std::string_view digits = block.substr(slash + 1);
        const char* const end = digits.data() + digits.size();
        const auto parsed = std::from_chars(digits.data(), end, bits);
        if (parsed.ec != std::errc() || parsed.ptr != end || bits > (written_v6 ? 128u : 32u))
            return false;
        bits += written_v6 ? 0 : kMappedBits;
    }
    Block made{};
    made.v4 = address->is_v4() && bits >= kMappedBits;
    for (unsigned i = 0; i < made.mask.size(); ++i) {
        const unsigned here = std::min(8u, bits > i * 8 ? bits - i * 8 : 0);
        made.mask[i] = static_cast<std::uint8_t>(0xff00u >> here);
        made.network[i] = address->bytes()[i] & made.mask[i];
    }
    blocks_.push_back(made);
    return true;
}

bool CidrSet::contains(const IpAddress& address) const {
    const bool v4 = address.is_v4();
    const auto& bytes = address.bytes();
    return std::any_of(blocks_.begin(), blocks_.end(), [&](const Block& block) {
        if (block.v4 != v4)
            return false;
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            if ((bytes[i] & block.mask[i]) != block.network[i])
                return false;
        }
        return true;
    });
}

bool CidrSet::contains(std::string_view text) const {
    const auto address = IpAddress::parse(text);
    return address && contains(*address);
}

}  // namespace audisp_eql::detect
