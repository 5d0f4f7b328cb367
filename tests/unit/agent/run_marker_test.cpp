// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/run_marker.hpp"

#include <filesystem>
#include <unistd.h>

#include <boost/test/unit_test.hpp>

#include "tests/unit/agent/temporary_directory.hpp"

using namespace audisp_eql::collector;

BOOST_AUTO_TEST_SUITE(agent)

BOOST_AUTO_TEST_CASE(a_run_without_an_orderly_end_is_found_by_the_next) {
    TemporaryDirectory state;
    {
        RunMarker killed(state.path("."));
        BOOST_TEST(!killed.left());
        BOOST_TEST(killed.trouble() == "");
        // No end(): as a kill leaves it, but for the pid, which is still ours.
    }
    BOOST_REQUIRE(std::filesystem::exists(state.path("running")));
    RunMarker next(state.path("."));
    BOOST_REQUIRE(next.left());
    BOOST_TEST(next.left()->pid == ::getpid());
    BOOST_TEST(next.left()->boot_id == boot_id());
    BOOST_TEST(next.left()->started_us > 0);
    BOOST_TEST(next.left()->seen_us > 0);
    next.end();
    BOOST_TEST(!std::filesystem::exists(state.path("running")));
    RunMarker third(state.path("."));
    BOOST_TEST(!third.left());
}

BOOST_AUTO_TEST_CASE(what_cannot_be_read_says_nothing) {
    TemporaryDirectory state;
    for (const char* text : {"", "garbage\n", "boot=x pid=7\n", "\n\n\n"}) {
        state.write("running", text);
        BOOST_TEST(!RunMarker(state.path(".")).left());
    }
    BOOST_TEST(!RunMarker("off").left());
    BOOST_TEST(RunMarker(state.path("none")).trouble() == "");
}

BOOST_AUTO_TEST_CASE(a_directory_in_its_place_is_told) {
    TemporaryDirectory state;
    std::filesystem::create_directory(state.path("running"));
    BOOST_TEST(RunMarker(state.path(".")).trouble().find("cannot be written") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_kill_and_a_reboot_are_two_things) {
    const RunningAgent left{"boot-1", 77, 1'700'000'000'000'000, 1'700'000'060'000'000};
    const EndOfRun killed = tell_of(left, "boot-1", 1'700'000'120'000'000);
    BOOST_TEST((killed.kind == OwnAlert::agent_killed));
    BOOST_TEST(killed.facts.message ==
               "the agent (pid 77, started 2023-11-14T22:13:20Z) ended without an orderly stop: "
               "it was killed or crashed after 2023-11-14T22:14:20Z; what happened until "
               "2023-11-14T22:15:20Z was not seen");
    const EndOfRun restarted = tell_of(left, "boot-2", 1'700'000'120'000'000);
    BOOST_TEST((restarted.kind == OwnAlert::host_restarted));
    BOOST_TEST(restarted.facts.message.find("has booted since") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
