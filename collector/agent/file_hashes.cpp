// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/file_hashes.hpp"

#include <fstream>
#include <iterator>

#include "collector/agent/options.hpp"
#include "detect/rule/sha256.hpp"

namespace audisp_eql::collector {
namespace {

std::string hash_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file)
        return {};
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    return file.bad() ? std::string() : detect::sha256_hex(text);
}

}  // namespace

FileHashes hash_configuration(const std::string& config) {
    FileHashes hashes;
    for (const std::string& path : configuration_files(config))
        hashes.emplace(path, hash_of(path));
    return hashes;
}

}  // namespace audisp_eql::collector
