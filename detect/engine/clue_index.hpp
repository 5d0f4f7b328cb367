// SPDX-License-Identifier: Apache-2.0
// From the texts of an event to the candidates that it may concern. What is found may be too much
// (case, parts of texts and hashes are all that is compared), never too little.
//
// A candidate is filed under one of its lists of clues, the one whose texts fewest candidates
// name: what many rules name (bash, /usr/bin/) is what ordinary work shows all the time.
//
// Memory: owns the index. Threads: read-only once made.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "detect/engine/clue.hpp"
#include "detect/event/event.hpp"

namespace audisp_eql::detect {

// A set of small numbers, gone through from the least to the largest.
class NumberSet {
  public:
    void resize(std::size_t numbers) { words_.resize((numbers + 63) / 64); }
    // None of so many numbers.
    void clear(std::size_t numbers) { words_.assign((numbers + 63) / 64, 0); }
    // `others` has as many numbers at most.
    void add(const NumberSet& others) {
        for (std::size_t i = 0; i < others.words_.size(); ++i)
            words_[i] |= others.words_[i];
    }
    void add(std::uint32_t number) { words_[number / 64] |= std::uint64_t{1} << (number % 64); }
    void remove(std::size_t number) { words_[number / 64] &= ~(std::uint64_t{1} << (number % 64)); }
    template <typename Each>
    void for_each(Each&& each) const {
        for (std::size_t i = 0; i < words_.size(); ++i) {
            for (std::uint64_t word = words_[i]; word != 0; word &= word - 1)
                each(i * 64 + static_cast<std::size_t>(__builtin_ctzll(word)));
        }
    }

  private:
    std::vector<std::uint64_t> words_;
};

class ClueIndex;

// What was found in blocks that many events share: what a process runs is looked through once, not
// for each of its events and each of its children's. Working memory of an engine.
class FoundInBlocks {
  public:
    void clear() { slots_ = {}; }

  private:
    friend class ClueIndex;
    // Made for one index, layer and block, which is kept so that no other takes its place.
    struct Slot {
        const ClueIndex* index = nullptr;
        Layer layer{};
        BlockPtr block;
        NumberSet found;
    };
    // A few dozen programs do most of what a host does; and so few images, a kilobyte or two each,
    // may outlive their processes.
    static constexpr std::size_t kSlots = 256;

    std::vector<Slot> slots_;  // by hash; empty until one is asked for
};

class ClueIndex {
  public:
    ClueIndex() = default;
    // By candidate: the lists of clues of its condition. `sketched`: see find_by_sketch().
    ClueIndex(const std::vector<std::vector<Clues>>& candidates, std::span<const Layer> sketched);

    // The candidates that the event may concern, those without clues among them. `found` and
    // `in_blocks` are an engine's working memory; what is in `in_blocks` must not outlive the
    // index.
    void find(const Event& event, FoundInBlocks& in_blocks, NumberSet& found) const;
    // The same where only the sketched layers of the event are there: those whose clues lie in
    // other layers are among them.
    void find_by_sketch(const Event& sketch, FoundInBlocks& in_blocks, NumberSet& found) const;

  private:
    // Of a text that stands somewhere in a value, so many bytes are looked up: enough to be rare,
    // few enough that most patterns have them.
    static constexpr std::size_t kPieceBytes = 4;
    // Which texts of a field are looked up.
    struct Field {
        FieldId field{};
        // A bit for the length and the ends of each whole text: most values are none of them.
        std::vector<std::uint64_t> wholes;
        unsigned whole_shift = 0;
        // By length (1 to kPieceBytes - 1): shorter beginnings and ends than a piece.
        bool short_ones = false;  // any of these
        bool starts[kPieceBytes] = {};
        bool ends[kPieceBytes] = {};
        // A bit for the hash of each piece that candidates are filed under: most pieces of a value
        // are not looked up. Empty without pieces.
        std::vector<std::uint64_t> pieces;
        unsigned piece_shift = 0;
    };
    struct Filed {
        std::uint32_t first;
        std::uint32_t count;
    };
    struct Builder;
    struct KeyHash {
        using is_avalanching = void;
        std::size_t operator()(std::uint64_t key) const { return key; }  // a hash already
    };

    // The fields of one sketched layer.
    struct SharedLayer {
        Layer layer;
        std::vector<Field> fields;
    };

    void find_shared(const Event& event, FoundInBlocks& in_blocks, NumberSet& found) const;
    void look_at(const Field& field, const Event& event, NumberSet& found) const;
    void look_up(std::uint64_t key, NumberSet& found) const;
    void find_whole(const Field& field, std::string_view text, NumberSet& found) const;
    void find_short(const Field& field, std::string_view text, NumberSet& found) const;
    void find_pieces(const Field& field, std::string_view text, NumberSet& found) const;

    std::vector<SharedLayer> shared_;
    std::vector<Field> fields_;  // of the other layers
    boost::unordered_flat_map<std::uint64_t, Filed, KeyHash> filed_;
    std::vector<std::uint32_t> candidates_;  // of each key, one after the other
    NumberSet always_;                       // those without clues
    NumberSet open_;                         // and those with clues beyond the sketched layers
    std::size_t size_ = 0;                   // candidates in all
};

}  // namespace audisp_eql::detect
