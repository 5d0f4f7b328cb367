// SPDX-License-Identifier: Apache-2.0
#include "detect/event/event.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>

#include "detect/event/pool.hpp"

namespace audisp_eql::detect {

namespace {

constexpr std::size_t kAlignment = alignof(Value);

}  // namespace

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

void BlockBuilder::add(Entry entry) {
    const auto field = static_cast<std::size_t>(entry.field);
    if (field >= last_entry_.size()) {
        present_.resize(field / 64 + 1);
        last_entry_.resize(present_.size() * 64);
    }
    present_[field / 64] |= std::uint64_t{1} << (field % 64);
    last_entry_[field] = static_cast<std::uint32_t>(entries_.size());
    entries_.push_back(entry);
}

void BlockBuilder::add(FieldId field, Value value, bool inside) {
    add({field, 1, inside, static_cast<std::uint32_t>(values_.size())});
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
    add({field, static_cast<std::uint16_t>(count), true,
         static_cast<std::uint32_t>(values_.size())});
    for (const Bytes& part : parts.first(count))
        values_.push_back(inside_text(part));
}

void BlockBuilder::set_texts(FieldId field, std::span<const std::string_view> texts) {
    if (texts.empty())
        return;
    const std::size_t count = std::min(texts.size(), kMaxValues);
    add({field, static_cast<std::uint16_t>(count), true,
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
    add({field, static_cast<std::uint16_t>(count), false,
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
    std::fill(present_.begin(), present_.end(), 0);
    values_.clear();
    bytes_.clear();
}

void BlockBuilder::put_in_order() {
    order_.clear();
    first_word_ = 0;
    words_ = 0;
    for (std::size_t i = 0; i < present_.size(); ++i) {
        if (present_[i] == 0)
            continue;
        if (order_.empty())
            first_word_ = i;
        words_ = i + 1 - first_word_;
        for (std::uint64_t word = present_[i]; word != 0; word &= word - 1)
            order_.push_back(
                last_entry_[i * 64 + static_cast<std::size_t>(std::countr_zero(word))]);
    }
}

BlockPtr BlockBuilder::finish() {
    put_in_order();
    std::size_t list_values = 0;
    for (const std::uint32_t index : order_)
        list_values += entries_[index].count > 1 ? entries_[index].count : 0;
    const std::size_t slots_at = sizeof(Block) + words_ * sizeof(Block::Present);
    const std::size_t lists_at = slots_at + order_.size() * sizeof(Block::Slot);
    const std::size_t bytes_at = lists_at + list_values * sizeof(Value);
    const std::size_t size = bytes_at + bytes_.size();

    auto* const memory = static_cast<char*>(record_pool().allocate(size, kAlignment));
    auto* const block = new (memory) Block();
    block->allocated_ = static_cast<std::uint32_t>(size);
    block->first_word_ = static_cast<std::uint16_t>(first_word_);
    block->words_ = static_cast<std::uint16_t>(words_);
    auto* present = reinterpret_cast<Block::Present*>(memory + sizeof(Block));
    std::uint64_t before = 0;
    for (std::size_t i = first_word_; i < first_word_ + words_; ++i) {
        new (present++) Block::Present{present_[i], before};
        before += static_cast<std::uint64_t>(std::popcount(present_[i]));
    }
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
    auto* slot = reinterpret_cast<Block::Slot*>(memory + slots_at);
    auto* list = reinterpret_cast<Value*>(memory + lists_at);
    for (const std::uint32_t index : order_) {
        const Entry& entry = entries_[index];
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
