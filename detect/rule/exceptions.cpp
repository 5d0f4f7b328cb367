// SPDX-License-Identifier: Apache-2.0
#include "detect/rule/exceptions.hpp"

#include <array>
#include <chrono>
#include <utility>

#include "detect/eql/parser.hpp"
#include "detect/rule/toml_file.hpp"
#include "detect/text/nearest.hpp"

namespace audisp_eql::detect {
namespace {

enum class Op : std::uint8_t { is, is_not, one_of, wildcard, exists, cidr };
struct OpName {
    std::string_view name;
    Op op;
};
constexpr std::array kOps{OpName{"is", Op::is},         OpName{"is_not", Op::is_not},
                          OpName{"one_of", Op::one_of}, OpName{"wildcard", Op::wildcard},
                          OpName{"exists", Op::exists}, OpName{"cidr", Op::cidr}};
constexpr std::string_view kOpHint = "ops are is, is_not, one_of, wildcard, exists and cidr";

// Ranges of a query's text become ranges of the file that it was read from.
void move_to_file(EventQuery& query, const TextMap& map);
void move_to_file(Expr& expr, const TextMap& map) {
    expr.at = to_file(map, expr.at);
    for (const ExprPtr& operand : expr.operands)
        move_to_file(*operand, map);
    if (expr.subquery)
        move_to_file(*expr.subquery, map);
}
void move_to_file(EventQuery& query, const TextMap& map) {
    query.at = to_file(map, query.at);
    move_to_file(*query.where, map);
}

ExprPtr make(ExprKind kind, SourceRange at) {
    auto expr = std::make_unique<Expr>();
    expr->kind = kind;
    expr->at = at;
    return expr;
}

class ExceptionReader {
  public:
    ExceptionReader(std::string_view text, ExceptionFile& out)
        : toml_(text, out.diagnostics), out_(out) {}
    void read();

  private:
    void item(const toml::table& table);
    void identity(const toml::table& table, ExceptionItem& item);
    void rules(const toml::node& node, ExceptionItem& item);
    void expires(const toml::node& node, ExceptionItem& item);
    void condition(const toml::table& table, ExceptionItem& item);
    void entries(const toml::node& node, std::vector<ExprPtr>& tests);
    void entry(const toml::table& table, std::vector<ExprPtr>& tests);
    std::optional<Op> op_of(const toml::table& table);
    ExprPtr test(Op op, const toml::node& field, const toml::node* value);
    void values(const toml::node& value, Expr& test);
    ExprPtr literal(const toml::node& value);
    void query(const toml::node& node, ExceptionItem& item);

    std::optional<std::string> text(const toml::node& node, std::string_view key);
    void wrong(SourceRange at, std::string message, std::string hint = {}) {
        sound_ = false;
        toml_.error(at, std::move(message), std::move(hint));
    }

    TomlFile toml_;
    ExceptionFile& out_;
    bool sound_ = true;  // the item at hand
};

void ExceptionReader::read() {
    const std::optional<toml::table> file = toml_.parse();
    if (!file)
        return;
    toml_.only(*file, {"exception"});
    const toml::node* const node = file->get("exception");
    if (!node) {
        toml_.warning({0, 0}, "the file holds no exceptions",
                      "each begins with a line [[exception]]");
        return;
    }
    const toml::array* const list = node->as_array();
    if (!list || !list->is_homogeneous<toml::table>()) {
        toml_.error(toml_.at(*node), "'exception' must be a list of tables", "write [[exception]]");
        return;
    }
    for (const toml::node& entry : *list)
        item(*entry.as_table());
}

void ExceptionReader::item(const toml::table& table) {
    ExceptionItem item;
    const std::size_t before = out_.diagnostics.size();
    toml_.only(table, {"id", "comment", "rule", "expires", "entries", "query"});
    sound_ = out_.diagnostics.size() == before;
    identity(table, item);
    if (const toml::node* const node = table.get("rule"))
        rules(*node, item);
    if (const toml::node* const node = table.get("expires"))
        expires(*node, item);
    condition(table, item);
    if (sound_)
        out_.items.push_back(std::move(item));
}

std::optional<std::string> ExceptionReader::text(const toml::node& node, std::string_view key) {
    auto value = node.value_exact<std::string>();
    if (value && !value->empty())
        return value;
    wrong(toml_.at(node), "'" + std::string(key) + "' must be text, and not be empty");
    return std::nullopt;
}

void ExceptionReader::identity(const toml::table& table, ExceptionItem& item) {
    const toml::node* const id = table.get("id");
    item.at = toml_.at(id ? *id : static_cast<const toml::node&>(table));
    if (id)
        item.id = text(*id, "id").value_or("");
    else
        wrong(item.at, "the exception has no id",
              "add: id = \"…\"; what it suppresses is counted under it");
    if (const toml::node* const comment = table.get("comment"))
        item.comment = text(*comment, "comment").value_or("");
}

void ExceptionReader::rules(const toml::node& node, ExceptionItem& item) {
    const auto add = [&](const toml::node& one) {
        if (auto id = text(one, "rule")) {
            item.rules.push_back(std::move(*id));
            item.rules_at.push_back(toml_.at(one));
        }
    };
    const toml::array* const list = node.as_array();
    if (!list)
        return add(node);
    // A list from which the last id was removed must not turn into an exception from every rule.
    if (list->empty())
        return wrong(toml_.at(node), "'rule' names no rule",
                     "without 'rule' it holds for every rule");
    for (const toml::node& one : *list)
        add(one);
}

void ExceptionReader::expires(const toml::node& node, ExceptionItem& item) {
    using namespace std::chrono;
    const auto day = node.value_exact<toml::date>();
    if (!day)
        return wrong(toml_.at(node), "'expires' must be a date",
                     "write it without quotes: expires = 2027-01-31");
    const year_month_day date{year(day->year), month(day->month), std::chrono::day(day->day)};
    item.expires_us = microseconds((sys_days(date) + days(1)).time_since_epoch()).count();
}

void ExceptionReader::condition(const toml::table& table, ExceptionItem& item) {
    const toml::node* const list = table.get("entries");
    const toml::node* const asked = table.get("query");
    if (!list && !asked)
        return wrong(item.at, "the exception says nothing of the events it is for",
                     "add: entries = [ {field = \"…\", op = \"is\", value = \"…\"} ]");
    std::vector<ExprPtr> tests;
    if (list)
        entries(*list, tests);
    item.condition.any = true;
    item.condition.at = item.at;
    if (asked)
        query(*asked, item);
    if (!sound_)
        return;
    if (item.condition.where)
        tests.push_back(std::move(item.condition.where));
    if (tests.size() == 1) {
        item.condition.where = std::move(tests.front());
        return;
    }
    item.condition.where = make(ExprKind::logical_and, item.at);
    item.condition.where->operands = std::move(tests);
}

void ExceptionReader::entries(const toml::node& node, std::vector<ExprPtr>& tests) {
    const toml::array* const list = node.as_array();
    if (!list || list->empty() || !list->is_homogeneous<toml::table>())
        return wrong(toml_.at(node), "'entries' must be a list of at least one entry",
                     "write: entries = [ {field = \"…\", op = \"is\", value = \"…\"} ]");
    for (const toml::node& one : *list)
        entry(*one.as_table(), tests);
}

void ExceptionReader::entry(const toml::table& table, std::vector<ExprPtr>& tests) {
    const std::size_t before = out_.diagnostics.size();
    toml_.only(table, {"field", "op", "value"});
    sound_ = sound_ && out_.diagnostics.size() == before;
    const toml::node* const field = table.get("field");
    const toml::node* const value = table.get("value");
    const std::optional<Op> op = op_of(table);
    if (!field)
        return wrong(toml_.at(table), "the entry names no field");
    if (!text(*field, "field") || !op)
        return;
    if (*op == Op::exists && value)
        return wrong(toml_.at(*value), "'exists' takes no value",
                     "it holds if the field has any value");
    if (*op != Op::exists && !value)
        return wrong(toml_.at(table), "the entry has no value");
    if (ExprPtr one = test(*op, *field, value))
        tests.push_back(std::move(one));
}

std::optional<Op> ExceptionReader::op_of(const toml::table& table) {
    const toml::node* const node = table.get("op");
    if (!node) {
        wrong(toml_.at(table), "the entry has no op", std::string(kOpHint));
        return std::nullopt;
    }
    const std::optional<std::string> name = text(*node, "op");
    if (!name)
        return std::nullopt;
    NearestName search(*name);
    for (const OpName& known : kOps) {
        if (known.name == *name)
            return known.op;
        search.offer(known.name);
    }
    wrong(toml_.at(*node), "unknown op '" + *name + "'",
          search.best().empty() ? std::string(kOpHint)
                                : "did you mean '" + std::string(search.best()) + "'?");
    return std::nullopt;
}

ExprPtr ExceptionReader::test(Op op, const toml::node& field, const toml::node* value) {
    const SourceRange at = toml_.at(field);
    ExprPtr name = make(ExprKind::field, at);
    name->name = field.value_or(std::string());
    ExprPtr test = make(ExprKind::compare, at);
    test->operands.push_back(std::move(name));
    switch (op) {
        case Op::is:
        case Op::is_not:
            test->compare = op == Op::is ? CompareOp::equal : CompareOp::not_equal;
            test->operands.push_back(literal(*value));
            break;
        case Op::exists:
            test->compare = CompareOp::not_equal;
            test->operands.push_back(make(ExprKind::literal, at));
            break;
        case Op::one_of:
            test->kind = ExprKind::in_list;
            values(*value, *test);
            break;
        case Op::wildcard:
            test->kind = ExprKind::match;
            test->match = MatchOp::like;
            values(*value, *test);
            break;
        case Op::cidr:
            test->kind = ExprKind::call;
            test->name = "cidrMatch";
            values(*value, *test);
            break;
    }
    return test;
}

// One value, or a list of them.
void ExceptionReader::values(const toml::node& value, Expr& test) {
    const toml::array* const list = value.as_array();
    if (!list) {
        test.operands.push_back(literal(value));
        return;
    }
    if (list->empty())
        wrong(toml_.at(value), "the list of values is empty", "it would never hold");
    for (const toml::node& one : *list)
        test.operands.push_back(literal(one));
}

ExprPtr ExceptionReader::literal(const toml::node& value) {
    ExprPtr expr = make(ExprKind::literal, toml_.at(value));
    Literal& literal = expr->literal;
    if (const auto text = value.value_exact<std::string>()) {
        literal.kind = LiteralKind::text;
        literal.text = *text;
    } else if (const auto number = value.value_exact<std::int64_t>()) {
        literal.kind = LiteralKind::integer;
        literal.integer = *number;
    } else if (const auto real = value.value_exact<double>()) {
        literal.kind = LiteralKind::real;
        literal.real = *real;
    } else if (const auto truth = value.value_exact<bool>()) {
        literal.kind = LiteralKind::boolean;
        literal.boolean = *truth;
    } else {
        wrong(toml_.at(value), "a value must be text, a number, true or false");
    }
    return expr;
}

void ExceptionReader::query(const toml::node& node, ExceptionItem& item) {
    const std::optional<std::string> asked = text(node, "query");
    if (!asked)
        return;
    const TextMap map = map_string(toml_.text(), toml_.at(node).offset, *asked);
    Diagnostics found;
    std::optional<Query> query = parse_query(*asked, found);
    for (Diagnostic& one : found) {
        one.at = to_file(map, one.at);
        out_.diagnostics.push_back(std::move(one));
    }
    if (!query) {
        sound_ = false;
        return;
    }
    if (query->kind != QueryKind::event || !query->pipes.empty())
        return wrong(toml_.at(node), "an exception is for single events",
                     "write an event query: process where …");
    move_to_file(query->event, map);
    item.condition = std::move(query->event);
}

}  // namespace

ExceptionFile load_exceptions(std::string_view text) {
    ExceptionFile file;
    ExceptionReader(text, file).read();
    return file;
}

}  // namespace audisp_eql::detect
