// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/gaps.hpp"

#include <chrono>

#include <boost/test/unit_test.hpp>

#include "collector/agent/gap_teller.hpp"

namespace audisp_eql::collector {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

Gap gap(const char* source, std::int64_t start_s, std::int64_t end_s, std::uint64_t count) {
    return {source, start_s * kSecond, end_s * kSecond, count, false};
}

BOOST_AUTO_TEST_SUITE(agent)

BOOST_AUTO_TEST_CASE(a_loss_message_says_what_where_and_since_when) {
    const std::string text = loss_text("kernel", 12, true, 5 * kSecond);
    BOOST_TEST(text == "feed=kernel count=12 at_least=1 since=5000000000");
    // The engine's clock is three seconds ahead of the message's.
    const Gap read = gap_from_loss(text, 7 * kSecond, 10 * kSecond);
    BOOST_TEST(read.source == "kernel");
    BOOST_TEST(read.count == 12u);
    BOOST_TEST(read.at_least);
    BOOST_TEST(read.start_ns == 8 * kSecond);
    BOOST_TEST(read.end_ns == 10 * kSecond);

    struct Row {
        const char* text;
        const char* source;
        std::uint64_t count;
        bool at_least;
    };
    const Row rows[] = {
        {"feed=proc count=1 at_least=1", "proc", 1, true},
        {"feed=audit count=3", "audit", 3, false},
        {"feed=audit count=0", "audit", 0, true},
        {"feed=audit count=-4", "audit", 0, true},
        {"feed=audit count=18446744073709551616", "audit", 0, true},
        {"", "unknown", 0, true},
        {"feed=abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz count=1",
         "abcdefghijklmnopqrstuvwxyzabcdef", 1, false},
    };
    for (const Row& row : rows) {
        BOOST_TEST_CONTEXT(row.text) {
            const Gap got = gap_from_loss(row.text, kSecond, kSecond);
            BOOST_TEST(got.source == row.source);
            BOOST_TEST(got.count == row.count);
            BOOST_TEST(got.at_least == row.at_least);
            BOOST_TEST(got.start_ns == kSecond);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_window_meets_the_gaps_it_touches_a_margin_around_it) {
    GapLog log;
    log.add(gap("kernel", 10, 20, 5));
    log.add(gap("proc", 100, 101, 1));
    struct Row {
        std::int64_t first_s, last_s;
        const char* source;
        std::uint64_t count;
    };
    const Row rows[] = {
        {0, 8, "", 0},   {0, 9, "kernel", 5},         {12, 13, "kernel", 5}, {21, 21, "kernel", 5},
        {22, 90, "", 0}, {15, 100, "kernel,proc", 6}, {101, 102, "proc", 1}, {103, 104, "", 0},
    };
    for (const Row& row : rows) {
        BOOST_TEST_CONTEXT(row.first_s << " to " << row.last_s) {
            const Gap met = log.touching(row.first_s * kSecond, row.last_s * kSecond);
            BOOST_TEST(met.source == row.source);
            BOOST_TEST(met.count == row.count);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_loss_that_goes_on_is_one_gap_and_the_number_of_gaps_is_bounded) {
    GapLog log;
    for (int second = 0; second < 1000; ++second)
        log.add(gap("kernel", second, second + 1, 2));
    BOOST_TEST(log.size() == 1u);
    BOOST_TEST(log.touching(0, kSecond).count == 2000u);
    for (int i = 0; i < 2000; ++i)
        log.add(gap(i % 2 == 0 ? "proc" : "serial", 2000 + i * 10, 2000 + i * 10, 1));
    BOOST_TEST(log.size() == GapLog::kMaxGaps);
    BOOST_TEST(log.added() == 3000u);
    // Nothing is forgotten: the oldest are one wide gap.
    BOOST_TEST(log.touching(0, 30'000 * kSecond).count == 4000u);
    BOOST_TEST(log.touching(500 * kSecond, 501 * kSecond).source == "proc,serial,kernel");
}

BOOST_AUTO_TEST_CASE(each_loss_is_news_once) {
    GapLog log;
    BOOST_TEST(!log.has_news());
    log.add(gap("kernel", 1, 2, 5));
    log.add(gap("kernel", 50, 52, 3));
    log.add({"proc", 3 * kSecond, 3 * kSecond, 0, true});
    BOOST_TEST(log.has_news());
    const std::vector<Gap> news = log.take_news();
    BOOST_REQUIRE(news.size() == 2u);
    BOOST_TEST(describe(news[0]) == "8 audit records that the kernel dropped");
    BOOST_TEST(news[0].end_ns == 52 * kSecond);
    BOOST_TEST(describe(news[1]) ==
               "an unknown number of process events that did not fit into the connector's socket");
    BOOST_TEST(log.take_news().empty());
    BOOST_TEST(log.size() == 3u);
}

BOOST_AUTO_TEST_CASE(a_loss_is_told_at_once_and_its_going_on_now_and_then) {
    GapTeller teller;
    GapTeller::Time now{std::chrono::hours(1)};
    BOOST_TEST(teller.tell({}, now).empty());
    auto news = teller.tell({gap("kernel", 1, 2, 5)}, now);
    BOOST_REQUIRE(news.size() == 1u);
    BOOST_TEST(gap_line(news[0]) ==
               "evidence was lost: 5 audit records that the kernel dropped; alerts of that time "
               "say so in audisp_eql.gap");
    // Another source is another story.
    BOOST_TEST(teller.tell({gap("kernel", 2, 3, 1), gap("proc", 2, 3, 1)}, now).size() == 1u);
    now += GapTeller::kBetween;
    news = teller.tell({gap("kernel", 9, 10, 6)}, now);
    BOOST_REQUIRE(news.size() == 1u);
    BOOST_TEST(news[0].gap.count == 7u);
    BOOST_TEST(news[0].gap.start_ns == 2 * kSecond);
    BOOST_TEST(news[0].total == 12u);
    BOOST_TEST(teller.tell({}, now + GapTeller::kBetween).empty());
    BOOST_TEST(teller.tell({gap("kernel", 11, 12, 2)}, now).empty());
    BOOST_TEST(teller.tell_rest({gap("kernel", 12, 13, 2)}).size() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace audisp_eql::collector
