// SPDX-License-Identifier: Apache-2.0
// The tests that rules make on events. An identical test in many rules is one predicate, evaluated
// at most once an event.
//
// Memory: the table owns the predicates; a PredicateResults is an engine's working memory.
// Threads: the table is read-only once the rule set is complete; results belong to one engine.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "detect/eql/compiler.hpp"
#include "detect/eql/predicate_formula.hpp"
#include "detect/eql/predicate_lineage.hpp"
#include "detect/eql/predicate_value.hpp"
#include "detect/event/event.hpp"

namespace audisp_eql::detect {

// The field has a value.
struct PresentTest {
    FieldId field;
};
// Any value of the field passes.
struct FieldTest {
    FieldId field;
    ValueTest test;
};
// `descendant of […]`; which of the table's lineages.
struct DescendantTest {
    std::uint32_t lineage;
};
using Predicate = std::variant<PresentTest, FieldTest, Formula, DescendantTest>;

class PredicateTable {
  public:
    // `identity` spells the test out: equal identities are one predicate, and `make` is called for
    // the first only.
    template <typename Make>
    PredicateId add(const std::string& identity, Make&& make) {
        const auto [place, is_new] =
            by_identity_.try_emplace(identity, static_cast<PredicateId>(predicates_.size()));
        if (is_new) {
            identities_.push_back(&place->first);
            keep(make());
        }
        return place->second;
    }

    // A lineage whose sources are the processes of events that meet the condition.
    PredicateId add_descendant(const std::string& identity, Condition source);
    // Those conditions; one may refer to lineages before it.
    const std::vector<Condition>& lineages() const { return lineages_; }
    // The same in every table whose field ids are the same.
    const std::string& lineage_identity(std::size_t lineage) const {
        return identity(lineage_predicates_[lineage]);
    }
    const std::string& identity(PredicateId id) const {
        return *identities_[static_cast<std::size_t>(id)];
    }

    // How the queries spell the texts of a test on a field that names files: the test may have its
    // case folded, and only the spelling names a file. As patterns; a value that passes matches one
    // of them, case aside. None: nothing is known of what passes.
    void add_spelling(PredicateId id, const std::vector<std::string>& patterns);
    const std::vector<std::string>& spelling(PredicateId id) const;

    std::size_t size() const { return predicates_.size(); }
    const Predicate& at(PredicateId id) const { return predicates_[static_cast<std::size_t>(id)]; }
    // The result depends on the pending match, not on the event alone.
    bool needs_earlier_events(PredicateId id) const {
        return contextual_[static_cast<std::size_t>(id)];
    }
    // The fields of the event that the predicate looks at.
    std::vector<FieldId> fields(PredicateId id) const;

    // Not for descendant tests: they depend on the events before.
    bool holds(PredicateId id, const Subject& subject, FormulaScratch& scratch) const;

  private:
    void keep(Predicate predicate);

    std::vector<Predicate> predicates_;
    std::vector<Condition> lineages_;
    std::vector<PredicateId> lineage_predicates_;
    std::vector<bool> contextual_;
    std::unordered_map<std::string, PredicateId> by_identity_;
    std::vector<const std::string*> identities_;  // the map's keys, by id
    std::unordered_map<std::uint32_t, std::vector<std::string>> spellings_;
};

// What is known of the predicates for the event at hand.
class PredicateResults {
  public:
    explicit PredicateResults(const PredicateTable& table);

    void begin(const Event& event);
    // The process of the event at hand meets the lineage's condition. Before rules are looked at,
    // and in order: the sources of one lineage may be descendants in an earlier one.
    void add_source(std::uint32_t lineage);
    bool holds(PredicateId id);
    // With the events of a pending match.
    bool holds(PredicateId id, std::span<const EventPtr> earlier);
    const PredicateTable& table() const { return table_; }
    std::uint64_t choices_cut() const { return scratch_.choices_cut; }
    // The process of the event at hand is a source of some lineage, or descends from one.
    bool is_related() const {
        return lineages_.is_followed() && lineages_.knows(kinship_.process());
    }
    std::uint64_t lineage_dropped() const { return lineages_.dropped(); }
    // Forgets what earlier events said.
    void clear() { lineages_.clear(); }
    // Goes on with what `old` has learned for lineages that are in both tables.
    void take_over(const PredicateResults& old);

  private:
    // What a result depends on: one layer of the event, or more than that.
    static constexpr std::size_t kWholeEvent = kLayerCount;
    static constexpr std::size_t kSubjects = kLayerCount + 1;

    struct Result {
        // The subject's number, shifted, and the result in the lowest bit. An old number is no
        // result.
        std::uint32_t known = 0;
        std::uint32_t subject = kWholeEvent;  // a layer, or kWholeEvent
    };

    const PredicateTable& table_;
    std::vector<Result> results_;  // by predicate
    // Of what is at hand. Events that share a block (a program's, the host) share its number.
    std::array<std::uint32_t, kSubjects> numbers_{};
    std::array<BlockPtr, kLayerCount> blocks_;  // kept, so that no other takes their place
    std::uint32_t last_number_ = 0;
    const Event* event_ = nullptr;
    FormulaScratch scratch_;
    Lineages lineages_;
    Kinship kinship_;  // of the event at hand
};

// What can be said of a condition when not everything is known.
enum class Truth : std::uint8_t { no, yes, unknown };

namespace condition_walk {

template <typename Leaf>
bool holds(const ConditionNode* node, Leaf& leaf) {
    using Op = ConditionNode::Op;
    const ConditionNode* const end = node + node->span;
    switch (node->op) {
        case Op::always:
            return true;
        case Op::never:
            return false;
        case Op::leaf:
            return leaf(node->predicate);
        case Op::logical_not:
            return !holds(node + 1, leaf);
        case Op::logical_and:
            for (const ConditionNode* child = node + 1; child < end; child += child->span) {
                if (!holds(child, leaf))
                    return false;
            }
            return true;
        case Op::logical_or:
            for (const ConditionNode* child = node + 1; child < end; child += child->span) {
                if (holds(child, leaf))
                    return true;
            }
            return false;
    }
    return false;
}

template <typename Leaf>
Truth may_hold(const ConditionNode* node, Leaf& leaf) {
    using Op = ConditionNode::Op;
    const ConditionNode* const end = node + node->span;
    const auto negated = [](Truth truth) {
        return truth == Truth::unknown ? truth : truth == Truth::yes ? Truth::no : Truth::yes;
    };
    switch (node->op) {
        case Op::always:
            return Truth::yes;
        case Op::never:
            return Truth::no;
        case Op::leaf:
            return leaf(node->predicate);
        case Op::logical_not:
            return negated(may_hold(node + 1, leaf));
        case Op::logical_and:
        case Op::logical_or: {
            const Truth decisive = node->op == Op::logical_or ? Truth::yes : Truth::no;
            Truth result = negated(decisive);
            for (const ConditionNode* child = node + 1; child < end; child += child->span) {
                const Truth truth = may_hold(child, leaf);
                if (truth == decisive)
                    return decisive;
                if (truth == Truth::unknown)
                    result = Truth::unknown;
            }
            return result;
        }
    }
    return Truth::unknown;
}

}  // namespace condition_walk

// `leaf(PredicateId)` says whether a predicate holds: bool. The walk stops at the first operand
// that decides.
template <typename Leaf>
bool holds(const Condition& condition, Leaf&& leaf) {
    return condition_walk::holds(condition.data(), leaf);
}
// `leaf(PredicateId)` says what is known of a predicate: Truth.
template <typename Leaf>
Truth may_hold(const Condition& condition, Leaf&& leaf) {
    return condition_walk::may_hold(condition.data(), leaf);
}

}  // namespace audisp_eql::detect
