// SPDX-License-Identifier: Apache-2.0
// A test that is more than one field against constants: functions, arithmetic, several fields. It
// holds if there is a choice of one value for every occurrence of a field that makes it true.
//
// Memory: a formula owns its constants; a FormulaScratch is an evaluator's working memory.
// Threads: a formula is read-only once made; a scratch belongs to one evaluator.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory_resource>
#include <span>
#include <vector>

#include "detect/eql/predicate_function.hpp"
#include "detect/eql/predicate_value.hpp"
#include "detect/event/event.hpp"

namespace audisp_eql::detect {

// What a test looks at: an event and, for `as` aliases, the events that the pending match already
// has, stage by stage.
struct Subject {
    const Event* event = nullptr;
    std::span<const EventPtr> earlier = {};
};

// One occurrence of a field.
struct FieldUse {
    static constexpr std::uint32_t kThisEvent = UINT32_MAX;
    FieldId field;
    std::uint32_t stage = kThisEvent;  // else the stage of an earlier event

    bool of_this_event() const { return stage == kThisEvent; }
    Values values(const Subject& subject) const;
};

struct FormulaScratch {
    // Two fields of a thousand arguments each. More choices are not tried: counted.
    static constexpr std::size_t kMaxChoices = 1'000'000;
    // As many operands as the grammar could give one function call in a sensible query.
    static constexpr std::size_t kArenaBytes = 4096;

    std::array<std::byte, kArenaBytes> bytes;
    std::pmr::monotonic_buffer_resource arena{bytes.data(), bytes.size()};
    std::vector<Values> values;
    std::vector<std::size_t> picked;
    std::vector<MaybeValue> stack;
    std::uint64_t choices_cut = 0;  // evaluations that were given up at kMaxChoices
};

class Formula {
  public:
    // Prefix order: an operator, then its operands. logical_*: Kleene's three values.
    enum class Op : std::uint8_t {
        constant,  // constants[index]
        field,     // uses[index]
        call,      // function[index], span nodes below
        add,       // and the rest of arithmetic: two operands
        subtract,
        multiply,
        divide,
        modulo,
        negate,       // one operand
        compare,      // two operands
        is_null,      // one operand
        test,         // tests[index] on one operand
        logical_not,  // one operand
        logical_and,  // two or more
        logical_or,
    };
    struct Node {
        Op op;
        CompareOp compare = CompareOp::equal;
        CompareMode mode = {};
        bool fold_case = false;
        bool nulls_equal = false;  // compare: ?x == ?y holds where both are missing
        std::uint32_t index = 0;
        std::uint32_t span = 1;  // nodes in this subtree, this one included
    };

    // Building: children follow their parent; close() sets the parent's span.
    std::size_t open(Node node);
    void close(std::size_t at);
    void add_constant(const Literal& literal);
    void add_field(FieldUse use);
    std::uint32_t keep_test(ValueTest test);
    std::uint32_t keep_function(const FunctionRow* row);

    const std::vector<FieldUse>& uses() const { return uses_; }
    bool needs_earlier_events() const;

    bool holds(const Subject& subject, FormulaScratch& scratch) const;
    // The value of a formula without fields, as a literal.
    Literal fold(FormulaScratch& scratch) const;

  private:
    class Evaluation;

    std::vector<Node> nodes_;
    std::vector<FieldUse> uses_;
    std::deque<Constant> constants_;
    std::deque<ValueTest> tests_;
    std::vector<const FunctionRow*> functions_;
};

}  // namespace audisp_eql::detect
