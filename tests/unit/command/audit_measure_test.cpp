// SPDX-License-Identifier: Apache-2.0
// What the audit rules add to auditd's log, and from when on that wants to be accepted.
#include "collector/command/audit_measure.hpp"

#include <boost/test/unit_test.hpp>

namespace audisp_eql::collector {
namespace {

AuditCost bytes(std::uint64_t count) {
    AuditCost cost;
    cost.bytes = count;
    return cost;
}

BOOST_AUTO_TEST_SUITE(command)

BOOST_AUTO_TEST_CASE(the_price_is_dear_where_the_log_reaches_back_for_less_than_a_week) {
    constexpr std::uint64_t kRoom = 60'480'000;  // a week of 100 bytes a second
    const LogRoom room{kRoom, true, "/etc/audit/auditd.conf"};
    struct Case {
        const char* name;
        std::uint64_t added, before;  // in ten seconds
        LogRoom room;
        bool dear;
        const char* part;
    };
    const Case cases[] = {
        {"a quiet host", 100, 100, room, false, "reach back 35 days"},
        {"exactly a week", 600, 400, room, false, "reach back 7 days"},
        {"less than a week", 800, 400, room, true, "reach back 6 days"},
        {"less by others, ours adds to it", 10, 2000, room, true, "reach back"},
        {"less by others, ours adds nothing", 0, 2000, room, false, "reach back"},
        {"nothing at all", 0, 0, room, false, "reach back more than 10 years"},
        {"nothing is rotated away", 10'000'000, 0, LogRoom{kRoom, false, "x"}, false,
         "not rotated (x), and grows by 86400 MB more a day"},
        {"nobody knows", 10'000'000, 0, LogRoom{}, false, "add 1000.0 kB/s"},
    };
    for (const Case& row : cases) {
        const LogPrice price = log_price(bytes(row.added), bytes(row.before), 10, row.room);
        BOOST_TEST(price.dear == row.dear, row.name);
        BOOST_TEST((price.text.find(row.part) != std::string::npos),
                   row.name << ": " << price.text);
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace audisp_eql::collector
