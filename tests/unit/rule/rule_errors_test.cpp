// SPDX-License-Identifier: Apache-2.0
// What load_rule says to files that are wrong, and to files that are meant to harm it.
#include <string>
#include <string_view>

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include "detect/rule/rule.hpp"
#include "tests/unit/rule/mistake.hpp"

namespace audisp_eql::detect {
namespace {

const Mistake kErrors[] = {
    {"", 1, 1, "the file has no [rule] table"},
    {"rule = 5\n", 1, 1, "the file has no [rule] table"},
    {"# only a comment\n", 1, 1, "the file has no [rule] table"},
    {"[rules]\nid = 'a'\n", 1, 1, "the file has no [rule] table"},
    {"[metadata]\nmaturity = 'production'\n[other]\n", 1, 1, "the file has no [rule] table"},
    {"[[threat]]\nframework = 'x'\n", 1, 1, "the file has no [rule] table"},
    {"[rule]\nid = 'a'\nname = 'b'\n", 1, 1, "the rule has no 'query'"},
    {"\n[rule]\nid = 'a'\nquery = 'any where true'\n", 2, 1, "the rule has no 'name'"},
    {"\n[rule]\nname = 'a'\nquery = 'any where true'\n", 2, 1, "the rule has no 'rule_id'"},
    {"[rule]\nid = 7\nname = 'b'\nquery = 'any where true'\n", 2, 6, "'id' must be text"},
    {"[rule]\nid = ''\nname = 'b'\nquery = 'any where true'\n", 2, 6, "'id' is empty"},
    {"[rule]\nid = 'a'\nname = 'b'\nquery = ''\n", 4, 9, "'query' is empty"},
    {"[rule]\nid = 'a'\nname = 'b'\nquery = ['any where true']\n", 4, 9, "'query' must be text"},
    {"[rule]\nid = 'a'\nname = 'b'\nquery = '''\n\n'''\n", 6, 1, "the query is empty"},
    {"[rule]\nid = 'a'\nname = 'b'\nquery = 'any where true'\nseverity = 'bad'\n", 5, 12,
     "unknown severity 'bad'"},
    {"[rule]\nid = 'a'\nname = 'b'\nquery = 'any where true'\nseverity = 3\n", 5, 12,
     "'severity' must be text"},
    {"[rule]\nid = 'a'\nname = 'b'\nquery = 'any where true'\nrisk_score = 101\n", 5, 14,
     "risk_score must be a whole number from 0 to 100"},
    {"[rule]\nid = 'a'\nname = 'b'\nquery = 'any where true'\nrisk_score = '47'\n", 5, 14,
     "risk_score must be a whole number from 0 to 100"},
};

const Mistake kSlips[] = {
    {"[rule]\nid = 'a'\nname = 'b'\nquery = 'any where true'\nlanguage = 'EQL'\n", 5, 12,
     "unknown language 'EQL'"},
    {"[rule]\nid = 'a'\nname = 'b'\nquery = 'any where true'\ntype = 'elq'\n", 5, 8,
     "unknown language 'elq'"},
};

// What a hint says of the commonest mistakes of TOML round a query.
struct Hint {
    std::string_view file;
    std::string_view hint;
};
const Hint kTomlHints[] = {
    {"[rule]\nquery = \"a == \\d\"\n", "nothing is escaped there"},
    {"[rule]\nquery = \"a == \"b\"\"\n", "text that holds a quote"},
    {"[rule]\nname = \"b\nquery = \"c\"\n", "not closed on its line"},
    {"[rule]\nquery = '''\na == 1\n", "the text is not closed"},
};

const Mistake kWarnings[] = {
    {"[rule]\nid = 'a'\nname = 'b'\nquery = 'any where true'\ntags = 5\n", 5, 8,
     "'tags' must be a list of texts: ignored"},
    {"[rule]\nid = 'a'\nname = 'b'\nquery = 'any where true'\ntags = ['x', 5]\n", 5, 14,
     "'tags' must be a list of texts: ignored"},
    {"[rule]\nid = 'a'\nname = 'b'\nquery = 'any where true'\ndescription = 5\n", 5, 15,
     "'description' must be text: ignored"},
    {"[rule]\nid = 'a'\nname = 'b'\nquery = 'any where true'\nversion = [1]\n", 5, 11,
     "'version' must be text or a whole number: ignored"},
    {"[rule]\nid = 'a'\nname = 'b'\nquery = 'any where true'\nthreat = 5\n", 5, 10,
     "'threat' must be a list of tables: ignored"},
    {"[rule]\nid = 'a'\nname = 'b'\nquery = 'any where true'\nfrom = 'yesterday'\n", 5, 8,
     "'from' is not understood: ignored"},
    {"[rule]\nid = 'a'\nname = 'b'\nquery = 'any where true'\nos_list = ['windows']\n", 5, 11,
     "the rule is not for Linux: skipped"},
    {"[project]\nname = 'rules'\n", 1, 1, "the file has no [rule] table: it is no rule, skipped"},
};

void check_message(const Mistake& row, Severity severity) {
    const RuleFile file = load_rule("x", row.file);
    BOOST_REQUIRE(file.diagnostics.size() == 1U);
    const Diagnostic& diagnostic = file.diagnostics[0];
    const SourcePosition position = position_of(row.file, diagnostic.at.offset);
    BOOST_TEST((diagnostic.severity == severity));
    BOOST_TEST(diagnostic.message == row.message);
    BOOST_TEST(position.line == row.line);
    BOOST_TEST(position.column == row.column);
    BOOST_TEST((file.status == RuleFile::Status::broken) == (severity == Severity::error));
}

std::string repeat(std::string_view text, std::size_t count) {
    std::string out;
    out.reserve(text.size() * count);
    for (std::size_t index = 0; index < count; ++index) {
        out += text;
    }
    return out;
}

// Broken, with something said that can be shown.
void check_refused(std::string_view text) {
    const RuleFile file = load_rule("x", text);
    BOOST_TEST((file.status == RuleFile::Status::broken));
    BOOST_REQUIRE(has_errors(file.diagnostics));
    for (const Diagnostic& diagnostic : file.diagnostics) {
        BOOST_TEST(diagnostic.at.offset <= text.size());
        BOOST_TEST(render(diagnostic, "x", text).size() < 2000U);
    }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(rule)

BOOST_DATA_TEST_CASE(errors, boost::unit_test::data::make(kErrors), row) {
    check_message(row, Severity::error);
}

BOOST_DATA_TEST_CASE(slips, boost::unit_test::data::make(kSlips), row) {
    check_message(row, Severity::error);
}

BOOST_AUTO_TEST_CASE(hints_for_toml) {
    for (const Hint& row : kTomlHints) {
        const RuleFile file = load_rule("x", row.file);
        BOOST_REQUIRE(file.diagnostics.size() == 1U);
        BOOST_TEST(file.diagnostics[0].hint.find(row.hint) != std::string::npos,
                   row.file << file.diagnostics[0].message << file.diagnostics[0].hint);
    }
}

BOOST_DATA_TEST_CASE(warnings, boost::unit_test::data::make(kWarnings), row) {
    check_message(row, Severity::warning);
}

BOOST_AUTO_TEST_CASE(bad_toml_has_a_place) {
    constexpr std::string_view kText = "[rule]\nid = 'a'\nname = \n";
    const RuleFile file = load_rule("x", kText);
    BOOST_TEST((file.status == RuleFile::Status::broken));
    BOOST_REQUIRE(file.diagnostics.size() == 1U);
    BOOST_TEST(file.diagnostics[0].message.starts_with("not valid TOML: "));
    BOOST_TEST(position_of(kText, file.diagnostics[0].at.offset).line == 3U);
}

BOOST_AUTO_TEST_CASE(several_errors_in_one_file) {
    const RuleFile file =
        load_rule("x", "[rule]\nrisk_score = -1\nseverity = 'x'\nquery = 'any where a ='\n");
    BOOST_TEST(file.diagnostics.size() == 6U);
}

BOOST_AUTO_TEST_CASE(hostile_files) {
    check_refused(std::string(kMaxRuleFileBytes + 1, 'a'));
    check_refused(
        std::string("\0\1\2\xff\xfe\x7f"
                    "ELF",
                    9));
    check_refused(std::string(1000, '\0'));
    check_refused("[rule]\nname = '\xff\xfe'\n");
    check_refused("a = " + repeat("[", 100'000));
    check_refused("a = " + repeat("{a=", 100'000));
    check_refused("a" + repeat(".a", 100'000) + " = 1\n");
    check_refused("[a" + repeat(".a", 100'000) + "]\n");
    check_refused("rules" + repeat(".a", 19'000) + " = 1\n");  // builds, and can be torn down
    check_refused("[rule]\nquery = '''" + repeat("x", 100'000));
    check_refused("[rule]\nid='a'\nname='b'\nquery = '''any where " + repeat("(", 100'000) +
                  "'''\n");
    check_refused("[rule]\nid='a'\nname='b'\nquery = \"\"\"any where \\\n\\\n\"\"\"\n");
    check_refused(repeat("[[rule]]\n", 50'000));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace audisp_eql::detect
