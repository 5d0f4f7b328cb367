// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "detect/eql/dump.hpp"
#include "detect/eql/parser.hpp"
#include "tests/fuzz/diagnostics.hpp"

using namespace audisp_eql::detect;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    Diagnostics of_query;
    const std::optional<Query> query = parse_query(text, of_query);
    FUZZ_CHECK(query.has_value() != has_errors(of_query));
    check_diagnostics(of_query, text);
    if (query) {
        FUZZ_CHECK(!dump(*query).empty());
    }

    Diagnostics of_condition;
    const ExprPtr condition = parse_expression(text, of_condition);
    FUZZ_CHECK((condition != nullptr) != has_errors(of_condition));
    check_diagnostics(of_condition, text);
    if (condition) {
        FUZZ_CHECK(condition->height <= kMaxDepth);
        FUZZ_CHECK(condition->at.offset + condition->at.length <= text.size());
        FUZZ_CHECK(!dump(*condition).empty());
    }
    return 0;
}
