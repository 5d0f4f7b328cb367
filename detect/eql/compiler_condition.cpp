// SPDX-License-Identifier: Apache-2.0
#include "detect/eql/compiler_condition.hpp"

#include <algorithm>
#include <utility>

#include "detect/eql/compiler_formula.hpp"
#include "detect/eql/compiler_hint.hpp"
#include "detect/text/fold.hpp"

namespace audisp_eql::detect {

namespace {

std::string identity_of(FieldId field, std::string_view test) {
    return "field " + std::to_string(static_cast<unsigned>(field)) + ' ' + std::string(test);
}

// `3 < f` is `f > 3`.
CompareOp mirrored(CompareOp op) {
    switch (op) {
        case CompareOp::less:
            return CompareOp::greater;
        case CompareOp::less_equal:
            return CompareOp::greater_equal;
        case CompareOp::greater:
            return CompareOp::less;
        case CompareOp::greater_equal:
            return CompareOp::less_equal;
        default:
            return op;
    }
}

Literal boolean_literal(bool truth) {
    Literal literal;
    literal.kind = LiteralKind::boolean;
    literal.boolean = truth;
    return literal;
}

Literal text_literal(std::string text) {
    Literal literal;
    literal.kind = LiteralKind::text;
    literal.text = std::move(text);
    return literal;
}

}  // namespace

std::string identity_of(std::vector<Literal> literals) {
    std::vector<std::string> parts;
    for (const Literal& literal : literals) {
        switch (literal.kind) {
            case LiteralKind::null:
                parts.emplace_back("null");
                break;
            case LiteralKind::boolean:
                parts.emplace_back(literal.boolean ? "true" : "false");
                break;
            case LiteralKind::integer:
                parts.push_back("i" + std::to_string(literal.integer));
                break;
            case LiteralKind::real: {
                std::string text = "r";
                append_text(text, Value::real(literal.real));
                parts.push_back(std::move(text));
                break;
            }
            case LiteralKind::text:
                parts.push_back("t" + std::to_string(literal.text.size()) + ':' + literal.text);
                break;
        }
    }
    std::sort(parts.begin(), parts.end());
    parts.erase(std::unique(parts.begin(), parts.end()), parts.end());
    std::string identity;
    for (const std::string& part : parts)
        identity += part + ',';
    return identity;
}

Condition ConditionCompiler::compile(const EventQuery& query) {
    out_.clear();
    used_aliases_ = false;
    if (query.any) {
        node(*query.where);
        return std::move(out_);
    }
    const std::size_t at = open(ConditionNode::Op::logical_and);
    if (const auto field = resolve(options_.category_field, query.at))
        equal_leaf(*field, {text_literal(query.category)});
    // One flat conjunction: the dispatcher looks at its operands.
    if (query.where->kind == ExprKind::logical_and) {
        for (const ExprPtr& operand : query.where->operands)
            node(*operand);
    } else {
        node(*query.where);
    }
    close(at);
    return std::move(out_);
}

std::size_t ConditionCompiler::open(ConditionNode::Op op) {
    out_.push_back({op, {}, 1});
    return out_.size() - 1;
}

void ConditionCompiler::close(std::size_t at) {
    out_[at].span = static_cast<std::uint32_t>(out_.size() - at);
}

void ConditionCompiler::constant(bool truth) {
    open(truth ? ConditionNode::Op::always : ConditionNode::Op::never);
}

void ConditionCompiler::leaf(PredicateId predicate) {
    out_.push_back({ConditionNode::Op::leaf, predicate, 1});
    used_aliases_ = used_aliases_ || predicates_.needs_earlier_events(predicate);
}

void ConditionCompiler::junction(const Expr& expr, ConditionNode::Op op) {
    const std::size_t at = open(op);
    for (const ExprPtr& operand : expr.operands)
        node(*operand);
    close(at);
}

void ConditionCompiler::node(const Expr& expr) {
    switch (expr.kind) {
        case ExprKind::logical_and:
            junction(expr, ConditionNode::Op::logical_and);
            return;
        case ExprKind::logical_or:
            junction(expr, ConditionNode::Op::logical_or);
            return;
        case ExprKind::logical_not:
            junction(expr, ConditionNode::Op::logical_not);
            return;
        case ExprKind::compare:
            if (expr.compare == CompareOp::not_equal) {
                // Negation lies outside the choice of values: `a != b` is `not (a == b)`.
                const std::size_t at = open(ConditionNode::Op::logical_not);
                atom(expr);
                close(at);
                return;
            }
            atom(expr);
            return;
        case ExprKind::of_query:
            descendant(expr);
            return;
        case ExprKind::literal:
        case ExprKind::field:
        case ExprKind::call:
        case ExprKind::negate:
        case ExprKind::arithmetic:
        case ExprKind::in_list:
        case ExprKind::match:
            atom(expr);
            return;
    }
}

void ConditionCompiler::descendant(const Expr& expr) {
    if (expr.name != "descendant") {
        error(expr.at, "there is no '" + expr.name + " of'",
              "'descendant of […]' and the fields process.parent.* tell of a process's forebears");
        constant(false);
        return;
    }
    Condition outside = std::move(out_);
    const bool used_outside = std::exchange(used_aliases_, false);
    Condition source = compile(*expr.subquery);
    if (used_aliases_)
        error(expr.at, "the query of 'descendant of' cannot look at other events of the sequence");
    out_ = std::move(outside);
    used_aliases_ = used_outside;
    std::string identity = "descendant";
    for (const ConditionNode& node : source) {
        identity +=
            ' ' + std::to_string(static_cast<int>(node.op)) + ',' + std::to_string(node.span) + ',';
        if (node.op == ConditionNode::Op::leaf) {
            const std::string& test = predicates_.identity(node.predicate);
            identity += std::to_string(test.size()) + ':' + test;
        }
    }
    leaf(predicates_.add_descendant(identity, std::move(source)));
}

// One test: what lies between and, or and not.
void ConditionCompiler::atom(const Expr& expr) {
    const ValueType type = type_of(expr);
    if (type == ValueType::number || type == ValueType::text) {
        if (expr.kind != ExprKind::field) {
            error(expr.at,
                  "a condition is true or false, but this is " + std::string(to_string(type)),
                  expr.kind == ExprKind::literal && type == ValueType::text
                      ? "several values stand in a list: field in (\"a\", \"b\")"
                      : "compare it with something");
            constant(false);
            return;
        }
        never(expr.at,
              "'" + expr.name + "' alone means '" + expr.name + " == true', and the field is " +
                  std::string(to_string(type)),
              "to ask for any value, write: " + expr.name + " != null");
    }
    switch (expr.kind) {
        case ExprKind::field:
            if (!is_plain_field(expr))
                break;
            if (const auto field = resolve(expr))
                equal_leaf(*field, {boolean_literal(true)});
            else
                constant(false);
            return;
        case ExprKind::compare:
            if (quick_compare(expr))
                return;
            break;
        case ExprKind::in_list:
            if (quick_in(expr))
                return;
            break;
        case ExprKind::match:
            if (quick_match(expr))
                return;
            break;
        case ExprKind::call:
            if (quick_call(expr))
                return;
            break;
        default:
            break;
    }
    FormulaCompiler formula(*this);
    formula.condition(expr);
    if (is_constant(expr)) {
        const Literal value = formula.take().fold(scratch_);
        constant(value.kind == LiteralKind::boolean && value.boolean);
        return;
    }
    std::string identity = "formula " + formula.identity();
    leaf(predicates_.add(identity, [&] { return Predicate(formula.take()); }));
}

void ConditionCompiler::field_leaf(FieldId field, std::string identity, ValueTest test) {
    leaf(predicates_.add(identity_of(field, identity), [&] {
        return Predicate(FieldTest{field, std::move(test)});
    }));
}

void ConditionCompiler::equal_leaf(FieldId field, std::vector<Literal> literals) {
    const std::string identity = identity_of(field, "== " + identity_of(literals));
    leaf(predicates_.add(identity, [&] {
        return Predicate(FieldTest{field, EqualTest(literals, mode_of(field))});
    }));
    spell(field, literals);
}

void ConditionCompiler::spell(FieldId field, const std::vector<Literal>& literals,
                              const char* after) {
    if (field != FieldId::file_path && field != FieldId::file_directory &&
        field != FieldId::file_ext_original_path)
        return;
    std::vector<std::string> patterns;
    for (const Literal& literal : literals)
        if (literal.kind == LiteralKind::text)
            patterns.push_back(literal.text + after);
    predicates_.add_spelling(out_.back().predicate, patterns);
}

bool ConditionCompiler::quick_compare(const Expr& expr) {
    const Expr* field = expr.operands[0].get();
    const Expr* other = expr.operands[1].get();
    CompareOp op = expr.compare;
    if (!is_plain_field(*field)) {
        std::swap(field, other);
        op = mirrored(op);
    }
    if (!is_plain_field(*field) || !is_constant(*other))
        return false;
    const auto id = resolve(*field);
    if (!id) {
        constant(false);
        return true;
    }
    const Literal literal = fold(*other);
    const bool equality = op == CompareOp::equal || op == CompareOp::not_equal;
    if (literal.kind == LiteralKind::null) {
        if (!equality) {
            warn(expr.at, "nothing is less or greater than null: this never holds");
            constant(false);
            return true;
        }
        const std::size_t at = open(ConditionNode::Op::logical_not);
        leaf(predicates_.add(identity_of(*id, "present"),
                             [&] { return Predicate(PresentTest{*id}); }));
        close(at);
        return true;
    }
    check_comparable(*field, *id, literal, other->at);
    if (equality) {
        check_wildcard(literal, other->at);
        check_value(*id, literal, other->at);
        equal_leaf(*id, {literal});
        return true;
    }
    field_leaf(*id, "order " + std::to_string(static_cast<int>(op)) + ' ' + identity_of({literal}),
               OrderTest{op, Constant(literal), mode_of(*id)});
    return true;
}

bool ConditionCompiler::quick_in(const Expr& expr) {
    const Expr& field = *expr.operands[0];
    if (!is_plain_field(field))
        return false;
    const auto id = resolve(field);
    const auto literals = fold_list(expr);
    if (!id || !literals) {
        constant(false);
        return true;
    }
    if (!expr.fold_case) {
        for (std::size_t i = 0; i < literals->size(); ++i) {
            check_comparable(field, *id, (*literals)[i], expr.operands[i + 1]->at);
            check_wildcard((*literals)[i], expr.operands[i + 1]->at);
            check_value(*id, (*literals)[i], expr.operands[i + 1]->at);
        }
        equal_leaf(*id, *literals);
        return true;
    }
    std::string identity;
    auto test = in_test(expr, *literals, mode_of(*id), identity);
    field_leaf(*id, std::move(identity), std::move(test));
    spell(*id, *literals);
    return true;
}

ValueTest ConditionCompiler::in_test(const Expr& expr, const std::vector<Literal>& literals,
                                     CompareMode mode, std::string& identity) {
    if (!expr.fold_case) {
        identity = "== " + identity_of(literals);
        return EqualTest(literals, mode);
    }
    std::vector<Literal> texts;
    FoldedEqualTest test;
    for (std::size_t i = 0; i < literals.size(); ++i) {
        if (literals[i].kind != LiteralKind::text) {
            error(expr.operands[i + 1]->at, "'in~' compares strings",
                  "write 'in' for other values");
            continue;
        }
        check_wildcard(literals[i], expr.operands[i + 1]->at);
        test.texts.add(literals[i].text);
        texts.push_back(text_literal(folded(literals[i].text)));
    }
    identity = "in~ " + identity_of(texts);
    return test;
}

bool ConditionCompiler::quick_match(const Expr& expr) {
    const Expr& field = *expr.operands[0];
    if (!is_plain_field(field))
        return false;
    const auto id = resolve(field);
    std::string identity;
    auto test = match_test(expr, identity);
    if (!id || !test) {
        constant(false);
        return true;
    }
    const FieldRow& row = fields_.row(*id);
    if (is_known(*id) && row.type != FieldType::keyword && row.type != FieldType::ip)
        never(field.at,
              "'" + field.name + "' is " + std::string(to_string(type_of(field))) +
                  ", and patterns match strings",
              "compare it with ==, <, >= or in");
    field_leaf(*id, std::move(identity), std::move(*test));
    if (expr.match == MatchOp::like)
        if (const auto literals = fold_list(expr))
            spell(*id, *literals);
    return true;
}

namespace {
// The operand whose regular expression is not understood; the test, if it is none alone.
const Expr& wrong_pattern(const Expr& expr, const std::vector<std::string>& patterns) {
    constexpr std::size_t kMost = 100;  // of more, the reason names the pattern
    for (std::size_t i = 0; i < std::min(patterns.size(), kMost); ++i) {
        std::string ignored;
        if (!Regex::compile(std::span(&patterns[i], 1), expr.fold_case, ignored))
            return *expr.operands[i + 1];
    }
    return expr;
}
}  // namespace

// The test of `:`, like and regex; nullopt with an error reported.
std::optional<ValueTest> ConditionCompiler::match_test(const Expr& expr, std::string& identity) {
    std::vector<std::string> patterns;
    std::vector<Literal> literals;
    bool sound = true;
    for (std::size_t i = 1; i < expr.operands.size(); ++i) {
        const Expr& operand = *expr.operands[i];
        const Literal literal = fold(operand);
        if (literal.kind != LiteralKind::text) {
            error(operand.at, "a pattern is a string", "write it in double quotes");
            sound = false;
            continue;
        }
        if (expr.match == MatchOp::regex)
            check_regex(literal.text, operand.at);
        patterns.push_back(expr.fold_case && expr.match == MatchOp::like ? folded(literal.text)
                                                                         : literal.text);
        literals.push_back(text_literal(patterns.back()));
    }
    if (!sound)
        return std::nullopt;
    identity = expr.match == MatchOp::like ? "like" : "regex";
    identity += (expr.fold_case ? "~ " : " ") + identity_of(literals);
    if (expr.match == MatchOp::like)
        return LikeTest{WildcardSet(patterns, expr.fold_case)};
    std::string reason;
    auto regex = Regex::compile(patterns, expr.fold_case, reason);
    if (!regex) {
        const Expr& wrong = wrong_pattern(expr, patterns);
        error(wrong.at, "the regular expression is not understood: " + reason,
              hint_for_regex(wrong.literal.text));
        return std::nullopt;
    }
    return RegexTest{std::move(*regex)};
}

// cidrMatch, startsWith, endsWith and stringContains on one field and constants.
bool ConditionCompiler::quick_call(const Expr& expr) {
    const FunctionRow* const row = find_function(expr.name);
    if (!row || expr.operands.empty() || !is_plain_field(*expr.operands[0]))
        return false;
    const auto rest = std::next(expr.operands.begin());
    if (row->result != ValueType::boolean || rest == expr.operands.end() ||
        !std::all_of(rest, expr.operands.end(), [&](const auto& e) { return is_constant(*e); }))
        return false;
    if (!check_call(expr)) {
        constant(false);
        return true;
    }
    const auto id = resolve(*expr.operands[0]);
    const auto literals = fold_list(expr);
    if (!id || !literals) {
        constant(false);
        return true;
    }
    std::string identity;
    if (auto test = call_test(expr, *row, *literals, identity)) {
        field_leaf(*id, std::move(identity), std::move(*test));
        if (equal_folded(row->name, "startsWith"))
            spell(*id, *literals, "*");
    } else {
        constant(false);
    }
    return true;
}

std::optional<ValueTest> ConditionCompiler::call_test(const Expr& expr, const FunctionRow& row,
                                                      const std::vector<Literal>& literals,
                                                      std::string& identity) {
    const bool all_texts =
        std::all_of(literals.begin(), literals.end(),
                    [](const Literal& literal) { return literal.kind == LiteralKind::text; });
    if (!all_texts)
        return std::nullopt;  // null: the call is null; anything else was reported
    identity = std::string(row.name) + (expr.fold_case ? "~ " : " ") + identity_of(literals);
    if (equal_folded(row.name, "cidrMatch")) {
        CidrTest test;
        for (std::size_t i = 0; i < literals.size(); ++i) {
            if (!test.blocks.add(literals[i].text))
                error(expr.operands[i + 1]->at, "'" + literals[i].text + "' is no network",
                      "write \"10.0.0.0/8\", \"fc00::/7\" or an address");
        }
        return test;
    }
    const Affix where = equal_folded(row.name, "startsWith") ? Affix::prefix
                        : equal_folded(row.name, "endsWith") ? Affix::suffix
                                                             : Affix::inside;
    if (literals.size() != 1)
        return std::nullopt;  // reported by check_call
    return AffixTest{where, literals[0].text, expr.fold_case};
}

}  // namespace audisp_eql::detect
