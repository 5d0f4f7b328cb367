// SPDX-License-Identifier: Apache-2.0
#include "detect/eql/predicate.hpp"

#include <algorithm>

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

void PredicateResults::begin(const Event& event) {
    event_ = &event;
    // The highest bit is lost to the result: start over when the numbers are used up.
    if (++event_number_ >= (1U << 31)) {
        std::fill(known_.begin(), known_.end(), 0);
        event_number_ = 1;
    }
    if (follows_lineages())
        kinship_.read(event);
    for (Lineage& lineage : lineages_)
        lineage.look_at(event, kinship_);
}

void PredicateResults::add_source(std::uint32_t lineage) {
    lineages_[lineage].add_source(*event_);
}

bool PredicateResults::follows_lineages() const {
    return std::any_of(lineages_.begin(), lineages_.end(),
                       [](const Lineage& lineage) { return lineage.is_followed(); });
}

std::uint64_t PredicateResults::lineage_dropped() const {
    std::uint64_t all = 0;
    for (const Lineage& lineage : lineages_)
        all += lineage.dropped();
    return all;
}

void PredicateResults::clear() {
    for (Lineage& lineage : lineages_)
        lineage.clear();
}

void PredicateResults::take_over(PredicateResults& old) {
    for (std::size_t i = 0; i < lineages_.size(); ++i) {
        for (std::size_t j = 0; j < old.lineages_.size(); ++j) {
            if (table_.lineage_identity(i) == old.table_.lineage_identity(j))
                lineages_[i] = std::move(old.lineages_[j]);
        }
    }
}

bool PredicateResults::holds(PredicateId id) {
    std::uint32_t& known = known_[static_cast<std::size_t>(id)];
    if ((known >> 1) == event_number_)
        return (known & 1) != 0;
    const auto* const descent = std::get_if<DescendantTest>(&table_.at(id));
    const bool result = descent ? lineages_[descent->lineage].is_descendant()
                                : table_.holds(id, {event_, {}}, scratch_);
    known = (event_number_ << 1) | (result ? 1U : 0U);
    return result;
}

bool PredicateResults::holds(PredicateId id, std::span<const EventPtr> earlier) {
    if (!table_.needs_earlier_events(id))
        return holds(id);
    return table_.holds(id, {event_, earlier}, scratch_);
}

}  // namespace audisp_eql::detect
