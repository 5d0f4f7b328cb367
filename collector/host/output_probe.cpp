// SPDX-License-Identifier: Apache-2.0
#include "collector/host/output_probe.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <unistd.h>

#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/un.h>

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
