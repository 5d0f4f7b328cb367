// SPDX-License-Identifier: Apache-2.0
// Alerts are found in files that grow, are rotated, or hold the same words in other lines.
#include "collector/host/alert_watch.hpp"

#include <filesystem>
#include <fstream>
#include <string>

#include <boost/test/unit_test.hpp>

#include "tests/unit/agent/temporary_directory.hpp"

namespace audisp_eql::collector {
namespace {

BOOST_AUTO_TEST_SUITE(host)

constexpr const char* kWord = "audisp-eql-selftest-0123";

std::string alert(const std::string& rule) {
    return R"({"event":{"kind":"alert","id":"x"},"rule":{"name":")" + rule +
           R"("},"process":{"args":["perl","audisp-eql-selftest-0123"]}})";
}

BOOST_AUTO_TEST_CASE(lines) {
    struct Case {
        std::string line;
        bool found;
        std::string rule;
    };
    const Case cases[] = {
        {alert("R"), true, "R"},
        {"Nov 22 09:00:00 web1 audisp-eql[7]: " + alert("R"), true, "R"},
        {"audisp-eql[7]: @cee: " + alert("R"), true, "R"},
        // Cut by the syslog server.
        {alert("R").substr(0, alert("R").size() - 1), true, ""},
        {R"({"event":{"kind":"alert"},"process":{"args":["other"]}})", false, ""},
        // The kernel's own records of the technique.
        {"kernel: audit: type=1309 audit(1.0:2): argc=2 a1=\"audisp-eql-selftest-0123\"", false,
         ""},
        {"sudo: audisp-eql-selftest-0123", false, ""},
        {"", false, ""},
    };
    for (const Case& test : cases) {
        const auto found = alert_with(test.line, kWord);
        BOOST_TEST(found.has_value() == test.found, test.line);
        BOOST_TEST(found.value_or("") == test.rule, test.line);
    }
}

BOOST_AUTO_TEST_CASE(only_what_is_new) {
    TemporaryDirectory directory;
    const std::string path = directory.path("log");
    std::ofstream(path) << alert("old") << '\n';
    AlertWatch watch({path}, false);
    BOOST_TEST(watch.places() == path);
    BOOST_TEST(!watch.look(kWord));
    std::ofstream(path, std::ios::app) << "x\n" << alert("half").substr(0, 20);
    BOOST_TEST(!watch.look(kWord));
    std::ofstream(path, std::ios::app) << alert("half").substr(20) << "\ny";
    const auto found = watch.look(kWord);
    BOOST_TEST_REQUIRE(found.has_value());
    BOOST_TEST(found->place == path);
    BOOST_TEST(found->rule == "half");
    BOOST_TEST(!watch.look(kWord));
}

BOOST_AUTO_TEST_CASE(files_that_come_and_go) {
    TemporaryDirectory directory;
    const std::string path = directory.path("log");
    AlertWatch watch({path}, false);
    BOOST_TEST(watch.places() == "");
    BOOST_TEST(!watch.look(kWord));
    std::ofstream(path) << "first\n";
    BOOST_TEST(!watch.look(kWord));
    BOOST_TEST(watch.places() == path);
    // Rotated: what is in the new file counts from its beginning.
    std::filesystem::rename(path, path + ".1");
    std::ofstream(path) << alert("new") << '\n';
    watch.look(kWord);
    const auto found = watch.look(kWord);
    BOOST_TEST_REQUIRE(found.has_value());
    BOOST_TEST(found->rule == "new");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace audisp_eql::collector
