// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/memory_guard.hpp"

#include <cstdio>
#include <fcntl.h>
#include <link.h>
#include <malloc.h>
#include <unistd.h>

#include <sys/mman.h>

#include "collector/feed/ring.hpp"
#include "detect/event/pool.hpp"
#include "detect/event/pool_trim.hpp"

namespace audisp_eql::collector {
namespace {

#if __GLIBC_PREREQ(2, 33)
struct mallinfo2 heap_now() {
    return ::mallinfo2();
}
#else
struct Heap {
    std::size_t arena, uordblks, hblkhd;
};
// Older ones count in int, which wraps: right up to 4 GiB.
Heap heap_now() {
    const struct mallinfo heap = ::mallinfo();
    const auto whole = [](int bytes) -> std::size_t { return static_cast<unsigned>(bytes); };
    return {whole(heap.arena), whole(heap.uordblks), whole(heap.hblkhd)};
}
#endif

}  // namespace

MemoryGuard::MemoryGuard(std::size_t ceiling)
    : ceiling_(ceiling),
      mark_(ceiling / 3 * 2 - Ring::kDefaultBytes),
      most_resident_(ceiling - Ring::kDefaultBytes - kElsewhere) {}

bool MemoryGuard::look() {
    since_ = 0;
    return used() > mark_ || resident() > most_resident_;
}

bool MemoryGuard::wants_less() const {
    if (used() > mark_ - mark_ / 8)
        return true;
    const std::size_t enough = most_resident_ - most_resident_ / 16;
    if (resident() <= enough)
        return false;
    detect::trim_record_pool();
    ::malloc_trim(0);
    return resident() > enough;
}

std::size_t MemoryGuard::used() {
    const auto heap = heap_now();
    const detect::RecordPoolUse pool = detect::record_pool_use();
    const std::size_t taken = heap.uordblks + heap.hblkhd;
    // A sanitizer's heap says nothing: then the pool is all that is known.
    return taken < pool.reserved ? pool.live : taken - pool.reserved + pool.live;
}

void let_go_of_start() {
    ::malloc_trim(0);
    // Code is never written to: what is needed again comes from the file, sixteen pages at once.
    ::dl_iterate_phdr(
        [](dl_phdr_info* object, std::size_t, void*) {
            const auto page = static_cast<ElfW(Addr)>(::sysconf(_SC_PAGESIZE));
            for (int i = 0; i < object->dlpi_phnum; ++i) {
                const ElfW(Phdr)& part = object->dlpi_phdr[i];
                if (part.p_type != PT_LOAD || (part.p_flags & PF_X) == 0 ||
                    (part.p_flags & PF_W) != 0)
                    continue;
                const ElfW(Addr) begin = (object->dlpi_addr + part.p_vaddr) / page * page;
                const ElfW(Addr) end = object->dlpi_addr + part.p_vaddr + part.p_memsz;
                ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
            }
            return 0;
        },
        nullptr);
}

std::size_t MemoryGuard::resident() {
    if (heap_now().arena == 0)
        return 0;  // most of it is a sanitizer's
    char text[128] = {};
    const int file = ::open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return 0;
    const ssize_t size = ::read(file, text, sizeof text - 1);
    ::close(file);
    unsigned long all = 0, pages = 0, shared = 0;
    if (size <= 0 || std::sscanf(text, "%lu %lu %lu", &all, &pages, &shared) != 3)
        return 0;
    return (pages - shared) * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace audisp_eql::collector
