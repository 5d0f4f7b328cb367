// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/connector_silence.hpp"

#include <boost/test/unit_test.hpp>

using namespace audisp_eql::collector;

BOOST_AUTO_TEST_SUITE(agent)

BOOST_AUTO_TEST_CASE(a_connector_is_silent_when_audit_alone_tells_of_execs) {
    constexpr std::int64_t kSecond = 1'000'000'000;
    const struct {
        std::uint64_t execs, messages;
        std::int64_t seconds;
        bool fell, silent;
    } steps[] = {
        {0, 0, 1, false, false},       // nothing happens
        {0, 0, 100, false, false},     // for long
        {9, 20, 101, false, false},    // both speak
        {13, 20, 200, false, false},   // failed execs are audit's alone
        {14, 20, 201, true, true},     // too many of them
        {99, 20, 300, false, true},    // told once
        {100, 21, 301, false, false},  // it speaks again
        {150, 21, 305, false, false},  // not for long yet
        {151, 21, 311, true, true},
    };
    ConnectorSilence silence;
    for (const auto& step : steps) {
        BOOST_TEST_CONTEXT("second " << step.seconds) {
            BOOST_TEST(silence.fell_silent(step.execs, step.messages, step.seconds * kSecond) ==
                       step.fell);
            BOOST_TEST(silence.silent() == step.silent);
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
