// SPDX-License-Identifier: Apache-2.0
#include "detect/event/pool.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <new>
#include <type_traits>

namespace audisp_eql::detect {

namespace {

// Lists of free pieces, one for each size. std::pmr's pool does the same in ten times as many
// instructions, since it finds the owner of each piece that comes back.
class RecordPool final : public std::pmr::memory_resource {
  public:
    ~RecordPool() override = default;
    RecordPoolUse use() const { return use_; }

  private:
    // Events have some 150 bytes, blocks some 500; an argument list of 8 KiB has its block in the
    // largest class, and what is larger still is rare.
    static constexpr std::size_t kStep = 64;
    static constexpr std::size_t kLargest = 16 * 1024;
    static constexpr std::size_t kChunkBytes = 64 * 1024;

    struct Piece {
        Piece* next;
    };
    static std::size_t class_of(std::size_t size) { return (size + kStep - 1) / kStep; }

    void* do_allocate(std::size_t size, std::size_t alignment) override {
        if (size > kLargest || alignment > alignof(std::max_align_t))
            return take_large(size, alignment);
        use_.live += class_of(size) * kStep;
        Piece*& free = free_[class_of(size)];
        if (!free)
            return cut(class_of(size) * kStep);
        Piece* const piece = free;
        free = piece->next;
        return piece;
    }
    void do_deallocate(void* memory, std::size_t size, std::size_t alignment) override {
        if (size > kLargest || alignment > alignof(std::max_align_t)) {
            // Without the size: clang 14 has sized deallocation only where it is asked for.
            ::operator delete(memory, std::align_val_t(alignment));
            use_.live -= size;
            use_.reserved -= size;
            return;
        }
        use_.live -= class_of(size) * kStep;
        Piece*& free = free_[class_of(size)];
        free = new (memory) Piece{free};
    }
    bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override {
        return this == &other;
    }
    void* take_large(std::size_t size, std::size_t alignment) {
        void* const memory = ::operator new(size, std::align_val_t(alignment));
        use_.live += size;
        use_.reserved += size;
        return memory;
    }
    void* cut(std::size_t size) {
        if (size > left_) {
            rest_ = static_cast<char*>(::operator new(kChunkBytes));
            left_ = kChunkBytes;
            use_.reserved += kChunkBytes;
        }
        void* const piece = rest_;
        rest_ += size;
        left_ -= size;
        return piece;
    }

    std::array<Piece*, kLargest / kStep + 1> free_{};
    char* rest_ = nullptr;
    std::size_t left_ = 0;
    RecordPoolUse use_;
};

// For sanitizers: the same counts, and each piece its own allocation.
class [[maybe_unused]] PlainPool final : public std::pmr::memory_resource {
  public:
    RecordPoolUse use() const { return use_; }

  private:
    void* do_allocate(std::size_t size, std::size_t alignment) override {
        use_.live = use_.reserved += size;
        return ::operator new(size, std::align_val_t(alignment));
    }
    void do_deallocate(void* memory, std::size_t size, std::size_t alignment) override {
        use_.live = use_.reserved -= size;
        ::operator delete(memory, std::align_val_t(alignment));
    }
    bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override {
        return this == &other;
    }

    RecordPoolUse use_;
};

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
using Pool = PlainPool;
#else
using Pool = RecordPool;
#endif

// A pool outlives its thread: the rules that a thread has built hold pieces of it.
struct KeptPool {
    Pool pool;
    KeptPool* next = nullptr;
};
std::atomic<KeptPool*> kept_pools{nullptr};

Pool* keep_pool() {
    auto* const kept = new KeptPool();
    kept->next = kept_pools.load();
    while (!kept_pools.compare_exchange_weak(kept->next, kept)) {
    }
    return &kept->pool;
}

Pool& pool_of_thread() {
    thread_local Pool* const pool = keep_pool();
    return *pool;
}

// What another thread's pool gave is given back to this one's: a count may fall below nothing.
std::size_t at_least_nothing(std::size_t count) {
    return static_cast<std::make_signed_t<std::size_t>>(count) < 0 ? 0 : count;
}

}  // namespace

std::pmr::memory_resource& record_pool() {
    return pool_of_thread();
}

RecordPoolUse record_pool_use() {
    RecordPoolUse use = pool_of_thread().use();
    use.live = at_least_nothing(use.live);
    use.reserved = at_least_nothing(use.reserved);
    return use;
}

}  // namespace audisp_eql::detect
