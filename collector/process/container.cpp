// SPDX-License-Identifier: Apache-2.0
#include "collector/process/container.hpp"

#include <algorithm>
#include <array>

namespace audisp_eql::collector {

namespace {

bool is_hex(std::string_view text, std::size_t size) {
    return text.size() == size && std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
           });
}

// The OCI runtimes of all of these give 256 random bits as id.
constexpr std::size_t kIdLength = 64;

bool take(std::string_view& text, std::string_view prefix, std::string_view suffix) {
    if (text.size() <= prefix.size() + suffix.size() || !text.starts_with(prefix) ||
        !text.ends_with(suffix))
        return false;
    text = text.substr(prefix.size(), text.size() - prefix.size() - suffix.size());
    return true;
}

struct Scope {
    std::string_view prefix;
    std::string_view runtime;
};
// systemd's cgroup driver: PREFIX-ID.scope; the cgroupfs driver writes some of them without .scope.
constexpr std::array<Scope, 4> kScopes{{
    {"docker-", "docker"},
    {"cri-containerd-", "containerd"},
    {"crio-", "cri-o"},
    {"libpod-", "podman"},
}};

// One component of the path, and the one above it.
bool name_container(std::string_view part, std::string_view above, Container& found) {
    if (is_hex(part, kIdLength)) {
        found.id = part;
        if (above == "docker")
            found.runtime = "docker";
        return true;
    }
    for (const Scope& scope : kScopes) {
        std::string_view id = part;
        if ((take(id, scope.prefix, ".scope") || take(id, scope.prefix, "")) &&
            is_hex(id, kIdLength)) {
            found.id = id;
            found.runtime = scope.runtime;
            return true;
        }
    }
    std::string_view name = part;
    if (take(name, "systemd-nspawn@", ".service")) {
        found.id = name;
        found.runtime = "systemd-nspawn";
        return true;
    }
    // The monitor of a container stands beside it in lxc.monitor.NAME.
    if (take(name, "lxc.payload.", "") || (above == "lxc" && !part.empty())) {
        found.id = name;
        found.runtime = "lxc";
        return true;
    }
    return false;
}

// "pod1234…", "kubepods-burstable-pod1234….slice", where systemd's form has '_' for '-'.
void name_pod(std::string_view part, Container& found) {
    constexpr std::size_t kUuidLength = 36;
    take(part, "", ".slice");
    const std::size_t at = part.rfind("pod");
    if (at == std::string_view::npos)
        return;
    part.remove_prefix(at + 3);
    // A static pod's uid is the hash of its file: 32 digits.
    if (part.size() != kUuidLength && !is_hex(part, 32))
        return;
    found.pod_uid = part;
    std::replace(found.pod_uid.begin(), found.pod_uid.end(), '_', '-');
}

// The last component, which is cut off `path`.
std::string_view take_last(std::string_view& path) {
    const std::size_t slash = path.rfind('/');
    const std::string_view part = slash == std::string_view::npos ? path : path.substr(slash + 1);
    path = slash == std::string_view::npos ? std::string_view{} : path.substr(0, slash);
    return part;
}

}  // namespace

Container container_of(std::string_view path) {
    Container found;
    while (!path.empty()) {
        const std::string_view part = take_last(path);
        std::string_view rest = path;
        if (!name_container(part, take_last(rest), found))
            continue;
        while (!path.empty() && found.pod_uid.empty())
            name_pod(take_last(path), found);
        break;
    }
    return found;
}

std::string_view telling_cgroup(std::string_view text) {
    std::string_view unified, named;
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(std::min(text.size(), line.size() + 1));
        // hierarchy:controllers:path; the path may hold colons
        const std::size_t first = line.find(':');
        const std::size_t second =
            first == std::string_view::npos ? first : line.find(':', first + 1);
        if (second == std::string_view::npos)
            continue;
        const std::string_view path = line.substr(second + 1);
        if (!container_of(path).id.empty())
            return path;
        if (line.starts_with("0::"))
            unified = path;
        else if (named.empty() && line.substr(first + 1).starts_with("name="))
            named = path;
    }
    // Where version 1 is in use the unified hierarchy may be empty of meaning.
    return unified.size() > 1 || named.empty() ? unified : named;
}

}  // namespace audisp_eql::collector
