// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/status_listener.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <unistd.h>

#include <fmt/format.h>
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>

namespace audisp_eql::collector {
namespace {

constexpr mode_t kDirectoryMode = 0750;
constexpr mode_t kSocketMode = 0660;

bool fits(const std::string& path) {
    return !path.empty() && path.size() < sizeof(sockaddr_un::sun_path);
}

sockaddr_un address_of(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::copy(path.begin(), path.end(), address.sun_path);
    return address;
}

int connected_to(const std::string& path) {
    const sockaddr_un address = address_of(path);
    const int descriptor = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (descriptor >= 0 &&
        ::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        const int reason = errno;
        ::close(descriptor);
        errno = reason;
        return -1;
    }
    return descriptor;
}

}  // namespace

StatusListener::StatusListener(const std::string& path, std::optional<std::uint32_t> group) {
    if (path == "off")
        return;
    if (const std::string why = open(path, group); !why.empty())
        trouble_ = fmt::format("{}: {}; 'audisp-eql status' gets no answer", path, why);
}

StatusListener::~StatusListener() {
    if (descriptor_ >= 0)
        ::close(descriptor_);
    if (!path_.empty())
        ::unlink(path_.c_str());
}

StatusListener::StatusListener(StatusListener&& other) noexcept
    : path_(std::exchange(other.path_, {})),
      trouble_(std::move(other.trouble_)),
      descriptor_(std::exchange(other.descriptor_, -1)) {}

StatusListener& StatusListener::operator=(StatusListener&& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(trouble_, other.trouble_);
    std::swap(descriptor_, other.descriptor_);
    return *this;
}

void StatusListener::close() {
    if (descriptor_ >= 0)
        ::close(std::exchange(descriptor_, -1));
}

// Empty, or what is wrong.
std::string StatusListener::open(const std::string& path, std::optional<std::uint32_t> group) {
    if (!fits(path))
        return "no socket can have this path";
    const std::string directory = path.substr(0, path.rfind('/'));
    if (!directory.empty())
        ::mkdir(directory.c_str(), kDirectoryMode);
    if (const int other = connected_to(path); other >= 0) {
        ::close(other);
        return "another agent answers there";
    }
    struct stat status {};
    if (::lstat(path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode))
        ::unlink(path.c_str());
    descriptor_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor_ < 0)
        return std::strerror(errno);
    const sockaddr_un address = address_of(path);
    // Never open to more than it will be, not even for a moment: neither mode nor group is changed
    // afterwards, where somebody else might have put another file.
    const mode_t before = ::umask(0777 & ~kSocketMode);
    const int own_group = group ? ::setfsgid(*group) : 0;
    const int bound =
        ::bind(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    const int error = errno;
    if (group)
        ::setfsgid(static_cast<gid_t>(own_group));
    ::umask(before);
    if (bound != 0)
        return std::strerror(error);
    path_ = path;
    if (::listen(descriptor_, static_cast<int>(kMaxClients)) != 0)
        return std::strerror(errno);
    return {};
}

std::string ask_agent(const std::string& path, const std::string& line) {
    const int descriptor = fits(path) ? connected_to(path) : -1;
    if (descriptor < 0)
        throw std::runtime_error(fmt::format(
            "no audisp-eql answers on {}: {}; it must be running, with this option status-socket, "
            "and its socket's owner, group or root may ask",
            path, fits(path) ? std::strerror(errno) : "no socket can have this path"));
    const timeval patience{30, 0};
    ::setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    const std::string request = line + '\n';
    std::string answer;
    bool sent = ::send(descriptor, request.data(), request.size(), MSG_NOSIGNAL) ==
                static_cast<ssize_t>(request.size());
    std::array<char, 65536> bytes{};
    while (sent) {
        const ssize_t count = ::recv(descriptor, bytes.data(), bytes.size(), 0);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            break;
        answer.append(bytes.data(), static_cast<std::size_t>(count));
    }
    ::close(descriptor);
    if (answer.empty())
        throw std::runtime_error(fmt::format(
            "the audisp-eql behind {} gives no answer: it is asked by many, or hangs", path));
    return answer;
}

}  // namespace audisp_eql::collector
