// SPDX-License-Identifier: Apache-2.0
#include "collector/feed/ring.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>
#include <stdexcept>
#include <string>
#include <unistd.h>
#include <utility>

#include <sys/eventfd.h>
#include <sys/mman.h>
#include <system_error>

#include "collector/feed/loss.hpp"

namespace audisp_eql::collector {

Ring::Ring(std::size_t bytes) : capacity_(bytes) {
    if (bytes < 4 * kMaxPayload || (bytes & (bytes - 1)) != 0)
        throw std::invalid_argument("the ring's size must be a power of two of at least 256 KiB");
    void* memory = ::mmap(nullptr, kHeaderBytes + bytes, PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        throw std::system_error(errno, std::generic_category(), "memory for the feed's ring");
    event_fd_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (event_fd_ < 0) {
        const int error = errno;
        ::munmap(memory, kHeaderBytes + bytes);
        throw std::system_error(error, std::generic_category(), "eventfd for the feed's ring");
    }
    shared_ = new (memory) Shared{};
    data_ = static_cast<char*>(memory) + kHeaderBytes;
}

Ring::~Ring() {
    ::close(event_fd_);
    ::munmap(shared_, kHeaderBytes + capacity_);
}

std::size_t Ring::free_bytes() {
    known_read_ = shared_->read.load(std::memory_order_acquire);
    return capacity_ - static_cast<std::size_t>(pushed_ - known_read_);
}

bool Ring::push(const Message& message) {
    const std::size_t size = footprint(message.bytes.size());
    const std::size_t to_end = capacity_ - static_cast<std::size_t>(pushed_ & (capacity_ - 1));
    // Payloads are contiguous: what does not fit before the ring's end begins anew. So does what
    // finds the ring empty.
    const bool rewinds =
        capacity_ - to_end >= kRewind && shared_->read.load(std::memory_order_acquire) == pushed_;
    const std::size_t skip = to_end < size || rewinds ? to_end : 0;
    if (message.bytes.size() > kMaxPayload ||
        (capacity_ - static_cast<std::size_t>(pushed_ - known_read_) < skip + size &&
         free_bytes() < skip + size)) {
        shared_->refused.fetch_add(1, std::memory_order_relaxed);
        return false;
    }
    Slot slot{};
    if (skip != 0) {
        slot.kind = kSkip;
        std::memcpy(at(pushed_), &slot, 8);
        pushed_ += skip;
    }
    slot.length = static_cast<std::uint32_t>(message.bytes.size());
    slot.kind = static_cast<std::uint8_t>(message.kind);
    slot.audit_type = message.audit_type;
    slot.mono_ns = message.mono_ns;
    slot.real_ns = message.real_ns;
    std::memcpy(at(pushed_), &slot, sizeof slot);
    if (!message.bytes.empty())
        std::memcpy(at(pushed_) + sizeof slot, message.bytes.data(), message.bytes.size());
    pushed_ += size;
    return true;
}

// The producer stores `written` and then looks at `sleeping`; the consumer stores `sleeping` and
// then looks at `written`. Sequential consistency makes one of them see the other.
void Ring::publish(bool wake_consumer) {
    shared_->written.store(pushed_, std::memory_order_seq_cst);
    if (wake_consumer && shared_->sleeping.load(std::memory_order_seq_cst) != 0)
        wake();
}

void Ring::wake() {
    shared_->sleeping.store(0, std::memory_order_seq_cst);
    const std::uint64_t one = 1;
    // Fails only if the counter is full, and then the consumer is awake already.
    [[maybe_unused]] const auto written = ::write(event_fd_, &one, sizeof one);
}

// The mapping is shared with another process: what it says of lengths is looked at before it is
// used.
bool Ring::read_slot(Slot& slot) const {
    const std::uint64_t published = known_written_ - taken_;
    if (published > capacity_)
        return false;
    const std::size_t to_end = capacity_ - static_cast<std::size_t>(taken_ & (capacity_ - 1));
    std::memcpy(&slot, at(taken_), 8);
    if (slot.kind == kSkip)
        return published >= to_end;
    const std::size_t room = std::min<std::size_t>(published, to_end);
    if (slot.kind > static_cast<std::uint8_t>(MessageKind::loss) || slot.length > kMaxPayload ||
        footprint(slot.length) > room)
        return false;
    std::memcpy(&slot, at(taken_), sizeof slot);
    return true;
}

void Ring::give_up(Message& message) {
    static const std::string told = loss_text(gap_source::kRing, 1, true, 0);
    if (!std::exchange(gave_up_, true))
        shared_->damaged.fetch_add(1, std::memory_order_relaxed);
    next_ = known_written_;
    message = {};
    message.kind = MessageKind::loss;
    message.bytes = told;
}

bool Ring::front(Message& message) {
    for (;;) {
        if (taken_ == known_written_) {
            known_written_ = written(std::memory_order_acquire);
            if (taken_ == known_written_)
                return false;
        }
        Slot slot{};
        if (!read_slot(slot)) {
            give_up(message);
            return true;
        }
        if (slot.kind == kSkip) {
            taken_ += capacity_ - (taken_ & (capacity_ - 1));
            shared_->read.store(taken_, std::memory_order_release);
            continue;
        }
        message.kind = static_cast<MessageKind>(slot.kind);
        message.audit_type = slot.audit_type;
        message.mono_ns = slot.mono_ns;
        message.real_ns = slot.real_ns;
        message.bytes = std::string_view(at(taken_) + sizeof slot, slot.length);
        next_ = taken_ + footprint(slot.length);
        return true;
    }
}

void Ring::release() {
    gave_up_ = false;
    taken_ = next_;
    shared_->read.store(taken_, std::memory_order_release);
}

bool Ring::prepare_wait() {
    shared_->sleeping.store(1, std::memory_order_seq_cst);
    if (written(std::memory_order_seq_cst) == taken_)
        return true;
    shared_->sleeping.store(0, std::memory_order_seq_cst);
    return false;
}

void Ring::acknowledge_wake() {
    std::uint64_t count = 0;
    [[maybe_unused]] const auto got = ::read(event_fd_, &count, sizeof count);
}

std::size_t Ring::used_bytes() const {
    // `read` first: it can only grow meanwhile, so the difference is never negative.
    const std::uint64_t read = shared_->read.load(std::memory_order_acquire);
    return static_cast<std::size_t>(shared_->written.load(std::memory_order_acquire) - read);
}

}  // namespace audisp_eql::collector
