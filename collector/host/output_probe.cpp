// SPDX-License-Identifier: Apache-2.0
#include "collector/host/output_probe.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sstream>
#include <unistd.h>

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/un.h>

#include "collector/host/gather.hpp"
#include "collector/host/system_files.hpp"

namespace audisp_eql::collector {
namespace {

int try_to_connect(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path)
        return ENAMETOOLONG;
    path.copy(address.sun_path, path.size());
    const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    const int error =
        ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
    ::close(fd);
    return error;
}

}  // namespace

std::string_view mend_of(const OutputFacts& output) {
    if (output.name.starts_with("syslog server"))
        return "look at the server, its port and the way to it; the agent's log says what failed";
    if (output.name.starts_with("syslog"))
        return "start rsyslogd or journald, or set 'syslog' to its socket in "
               "/etc/audisp-eql/audisp-eql.conf";
    return "set it to a path that can be written, in /etc/audisp-eql/audisp-eql.conf";
}

OutputFacts probe_syslog(const std::string& path) {
    OutputFacts output;
    output.name = "syslog " + path;
    const int error = try_to_connect(path);
    if (error == ECONNREFUSED)
        output.error = "nobody reads the socket";
    else if (error == EPROTOTYPE)
        output.error = "it is a stream socket, and a datagram socket is needed";
    else if (error != 0)
        output.error = std::strerror(error);
    return output;
}

std::size_t established(std::string_view table, const std::vector<std::uint64_t>& inodes,
                        std::uint16_t port) {
    constexpr std::string_view kEstablished = "01";  // TCP_ESTABLISHED
    std::size_t count = 0;
    std::istringstream lines{std::string(table)};
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line);
        std::string slot, local, remote, state, skip;
        std::uint64_t inode = 0;
        words >> slot >> local >> remote >> state;
        for (int i = 0; i < 5; ++i)  // queues, timers, retransmits, uid, timeout
            words >> skip;
        words >> inode;
        const auto colon = remote.rfind(':');
        if (!words || colon == std::string::npos || state != kEstablished ||
            std::find(inodes.begin(), inodes.end(), inode) == inodes.end())
            continue;
        unsigned peer = 0;
        std::from_chars(remote.data() + colon + 1, remote.data() + remote.size(), peer, 16);
        count += peer == port ? 1 : 0;
    }
    return count;
}

OutputFacts probe_server(const std::string& name, std::int32_t agent, std::uint16_t port) {
    OutputFacts output;
    output.name = "syslog server " + name;
    const auto inodes = socket_inodes(agent);
    const std::string base = fmt::format("/proc/{}/net/", agent);
    if (established(read_system_file(base + "tcp"), inodes, port) +
            established(read_system_file(base + "tcp6"), inodes, port) ==
        0)
        output.error = "the agent has no connection to it";
    return output;
}

OutputFacts probe_json_file(const std::string& path) {
    OutputFacts output;
    output.name = "file " + path;
    const int fd = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC | O_NONBLOCK);
    const int error = fd < 0 ? errno : 0;
    if (fd >= 0)
        ::close(fd);
    const std::string directory = std::filesystem::path(path).parent_path();
    const char* place = directory.empty() ? "." : directory.c_str();
    struct statvfs space {};
    if (error == ENOENT && ::access(place, W_OK) == 0)
        output.error.clear();  // it will be made
    else if (error != 0)
        output.error = std::strerror(error);
    if (output.error.empty() && ::statvfs(place, &space) == 0 && space.f_bavail == 0)
        output.error = "the disk is full";
    return output;
}

}  // namespace audisp_eql::collector
