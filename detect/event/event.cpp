// SPDX-License-Identifier: Apache-2.0
#include "detect/event/event.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <tuple>

#include "detect/event/pool.hpp"

namespace audisp_eql::detect {

namespace {

constexpr std::size_t kAlignment = alignof(Value);

}  // namespace

const Block::Slot* Block::slots() const {
    return reinterpret_cast<const Slot*>(this + 1);
}

Values Block::values(FieldId stored) const {
    const Slot* const begin = slots();
    const Slot* const end = begin + slot_count_;
    const Slot* const slot = std::lower_bound(
        begin, end, stored, [](const Slot& s, FieldId field) { return s.field < field; });
    if (slot == end || slot->field != stored)
        return {};
    return slot->count == 1 ? Values(&slot->one, 1) : Values(slot->many, slot->count);
}

void Block::release(const Block* block) {
    // Slots and values are trivially destructible: giving the memory back is all.
    record_pool().deallocate(const_cast<Block*>(block), block->allocated_, kAlignment);
}

void* Event::operator new(std::size_t size) {
    return record_pool().allocate(size, alignof(Event));
}

void Event::operator delete(void* memory, std::size_t size) {
    record_pool().deallocate(memory, size, alignof(Event));
}

BlockBuilder::Bytes BlockBuilder::append(std::string_view bytes) {
    const Bytes added{static_cast<std::uint32_t>(bytes_.size()),
                      static_cast<std::uint32_t>(bytes.size())};
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return added;
}

std::string_view BlockBuilder::view(Bytes bytes) const {
    return {bytes_.data() + bytes.offset, bytes.size};
}

void BlockBuilder::add(FieldId field, Value value, bool inside) {
    entries_.push_back({field, 1, inside, static_cast<std::uint32_t>(values_.size())});
    values_.push_back(value);
}

namespace {
// An offset and a size in the shape of a Value, until the bytes have their final place.
Value inside_text(BlockBuilder::Bytes bytes) {
    return Value::integer((static_cast<std::int64_t>(bytes.offset) << 32) | bytes.size);
}
}  // namespace

void BlockBuilder::set_text(FieldId field, Bytes bytes) {
    add(field, inside_text(bytes), true);
}

void BlockBuilder::set_texts(FieldId field, std::span<const Bytes> parts) {
    if (parts.empty())
        return;
    const std::size_t count = std::min(parts.size(), kMaxValues);
    entries_.push_back({field, static_cast<std::uint16_t>(count), true,
                        static_cast<std::uint32_t>(values_.size())});
    for (const Bytes& part : parts.first(count))
        values_.push_back(inside_text(part));
}

void BlockBuilder::set_texts(FieldId field, std::span<const std::string_view> texts) {
    if (texts.empty())
        return;
    const std::size_t count = std::min(texts.size(), kMaxValues);
    entries_.push_back({field, static_cast<std::uint16_t>(count), true,
                        static_cast<std::uint32_t>(values_.size())});
    for (const std::string_view text : texts.first(count))
        values_.push_back(inside_text(append(text)));
}

void BlockBuilder::set_literal(FieldId field, std::string_view literal) {
    add(field, Value::text(literal), false);
}

void BlockBuilder::set_literals(FieldId field, Values literals) {
    if (literals.empty())
        return;
    const std::size_t count = std::min(literals.size(), kMaxValues);
    entries_.push_back({field, static_cast<std::uint16_t>(count), false,
                        static_cast<std::uint32_t>(values_.size())});
    values_.insert(values_.end(), literals.begin(), literals.begin() + static_cast<long>(count));
}

void BlockBuilder::set_integer(FieldId field, std::int64_t number) {
    add(field, Value::integer(number), false);
}

void BlockBuilder::set_real(FieldId field, double number) {
    add(field, Value::real(number), false);
}

void BlockBuilder::set_boolean(FieldId field, bool truth) {
    add(field, Value::boolean(truth), false);
}

void BlockBuilder::set_date(FieldId field, std::int64_t micros) {
    add(field, Value::date(micros), false);
}

void BlockBuilder::clear() {
    entries_.clear();
    values_.clear();
    bytes_.clear();
}

void BlockBuilder::keep_last_of_each_field() {
    // In place (std::stable_sort takes a buffer for each call); `first` grows with every entry.
    std::sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) {
        return std::tie(a.field, a.first) < std::tie(b.field, b.first);
    });
    std::size_t kept = 0;
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        if (i + 1 < entries_.size() && entries_[i + 1].field == entries_[i].field)
            continue;
        entries_[kept++] = entries_[i];
    }
    entries_.resize(kept);
}

BlockPtr BlockBuilder::finish() {
    keep_last_of_each_field();
    std::size_t list_values = 0;
    for (const Entry& entry : entries_)
        list_values += entry.count > 1 ? entry.count : 0;
    const std::size_t lists_at = sizeof(Block) + entries_.size() * sizeof(Block::Slot);
    const std::size_t bytes_at = lists_at + list_values * sizeof(Value);
    const std::size_t size = bytes_at + bytes_.size();

    auto* const memory = static_cast<char*>(record_pool().allocate(size, kAlignment));
    auto* const block = new (memory) Block();
    block->allocated_ = static_cast<std::uint32_t>(size);
    block->slot_count_ = static_cast<std::uint32_t>(entries_.size());
    char* const bytes = memory + bytes_at;
    if (!bytes_.empty())
        std::memcpy(bytes, bytes_.data(), bytes_.size());

    const auto settled = [&](const Entry& entry, std::size_t i) {
        const Value value = values_[entry.first + i];
        if (!entry.inside)
            return value;
        const auto packed = static_cast<std::uint64_t>(value.as_integer());
        return Value::text({bytes + (packed >> 32), packed & 0xffffffffU});
    };
    auto* slot = reinterpret_cast<Block::Slot*>(memory + sizeof(Block));
    auto* list = reinterpret_cast<Value*>(memory + lists_at);
    for (const Entry& entry : entries_) {
        if (entry.count == 1) {
            new (slot++) Block::Slot{entry.field, 1, {.one = settled(entry, 0)}};
            continue;
        }
        new (slot++) Block::Slot{entry.field, entry.count, {.many = list}};
        for (std::size_t i = 0; i < entry.count; ++i)
            new (list++) Value(settled(entry, i));
    }
    clear();
    return BlockPtr(block);
}

}  // namespace audisp_eql::detect
