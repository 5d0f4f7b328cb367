// SPDX-License-Identifier: Apache-2.0
// Files of tests beside rules: what they hold, what is said to wrong ones; and that each rule of
// the tree has its tests.
#include "detect/rule/rule_test.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include "tests/unit/rule/mistake.hpp"

namespace audisp_eql::detect {
namespace {

const Mistake kMistakes[] = {
    {"", 1, 1, "the file holds no tests"},
    {"test = 5\n", 1, 8, "the file holds no tests"},
    {"[[tests]]\nname = 'a'\n", 1, 3, "unknown key 'tests'"},
    {"[[test]]\nalerts = 0\nevents = '{}'\n", 1, 1, "the test has no name"},
    {"[[test]]\nname = ''\nalerts = 0\nevents = '{}'\n", 2, 8,
     "'name' must be text, and not be empty"},
    {"[[test]]\nname = 'a'\nalerts = 0\nevents = '{}'\n"
     "[[test]]\nname = 'a'\nalerts = 0\nevents = '{}'\n",
     6, 8, "another test of this file has the same name"},
    {"[[test]]\nname = 'a'\nalert = 0\nalerts = 0\nevents = '{}'\n", 3, 1, "unknown key 'alert'"},
    {"[[test]]\nname = 'a'\nevents = '{}'\n", 2, 8, "the test does not say what is expected"},
    {"[[test]]\nname = 'a'\nalerts = 1\nexpect = [['1']]\nevents = '{}'\n", 4, 10,
     "the test has both 'alerts' and 'expect'"},
    {"[[test]]\nname = 'a'\nalerts = -1\nevents = '{}'\n", 3, 10,
     "'alerts' must be a whole number, 0 or more"},
    {"[[test]]\nname = 'a'\nalerts = '1'\nevents = '{}'\n", 3, 10,
     "'alerts' must be a whole number, 0 or more"},
    {"[[test]]\nname = 'a'\nexpect = ['1']\nevents = '{}'\n", 3, 10,
     "'expect' must be a list of matches, each a list of event ids"},
    {"[[test]]\nname = 'a'\nexpect = [[]]\nevents = '{}'\n", 3, 11,
     "a match has one event at least"},
    {"[[test]]\nname = 'a'\nexpect = [['1', 2.5]]\nevents = '{}'\n", 3, 17,
     "an event id must be text"},
    {"[[test]]\nname = 'a'\nexpect = [['2']]\nevents = '{}'\n", 3, 10, "no event has the id 2"},
    {"[[test]]\nname = 'a'\nalerts = 1\nstage = 1\nevents = '{}'\n", 4, 9,
     "'stage' is for near misses"},
    {"[[test]]\nname = 'a'\nalerts = 1\n", 2, 8, "the test has no events"},
    {"[[test]]\nname = 'a'\nalerts = 1\nevents = '''\n\n  \n'''\n", 4, 10,
     "the test has no events"},
    {"[[test]]\nname = 'a'\nalerts = 1\nevents = '{}'\ncapture = 'x'\n", 5, 11,
     "the test has both 'events' and 'capture'"},
    {"[[test]]\nname = 'a'\nalerts = 1\nevents = '''\n{}\n  {\"a\": }\n'''\n", 6, 3,
     "the event is not valid JSON at byte 7: syntax error"},
    {"[[test]]\nname = 'a'\nalerts = 1\nevents = '[]'\n", 4, 11, "the event is not a JSON object"},
    {"[[test]]\nname = 'a'\nalerts = 1\nevents = '{\"@timestamp\": \"noon\"}'\n", 4, 11,
     "the event's @timestamp is no time"},
    {"[[test]]\nname = 'a'\nalerts = 1\nevents = '''\n{\"@timestamp\": 5}\n{\"@timestamp\": "
     "4}\n'''\n",
     6, 1, "the event's time lies before that of the event above"},
    {"[[test]]\nname = 'a'\nalerts = 1\nevents = '''\n{\"event.id\": \"2\"}\n{}\n'''\n", 6, 1,
     "another event of this test has the id 2"},
};

RuleTest only_test(std::string_view text) {
    const RuleTestFile file = load_rule_tests(text);
    for (const Diagnostic& one : file.diagnostics)
        BOOST_ERROR(render(one, "x.test.toml", text));
    BOOST_REQUIRE_EQUAL(file.tests.size(), 1U);
    return file.tests.front();
}

std::string read(const std::filesystem::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(rule)

BOOST_DATA_TEST_CASE(mistakes_in_tests_have_their_place, boost::unit_test::data::make(kMistakes),
                     row) {
    const RuleTestFile file = load_rule_tests(row.file);
    BOOST_REQUIRE(!file.diagnostics.empty());
    const Diagnostic& first = file.diagnostics.front();
    const SourcePosition at = position_of(row.file, first.at.offset);
    BOOST_TEST(first.message == row.message);
    BOOST_TEST(at.line == row.line);
    BOOST_TEST(at.column == row.column);
    BOOST_TEST((first.severity == Severity::error));
}

BOOST_AUTO_TEST_CASE(all_mistakes_of_a_file_are_told_and_the_sound_tests_kept) {
    const RuleTestFile file = load_rule_tests(
        "[[test]]\nname = 'a'\nalerts = 'x'\nevents = '['\n"
        "[[test]]\nname = 'b'\nalerts = 0\nevents = '{}'\n"
        "[[test]]\nname = 'c'\n");
    BOOST_TEST(file.diagnostics.size() == 4U);
    BOOST_REQUIRE(file.tests.size() == 1U);
    BOOST_TEST(file.tests[0].name == "b");
}

BOOST_AUTO_TEST_CASE(times_and_ids_of_events) {
    const RuleTest test = only_test(
        "[[test]]\nname = 'a'\nalerts = 0\nevents = '''\n"
        "{}\n"
        "{\"event\": {\"id\": \"x\"}}\n"
        "{\"@timestamp\": 1000, \"event.id\": 7}\n"
        "\n"
        "{\"event.category\": \"process\"}\n"
        "{\"@timestamp\": \"1970-01-01T00:00:02.5Z\"}'''\n");
    std::string told;
    for (const RuleTest::Line& line : test.events)
        told += line.id + "@" + std::to_string(line.time.engine_ns / 1000) + " ";
    BOOST_TEST(told == "1@0 x@1000 7@1000000 4@1001000 5@2500000 ");
}

BOOST_AUTO_TEST_CASE(what_is_expected) {
    const RuleTest test = only_test(
        "[[test]]\nname = 'a'\nexpect = [['1', '-', '2'], [1, '', 2]]\nevents = '''\n{}\n{}'''\n");
    BOOST_TEST(test.matches == 2U);
    BOOST_REQUIRE(test.expect.has_value());
    BOOST_TEST(test.expect->at(0) == (RuleTest::Ids{"1", "-", "2"}));
    BOOST_TEST(test.expect->at(1) == (RuleTest::Ids{"1", "-", "2"}));
    const RuleTest none = only_test("[[test]]\nname = 'a'\nexpect = []\ncapture = 'c.gz'\n");
    BOOST_TEST(none.matches == 0U);
    BOOST_TEST(none.capture == "c.gz");
}

// A rule that nobody has tried is a guess: one stream that fires and two that just don't, at least.
BOOST_AUTO_TEST_CASE(each_rule_of_the_tree_has_its_tests) {
    const std::filesystem::path rules = std::filesystem::path(SOURCE_DIR) / "rules";
    std::size_t seen = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(rules)) {
        std::string path = entry.path().string();
        if (!path.ends_with(".toml") || path.ends_with(".test.toml"))
            continue;
        ++seen;
        path.replace(path.size() - 5, 5, ".test.toml");
        const RuleTestFile tests = load_rule_tests(read(path));
        const auto near_misses =
            std::count_if(tests.tests.begin(), tests.tests.end(),
                          [](const RuleTest& test) { return test.matches == 0; });
        BOOST_TEST_CONTEXT(path) {
            BOOST_TEST(tests.diagnostics.empty());
            BOOST_TEST(near_misses >= 2);
            BOOST_TEST(static_cast<std::ptrdiff_t>(tests.tests.size()) - near_misses >= 1);
        }
    }
    BOOST_TEST(seen >= 2U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace audisp_eql::detect
