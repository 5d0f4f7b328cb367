// SPDX-License-Identifier: Apache-2.0
#include "detect/event/pool.hpp"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>
#include <vector>

#include <sys/mman.h>

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
    // to the system, and their places wait to be cut anew.
    void trim() {
        for (Chunk* const chunk : chunks_)
            chunk->free = 0;
        for (std::size_t kind = 1; kind < free_.size(); ++kind)
            for (const Piece* piece = free_[kind]; piece; piece = piece->next)
                // Another thread's pool may just be cutting its own.
                if (Chunk& chunk = chunk_of(piece); chunk.owner == this)
                    chunk.free += kind * kStep;
        for (Piece*& list : free_)
            for (Piece** link = &list; *link;)
                if (is_unused(chunk_of(*link)))
                    *link = (*link)->next;
                else
                    link = &(*link)->next;
        std::erase_if(chunks_, [this](Chunk* chunk) {
            if (!is_unused(*chunk))
                return false;
            places_.push_back(chunk);
            ::madvise(chunk, kChunkBytes, MADV_DONTNEED);
            use_.reserved -= kChunkBytes;
            return true;
        });
    }

  private:
    // Events have some 150 bytes, blocks some 500; an argument list of 8 KiB has its block in the
    // largest class, and what is larger still is rare.
    static constexpr std::size_t kStep = 64;
    static constexpr std::size_t kLargest = 16 * 1024;
    static constexpr std::size_t kChunkBytes = 64 * 1024;
    static constexpr std::size_t kRegionBytes = 16 * kChunkBytes;

    struct Piece {
        Piece* next;
    };
    // Lies at a chunk's start, where the address of each of its pieces leads to.
    struct Chunk {
        RecordPool* owner;
        std::size_t cut = 0;   // bytes of its pieces
        std::size_t free = 0;  // of them, as trim() counted
    };
    static_assert(sizeof(Chunk) <= kStep);

    static std::size_t class_of(std::size_t size) { return (size + kStep - 1) / kStep; }
    static Chunk& chunk_of(const Piece* piece) {
        return *reinterpret_cast<Chunk*>(reinterpret_cast<std::uintptr_t>(piece) &
                                         ~std::uintptr_t{kChunkBytes - 1});
    }
    bool is_unused(const Chunk& chunk) const {
        return chunk.owner == this && chunk.free == chunk.cut && &chunk != current_;
    }

    void* do_allocate(std::size_t size, std::size_t alignment) override {
        if (size > kLargest || alignment > alignof(std::max_align_t))
            return ::operator new(size, std::align_val_t(alignment));
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
            return;
        }
        use_.live -= class_of(size) * kStep;
        Piece*& free = free_[class_of(size)];
        free = new (memory) Piece{free};
    }
    bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override {
        return this == &other;
    }
    void* cut(std::size_t size) {
        if (!current_ || kStep + current_->cut + size > kChunkBytes)
            begin_chunk();
        void* const piece = reinterpret_cast<char*>(current_) + kStep + current_->cut;
        current_->cut += size;
        return piece;
    }
    void begin_chunk() {
        if (places_.empty())
            map_region();
        current_ = new (places_.back()) Chunk{this};
        places_.pop_back();
        chunks_.push_back(current_);
        use_.reserved += kChunkBytes;
    }
    // Not from the heap, which would not give a chunk's pages back.
    void map_region() {
        void* const memory = ::mmap(nullptr, kRegionBytes + kChunkBytes, PROT_READ | PROT_WRITE,
                                    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED)
            throw std::bad_alloc();
        char* const first = static_cast<char*>(memory) + kChunkBytes - 1;
        char* const begin = first - reinterpret_cast<std::uintptr_t>(first) % kChunkBytes;
        for (std::size_t end = kRegionBytes; end != 0; end -= kChunkBytes)
            places_.push_back(begin + end - kChunkBytes);
    }

    std::array<Piece*, kLargest / kStep + 1> free_{};
    Chunk* current_ = nullptr;
    std::vector<Chunk*> chunks_;
    std::vector<void*> places_;  // for chunks
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
