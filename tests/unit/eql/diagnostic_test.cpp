// SPDX-License-Identifier: Apache-2.0
// Positions, and the compiler's form of a diagnostic.
#include "detect/eql/diagnostic.hpp"

#include <string>
#include <string_view>

#include <boost/test/unit_test.hpp>

namespace audisp_eql::detect {
namespace {

std::string shown(std::string_view source, SourceRange at) {
    return render({Severity::error, at, "wrong", ""}, "f", source);
}

std::string spaces(std::size_t count) {
    return std::string(count, ' ');
}

}  // namespace

BOOST_AUTO_TEST_SUITE(eql)

BOOST_AUTO_TEST_CASE(positions) {
    struct Row {
        std::string_view source;
        std::uint32_t offset, line, column;
    };
    const Row rows[] = {
        {"", 0, 1, 1},          {"", 99, 1, 1},
        {"abc", 0, 1, 1},       {"abc", 2, 1, 3},
        {"abc", 3, 1, 4},       {"abc", 99, 1, 4},
        {"a\nbc", 1, 1, 2},     {"a\nbc", 2, 2, 1},
        {"a\nbc\n", 5, 3, 1},   {"\xc3\xa9\xf0\x9f\x90\x9ax", 6, 1, 3},  // two characters before
        {"\xff\xfex", 2, 1, 3},  // bytes that are not UTF-8 count one each
    };
    for (const Row& row : rows) {
        const SourcePosition at = position_of(row.source, row.offset);
        BOOST_TEST_CONTEXT(row.source << " at " << row.offset) {
            BOOST_TEST(at.line == row.line);
            BOOST_TEST(at.column == row.column);
        }
    }
}

BOOST_AUTO_TEST_CASE(has_errors_sees_errors_only) {
    BOOST_TEST(!has_errors({}));
    BOOST_TEST(!has_errors({{Severity::warning, {}, "w", ""}}));
    BOOST_TEST(has_errors({{Severity::warning, {}, "w", ""}, {Severity::error, {}, "e", ""}}));
}

BOOST_AUTO_TEST_CASE(the_whole_form) {
    constexpr std::string_view kSource = "one\n  [ process where lenght(process.name) > 3 ]\ntwo\n";
    const Diagnostic diagnostic = {
        Severity::error, {22, 6}, "unknown function 'lenght'", "did you mean 'length'?"};
    BOOST_TEST(render(diagnostic, "rules/x.toml", kSource) ==
               "rules/x.toml:2:19: error: unknown function 'lenght'\n"
               "    2 |   [ process where lenght(process.name) > 3 ]\n"
               "      |                   ^~~~~~\n"
               "      | hint: did you mean 'length'?\n");
    BOOST_TEST(render({Severity::warning, {0, 3}, "odd", ""}, "x", kSource) ==
               "x:1:1: warning: odd\n"
               "    1 | one\n"
               "      | ^~~\n");
}

BOOST_AUTO_TEST_CASE(edges) {
    // The end of the text, an empty text, the end of a line, past the end.
    BOOST_TEST(shown("abc", {3, 0}) == "f:1:4: error: wrong\n    1 | abc\n      |    ^\n");
    BOOST_TEST(shown("", {0, 0}) == "f:1:1: error: wrong\n    1 | \n      | ^\n");
    BOOST_TEST(shown("abc\r\nd", {3, 1}) == "f:1:4: error: wrong\n    1 | abc\n      |    ^\n");
    BOOST_TEST(shown("abc\r\nd", {4, 1}) == "f:1:4: error: wrong\n    1 | abc\n      |    ^\n");
    BOOST_TEST(shown("abc", {77, 9}) == "f:1:4: error: wrong\n    1 | abc\n      |    ^\n");
    // A range over several lines is marked on the first.
    BOOST_TEST(shown("abc\nd", {1, 4}) == "f:1:2: error: wrong\n    1 | abc\n      |  ^~\n");
    BOOST_TEST(shown("abc", {0, 0xffffffffU}) == "f:1:1: error: wrong\n    1 | abc\n      | ^~~\n");
}

BOOST_AUTO_TEST_CASE(terminals_are_safe) {
    // Tab, escape, a byte that is not UTF-8, a mark that turns the direction of text round.
    BOOST_TEST(shown("\ta\x1b[31mb\xff"
                     "c\xe2\x80\xae"
                     "d e",
                     {15, 1}) ==
               "f:1:14: error: wrong\n    1 |  a?[31mb?c?d e\n      |              ^\n");
    const std::string text =
        render({Severity::error, {0, 1}, "found '\x1b[2J'", "\x07"}, "a\nb", "x");
    BOOST_TEST(text == "a?b:1:1: error: found '?[2J'\n    1 | x\n      | ^\n      | hint: ?\n");
}

BOOST_AUTO_TEST_CASE(columns_count_characters) {
    BOOST_TEST(shown("\xc3\xa9\xc3\xa9 = \xc3\xa9", {5, 1}) ==
               "f:1:4: error: wrong\n    1 | \xc3\xa9\xc3\xa9 = \xc3\xa9\n      |    ^\n");
}

BOOST_AUTO_TEST_CASE(long_lines_are_cut_round_the_caret) {
    const std::string line = std::string(300, 'a') + "X" + std::string(300, 'b');
    BOOST_TEST(shown(line, {300, 1}) == "f:1:301: error: wrong\n    1 | …" + std::string(60, 'a') +
                                            "X" + std::string(39, 'b') + "…\n      | " +
                                            spaces(61) + "^\n");
    BOOST_TEST(shown(line, {0, 600}) == "f:1:1: error: wrong\n    1 | " + std::string(100, 'a') +
                                            "…\n      | ^" + std::string(99, '~') + "\n");
    BOOST_TEST(shown(line, {601, 0}) == "f:1:602: error: wrong\n    1 | …" + std::string(100, 'b') +
                                            "\n      | " + spaces(101) + "^\n");
    // A line number wider than the margin.
    const std::string many = std::string(1'234'567, '\n') + "x";
    BOOST_TEST(shown(many, {1'234'567, 1}) ==
               "f:1234568:1: error: wrong\n1234568 | x\n        | ^\n");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace audisp_eql::detect
