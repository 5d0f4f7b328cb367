// SPDX-License-Identifier: Apache-2.0
#include "collector/normalize/timeline.hpp"

#include <boost/test/unit_test.hpp>

namespace audisp_eql::collector {
namespace {

constexpr std::int64_t kMs = 1'000'000;
constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kWall = 1'795'305'917'000;  // ms

}  // namespace

BOOST_AUTO_TEST_SUITE(normalize)

BOOST_AUTO_TEST_CASE(live_audit_time_is_clamped_to_its_receipt) {
    Timeline timeline;
    timeline.clock(100 * kSecond, kWall * kMs);
    struct Row {
        std::int64_t audit_ms;
        bool blocking;
        std::int64_t engine_ns;
    };
    const Row rows[] = {
        {kWall - 10, false, 100 * kSecond - 10 * kMs},  // coarse, a little early
        {kWall + 500, false, 100 * kSecond},            // later than it was received: clock stepped
        {kWall - 90'000, false, 40 * kSecond},          // older than any call waits
        {kWall - 3000, true, 100 * kSecond},            // an accept that waited
    };
    for (const Row& row : rows) {
        const auto time = timeline.of_audit(row.audit_ms, 100 * kSecond, row.blocking);
        BOOST_TEST(time.engine_ns == row.engine_ns);
        BOOST_TEST(time.wall_us == kWall * 1000 + (row.engine_ns - 100 * kSecond) / 1000);
    }
    BOOST_TEST((timeline.take_epoch_change() == EpochChange::none));
}

BOOST_AUTO_TEST_CASE(stepped_wall_clock_does_not_move_the_engine) {
    Timeline timeline;
    timeline.clock(100 * kSecond, kWall * kMs);
    BOOST_TEST(timeline.of_audit(kWall, 100 * kSecond, false).engine_ns == 100 * kSecond);
    timeline.clock(101 * kSecond, (kWall - 7'200'000) * kMs);  // two hours back
    const auto time = timeline.of_audit(kWall - 7'200'000, 101 * kSecond, false);
    BOOST_TEST(time.engine_ns == 101 * kSecond);
    BOOST_TEST(time.wall_us == (kWall - 7'200'000) * 1000);
    BOOST_TEST((timeline.take_epoch_change() == EpochChange::none));
}

BOOST_AUTO_TEST_CASE(capture_without_clock_learns_the_offset_from_execs) {
    Timeline timeline;
    timeline.of_audit(kWall, 0, false);  // before the connector said anything
    timeline.connector(50 * kSecond);
    BOOST_TEST(!timeline.monotonic_of(kWall));
    timeline.exec_seen(kWall + 1000, 51 * kSecond + 8 * kMs);
    timeline.exec_seen(kWall + 2000, 52 * kSecond + 3 * kMs);  // the least difference counts
    timeline.exec_seen(kWall + 3000, 53 * kSecond + 9 * kMs);
    BOOST_TEST(timeline.monotonic_of(kWall + 4000).value() == 54 * kSecond + 3 * kMs);
    BOOST_TEST(timeline.wall_us_of(54 * kSecond + 3 * kMs).value() == (kWall + 4000) * 1000);
}

BOOST_AUTO_TEST_CASE(engine_time_goes_on_when_a_log_turns_out_to_be_a_capture) {
    Timeline timeline;
    const auto before = timeline.of_audit(kWall, 0, false);
    timeline.connector(50 * kSecond);
    timeline.connector(51 * kSecond);
    const auto fork = timeline.of_connector(51 * kSecond);
    BOOST_TEST(fork.engine_ns - before.engine_ns == kSecond);
    timeline.exec_seen(kWall + 1200, 51 * kSecond + 200 * kMs);
    const auto after = timeline.of_audit(kWall + 1500, 0, false);
    BOOST_TEST(after.engine_ns - before.engine_ns == 1500 * kMs);
    BOOST_TEST(after.wall_us == (kWall + 1500) * 1000);
}

// An accept that waited for seconds is the first event of many captures.
BOOST_AUTO_TEST_CASE(first_event_of_a_capture_does_not_push_the_clock_off) {
    Timeline timeline;
    timeline.connector(50 * kSecond);
    const auto accept = timeline.of_audit(kWall - 30'000, 0, true);
    BOOST_TEST(accept.engine_ns == 50 * kSecond);
    BOOST_TEST(timeline.of_audit(kWall, 0, false).engine_ns == 50 * kSecond);
    timeline.exec_seen(kWall, 50 * kSecond);
    BOOST_TEST(timeline.of_audit(kWall + 5, 0, false).engine_ns == 50 * kSecond + 5 * kMs);
    BOOST_TEST((timeline.take_epoch_change() == EpochChange::none));
}

BOOST_AUTO_TEST_CASE(connector_message_has_a_wall_time_before_the_first_event) {
    // Any audit event tells it, whichever feed speaks first.
    for (const bool audit_first : {true, false}) {
        Timeline timeline;
        if (audit_first)
            timeline.audit(kWall);
        timeline.connector(100 * kSecond);
        if (!audit_first)
            timeline.audit(kWall);
        timeline.connector(101 * kSecond);
        const auto time = timeline.of_connector(101 * kSecond);
        BOOST_TEST(time.engine_ns == 101 * kSecond);
        BOOST_TEST(time.wall_us == (kWall + 1000) * 1000);
        BOOST_TEST(!timeline.comparable());
    }
}

BOOST_AUTO_TEST_CASE(wrongly_paired_exec_does_not_move_the_offset) {
    Timeline timeline;
    timeline.connector(50 * kSecond);
    timeline.exec_seen(kWall, 50 * kSecond);
    timeline.exec_seen(kWall + 5000, 51 * kSecond);
    BOOST_TEST(timeline.monotonic_of(kWall).value() == 50 * kSecond);
    timeline.exec_seen(kWall + 5, 50 * kSecond + kMs);
    BOOST_TEST(timeline.monotonic_of(kWall).value() == 50 * kSecond - 4 * kMs);
    // The wall clock was set: all the next ones say so.
    for (int i = 0; i <= Timeline::kEpochEvents; ++i)
        timeline.exec_seen(kWall + 5000, 51 * kSecond);
    BOOST_TEST(timeline.monotonic_of(kWall + 5000).value() == 51 * kSecond);
}

BOOST_AUTO_TEST_CASE(blocking_call_in_a_file_happens_at_the_largest_time_so_far) {
    Timeline timeline;
    timeline.of_audit(kWall + 3000, 0, false);
    const auto accept = timeline.of_audit(kWall, 0, true);
    BOOST_TEST(accept.engine_ns == (kWall + 3000) * kMs);
    BOOST_TEST(accept.wall_us == (kWall + 3000) * 1000);
}

BOOST_AUTO_TEST_CASE(stray_times_do_not_move_the_clock_and_many_start_an_epoch) {
    for (const std::int64_t away : {std::int64_t{-600'000}, std::int64_t{7'200'000}}) {
        Timeline timeline;
        const auto start = timeline.of_audit(kWall, 0, false).engine_ns;
        for (int stray = 0; stray < Timeline::kEpochEvents; ++stray) {
            const auto time = timeline.of_audit(kWall + away, 0, false);
            BOOST_TEST(time.engine_ns == start);
            BOOST_TEST(time.wall_us == (kWall + away) * 1000);
        }
        BOOST_TEST((timeline.take_epoch_change() == EpochChange::none));
        timeline.of_audit(kWall + away, 0, false);
        BOOST_TEST((timeline.take_epoch_change() == EpochChange::wall));
        BOOST_TEST((timeline.take_epoch_change() == EpochChange::none));
        const auto time = timeline.of_audit(kWall + away + 40, 0, false);
        BOOST_TEST(time.engine_ns == start + 40 * kMs);  // goes on from where it was
        BOOST_TEST(time.wall_us == (kWall + away + 40) * 1000);
    }
}

BOOST_AUTO_TEST_CASE(one_stray_time_between_others_is_no_epoch) {
    Timeline timeline;
    for (int i = 0; i < 20; ++i) {
        timeline.of_audit(kWall + i, 0, false);
        timeline.of_audit(kWall - 600'000, 0, false);
    }
    BOOST_TEST((timeline.take_epoch_change() == EpochChange::none));
}

BOOST_AUTO_TEST_CASE(connector_message_that_is_late_is_no_other_boot) {
    Timeline timeline;
    timeline.clock(900 * kSecond, kWall * kMs);
    timeline.connector(700 * kSecond);
    BOOST_TEST((timeline.take_epoch_change() == EpochChange::none));
    BOOST_TEST(timeline.of_connector(700 * kSecond).wall_us == (kWall - 200'000) * 1000);
    timeline.another_boot();
    timeline.connector(20 * kSecond);
    BOOST_TEST((timeline.take_epoch_change() == EpochChange::monotonic));
}

BOOST_AUTO_TEST_CASE(monotonic_clock_that_starts_again_is_another_boot) {
    Timeline timeline;
    timeline.clock(900 * kSecond, kWall * kMs);
    const auto last = timeline.of_audit(kWall, 900 * kSecond, false);
    timeline.clock(20 * kSecond, (kWall + 60'000) * kMs);
    BOOST_TEST((timeline.take_epoch_change() == EpochChange::monotonic));
    const auto next = timeline.of_audit(kWall + 60'000, 20 * kSecond, false);
    BOOST_TEST(next.engine_ns == last.engine_ns);
    BOOST_TEST(next.wall_us == (kWall + 60'000) * 1000);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace audisp_eql::collector
