// SPDX-License-Identifier: Apache-2.0
// What /proc shows of a process right after its exec and no record tells: what stands on its
// standard descriptors, its control group, some of its environment, its process group, and whether
// its paths are the host's.
//
// Memory: values, made to be reused. Threads: plain data.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace audisp_eql::collector {

// What a standard descriptor refers to.
struct StandardDescriptor {
    enum class Type : std::uint8_t {
        unknown,
        closed,
        tty,
        pipe,
        file,
        null,    // /dev/null
        inet,    // an internet socket
        local,   // a unix socket
        socket,  // of another family, or one that could not be looked at
        other,   // eventfd, epoll, …
    };
    enum class Transport : std::uint8_t { unknown, tcp, udp, other };

    Type type = Type::unknown;
    Transport transport = Transport::unknown;  // of inet
    std::uint16_t peer_port = 0;
    std::string peer_ip;  // of inet, canonical, a v4-mapped address as IPv4; empty: not connected

    bool operator==(const StandardDescriptor&) const = default;
};
// "inet", "tcp", as fields show them; empty for unknown. Static storage.
std::string_view name_of(StandardDescriptor::Type type);
std::string_view name_of(StandardDescriptor::Transport transport);

// What is asked about each exec. Nothing: /proc is left alone.
struct ExecQuestions {
    bool stdio = false;
    bool container = false;
    bool group = false;  // session and process group
    bool view = false;   // mount namespace and root directory
    // True for "NAME=VALUE" that is to be kept; empty: the environment is not read.
    std::function<bool(std::string_view)> keep_variable;

    bool any() const { return stdio || container || group || view || keep_variable; }
};

struct ExecContext {
    static constexpr std::size_t kStandard = 3;
    // What rules look for is a handful of short settings.
    static constexpr std::size_t kMaxVariables = 16;
    static constexpr std::size_t kMaxVariableBytes = 1024;

    std::int32_t pid = 0;
    bool gone = false;  // asked, and no longer there: nothing but `pid` is set
    std::string exe;    // what it ran then
    std::array<StandardDescriptor, kStandard> stdio;
    std::string cgroup;  // as ProcSnapshot's; empty: not asked
    std::int32_t sid = 0, pgid = 0;
    bool foreign_mounts = false, own_root = false;  // as ProcSnapshot's
    std::vector<std::string> variables;

    bool operator==(const ExecContext&) const = default;
    void clear(std::int32_t of_pid);
};

// The text of a `process_exec` message and back: "pid= exe= fd0=inet fd0_transport=tcp fd0_ip=
// fd0_port= fd1= … cgroup= sid= pgid= foreign_mounts=1 own_root=1 env= env= …"; "pid=N gone=1".
// What is not known is left out.
void append_text(const ExecContext& context, std::string& out);
// False if it names no process.
bool context_from_text(std::string_view text, ExecContext& out);

}  // namespace audisp_eql::collector
