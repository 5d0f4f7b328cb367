// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/worker.hpp"

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/test/unit_test.hpp>

using namespace audisp_eql::collector;

namespace {

struct Collected final : MessageSink {
    void on_message(const Message& message) override { texts.emplace_back(message.bytes); }
    std::vector<std::string> texts;
};

void push(Ring& ring, const std::string& text) {
    Message message{};
    message.kind = MessageKind::audit_line;
    message.bytes = text;
    BOOST_REQUIRE(ring.push(message));
    ring.publish();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(agent)

BOOST_AUTO_TEST_CASE(worker_takes_everything_in_order_and_ends) {
    constexpr int kMessages = 3 * Worker::kMessagesPerTurn + 7;
    boost::asio::io_context io{1};
    Ring ring(std::size_t{1} << 20);
    Collected collected;
    std::atomic<bool> finished{false};
    bool ended = false;
    Worker worker(io, ring, collected, [&] { return finished.load(); });
    worker.start([&] { ended = true; });
    // With pauses: the worker sleeps on the ring and is woken; the last is pushed just before the
    // end is told.
    std::thread reader([&] {
        for (int i = 0; i < kMessages; ++i) {
            push(ring, std::to_string(i));
            if (i % 500 == 0)
                std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
        finished = true;
        ring.wake();
    });
    io.run();
    reader.join();
    BOOST_TEST(ended);
    BOOST_REQUIRE(collected.texts.size() == std::size_t{kMessages});
    for (int i = 0; i < kMessages; ++i)
        BOOST_REQUIRE(collected.texts[static_cast<std::size_t>(i)] == std::to_string(i));
}

BOOST_AUTO_TEST_CASE(worker_lets_others_have_their_turn) {
    boost::asio::io_context io{1};
    Ring ring(std::size_t{1} << 20);
    Collected collected;
    Worker worker(io, ring, collected, [] { return true; });
    for (int i = 0; i < 2 * Worker::kMessagesPerTurn; ++i)
        push(ring, "x");
    std::size_t seen_by_other = 0;
    worker.start([] {});
    boost::asio::post(io, [&] { seen_by_other = collected.texts.size(); });
    io.run();
    BOOST_TEST(seen_by_other == std::size_t{Worker::kMessagesPerTurn});
    BOOST_TEST(collected.texts.size() == std::size_t{Worker::kMessagesPerTurn} * 2);
}

BOOST_AUTO_TEST_CASE(worker_passes_the_consumers_trouble_on) {
    struct Broken final : MessageSink {
        void on_message(const Message&) override { throw std::runtime_error("broken"); }
    } broken;
    boost::asio::io_context io{1};
    Ring ring(std::size_t{1} << 20);
    push(ring, "x");
    Worker worker(io, ring, broken, [] { return true; });
    worker.start([] {});
    BOOST_CHECK_THROW(io.run(), std::runtime_error);
}

BOOST_AUTO_TEST_SUITE_END()
