// SPDX-License-Identifier: Apache-2.0
// Files of exceptions: what is said to wrong ones, and which rules get them.
#include "detect/rule/exceptions.hpp"

#include <string>

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include "detect/rule/rule_set.hpp"

namespace audisp_eql::detect {
namespace {

constexpr std::string_view kRule =
    "[rule]\nname = 'a rule'\nid = 'rule-one'\nquery = 'process where process.name == \"a\"'\n";
constexpr std::string_view kOther =
    "[rule]\nname = 'another'\nid = 'two'\nquery = 'process where process.name == \"b\"'\n";
constexpr std::string_view kEntry = "entries = [{field='user.id', op='is', value='0'}]\n";

struct Case {
    std::string file;
    std::uint32_t line, column;
    std::string_view message, hint;
    Severity severity = Severity::error;
};
std::ostream& operator<<(std::ostream& out, const Case& row) {
    return out << row.file;
}

std::string item(std::string_view more) {
    return "[[exception]]\nid = 'x'\n" + std::string(more);
}

const Case kMistakes[] = {
    {"", 1, 1, "the file holds no exceptions", "each begins with a line [[exception]]",
     Severity::warning},
    {"exception = 1\n", 1, 13, "'exception' must be a list of tables", "write [[exception]]"},
    {"[[exceptoin]]\nid = 'x'\n", 1, 3, "unknown key 'exceptoin'", "did you mean 'exception'?"},
    {item("rules = 'rule-one'\n" + std::string(kEntry)), 3, 1, "unknown key 'rules'",
     "did you mean 'rule'?"},
    {"[[exception]]\n" + std::string(kEntry), 1, 1, "the exception has no id",
     "add: id = \"…\"; what it suppresses is counted under it"},
    {"[[exception]]\nid = ''\n" + std::string(kEntry), 2, 6, "'id' must be text, and not be empty",
     ""},
    {item(""), 2, 6, "the exception says nothing of the events it is for",
     "add: entries = [ {field = \"…\", op = \"is\", value = \"…\"} ]"},
    {item("rule = []\n" + std::string(kEntry)), 3, 8, "'rule' names no rule",
     "without 'rule' it holds for every rule"},
    {item("rule = ['rule-one', 'rule-on']\n" + std::string(kEntry)), 3, 21,
     "no rule has the id 'rule-on'", "did you mean 'rule-one'?", Severity::warning},
    {item("expires = '2027-01-31'\n" + std::string(kEntry)), 3, 11, "'expires' must be a date",
     "write it without quotes: expires = 2027-01-31"},
    {item("expires = 2026-11-21\n" + std::string(kEntry)), 2, 6,
     "the exception 'x' has expired: it is off", "remove it, or give it a later 'expires'",
     Severity::warning},
    {item("entries = []\n"), 3, 11, "'entries' must be a list of at least one entry",
     "write: entries = [ {field = \"…\", op = \"is\", value = \"…\"} ]"},
    {item("entries = [{op='is', value='0'}]\n"), 3, 12, "the entry names no field", ""},
    {item("entries = [{field='user.id', value='0'}]\n"), 3, 12, "the entry has no op",
     "ops are is, is_not, one_of, wildcard, exists and cidr"},
    {item("entries = [{field='user.id', op='wildcrad', value='0'}]\n"), 3, 33,
     "unknown op 'wildcrad'", "did you mean 'wildcard'?"},
    {item("entries = [{field='user.id', op='is'}]\n"), 3, 12, "the entry has no value", ""},
    {item("entries = [{field='user.id', op='exists', value=true}]\n"), 3, 49,
     "'exists' takes no value", "it holds if the field has any value"},
    {item("entries = [{field='user.id', op='one_of', value=[]}]\n"), 3, 49,
     "the list of values is empty", "it would never hold"},
    {item("entries = [{field='user.id', op='is', value=['0']}]\n"), 3, 45,
     "a value must be text, a number, true or false", ""},
    {item("entries = [{field='destination.ip', op='cidr', value='10.0.0/8'}]\n"), 3, 54,
     "'10.0.0/8' is no network", "write \"10.0.0.0/8\", \"fc00::/7\" or an address"},
    {item("query = 'process where process.name = \"a\"'\n"), 3, 37, "'=' does not compare",
     "write '==' for the very same text, ':' to ignore case and use wildcards"},
    {item("query = 'sequence [any where true] [any where true]'\n"), 3, 9,
     "an exception is for single events", "write an event query: process where …"},
};

struct Built {
    std::shared_ptr<const RuleSet> rules;
    std::vector<ExceptionReport> reports;
};

// On the 22nd of November 2026.
Built build(std::vector<RuleSource> exceptions) {
    RuleSet::Options options;
    options.exceptions = std::move(exceptions);
    options.now_us = 1'795'305'600'000'000;
    Built built;
    std::vector<RuleReport> reports;
    built.rules =
        RuleSet::build({{"one.toml", std::string(kRule)}, {"two.toml", std::string(kOther)}},
                       options, reports, &built.reports);
    return built;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(rule)

BOOST_DATA_TEST_CASE(mistakes_in_exceptions_have_their_place,
                     boost::unit_test::data::make(kMistakes), row) {
    const Built built = build({{"x.toml", row.file}});
    BOOST_REQUIRE(!built.reports.front().diagnostics.empty());
    const Diagnostic& first = built.reports.front().diagnostics.front();
    const SourcePosition at = position_of(row.file, first.at.offset);
    BOOST_TEST(first.message == row.message);
    BOOST_TEST(first.hint == row.hint);
    BOOST_TEST(at.line == row.line);
    BOOST_TEST(at.column == row.column);
    BOOST_TEST((first.severity == row.severity));
    // An error takes the exception away, a warning does not.
    const std::size_t left = row.severity == Severity::error || row.file.empty() ? 0 : 1;
    BOOST_TEST(built.rules->exceptions().size() == left);
}

BOOST_AUTO_TEST_CASE(an_unknown_field_of_an_exception_is_a_warning_with_a_hint) {
    const std::string file = item("entries = [{field='process.nmae', op='is', value='0'}]\n");
    const Built built = build({{"x.toml", file}});
    BOOST_REQUIRE(built.reports.front().diagnostics.size() == 1U);
    const Diagnostic& one = built.reports.front().diagnostics.front();
    BOOST_TEST((one.severity == Severity::warning));
    BOOST_TEST(position_of(file, one.at.offset).column == 19U);
    BOOST_TEST(one.hint.find("process.name") != std::string::npos);
    BOOST_TEST(built.rules->exceptions().size() == 1U);
}

BOOST_AUTO_TEST_CASE(exceptions_go_to_their_rules) {
    const std::string entry(kEntry);
    const Built built =
        build({{"a.toml",
                "[[exception]]\nid = 'all'\ncomment = 'why'\n" + entry +
                    "[[exception]]\nid = 'one'\nrule = 'rule-one'\nexpires = 2027-01-31\n" + entry},
               {"b.toml", "[[exception]]\nid = 'two'\nrule = ['two']\n" + entry}});
    const auto& rules = built.rules->rules();
    BOOST_TEST(rules[0].exceptions == (std::vector<std::uint32_t>{0, 1}));
    BOOST_TEST(rules[1].exceptions == (std::vector<std::uint32_t>{0, 2}));
    BOOST_REQUIRE(built.reports.size() == 2U);
    BOOST_REQUIRE(built.reports[0].items.size() == 2U);
    BOOST_TEST(built.reports[0].items[0].comment == "why");
    BOOST_TEST(built.reports[0].items[1].expires_us.value() == 1'801'440'000'000'000);
    BOOST_TEST(!built.reports[0].items[1].expired);
}

BOOST_AUTO_TEST_CASE(an_id_stands_for_one_exception_in_all_files) {
    const std::string entry(kEntry);
    const Built built = build({{"a.toml", item(entry)}, {"b.toml", item(entry)}});
    BOOST_TEST(built.reports[0].diagnostics.empty());
    BOOST_REQUIRE(built.reports[1].diagnostics.size() == 1U);
    BOOST_TEST(built.reports[1].diagnostics[0].message == "the exception id x is also in a.toml");
    BOOST_TEST(built.rules->exceptions().size() == 1U);
}

BOOST_AUTO_TEST_CASE(one_wrong_exception_leaves_the_others) {
    const std::string entry(kEntry);
    const Built built =
        build({{"a.toml", "[[exception]]\nid = 'bad'\n[[exception]]\nid = 'good'\n" + entry}});
    BOOST_TEST(built.reports[0].diagnostics.size() == 1U);
    BOOST_REQUIRE(built.rules->exceptions().size() == 1U);
    BOOST_TEST(built.rules->exceptions()[0].id == "good");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace audisp_eql::detect
