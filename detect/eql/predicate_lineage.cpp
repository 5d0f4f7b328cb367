// SPDX-License-Identifier: Apache-2.0
#include "detect/eql/predicate_lineage.hpp"

#include <algorithm>
#include <cstring>
#include <functional>

namespace audisp_eql::detect {

void Kinship::read(const Event& event) {
    process_ = entity_id(event.text(FieldId::process_entity_id));
    elders_.clear();
    for (const FieldId field : {FieldId::process_parent_entity_id, FieldId::process_ext_ancestry})
        for (const Value& value : event.values(field))
            if (value.is_text())
                elders_.push_back(entity_id(value.as_text()));
    ends_ = is_end(event);
}

bool Kinship::is_end(const Event& event) {
    const Values types = event.values(FieldId::event_type);
    return event.text(FieldId::event_category) == "process" &&
           std::any_of(types.begin(), types.end(),
                       [](const Value& type) { return type.is_text() && type.as_text() == "end"; });
}

std::size_t Kinship::hash_of(std::string_view text) {
    constexpr std::uint64_t kSpread = 0x9e3779b97f4a7c15;  // 2^64 divided by the golden ratio
    std::uint64_t first = 0, last = 0;
    if (text.size() < sizeof first)
        return std::hash<std::string_view>{}(text);
    std::memcpy(&first, text.data(), sizeof first);
    std::memcpy(&last, text.data() + text.size() - sizeof last, sizeof last);
    return (first * kSpread) ^ (last + (first >> 32));
}

std::uint32_t Lineages::known(std::string_view entity_id) {
    if (const auto found = processes_.find(entity_id); found != processes_.end())
        return found->second.row;
    while (processes_.size() >= kMaxProcesses) {
        dropped_ += forget(order_.front()) ? 1 : 0;
        order_.pop_front();
    }
    // Names of processes that were forgotten at their end pile up here: sweep them out.
    if (order_.size() >= 2 * kMaxProcesses)
        std::erase_if(order_, [&](const std::string& id) { return !processes_.contains(id); });
    order_.emplace_back(entity_id);
    if (free_rows_.empty()) {
        free_rows_.push_back(static_cast<std::uint32_t>(rows_.size() / (2 * words_)));
        rows_.resize(rows_.size() + 2 * words_);
    }
    const std::uint32_t row = free_rows_.back();
    free_rows_.pop_back();
    std::fill_n(counts(row), 2 * words_, 0);
    processes_.emplace(order_.back(), Process{row});
    return row;
}

bool Lineages::forget(std::string_view entity_id) {
    const auto found = processes_.find(entity_id);
    if (found == processes_.end())
        return false;
    free_rows_.push_back(found->second.row);
    processes_.erase(found);
    return true;
}

void Lineages::look_at(const Event& event, const Kinship& kinship) {
    std::fill(descends_.begin(), descends_.end(), 0);
    if (processes_.empty())
        return;
    forget_ended(event.time().engine_ns);
    const Kinship::EntityId& process = kinship.process();
    if (process.text.empty())
        return;
    std::fill(elders_.begin(), elders_.end(), 0);
    for (const Kinship::EntityId& elder : kinship.elders()) {
        const auto found = processes_.find(elder);
        for (std::size_t i = 0; found != processes_.end() && i < words_; ++i)
            elders_[i] |= counts(found->second.row)[i];
    }
    const auto found = processes_.find(process);
    bool is_known = found != processes_.end();
    if (is_known)
        std::copy_n(descends(found->second.row), words_, descends_.begin());
    if (!std::equal(elders_.begin(), elders_.end(), descends_.begin(),
                    [](std::uint64_t elder, std::uint64_t own) { return (elder & ~own) == 0; })) {
        const std::uint32_t row = known(process.text);
        is_known = true;
        for (std::size_t i = 0; i < words_; ++i) {
            descends_[i] |= elders_[i];
            descends(row)[i] = descends_[i];
            counts(row)[i] |= descends_[i];
        }
    }
    if (is_known && kinship.ends())
        ended_.push_back({std::string(process.text), event.time().engine_ns});
}

void Lineages::add_source(const Event& event, std::size_t lineage) {
    const std::string_view entity_id = event.text(FieldId::process_entity_id);
    if (!entity_id.empty())
        counts(known(entity_id))[lineage / kWordBits] |= bit_of(lineage);
}

void Lineages::forget_ended(std::int64_t now_ns) {
    while (!ended_.empty() && now_ns - ended_.front().at_ns > kRememberEndedNs) {
        forget(ended_.front().entity_id);
        ended_.pop_front();
    }
}

void Lineages::clear() {
    processes_.clear();
    rows_.clear();
    free_rows_.clear();
    order_.clear();
    ended_.clear();
    std::fill(descends_.begin(), descends_.end(), 0);
}

void Lineages::take_over(const Lineages& old,
                         const std::vector<std::pair<std::size_t, std::size_t>>& places) {
    dropped_ = old.dropped_;
    const auto has = [](const std::uint64_t* bits, std::size_t lineage) {
        return (bits[lineage / kWordBits] & bit_of(lineage)) != 0;
    };
    for (const std::string& id : old.order_) {
        const auto found = old.processes_.find(id);
        if (found == old.processes_.end())
            continue;
        const std::uint64_t* const counted = &old.rows_[found->second.row * 2 * old.words_];
        for (const auto& [here, there] : places) {
            if (!has(counted, there))
                continue;
            const std::uint32_t row = known(id);
            counts(row)[here / kWordBits] |= bit_of(here);
            if (has(counted + old.words_, there))
                descends(row)[here / kWordBits] |= bit_of(here);
        }
    }
    for (const Ended& one : old.ended_)
        if (processes_.contains(one.entity_id))
            ended_.push_back(one);
}

}  // namespace audisp_eql::detect
