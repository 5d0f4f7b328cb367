// SPDX-License-Identifier: Apache-2.0
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "detect/eql/compiler.hpp"
#include "detect/eql/parser.hpp"
#include "detect/eql/predicate.hpp"
#include "tests/fuzz/diagnostics.hpp"

using namespace audisp_eql::detect;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    Diagnostics diagnostics;
    const std::optional<Query> query = parse_query(text, diagnostics);
    if (!query) {
        return 0;
    }
    FieldNames fields;
    PredicateTable predicates;
    const std::optional<Program> program = compile_query(*query, fields, predicates, diagnostics);
    FUZZ_CHECK(program.has_value() != has_errors(diagnostics));
    check_diagnostics(diagnostics, text);
    if (program) {
        FUZZ_CHECK(!program->stages.empty());
        FUZZ_CHECK(program->stages.size() <= kMaxStages);
    }
    return 0;
}
