// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/alert_line.hpp"

#include <string>

#include <boost/test/unit_test.hpp>

using namespace audisp_eql;

BOOST_AUTO_TEST_SUITE(agent)

BOOST_AUTO_TEST_CASE(alert_line_forms) {
    const struct {
        const char* json;
        const char* line;
    } rows[] = {
        {R"({"@timestamp":"2026-01-31T02:31:05.123456Z","process":{"name":["sh","dash"],"pid":12,
             "parent":{"name":"nc","pid":11}},"user":{"name":"root","id":"0"},
             "destination":{"ip":"192.0.2.7","port":4444}})",
         "2026-01-31T02:31:05Z MEDIUM a rule: sh(12), user root, parent nc(11), to 192.0.2.7:4444"},
        {R"({"@timestamp":"2026-01-31T02:31:05.123456Z","process":{"pid":12},"user":{"id":"7"}})",
         "2026-01-31T02:31:05Z MEDIUM a rule: ?(12), user 7"},
        // the connection came before the last event; a missing-event clause is null
        {R"({"@timestamp":"2026-01-31T02:31:05.1Z","process":{"name":"sh","pid":12},
             "audisp_eql":{"sequence":[{"destination":{"ip":"2001:db8::1","port":443}},null,{}]}})",
         "2026-01-31T02:31:05Z MEDIUM a rule: sh(12), to [2001:db8::1]:443"},
        {R"({"@timestamp":"2026-01-31T02:31:05.1Z","process":{"name":"nc","pid":12},
             "event":{"action":["connection_accepted","accepted-connection-from"]},
             "source":{"ip":"192.0.2.9","port":5},"destination":{"ip":"192.0.2.7"}})",
         "2026-01-31T02:31:05Z MEDIUM a rule: nc(12), from 192.0.2.9:5"},
        {R"({"@timestamp":"2026-01-31T02:31:05.1Z","process":{"name":"vi","pid":12},
             "event":{"action":["creation","opened-file"]},"file":{"path":"/etc/cron.d/x"}})",
         "2026-01-31T02:31:05Z MEDIUM a rule: vi(12), creation /etc/cron.d/x"},
        // bytes that would clear the screen, or turn the line around; ordinary text stays
        {R"({"@timestamp":"2026-01-31T02:31:05.1Z",
             "process":{"name":"a\u001b[2J\n\u202eb\u009bc\u00e4\u20ac","pid":12}})",
         "2026-01-31T02:31:05Z MEDIUM a rule: a\\u{1b}[2J\\u{a}\\u{202e}b\\u{9b}c\u00e4\u20ac(12)"},
    };
    for (const auto& row : rows) {
        detect::Alert alert;
        alert.json = row.json;
        alert.rule_name = "a rule";
        BOOST_TEST(collector::alert_line(alert) == row.line);
    }
}

BOOST_AUTO_TEST_SUITE_END()
