// SPDX-License-Identifier: Apache-2.0
// Queries made to harm: deep, long, and full of mistakes. None may crash, take long, or say too
// much.
#include <string>
#include <string_view>

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include "detect/eql/dump.hpp"
#include "detect/eql/lexer.hpp"
#include "detect/eql/parser.hpp"

namespace audisp_eql::detect {
namespace {

std::string repeat(std::string_view text, std::size_t count) {
    std::string out;
    out.reserve(text.size() * count);
    for (std::size_t index = 0; index < count; ++index) {
        out += text;
    }
    return out;
}

struct Nest {
    std::string_view name, before, core, after;
};
std::ostream& operator<<(std::ostream& out, const Nest& row) {
    return out << row.name;
}

const Nest kNests[] = {
    {"parentheses", "(", "a", ")"},
    {"not", "not ", "a", ""},
    {"minus", "- ", "a", ""},
    {"plus", "+", "a", ""},
    {"subqueries", "child of [any where ", "a", "]"},
    {"calls", "f(", "a", ")"},
    {"lists", "a in (", "a", ")"},
    {"comparisons", "a == (", "a", ")"},
    {"or in and", "(a or a and ", "a", ")"},
    {"opening only", "(", "", ""},
    {"lists, opening only", "a in (", "", ""},
};

// These grow the tree, not the parser's stack.
const Nest kChains[] = {
    {"sum", "a + ", "a", ""},
    {"product", "a * ", "a", ""},
    {"sums in sums", "(a + a + a + a + ", "a", ")"},
};

std::string nested(const Nest& row, std::size_t depth) {
    return "any where " + repeat(row.before, depth) + std::string(row.core) +
           repeat(row.after, depth);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(eql)

BOOST_DATA_TEST_CASE(nests_too_deep,
                     boost::unit_test::data::make(kNests) + boost::unit_test::data::make(kChains),
                     row) {
    for (const std::size_t depth : {std::size_t{1000}, std::size_t{100'000}}) {
        const std::string text = nested(row, depth).substr(0, kMaxQueryBytes);
        Diagnostics diagnostics;
        BOOST_TEST(!parse_query(text, diagnostics).has_value());
        BOOST_REQUIRE(diagnostics.size() == 1U);
        BOOST_TEST(diagnostics[0].message == "nested too deeply: more than 200 levels");
        BOOST_TEST(render(diagnostics[0], "x", text).size() < 1000U);
    }
}

BOOST_AUTO_TEST_CASE(nests_deep_enough) {
    for (const Nest& row : kNests) {
        if (row.core.empty()) {
            continue;
        }
        BOOST_TEST_CONTEXT(row.name) {
            Diagnostics diagnostics;
            BOOST_TEST(parse_query(nested(row, 60), diagnostics).has_value());
            BOOST_TEST(diagnostics.empty());
        }
    }
}

BOOST_AUTO_TEST_CASE(height_is_what_the_tree_has) {
    Diagnostics diagnostics;
    BOOST_TEST(parse_expression("a", diagnostics)->height == 1U);
    BOOST_TEST(parse_expression("((((a))))", diagnostics)->height == 1U);
    BOOST_TEST(parse_expression("a + a + a", diagnostics)->height == 3U);
    BOOST_TEST(parse_expression("a or b or c and d or e", diagnostics)->height == 3U);
    BOOST_TEST(parse_expression("not child of [any where a == 1]", diagnostics)->height == 4U);
}

BOOST_AUTO_TEST_CASE(long_chains_are_one_node) {
    for (const std::string_view word : {"or", "and"}) {
        const std::string text =
            repeat("process.name == \"x\" " + std::string(word) + ' ', 9'999) + "a";
        Diagnostics diagnostics;
        const ExprPtr expr = parse_expression(text, diagnostics);
        BOOST_REQUIRE(expr);
        BOOST_TEST(expr->operands.size() == 10'000U);
        BOOST_TEST(expr->height == 3U);
    }
}

BOOST_AUTO_TEST_CASE(long_lists) {
    const std::string text = "any where a in (" + repeat("\"value\", ", 50'000) + "\"last\")";
    Diagnostics diagnostics;
    const std::optional<Query> query = parse_query(text, diagnostics);
    BOOST_REQUIRE(query);
    BOOST_TEST(query->event.where->operands.size() == 50'002U);
}

BOOST_AUTO_TEST_CASE(too_long) {
    Diagnostics diagnostics;
    BOOST_TEST(!parse_query(std::string(kMaxQueryBytes + 1, ' '), diagnostics).has_value());
    BOOST_TEST(!parse_expression(std::string(kMaxQueryBytes + 1, 'a'), diagnostics));
    BOOST_REQUIRE(diagnostics.size() == 2U);
    BOOST_TEST(diagnostics[0].message == "the query is too long: 1048577 bytes");
    diagnostics.clear();
    BOOST_TEST(parse_query("any where true" + std::string(kMaxQueryBytes - 14, ' '), diagnostics)
                   .has_value());
}

BOOST_AUTO_TEST_CASE(too_many_errors) {
    for (const std::string_view mistake : {"'x' ", "a = 1 and ", "\x01", "a in (,) or ", "\"\\w\" ",
                                           "[any where a = 1] ", "| 5 ", "\n\""}) {
        BOOST_TEST_CONTEXT(mistake) {
            const std::string text = "any where " + repeat(mistake, 50'000);
            Diagnostics diagnostics;
            BOOST_TEST(!parse_query(text, diagnostics).has_value());
            BOOST_TEST(!diagnostics.empty());
            BOOST_TEST(diagnostics.size() <= kMaxErrors + 1);
        }
    }
}

// A string with a mistake in every escape is one token.
BOOST_AUTO_TEST_CASE(too_many_errors_in_one_token) {
    Diagnostics diagnostics;
    BOOST_TEST(
        !parse_query("any where a == \"" + repeat("\\w", 200'000) + '"', diagnostics).has_value());
    BOOST_TEST(diagnostics.size() <= kMaxErrors + 1);
}

BOOST_AUTO_TEST_CASE(long_tokens_are_quoted_in_part) {
    const std::string text = "any where true " + std::string(100'000, 'x');
    Diagnostics diagnostics;
    parse_query(text, diagnostics);
    BOOST_REQUIRE(diagnostics.size() == 1U);
    BOOST_TEST(diagnostics[0].message.size() < 200U);
    BOOST_TEST(render(diagnostics[0], "x", text).size() < 1000U);
}

BOOST_AUTO_TEST_CASE(comments_nest_without_end) {
    Diagnostics diagnostics;
    BOOST_TEST(!parse_query("any where true " + repeat("/*", 200'000), diagnostics).has_value());
    BOOST_TEST(diagnostics.size() == 1U);
    const std::string closed = "any where true " + repeat("/*", 200'000) + repeat("*/", 200'000);
    diagnostics.clear();
    BOOST_TEST(parse_query(closed, diagnostics).has_value());
}

BOOST_AUTO_TEST_CASE(every_byte_in_every_place) {
    const std::string query =
        "sequence by a with maxspan=1m [any where b : (\"x\", 1.5)] by ?c as d | head 5";
    for (std::size_t place = 0; place <= query.size(); ++place) {
        for (int byte = 0; byte < 256; ++byte) {
            std::string text = query;
            text.insert(place, 1, static_cast<char>(byte));
            Diagnostics diagnostics;
            const std::optional<Query> parsed = parse_query(text, diagnostics);
            if (parsed.has_value() == has_errors(diagnostics)) {
                BOOST_ERROR("parsed and wrong, or neither: " << text);
            }
            for (const Diagnostic& diagnostic : diagnostics) {
                if (diagnostic.at.offset + diagnostic.at.length > text.size()) {
                    BOOST_ERROR("range outside the text: " << text);
                }
            }
            // Cut short at the same place.
            Diagnostics cut;
            parse_query(std::string_view(text).substr(0, place + 1), cut);
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace audisp_eql::detect
