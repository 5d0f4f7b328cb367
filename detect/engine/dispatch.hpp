// SPDX-License-Identifier: Apache-2.0
// From what an event is to the rules that it could match. Events of one kind (same category,
// action, type and operating system) share a plan: the rules that kind could match, their
// conditions without the tests that the kind has decided, and an index over the texts that what is
// left of them asks for.
//
// Memory: owns the plans. Threads: one engine.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "detect/engine/clue_index.hpp"
#include "detect/engine/machine.hpp"
#include "detect/rule/rule_set.hpp"

namespace audisp_eql::detect {

struct Plan {
    // Lineages first, then in the order of the rules; of one rule later items first, `until` last.
    std::vector<Candidate> candidates;
    ClueIndex index;
    bool ends_process = false;  // events of this kind are a process's end
};

class Dispatcher {
  public:
    // The layers that are at hand before an event is made.
    static constexpr std::array kSketchLayers{Layer::image, Layer::parent_image, Layer::host};

    explicit Dispatcher(const RuleSet& rules);

    // What the event that `results` has begun could match, in the plan's order. Valid until the
    // next call.
    std::span<const Candidate* const> candidates(const Event& event, PredicateResults& results);
    // What an event of the sketch's kind() with its kSketchLayers could match, whatever stands in
    // the other layers; nullopt: nothing is known of that kind yet. Valid until the next call.
    std::optional<std::span<const Candidate* const>> candidates_by_sketch(const Event& sketch);
    // True if the test looks at nothing but those layers, or at who the process descends from.
    bool decided_by_sketch(PredicateId id) const { return sketched_[static_cast<std::size_t>(id)]; }
    // Of a kind that candidates_by_sketch knows.
    bool ends_process(std::uint16_t kind) const { return by_number_[kind]->ends_process; }

  private:
    // Real data has a few dozen kinds. Beyond this (input with made-up kinds) plans are forgotten
    // and made anew.
    static constexpr std::size_t kMaxPlans = 1024;

    void describe(const Event& event);
    const Plan& plan_of_description(const Event& event, PredicateResults& results);
    const Plan& plan(const Event& event, PredicateResults& results);
    Plan make(const Event& event, PredicateResults& results) const;

    const RuleSet& rules_;
    std::vector<bool> sketched_;  // by predicate
    std::vector<bool> by_kind_;   // by predicate: what makes the kind decides it
    std::string kind_;
    std::unordered_map<std::string, Plan> plans_;
    std::vector<const Plan*> by_number_;  // by Event::kind(); null: not asked for yet
    FoundInBlocks in_blocks_;
    NumberSet found_;
    std::vector<const Candidate*> candidates_;
};

// True if some rule could match an event, or `descendant of` begin with one, of which only these
// fields are known, as `sample` has them; the others may hold anything.
bool may_match(const RuleSet& rules, const Event& sample, std::span<const FieldId> known_fields);

// What is left of a condition once the leaves that `known` decides are taken out: yes or no with
// nothing appended, or unknown with the rest in `out`. `known(PredicateId)` gives a Truth.
template <typename Known>
Truth simplify(const ConditionNode* node, Known& known, Condition& out) {
    using Op = ConditionNode::Op;
    const auto negated = [](Truth truth) {
        return truth == Truth::unknown ? truth : truth == Truth::yes ? Truth::no : Truth::yes;
    };
    const std::size_t at = out.size();
    switch (node->op) {
        case Op::always:
            return Truth::yes;
        case Op::never:
            return Truth::no;
        case Op::leaf: {
            const Truth truth = known(node->predicate);
            if (truth == Truth::unknown)
                out.push_back(*node);
            return truth;
        }
        case Op::logical_not: {
            out.push_back(*node);
            const Truth truth = simplify(node + 1, known, out);
            if (truth != Truth::unknown)
                out.resize(at);
            else
                out[at].span = static_cast<std::uint32_t>(out.size() - at);
            return negated(truth);
        }
        case Op::logical_and:
        case Op::logical_or:
            break;
    }
    const Truth decisive = node->op == Op::logical_or ? Truth::yes : Truth::no;
    out.push_back(*node);
    std::size_t left = 0;
    for (const ConditionNode* child = node + 1; child < node + node->span; child += child->span) {
        const Truth truth = simplify(child, known, out);
        if (truth == decisive) {
            out.resize(at);
            return decisive;
        }
        left += truth == Truth::unknown ? 1 : 0;
    }
    if (left == 0) {
        out.resize(at);
        return negated(decisive);
    }
    if (left == 1)
        out.erase(out.begin() + static_cast<std::ptrdiff_t>(at));
    else
        out[at].span = static_cast<std::uint32_t>(out.size() - at);
    return Truth::unknown;
}

}  // namespace audisp_eql::detect
