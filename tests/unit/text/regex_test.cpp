// SPDX-License-Identifier: Apache-2.0
#include "detect/text/regex.hpp"

#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>

namespace {

using namespace audisp_eql::detect;

bool matches(const char* pattern, std::string_view value, bool fold_case) {
    const std::vector<std::string> patterns{pattern};
    std::string error;
    const auto regex = Regex::compile(patterns, fold_case, error);
    BOOST_TEST_REQUIRE(regex.has_value(), error);
    return regex->matches(value);
}

std::string error_of(std::string pattern) {
    const std::vector<std::string> patterns{std::move(pattern)};
    std::string error;
    BOOST_TEST(!Regex::compile(patterns, false, error));
    return error;
}

BOOST_AUTO_TEST_SUITE(text)

BOOST_AUTO_TEST_CASE(regular_expressions_are_lucenes) {
    struct Row {
        const char* pattern;
        const char* value;
        bool sensitive, folded;
    };
    const Row rows[] = {
        {"sh", "bash", false, false},  // the whole value
        {".*sh", "bash", true, true},
        {".*sh", "BASH", false, true},
        {"a.b", "a\nb", true, true},
        {"^a$", "a", false, false},  // no anchors
        {"^a$", "^a$", true, true},
        {"python[0-9]+(\\.[0-9]+)?", "python3.11", true, true},
        {"/tmp/[a-z]{3,5}", "/tmp/abcdef", false, false},
        {"/tmp/[a-z]{3,5}", "/tmp/ABCD", false, true},
        {"[A-F]+", "cafe", false, true},
        {"[^a-z]+", "ABC", true, false},
        {"\\w+\\.\\w+", "a_1.b", true, true},
        {"\\d\\D\\s\\S\\W", "1a b-", true, true},
        {"[\\w.]+", "a.b", true, true},
        {"a|b|", "", true, true},
        {"(a|bc)d", "bcd", true, true},
        {"a+?", "", true, true},  // not lazy: a+ or nothing
        {"a**", "aaa", true, true},
        {"(ab){2}", "abab", true, true},
        {"a{2,}", "a", false, false},
        {"()", "", true, true},
        {"\"a.b\"c*", "a.bcc", true, true},  // quoted: literal
        {"\"a.b\"", "axb", false, false},
        {"\\\"x\\\"", "\"x\"", true, true},
        {"a\\@b\\&\\#\\<\\>\\~", "a@b&#<>~", true, true},
        {"[]a]+", "]a", true, true},
        {"[a-]", "-", true, true},
        {"[+*?.|(){}\"@&~#<>]+", "+*?.|(){}\"@&~#<>", true, true},
        {"\xc3\xa9+", "\xc3\xa9\xc3\xa9", true, true},
        {"..", "\xc3\xa9\xe2\x82\xac", true, true},  // code points
        {"[\xc3\xa0-\xc3\xbf]", "\xc3\xa9", true, true},
        {".*nc.*", "\xff nc -e\xfe", true, true},  // not UTF-8, yet nothing hides
        {"\xc3\xa9+\\s.", "\xc3\xa9\xc3\xa9 \xff", true, true},
        {"[\xc3\xa0-\xc3\xbf]+.", "\xc3\xa9\xff", true, true},
        {"k", "\xe2\x84\xaa", false, false},  // the Kelvin sign: folding is ASCII only
        {"\xc3\x89", "\xc3\xa9", false, false},
    };
    for (const Row& row : rows) {
        BOOST_TEST_CONTEXT(row.pattern << " on " << row.value) {
            BOOST_TEST(matches(row.pattern, row.value, false) == row.sensitive);
            BOOST_TEST(matches(row.pattern, row.value, true) == row.folded);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_list_is_an_alternation) {
    const std::vector<std::string> patterns{"a|b", "c+"};
    std::string error;
    const auto regex = Regex::compile(patterns, false, error);
    BOOST_TEST_REQUIRE(regex.has_value());
    for (const char* value : {"a", "b", "ccc"})
        BOOST_TEST(regex->matches(value), value);
    BOOST_TEST(!regex->matches("ac"));
}

BOOST_AUTO_TEST_CASE(regex_zero_bytes_are_bytes) {
    BOOST_TEST(matches("a.b", std::string_view("a\0b", 3), false));
    BOOST_TEST(!matches("a", std::string_view("a\0", 2), false));
}

BOOST_AUTO_TEST_CASE(what_is_wrong_is_said) {
    struct Row {
        const char* pattern;
        const char* reason;
    };
    const Row rows[] = {
        {"a@b", "operator '@'"},
        {"~a", "operator '~'"},
        {"a&b", "operator '&'"},
        {"#", "operator '#'"},
        {"<1-9>", "operator '<'"},
        {"(a", "'(' has no ')'"},
        {"a)", "')' has no '('"},
        {"[a", "'[' has no ']'"},
        {"[z-a]", "wrong way round"},
        {"*a", "nothing to repeat"},
        {"a|*", "nothing to repeat"},
        {"a{x}", "{n,m}"},
        {"a{2", "'{' has no '}'"},
        {"a\\", "'\\' at the end"},
        {"\"a", "no second"},
        {"a{5000}", "cannot be compiled"},
        {"a{3,2}", "cannot be compiled"},
        {"((((a{1000}){1000}){1000}){1000})", "cannot be compiled"},
    };
    for (const Row& row : rows) {
        const std::string error = error_of(row.pattern);
        BOOST_TEST(error.find(row.reason) != std::string::npos, row.pattern << ": " << error);
    }
    BOOST_TEST(error_of(std::string(100'000, '(')).find("longer than") != std::string::npos);
    BOOST_TEST(error_of(std::string(10'000, '(')).find("inside one another") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_list_says_which_pattern_is_wrong) {
    const std::vector<std::string> patterns{"fine", "(broken"};
    std::string error;
    BOOST_TEST(!Regex::compile(patterns, false, error));
    BOOST_TEST(error == "a '(' has no ')' in \"(broken\"");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
