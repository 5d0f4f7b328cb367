// SPDX-License-Identifier: Apache-2.0
#include "detect/event/pool.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <functional>
#include <new>
#include <type_traits>
#include <vector>

#include "detect/event/pool_trim.hpp"

namespace audisp_eql::detect {

namespace {

// Lists of free pieces, one for each size. std::pmr's pool does the same in ten times as many
// instructions, since it finds the owner of each piece that comes back.
class RecordPool final : public std::pmr::memory_resource {
  public:
    ~RecordPool() override = default;
    RecordPoolUse use() const { return use_; }

    // What is kept for one size is of no use to another: chunks of which nothing is in use go back
    // to the heap. Pieces of another thread's chunks lie in these lists, too, and stay.
    void trim() {
        std::ranges::sort(chunks_, {}, &Chunk::begin);
        for (Chunk& chunk : chunks_)
            chunk.free = 0;
        for (std::size_t kind = 1; kind < free_.size(); ++kind)
            for (const Piece* piece = free_[kind]; piece; piece = piece->next)
                if (Chunk* const chunk = chunk_of(piece))
                    chunk->free += kind * kStep;
        for (Piece*& list : free_)
            for (Piece** link = &list; *link;)
                if (const Chunk* const chunk = chunk_of(*link); chunk && is_unused(*chunk))
                    *link = (*link)->next;
                else
                    link = &(*link)->next;
        std::erase_if(chunks_, [this](const Chunk& chunk) {
            if (!is_unused(chunk))
                return false;
            ::operator delete(chunk.begin);
            use_.reserved -= kChunkBytes;
            return true;
        });
        found_ = 0;
    }

  private:
    // Events have some 150 bytes, blocks some 500; an argument list of 8 KiB has its block in the
    // largest class, and what is larger still is rare.
    static constexpr std::size_t kStep = 64;
    static constexpr std::size_t kLargest = 16 * 1024;
    static constexpr std::size_t kChunkBytes = 64 * 1024;

    struct Piece {
        Piece* next;
    };
    struct Chunk {
        char* begin;
        std::size_t cut;       // bytes of its pieces
        std::size_t free = 0;  // of them, as trim() counted
    };

    static std::size_t class_of(std::size_t size) { return (size + kStep - 1) / kStep; }
    // Among sorted ones. Neighbours in a list are often neighbours in memory.
    Chunk* chunk_of(const Piece* piece) {
        const auto* const place = reinterpret_cast<const char*>(piece);
        const auto has = [&](std::size_t at) {
            return at < chunks_.size() && !std::less<>{}(place, chunks_[at].begin) &&
                   std::less<>{}(place, chunks_[at].begin + kChunkBytes);
        };
        if (!has(found_))
            found_ = static_cast<std::size_t>(
                std::ranges::upper_bound(chunks_, place, std::less<>{}, &Chunk::begin) -
                chunks_.begin() - 1);
        return has(found_) ? &chunks_[found_] : nullptr;
    }
    static bool is_unused(const Chunk& chunk) { return chunk.free == chunk.cut; }

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
            if (rest_)
                chunks_.push_back({rest_ + left_ - kChunkBytes, kChunkBytes - left_});
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
    std::vector<Chunk> chunks_;  // but for the one that is cut now
    std::size_t found_ = 0;      // the chunk that chunk_of() found last
    char* rest_ = nullptr;
    std::size_t left_ = 0;
    RecordPoolUse use_;
};

// For sanitizers: the same counts, and each piece its own allocation.
class [[maybe_unused]] PlainPool final : public std::pmr::memory_resource {
  public:
    RecordPoolUse use() const { return use_; }
    void trim() {}

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
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
using Pool = PlainPool;
#else
using Pool = RecordPool;
#endif
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

void trim_record_pool() {
    pool_of_thread().trim();
}

}  // namespace audisp_eql::detect
