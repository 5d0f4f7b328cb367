// SPDX-License-Identifier: Apache-2.0
// What audit rules cost, counted from records.
#include "collector/agent/audit_costs.hpp"

#include <string>

#include <boost/test/unit_test.hpp>

#include "collector/audit/record.hpp"

namespace audisp_eql::collector {
namespace {

std::size_t line_of(std::string_view key) {
    return key == "one" ? 0 : key == "two" ? 1 : SIZE_MAX;
}

class Costs {
  public:
    AuditCosts costs{2, line_of};

    // Lines as auditd writes them; returns how many bytes its file would have grown.
    std::uint64_t feed(const std::vector<std::string>& lines) {
        std::uint64_t bytes = 0;
        Assembler assembler(costs);
        for (const std::string& line : lines) {
            const auto record = parse_line(line);
            BOOST_REQUIRE(record.has_value());
            assembler.add(*record, 1);
            if (record->type != audit_type::kEoe)
                bytes += line.size() + 1;
        }
        assembler.finish();
        return bytes;
    }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(agent)

BOOST_AUTO_TEST_CASE(records_and_bytes_of_each_audit_rule) {
    Costs run;
    const std::uint64_t first = run.feed(
        {"type=SYSCALL msg=audit(1700000000.123:42): arch=c000003e syscall=59 success=yes exit=0 "
         "pid=7 exe=\"/usr/bin/true\" key=\"one\"",
         "type=CWD msg=audit(1700000000.123:42): cwd=\"/\"",
         "type=EOE msg=audit(1700000000.123:42): "});
    const std::uint64_t second = run.feed(
        {"type=SYSCALL msg=audit(1700000000.009:43): arch=c000003e syscall=42 success=yes exit=0 "
         "pid=7 exe=2F746D702F6120 key=\"two\"",
         "type=EOE msg=audit(1700000000.009:43): "});
    const std::uint64_t theirs = run.feed(
        {"type=SYSCALL msg=audit(1700000000.009:44): arch=c000003e syscall=42 success=yes exit=0 "
         "pid=7 exe=\"/usr/bin/true\" key=(null)",
         "type=EOE msg=audit(1700000000.009:44): "});
    // The rule's own coming is nobody's.
    run.feed(
        {"type=CONFIG_CHANGE msg=audit(1700000000.000:41): auid=0 op=add_rule key=\"one\" "
         "list=4 res=1"});
    BOOST_TEST(run.costs.lines()[0].events == 1U);
    BOOST_TEST(run.costs.lines()[0].records == 2U);
    BOOST_TEST(run.costs.lines()[0].bytes == first);
    BOOST_TEST(run.costs.lines()[1].bytes == second);
    BOOST_TEST(run.costs.all().bytes == first + second);
    BOOST_TEST(run.costs.others().bytes == theirs);
    BOOST_TEST(run.costs.programs().size() == 2U);
    BOOST_TEST(run.costs.programs().at("/usr/bin/true").cost.bytes == first);
    BOOST_TEST(run.costs.programs().at("/usr/bin/true").lines.contains(0));
    BOOST_TEST(run.costs.programs().at("/tmp/a ").cost.bytes == second);
}

BOOST_AUTO_TEST_CASE(how_far_the_log_reaches_back) {
    const LogRoom room = log_room(
        {{"max_log_file", "8"}, {"num_logs", "5"}, {"max_log_file_action", "rotate"}}, "x");
    BOOST_TEST(room.bytes == 40U * 1024 * 1024);
    BOOST_TEST(room.rotates);
    BOOST_TEST(
        !log_room({{"max_log_file", "8"}, {"num_logs", "5"}, {"max_log_file_action", "keep_logs"}},
                  "x")
             .rotates);
    BOOST_TEST(log_room({}, "x").bytes == 0U);
    BOOST_TEST(log_room({{"max_log_file", "many"}, {"num_logs", "5"}}, "x").bytes == 0U);
    const struct {
        double rate;
        const char* text;
    } table[] = {{0, "more than 10 years"}, {0.01, "more than 10 years"}, {0.5, "3 years"},
                 {100, "5 days"},           {1000, "12 hours"},           {100'000, "7 minutes"}};
    for (const auto& row : table)
        BOOST_TEST(reach_text(room.bytes, row.rate) == row.text);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace audisp_eql::collector
