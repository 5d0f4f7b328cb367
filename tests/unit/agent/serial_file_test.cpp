// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/serial_file.hpp"

#include <fstream>

#include <boost/test/unit_test.hpp>

#include "tests/unit/agent/temporary_directory.hpp"

namespace audisp_eql::collector {
namespace {

BOOST_AUTO_TEST_SUITE(agent)

BOOST_AUTO_TEST_CASE(what_was_missed_since_the_last_run_of_this_boot) {
    struct Row {
        bool ended;
        const char* boot;
        std::uint64_t first;
        const char* loss;  // null: none
    };
    const Row rows[] = {
        {true, "b1", 101, nullptr},  // the next number
        {true, "b1", 90, nullptr},
        {true, "b1", 108, "feed=restart count=7 at_least=1 since=5"},
        {false, "b1", 108, "feed=restart count=7 since=5"},
        {true, "b2", 108, nullptr},  // another boot
    };
    for (const Row& row : rows) {
        BOOST_TEST_CONTEXT(row.first << ' ' << row.boot) {
            const TemporaryDirectory directory;
            SerialFile first(directory.path(""), "b1");
            BOOST_TEST(!first.loss_before(12).has_value());
            first.keep(50, 3, false);
            first.keep(100, 5, row.ended);
            SerialFile second(directory.path(""), row.boot);
            BOOST_TEST(!second.loss_before(0).has_value());
            const auto loss = second.loss_before(row.first);
            BOOST_TEST(loss.value_or("none") == (row.loss ? row.loss : "none"));
            BOOST_TEST(!second.loss_before(row.first).has_value());
        }
    }
}

BOOST_AUTO_TEST_CASE(a_file_that_is_none_says_nothing) {
    for (const char* text : {"", "\n", "boot=b1", "boot=b1 serial=-4 ns=1 ended=1",
                             "boot=b1 serial=x", "\xff\x00 ="}) {
        const TemporaryDirectory directory;
        std::ofstream(directory.path("last-serial")) << text;
        SerialFile file(directory.path(""), "b1");
        BOOST_TEST(!file.loss_before(1000).has_value());
    }
    SerialFile off("off", "b1");
    off.keep(5, 5, true);
    SerialFile nowhere("/nonexistent/here", "b1");
    nowhere.keep(5, 5, true);
    BOOST_TEST(!nowhere.loss_before(9).has_value());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace audisp_eql::collector
