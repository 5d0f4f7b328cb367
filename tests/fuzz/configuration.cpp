// SPDX-License-Identifier: Apache-2.0
// Any bytes as the configuration file: read, or refused with messages that a terminal can show.
#include <cstdint>
#include <string>
#include <string_view>
#include <unistd.h>

#include <sys/mman.h>

#include "collector/agent/options.hpp"
#include "tests/fuzz/check.hpp"

using namespace audisp_eql::collector;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const int file = memfd_create("configuration", 0);
    static const std::string path = "/proc/self/fd/" + std::to_string(file);
    FUZZ_CHECK(ftruncate(file, 0) == 0);
    FUZZ_CHECK(pwrite(file, data, size, 0) == static_cast<ssize_t>(size));
    Settings settings;
    const OptionMessages messages = read_settings(Command::run, {"--config", path}, settings);
    for (const std::string& error : messages.errors)
        FUZZ_CHECK(error.starts_with(path + ":"));
    if (messages.errors.empty()) {
        FUZZ_CHECK(settings.max_message_bytes.value >= 1024);
        FUZZ_CHECK(settings.spool_mib.value >= 1);
        FUZZ_CHECK(settings.arguments.empty());
    }
    return 0;
}
