// SPDX-License-Identifier: Apache-2.0
// What is said to the usual mistakes, as the user sees it: mistakes.txt holds each query behind
// "> " and below it every diagnostic. AUDISP_EQL_WRITE_GOLDEN=1 writes the diagnostics anew.
#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>

#include "detect/rule/rule_set.hpp"

namespace audisp_eql::detect {
namespace {

// The largest number of diagnostics that one mistake may bring.
constexpr std::ptrdiff_t kMostAtOnce = 2;

std::string said_of(const std::string& query) {
    RuleSource source;
    source.name = "rule.toml";
    source.text = "[rule]\nid = '1'\nname = 'n'\nquery = '''\n" + query + "'''\n";
    std::vector<RuleReport> reports;
    RuleSet::build({source}, {}, reports);
    std::string said;
    for (const Diagnostic& diagnostic : reports.front().diagnostics)
        said += render(diagnostic, source.name, source.text);
    BOOST_TEST(std::ssize(reports.front().diagnostics) <= kMostAtOnce, query);
    return said;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(rule)

BOOST_AUTO_TEST_CASE(usual_mistakes) {
    const std::string path = SOURCE_DIR "/tests/unit/rule/mistakes.txt";
    std::ifstream file(path);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    BOOST_REQUIRE(!text.empty());
    std::istringstream lines(text);
    std::string now;
    std::string query;
    int mistakes = 0;
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("> ")) {
            now += line + '\n';
            query += line.substr(2) + '\n';
        } else if (!query.empty()) {
            const std::string said = said_of(query);
            BOOST_TEST(!said.empty(), "nothing is said of: " << query);
            now += said + '\n';
            query.clear();
            ++mistakes;
        } else if (line.starts_with("# ")) {
            now += line + '\n';
        }
    }
    BOOST_TEST(mistakes >= 100);
    if (std::getenv("AUDISP_EQL_WRITE_GOLDEN"))
        std::ofstream(path) << now;
    else
        BOOST_TEST(now == text);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace audisp_eql::detect
