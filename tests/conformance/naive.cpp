// SPDX-License-Identifier: Apache-2.0
#include "tests/conformance/naive.hpp"

#include <algorithm>
#include <functional>
#include <optional>
#include <set>
#include <stdexcept>

#include <boost/json.hpp>

#include "tests/conformance/naive_value.hpp"

namespace audisp_eql::naive {

using detect::Expr;
using detect::ExprKind;

namespace {

void flatten(const std::string& path, const boost::json::value& json, Event& event) {
    if (const auto* object = json.if_object()) {
        for (const auto& member : *object)
            flatten(
                path.empty() ? std::string(member.key()) : path + "." + std::string(member.key()),
                member.value(), event);
    } else if (const auto* array = json.if_array()) {
        for (const auto& element : *array)
            flatten(path, element, event);
    } else if (const auto* text = json.if_string()) {
        event.fields[path].emplace_back(std::string(*text));
    } else if (const auto* boolean = json.if_bool()) {
        event.fields[path].emplace_back(*boolean);
    } else if (json.is_int64() || json.is_uint64()) {
        const auto number = json.to_number<std::int64_t>();
        if (kind_of(path) == Kind::id)  // mapped as keyword: a number is its text
            event.fields[path].emplace_back(std::to_string(number));
        else
            event.fields[path].emplace_back(number);
    } else if (json.is_double()) {
        event.fields[path].emplace_back(json.as_double());
    }
}

// One value for each field occurrence of an atom; null where the event has none.
using Choice = std::map<const Expr*, Value>;

void collect_fields(const Expr& expression, std::vector<const Expr*>& fields) {
    if (expression.kind == ExprKind::field)
        fields.push_back(&expression);
    for (const auto& operand : expression.operands)
        collect_fields(*operand, fields);
}

Kind kind_of_operands(const Expr& expression) {
    for (const auto& operand : expression.operands)
        if (operand->kind == ExprKind::field && kind_of(operand->name) != Kind::plain)
            return kind_of(operand->name);
    return Kind::plain;
}

Value value_of(const Expr& expression, const Choice& choice);

Value compare_values(const Expr& expression, const Value& left, const Value& right) {
    const bool null_literal = std::any_of(
        expression.operands.begin(), expression.operands.end(), [](const auto& operand) {
            return operand->kind == ExprKind::literal &&
                   operand->literal.kind == detect::LiteralKind::null;
        });
    using Op = detect::CompareOp;
    if (null_literal && expression.compare == Op::equal)
        return is_null(left) && is_null(right);
    // ?x == ?y holds where both are unmapped; an alias cannot be optional.
    const bool optional_fields = std::all_of(
        expression.operands.begin(), expression.operands.end(),
        [](const auto& operand) { return operand->kind == ExprKind::field && operand->optional; });
    if (optional_fields && is_null(left) && is_null(right))
        return expression.compare == Op::equal || expression.compare == Op::not_equal;
    const auto order = compare(left, right, kind_of_operands(expression));
    if (is_null(left) || is_null(right))
        return {};
    if (!order)
        return false;
    switch (expression.compare) {
        case Op::equal:
        case Op::not_equal:  // its negation lies outside, see holds()
            return *order == 0;
        case Op::less:
            return *order < 0;
        case Op::less_equal:
            return *order <= 0;
        case Op::greater:
            return *order > 0;
        case Op::greater_equal:
            return *order >= 0;
    }
    return {};
}

Value match_value(const Expr& expression, const Choice& choice) {
    const Value subject = value_of(*expression.operands[0], choice);
    if (is_null(subject))
        return {};
    for (std::size_t i = 1; i < expression.operands.size(); ++i) {
        const Value constant = value_of(*expression.operands[i], choice);
        if (expression.kind == ExprKind::in_list && !expression.fold_case) {
            if (compare(subject, constant, kind_of_operands(expression)) == 0)
                return true;
            continue;
        }
        const auto* text = std::get_if<std::string>(&subject);
        const auto* pattern = std::get_if<std::string>(&constant);
        if (!text || !pattern)
            continue;
        if (expression.kind == ExprKind::in_list) {
            if (folded(*text) == folded(*pattern))
                return true;
        } else if (expression.match == detect::MatchOp::like
                       ? wildcard(*pattern, *text, expression.fold_case)
                       : regex(*pattern, *text, expression.fold_case)) {
            return true;
        }
    }
    return false;
}

Value literal_value(const detect::Literal& literal) {
    switch (literal.kind) {
        case detect::LiteralKind::null:
            return {};
        case detect::LiteralKind::boolean:
            return literal.boolean;
        case detect::LiteralKind::integer:
            return literal.integer;
        case detect::LiteralKind::real:
            return literal.real;
        case detect::LiteralKind::text:
            return literal.text;
    }
    return {};
}

Value value_of(const Expr& expression, const Choice& choice) {
    const auto operand = [&](std::size_t i) { return value_of(*expression.operands[i], choice); };
    switch (expression.kind) {
        case ExprKind::literal:
            return literal_value(expression.literal);
        case ExprKind::field:
            return choice.at(&expression);
        case ExprKind::call: {
            std::vector<Value> arguments;
            for (std::size_t i = 0; i < expression.operands.size(); ++i)
                arguments.push_back(operand(i));
            return call(expression.name, expression.fold_case, arguments);
        }
        case ExprKind::negate:
            return arithmetic(detect::ArithmeticOp::subtract, Value(std::int64_t{0}), operand(0));
        case ExprKind::arithmetic:
            return arithmetic(expression.arithmetic, operand(0), operand(1));
        case ExprKind::compare: {
            const Value equal = compare_values(expression, operand(0), operand(1));
            if (expression.compare != detect::CompareOp::not_equal || is_null(equal))
                return equal;
            return !is_true(equal);
        }
        case ExprKind::in_list:
        case ExprKind::match:
            return match_value(expression, choice);
        default:
            throw std::logic_error("the naive evaluator does not know this expression");
    }
}

// The values of a field of the event itself, or of an earlier one by its alias: none if the match
// has not come so far.
std::vector<Value> values_of(const Expr& field, const Scene& scene) {
    const Event* event = &scene.stream[scene.at];
    std::string name = field.name;
    const auto dot = name.find('.');
    const auto alias = scene.earlier.find(name.substr(0, dot));
    if (alias != scene.earlier.end()) {
        event = alias->second;
        name = name.substr(dot + 1);
    }
    if (event == nullptr)
        return {};
    const auto found = event->fields.find(name);
    return found == event->fields.end() ? std::vector<Value>{} : found->second;
}

// Is there a choice of one value per field occurrence that makes the atom true?
bool atom_holds(const Expr& atom, const Scene& scene,
                const std::function<bool(const Choice&)>& truth) {
    std::vector<const Expr*> fields;
    collect_fields(atom, fields);
    Choice choice;
    const std::function<bool(std::size_t)> choose = [&](std::size_t at) {
        if (at == fields.size())
            return truth(choice);
        const std::vector<Value> values = values_of(*fields[at], scene);
        if (values.empty()) {
            choice[fields[at]] = Value{};
            return choose(at + 1);
        }
        for (const Value& value : values) {
            choice[fields[at]] = value;
            if (choose(at + 1))
                return true;
        }
        return false;
    };
    return choose(0);
}

// A process is named by the first value of its entity id; empty: by nothing.
std::string entity_id(const Event& event) {
    const auto found = event.fields.find("process.entity_id");
    const auto* id =
        found == event.fields.end() ? nullptr : std::get_if<std::string>(&found->second.at(0));
    return id ? *id : std::string();
}

bool is_source(const std::string& process, const detect::EventQuery& query,
               const std::vector<Event>& stream, std::size_t end) {
    for (std::size_t at = 0; at < end; ++at)
        if (entity_id(stream[at]) == process && matches(query, {stream, at, {}}))
            return true;
    return false;
}

// Endpoint's `descendant of`: has one of the process's events before `end` shown a parent or an
// ancestor that was, before that event, a source or a descendant itself? (That processes which
// ended are forgotten in time bounds memory; the streams here are shorter.)
bool descends(const std::string& process, const detect::EventQuery& query,
              const std::vector<Event>& stream, std::size_t end) {
    if (process.empty())
        return false;
    for (std::size_t at = 0; at < end; ++at) {
        if (entity_id(stream[at]) != process)
            continue;
        for (const char* field : {"process.parent.entity_id", "process.Ext.ancestry"}) {
            const auto found = stream[at].fields.find(field);
            if (found == stream[at].fields.end())
                continue;
            for (const Value& value : found->second) {
                const auto& forebear = std::get<std::string>(value);
                if (is_source(forebear, query, stream, at) || descends(forebear, query, stream, at))
                    return true;
            }
        }
    }
    return false;
}

bool compares_with_null(const Expr& expression) {
    return std::any_of(expression.operands.begin(), expression.operands.end(),
                       [](const auto& operand) {
                           return operand->kind == ExprKind::literal &&
                                  operand->literal.kind == detect::LiteralKind::null;
                       });
}

}  // namespace

bool holds(const Expr& expression, const Scene& scene) {
    switch (expression.kind) {
        case ExprKind::logical_not:
            return !holds(*expression.operands[0], scene);
        case ExprKind::logical_and:
            return std::all_of(expression.operands.begin(), expression.operands.end(),
                               [&](const auto& operand) { return holds(*operand, scene); });
        case ExprKind::logical_or:
            return std::any_of(expression.operands.begin(), expression.operands.end(),
                               [&](const auto& operand) { return holds(*operand, scene); });
        case ExprKind::compare:
            if (expression.compare == detect::CompareOp::not_equal) {
                // f != v is not (f == v); so is f != null.
                return !atom_holds(expression, scene, [&](const Choice& choice) {
                    const Value left = value_of(*expression.operands[0], choice);
                    const Value right = value_of(*expression.operands[1], choice);
                    if (compares_with_null(expression))
                        return is_null(left) && is_null(right);
                    return is_true(compare_values(expression, left, right));
                });
            }
            break;
        case ExprKind::of_query:
            return descends(entity_id(scene.stream[scene.at]), *expression.subquery, scene.stream,
                            scene.at + 1);
        default:
            break;
    }
    return atom_holds(expression, scene,
                      [&](const Choice& choice) { return is_true(value_of(expression, choice)); });
}

bool matches(const detect::EventQuery& query, const Scene& scene) {
    if (!query.any) {
        const auto& fields = scene.stream[scene.at].fields;
        const auto found = fields.find("event.category");
        if (found == fields.end() || std::find(found->second.begin(), found->second.end(),
                                               Value(query.category)) == found->second.end())
            return false;
    }
    return holds(*query.where, scene);
}

Event event_from_json(const std::string& json) {
    Event event;
    const boost::json::value document = boost::json::parse(json);
    flatten("", document, event);
    event.id = std::get<std::string>(event.fields.at("id").at(0));
    event.time_ms = std::get<std::int64_t>(event.fields.at("@timestamp").at(0));
    return event;
}

}  // namespace audisp_eql::naive
