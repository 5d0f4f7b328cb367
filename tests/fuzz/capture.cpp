// SPDX-License-Identifier: Apache-2.0
// Any bytes as a capture. What was read and written again must read as the same, line for line.
#include "collector/feed/capture.hpp"

#include <cstdint>
#include <string>
#include <string_view>

#include "tests/fuzz/check.hpp"

namespace {

using namespace audisp_eql::collector;

struct Writer final : MessageSink {
    CaptureWriter writer;
    std::string text;
    void on_message(const Message& message) override { writer.write(message, text); }
};

std::string read_and_write(std::string_view text) {
    Writer writer;
    CaptureReader reader(writer);
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(line.size() == text.size() ? text.size() : line.size() + 1);
        reader.line(line);
    }
    return writer.text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string once = read_and_write({reinterpret_cast<const char*>(data), size});
    FUZZ_CHECK(read_and_write(once) == once);
    return 0;
}
