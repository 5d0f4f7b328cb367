// SPDX-License-Identifier: Apache-2.0
// Any bytes as a command line, its words between newlines: masking ends, grows by little, and takes
// what an option says is a secret.
#include "detect/alert/mask.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/fuzz/check.hpp"

using namespace audisp_eql::detect;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    // At the worst each character is masked by itself.
    FUZZ_CHECK(mask_text(text).size() <= size * (kMasked.size() + 1));
    FUZZ_CHECK(mask_tokens(text).size() <= size * (kMasked.size() + 1));
    std::vector<std::string> words(1);
    for (const char c : text) {
        if (c == '\n')
            words.emplace_back();
        else
            words.back() += c;
    }
    FUZZ_CHECK(mask_args(words).size() == words.size());
    if (size > 0) {
        words = {"x", "--password=" + std::string(text)};
        FUZZ_CHECK(mask_args(words)[1] == "--password=[masked]");
        words = {"x", "--password", "?" + std::string(text)};
        FUZZ_CHECK(mask_args(words)[2] == "[masked]");
    }
    return 0;
}
