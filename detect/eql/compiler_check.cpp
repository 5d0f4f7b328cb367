// SPDX-License-Identifier: Apache-2.0
// Names, types and arguments.
#include <algorithm>
#include <array>
#include <utility>

#include "detect/eql/compiler_condition.hpp"
#include "detect/eql/compiler_formula.hpp"
#include "detect/eql/compiler_hint.hpp"
#include "detect/text/fold.hpp"
#include "detect/text/nearest.hpp"
#include "detect/text/time_text.hpp"

namespace audisp_eql::detect {

namespace {

// A field id has 16 bits; a rule set that needs more names than this is not one.
constexpr std::size_t kMaxFieldNames = 60'000;

// The first implementation's functions that Elasticsearch's language does not have.
struct OldFunction {
    std::string_view name;
    std::string_view hint;
};
constexpr std::array kOldFunctions{
    OldFunction{"wildcard", "write: field : (\"pattern\", …)"},
    OldFunction{"match", "write: field regex~ (\"pattern\", …)"},
    OldFunction{"matchLite", "write: field regex~ (\"pattern\", …)"},
    OldFunction{"arrayContains", "write: field == value; a list matches if any of its values does"},
    OldFunction{"arraySearch", "a test of a list matches if any of its values does"},
    OldFunction{"arrayCount", "a test of a list matches if any of its values does"},
    OldFunction{"safe", "a missing field makes a test false, never an error"},
};

ValueType type_of_field(const FieldRow& row) {
    switch (row.type) {
        case FieldType::keyword:
            return ValueType::text;
        case FieldType::number:
            return ValueType::number;
        case FieldType::boolean:
            return ValueType::boolean;
        case FieldType::ip:
            return ValueType::address;
        case FieldType::date:
            return ValueType::date;
    }
    return ValueType::any;
}

ValueType type_of_literal(const Literal& literal) {
    switch (literal.kind) {
        case LiteralKind::null:
            return ValueType::null;
        case LiteralKind::boolean:
            return ValueType::boolean;
        case LiteralKind::integer:
        case LiteralKind::real:
            return ValueType::number;
        case LiteralKind::text:
            return ValueType::text;
    }
    return ValueType::any;
}

ValueType type_of_argument(char letter) {
    switch (letter) {
        case 't':
            return ValueType::text;
        case 'n':
            return ValueType::number;
        case 'b':
            return ValueType::boolean;
        case 'a':
            return ValueType::address;
        default:
            return ValueType::any;
    }
}

bool is_open(ValueType type) {
    return type == ValueType::any || type == ValueType::null;
}

// Values of these types can be equal or in order.
bool comparable(ValueType a, ValueType b) {
    if (is_open(a) || is_open(b) || a == b)
        return true;
    const auto pair = [&](ValueType x, ValueType y) {
        return (a == x && b == y) || (a == y && b == x);
    };
    return pair(ValueType::address, ValueType::text) || pair(ValueType::date, ValueType::text) ||
           pair(ValueType::date, ValueType::number);
}

std::string arity(const FunctionRow& row) {
    const auto number = [](std::size_t count) {
        return std::to_string(count) + (count == 1 ? " argument" : " arguments");
    };
    if (row.repeats)
        return "at least " + number(row.required);
    if (row.required == row.arguments.size())
        return number(row.required);
    return std::to_string(row.required) + " to " + number(row.arguments.size());
}

std::string did_you_mean(const NearestName& nearest) {
    return nearest.best().empty() ? std::string()
                                  : "did you mean '" + std::string(nearest.best()) + "'?";
}

}  // namespace

void ConditionCompiler::error(SourceRange at, std::string message, std::string hint) {
    diagnostics_.push_back({Severity::error, at, std::move(message), std::move(hint)});
}

void ConditionCompiler::warn(SourceRange at, std::string message, std::string hint) {
    diagnostics_.push_back({Severity::warning, at, std::move(message), std::move(hint)});
}

void ConditionCompiler::never(SourceRange at, std::string message, std::string hint) {
    degraded_ = true;
    warn(at, std::move(message) + ": this never holds", std::move(hint));
}

void ConditionCompiler::declare_alias(const std::string& name) {
    aliases_.push_back({name});
}

void ConditionCompiler::set_alias(const std::string& name, std::uint32_t stage) {
    for (Alias& alias : aliases_) {
        if (alias.name == name)
            alias.stage = stage;
    }
}

const Alias* ConditionCompiler::alias_of(const Expr& field) const {
    const std::string_view first = std::string_view(field.name).substr(0, field.name.find('.'));
    if (first.size() == field.name.size())
        return nullptr;
    const auto found = std::find_if(aliases_.begin(), aliases_.end(),
                                    [&](const Alias& alias) { return alias.name == first; });
    return found == aliases_.end() ? nullptr : &*found;
}

// A name without a dot that is no field: text that should stand in quotes.
bool ConditionCompiler::is_word(const Expr& expr) const {
    return expr.kind == ExprKind::field && expr.name.find('.') == std::string::npos &&
           !(known_field(expr) && is_known(*known_field(expr)));
}

bool ConditionCompiler::is_plain_field(const Expr& expr) const {
    return expr.kind == ExprKind::field && !alias_of(expr);
}

std::string_view ConditionCompiler::field_name(const Expr& field) const {
    const std::string_view name = field.name;
    return alias_of(field) ? name.substr(name.find('.') + 1) : name;
}

std::optional<FieldId> ConditionCompiler::known_field(const Expr& field) const {
    return fields_.find(field_name(field));
}

std::optional<FieldId> ConditionCompiler::resolve(const Expr& field) {
    if (const Alias* const alias = alias_of(field); alias && alias->stage == Alias::kLater) {
        error(field.at, "'" + alias->name + "' names an event that comes later or is this one",
              "an item can look at the events of the items before it");
        return std::nullopt;
    }
    return resolve(field_name(field), field.at);
}

std::optional<FieldId> ConditionCompiler::resolve(std::string_view name, SourceRange at) {
    const auto found = fields_.find(name);
    if (found && is_known(*found))
        return found;
    degraded_ = degraded_ || !options_.any_field;
    if (!options_.any_field && warned_.emplace(name).second) {
        warn(at, "unknown field '" + std::string(name) + "'", hint_for_unknown_field(name));
    }
    if (!found && fields_.size() >= kMaxFieldNames) {
        error(at, "too many different field names",
              "at most " + std::to_string(kMaxFieldNames) + " in all rules together");
        return std::nullopt;
    }
    return found ? found : fields_.intern(name);
}

CompareMode ConditionCompiler::mode_of(FieldId field) const {
    const FieldRow& row = fields_.row(field);
    return {.id = row.has(FieldFlag::id), .address = row.type == FieldType::ip};
}

ValueType ConditionCompiler::type_of(const Expr& expr) const {
    switch (expr.kind) {
        case ExprKind::literal:
            return type_of_literal(expr.literal);
        case ExprKind::field: {
            const auto id = known_field(expr);
            return id && is_known(*id) ? type_of_field(fields_.row(*id)) : ValueType::any;
        }
        case ExprKind::call: {
            const FunctionRow* const row = find_function(expr.name);
            return row ? row->result : ValueType::any;
        }
        case ExprKind::negate:
        case ExprKind::arithmetic:
            return ValueType::number;
        default:
            return ValueType::boolean;
    }
}

bool ConditionCompiler::is_constant(const Expr& expr) const {
    if (expr.kind == ExprKind::field || expr.kind == ExprKind::of_query)
        return false;
    return std::all_of(expr.operands.begin(), expr.operands.end(),
                       [&](const ExprPtr& operand) { return is_constant(*operand); });
}

Literal ConditionCompiler::fold(const Expr& expr) {
    if (expr.kind == ExprKind::literal)
        return expr.literal;
    FormulaCompiler formula(*this);
    formula.expression(expr);
    return formula.take().fold(scratch_);
}

std::optional<std::vector<Literal>> ConditionCompiler::fold_list(const Expr& expr) {
    std::vector<Literal> literals;
    literals.reserve(expr.operands.size() - 1);
    for (std::size_t i = 1; i < expr.operands.size(); ++i) {
        if (!is_constant(*expr.operands[i])) {
            const Expr& operand = *expr.operands[i];
            const std::string& left = expr.operands[0]->name;
            error(operand.at, "the list of 'in' holds constants",
                  is_word(operand) ? "text stands in double quotes: \"" + operand.name + "\""
                  : left.empty()   ? "compare with == where the other side is not a constant"
                                   : "two fields compare as: ?" + left + " == ?" + operand.name);
            return std::nullopt;
        }
        literals.push_back(fold(*expr.operands[i]));
    }
    return literals;
}

void ConditionCompiler::check_comparable(const Expr& field, FieldId id, const Literal& literal,
                                         SourceRange at) {
    if (!is_known(id))
        return;
    const FieldRow& row = fields_.row(id);
    const ValueType wanted = type_of_field(row);
    const ValueType given = type_of_literal(literal);
    if (row.has(FieldFlag::id) && given == ValueType::number)
        return;
    if (!comparable(wanted, given)) {
        never(at,
              "'" + field.name + "' is " + std::string(to_string(wanted)) +
                  " and is compared with " + std::string(to_string(given)),
              hint_for_mismatch(wanted, literal));
        return;
    }
    if (given != ValueType::text)
        return;
    if (wanted == ValueType::address && !IpAddress::parse(literal.text) &&
        !CidrSet().add(literal.text))
        never(at, "'" + field.name + "' is an IP address and '" + literal.text + "' is none",
              hint_for_mismatch(wanted, literal));
    if (wanted == ValueType::date && !parse_iso_time(literal.text))
        never(at, "'" + field.name + "' is a date and '" + literal.text + "' is none",
              "write \"2024-05-01T12:00:00Z\" or milliseconds since 1970");
}

void ConditionCompiler::check_regex(std::string_view pattern, SourceRange at) {
    if (const std::string odd = odd_in_regex(pattern); !odd.empty())
        warn(at, odd + " is an ordinary character in a regular expression here",
             "leave it out: the whole value must match anyway");
}

// event.type and its like have few values: what is none of them, but near one, is a slip.
void ConditionCompiler::check_value(FieldId id, const Literal& literal, SourceRange at) {
    if (literal.kind != LiteralKind::text)
        return;
    if (const std::string_view meant = meant_value(id, literal.text); !meant.empty())
        never(at,
              "no event has the " + std::string(fields_.row(id).name) + " '" + literal.text + "'",
              "did you mean '" + std::string(meant) + "'?");
}

void ConditionCompiler::check_types(const Expr& compare) {
    const Expr& left = *compare.operands[0];
    const Expr& right = *compare.operands[1];
    const ValueType a = type_of(left);
    const ValueType b = type_of(right);
    const auto is_id = [&](const Expr& expr) {
        const auto id = expr.kind == ExprKind::field ? known_field(expr) : std::nullopt;
        return id && fields_.row(*id).has(FieldFlag::id);
    };
    if (!comparable(a, b) && !is_id(left) && !is_id(right))
        never(compare.at,
              std::string(to_string(a)) + " is compared with " + std::string(to_string(b)));
}

void ConditionCompiler::check_two_fields(const Expr& compare) {
    const Expr& left = *compare.operands[0];
    const Expr& right = *compare.operands[1];
    for (const Expr* field : {&left, &right}) {
        // What would be a field without its first part: meant as a field of another event.
        const std::size_t dot = field->name.find('.');
        const auto rest = dot == std::string::npos
                              ? std::nullopt
                              : fields_.find(std::string_view(field->name).substr(dot + 1));
        if (is_word(*field)) {
            NearestName constant(field->name);
            for (const std::string_view known : {"null", "true", "false"})
                constant.offer(known);
            error(field->at, "'" + field->name + "' is no field",
                  constant.best().empty() ? "text stands in double quotes: \"" + field->name + "\""
                                          : did_you_mean(constant));
        } else if (rest && is_known(*rest) && !known_field(*field)) {
            const std::string event = field->name.substr(0, dot);
            NearestName nearest(event);
            for (const Alias& alias : aliases_)
                nearest.offer(alias.name);
            error(field->at, "no event of the sequence is named '" + event + "'",
                  nearest.best().empty() ? "name an item before this one: [ … ] as " + event
                                         : did_you_mean(nearest));
        } else {
            continue;
        }
        warned_.insert(field->name);
        return;
    }
    error(compare.at, "two fields are compared: '" + left.name + "' and '" + right.name + "'",
          "compare a field with constants, join the events of a sequence with 'by', or mark both "
          "as optional: ?" +
              left.name + " == ?" + right.name);
}

// a.b-c is a.b minus c, and seldom meant so.
void ConditionCompiler::check_subtraction(const Expr& difference) {
    const Expr& left = *difference.operands[0];
    const Expr& right = *difference.operands[1];
    const bool together = left.at.offset + left.at.length + 1 == right.at.offset;
    if (difference.arithmetic != ArithmeticOp::subtract || !together ||
        left.kind != ExprKind::field || !is_word(right))
        return;
    const std::string last = left.name.substr(left.name.rfind('.') + 1);
    warn(difference.at, "this is '" + left.name + "' minus '" + right.name + "'",
         "a name with '-' in it stands in back-quotes: `" + last + '-' + right.name + '`');
    warned_.insert(left.name);
    warned_.insert(right.name);
}

void ConditionCompiler::check_wildcard(const Literal& literal, SourceRange at) {
    // "*" and "?" alone are meant as they stand, and so is a question mark in a URL.
    if (literal.kind == LiteralKind::text && literal.text.size() > 1 &&
        literal.text.find('*') != std::string::npos)
        warn(at, "'*' is an ordinary character here", "':' and 'like' know wildcards");
}

bool ConditionCompiler::check_operand(const Expr& operand, ValueType needed,
                                      const std::string& what) {
    const ValueType type = type_of(operand);
    const bool texts = (needed == ValueType::text || needed == ValueType::address) &&
                       (type == ValueType::text || type == ValueType::address);
    if (is_open(type) || needed == ValueType::any || type == needed || texts)
        return true;
    std::string message = what + " works on " + std::string(to_string(needed)) + ", and this is " +
                          std::string(to_string(type));
    if (operand.kind == ExprKind::field) {
        never(operand.at, std::move(message));
        return true;
    }
    error(operand.at, std::move(message));
    return false;
}

bool ConditionCompiler::check_call(const Expr& call) {
    const FunctionRow* const row = find_function(call.name);
    const SourceRange name{
        call.at.offset, static_cast<std::uint32_t>(call.name.size()) + (call.fold_case ? 1U : 0U)};
    if (!row) {
        const auto old =
            std::find_if(kOldFunctions.begin(), kOldFunctions.end(),
                         [&](const OldFunction& one) { return equal_folded(one.name, call.name); });
        NearestName nearest(call.name);
        for (const FunctionRow& candidate : function_rows())
            nearest.offer(candidate.name);
        error(name, "unknown function '" + call.name + "'",
              old == kOldFunctions.end() ? did_you_mean(nearest) : std::string(old->hint));
        return false;
    }
    if (call.fold_case && !row->folds) {
        error(name, "'" + std::string(row->name) + "' has no form with '~'",
              "write: " + signature(*row));
        return false;
    }
    const std::size_t count = call.operands.size();
    if (count < row->required || (!row->repeats && count > row->arguments.size())) {
        error(name,
              "'" + std::string(row->name) + "' takes " + arity(*row) + ", not " +
                  std::to_string(count),
              "it reads: " + signature(*row));
        return false;
    }
    bool sound = true;
    for (std::size_t i = 0; i < count; ++i)
        sound = check_operand(*call.operands[i], type_of_argument(row->argument(i)),
                              "'" + std::string(row->name) + "'") &&
                sound;
    return sound;
}

}  // namespace audisp_eql::detect
