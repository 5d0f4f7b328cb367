// SPDX-License-Identifier: Apache-2.0
// How much memory the program uses, and whether that comes near its ceiling.
//
// Two counts. What is alive, by the heap's own words (mallinfo2) and the record pool's, so that
// nothing that grows is missed, whoever owns it. And what the system says is resident: pieces that
// are kept for one use are none for another, and a storm of one kind comes after one of another.
// Memory: none. Threads: the worker's, whose record pool is looked at.
#pragma once

#include <cstddef>

namespace audisp_eql::collector {

class MemoryGuard {
  public:
    // Asked again after so many bytes of messages (a message counts kMessageBytes more: a fork's
    // has 72 bytes and makes a process of a kilobyte). What one such portion can add is a few times
    // as much, and far less than what lies between the mark and the ceiling.
    static constexpr std::size_t kPortion = std::size_t{1} << 20;
    static constexpr std::size_t kMessageBytes = 512;
    // Beside the ring: pages of the program and its libraries (measured: 11.6 MiB), and what is
    // added before the next look, a table that grows among it (measured: 7 MiB).
    static constexpr std::size_t kElsewhere = std::size_t{24} << 20;

    // `ceiling`: bytes; 0: none.
    explicit MemoryGuard(std::size_t ceiling);

    // A message with so many bytes was worked off: true if memory is short now.
    bool is_short(std::size_t bytes) {
        if (ceiling_ == 0)
            return false;
        since_ += bytes + kMessageBytes;
        return since_ >= kPortion && look();
    }
    // True until enough was let go that it need not be done again at once. Gives what is free back
    // to the system where that matters.
    bool wants_less() const;

    // Bytes in use now, of the whole program.
    static std::size_t used();
    // Bytes of memory that are this process's own, in use or not.
    static std::size_t resident();
    // From here on something is let go. Between it and the ceiling lie what the pool keeps unused,
    // the program itself and its libraries.
    std::size_t mark() const { return mark_; }

  private:
    bool look();

    std::size_t ceiling_, mark_;
    std::size_t most_resident_;
    std::size_t since_ = 0;
};

// Once what only a start does is done: pages of the program's and the libraries' code are this
// process's no more until they are run again, and what the heap keeps unused is the system's.
void let_go_of_start();

}  // namespace audisp_eql::collector
