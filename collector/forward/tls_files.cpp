// SPDX-License-Identifier: Apache-2.0
#include "collector/forward/tls_files.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include <fmt/format.h>

namespace audisp_eql::collector {
namespace {

std::string text_of(const char* option, const std::string& path) {
    if (path.empty())
        return {};
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    std::string text((std::istreambuf_iterator<char>(file)), {});
    if (!file || text.empty())
        throw std::runtime_error(fmt::format("{} = {}: {}", option, path,
                                             errno == 0 ? "is empty" : std::strerror(errno)));
    return text;
}

}  // namespace

TlsFiles read_tls_files(const std::string& ca, const std::string& cert, const std::string& key) {
    return {text_of("tls-ca", ca), text_of("tls-cert", cert), text_of("tls-key", key)};
}

}  // namespace audisp_eql::collector
