// SPDX-License-Identifier: Apache-2.0
#include "detect/eql/predicate_lineage.hpp"

#include <algorithm>

namespace audisp_eql::detect {

bool Lineage::counts(std::string_view entity_id) const {
    return processes_.find(entity_id) != processes_.end();
}

Lineage::Process& Lineage::known(std::string_view entity_id) {
    const auto found = processes_.find(entity_id);
    if (found != processes_.end())
        return found->second;
    while (processes_.size() >= kMaxProcesses) {
        dropped_ += processes_.erase(order_.front());
        order_.pop_front();
    }
    // Names of processes that were forgotten at their end pile up here: sweep them out.
    if (order_.size() >= 2 * kMaxProcesses)
        std::erase_if(order_, [&](const std::string& id) { return !counts(id); });
    order_.emplace_back(entity_id);
    return processes_[order_.back()];
}

void Lineage::look_at(const Event& event) {
    is_descendant_ = false;
    if (processes_.empty())
        return;
    forget_ended(event.time().engine_ns);
    const std::string_view entity_id = event.text(FieldId::process_entity_id);
    if (entity_id.empty())
        return;
    const auto found = processes_.find(entity_id);
    is_descendant_ = found != processes_.end() && found->second.descendant;
    const auto is_relative = [&](const Value& value) {
        return value.is_text() && counts(value.as_text());
    };
    const auto any = [&](FieldId field) {
        const Values values = event.values(field);
        return std::any_of(values.begin(), values.end(), is_relative);
    };
    if (!is_descendant_ &&
        (any(FieldId::process_parent_entity_id) || any(FieldId::process_ext_ancestry))) {
        known(entity_id).descendant = true;
        is_descendant_ = true;
    }
    const Values types = event.values(FieldId::event_type);
    const bool ends = std::any_of(types.begin(), types.end(), [](const Value& type) {
        return type.is_text() && type.as_text() == "end";
    });
    if (ends && event.text(FieldId::event_category) == "process" && counts(entity_id))
        ended_.push_back({std::string(entity_id), event.time().engine_ns});
}

void Lineage::add_source(const Event& event) {
    const std::string_view entity_id = event.text(FieldId::process_entity_id);
    if (!entity_id.empty())
        known(entity_id);
}

void Lineage::forget_ended(std::int64_t now_ns) {
    while (!ended_.empty() && now_ns - ended_.front().at_ns > kRememberEndedNs) {
        processes_.erase(ended_.front().entity_id);
        ended_.pop_front();
    }
}

void Lineage::clear() {
    processes_.clear();
    order_.clear();
    ended_.clear();
    is_descendant_ = false;
}

}  // namespace audisp_eql::detect
