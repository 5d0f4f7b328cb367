// SPDX-License-Identifier: Apache-2.0
#include "detect/eql/parser.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "detect/eql/expression_parser.hpp"
#include "detect/eql/parser_hint.hpp"
#include "detect/eql/token_stream.hpp"

namespace audisp_eql::detect {
namespace {

// As Elasticsearch has it: each run is a stage of its own.
constexpr std::int64_t kMaxRuns = 100;

struct SpanUnit {
    std::string_view name;
    std::int64_t nanoseconds;
};
constexpr std::array kSpanUnits = {
    SpanUnit{"nanos", 1},
    SpanUnit{"micros", 1'000},
    SpanUnit{"ms", 1'000'000},
    SpanUnit{"s", 1'000'000'000},
    SpanUnit{"m", 60'000'000'000},
    SpanUnit{"h", 3'600'000'000'000},
    SpanUnit{"d", 86'400'000'000'000},
};
constexpr std::string_view kUnitHint = "units: ms, s, m, h, d (also micros, nanos)";

class QueryParser {
  public:
    QueryParser(std::string_view text, Diagnostics& diagnostics)
        : tokens_(text, diagnostics), expressions_(tokens_) {}

    std::optional<Query> query();
    ExprPtr condition();

  private:
    void event_query(Query& query);
    void sequence(Query& query);
    void sequence_head(Query& query);
    void sample(Query& query);
    void join();
    void maxspan(Query& query);
    std::int64_t span_unit(const Token& number);
    void items(Query& query);
    void until(Query& query);
    SequenceItem item();
    EventQuery subquery();
    std::vector<ExprPtr> join_keys();
    void runs(SequenceItem& item);
    void alias(SequenceItem& item);
    void pipes(Query& query);
    void check_keys(const Query& query);
    void check_missing(const Query& query);
    void check_aliases(const Query& query);

    bool at_item() const {
        return tokens_.at(TokenKind::bracket_open) || tokens_.at(TokenKind::missing_open);
    }

    TokenStream tokens_;
    ExpressionParser expressions_;
};

std::optional<Query> QueryParser::query() {
    Query query;
    switch (tokens_.current().kind) {
        case TokenKind::end:
            tokens_.error(tokens_.current().at, "the query is empty",
                          "a query reads: process where …, or: sequence by … […] […]");
            break;
        case TokenKind::kw_sequence:
            sequence(query);
            break;
        case TokenKind::kw_sample:
            sample(query);
            break;
        case TokenKind::kw_join:
            join();
            break;
        default:
            event_query(query);
            break;
    }
    pipes(query);
    if (tokens_.failed()) {
        return std::nullopt;
    }
    return query;
}

ExprPtr QueryParser::condition() {
    if (tokens_.at(TokenKind::end)) {
        tokens_.error(tokens_.current().at, "the condition is empty");
        return nullptr;
    }
    ExprPtr expr = expressions_.expression();
    if (!tokens_.at(TokenKind::end)) {
        tokens_.expected("'and', 'or' or the end of the condition", hint_behind_condition(tokens_),
                         {"and"});
    }
    return tokens_.failed() ? nullptr : std::move(expr);
}

void QueryParser::event_query(Query& query) {
    query.event = expressions_.event_query();
    if (tokens_.at(TokenKind::end) || tokens_.at(TokenKind::pipe)) {
        return;
    }
    tokens_.expected("'and', 'or', '|' or the end of the query", hint_behind_condition(tokens_),
                     {"and"});
    tokens_.skip_to({TokenKind::pipe});
}

// ---- sequences

void QueryParser::sequence(Query& query) {
    query.kind = QueryKind::sequence;
    sequence_head(query);
    items(query);
    if (tokens_.at(TokenKind::kw_until)) {
        until(query);
    }
    if (!tokens_.at(TokenKind::end) && !tokens_.at(TokenKind::pipe)) {
        tokens_.expected(query.until ? "'|' or the end of the query"
                                     : "'[', 'until', '|' or the end of the query",
                         query.until && at_item() ? "'until' comes after the last item"
                                                  : hint_behind_item(tokens_, true));
        tokens_.skip_to({TokenKind::pipe});
    }
    check_keys(query);
    check_missing(query);
    check_aliases(query);
}

void QueryParser::sequence_head(Query& query) {
    tokens_.take();
    if (tokens_.at(TokenKind::kw_by)) {
        query.by = join_keys();
    }
    bool spanned = false;
    while (tokens_.at(TokenKind::kw_with) || tokens_.at(TokenKind::kw_by)) {
        const SourceRange at = tokens_.current().at;
        if (tokens_.at(TokenKind::kw_by)) {
            tokens_.error(at, spanned ? "'by' stands before 'with maxspan'" : "'by' stands twice",
                          spanned ? "write: sequence by … with maxspan=…"
                                  : "separate the keys with commas: by a, b");
            join_keys();
        } else {
            if (spanned) {
                tokens_.error(at, "maxspan stands twice");
            }
            maxspan(query);
            spanned = true;
        }
    }
    if (!at_item()) {
        tokens_.expected("'[' and the sequence's first event query",
                         hint_for_first_item(tokens_, !query.by.empty(), spanned), {"with"});
        tokens_.skip_to({TokenKind::bracket_open, TokenKind::missing_open, TokenKind::pipe});
    }
}

// "with" "maxspan" "=" NUMBER UNIT
void QueryParser::maxspan(Query& query) {
    const SourceRange first = tokens_.take().at;
    if (!tokens_.accept(TokenKind::kw_maxspan)) {
        const bool runs = tokens_.at(TokenKind::identifier) && tokens_.current().text == "runs";
        tokens_.expected("'maxspan' after 'with'",
                         runs ? "'with runs' belongs behind the item that repeats" : "",
                         {"maxspan"});
        tokens_.skip_to({TokenKind::bracket_open, TokenKind::missing_open, TokenKind::pipe});
        return;
    }
    if (!tokens_.accept(TokenKind::assign)) {
        tokens_.expected("'=' after 'maxspan'", "write: with maxspan=5m");
        tokens_.accept(TokenKind::equal);
    }
    if (tokens_.at(TokenKind::minus)) {
        tokens_.error(tokens_.take().at, "maxspan cannot be negative");
    }
    if (!tokens_.at(TokenKind::integer) && !tokens_.at(TokenKind::real)) {
        tokens_.expected("a time span", "write a whole number and its unit: with maxspan=5m");
        tokens_.skip_to({TokenKind::bracket_open, TokenKind::missing_open, TokenKind::pipe});
        return;
    }
    const Token number = tokens_.take();
    const std::int64_t unit = span_unit(number);
    query.maxspan_at = tokens_.since(first);
    if (number.kind == TokenKind::real) {
        tokens_.error(number.at, "maxspan takes whole numbers only",
                      "use a smaller unit: 500ms for 0.5s");
        return;
    }
    std::int64_t value = 0;
    const auto parsed =
        std::from_chars(number.text.data(), number.text.data() + number.text.size(), value);
    if (parsed.ec != std::errc() || value > std::numeric_limits<std::int64_t>::max() / unit) {
        tokens_.error(number.at, "maxspan is too long", "at most 106751d");
    } else if (value == 0) {
        tokens_.error(number.at, "maxspan must be more than zero");
    } else {
        query.maxspan_ns = value * unit;
    }
}

// The unit behind the number, in nanoseconds; 1 after a mistake.
std::int64_t QueryParser::span_unit(const Token& number) {
    if (!tokens_.at(TokenKind::identifier)) {
        tokens_.error(number.at, "maxspan has no unit",
                      "for seconds write " + number.text + "s; " + std::string(kUnitHint));
        return 1;
    }
    const Token unit = tokens_.take();
    for (const SpanUnit& known : kSpanUnits) {
        if (known.name == unit.text) {
            return known.nanoseconds;
        }
    }
    tokens_.error(unit.at, "unknown time unit '" + unit.text + "'", std::string(kUnitHint));
    return 1;
}

void QueryParser::items(Query& query) {
    while (at_item()) {
        query.items.push_back(item());
        if (at_item() || tokens_.at(TokenKind::kw_until) || tokens_.at(TokenKind::pipe) ||
            tokens_.at(TokenKind::end)) {
            continue;
        }
        tokens_.expected("'[', 'until', '|' or the end of the query",
                         hint_behind_item(tokens_, !query.items.back().by.empty()),
                         {"until", "with"});
        tokens_.skip_to({TokenKind::bracket_open, TokenKind::missing_open, TokenKind::kw_until,
                         TokenKind::pipe});
    }
}

void QueryParser::until(Query& query) {
    const SourceRange first = tokens_.take().at;
    query.until.emplace();
    if (!at_item()) {
        tokens_.expected("'[' after 'until'", "write: until [process where …]");
        tokens_.skip_to({TokenKind::pipe});
        return;
    }
    if (tokens_.at(TokenKind::missing_open)) {
        tokens_.error(tokens_.current().at, "'until' cannot wait for a missing event",
                      "write: until [process where …]");
    }
    query.until->query = subquery();
    if (tokens_.at(TokenKind::kw_by)) {
        query.until->by = join_keys();
    }
    query.until->at = tokens_.since(first);
}

// sub [by] [ "with" "runs" "=" INT ] [ "as" IDENT ]
SequenceItem QueryParser::item() {
    SequenceItem item;
    const SourceRange first = tokens_.current().at;
    item.missing = tokens_.at(TokenKind::missing_open);
    item.query = subquery();
    if (tokens_.at(TokenKind::kw_by)) {
        item.by = join_keys();
    }
    if (tokens_.at(TokenKind::kw_with)) {
        runs(item);
    }
    if (tokens_.at(TokenKind::identifier) && tokens_.current().text == "as") {
        alias(item);
    }
    item.at = tokens_.since(first);
    return item;
}

// At the bracket; goes on behind the one that closes it, whatever is wrong between them.
EventQuery QueryParser::subquery() {
    const SourceRange open = tokens_.take().at;
    EventQuery query = expressions_.event_query();
    if (tokens_.accept(TokenKind::bracket_close)) {
        return query;
    }
    if (tokens_.at(TokenKind::end)) {
        tokens_.error(open, "this '[' is not closed", "close it with ']'");
        return query;
    }
    tokens_.expected("'and', 'or' or ']'",
                     at_item() ? "the event query before it is not closed with ']'"
                               : hint_behind_condition(tokens_),
                     {"and"});
    if (!at_item()) {
        tokens_.skip_to({TokenKind::bracket_close});
        tokens_.accept(TokenKind::bracket_close);
    }
    return query;
}

std::vector<ExprPtr> QueryParser::join_keys() {
    tokens_.take();
    return expressions_.expression_list("a field to join by");
}

void QueryParser::runs(SequenceItem& item) {
    const SourceRange first = tokens_.take().at;
    if (tokens_.at(TokenKind::kw_maxspan)) {
        tokens_.error(tokens_.current().at, "maxspan belongs to the whole sequence",
                      "write it before the first '[': sequence by … with maxspan=…");
        tokens_.skip_to({TokenKind::bracket_open, TokenKind::missing_open, TokenKind::kw_until,
                         TokenKind::pipe});
        return;
    }
    if (!tokens_.at(TokenKind::identifier) || tokens_.current().text != "runs") {
        tokens_.expected("'runs' after 'with'", "write: with runs=3", {"runs"});
        return;
    }
    tokens_.take();
    if (!tokens_.accept(TokenKind::assign)) {
        tokens_.expected("'=' after 'runs'", "write: with runs=3");
        tokens_.accept(TokenKind::equal);
    }
    if (!tokens_.at(TokenKind::integer)) {
        tokens_.expected("a whole number after 'runs='");
        tokens_.skip_to({TokenKind::bracket_open, TokenKind::missing_open, TokenKind::kw_until,
                         TokenKind::pipe});
        return;
    }
    const Token number = tokens_.take();
    std::int64_t value = 0;
    const auto parsed =
        std::from_chars(number.text.data(), number.text.data() + number.text.size(), value);
    if (parsed.ec != std::errc() || value < 1 || value > kMaxRuns) {
        tokens_.error(number.at, "runs must lie between 1 and " + std::to_string(kMaxRuns));
        return;
    }
    if (item.missing) {
        tokens_.error(tokens_.since(first), "a missing event cannot have runs");
    }
    item.runs = static_cast<std::uint32_t>(value);
}

void QueryParser::alias(SequenceItem& item) {
    tokens_.take();
    if (!tokens_.at(TokenKind::identifier) && !tokens_.at(TokenKind::quoted_identifier)) {
        tokens_.expected("a name after 'as'");
        return;
    }
    item.alias = tokens_.take().text;
}

// ---- samples, joins, pipes

void QueryParser::sample(Query& query) {
    query.kind = QueryKind::sample;
    const SourceRange first = tokens_.take().at;
    if (tokens_.at(TokenKind::kw_by)) {
        query.by = join_keys();
    }
    if (!at_item()) {
        tokens_.expected("'[' and the sample's first event query",
                         tokens_.at(TokenKind::kw_with)
                             ? "a sample has no maxspan: its window is the rule's look-back"
                             : "a sample reads: sample by … […] […]");
        tokens_.skip_to({TokenKind::bracket_open, TokenKind::missing_open, TokenKind::pipe});
    }
    while (at_item()) {
        SequenceItem item;
        const SourceRange open = tokens_.current().at;
        if (tokens_.at(TokenKind::missing_open)) {
            tokens_.error(open, "a sample has no missing events", "use a sequence");
        }
        item.query = subquery();
        if (tokens_.at(TokenKind::kw_by)) {
            item.by = join_keys();
        }
        item.at = tokens_.since(open);
        query.items.push_back(std::move(item));
        if (!at_item() && !tokens_.at(TokenKind::end) && !tokens_.at(TokenKind::pipe)) {
            tokens_.expected("'[', '|' or the end of the query",
                             tokens_.at(TokenKind::kw_until) || tokens_.at(TokenKind::kw_with)
                                 ? "only a sequence has 'until' and 'with'"
                                 : "");
            tokens_.skip_to({TokenKind::bracket_open, TokenKind::missing_open, TokenKind::pipe});
        }
    }
    if (!tokens_.failed() && query.by.empty() && query.items.front().by.empty()) {
        tokens_.error(first, "a sample needs something to join by",
                      "write: sample by host.id […] […]");
    }
    check_keys(query);
}

void QueryParser::join() {
    tokens_.error(tokens_.current().at, "'join' is not supported",
                  "use 'sequence' for events in order, 'sample' for events in any order");
    tokens_.skip_to({TokenKind::pipe});
}

// { "|" IDENT [ expr {"," expr} ] }
void QueryParser::pipes(Query& query) {
    while (tokens_.at(TokenKind::pipe)) {
        const SourceRange first = tokens_.take().at;
        Pipe pipe;
        if (!tokens_.at(TokenKind::identifier)) {
            tokens_.expected("a pipe's name after '|'", "write: | head 10");
            tokens_.skip_to({TokenKind::pipe});
            continue;
        }
        pipe.name = tokens_.take().text;
        if (!tokens_.at(TokenKind::end) && !tokens_.at(TokenKind::pipe)) {
            pipe.arguments = expressions_.expression_list("an argument of the pipe");
        }
        if (!tokens_.at(TokenKind::end) && !tokens_.at(TokenKind::pipe)) {
            tokens_.expected("',', '|' or the end of the query");
            tokens_.skip_to({TokenKind::pipe});
        }
        pipe.at = tokens_.since(first);
        query.pipes.push_back(std::move(pipe));
    }
}

// ---- what the grammar cannot say

// Keys are matched by position, so that every item needs as many.
void QueryParser::check_keys(const Query& query) {
    if (tokens_.failed() || query.items.empty()) {
        return;
    }
    const std::size_t wanted = query.items.front().by.size();
    const auto check = [&](const SequenceItem& item) {
        if (item.by.size() == wanted) {
            return;
        }
        const bool is_until = query.until && &item == &*query.until;
        tokens_.error(item.at,
                      (is_until ? "'until' has " : "this item has ") +
                          std::to_string(item.by.size()) +
                          (item.by.size() == 1 ? " join key" : " join keys") +
                          " of its own, the first item has " + std::to_string(wanted),
                      "keys are matched by position: give each item as many");
    };
    std::for_each(query.items.begin(), query.items.end(), check);
    if (query.until) {
        check(*query.until);
    }
}

// Whether an event is missing can be told only when a time has run out, and from an event that
// is there.
void QueryParser::check_missing(const Query& query) {
    if (tokens_.failed()) {
        return;
    }
    const auto is_missing = [](const SequenceItem& item) { return item.missing; };
    const auto missing = std::find_if(query.items.begin(), query.items.end(), is_missing);
    if (missing == query.items.end()) {
        return;
    }
    if (!query.maxspan_ns) {
        tokens_.error(missing->at, "a missing event needs a time to wait for it",
                      "write: sequence by … with maxspan=…");
    }
    if (std::all_of(query.items.begin(), query.items.end(), is_missing)) {
        tokens_.error(missing->at, "a sequence cannot consist of missing events alone");
    }
}

void QueryParser::check_aliases(const Query& query) {
    std::unordered_set<std::string_view> taken;
    for (const SequenceItem& item : query.items) {
        if (!item.alias.empty() && !taken.insert(item.alias).second) {
            tokens_.error(item.at, "the name '" + item.alias + "' is given to two items");
        }
    }
}

// The lexer runs ahead of the parser: put what they found in the order of the text.
void sort_by_place(Diagnostics& diagnostics, std::size_t first) {
    std::stable_sort(diagnostics.begin() + static_cast<std::ptrdiff_t>(first), diagnostics.end(),
                     [](const Diagnostic& left, const Diagnostic& right) {
                         return left.at.offset < right.at.offset;
                     });
}

bool fits(std::string_view text, Diagnostics& diagnostics) {
    if (text.size() <= kMaxQueryBytes) {
        return true;
    }
    diagnostics.push_back({Severity::error,
                           {0, 0},
                           "the query is too long: " + std::to_string(text.size()) + " bytes",
                           "at most " + std::to_string(kMaxQueryBytes) + " bytes"});
    return false;
}

}  // namespace

std::optional<Query> parse_query(std::string_view text, Diagnostics& diagnostics) {
    if (!fits(text, diagnostics)) {
        return std::nullopt;
    }
    const std::size_t first = diagnostics.size();
    std::optional<Query> query = QueryParser(text, diagnostics).query();
    sort_by_place(diagnostics, first);
    return query;
}

ExprPtr parse_expression(std::string_view text, Diagnostics& diagnostics) {
    if (!fits(text, diagnostics)) {
        return nullptr;
    }
    const std::size_t first = diagnostics.size();
    ExprPtr expr = QueryParser(text, diagnostics).condition();
    sort_by_place(diagnostics, first);
    return expr;
}

}  // namespace audisp_eql::detect
