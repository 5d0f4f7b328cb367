// SPDX-License-Identifier: Apache-2.0
#include "collector/command/check_report.hpp"

#include <sstream>
#include <string>

#include <boost/test/unit_test.hpp>

using namespace audisp_eql;
using detect::RuleReport;

BOOST_AUTO_TEST_SUITE(command)

BOOST_AUTO_TEST_CASE(check_report_is_one_object_a_line) {
    collector::LoadedRules rules;
    rules.files.troubles = {{"gone.toml", "No such file or directory"}};
    rules.files.sources = {{"good.toml", "x"}, {"b\xff\"d.toml", "one\ntwo lenght\n"}};
    RuleReport good;
    good.file = "good.toml";
    good.id = "1";
    good.name = "A \"good\" rule";
    RuleReport bad;
    bad.file = rules.files.sources[1].name;
    bad.status = RuleReport::Status::error;
    bad.diagnostics = {
        {detect::Severity::error, {8, 6}, "unknown function 'lenght'", "did you mean 'length'?"},
        {detect::Severity::warning, {0, 3}, "odd", ""}};
    rules.reports = {good, bad};
    std::ostringstream out;
    collector::print_json(rules, out);
    BOOST_TEST(
        out.str() ==
        R"({"file":"gone.toml","id":"","name":"","status":"error","diagnostics":[)"
        R"({"line":1,"column":1,"severity":"error",)"
        R"("message":"cannot be read: No such file or directory","hint":""}]})"
        "\n"
        R"({"file":"good.toml","id":"1","name":"A \"good\" rule","status":"ok","diagnostics":[]})"
        "\n"
        "{\"file\":\"b\xef\xbf\xbd\\\"d.toml\""
        R"(,"id":"","name":"","status":"error","diagnostics":[)"
        R"({"line":2,"column":5,"severity":"error","message":"unknown function 'lenght'",)"
        R"("hint":"did you mean 'length'?"},)"
        R"({"line":1,"column":1,"severity":"warning","message":"odd","hint":""}]})"
        "\n");
}

BOOST_AUTO_TEST_SUITE_END()
