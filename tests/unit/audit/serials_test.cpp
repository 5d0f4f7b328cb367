// SPDX-License-Identifier: Apache-2.0
#include "collector/audit/serials.hpp"

#include <initializer_list>

#include <boost/test/unit_test.hpp>

namespace audisp_eql::collector {
namespace {

constexpr std::int64_t kMs = 1'000'000;

std::uint64_t lost_of(std::initializer_list<std::uint64_t> serials) {
    SerialTracker tracker;
    std::int64_t now = kMs;
    for (const std::uint64_t serial : serials)
        tracker.see(serial, now += kMs);
    return tracker.take_lost(now + SerialTracker::kLateNs).count;
}

BOOST_AUTO_TEST_SUITE(audit)

BOOST_AUTO_TEST_CASE(numbers_that_never_come_are_counted) {
    BOOST_TEST(lost_of({}) == 0u);
    BOOST_TEST(lost_of({7}) == 0u);
    BOOST_TEST(lost_of({7, 7, 8, 8, 9}) == 0u);
    BOOST_TEST(lost_of({7, 9}) == 1u);
    BOOST_TEST(lost_of({7, 20}) == 12u);
    BOOST_TEST(lost_of({7, 20, 20, 30}) == 21u);
    // Late ones fill a hole at its end, its beginning, in its middle; older ones none.
    BOOST_TEST(lost_of({7, 20, 19}) == 11u);
    BOOST_TEST(lost_of({7, 20, 8}) == 11u);
    BOOST_TEST(lost_of({7, 20, 13}) == 11u);
    BOOST_TEST(lost_of({7, 20, 13, 10, 16, 13}) == 9u);
    BOOST_TEST(lost_of({7, 9, 8}) == 0u);
    BOOST_TEST(lost_of({7, 10, 12, 9, 11, 8}) == 0u);
    BOOST_TEST(lost_of({7, 20, 5, 6}) == 12u);
    // Another boot's series begins anew.
    BOOST_TEST(lost_of({1'000'000, 12, 13}) == 0u);
    BOOST_TEST(lost_of({0, 12, 0, 13}) == 0u);
}

BOOST_AUTO_TEST_CASE(a_hole_counts_once_it_is_old) {
    SerialTracker tracker;
    tracker.see(10, 5 * kMs);
    tracker.see(12, 8 * kMs);
    BOOST_TEST(tracker.take_lost(8 * kMs + SerialTracker::kLateNs - 1).count == 0u);
    const auto lost = tracker.take_lost(8 * kMs + SerialTracker::kLateNs);
    BOOST_TEST(lost.count == 1u);
    BOOST_TEST(lost.since_ns == 5 * kMs);
    BOOST_TEST(lost.until_ns == 8 * kMs);
    BOOST_TEST(tracker.take_lost(100'000 * kMs).count == 0u);
    BOOST_TEST(tracker.first() == 10u);
    BOOST_TEST(tracker.highest() == 12u);
}

BOOST_AUTO_TEST_CASE(more_holes_than_are_kept_are_counted_all_the_same) {
    SerialTracker tracker;
    for (std::uint64_t serial = 1; serial <= 2001; serial += 2)
        tracker.see(serial, kMs);
    const auto at_once = tracker.take_lost(kMs).count;
    BOOST_TEST(at_once == 1000 - SerialTracker::kMaxHoles);
    BOOST_TEST(tracker.take_lost(kMs + SerialTracker::kLateNs).count == SerialTracker::kMaxHoles);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace audisp_eql::collector
