// SPDX-License-Identifier: Apache-2.0
#include "detect/eql/predicate_lineage.hpp"

#include <algorithm>

namespace audisp_eql::detect {

void Kinship::read(const Event& event) {
    process_ = entity_id(event.text(FieldId::process_entity_id));
    elders_.clear();
    for (const FieldId field : {FieldId::process_parent_entity_id, FieldId::process_ext_ancestry})
        for (const Value& value : event.values(field))
            if (value.is_text())
                elders_.push_back(entity_id(value.as_text()));
    const Values types = event.values(FieldId::event_type);
    ends_ = event.text(FieldId::event_category) == "process" &&
            std::any_of(types.begin(), types.end(), [](const Value& type) {
                return type.is_text() && type.as_text() == "end";
            });
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
        std::erase_if(order_, [&](const std::string& id) { return !processes_.contains(id); });
    order_.emplace_back(entity_id);
    return processes_[order_.back()];
}

void Lineage::look_at(const Event& event, const Kinship& kinship) {
    is_descendant_ = false;
    if (processes_.empty())
        return;
    forget_ended(event.time().engine_ns);
    const Kinship::EntityId& process = kinship.process();
    if (process.text.empty())
        return;
    const auto found = processes_.find(process);
    bool is_known = found != processes_.end();
    is_descendant_ = is_known && found->second.descendant;
    const auto& elders = kinship.elders();
    if (!is_descendant_ &&
        std::any_of(elders.begin(), elders.end(), [this](const auto& id) { return counts(id); })) {
        known(process.text).descendant = true;
        is_descendant_ = true;
        is_known = true;
    }
    if (is_known && kinship.ends())
        ended_.push_back({std::string(process.text), event.time().engine_ns});
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
