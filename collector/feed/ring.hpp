// SPDX-License-Identifier: Apache-2.0
// The bounded byte ring between the reader and the worker: one producer, one consumer.
//
// Holds whole messages (a small header and the payload), no pointers, at a fixed layout in one
// shared mapping, so that the two sides can become two processes. What is pushed shows to the
// consumer at publish(), so a drain arrives as a whole. The consumer is woken through an eventfd,
// and only if it said that it sleeps: no system call while it is busy.
//
// Memory: owns the mapping and the eventfd. A message that front() gave is a view on the ring, dead
// at release().
// Threads: push, publish and free_bytes are the producer's, front, release and the waiting calls
// the consumer's; wake() is anybody's.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "collector/feed/message.hpp"

namespace audisp_eql::collector {

class Ring {
  public:
    // Records of an exec take about 1.4 KiB here: 16 MiB hold 12,000 execs, which is three times
    // what the kernel's backlog of 32,768 records holds behind it, or a second and a half of the
    // hardest exec storm measured (8,000 a second).
    static constexpr std::size_t kDefaultBytes = std::size_t{16} << 20;
    // A ring that was emptied is filled from its beginning again once so much of it was used: what
    // a host that keeps up never reaches takes no memory. More than one drain of the feeds brings
    // (256 records of 9 KB, or 256 KiB of lines), because what is skipped is not free until then.
    static constexpr std::size_t kRewind = std::size_t{4} << 20;
    // More than any feed's message; a larger one is refused, never cut.
    static constexpr std::size_t kMaxPayload = std::size_t{64} << 10;

    // `bytes`: a power of two, at least 4 * kMaxPayload. Throws std::invalid_argument, or
    // std::system_error if the memory or the eventfd cannot be had.
    explicit Ring(std::size_t bytes = kDefaultBytes);
    ~Ring();
    Ring(const Ring&) = delete;
    Ring& operator=(const Ring&) = delete;

    // What a message with this payload takes in the ring.
    static constexpr std::size_t footprint(std::size_t payload) {
        return sizeof(Slot) + (payload + 7) / 8 * 8;
    }

    // Producer. False if it does not fit (counted); nothing is changed then.
    bool push(const Message& message);
    // Producer. Shows the consumer everything pushed so far, and wakes it if it sleeps: unless told
    // that it need not see this before something else does.
    void publish(bool wake_consumer = true);
    // Producer. Bytes that are surely free; a message of footprint n fits if this is >= 2n (the end
    // of the ring may have to be skipped).
    std::size_t free_bytes();

    // Consumer. False if there is none. The same message until release(). Where the bytes are no
    // message, the message is of a loss, and all that was published till then goes with it: where
    // the next one begins nobody knows.
    bool front(Message& message);
    void release();
    // Consumer. Call with the ring empty; true: wait until wait_descriptor() is readable, then
    // acknowledge_wake(). False: something arrived meanwhile, look again.
    bool prepare_wait();
    void acknowledge_wake();
    int wait_descriptor() const { return event_fd_; }

    // Makes a sleeping consumer look up (end of the feed).
    void wake();

    std::size_t capacity() const { return capacity_; }
    // Bytes in use. Any thread; a moment's view.
    std::size_t used_bytes() const;
    // Messages that did not fit. Any thread.
    std::uint64_t refused() const { return shared_->refused.load(std::memory_order_relaxed); }
    // Times that what lay there was no message. Any thread.
    std::uint64_t damaged() const { return shared_->damaged.load(std::memory_order_relaxed); }

  private:
    // What lies before each payload. Multiples of 8 bytes; a slot that only fills up the ring's end
    // has its first 8 bytes.
    struct Slot {
        std::uint32_t length;  // of the payload
        std::uint8_t kind;     // MessageKind, or kSkip
        std::uint8_t unused;
        std::uint16_t audit_type;
        std::int64_t mono_ns;
        std::int64_t real_ns;
    };
    static_assert(sizeof(Slot) == 24);
    static constexpr std::uint8_t kSkip = 0xff;

    // At the mapping's start. Positions count bytes since the beginning and never wrap (16 EiB).
    struct Shared {
        alignas(64) std::atomic<std::uint64_t> written;
        alignas(64) std::atomic<std::uint64_t> read;
        alignas(64) std::atomic<std::uint32_t> sleeping;
        std::atomic<std::uint64_t> refused;
        std::atomic<std::uint64_t> damaged;
    };
    static_assert(std::atomic<std::uint64_t>::is_always_lock_free);
    static constexpr std::size_t kHeaderBytes = 4096;
    static_assert(sizeof(Shared) <= kHeaderBytes);

    char* at(std::uint64_t position) const { return data_ + (position & (capacity_ - 1)); }
    // Up to where there are messages; every place is a multiple of 8.
    std::uint64_t written(std::memory_order order) const {
        return shared_->written.load(order) & ~std::uint64_t{7};
    }
    // False where what begins at `taken_` cannot be one; `slot` is filled then in part.
    bool read_slot(Slot& slot) const;
    void give_up(Message& message);

    std::size_t capacity_;
    Shared* shared_ = nullptr;
    char* data_ = nullptr;
    int event_fd_ = -1;

    // Each side's own places, on cache lines of their own.
    alignas(64) std::uint64_t pushed_ = 0;  // producer: written, maybe not published
    std::uint64_t known_read_ = 0;          // producer: last seen `read`
    alignas(64) std::uint64_t taken_ = 0;   // consumer: up to where it released
    std::uint64_t next_ = 0;                // consumer: up to where release() goes
    bool gave_up_ = false;                  // consumer: that is over what was no message
    std::uint64_t known_written_ = 0;       // consumer: last seen `written`
};

}  // namespace audisp_eql::collector
