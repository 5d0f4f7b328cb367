// SPDX-License-Identifier: Apache-2.0
// Any bytes as a line of an audit log and as a record body: the lexer and every decoder of one
// record. What decodes must keep what its header promises.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "collector/audit/decode.hpp"
#include "collector/audit/syscalls.hpp"
#include "tests/fuzz/check.hpp"

namespace {

using namespace audisp_eql::collector;

void decode(std::string_view body) {
    std::string buffer;
    std::size_t values = 0;
    FieldCursor fields(body);
    while (fields.next()) {
        FUZZ_CHECK(!fields.key.empty() && fields.key.data() >= body.data());
        FUZZ_CHECK(fields.value.size() <= body.size());
        values += fields.value.size();
        const std::size_t before = buffer.size();
        if (!append_untrusted(fields.value, fields.quoted, buffer))
            FUZZ_CHECK(buffer.size() == before);
    }
    FUZZ_CHECK(values <= body.size());
    if (const auto syscall = parse_syscall(body)) {
        FUZZ_CHECK(syscall->pid > 0);
        syscall_of(*syscall);
        syscall_name(syscall->arch, syscall->number);
        std::vector<std::string_view> keys;
        decode_keys(syscall->key, buffer, keys);
    }
    parse_path(body);
    parse_decimal(body);
    parse_hex(body);
    std::string coded;
    append_as_untrusted(body, coded);
    FUZZ_CHECK(coded.find_first_of("\n\x1d ") == std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    decode(text);
    if (const auto record = parse_line(text)) {
        FUZZ_CHECK(record->type != 0);
        if (const auto head = parse_head(record->bytes)) {
            FUZZ_CHECK(head->body.find('\x1d') == std::string_view::npos);
            decode(head->body);
        }
    }
    return 0;
}
