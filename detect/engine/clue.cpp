// SPDX-License-Identifier: Apache-2.0
#include "detect/engine/clue.hpp"

#include <algorithm>
#include <utility>

namespace audisp_eql::detect {

namespace {

class Search {
  public:
    explicit Search(const PredicateTable& predicates) : predicates_(predicates) {}

    std::vector<Clues> of(const ConditionNode* node) const {
        using Op = ConditionNode::Op;
        switch (node->op) {
            case Op::leaf:
                return of_test(node->predicate);
            case Op::logical_and:
                return of_all(node);
            case Op::logical_or:
                return of_any(node);
            case Op::logical_not:
            case Op::always:
            case Op::never:
                break;
        }
        return {};
    }

  private:
    std::vector<Clues> of_test(PredicateId id) const {
        const auto* const test = std::get_if<FieldTest>(&predicates_.at(id));
        auto required = test ? required_texts(test->test) : std::nullopt;
        if (!required)
            return {};
        Clues clues;
        for (RequiredText& one : *required)
            clues.push_back({test->field, std::move(one)});
        return {std::move(clues)};
    }

    // Every operand's clues are clues of the whole.
    std::vector<Clues> of_all(const ConditionNode* node) const {
        std::vector<Clues> all;
        for (const ConditionNode* child = node + 1; child < node + node->span;
             child += child->span) {
            for (Clues& clues : of(child))
                all.push_back(std::move(clues));
        }
        return all;
    }

    // One list, with clues of every operand.
    std::vector<Clues> of_any(const ConditionNode* node) const {
        Clues joined;
        for (const ConditionNode* child = node + 1; child < node + node->span;
             child += child->span) {
            std::vector<Clues> lists = of(child);
            const auto shortest = std::min_element(
                lists.begin(), lists.end(),
                [](const Clues& a, const Clues& b) { return a.size() < b.size(); });
            if (shortest == lists.end())
                return {};
            std::move(shortest->begin(), shortest->end(), std::back_inserter(joined));
        }
        return {std::move(joined)};
    }

    const PredicateTable& predicates_;
};

}  // namespace

std::vector<Clues> clues_of(const Condition& condition, const PredicateTable& predicates) {
    return Search(predicates).of(condition.data());
}

}  // namespace audisp_eql::detect
