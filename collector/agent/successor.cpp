// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/successor.hpp"

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>
#include <sys/syscall.h>
#include <system_error>

#include "collector/agent/log.hpp"

namespace audisp_eql::collector {
namespace {

std::atomic<bool> allowed{false}, asked{false};
static_assert(std::atomic<bool>::is_always_lock_free, "for signal handlers");
// Once the file was replaced its link says "(deleted)".
std::string program;
int connector = -1;
constexpr int kConnectorPlace = STDERR_FILENO + 1;
constexpr const char* kConnectorVariable = "AUDISP_EQL_CONNECTOR";

}  // namespace

void allow_successor() {
    std::error_code unknown;
    program = std::filesystem::read_symlink("/proc/self/exe", unknown).string();
    allowed = !program.empty();
}

void ask_for_successor() {
    if (allowed)
        asked = true;
}

bool successor_asked() {
    return asked;
}

void bequeath_connector(int descriptor) {
    connector = descriptor;
}

int inherited_connector() {
    const char* const said = ::getenv(kConnectorVariable);
    if (said == nullptr || said != std::to_string(kConnectorPlace))
        return -1;
    ::unsetenv(kConnectorVariable);
    return kConnectorPlace;
}

void become_successor() {
    if (::access(program.c_str(), X_OK) != 0)
        return log::error(fmt::format("{}: {}; ending", program, std::strerror(errno)));
    std::ifstream file("/proc/self/cmdline", std::ios::binary);
    std::string words{std::istreambuf_iterator<char>(file), {}};
    std::vector<char*> arguments;
    for (std::size_t at = 0; at < words.size(); at += std::strlen(&words[at]) + 1)
        arguments.push_back(&words[at]);
    arguments.push_back(nullptr);
    log::info(fmt::format("the newer {} goes on from here", program));
    const bool leaves = connector >= 0;
    if (leaves) {
        // Without the flag that closes it; dup2() onto itself would keep that.
        if (connector == kConnectorPlace)
            ::fcntl(connector, F_SETFD, 0);
        else
            ::dup2(connector, kConnectorPlace);
        ::setenv(kConnectorVariable, std::to_string(kConnectorPlace).c_str(), 1);
    }
    ::syscall(__NR_close_range, kConnectorPlace + (leaves ? 1 : 0), ~0U, 0);
    ::execv(program.c_str(), arguments.data());
}

}  // namespace audisp_eql::collector
