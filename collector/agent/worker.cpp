// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/worker.hpp"

#include <exception>
#include <utility>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace audisp_eql::collector {
namespace asio = boost::asio;

Worker::Worker(asio::io_context& io, Ring& ring, MessageSink& consumer,
               std::function<bool()> finished)
    : io_(io),
      ring_(ring),
      consumer_(consumer),
      finished_(std::move(finished)),
      wake_(io, ring.wait_descriptor()) {}

Worker::~Worker() {
    wake_.release();
}

void Worker::start(std::function<void()> on_end) {
    auto ended = [on_end = std::move(on_end)](std::exception_ptr problem) {
        if (problem)
            std::rethrow_exception(problem);
        on_end();
    };
    asio::co_spawn(io_, consume(), std::move(ended));
}

bool Worker::take_turn() {
    Message message{};
    for (int i = 0; i < kMessagesPerTurn; ++i) {
        if (!ring_.front(message))
            return false;
        consumer_.on_message(message);
        ring_.release();
    }
    return true;
}

asio::awaitable<void> Worker::consume() {
    boost::system::error_code ignored;
    auto token = asio::redirect_error(asio::use_awaitable, ignored);
    for (;;) {
        // Asked before the ring is looked at: what was pushed before the end is still taken.
        const bool finished = finished_();
        if (take_turn()) {
            co_await asio::post(token);
        } else if (finished) {
            co_return;
        } else if (ring_.prepare_wait()) {
            co_await wake_.async_wait(asio::posix::stream_descriptor::wait_read, token);
            ring_.acknowledge_wake();
        }
    }
}

}  // namespace audisp_eql::collector
