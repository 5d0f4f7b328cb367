// SPDX-License-Identifier: Apache-2.0
#include "detect/eql/predicate_formula.hpp"

#include <algorithm>
#include <utility>

namespace audisp_eql::detect {

Values FieldUse::values(const Subject& subject) const {
    if (of_this_event())
        return subject.event->values(field);
    const bool filled = stage < subject.earlier.size() && subject.earlier[stage];
    return filled ? subject.earlier[stage]->values(field) : Values{};
}

std::size_t Formula::open(Node node) {
    nodes_.push_back(node);
    return nodes_.size() - 1;
}

void Formula::close(std::size_t at) {
    nodes_[at].span = static_cast<std::uint32_t>(nodes_.size() - at);
}

void Formula::add_constant(const Literal& literal) {
    open({.op = Op::constant, .index = static_cast<std::uint32_t>(constants_.size())});
    constants_.emplace_back(literal);
}

void Formula::add_field(FieldUse use) {
    open({.op = Op::field, .index = static_cast<std::uint32_t>(uses_.size())});
    uses_.push_back(use);
}

std::uint32_t Formula::keep_test(ValueTest test) {
    tests_.push_back(std::move(test));
    return static_cast<std::uint32_t>(tests_.size() - 1);
}

std::uint32_t Formula::keep_function(const FunctionRow* row) {
    functions_.push_back(row);
    return static_cast<std::uint32_t>(functions_.size() - 1);
}

bool Formula::needs_earlier_events() const {
    return std::any_of(uses_.begin(), uses_.end(),
                       [](const FieldUse& use) { return !use.of_this_event(); });
}

// One walk over the nodes with one choice of values.
class Formula::Evaluation {
  public:
    Evaluation(const Formula& formula, FormulaScratch& scratch)
        : formula_(formula), scratch_(scratch) {}

    MaybeValue run() { return value(0); }

  private:
    MaybeValue value(std::size_t at);
    MaybeValue call(std::size_t at, const Node& node);
    MaybeValue arithmetic(std::size_t at, Op op);
    MaybeValue compare(std::size_t at, const Node& node);
    MaybeValue junction(std::size_t at, const Node& node);

    std::size_t after(std::size_t at) const { return at + formula_.nodes_[at].span; }

    const Formula& formula_;
    FormulaScratch& scratch_;
};

MaybeValue Formula::Evaluation::value(std::size_t at) {
    const Node& node = formula_.nodes_[at];
    switch (node.op) {
        case Op::constant:
            return formula_.constants_[node.index].value();
        case Op::field: {
            const Values values = scratch_.values[node.index];
            return values.empty() ? std::nullopt : MaybeValue(values[scratch_.picked[node.index]]);
        }
        case Op::call:
            return call(at, node);
        case Op::negate: {
            const MaybeValue operand = value(at + 1);
            return operand ? detect::negate(*operand) : std::nullopt;
        }
        case Op::compare:
            return compare(at, node);
        case Op::is_null:
            return Value::boolean(!value(at + 1));
        case Op::test: {
            const MaybeValue operand = value(at + 1);
            return operand
                       ? MaybeValue(Value::boolean(matches(formula_.tests_[node.index], *operand)))
                       : std::nullopt;
        }
        case Op::logical_not: {
            const MaybeValue operand = value(at + 1);
            if (!operand || operand->kind() != ValueKind::boolean)
                return std::nullopt;
            return Value::boolean(!operand->as_boolean());
        }
        case Op::logical_and:
        case Op::logical_or:
            return junction(at, node);
        case Op::add:
        case Op::subtract:
        case Op::multiply:
        case Op::divide:
        case Op::modulo:
            return arithmetic(at, node.op);
    }
    return std::nullopt;
}

MaybeValue Formula::Evaluation::call(std::size_t at, const Node& node) {
    // A stack, not an array: `value` may call another function meanwhile.
    const std::size_t base = scratch_.stack.size();
    for (std::size_t child = at + 1; child < at + node.span; child = after(child)) {
        const MaybeValue argument = value(child);
        scratch_.stack.push_back(argument);
    }
    const auto arguments = std::span<const MaybeValue>(scratch_.stack).subspan(base);
    const MaybeValue result =
        formula_.functions_[node.index]->evaluate(arguments, node.fold_case, scratch_.arena);
    scratch_.stack.resize(base);
    return result;
}

MaybeValue Formula::Evaluation::arithmetic(std::size_t at, Op op) {
    const MaybeValue left = value(at + 1);
    const MaybeValue right = value(after(at + 1));
    if (!left || !right)
        return std::nullopt;
    switch (op) {
        case Op::add:
            return detect::add(*left, *right);
        case Op::subtract:
            return detect::subtract(*left, *right);
        case Op::multiply:
            return detect::multiply(*left, *right);
        case Op::divide:
            return detect::divide(*left, *right);
        default:
            return detect::modulo(*left, *right);
    }
}

MaybeValue Formula::Evaluation::compare(std::size_t at, const Node& node) {
    const MaybeValue left = value(at + 1);
    const MaybeValue right = value(after(at + 1));
    if (node.nulls_equal && !left && !right)
        return Value::boolean(node.compare == CompareOp::equal);
    if (!left || !right)
        return std::nullopt;
    return Value::boolean(detect::holds(node.compare, compare_values(*left, *right, node.mode)));
}

MaybeValue Formula::Evaluation::junction(std::size_t at, const Node& node) {
    const bool decisive = node.op == Op::logical_or;
    bool unknown = false;
    for (std::size_t child = at + 1; child < at + node.span; child = after(child)) {
        const MaybeValue operand = value(child);
        if (!operand || operand->kind() != ValueKind::boolean)
            unknown = true;
        else if (operand->as_boolean() == decisive)
            return Value::boolean(decisive);
    }
    return unknown ? std::nullopt : MaybeValue(Value::boolean(!decisive));
}

bool Formula::holds(const Subject& subject, FormulaScratch& scratch) const {
    scratch.values.clear();
    for (const FieldUse& use : uses_)
        scratch.values.push_back(use.values(subject));
    scratch.picked.assign(uses_.size(), 0);

    // An odometer over the choices; a missing field has one choice, null.
    for (std::size_t tried = 0; tried < FormulaScratch::kMaxChoices; ++tried) {
        scratch.arena.release();
        const MaybeValue result = Evaluation(*this, scratch).run();
        if (result && result->kind() == ValueKind::boolean && result->as_boolean())
            return true;
        std::size_t wheel = 0;
        for (; wheel < uses_.size(); ++wheel) {
            if (++scratch.picked[wheel] < scratch.values[wheel].size())
                break;
            scratch.picked[wheel] = 0;
        }
        if (wheel == uses_.size())
            return false;
    }
    ++scratch.choices_cut;
    return false;
}

Literal Formula::fold(FormulaScratch& scratch) const {
    scratch.values.clear();
    scratch.arena.release();
    const MaybeValue result = Evaluation(*this, scratch).run();
    Literal literal;
    if (!result)
        return literal;
    switch (result->kind()) {
        case ValueKind::boolean:
            literal.kind = LiteralKind::boolean;
            literal.boolean = result->as_boolean();
            break;
        case ValueKind::integer:
            literal.kind = LiteralKind::integer;
            literal.integer = result->as_integer();
            break;
        case ValueKind::real:
            literal.kind = LiteralKind::real;
            literal.real = result->as_real();
            break;
        case ValueKind::text:
            literal.kind = LiteralKind::text;
            literal.text = result->as_text();
            break;
        case ValueKind::date:
            break;  // no constant is a date
    }
    return literal;
}

}  // namespace audisp_eql::detect
