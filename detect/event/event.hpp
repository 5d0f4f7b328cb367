// SPDX-License-Identifier: Apache-2.0
// Block: some fields' values in one allocation. Event: a handful of blocks, one a layer.
//
// Memory: both are reference counted and immutable once made. A Block owns its bytes; an Event owns
// a reference to each of its blocks. A pending sequence keeps its events alive, nothing else does.
// Threads: the counts are not atomic. Blocks and events are made, read and released by one thread
// (the worker).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>

#include "detect/event/field_table.hpp"
#include "detect/event/value.hpp"

namespace audisp_eql::detect {

class alignas(Value) Block {
  public:
    Block(const Block&) = delete;
    Block& operator=(const Block&) = delete;

    // Values of the field stored under this id; empty if missing.
    Values values(FieldId stored) const {
        const auto field = static_cast<std::size_t>(stored);
        const std::size_t word = field / 64 - first_word_;  // huge if it lies before
        if (word >= words_)
            return {};
        const Present& present = presence()[word];
        const std::uint64_t bit = std::uint64_t{1} << (field % 64);
        if ((present.fields & bit) == 0)
            return {};
        const Slot& slot = slots()[present.before + bits_in(present.fields & (bit - 1))];
        return slot.count == 1 ? Values(&slot.one, 1) : Values(slot.many, slot.count);
    }

    friend void intrusive_ptr_add_ref(const Block* block) { ++block->references_; }
    friend void intrusive_ptr_release(const Block* block) {
        if (--block->references_ == 0)
            release(block);
    }

  private:
    friend class BlockBuilder;
    struct Slot {
        FieldId field;
        std::uint16_t count;  // 1: `one`, else `many` (kMaxValues at most)
        union {
            Value one;
            const Value* many;
        };
    };
    // Which of 64 fields there are; most questions are for one that is missing.
    struct Present {
        std::uint64_t fields;
        std::uint64_t before;  // slots of the words before this one
    };
    // std::popcount without a table: the oldest x86-64 has no instruction for it, and what stands
    // in for one is a call into libgcc.
    static constexpr std::uint64_t bits_in(std::uint64_t word) {
        word -= (word >> 1) & 0x5555555555555555;
        word = (word & 0x3333333333333333) + ((word >> 2) & 0x3333333333333333);
        return (((word + (word >> 4)) & 0x0f0f0f0f0f0f0f0f) * 0x0101010101010101) >> 56;
    }
    Block() = default;
    static void release(const Block* block);

    mutable std::uint32_t references_ = 0;
    std::uint32_t allocated_ = 0;   // bytes, this header included
    std::uint16_t first_word_ = 0;  // Present has the fields from 64 * first_word_ on
    std::uint16_t words_ = 0;
    // then: Present[words_], a Slot for each field in their order, Value[] of the lists, bytes of
    // the texts
    const Present* presence() const { return reinterpret_cast<const Present*>(this + 1); }
    const Slot* slots() const { return reinterpret_cast<const Slot*>(presence() + words_); }
};
using BlockPtr = boost::intrusive_ptr<const Block>;

// Collects values and makes a Block of them. Reusable: finish() leaves it empty, with its capacity.
// A field that is set twice keeps the last. Not for two threads at once.
class BlockBuilder {
  public:
    // Bytes in the builder, valid until finish() or clear().
    struct Bytes {
        std::uint32_t offset;
        std::uint32_t size;
        Bytes part(std::uint32_t from, std::uint32_t length) const {
            return {offset + from, length};
        }
    };
    // More values than this in one field are dropped (kernel-made lists are far shorter; JSON input
    // is not ours). Callers count.
    static constexpr std::size_t kMaxValues = 4096;

    // Copies bytes in; several fields may show parts of the same bytes (a name within a path).
    Bytes append(std::string_view bytes);
    std::string_view view(Bytes bytes) const;  // valid until the next append

    void set_text(FieldId field, Bytes bytes);
    void set_text(FieldId field, std::string_view copied) { set_text(field, append(copied)); }
    void set_texts(FieldId field, std::span<const Bytes> parts);
    // Text with static storage duration: shown, not copied.
    void set_literal(FieldId field, std::string_view literal);
    // Texts of the values must have static storage duration.
    void set_literals(FieldId field, Values literals);
    void set_integer(FieldId field, std::int64_t number);
    void set_real(FieldId field, double number);
    void set_boolean(FieldId field, bool truth);
    void set_date(FieldId field, std::int64_t micros);
    // Texts, all copied.
    void set_texts(FieldId field, std::span<const std::string_view> texts);

    bool empty() const { return entries_.empty(); }
    void clear();
    BlockPtr finish();

  private:
    // Text inside the builder is held as an offset (Value::integer) until finish(): bytes_ moves.
    struct Entry {
        FieldId field;
        std::uint16_t count;
        bool inside;          // texts lie in bytes_
        std::uint32_t first;  // index of the first value in values_
    };
    void add(FieldId field, Value value, bool inside);
    void add(Entry entry);
    void put_in_order();

    std::vector<Entry> entries_;
    // A bit for each field that is set, and its last entry: what sorts them without comparing.
    std::vector<std::uint64_t> present_;
    std::vector<std::uint32_t> last_entry_;  // by field
    std::vector<std::uint32_t> order_;       // of the block: indexes into entries_
    std::size_t first_word_ = 0;             // of present_, what the block has
    std::size_t words_ = 0;
    std::vector<Value> values_;
    std::vector<char> bytes_;
};

// Where an event came from: makes alert ids reproducible and leads back to the evidence.
struct Origin {
    enum class Kind : std::uint8_t { none, audit, proc, line } kind = Kind::none;
    std::int64_t time = 0;     // audit: milliseconds of wall time; proc: monotonic nanoseconds
    std::uint64_t serial = 0;  // audit: the event's serial; line: its number in the input
    std::int32_t pid = 0;
};

struct EventTime {
    std::int64_t engine_ns = 0;  // the engine's monotonic clock
    std::int64_t wall_us = 0;    // @timestamp, microseconds since the epoch
};

class Event : public boost::intrusive_ref_counter<Event, boost::thread_unsafe_counter> {
  public:
    using Layers = std::array<BlockPtr, kLayerCount>;

    // `kind`: a number that its maker gives to all events of equal category, action, type and
    // operating system; 0: none. Events of one engine have one maker.
    Event(EventTime time, Origin origin, Layers layers, std::uint16_t kind = 0)
        : time_(time), origin_(origin), layers_(std::move(layers)), kind_(kind) {}

    const EventTime& time() const { return time_; }
    const Origin& origin() const { return origin_; }
    std::uint16_t kind() const { return kind_; }

    // All values of a field, known or added; empty if the event has none.
    Values values(FieldId field) const {
        const FieldPlace place = place_of(field);
        const Block* block = layers_[static_cast<std::size_t>(place.layer)].get();
        return block ? block->values(place.stored) : Values{};
    }
    // The first value as text; empty if missing or not text.
    std::string_view text(FieldId field) const {
        const Values found = values(field);
        return !found.empty() && found[0].is_text() ? found[0].as_text() : std::string_view{};
    }
    const BlockPtr& layer(Layer layer) const { return layers_[static_cast<std::size_t>(layer)]; }

    static void* operator new(std::size_t size);
    static void operator delete(void* memory, std::size_t size);

  private:
    EventTime time_;
    Origin origin_;
    Layers layers_;
    std::uint16_t kind_;
};
using EventPtr = boost::intrusive_ptr<const Event>;

}  // namespace audisp_eql::detect
