// SPDX-License-Identifier: Apache-2.0
// The compiler's part for tests that are more than one field against constants.
//
// Memory: refers to the condition compiler. Threads: as that.
#pragma once

#include <string>

#include "detect/eql/compiler_condition.hpp"
#include "detect/eql/predicate_formula.hpp"

namespace audisp_eql::detect {

class FormulaCompiler {
  public:
    explicit FormulaCompiler(ConditionCompiler& checks) : checks_(checks) {}

    // One test as a whole: a `!=` at its top has lost its negation, it lies outside.
    void condition(const Expr& expr);
    void expression(const Expr& expr);

    // Spells the formula out.
    const std::string& identity() const { return identity_; }
    Formula take() { return std::move(formula_); }

  private:
    void field(const Expr& expr);
    void call(const Expr& expr);
    void arithmetic(const Expr& expr);
    void compare(const Expr& expr, CompareOp op);
    void test(const Expr& operand, std::string_view identity, ValueTest made);
    void in_list(const Expr& expr);
    void match(const Expr& expr);
    void junction(const Expr& expr, Formula::Op op, std::string_view name);
    std::size_t open(Formula::Node node, std::string_view name);
    void close(std::size_t at);
    CompareMode mode_of(const Expr& expr) const;

    ConditionCompiler& checks_;
    Formula formula_;
    std::string identity_;
};

}  // namespace audisp_eql::detect
