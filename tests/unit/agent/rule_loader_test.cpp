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

BOOST_AUTO_TEST_CASE(rule_loader_no_file_at_all) {
    TemporaryDirectory directory;
    BOOST_CHECK_THROW(load_rule_set({directory.path("")}, false), std::runtime_error);
}

BOOST_AUTO_TEST_SUITE_END()
