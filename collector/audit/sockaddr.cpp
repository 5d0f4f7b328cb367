// SPDX-License-Identifier: Apache-2.0
// struct sockaddr as the SOCKADDR record shows it: the bytes that user space handed to the kernel,
// in hex, as many as it said there were. Nothing in it may be believed before its length is seen.
#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cstring>

#include <sys/socket.h>

#include "collector/audit/decode.hpp"

namespace audisp_eql::collector {

namespace {

// sockaddr_storage: what move_addr_to_kernel() takes at most.
constexpr std::size_t kMaxBytes = 128;
constexpr std::size_t kFamilyBytes = 2;
constexpr std::size_t kInetBytes = 8;    // family, port, address; the padding does not matter
constexpr std::size_t kInet6Bytes = 24;  // without the scope id (SIN6_LEN_RFC2133 in the kernel)

using Bytes = std::string_view;

// In front of an IPv4 address within an IPv6 one (RFC 4291, 2.5.5.2).
constexpr Bytes kMapped("\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);

// The family is in the byte order of the host that wrote the record; no family is above 255, so
// one of the two bytes is zero.
int family_of(Bytes bytes) {
    const auto first = static_cast<unsigned char>(bytes[0]);
    const auto second = static_cast<unsigned char>(bytes[1]);
    return first != 0 && second != 0 ? -1 : first | second;
}

std::uint16_t port_of(Bytes bytes) {
    return static_cast<std::uint16_t>(static_cast<unsigned char>(bytes[2]) << 8 |
                                      static_cast<unsigned char>(bytes[3]));
}

std::string ip_text(int family, const char* address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    inet_ntop(family, address, text.data(), text.size());
    return text.data();
}

std::optional<SocketAddress> inet(Bytes bytes) {
    if (bytes.size() < kInetBytes)
        return std::nullopt;
    SocketAddress address;
    address.family = SocketAddress::Family::inet;
    address.port = port_of(bytes);
    address.ip = ip_text(AF_INET, bytes.data() + 4);
    return address;
}

std::optional<SocketAddress> inet6(Bytes bytes) {
    if (bytes.size() < kInet6Bytes)
        return std::nullopt;
    const Bytes ip = bytes.substr(8, 16);
    SocketAddress address;
    address.port = port_of(bytes);
    if (ip.starts_with(kMapped)) {
        address.family = SocketAddress::Family::inet;
        address.ip = ip_text(AF_INET, ip.data() + kMapped.size());
    } else {
        address.family = SocketAddress::Family::inet6;
        address.ip = ip_text(AF_INET6, ip.data());
    }
    return address;
}

SocketAddress unix_domain(Bytes bytes) {
    SocketAddress address;
    address.family = SocketAddress::Family::unix_domain;
    Bytes path = bytes.substr(kFamilyBytes);
    if (path.empty())
        return address;
    if (path.front() == '\0') {
        // An abstract name may hold any byte; what pads the structure is not part of it.
        path.remove_prefix(1);
        const std::size_t last = path.find_last_not_of('\0');
        path = path.substr(0, last == Bytes::npos ? 0 : last + 1);
        if (!path.empty())
            address.path = '@';
    } else {
        path = path.substr(0, path.find('\0'));
    }
    address.path += path;
    return address;
}

}  // namespace

std::optional<SocketAddress> decode_sockaddr(std::string_view hex) {
    std::array<char, kMaxBytes> buffer;
    if (hex.size() < 2 * kFamilyBytes || hex.size() > 2 * kMaxBytes ||
        !decode_hex(hex, buffer.data()))
        return std::nullopt;
    const Bytes bytes(buffer.data(), hex.size() / 2);
    const int family = family_of(bytes);
    std::optional<SocketAddress> address = SocketAddress{};
    switch (family) {
        case AF_UNSPEC:
            address->family = SocketAddress::Family::unspecified;
            break;
        case AF_INET:
            address = inet(bytes);
            break;
        case AF_INET6:
            address = inet6(bytes);
            break;
        case AF_UNIX:
            address = unix_domain(bytes);
            break;
        default:
            break;
    }
    if (address)
        address->number = family;
    return address;
}

std::optional<std::string> canonical_ip(std::string_view text) {
    std::array<char, INET6_ADDRSTRLEN> name{};
    if (text.empty() || text.size() >= name.size())
        return std::nullopt;
    std::copy(text.begin(), text.end(), name.begin());
    std::array<char, sizeof(in6_addr)> bytes{};
    if (inet_pton(AF_INET, name.data(), bytes.data()) == 1)
        return ip_text(AF_INET, bytes.data());
    if (inet_pton(AF_INET6, name.data(), bytes.data()) != 1)
        return std::nullopt;
    const bool mapped = Bytes(bytes.data(), bytes.size()).starts_with(kMapped);
    return mapped ? ip_text(AF_INET, bytes.data() + kMapped.size())
                  : ip_text(AF_INET6, bytes.data());
}

std::optional<SocketAddress> socket_address(const AuditEvent& event) {
    const std::string_view body = event.body_of(audit_type::kSockaddr);
    const std::optional<std::string_view> hex = find_field(body, "saddr");
    return hex ? decode_sockaddr(*hex) : std::nullopt;
}

}  // namespace audisp_eql::collector
