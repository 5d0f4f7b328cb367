// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/service_notify.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <optional>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "collector/audit/record.hpp"
#include "collector/feed/clock.hpp"

namespace audisp_eql::collector {
namespace {

std::string_view variable(const char* name) {
    const char* const value = std::getenv(name);
    return value == nullptr ? std::string_view() : std::string_view(value);
}

int connected_to(std::string_view path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() < 2 || path.size() >= sizeof address.sun_path ||
        (path.front() != '/' && path.front() != '@'))
        return -1;
    std::copy(path.begin(), path.end(), address.sun_path);
    if (path.front() == '@')
        address.sun_path[0] = '\0';  // an abstract name
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size());
    const int descriptor = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor >= 0 &&
        ::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), length) != 0) {
        ::close(descriptor);
        return -1;
    }
    return descriptor;
}

bool send_to(int descriptor, std::string_view text) {
    return ::send(descriptor, text.data(), text.size(), MSG_NOSIGNAL) >= 0;
}

std::string one_line(std::string_view text) {
    std::string line(text);
    std::replace(line.begin(), line.end(), '\n', ' ');
    return line;
}

}  // namespace

ServiceNotify::ServiceNotify(Send send) : send_(std::move(send)) {
    if (!send_)
        descriptor_ = connected_to(variable("NOTIFY_SOCKET"));
    const auto usec = parse_decimal(variable("WATCHDOG_USEC"));
    const std::string_view pid = variable("WATCHDOG_PID");
    if (is_used() && usec && *usec > 0 && (pid.empty() || parse_decimal(pid) == ::getpid()))
        watchdog_ = std::chrono::microseconds(*usec);
}

ServiceNotify::~ServiceNotify() {
    if (descriptor_ >= 0)
        ::close(descriptor_);
}

void ServiceNotify::tell(const std::string& text) {
    if (is_used() && !(send_ ? send_(text) : send_to(descriptor_, text)))
        ++not_sent_;
}

NotifyRelay::NotifyRelay() : descriptor_(connected_to(variable("NOTIFY_SOCKET"))) {}

NotifyRelay::~NotifyRelay() {
    if (descriptor_ >= 0)
        ::close(descriptor_);
}

bool NotifyRelay::send(std::string_view text) const {
    constexpr std::array<std::string_view, 6> kWords{
        "READY=1", "RELOADING=1", "STOPPING=1", "WATCHDOG=1", "STATUS=", "MONOTONIC_USEC="};
    for (std::string_view rest = text; !rest.empty();) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
        if (std::none_of(kWords.begin(), kWords.end(),
                         [line](std::string_view word) { return line.starts_with(word); }))
            return false;
    }
    return descriptor_ >= 0 && send_to(descriptor_, text);
}

void ServiceNotify::ready(std::string_view status) {
    tell("READY=1\nSTATUS=" + one_line(status));
}

void ServiceNotify::reloading() {
    tell(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", monotonic_ns() / 1000));
}

void ServiceNotify::stopping() {
    tell("STOPPING=1");
}

void ServiceNotify::status(std::string_view text) {
    tell("STATUS=" + one_line(text));
}

void ServiceNotify::feed_watchdog() {
    tell("WATCHDOG=1");
}

bool Liveness::goes_on(std::uint64_t made, std::uint64_t taken) {
    const bool reader = std::exchange(made_, made) != made;
    const bool worker = std::exchange(taken_, taken) != taken;
    return reader && worker;
}

}  // namespace audisp_eql::collector
