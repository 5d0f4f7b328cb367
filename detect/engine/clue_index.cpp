// SPDX-License-Identifier: Apache-2.0
#include "detect/engine/clue_index.hpp"

#include <algorithm>
#include <bit>
#include <functional>
#include <string>
#include <unordered_map>
#include <utility>

#include "detect/text/fold.hpp"

namespace audisp_eql::detect {

namespace {

enum class Kind : std::uint64_t { whole = 1, start, end, piece };

constexpr std::uint64_t kSpread = 0x9e3779b97f4a7c15ULL;  // 2^64 divided by the golden ratio

std::uint64_t mixed(std::uint64_t bits) {
    bits = (bits ^ (bits >> 32)) * kSpread;
    return bits ^ (bits >> 29);
}

std::uint64_t key_of(FieldId field, Kind kind, std::uint64_t text) {
    return mixed(text ^
                 (static_cast<std::uint64_t>(field) << 8 | static_cast<std::uint64_t>(kind)) *
                     kSpread);
}

std::uint64_t key_of(FieldId field, Kind kind, std::string_view folded) {
    return key_of(field, kind, std::hash<std::string_view>{}(folded));
}

// As it rolls over a text: four bytes, the last one lowest.
std::uint32_t rolled(std::uint32_t piece, char next) {
    return (piece << 8) | static_cast<unsigned char>(next);
}

std::size_t bit_of(std::uint32_t mark, unsigned shift) {
    return (mark * 0x9e3779b1U) >> shift;
}

bool is_set(const std::vector<std::uint64_t>& bits, std::size_t bit) {
    return (bits[bit / 64] >> (bit % 64) & 1) != 0;
}

// Its length and its ends, case aside.
std::uint32_t mark_of(std::string_view text) {
    const auto byte = [](char c) {
        return static_cast<std::uint32_t>(static_cast<unsigned char>(fold(c)));
    };
    if (text.empty())
        return 0;
    return static_cast<std::uint32_t>(text.size()) << 16 ^ byte(text.front()) << 8 ^
           byte(text.back());
}

}  // namespace

// What the index is made of, while candidates are weighed against each other.
struct ClueIndex::Builder {
    // What one clue can be filed under: one key, or the keys of each of its pieces.
    struct Way {
        Kind kind;
        std::uint64_t key;
        std::uint32_t mark;  // kind piece: the piece; kind whole: mark_of
        std::size_t length;  // kind start and end
    };

    // None: the text is too short to be looked up.
    static std::vector<Way> ways(const Clue& clue) {
        using Where = RequiredText::Where;
        const std::string text = folded(clue.required.text);
        const Where where = clue.required.where;
        const auto one = [&](Kind kind) {
            return std::vector{
                Way{kind, key_of(clue.field, kind, text), mark_of(text), text.size()}};
        };
        if (where == Where::whole)
            return one(Kind::whole);
        if (text.size() < kPieceBytes) {
            if (text.empty() || where == Where::inside)
                return {};
            return one(where == Where::prefix ? Kind::start : Kind::end);
        }
        std::vector<Way> all;
        std::uint32_t piece = 0;
        for (std::size_t i = 0; i < text.size(); ++i) {
            piece = rolled(piece, text[i]);
            if (i + 1 >= kPieceBytes)
                all.push_back({Kind::piece, key_of(clue.field, Kind::piece, piece), piece, 0});
        }
        return all;
    }

    // How often candidates name it.
    std::unordered_map<std::uint64_t, std::uint32_t> named;

    void count(const Clues& clues) {
        for (const Clue& clue : clues) {
            for (const Way& way : ways(clue))
                ++named[way.key];
        }
    }

    // A short beginning or end is shown by many texts that no rule names, a piece by some.
    std::uint64_t weight(const Way& way) const {
        const std::uint64_t often = named.at(way.key);
        return way.kind == Kind::whole ? often : way.kind == Kind::piece ? 2 * often : 16 * often;
    }

    // The rarest way of each clue, and what all of them weigh. False if some clue has no way.
    bool best(const Clues& clues, std::vector<Way>& chosen, std::uint64_t& all) const {
        chosen.clear();
        all = 0;
        for (const Clue& clue : clues) {
            const std::vector<Way> offered = ways(clue);
            const auto rarest =
                std::min_element(offered.begin(), offered.end(),
                                 [&](const Way& a, const Way& b) { return weight(a) < weight(b); });
            if (rarest == offered.end())
                return false;
            all += weight(*rarest);
            chosen.push_back(*rarest);
        }
        return true;
    }

    std::unordered_map<std::uint64_t, std::vector<std::uint32_t>> filed;
    std::unordered_map<FieldId, std::vector<Way>> by_field;

    // False if it can be filed under nothing.
    bool file(std::uint32_t candidate, const std::vector<Clues>& lists) {
        std::vector<Way> chosen, lightest;
        const Clues* clues = nullptr;
        std::uint64_t least = 0;
        for (const Clues& list : lists) {
            std::uint64_t all = 0;
            if (!best(list, chosen, all) || (clues && all >= least))
                continue;
            clues = &list;
            least = all;
            lightest = chosen;
        }
        if (!clues)
            return false;
        for (std::size_t i = 0; i < lightest.size(); ++i) {
            auto& candidates = filed[lightest[i].key];
            if (candidates.empty() || candidates.back() != candidate)
                candidates.push_back(candidate);
            by_field[(*clues)[i].field].push_back(lightest[i]);
        }
        return true;
    }

    // One bit in 32 is set: so few of the others are looked up in vain.
    static void set_bits(const std::vector<Way>& ways, Kind kind, std::size_t count,
                         std::vector<std::uint64_t>& bits, unsigned& shift) {
        if (count == 0)
            return;
        const std::size_t size = std::bit_ceil(std::max<std::size_t>(count * 32, 1024));
        bits.resize(size / 64);
        shift = 32 - static_cast<unsigned>(std::countr_zero(size));
        for (const Way& way : ways) {
            if (way.kind == kind) {
                const std::size_t bit = bit_of(way.mark, shift);
                bits[bit / 64] |= std::uint64_t{1} << (bit % 64);
            }
        }
    }

    static Field field(FieldId id, const std::vector<Way>& ways) {
        Field made;
        made.field = id;
        std::size_t pieces = 0, wholes = 0;
        for (const Way& way : ways) {
            if (way.kind == Kind::start)
                made.starts[way.length] = made.short_ones = true;
            if (way.kind == Kind::end)
                made.ends[way.length] = made.short_ones = true;
            pieces += way.kind == Kind::piece ? 1 : 0;
            wholes += way.kind == Kind::whole ? 1 : 0;
        }
        set_bits(ways, Kind::whole, wholes, made.wholes, made.whole_shift);
        set_bits(ways, Kind::piece, pieces, made.pieces, made.piece_shift);
        return made;
    }
};

ClueIndex::ClueIndex(const std::vector<std::vector<Clues>>& candidates,
                     std::span<const Layer> sketched) {
    Builder builder;
    for (const auto& lists : candidates) {
        for (const Clues& clues : lists)
            builder.count(clues);
    }
    size_ = candidates.size();
    always_.resize(size_);
    for (std::uint32_t i = 0; i < candidates.size(); ++i) {
        if (!builder.file(i, candidates[i]))
            always_.add(i);
    }
    open_ = always_;
    for (const auto& [field, ways] : builder.by_field) {
        const Layer layer = place_of(field).layer;
        if (std::find(sketched.begin(), sketched.end(), layer) != sketched.end()) {
            auto shared = std::find_if(shared_.begin(), shared_.end(),
                                       [layer](const auto& one) { return one.layer == layer; });
            if (shared == shared_.end())
                shared = shared_.insert(shared, {layer, {}});
            shared->fields.push_back(Builder::field(field, ways));
            continue;
        }
        fields_.push_back(Builder::field(field, ways));
        for (const Builder::Way& way : ways)
            for (const std::uint32_t candidate : builder.filed.at(way.key))
                open_.add(candidate);
    }
    for (const auto& [key, numbers] : builder.filed) {
        filed_.emplace(key, Filed{static_cast<std::uint32_t>(candidates_.size()),
                                  static_cast<std::uint32_t>(numbers.size())});
        candidates_.insert(candidates_.end(), numbers.begin(), numbers.end());
    }
}

void ClueIndex::look_up(std::uint64_t key, NumberSet& found) const {
    const auto place = filed_.find(key);
    if (place == filed_.end())
        return;
    const Filed filed = place->second;
    for (std::uint32_t i = filed.first; i < filed.first + filed.count; ++i)
        found.add(candidates_[i]);
}

void ClueIndex::find_whole(const Field& field, std::string_view text, NumberSet& found) const {
    if (is_set(field.wholes, bit_of(mark_of(text), field.whole_shift)))
        look_up(key_of(field.field, Kind::whole, FoldedText(text).view()), found);
}

void ClueIndex::find_short(const Field& field, std::string_view text, NumberSet& found) const {
    for (std::size_t length = 1; length < kPieceBytes && length <= text.size(); ++length) {
        const FoldedText start(text.substr(0, length)), end(text.substr(text.size() - length));
        if (field.starts[length])
            look_up(key_of(field.field, Kind::start, start.view()), found);
        if (field.ends[length])
            look_up(key_of(field.field, Kind::end, end.view()), found);
    }
}

void ClueIndex::find_pieces(const Field& field, std::string_view text, NumberSet& found) const {
    std::uint32_t piece = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        piece = rolled(piece, fold(text[i]));
        if (is_set(field.pieces, bit_of(piece, field.piece_shift)) && i + 1 >= kPieceBytes)
            look_up(key_of(field.field, Kind::piece, piece), found);
    }
}

void ClueIndex::look_at(const Field& field, const Event& event, NumberSet& found) const {
    for (const Value& value : event.values(field.field)) {
        if (!value.is_text())
            continue;
        const std::string_view text = value.as_text();
        if (!field.wholes.empty())
            find_whole(field, text, found);
        if (field.short_ones)
            find_short(field, text, found);
        if (!field.pieces.empty())
            find_pieces(field, text, found);
    }
}

void ClueIndex::find_shared(const Event& event, FoundInBlocks& in_blocks, NumberSet& found) const {
    auto& slots = in_blocks.slots_;
    if (slots.empty())
        slots.resize(FoundInBlocks::kSlots);
    for (const auto& [layer, fields] : shared_) {
        const BlockPtr& block = event.layer(layer);
        if (!block)
            continue;
        const std::uint64_t hash =
            mixed(reinterpret_cast<std::uintptr_t>(block.get()) * kSpread ^
                  (reinterpret_cast<std::uintptr_t>(this) + static_cast<std::uintptr_t>(layer)));
        FoundInBlocks::Slot& slot = slots[hash % FoundInBlocks::kSlots];
        if (slot.block != block || slot.index != this || slot.layer != layer) {
            slot.index = this;
            slot.layer = layer;
            slot.block = block;
            slot.found.clear(size_);
            for (const Field& field : fields)
                look_at(field, event, slot.found);
        }
        found.add(slot.found);
    }
}

void ClueIndex::find(const Event& event, FoundInBlocks& in_blocks, NumberSet& found) const {
    found = always_;
    find_shared(event, in_blocks, found);
    for (const Field& field : fields_)
        look_at(field, event, found);
}

void ClueIndex::find_by_sketch(const Event& sketch, FoundInBlocks& in_blocks,
                               NumberSet& found) const {
    found = open_;
    find_shared(sketch, in_blocks, found);
}

}  // namespace audisp_eql::detect
