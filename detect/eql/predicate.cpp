// SPDX-License-Identifier: Apache-2.0
#include "detect/eql/predicate.hpp"

#include <algorithm>
#include <utility>

namespace audisp_eql::detect {

namespace {

struct Holds {
    const Subject& subject;
    FormulaScratch& scratch;

    bool operator()(const PresentTest& test) const {
        return !subject.event->values(test.field).empty();
    }
    bool operator()(const FieldTest& test) const {
        const Values values = subject.event->values(test.field);
        return std::any_of(values.begin(), values.end(),
                           [&](const Value& value) { return matches(test.test, value); });
    }
    bool operator()(const Formula& formula) const { return formula.holds(subject, scratch); }
    bool operator()(const DescendantTest&) const { return false; }
};

}  // namespace

void PredicateTable::keep(Predicate predicate) {
    const auto* const formula = std::get_if<Formula>(&predicate);
    contextual_.push_back(formula && formula->needs_earlier_events());
    predicates_.push_back(std::move(predicate));
}

PredicateId PredicateTable::add_descendant(const std::string& identity, Condition source) {
    return add(identity, [&] {
        lineages_.push_back(std::move(source));
        lineage_predicates_.push_back(static_cast<PredicateId>(predicates_.size()));
        return Predicate(DescendantTest{static_cast<std::uint32_t>(lineages_.size() - 1)});
    });
}

void PredicateTable::add_spelling(PredicateId id, const std::vector<std::string>& patterns) {
    std::vector<std::string>& known = spellings_[static_cast<std::uint32_t>(id)];
    known.insert(known.end(), patterns.begin(), patterns.end());
    std::sort(known.begin(), known.end());
    known.erase(std::unique(known.begin(), known.end()), known.end());
}

const std::vector<std::string>& PredicateTable::spelling(PredicateId id) const {
    static const std::vector<std::string> kNone;
    const auto found = spellings_.find(static_cast<std::uint32_t>(id));
    return found == spellings_.end() ? kNone : found->second;
}

std::vector<FieldId> PredicateTable::fields(PredicateId id) const {
    const Predicate& predicate = at(id);
    if (const auto* const present = std::get_if<PresentTest>(&predicate))
        return {present->field};
    if (const auto* const test = std::get_if<FieldTest>(&predicate))
        return {test->field};
    if (std::holds_alternative<DescendantTest>(predicate))
        return {FieldId::process_entity_id};
    std::vector<FieldId> fields;
    for (const FieldUse& use : std::get<Formula>(predicate).uses()) {
        if (use.of_this_event())
            fields.push_back(use.field);
    }
    return fields;
}

bool PredicateTable::holds(PredicateId id, const Subject& subject, FormulaScratch& scratch) const {
    return std::visit(Holds{subject, scratch}, at(id));
}

PredicateResults::PredicateResults(const PredicateTable& table)
    : table_(table), results_(table.size()), lineages_(table.lineages().size()) {
    for (std::size_t i = 0; i < table.size(); ++i) {
        const auto id = static_cast<PredicateId>(i);
        const std::vector<FieldId> fields = table.fields(id);
        const bool descent = std::holds_alternative<DescendantTest>(table.at(id));
        const auto layer =
            fields.empty() ? kWholeEvent : static_cast<std::size_t>(place_of(fields[0]).layer);
        const bool one_layer =
            !descent && std::all_of(fields.begin(), fields.end(), [layer](FieldId field) {
                return static_cast<std::size_t>(place_of(field).layer) == layer;
            });
        results_[i].subject = static_cast<std::uint32_t>(one_layer ? layer : kWholeEvent);
    }
}

void PredicateResults::begin(const Event& event) {
    event_ = &event;
    // The highest bit is lost to the result: start over when the numbers are used up.
    if (last_number_ >= (1U << 31) - kSubjects) {
        for (Result& result : results_)
            result.known = 0;
        blocks_ = {};
        last_number_ = 0;
        numbers_.fill(++last_number_);
    }
    numbers_[kWholeEvent] = ++last_number_;
    for (std::size_t i = 0; i < kLayerCount; ++i) {
        const BlockPtr& block = event.layer(static_cast<Layer>(i));
        if (block != blocks_[i] || numbers_[i] == 0) {
            blocks_[i] = block;
            numbers_[i] = ++last_number_;
        }
    }
    if (lineages_.is_followed())
        kinship_.read(event);
    lineages_.look_at(event, kinship_);
}

void PredicateResults::add_source(std::uint32_t lineage) {
    lineages_.add_source(*event_, lineage);
}

void PredicateResults::take_over(const PredicateResults& old) {
    std::vector<std::pair<std::size_t, std::size_t>> places;
    for (std::size_t i = 0; i < table_.lineages().size(); ++i) {
        for (std::size_t j = 0; j < old.table_.lineages().size(); ++j) {
            if (table_.lineage_identity(i) == old.table_.lineage_identity(j))
                places.emplace_back(i, j);
        }
    }
    lineages_.take_over(old.lineages_, places);
}

bool PredicateResults::holds(PredicateId id) {
    auto& [known, subject] = results_[static_cast<std::size_t>(id)];
    const std::uint32_t number = numbers_[subject];
    if ((known >> 1) == number)
        return (known & 1) != 0;
    const auto* const descent = std::get_if<DescendantTest>(&table_.at(id));
    const bool result = descent ? lineages_.is_descendant(descent->lineage)
                                : table_.holds(id, {event_, {}}, scratch_);
    known = (number << 1) | (result ? 1U : 0U);
    return result;
}

bool PredicateResults::holds(PredicateId id, std::span<const EventPtr> earlier) {
    if (!table_.needs_earlier_events(id))
        return holds(id);
    return table_.holds(id, {event_, earlier}, scratch_);
}

}  // namespace audisp_eql::detect
