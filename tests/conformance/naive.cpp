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
        event.fields[path].emplace_back(json.to_number<std::int64_t>());
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

Value value_of(const Expr& expression, const Choice& choice, const Event& event);

Value compare_values(const Expr& expression, const Value& left, const Value& right) {
    const bool null_literal = std::any_of(
        expression.operands.begin(), expression.operands.end(), [](const auto& operand) {
            return operand->kind == ExprKind::literal &&
                   operand->literal.kind == detect::LiteralKind::null;
        });
    using Op = detect::CompareOp;
    if (null_literal && expression.compare == Op::equal)
        return is_null(left) && is_null(right);
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

Value match_value(const Expr& expression, const Choice& choice, const Event& event) {
    const Value subject = value_of(*expression.operands[0], choice, event);
    if (is_null(subject))
        return {};
    for (std::size_t i = 1; i < expression.operands.size(); ++i) {
        const Value constant = value_of(*expression.operands[i], choice, event);
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

Value value_of(const Expr& expression, const Choice& choice, const Event& event) {
    const auto operand = [&](std::size_t i) {
        return value_of(*expression.operands[i], choice, event);
    };
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
            return match_value(expression, choice, event);
        default:
            throw std::logic_error("the naive evaluator does not know this expression");
    }
}

// Is there a choice of one value per field occurrence that makes the atom true?
bool atom_holds(const Expr& atom, const Event& event,
                const std::function<bool(const Choice&)>& truth) {
    std::vector<const Expr*> fields;
    collect_fields(atom, fields);
    Choice choice;
    const std::function<bool(std::size_t)> choose = [&](std::size_t at) {
        if (at == fields.size())
            return truth(choice);
        const auto found = event.fields.find(fields[at]->name);
        if (found == event.fields.end() || found->second.empty()) {
            choice[fields[at]] = Value{};
            return choose(at + 1);
        }
        for (const Value& value : found->second) {
            choice[fields[at]] = value;
            if (choose(at + 1))
                return true;
        }
        return false;
    };
    return choose(0);
}

bool compares_with_null(const Expr& expression) {
    return std::any_of(expression.operands.begin(), expression.operands.end(),
                       [](const auto& operand) {
                           return operand->kind == ExprKind::literal &&
                                  operand->literal.kind == detect::LiteralKind::null;
                       });
}

}  // namespace

bool holds(const Expr& expression, const Event& event) {
    switch (expression.kind) {
        case ExprKind::logical_not:
            return !holds(*expression.operands[0], event);
        case ExprKind::logical_and:
            return std::all_of(expression.operands.begin(), expression.operands.end(),
                               [&](const auto& operand) { return holds(*operand, event); });
        case ExprKind::logical_or:
            return std::any_of(expression.operands.begin(), expression.operands.end(),
                               [&](const auto& operand) { return holds(*operand, event); });
        case ExprKind::compare:
            if (expression.compare == detect::CompareOp::not_equal) {
                // f != v is not (f == v); so is f != null.
                return !atom_holds(expression, event, [&](const Choice& choice) {
                    const Value left = value_of(*expression.operands[0], choice, event);
                    const Value right = value_of(*expression.operands[1], choice, event);
                    if (compares_with_null(expression))
                        return is_null(left) && is_null(right);
                    return is_true(compare_values(expression, left, right));
                });
            }
            break;
        default:
            break;
    }
    return atom_holds(expression, event, [&](const Choice& choice) {
        return is_true(value_of(expression, choice, event));
    });
}

Event event_from_json(const std::string& json) {
    Event event;
    const boost::json::value document = boost::json::parse(json);
    flatten("", document, event);
    event.id = std::get<std::string>(event.fields.at("id").at(0));
    event.time_ms = std::get<std::int64_t>(event.fields.at("@timestamp").at(0));
    return event;
}

namespace {

struct KeyPart {
    std::string field;
    bool optional;
};
using Key = std::vector<Value>;

struct Item {
    const detect::EventQuery* query;
    bool missing;
    std::vector<KeyPart> by;
};

std::vector<KeyPart> key_parts(const std::vector<detect::ExprPtr>& head,
                               const std::vector<detect::ExprPtr>& own) {
    std::vector<KeyPart> parts;
    for (const auto* list : {&head, &own})
        for (const auto& expression : *list)
            parts.push_back({expression->name, expression->optional});
    return parts;
}

bool matches(const detect::EventQuery& query, const Event& event) {
    if (!query.any) {
        const auto found = event.fields.find("event.category");
        if (found == event.fields.end() || std::find(found->second.begin(), found->second.end(),
                                                     Value(query.category)) == found->second.end())
            return false;
    }
    return holds(*query.where, event);
}

// Every key the event takes part under: the product of its key fields' values.
std::vector<Key> keys_of(const Item& item, const Event& event) {
    std::vector<Key> keys(1);
    for (const KeyPart& part : item.by) {
        const auto found = event.fields.find(part.field);
        std::vector<Value> values;
        if (found != event.fields.end())
            for (const Value& value : found->second)
                if (std::find(values.begin(), values.end(), value) == values.end())
                    values.push_back(value);
        if (values.empty() && part.optional)
            values.emplace_back();
        std::vector<Key> longer;
        for (const Key& key : keys)
            for (const Value& value : values) {
                longer.push_back(key);
                longer.back().push_back(value);
            }
        keys = longer;
    }
    return keys;
}

bool takes_part(const Item& item, const Event& event, const Key& key) {
    if (!matches(*item.query, event))
        return false;
    const auto keys = keys_of(item, event);
    return std::find(keys.begin(), keys.end(), key) != keys.end();
}

struct Partial {
    std::vector<std::size_t> at;  // positions of the events in the stream
};

class Sequence {
  public:
    Sequence(const detect::Query& query, const std::vector<Event>& events) : events_(events) {
        for (const auto& item : query.items)
            for (std::uint32_t run = 0; run < item.runs; ++run)
                items_.push_back({&item.query, item.missing, key_parts(query.by, item.by)});
        if (query.until)
            until_ = Item{&query.until->query, false, key_parts(query.by, query.until->by)};
        if (query.maxspan_ns)
            maxspan_ms_ = *query.maxspan_ns / 1'000'000;
        for (std::size_t i = 0; i < items_.size(); ++i)
            if (!items_[i].missing)
                positive_.push_back(i);
    }

    // The whole stream, one key at a time; the keys' matches are merged by completion.
    std::vector<Match> run() {
        std::set<Key> keys;
        for (const Event& event : events_)
            for (const Item& item : items_)
                for (const Key& key : keys_of(item, event))
                    keys.insert(key);
        std::vector<Match> all;
        for (const Key& key : keys)
            run_key(key, all);
        std::stable_sort(all.begin(), all.end(), [](const Match& a, const Match& b) {
            return a.completed_ms < b.completed_ms;
        });
        return all;
    }

  private:
    std::int64_t time(std::size_t at) const { return events_[at].time_ms; }
    bool in_span(std::int64_t from, std::int64_t to) const {
        return !maxspan_ms_ || to - from <= *maxspan_ms_;
    }

    void run_key(const Key& key, std::vector<Match>& all) {
        const std::size_t last = positive_.size() - 1;
        std::vector<std::vector<Partial>> waiting(positive_.size());
        for (std::size_t at = 0; at < events_.size(); ++at) {
            for (std::size_t stage = positive_.size(); stage-- > 0;) {
                if (!takes_part(items_[positive_[stage]], events_[at], key))
                    continue;
                Partial partial;
                if (stage > 0) {
                    if (waiting[stage - 1].empty())
                        continue;
                    partial = waiting[stage - 1].back();  // the newest; all older ones go
                    waiting[stage - 1].clear();
                    if (!in_span(time(partial.at[0]), time(at)))
                        continue;
                }
                partial.at.push_back(at);
                if (stage == last)
                    complete(partial, key, all);
                else
                    waiting[stage].push_back(partial);
            }
            if (until_ && takes_part(*until_, events_[at], key))
                for (auto& partials : waiting)
                    partials.clear();
        }
    }

    // Times of the events of a missing clause, in order.
    std::vector<std::int64_t> times_of(const Item& item, const Key& key) const {
        std::vector<std::int64_t> times;
        for (const Event& event : events_)
            if (takes_part(item, event, key))
                times.push_back(event.time_ms);
        return times;
    }

    void complete(const Partial& partial, const Key& key, std::vector<Match>& all) {
        const std::int64_t first = time(partial.at.front()), end = time(partial.at.back());
        Match match{end, std::vector<std::string>(items_.size())};
        for (std::size_t i = 0; i < positive_.size(); ++i)
            match.ids[positive_[i]] = events_[partial.at[i]].id;

        std::optional<std::int64_t> leading, trailing;
        for (std::size_t i = 0; i < items_.size(); ++i) {
            if (!items_[i].missing)
                continue;
            const auto next = std::lower_bound(positive_.begin(), positive_.end(), i);
            const auto index = static_cast<std::size_t>(next - positive_.begin());
            for (const std::int64_t t : times_of(items_[i], key)) {
                if (index == 0) {
                    if (t < first)
                        leading = std::max(leading.value_or(t), t);
                } else if (index == positive_.size()) {
                    if (t > end)
                        trailing = std::min(trailing.value_or(t), t);
                } else if (t > time(partial.at[index - 1]) && t < time(partial.at[index])) {
                    return;
                }
            }
        }
        const bool has_leading = items_.front().missing, has_trailing = items_.back().missing;
        if (has_leading && has_trailing) {
            if (leading && trailing && in_span(*leading, *trailing))
                return;
        } else if (leading && in_span(*leading, end)) {
            return;
        } else if (trailing && in_span(first, *trailing)) {
            return;
        }
        if (has_trailing)
            match.completed_ms = first + *maxspan_ms_;
        all.push_back(std::move(match));
    }

    const std::vector<Event>& events_;
    std::vector<Item> items_;
    std::optional<Item> until_;
    std::optional<std::int64_t> maxspan_ms_;
    std::vector<std::size_t> positive_;
};

}  // namespace

std::vector<Match> evaluate(const detect::Query& query, const std::vector<Event>& events) {
    if (query.kind == detect::QueryKind::sequence)
        return Sequence(query, events).run();
    if (query.kind != detect::QueryKind::event)
        throw std::logic_error("the naive evaluator does not know samples");
    std::vector<Match> all;
    for (const Event& event : events)
        if (matches(query.event, event))
            all.push_back({event.time_ms, {event.id}});
    return all;
}

}  // namespace audisp_eql::naive
