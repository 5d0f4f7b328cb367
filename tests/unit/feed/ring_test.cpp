// SPDX-License-Identifier: Apache-2.0
#include "collector/feed/ring.hpp"

#include <cstring>
#include <poll.h>
#include <random>
#include <stdexcept>
#include <string>
#include <thread>

#include <boost/test/unit_test.hpp>

namespace audisp_eql::collector {
namespace {

constexpr std::size_t kSmall = std::size_t{256} << 10;

Message message(MessageKind kind, std::string_view bytes, std::int64_t mono = 0) {
    Message made{};
    made.kind = kind;
    made.mono_ns = mono;
    made.bytes = bytes;
    return made;
}

bool readable(int fd, int wait_ms) {
    pollfd waiting{fd, POLLIN, 0};
    return ::poll(&waiting, 1, wait_ms) == 1;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(feed)

BOOST_AUTO_TEST_CASE(ring_keeps_a_message_as_it_was) {
    Ring ring(kSmall);
    Message in = message(MessageKind::audit_record, "audit(1.000:1): x", 7);
    in.audit_type = 1300;
    in.real_ns = 9;
    BOOST_TEST(ring.push(in));
    Message out{};
    BOOST_TEST(!ring.front(out));  // not published yet
    ring.publish();
    BOOST_REQUIRE(ring.front(out));
    BOOST_TEST(static_cast<int>(out.kind) == static_cast<int>(MessageKind::audit_record));
    BOOST_TEST(out.audit_type == 1300);
    BOOST_TEST(out.mono_ns == 7);
    BOOST_TEST(out.real_ns == 9);
    BOOST_TEST(out.bytes == "audit(1.000:1): x");
    ring.release();
    BOOST_TEST(!ring.front(out));
    BOOST_TEST(ring.used_bytes() == 0U);
}

BOOST_AUTO_TEST_CASE(ring_refuses_when_full_and_goes_on_after) {
    Ring ring(kSmall);
    const std::string payload(1000, 'a');
    std::size_t pushed = 0;
    while (ring.push(message(MessageKind::audit_line, payload)))
        ++pushed;
    BOOST_TEST(pushed == kSmall / Ring::footprint(payload.size()));
    BOOST_TEST(ring.refused() == 1U);
    ring.publish();
    Message out{};
    BOOST_REQUIRE(ring.front(out));
    ring.release();
    BOOST_REQUIRE(ring.front(out));
    ring.release();
    // Two places are free, one of them lost to the ring's end.
    BOOST_TEST(ring.push(message(MessageKind::audit_line, payload)));
    ring.publish();
    std::size_t taken = 0;
    for (; ring.front(out); ring.release(), ++taken)
        BOOST_REQUIRE(out.bytes == payload);
    BOOST_TEST(taken == pushed - 2 + 1);
}

BOOST_AUTO_TEST_CASE(ring_refuses_what_no_feed_sends_and_wrong_sizes) {
    Ring ring(kSmall);
    BOOST_TEST(!ring.push(message(MessageKind::audit_line, std::string(70'000, 'x'))));
    BOOST_TEST(ring.refused() == 1U);
    BOOST_CHECK_THROW(Ring(kSmall + 8), std::invalid_argument);
    BOOST_CHECK_THROW(Ring(4096), std::invalid_argument);
}

// Every length and every kind that may stand before a message, also at the ring's end.
BOOST_AUTO_TEST_CASE(ring_gives_up_what_is_no_message_and_goes_on) {
    for (const std::size_t before : {std::size_t{0}, kSmall - 64}) {
        for (const std::uint64_t head : {std::uint64_t{0xffffffff}, std::uint64_t{kSmall},
                                         std::uint64_t{Ring::kMaxPayload + 1}, std::uint64_t{200},
                                         std::uint64_t{0x77} << 32}) {
            Ring ring(kSmall);
            Message out{};
            for (std::size_t used = 0; used < before; used += Ring::footprint(40)) {
                BOOST_REQUIRE(ring.push(message(MessageKind::clock, std::string(40, 'b'))));
                ring.publish();
                BOOST_REQUIRE(ring.front(out));
                ring.release();
            }
            ring.push(message(MessageKind::audit_line, "first"));
            ring.push(message(MessageKind::audit_line, "second"));
            ring.publish();
            BOOST_REQUIRE(ring.front(out));
            // The header lies right before the payload.
            std::memcpy(const_cast<char*>(out.bytes.data()) - 24, &head, sizeof head);
            BOOST_REQUIRE(ring.front(out));
            BOOST_TEST(static_cast<int>(out.kind) == static_cast<int>(MessageKind::loss));
            BOOST_TEST(out.bytes == "feed=ring count=1 at_least=1");
            BOOST_TEST(ring.damaged() == 1U);
            BOOST_REQUIRE(ring.front(out));  // the same
            BOOST_TEST(ring.damaged() == 1U);
            ring.release();
            BOOST_TEST(!ring.front(out));
            BOOST_TEST(ring.used_bytes() == 0U);
            BOOST_TEST(ring.push(message(MessageKind::audit_line, "third")));
            ring.publish();
            BOOST_REQUIRE(ring.front(out));
            BOOST_TEST(out.bytes == "third");
            ring.release();
        }
    }
}

BOOST_AUTO_TEST_CASE(ring_wakes_only_a_sleeper) {
    Ring ring(kSmall);
    ring.push(message(MessageKind::clock, {}));
    ring.publish();
    BOOST_TEST(!readable(ring.wait_descriptor(), 0));  // nobody slept
    BOOST_TEST(!ring.prepare_wait());                  // and there is something to read
    Message out{};
    BOOST_REQUIRE(ring.front(out));
    ring.release();
    BOOST_TEST(ring.prepare_wait());
    ring.push(message(MessageKind::clock, {}));
    BOOST_TEST(!readable(ring.wait_descriptor(), 0));
    ring.publish();
    BOOST_TEST(readable(ring.wait_descriptor(), 0));
    ring.acknowledge_wake();
    BOOST_TEST(!readable(ring.wait_descriptor(), 0));
}

// Two threads, sizes that wrap at every offset; the consumer sleeps whenever it can. A lost wake-up
// shows as the time-out, a torn message as a wrong byte.
BOOST_AUTO_TEST_CASE(ring_under_two_threads) {
    constexpr std::uint64_t kMessages = 200'000;
    Ring ring(kSmall);
    std::thread producer([&] {
        std::mt19937 random(1);  // NOLINT: the same sizes each run
        std::string payload;
        for (std::uint64_t i = 0; i < kMessages;) {
            payload.assign(random() % 400, static_cast<char>('a' + i % 26));
            if (ring.push(message(MessageKind::audit_line, payload, static_cast<std::int64_t>(i))))
                ++i;
            else
                std::this_thread::yield();
            if (i % 7 == 0)
                ring.publish();
        }
        ring.publish();
    });
    std::uint64_t next = 0, wrong = 0;
    bool slept_forever = false;
    Message out{};
    while (next < kMessages && !slept_forever) {
        while (ring.front(out)) {
            wrong += out.mono_ns == static_cast<std::int64_t>(next) ? 0 : 1;
            for (const char byte : out.bytes)
                wrong += byte == static_cast<char>('a' + next % 26) ? 0 : 1;
            ++next;
            ring.release();
        }
        if (next < kMessages && ring.prepare_wait()) {
            slept_forever = !readable(ring.wait_descriptor(), 20'000);
            ring.acknowledge_wake();
        }
    }
    // The producer may wait for room that nobody makes any more.
    while (slept_forever && next < kMessages)
        for (; ring.front(out); ++next)
            ring.release();
    producer.join();
    BOOST_TEST(!slept_forever);
    BOOST_TEST(next == kMessages);
    BOOST_TEST(wrong == 0U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace audisp_eql::collector
