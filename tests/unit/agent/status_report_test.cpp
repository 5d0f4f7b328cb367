// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/status_report.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <boost/test/unit_test.hpp>

using namespace audisp_eql::collector;

namespace {

StatusReport example() {
    StatusReport report;
    report.section("agent");
    report.text("version", "1.0 \"x\"\n", "Of the program");
    report.gauge("lag_seconds", 0.25, "Behind");
    report.section("outputs");
    for (const char* name : {"syslog:/dev/log", "file:/a\\b\x1b\xff"}) {
        report.of({{"output", name}});
        report.counter("delivered", 3, "Alerts delivered");
        report.text("trouble", "", "Why not");
    }
    report.section("spool");
    report.counter("raised", 12'345'678'901, "Alerts put in");
    return report;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(agent)

BOOST_AUTO_TEST_CASE(the_prometheus_form_escapes_labels_and_keeps_metrics_together) {
    BOOST_TEST(render(example(), StatusOutput::prometheus) ==
               "# HELP audisp_eql_agent_version_info Of the program\n"
               "# TYPE audisp_eql_agent_version_info gauge\n"
               "audisp_eql_agent_version_info{value=\"1.0 \\\"x\\\"\\n\"} 1\n"
               "# HELP audisp_eql_agent_lag_seconds Behind\n"
               "# TYPE audisp_eql_agent_lag_seconds gauge\n"
               "audisp_eql_agent_lag_seconds 0.250\n"
               "# HELP audisp_eql_outputs_delivered_total Alerts delivered\n"
               "# TYPE audisp_eql_outputs_delivered_total counter\n"
               "audisp_eql_outputs_delivered_total{output=\"syslog:/dev/log\"} 3\n"
               "audisp_eql_outputs_delivered_total{output=\"file:/a\\\\b\\\\u001b\uFFFD\"} 3\n"
               "# HELP audisp_eql_outputs_trouble_info Why not\n"
               "# TYPE audisp_eql_outputs_trouble_info gauge\n"
               "audisp_eql_outputs_trouble_info{output=\"syslog:/dev/log\",value=\"\"} 1\n"
               "audisp_eql_outputs_trouble_info{output=\"file:/a\\\\b\\\\u001b\uFFFD\",value=\"\"} "
               "1\n"
               "# HELP audisp_eql_spool_raised_total Alerts put in\n"
               "# TYPE audisp_eql_spool_raised_total counter\n"
               "audisp_eql_spool_raised_total 12345678901\n");
}

BOOST_AUTO_TEST_CASE(the_json_form_is_one_object_with_lists_of_what_there_is_several_of) {
    const std::string text = render(example(), StatusOutput::json);
    BOOST_TEST(text.find('\n') == text.size() - 1);
    const auto document = boost::json::parse(text).as_object();
    BOOST_TEST(document.at("agent").at("version").as_string() == "1.0 \"x\"\n");
    BOOST_TEST(document.at("agent").at("lag_seconds").as_double() == 0.25);
    const auto& outputs = document.at("outputs").at("each").as_array();
    BOOST_REQUIRE(outputs.size() == 2U);
    BOOST_TEST(outputs[0].at("output").as_string() == "syslog:/dev/log");
    BOOST_TEST(outputs[1].at("delivered").as_int64() == 3);
    BOOST_TEST(document.at("spool").at("raised").as_int64() == 12'345'678'901);
    BOOST_TEST(render({}, StatusOutput::json) == "{}\n");
}

BOOST_AUTO_TEST_CASE(the_text_form_is_for_people) {
    BOOST_TEST(render(example(), StatusOutput::text) ==
               "agent\n"
               "  version                1.0 \\\"x\\\"\\n\n"
               "  lag_seconds            0.250\n"
               "\noutputs\n"
               "  syslog:/dev/log: delivered 3\n"
               "  file:/a\\\\b\\u001b\uFFFD: delivered 3\n"
               "\nspool\n"
               "  raised                 12345678901\n");
    StatusReport many;
    many.section("rule");
    for (int i = 0; i < 25; ++i) {
        many.of({{"rule_id", std::to_string(i)}});
        many.counter("matches", 1, "x");
    }
    BOOST_TEST(render(many, StatusOutput::text).ends_with("  19: matches 1\n  … and 5 more\n"));
}

BOOST_AUTO_TEST_SUITE_END()
