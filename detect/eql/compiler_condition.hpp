// SPDX-License-Identifier: Apache-2.0
// The compiler's part for conditions: expressions -> predicates, with the checks of types, names
// and arguments.
//
// Memory: refers to what it was given. Threads: one compilation at a time on one table.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "detect/eql/ast.hpp"
#include "detect/eql/compiler.hpp"
#include "detect/eql/predicate.hpp"
#include "detect/eql/predicate_function.hpp"

namespace audisp_eql::detect {

// "as event0": the stage whose event the name stands for.
struct Alias {
    static constexpr std::uint32_t kLater = UINT32_MAX;  // declared by this item or a later one
    std::string name;
    std::uint32_t stage = kLater;
};

class ConditionCompiler {
  public:
    ConditionCompiler(FieldNames& fields, PredicateTable& predicates, Diagnostics& diagnostics,
                      const CompileOptions& options)
        : fields_(fields), predicates_(predicates), diagnostics_(diagnostics), options_(options) {}

    // The names of a sequence's events, and from which item on they stand for one.
    void declare_alias(const std::string& name);
    void set_alias(const std::string& name, std::uint32_t stage);

    // The category's test and the condition.
    Condition compile(const EventQuery& query);
    // Whether what was compiled last looks at earlier events.
    bool used_aliases() const { return used_aliases_; }

    // The id of a field that is used as key or in a condition; warns once of each unknown name.
    // nullopt with an error if there are too many names.
    std::optional<FieldId> resolve(const Expr& field);
    bool degraded() const { return degraded_; }
    // A field of the event itself, not of an alias.
    bool is_own_field(const Expr& expr) const { return is_plain_field(expr); }

    void error(SourceRange at, std::string message, std::string hint = {});
    void warn(SourceRange at, std::string message, std::string hint = {});

  private:
    friend class FormulaCompiler;

    void node(const Expr& expr);
    void junction(const Expr& expr, ConditionNode::Op op);
    void atom(const Expr& expr);
    void descendant(const Expr& expr);
    void constant(bool truth);
    void leaf(PredicateId predicate);
    std::size_t open(ConditionNode::Op op);
    void close(std::size_t at);

    // The quick forms, one field against constants; false if the expression is none of them.
    bool quick_compare(const Expr& expr);
    bool quick_in(const Expr& expr);
    bool quick_match(const Expr& expr);
    bool quick_call(const Expr& expr);
    void equal_leaf(FieldId field, std::vector<Literal> literals);
    void field_leaf(FieldId field, std::string identity, ValueTest test);
    // Of the leaf before: see PredicateTable::add_spelling. `after`: what may follow the texts.
    void spell(FieldId field, const std::vector<Literal>& literals, const char* after = "");

    // Tests of values against the constants of `in`, `:` and a call; `identity` spells them out.
    // nullopt: an error was reported, or the test is always null.
    ValueTest in_test(const Expr& expr, const std::vector<Literal>& literals, CompareMode mode,
                      std::string& identity);
    std::optional<ValueTest> match_test(const Expr& expr, std::string& identity);
    std::optional<ValueTest> call_test(const Expr& expr, const FunctionRow& row,
                                       const std::vector<Literal>& literals, std::string& identity);

    // A field of this event, not of an alias.
    bool is_plain_field(const Expr& expr) const;
    bool is_word(const Expr& expr) const;
    const Alias* alias_of(const Expr& field) const;
    std::optional<FieldId> resolve(std::string_view name, SourceRange at);
    // The field's name without the alias.
    std::string_view field_name(const Expr& field) const;
    std::optional<FieldId> known_field(const Expr& field) const;
    CompareMode mode_of(FieldId field) const;
    ValueType type_of(const Expr& expr) const;
    bool is_constant(const Expr& expr) const;
    // The value of a constant expression; errors are reported.
    Literal fold(const Expr& expr);
    // Of operands[1…]; nullopt with an error if one is not constant.
    std::optional<std::vector<Literal>> fold_list(const Expr& expr);

    void check_comparable(const Expr& field, FieldId id, const Literal& literal, SourceRange at);
    void check_regex(std::string_view pattern, SourceRange at);
    void check_value(FieldId id, const Literal& literal, SourceRange at);
    void check_types(const Expr& compare);
    void check_subtraction(const Expr& difference);
    // Two fields of which not both are optional: an error.
    void check_two_fields(const Expr& compare);
    void check_wildcard(const Literal& literal, SourceRange at);
    // False with an error: no such function, or not with these arguments.
    bool check_call(const Expr& call);
    // An operand that can never be of the type that `what` works on.
    bool check_operand(const Expr& operand, ValueType needed, const std::string& what);
    // A test that can never hold: a warning.
    void never(SourceRange at, std::string message, std::string hint = {});

    FieldNames& fields_;
    PredicateTable& predicates_;
    Diagnostics& diagnostics_;
    const CompileOptions& options_;
    std::vector<Alias> aliases_;
    std::set<std::string, std::less<>> warned_;  // names that were warned of
    Condition out_;
    FormulaScratch scratch_;
    bool used_aliases_ = false;
    bool degraded_ = false;
};

// Spells constants out, in an order of their own.
std::string identity_of(std::vector<Literal> literals);

}  // namespace audisp_eql::detect
