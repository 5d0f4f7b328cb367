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

}  // namespace audisp_eql::collector
