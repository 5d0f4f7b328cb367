// SPDX-License-Identifier: Apache-2.0
#include "detect/engine/pipes.hpp"

#include <string>

#include <boost/test/unit_test.hpp>

#include "tests/unit/engine/support.hpp"

namespace {

using namespace audisp_eql::detect;
using namespace audisp_eql::detect::test;

// What comes through of events 1 to 5, and after which of them the pipe was full.
std::string through(const std::string& pipes) {
    Run run("any where true" + pipes);
    PipedSink piped(run.engine.rules().rules().front().program.pipes, run.found);
    std::string full;
    for (int i = 1; i <= 5; ++i) {
        run.engine.on_event(run.event(std::to_string(i), i), piped);
        if (piped.is_full() && full.empty())
            full = " full at " + std::to_string(i);
    }
    run.engine.finish(piped);
    piped.finish();
    std::string all;
    for (const std::string& line : run.found.take())
        all += line;
    return all + full;
}

BOOST_AUTO_TEST_SUITE(engine)

BOOST_AUTO_TEST_CASE(head_and_tail) {
    BOOST_TEST(through("") == "12345");
    BOOST_TEST(through(" | head 2") == "12 full at 2");
    BOOST_TEST(through(" | head 9") == "12345");
    BOOST_TEST(through(" | head 0") == " full at 1");
    BOOST_TEST(through(" | tail 2") == "45");
    BOOST_TEST(through(" | tail 9") == "12345");
    BOOST_TEST(through(" | tail 0") == "");
    BOOST_TEST(through(" | head 3 | tail 1") == "3 full at 3");
    BOOST_TEST(through(" | tail 3 | head 1") == "3");
    BOOST_TEST(through(" | tail 3 | tail 2") == "45");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
