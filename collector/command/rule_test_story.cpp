// SPDX-License-Identifier: Apache-2.0
#include "collector/command/rule_test_story.hpp"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include <fmt/core.h>

#include "detect/eql/parser.hpp"
#include "detect/event/json_writer.hpp"
#include "detect/text/utf8.hpp"

namespace audisp_eql::collector {
namespace {

using detect::EventPtr;
using detect::ExprKind;
using detect::ExprPtr;

// What is shown of a condition, of a value, and of lists of false tests and of events. The rule
// and the test are at hand for the rest.
constexpr std::size_t kShownCondition = 110, kShownValue = 80, kShownTests = 4, kShownEvents = 8;

constexpr std::int64_t kNsPerMs = 1'000'000;

std::string cut(std::string text, std::size_t characters) {
    std::size_t at = 0;
    for (std::size_t n = 0; at < text.size() && n < characters; ++n)
        at += detect::character_length(text, at);
    if (at < text.size())
        text.replace(at, std::string::npos, "…");
    return text;
}

class Matches final : public detect::MatchSink {
  public:
    void on_matches(const detect::Rule&, std::span<const detect::Match> matches) override {
        all.insert(all.end(), matches.begin(), matches.end());
    }
    std::vector<detect::Match> all;
};

// The operands of nested 'and's, each by itself.
void take_conjuncts(ExprPtr expr, std::vector<ExprPtr>& out) {
    if (expr->kind != ExprKind::logical_and) {
        out.push_back(std::move(expr));
        return;
    }
    for (ExprPtr& operand : expr->operands)
        take_conjuncts(std::move(operand), out);
}

void collect_fields(const detect::Expr& expr, std::vector<std::string>& out) {
    if (expr.kind == ExprKind::field && std::find(out.begin(), out.end(), expr.name) == out.end())
        out.push_back(expr.name);
    for (const ExprPtr& operand : expr.operands)
        collect_fields(*operand, out);
}

std::string value_of(const detect::Event& event, const detect::FieldNames& fields,
                     const std::string& name) {
    const auto field = fields.find(name);
    const detect::Values values = field ? event.values(*field) : detect::Values{};
    if (values.empty())
        return "missing";
    std::string text;
    detect::append_json_values(text, values, false);
    return cut(std::move(text), kShownValue);
}

detect::Query event_query(detect::EventQuery event) {
    detect::Query query;
    query.event = std::move(event);
    return query;
}

ExprPtr truth() {
    auto expr = std::make_unique<detect::Expr>();
    expr->literal.kind = detect::LiteralKind::boolean;
    expr->literal.boolean = true;
    return expr;
}

std::string span_text(std::int64_t ns) {
    constexpr std::int64_t kNsPerSecond = 1000 * kNsPerMs;
    if (ns % kNsPerSecond == 0)
        return fmt::format("{}s", ns / kNsPerSecond);
    if (ns % kNsPerMs == 0)
        return fmt::format("{}ms", ns / kNsPerMs);
    return fmt::format("{}nanos", ns);
}

}  // namespace

RuleTestStory::RuleTestStory(const detect::RuleFile& rule, std::string_view text,
                             TestStream& stream)
    : rule_(rule),
      text_(text),
      stream_(stream),
      query_(parsed()),
      events_(stream.events(fields_)) {}

detect::Query RuleTestStory::parsed() const {
    detect::Diagnostics none;  // it was parsed before
    return std::move(*detect::parse_query(rule_.rule->query, none));
}

std::size_t RuleTestStory::items() const {
    return query_.kind == detect::QueryKind::event ? 1 : query_.items.size();
}

std::size_t RuleTestStory::reached() {
    return progress().items;
}

// ---- parts of the query

std::optional<RuleTestStory::Part> RuleTestStory::run(const detect::Query& query) {
    detect::Diagnostics ignored;
    detect::CompileOptions options;
    if (!rule_.rule->category_field.empty())
        options.category_field = rule_.rule->category_field;
    Part part;
    part.rules = detect::RuleSet::of_query(query, ignored, options);
    if (!part.rules)
        return std::nullopt;
    part.events = stream_.events(part.rules->fields());
    detect::Engine engine(part.rules);
    Matches sink;
    for (const EventPtr& event : part.events)
        engine.on_event(event, sink);
    engine.finish(sink);
    part.matches = std::move(sink.all);
    return part;
}

std::optional<RuleTestStory::Part> RuleTestStory::matching(const detect::Query& query) {
    std::optional<Part> part = run(query);
    return part && !part->matches.empty() ? std::move(part) : std::nullopt;
}

// Nothing where they have no event to begin with.
std::optional<detect::Query> RuleTestStory::first_items(std::size_t items,
                                                        std::uint32_t runs) const {
    detect::Query query = parsed();
    if (query.kind != detect::QueryKind::sequence)
        return query;
    query.items.erase(query.items.begin() + static_cast<std::ptrdiff_t>(items), query.items.end());
    query.items.back().runs = runs;
    const bool any = std::any_of(query.items.begin(), query.items.end(),
                                 [](const detect::SequenceItem& item) { return !item.missing; });
    return any ? std::optional(std::move(query)) : std::nullopt;
}

const RuleTestStory::Progress& RuleTestStory::progress() {
    if (progress_)
        return *progress_;
    progress_ = Progress{};
    const bool sequence = query_.kind == detect::QueryKind::sequence;
    for (std::size_t number = items(); number > 0; --number) {
        const std::uint32_t all = sequence ? query_.items[number - 1].runs : 1;
        for (std::uint32_t runs = all; runs > 0; --runs) {
            const std::optional<detect::Query> part =
                sequence ? first_items(number, runs) : std::optional(parsed());
            if (!part || !matching(*part))
                continue;
            *progress_ = runs == all ? Progress{number, 0} : Progress{number - 1, runs};
            return *progress_;
        }
        if (!sequence)  // a sample has no order to get on in
            break;
    }
    return *progress_;
}

std::vector<RuleTestStory::Conjunct> RuleTestStory::conjuncts(detect::EventQuery query) {
    std::vector<ExprPtr> tests;
    take_conjuncts(std::move(query.where), tests);
    std::vector<Conjunct> found;
    const auto judge = [&](Conjunct conjunct, detect::EventQuery alone) {
        if (const auto part = run(event_query(std::move(alone)))) {
            std::unordered_map<const detect::Event*, std::size_t> numbers;
            for (std::size_t i = 0; i < part->events.size(); ++i)
                numbers.emplace(part->events[i].get(), i);
            conjunct.holds.emplace(part->events.size(), false);
            for (const detect::Match& match : part->matches)
                (*conjunct.holds)[numbers.at(match.events.front().get())] = true;
        }
        found.push_back(std::move(conjunct));
    };
    if (!query.any) {
        detect::EventQuery category;
        category.category = query.category;
        category.where = truth();
        judge({query.category + " where …", {"event.category"}, {}}, std::move(category));
    }
    for (ExprPtr& test : tests) {
        Conjunct conjunct{source(test->at), {}, {}};
        collect_fields(*test, conjunct.fields);
        detect::EventQuery alone;
        alone.any = true;
        alone.where = std::move(test);
        judge(std::move(conjunct), std::move(alone));
    }
    return found;
}

std::vector<std::size_t> RuleTestStory::meeting(const std::vector<Conjunct>& conjuncts) const {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < events_.size(); ++i) {
        const bool all = std::all_of(conjuncts.begin(), conjuncts.end(), [&](const Conjunct& one) {
            return !one.holds || (*one.holds)[i];
        });
        if (all)
            found.push_back(i);
    }
    return found;
}

// ---- words

std::string RuleTestStory::name_of(const detect::Event& event) const {
    return "event \"" + stream_.id_of(event) + "\"";
}

std::string RuleTestStory::names_of(const std::vector<std::size_t>& events) const {
    std::string text = events.size() == 1 ? "event " : "events ";
    for (std::size_t i = 0; i < events.size() && i < kShownEvents; ++i)
        text += (i > 0 ? ", \"" : "\"") + stream_.id_of(*events_[events[i]]) + "\"";
    return events.size() > kShownEvents ? text + ", …" : text;
}

std::string RuleTestStory::place_of(detect::SourceRange in_query) const {
    const auto at = detect::position_of(text_, rule_.in_file(in_query).offset);
    return fmt::format("{}:{}:{}", rule_.rule->file, at.line, at.column);
}

// On one line, and not all of it.
std::string RuleTestStory::source(detect::SourceRange in_query) const {
    std::string line;
    for (const char c : rule_.rule->query.substr(in_query.offset, in_query.length)) {
        const bool blank = c == '\n' || c == '\r' || c == '\t' || c == ' ';
        if (!blank)
            line += c;
        else if (!line.empty() && line.back() != ' ')
            line += ' ';
    }
    return cut(std::move(line), kShownCondition);
}

std::vector<std::string> RuleTestStory::told() {
    lines_.clear();
    const Progress& got = progress();
    if (got.items == items())
        return {};
    if (query_.kind == detect::QueryKind::sample) {
        tell_sample();
    } else if (query_.kind == detect::QueryKind::event) {
        tell(fmt::format("{}: no event matched `{}`", place_of(query_.event.at),
                         source(query_.event.at)));
        tell_nearest(conjuncts(parsed().event));
    } else {
        tell_item(query_.items[got.items], got.items + 1);
    }
    return std::move(lines_);
}

void RuleTestStory::tell_item(const detect::SequenceItem& item, std::size_t number) {
    const std::vector<Conjunct> tests = conjuncts(std::move(parsed().items[number - 1].query));
    const std::vector<std::size_t> fitting = meeting(tests);
    const std::string stage = fmt::format("{}: stage {} of {}", place_of(item.at), number, items());
    const std::string text = source(item.at);
    if (item.missing) {
        tell(fmt::format("{}: `{}` is not missing", stage, text));
        return tell_refuted(fitting);
    }
    if (fitting.empty()) {
        tell(fmt::format("{}: no event matched `{}`", stage, text));
        return tell_nearest(tests);
    }
    if (item.runs > 1)
        tell(fmt::format("{}: {} of {} runs of `{}`", stage, progress().runs, item.runs, text));
    else
        tell(fmt::format("{}: no event in this place of `{}`", stage, text));
    tell_obstacle(fitting);
}

// The event that fails the fewest tests, the first of equals.
void RuleTestStory::tell_nearest(const std::vector<Conjunct>& conjuncts) {
    std::size_t nearest = events_.size(), fewest = conjuncts.size() + 1;
    for (std::size_t i = 0; i < events_.size(); ++i) {
        const auto wrong =
            std::count_if(conjuncts.begin(), conjuncts.end(),
                          [&](const Conjunct& one) { return one.holds && !(*one.holds)[i]; });
        if (static_cast<std::size_t>(wrong) < fewest) {
            fewest = static_cast<std::size_t>(wrong);
            nearest = i;
        }
    }
    if (nearest == events_.size())
        return tell("  there are no events");
    const detect::Event& event = *events_[nearest];
    tell(fmt::format("  nearest is {}, but false {}:", name_of(event), fewest == 1 ? "is" : "are"));
    std::size_t shown = 0;
    for (const Conjunct& one : conjuncts) {
        if (!one.holds || (*one.holds)[nearest])
            continue;
        if (++shown > kShownTests) {
            tell(fmt::format("    … and {} more", fewest - kShownTests));
            return;
        }
        tell("    " + one.text);
        for (const std::string& field : one.fields)
            tell(fmt::format("      {} is {}", field, value_of(event, fields_, field)));
    }
}

void RuleTestStory::tell_refuted(const std::vector<std::size_t>& events) {
    if (!events.empty())
        tell(fmt::format("  {} {} it", names_of(events), events.size() == 1 ? "meets" : "meet"));
}

// Events would do, but not these at this time.
void RuleTestStory::tell_obstacle(const std::vector<std::size_t>& events) {
    if (obstacle_is_until() || obstacle_is_maxspan() || obstacle_is_missing() ||
        obstacle_are_keys())
        return;
    tell(fmt::format("  {} {} its condition, but not in this order with the same join keys",
                     names_of(events), events.size() == 1 ? "meets" : "meet"));
}

bool RuleTestStory::obstacle_is_until() {
    const Progress got = progress();
    std::optional<detect::Query> query = first_items(got.items + 1, got.runs + 1);
    if (!query || !query->until)
        return false;
    query->until.reset();
    if (!matching(*query))
        return false;
    const auto ending = meeting(conjuncts(std::move(parsed().until->query)));
    tell(fmt::format("  `{}` ended it: {}", source(query_.until->at), names_of(ending)));
    return true;
}

bool RuleTestStory::obstacle_is_maxspan() {
    const Progress got = progress();
    std::optional<detect::Query> query = first_items(got.items + 1, got.runs + 1);
    if (!query || !query->maxspan_ns)
        return false;
    query->maxspan_ns.reset();
    const std::optional<Part> part = matching(*query);
    if (!part)
        return false;
    std::vector<EventPtr> events = part->matches.front().events;
    std::erase(events, nullptr);
    const std::int64_t apart = events.back()->time().engine_ns - events.front()->time().engine_ns;
    tell(fmt::format("  {} comes {} after {}; maxspan is {}", name_of(*events.back()),
                     span_text(apart), name_of(*events.front()), span_text(*query_.maxspan_ns)));
    return true;
}

bool RuleTestStory::obstacle_is_missing() {
    const Progress got = progress();
    std::optional<detect::Query> query = first_items(got.items + 1, got.runs + 1);
    if (!query)
        return false;
    std::erase_if(query->items, [](const detect::SequenceItem& item) { return item.missing; });
    if (query->items.size() == got.items + 1 || !matching(*query))
        return false;
    for (std::size_t i = 0; i < got.items; ++i) {
        if (!query_.items[i].missing)
            continue;
        tell(fmt::format("  {}: `{}` is not missing", place_of(query_.items[i].at),
                         source(query_.items[i].at)));
        tell_refuted(meeting(conjuncts(std::move(parsed().items[i].query))));
    }
    return true;
}

bool RuleTestStory::obstacle_are_keys() {
    const Progress got = progress();
    std::optional<detect::Query> query = first_items(got.items + 1, got.runs + 1);
    if (!query)
        return false;
    query->by.clear();
    for (detect::SequenceItem& item : query->items)
        item.by.clear();
    if (query->until)
        query->until->by.clear();
    const std::optional<Part> part = matching(*query);
    if (part)
        tell_keys(*part, *query);
    return part.has_value();
}

// Which keys of the last event differ from those of the first.
void RuleTestStory::tell_keys(const Part& part, const detect::Query& query) {
    const std::vector<EventPtr>& events = part.matches.front().events;
    const auto positive = [](const EventPtr& event) { return event != nullptr; };
    const auto first = std::find_if(events.begin(), events.end(), positive);
    const EventPtr& last = *std::find_if(events.rbegin(), events.rend(), positive);
    const detect::FieldNames& fields = part.rules->fields();
    const auto first_item =
        std::find_if(query_.items.begin(), query_.items.end(),
                     [](const detect::SequenceItem& item) { return !item.missing; });
    const auto& here = query_.items[query.items.size() - 1].by;
    tell(fmt::format("  {} meets its condition, but not with the join keys of {}:", name_of(*last),
                     name_of(**first)));
    const auto compare = [&](const detect::Expr& left, const detect::Expr& right) {
        const std::string in_first = value_of(**first, fields, left.name);
        const std::string in_last = value_of(*last, fields, right.name);
        if (in_first != in_last || (in_last == "missing" && !right.optional))
            tell(fmt::format("    {} is {}; in {} {} was {}", right.name, in_last, name_of(**first),
                             left.name, in_first));
    };
    for (const ExprPtr& key : query_.by)
        compare(*key, *key);
    for (std::size_t i = 0; i < here.size() && i < first_item->by.size(); ++i)
        compare(*first_item->by[i], *here[i]);
}

void RuleTestStory::tell_sample() {
    for (std::size_t i = 0; i < query_.items.size(); ++i) {
        const std::vector<Conjunct> tests = conjuncts(std::move(parsed().items[i].query));
        if (!meeting(tests).empty())
            continue;
        tell(fmt::format("{}: item {} of {}: no event matched `{}`", place_of(query_.items[i].at),
                         i + 1, items(), source(query_.items[i].at)));
        return tell_nearest(tests);
    }
    tell(fmt::format("{}: each item has its events, but not with the same join keys",
                     place_of(query_.items.front().at)));
}

}  // namespace audisp_eql::collector
