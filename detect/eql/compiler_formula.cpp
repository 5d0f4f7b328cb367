// SPDX-License-Identifier: Apache-2.0
#include "detect/eql/compiler_formula.hpp"

#include <algorithm>
#include <utility>

namespace audisp_eql::detect {

namespace {

std::string_view name_of(ArithmeticOp op) {
    switch (op) {
        case ArithmeticOp::add:
            return "+";
        case ArithmeticOp::subtract:
            return "-";
        case ArithmeticOp::multiply:
            return "*";
        case ArithmeticOp::divide:
            return "/";
        case ArithmeticOp::modulo:
            return "%";
    }
    return {};
}

Formula::Op formula_op(ArithmeticOp op) {
    switch (op) {
        case ArithmeticOp::add:
            return Formula::Op::add;
        case ArithmeticOp::subtract:
            return Formula::Op::subtract;
        case ArithmeticOp::multiply:
            return Formula::Op::multiply;
        case ArithmeticOp::divide:
            return Formula::Op::divide;
        case ArithmeticOp::modulo:
            break;
    }
    return Formula::Op::modulo;
}

bool is_null(const Expr& expr) {
    return expr.kind == ExprKind::literal && expr.literal.kind == LiteralKind::null;
}

}  // namespace

std::size_t FormulaCompiler::open(Formula::Node node, std::string_view name) {
    identity_ += name;
    identity_ += '(';
    return formula_.open(node);
}

void FormulaCompiler::close(std::size_t at) {
    identity_ += ')';
    formula_.close(at);
}

void FormulaCompiler::condition(const Expr& expr) {
    if (expr.kind == ExprKind::compare && expr.compare == CompareOp::not_equal)
        compare(expr, CompareOp::equal);
    else
        expression(expr);
}

void FormulaCompiler::expression(const Expr& expr) {
    switch (expr.kind) {
        case ExprKind::literal:
            identity_ += identity_of({expr.literal});
            formula_.add_constant(expr.literal);
            return;
        case ExprKind::field:
            field(expr);
            return;
        case ExprKind::call:
            call(expr);
            return;
        case ExprKind::negate: {
            checks_.check_operand(*expr.operands[0], ValueType::number, "'-'");
            const std::size_t at = open({.op = Formula::Op::negate}, "neg");
            expression(*expr.operands[0]);
            close(at);
            return;
        }
        case ExprKind::arithmetic:
            arithmetic(expr);
            return;
        case ExprKind::compare:
            compare(expr, expr.compare);
            return;
        case ExprKind::in_list:
            in_list(expr);
            return;
        case ExprKind::match:
            match(expr);
            return;
        case ExprKind::logical_not:
            junction(expr, Formula::Op::logical_not, "not");
            return;
        case ExprKind::logical_and:
            junction(expr, Formula::Op::logical_and, "and");
            return;
        case ExprKind::logical_or:
            junction(expr, Formula::Op::logical_or, "or");
            return;
        case ExprKind::of_query:
            checks_.error(expr.at, "'" + expr.name + " of' cannot be part of a comparison",
                          "use it as a condition of its own, joined by and, or, not");
            formula_.add_constant({});
            return;
    }
}

void FormulaCompiler::field(const Expr& expr) {
    FieldUse use{};
    const Alias* const alias = checks_.alias_of(expr);
    const auto id = checks_.resolve(expr);
    if (!id) {
        formula_.add_constant({});
        return;
    }
    use.field = *id;
    if (alias)
        use.stage = alias->stage;
    identity_ += 'f' + std::to_string(static_cast<unsigned>(use.field)) + '@' +
                 std::to_string(use.stage) + ',';
    formula_.add_field(use);
}

void FormulaCompiler::call(const Expr& expr) {
    const FunctionRow* const row = find_function(expr.name);
    if (!checks_.check_call(expr)) {
        formula_.add_constant({});
        return;
    }
    // A network is read once, not with every event.
    const auto rest = std::next(expr.operands.begin());
    const bool networks = row->argument(0) == 'a';
    if (networks && std::all_of(rest, expr.operands.end(),
                                [&](const auto& e) { return checks_.is_constant(*e); })) {
        const auto literals = checks_.fold_list(expr);
        std::string identity;
        if (auto made =
                literals ? checks_.call_test(expr, *row, *literals, identity) : std::nullopt)
            test(*expr.operands[0], identity, std::move(*made));
        else
            formula_.add_constant({});
        return;
    }
    const std::size_t at = open({.op = Formula::Op::call,
                                 .fold_case = expr.fold_case,
                                 .index = formula_.keep_function(row)},
                                std::string(row->name) + (expr.fold_case ? "~" : ""));
    for (const ExprPtr& operand : expr.operands)
        expression(*operand);
    close(at);
}

void FormulaCompiler::arithmetic(const Expr& expr) {
    const std::string_view name = name_of(expr.arithmetic);
    for (const ExprPtr& operand : expr.operands)
        checks_.check_operand(*operand, ValueType::number, "'" + std::string(name) + "'");
    checks_.check_subtraction(expr);
    const std::size_t at = open({.op = formula_op(expr.arithmetic)}, name);
    expression(*expr.operands[0]);
    expression(*expr.operands[1]);
    close(at);
}

CompareMode FormulaCompiler::mode_of(const Expr& expr) const {
    if (expr.kind != ExprKind::field)
        return {};
    const auto id = checks_.known_field(expr);
    return id ? checks_.mode_of(*id) : CompareMode{};
}

void FormulaCompiler::compare(const Expr& expr, CompareOp op) {
    const Expr& left = *expr.operands[0];
    const Expr& right = *expr.operands[1];
    const bool equality = op == CompareOp::equal || op == CompareOp::not_equal;
    if (equality && (is_null(left) || is_null(right))) {
        const std::size_t negation =
            op == CompareOp::not_equal ? open({.op = Formula::Op::logical_not}, "not") : 0;
        const std::size_t at = open({.op = Formula::Op::is_null}, "null?");
        expression(is_null(right) ? left : right);
        close(at);
        if (op == CompareOp::not_equal)
            close(negation);
        return;
    }
    bool nulls_equal = false;
    if (checks_.is_plain_field(left) && checks_.is_plain_field(right)) {
        nulls_equal = left.optional && right.optional;
        if (!nulls_equal)
            checks_.check_two_fields(expr);
    }
    checks_.check_types(expr);
    const CompareMode a = mode_of(left);
    const CompareMode b = mode_of(right);
    const CompareMode mode{a.id || b.id, a.address || b.address};
    const std::size_t at =
        open({.op = Formula::Op::compare, .compare = op, .mode = mode, .nulls_equal = nulls_equal},
             "cmp" + std::to_string(static_cast<int>(op)) + (nulls_equal ? "?" : ""));
    expression(left);
    expression(right);
    close(at);
}

void FormulaCompiler::test(const Expr& operand, std::string_view identity, ValueTest made) {
    const std::size_t at =
        open({.op = Formula::Op::test, .index = formula_.keep_test(std::move(made))}, identity);
    expression(operand);
    close(at);
}

void FormulaCompiler::in_list(const Expr& expr) {
    const auto literals = checks_.fold_list(expr);
    if (!literals) {
        formula_.add_constant({});
        return;
    }
    std::string identity;
    ValueTest made = checks_.in_test(expr, *literals, mode_of(*expr.operands[0]), identity);
    test(*expr.operands[0], identity, std::move(made));
}

void FormulaCompiler::match(const Expr& expr) {
    checks_.check_operand(*expr.operands[0], ValueType::text, "a pattern");
    std::string identity;
    auto made = checks_.match_test(expr, identity);
    if (made)
        test(*expr.operands[0], identity, std::move(*made));
    else
        formula_.add_constant({});
}

void FormulaCompiler::junction(const Expr& expr, Formula::Op op, std::string_view name) {
    for (const ExprPtr& operand : expr.operands)
        checks_.check_operand(*operand, ValueType::boolean, "'" + std::string(name) + "'");
    const std::size_t at = open({.op = op}, name);
    for (const ExprPtr& operand : expr.operands)
        expression(*operand);
    close(at);
}

}  // namespace audisp_eql::detect
