// SPDX-License-Identifier: Apache-2.0
#include "collector/host/system_files.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>

#include <system_error>

namespace audisp_eql::collector {

std::string read_system_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    // Not through iterators: some files of /proc open and fail when they are read, which throws.
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

std::string read_system_link(const std::string& path) {
    std::error_code error;
    const auto target = std::filesystem::read_symlink(path, error);
    return error ? std::string{} : target.string();
}

// Of pid 1 it is shown only to those who have all of its capabilities.
std::string host_network_namespace() {
    const bool host = read_system_file("/proc/2/comm") == "kthreadd\n";
    return read_system_link(host ? "/proc/2/ns/net" : "/proc/1/ns/net");
}

}  // namespace audisp_eql::collector
