// SPDX-License-Identifier: Apache-2.0
// How much memory the program uses, and whether that comes near its ceiling.
//
// Counted is what is alive: pieces that the record pool keeps for later use are used again before
// the heap grows. The heap's own words are asked (mallinfo2), so that nothing that grows is missed,
// whoever owns it.
// Memory: none. Threads: the worker's, whose record pool is looked at.
#pragma once

#include <cstddef>

namespace audisp_eql::collector {

class MemoryGuard {
  public:
    // Asked again after so many bytes of messages (a message counts kMessageBytes more: a fork's
    // has 72 bytes and makes a process of a kilobyte). What one such portion can add is a few times
    // as much, and far less than what lies between the mark and the ceiling.
    static constexpr std::size_t kPortion = std::size_t{4} << 20;
    static constexpr std::size_t kMessageBytes = 512;

    // `ceiling`: bytes; 0: none.
    explicit MemoryGuard(std::size_t ceiling);

    // A message with so many bytes was worked off: true if memory is short now.
    bool is_short(std::size_t bytes) {
        if (ceiling_ == 0)
            return false;
        since_ += bytes + kMessageBytes;
        return since_ >= kPortion && look();
    }
    // True until enough was let go that it need not be done again at once.
    bool wants_less() const { return used() > mark_ - mark_ / 8; }

    // Bytes in use now, of the whole program.
    static std::size_t used();
    // From here on something is let go. Between it and the ceiling lie what the pool keeps unused,
    // the program itself and its libraries.
    std::size_t mark() const { return mark_; }

  private:
    bool look();

    std::size_t ceiling_, mark_;
    std::size_t since_ = 0;
};

}  // namespace audisp_eql::collector
