// SPDX-License-Identifier: Apache-2.0
// Takes messages out of the ring and gives them to their consumer, on the worker's io_context.
//
// Memory: refers to the ring and the consumer, which must outlive it. Threads: the io_context's
// one.
#pragma once

#include <cstdint>
#include <functional>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "collector/feed/message.hpp"
#include "collector/feed/ring.hpp"

namespace audisp_eql::collector {

class Worker {
  public:
    // Outputs, timers and signals get their turn after as many messages: some 2 ms at most.
    static constexpr int kMessagesPerTurn = 512;

    // `finished`: the reader pushes no more; asked from the worker's thread.
    Worker(boost::asio::io_context& io, Ring& ring, MessageSink& consumer,
           std::function<bool()> finished);
    ~Worker();

    // `on_end` runs once, when the reader has finished and the last message is consumed. What the
    // consumer throws comes out of the io_context's run().
    void start(std::function<void()> on_end);

  private:
    boost::asio::awaitable<void> consume();
    // False when the ring is empty.
    bool take_turn();

    boost::asio::io_context& io_;
    Ring& ring_;
    MessageSink& consumer_;
    std::function<bool()> finished_;
    boost::asio::posix::stream_descriptor wake_;  // the ring's descriptor, which stays the ring's
};

}  // namespace audisp_eql::collector
