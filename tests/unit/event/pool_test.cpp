// SPDX-License-Identifier: Apache-2.0
#include "detect/event/pool.hpp"

#include <cstring>
#include <thread>
#include <vector>

#include <boost/test/unit_test.hpp>

#include "detect/event/pool_trim.hpp"

namespace {

using namespace audisp_eql::detect;

constexpr std::size_t kMiB = std::size_t{1} << 20;

std::vector<void*> take(std::size_t size, std::size_t count) {
    std::vector<void*> pieces;
    for (std::size_t i = 0; i < count; ++i) {
        pieces.push_back(record_pool().allocate(size));
        std::memset(pieces.back(), static_cast<int>(i % 251), size);
    }
    return pieces;
}

void give(const std::vector<void*>& pieces, std::size_t size) {
    for (void* const piece : pieces)
        record_pool().deallocate(piece, size);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(event)

BOOST_AUTO_TEST_CASE(pool_gives_back_what_nobody_uses_and_keeps_the_rest) {
    const std::size_t before = record_pool_use().reserved;
    const std::vector<void*> processes = take(1000, 20'000);
    const std::vector<void*> kept = take(300, 1000);
    give(processes, 1000);
    trim_record_pool();
    BOOST_TEST(record_pool_use().reserved < before + kMiB);
    for (std::size_t i = 0; i < kept.size(); ++i)
        for (std::size_t at = 0; at < 300; ++at)
            BOOST_REQUIRE(static_cast<unsigned char*>(kept[i])[at] == i % 251);
    // The places are cut anew, for another size.
    const std::vector<void*> events = take(8000, 2000);
    for (std::size_t i = 0; i < events.size(); ++i)
        BOOST_REQUIRE(static_cast<unsigned char*>(events[i])[7999] == i % 251);
    BOOST_TEST(record_pool_use().reserved < before + 20 * kMiB);
    give(events, 8000);
    give(kept, 300);
    trim_record_pool();
    BOOST_TEST(record_pool_use().reserved < before + kMiB);
}

// As of a rule set that another thread has built.
BOOST_AUTO_TEST_CASE(pool_leaves_the_chunks_of_another_threads) {
    std::vector<void*> theirs;
    std::thread([&] { theirs = take(500, 1000); }).join();
    give(theirs, 500);
    trim_record_pool();
    // They are in this thread's lists, and still memory.
    const std::vector<void*> again = take(500, 1000);
    for (std::size_t i = 0; i < again.size(); ++i)
        BOOST_REQUIRE(static_cast<unsigned char*>(again[i])[499] == i % 251);
    give(again, 500);
}

BOOST_AUTO_TEST_SUITE_END()
