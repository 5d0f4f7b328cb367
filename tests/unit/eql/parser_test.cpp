// SPDX-License-Identifier: Apache-2.0
// What the parser makes of a query: a table of {eql, tree}. What it says to a wrong one stands in
// parser_errors_test.cpp.
#include "detect/eql/parser.hpp"

#include <string>
#include <string_view>

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include "detect/eql/dump.hpp"

namespace audisp_eql::detect {
namespace {

struct Case {
    std::string_view eql;
    std::string_view tree;
};

std::ostream& operator<<(std::ostream& out, const Case& row) {
    return out << row.eql;
}

void check_query(const Case& row) {
    Diagnostics diagnostics;
    const std::optional<Query> query = parse_query(row.eql, diagnostics);
    for (const Diagnostic& diagnostic : diagnostics) {
        BOOST_TEST_MESSAGE(render(diagnostic, "query", row.eql));
    }
    BOOST_TEST(diagnostics.empty());
    BOOST_REQUIRE(query.has_value());
    BOOST_TEST(dump(*query) == row.tree);
}

const Case kQueries[] = {
    {R"(any where true)", R"((event any true))"},
    {R"(process where process.name == "sh")", R"((event process (== process.name "sh")))"},
    {R"("odd category" where true)", R"((event `odd category` true))"},
    {R"(process where true | head 10 | tail 1)",
     R"((event process true) (pipe head 10) (pipe tail 1))"},
    {R"(sequence [any where true])", R"((sequence (item (event any true))))"},
    {R"(sequence by a with maxspan=1m [any where a == 1] [any where true] with runs=3)",
     R"((sequence (by a) (maxspan 60000000000) (item (event any (== a 1))) (item (event any true) (runs 3))))"},
};

}  // namespace

BOOST_AUTO_TEST_SUITE(eql)

BOOST_DATA_TEST_CASE(queries, boost::unit_test::data::make(kQueries), row) {
    check_query(row);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace audisp_eql::detect
