// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/rule_loader.hpp"

#include <sstream>
#include <stdexcept>
#include <string>

#include <boost/test/unit_test.hpp>

#include "tests/unit/agent/temporary_directory.hpp"

using namespace audisp_eql::collector;

namespace {

std::string rule(const std::string& id, const std::string& query, const std::string& language) {
    return "[rule]\nrule_id = \"" + id + "\"\nname = \"Rule " + id + "\"\nlanguage = \"" +
           language + "\"\ntype = \"" + language + "\"\nrisk_score = 47\nseverity = \"medium\"\n" +
           "query = '''" + query + "'''\n";
}

}  // namespace

BOOST_AUTO_TEST_SUITE(agent)

BOOST_AUTO_TEST_CASE(rule_loader_tells_what_became_of_each_file) {
    TemporaryDirectory directory;
    directory.write("a.toml", rule("1", "process where process.name == \"sh\"", "eql"));
    directory.write("b.toml", rule("2", "process where lenght(process.name) > 3", "eql"));
    directory.write("c.toml", rule("3", "process.name: sh", "kuery"));
    const auto rules = load_rule_set({directory.path(""), directory.path("gone")}, false);
    BOOST_TEST(rules.broken());
    BOOST_REQUIRE(rules.set != nullptr);
    BOOST_REQUIRE(rules.set->rules().size() == 1U);
    BOOST_TEST(rules.set->rules().front().rule.id == "1");
    BOOST_TEST(
        summary(rules) ==
        "4 files, 2 of them EQL rules: 1 loaded, 1 with errors, 1 unreadable; 1 left out: in other "
        "languages, for other systems, or no rules");
    const auto errors = error_lines(rules);
    BOOST_REQUIRE(errors.size() == 2U);
    BOOST_TEST(errors[0] == directory.path("gone") + ": cannot be read: No such file or directory");
    BOOST_TEST(errors[1].rfind(directory.path("b.toml") + ":8:26: ", 0) == 0U);
    std::ostringstream text;
    print_diagnostics(rules, text);
    BOOST_TEST(text.str().find(directory.path("b.toml") + ":8:26: error: ") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(rule_loader_sound_rules_are_no_trouble) {
    TemporaryDirectory directory;
    directory.write("a.toml", rule("1", "process where process.name == \"sh\"", "eql"));
    const auto rules = load_rule_set({directory.path("")}, false);
    BOOST_TEST(!rules.broken());
    BOOST_TEST(summary(rules) == "1 file, 1 of them EQL rules: 1 loaded");
}

BOOST_AUTO_TEST_CASE(rule_loader_says_once_what_rules_do_not_get) {
    TemporaryDirectory directory;
    const std::string query = "process where process.name == \"sh\"";
    directory.write("a.toml", rule("1", query, "eql") + "[[actions]]\naction = 'kill_process'\n");
    directory.write("b.toml", rule("2", query, "eql") + "filters = [1]\nexceptions_list = [1]\n" +
                                  "[[actions]]\naction = 'suspend_process'\n");
    directory.write("c.toml", rule("3", query, "eql") + "filters = [1]\n");
    const auto rules = load_rule_set({directory.path("")}, false);
    std::string told;
    for (const std::string& note : notes(rules))
        told += note + "\n";
    BOOST_TEST(
        told ==
        "2 rules ask for actions (kill_process, suspend_process): this program only reports\n"
        "'exceptions_list' of 1 rule is not evaluated: it runs as if it were not there\n"
        "'filters' of 2 rules is not evaluated: they run as if it were not there\n");
}

BOOST_AUTO_TEST_CASE(rule_loader_takes_exceptions_and_tells_of_them) {
    TemporaryDirectory directory;
    directory.write("r/a.toml", rule("1", "process where process.name == \"sh\"", "eql"));
    directory.write("x/a.toml",
                    "[[exception]]\nid = 'ci'\nrule = '1'\nexpires = 2999-01-31\n"
                    "query = 'any where true'\n"
                    "[[exception]]\nid = 'old'\nexpires = 2001-01-31\nquery = 'any where true'\n");
    const auto rules = load_rule_set({directory.path("r")}, false, {directory.path("x")});
    BOOST_TEST(!rules.broken());
    BOOST_REQUIRE(rules.exceptions.size() == 1U);
    BOOST_REQUIRE(rules.exceptions[0].items.size() == 2U);
    BOOST_TEST(exception_text(rules.exceptions[0].items[0]) == "ci: for rule 1, until 2999-01-31");
    BOOST_TEST(exception_text(rules.exceptions[0].items[1]) ==
               "old: for every rule, expired on 2001-01-31");
    const auto lines = exception_lines(rules);
    BOOST_REQUIRE(lines.size() == 1U);
    BOOST_TEST(lines[0] ==
               directory.path("x/a.toml") + ":7:6: the exception 'old' has expired: it is off");
    BOOST_TEST(suppression_text({{"ci", 12}, {"old", 0}}) ==
               "events kept from rules by exceptions: ci 12, old 0");
    BOOST_TEST(suppression_text({}).empty());

    directory.write("x/b.toml", "[[exception]]\nid = 'ci'\n");
    const auto broken = load_rule_set({directory.path("r")}, false, {directory.path("x")});
    BOOST_TEST(broken.broken());
    BOOST_TEST(broken.set->exceptions().size() == 2U);
    BOOST_TEST(load_rule_set({directory.path("r")}, false, {directory.path("gone")}).broken());
}

BOOST_AUTO_TEST_CASE(rule_loader_no_file_at_all) {
    TemporaryDirectory directory;
    BOOST_CHECK_THROW(load_rule_set({directory.path("")}, false), std::runtime_error);
}

BOOST_AUTO_TEST_SUITE_END()
