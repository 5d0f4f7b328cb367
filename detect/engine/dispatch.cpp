// SPDX-License-Identifier: Apache-2.0
#include "detect/engine/dispatch.hpp"

#include <algorithm>
#include <array>
#include <variant>

namespace audisp_eql::detect {

namespace {

// What makes the kind of an event: fields with few different values, which most rules test. (Of
// 649 public rules 572 test event.type, 569 event.action, 333 host.os.type, 640 a category.)
constexpr std::array kKindFields{FieldId::event_category, FieldId::event_action,
                                 FieldId::event_type, FieldId::host_os_type};

bool decided_by(std::span<const FieldId> known, const PredicateTable& table, PredicateId id) {
    if (table.needs_earlier_events(id))
        return false;
    const std::vector<FieldId> fields = table.fields(id);
    return std::all_of(fields.begin(), fields.end(), [known](FieldId field) {
        return std::find(known.begin(), known.end(), field) != known.end();
    });
}

bool in_sketch(const PredicateTable& table, PredicateId id) {
    if (std::holds_alternative<DescendantTest>(table.at(id)))
        return true;
    if (table.needs_earlier_events(id))
        return false;
    const std::vector<FieldId> fields = table.fields(id);
    return std::all_of(fields.begin(), fields.end(), [](FieldId field) {
        const auto& layers = Dispatcher::kSketchLayers;
        return std::find(layers.begin(), layers.end(), place_of(field).layer) != layers.end();
    });
}

}  // namespace

Dispatcher::Dispatcher(const RuleSet& rules) : rules_(rules) {
    const PredicateTable& table = rules.predicates();
    for (std::size_t i = 0; i < table.size(); ++i) {
        const auto id = static_cast<PredicateId>(i);
        sketched_.push_back(in_sketch(table, id));
        by_kind_.push_back(decided_by(kKindFields, table, id));
    }
}

void Dispatcher::describe(const Event& event) {
    kind_.clear();
    for (const FieldId field : kKindFields) {
        for (const Value& value : event.values(field)) {
            const std::size_t at = kind_.size();
            kind_ += static_cast<char>('0' + static_cast<int>(value.kind()));
            append_text(kind_, value);
            // The length after the text: no value can look like two.
            kind_ += '\0';
            kind_ += std::to_string(kind_.size() - at);
        }
        kind_ += '\n';
    }
}

std::span<const Candidate* const> Dispatcher::candidates(const Event& event,
                                                         PredicateResults& results) {
    const Plan& now = plan(event, results);
    now.index.find(event, in_blocks_, found_);
    candidates_.clear();
    found_.for_each([&](std::size_t number) { candidates_.push_back(&now.candidates[number]); });
    return candidates_;
}

std::optional<std::span<const Candidate* const>> Dispatcher::candidates_by_sketch(
    const Event& sketch) {
    const std::size_t number = sketch.kind();
    // What a plan is made of stands in an event's own layer: the first one of a kind is needed.
    if (number >= by_number_.size() || !by_number_[number])
        return std::nullopt;
    const Plan& now = *by_number_[number];
    now.index.find_by_sketch(sketch, in_blocks_, found_);
    candidates_.clear();
    found_.for_each([&](std::size_t each) { candidates_.push_back(&now.candidates[each]); });
    return candidates_;
}

const Plan& Dispatcher::plan(const Event& event, PredicateResults& results) {
    const std::size_t number = event.kind();
    if (number == 0)
        return plan_of_description(event, results);
    if (number < by_number_.size() && by_number_[number])
        return *by_number_[number];
    const Plan& made = plan_of_description(event, results);
    if (number >= by_number_.size())
        by_number_.resize(number + 1);
    by_number_[number] = &made;
    return made;
}

const Plan& Dispatcher::plan_of_description(const Event& event, PredicateResults& results) {
    describe(event);
    const auto found = plans_.find(kind_);
    if (found != plans_.end())
        return found->second;
    if (plans_.size() >= kMaxPlans) {
        by_number_.clear();
        in_blocks_.clear();
        plans_.clear();
    }
    return plans_.emplace(kind_, make(event, results)).first->second;
}

Plan Dispatcher::make(const Event& event, PredicateResults& results) const {
    const auto known = [&](PredicateId id) {
        if (!by_kind_[static_cast<std::size_t>(id)])
            return Truth::unknown;
        return results.holds(id) ? Truth::yes : Truth::no;
    };
    Plan plan;
    plan.ends_process = Kinship::is_end(event);
    std::vector<std::vector<Clues>> clues;  // by candidate
    const auto offer = [&](std::uint32_t rule, std::uint32_t item, const Condition& condition) {
        Condition left;
        const Truth truth = simplify(condition.data(), known, left);
        if (truth == Truth::no)
            return;
        if (truth == Truth::yes)
            left = {{ConditionNode::Op::always, {}, 1}};
        clues.push_back(clues_of(left, results.table()));
        plan.candidates.push_back({rule, item, std::move(left)});
    };
    const std::vector<Condition>& lineages = rules_.predicates().lineages();
    for (std::uint32_t i = 0; i < lineages.size(); ++i)
        offer(Candidate::kLineage, i, lineages[i]);
    for (std::uint32_t i = 0; i < rules_.rules().size(); ++i) {
        const Program& program = rules_.rules()[i].program;
        for (std::size_t stage = program.stages.size(); stage-- > 0;) {
            const std::uint32_t item = program.stages[stage].item;
            const bool first_of_item = stage == 0 || program.stages[stage - 1].item != item;
            if (first_of_item)
                offer(i, item, program.stages[stage].condition);
        }
        if (program.until)
            offer(i, Candidate::kUntil, program.until->condition);
    }
    plan.index = ClueIndex(clues, kSketchLayers);
    return plan;
}

bool may_match(const RuleSet& rules, const Event& sample, std::span<const FieldId> known_fields) {
    PredicateResults results(rules.predicates());
    results.begin(sample);
    const auto known = [&](PredicateId id) {
        if (!decided_by(known_fields, results.table(), id))
            return Truth::unknown;
        return results.holds(id) ? Truth::yes : Truth::no;
    };
    const auto possible = [&](const Condition& condition) {
        Condition left;
        return simplify(condition.data(), known, left) != Truth::no;
    };
    const std::vector<Condition>& lineages = rules.predicates().lineages();
    if (std::any_of(lineages.begin(), lineages.end(), possible))
        return true;
    return std::any_of(
        rules.rules().begin(), rules.rules().end(), [&](const RuleSet::CompiledRule& rule) {
            const Program& program = rule.program;
            return (program.until && possible(program.until->condition)) ||
                   std::any_of(program.stages.begin(), program.stages.end(),
                               [&](const Stage& stage) { return possible(stage.condition); });
        });
}

}  // namespace audisp_eql::detect
