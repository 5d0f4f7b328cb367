// SPDX-License-Identifier: Apache-2.0
#include "detect/text/fold.hpp"

#include <string>

#include <boost/test/unit_test.hpp>

#include "detect/text/utf8.hpp"

namespace {

using namespace audisp_eql::detect;

BOOST_AUTO_TEST_SUITE(text)

BOOST_AUTO_TEST_CASE(folding_touches_ascii_letters_and_nothing_else) {
    for (int c = 0; c < 256; ++c) {
        const auto byte = static_cast<char>(c);
        const bool upper = c >= 'A' && c <= 'Z';
        BOOST_TEST(fold(byte) == static_cast<char>(upper ? c + 32 : c));
    }
    BOOST_TEST(equal_folded("Bash", "bASH"));
    BOOST_TEST(!equal_folded("bash", "bash "));
    BOOST_TEST(!equal_folded("[", "{"));
    BOOST_TEST(!equal_folded("\xc3\x89", "\xc3\xa9"));
    BOOST_TEST(FoldedHash{}("ABC") == FoldedHash{}("abc"));
}

BOOST_AUTO_TEST_CASE(long_values_fold_too) {
    const std::string value(5000, 'X');
    BOOST_TEST(FoldedText(value).view() == std::string(5000, 'x'));
}

BOOST_AUTO_TEST_CASE(code_points) {
    struct Row {
        const char* bytes;
        std::size_t length;
    };
    const Row rows[] = {
        {"a", 1},
        {"\x7f", 1},
        {"\xc2\x80", 2},
        {"\xdf\xbf", 2},
        {"\xe0\xa0\x80", 3},
        {"\xed\x9f\xbf", 3},
        {"\xef\xbf\xbf", 3},
        {"\xf0\x90\x80\x80", 4},
        {"\xf4\x8f\xbf\xbf", 4},
        {"", 0},
        {"\x80", 0},
        {"\xc0\x80", 0},
        {"\xc1\xbf", 0},
        {"\xc3", 0},
        {"\xc3(", 0},
        {"\xe0\x9f\xbf", 0},
        {"\xed\xa0\x80", 0},
        {"\xe2\x82", 0},
        {"\xf0\x8f\xbf\xbf", 0},
        {"\xf4\x90\x80\x80", 0},
        {"\xf5\x80\x80\x80", 0},
        {"\xff", 0},
    };
    for (const Row& row : rows)
        BOOST_TEST(code_point_length(row.bytes, 0) == row.length, row.bytes);
    BOOST_TEST(count_characters("a\xc3\xa9\xff\xe2\x82\xac") == 4u);
    BOOST_TEST(is_utf8("a\xc3\xa9"));
    BOOST_TEST(!is_utf8("a\xc3"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
