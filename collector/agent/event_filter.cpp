// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/event_filter.hpp"

#include <utility>
#include <vector>

#include "detect/engine/dispatch.hpp"
#include "detect/rule/rule_set.hpp"

namespace audisp_eql::collector {

namespace {

using detect::FieldId;

// An event of which only its kind is known could match some rule.
bool looked_at(const detect::RuleSet& rules, EventKind kind, std::string_view syscall) {
    std::vector<FieldId> known{FieldId::event_category, FieldId::event_type, FieldId::event_action,
                               FieldId::host_os_type};
    const EventShape& shape = shape_of(kind);
    detect::BlockBuilder builder;
    builder.set_literals(FieldId::event_category, shape.category);
    builder.set_literals(FieldId::event_type, shape.type);
    builder.set_literals(FieldId::event_action, shape.action);
    if (!syscall.empty()) {
        builder.set_text(FieldId::auditd_syscall, syscall);
        known.push_back(FieldId::auditd_syscall);
    }
    detect::Event::Layers layers;
    layers[static_cast<std::size_t>(detect::Layer::own)] = builder.finish();
    builder.set_literal(FieldId::host_os_type, "linux");
    layers[static_cast<std::size_t>(detect::Layer::host)] = builder.finish();
    const detect::EventPtr sample(new detect::Event({}, {}, std::move(layers)));
    return detect::may_match(rules, *sample, known);
}

}  // namespace

EventFilter event_filter(std::shared_ptr<const detect::RuleSet> rules) {
    return [rules = std::move(rules)](EventKind kind, std::string_view syscall) {
        return looked_at(*rules, kind, syscall);
    };
}

}  // namespace audisp_eql::collector
