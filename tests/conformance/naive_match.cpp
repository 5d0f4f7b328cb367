// SPDX-License-Identifier: Apache-2.0
// Sequences and samples of the naive evaluator. See naive.hpp.
#include <algorithm>
#include <arpa/inet.h>
#include <cmath>
#include <optional>
#include <set>
#include <stdexcept>

#include "tests/conformance/naive.hpp"
#include "tests/conformance/naive_value.hpp"

namespace audisp_eql::naive {

namespace {

struct KeyPart {
    std::string field;
    bool optional;
};

struct Item {
    const detect::EventQuery* query;
    bool missing;
    std::vector<KeyPart> by;
    std::string alias;          // of the last of its runs only
    bool uses_aliases = false;  // its condition looks at earlier events
};

std::vector<KeyPart> key_parts(const std::vector<detect::ExprPtr>& head,
                               const std::vector<detect::ExprPtr>& own) {
    std::vector<KeyPart> parts;
    for (const auto* list : {&head, &own})
        for (const auto& expression : *list)
            parts.push_back({expression->name, expression->optional});
    return parts;
}

bool names_any(const detect::Expr& expression, const std::set<std::string>& aliases) {
    if (expression.kind == detect::ExprKind::field &&
        aliases.contains(expression.name.substr(0, expression.name.find('.'))))
        return true;
    return std::any_of(expression.operands.begin(), expression.operands.end(),
                       [&](const auto& operand) { return names_any(*operand, aliases); });
}

// Two spellings of one number or address are one key.
Value key_value(const Value& value, const std::string& field) {
    if (const auto* real = std::get_if<double>(&value); real && std::floor(*real) == *real)
        return static_cast<std::int64_t>(*real);
    const auto* text = std::get_if<std::string>(&value);
    if (text && kind_of(field) == Kind::ip) {
        unsigned char bytes[16];
        char canonical[INET6_ADDRSTRLEN];
        for (const int family : {AF_INET, AF_INET6})
            if (inet_pton(family, text->c_str(), bytes) == 1)
                return std::string(inet_ntop(family, bytes, canonical, sizeof canonical));
    }
    return value;
}

// Every key the event takes part under: the product of its key fields' values.
std::vector<Key> keys_of(const Item& item, const Event& event) {
    std::vector<Key> keys(1);
    for (const KeyPart& part : item.by) {
        const auto found = event.fields.find(part.field);
        std::set<Value> values;
        if (found != event.fields.end())
            for (const Value& value : found->second)
                values.insert(key_value(value, part.field));
        if (values.empty() && part.optional)
            values.insert(Value{});
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

bool has_key(const Item& item, const Event& event, const Key& key) {
    const auto keys = keys_of(item, event);
    return std::find(keys.begin(), keys.end(), key) != keys.end();
}

std::set<Key> all_keys(const std::vector<Item>& items, const std::vector<Event>& events) {
    std::set<Key> keys;
    for (const Event& event : events)
        for (const Item& item : items)
            for (const Key& key : keys_of(item, event))
                keys.insert(key);
    return keys;
}

struct Partial {
    std::vector<std::size_t> at;  // positions of the events in the stream
};

// A sequence as Elasticsearch describes it: lists of partial matches, of which an event takes the
// newest and drops all older ones. `as` is Endpoint's and nowhere described beyond its use in
// rules; here an item that looks at earlier events takes the newest partial match which it fits and
// whose window is open, drops the older ones that it fits as well, and leaves the others. An alias
// of repeated events is the last of them.
class Sequence {
  public:
    Sequence(const detect::Query& query, const std::vector<Event>& events,
             std::int64_t unbounded_ms)
        : events_(events),
          maxspan_ms_(query.maxspan_ns ? *query.maxspan_ns / 1'000'000 : unbounded_ms) {
        std::set<std::string> aliases;
        for (const auto& item : query.items) {
            for (std::uint32_t run = 0; run < item.runs; ++run)
                items_.push_back({&item.query, item.missing, key_parts(query.by, item.by),
                                  run + 1 == item.runs ? item.alias : "",
                                  names_any(*item.query.where, aliases)});
            aliases.insert(item.alias);
        }
        if (query.until)
            until_ = Item{&query.until->query, false, key_parts(query.by, query.until->by), "",
                          names_any(*query.until->query.where, aliases)};
        for (std::size_t i = 0; i < items_.size(); ++i)
            if (!items_[i].missing)
                positive_.push_back(i);
    }

    // The whole stream, one key at a time.
    std::vector<Match> run() {
        std::vector<Match> all;
        for (const Key& key : all_keys(items_, events_))
            run_key(key, all);
        return all;
    }

  private:
    const Item& stage(std::size_t number) const { return items_[positive_[number]]; }
    std::int64_t time(std::size_t at) const { return events_[at].time_ms; }
    bool in_span(std::int64_t from, std::int64_t to) const { return to - from <= maxspan_ms_; }

    bool takes_part(const Item& item, std::size_t at, const Key& key,
                    const Partial& partial) const {
        Scene scene{events_, at, {}};
        for (std::size_t i = 0; i < positive_.size(); ++i)
            if (!stage(i).alias.empty())
                scene.earlier[stage(i).alias] =
                    i < partial.at.size() ? &events_[partial.at[i]] : nullptr;
        return has_key(item, events_[at], key) && matches(*item.query, scene);
    }

    // The partial match that the event goes on with, taken out of the list; none: nullopt.
    std::optional<Partial> take(std::vector<Partial>& waiting, const Item& item, std::size_t at,
                                const Key& key) const {
        std::optional<Partial> taken;
        if (!item.uses_aliases) {
            if (waiting.empty() || !takes_part(item, at, key, {}))
                return std::nullopt;
            taken = waiting.back();
            waiting.clear();
            return taken;
        }
        std::vector<Partial> left;
        for (const Partial& partial : waiting) {
            if (takes_part(item, at, key, partial) && in_span(time(partial.at[0]), time(at)))
                taken = partial;  // the newest comes last
            else
                left.push_back(partial);
        }
        waiting = left;
        return taken;
    }

    void run_key(const Key& key, std::vector<Match>& all) {
        const std::size_t last = positive_.size() - 1;
        std::vector<std::vector<Partial>> waiting(positive_.size());
        for (std::size_t at = 0; at < events_.size(); ++at) {
            for (std::size_t number = positive_.size(); number-- > 0;) {
                std::optional<Partial> partial;
                if (number > 0)
                    partial = take(waiting[number - 1], stage(number), at, key);
                else if (takes_part(stage(0), at, key, {}))
                    partial.emplace();
                if (!partial || (number > 0 && !in_span(time(partial->at[0]), time(at))))
                    continue;
                partial->at.push_back(at);
                if (number == last)
                    complete(*partial, key, all);
                else
                    waiting[number].push_back(*partial);
            }
            if (until_)
                end_partials(waiting, at, key);
        }
    }

    // Where the next item does not look at earlier events, only the newest partial match counts:
    // with it go those that it has overtaken.
    void end_partials(std::vector<std::vector<Partial>>& waiting, std::size_t at,
                      const Key& key) const {
        const auto ends = [&](const Partial& partial) {
            return takes_part(*until_, at, key, partial);
        };
        for (std::size_t number = 0; number + 1 < positive_.size(); ++number) {
            auto& partials = waiting[number];
            if (stage(number + 1).uses_aliases)
                std::erase_if(partials, ends);
            else if (!partials.empty() && ends(partials.back()))
                partials.clear();
        }
    }

    // Times of the events of a missing clause, in order.
    std::vector<std::int64_t> times_of(const Item& item, const Key& key) const {
        std::vector<std::int64_t> times;
        for (std::size_t at = 0; at < events_.size(); ++at)
            if (takes_part(item, at, key, {}))
                times.push_back(time(at));
        return times;
    }

    void complete(const Partial& partial, const Key& key, std::vector<Match>& all) {
        const std::int64_t first = time(partial.at.front()), end = time(partial.at.back());
        Match match{std::vector<std::string>(items_.size()), key};
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
        all.push_back(std::move(match));
    }

    const std::vector<Event>& events_;
    std::int64_t maxspan_ms_;
    std::vector<Item> items_;
    std::optional<Item> until_;
    std::vector<std::size_t> positive_;
};

// Elasticsearch's documentation of samples: "a chronologically unordered series of events" that
// share the values of their `by` fields, and, unless max_samples_per_key says more, one sample a
// key; which of several fitting events it holds is not said. What is free there is free here: a
// stream gives a sample as soon as its items can be filled with different events of one key within
// the window, that key starts anew, and which events fill them is the engine's choice.
class Sample {
  public:
    Sample(const detect::Query& query, const std::vector<Event>& events, std::int64_t window_ms)
        : events_(events), window_ms_(window_ms) {
        for (const auto& item : query.items)
            items_.push_back({&item.query, false, key_parts(query.by, item.by), ""});
    }

    std::vector<Match> run() {
        std::vector<Match> all;
        for (const Key& key : all_keys(items_, events_)) {
            std::size_t begin = 0;
            for (std::size_t at = 0; at < events_.size(); ++at) {
                std::set<std::size_t> used;
                if (!fill(0, key, begin, at, used))
                    continue;
                all.push_back({{events_[at].id}, key});
                begin = at + 1;
            }
        }
        return all;
    }

    bool holds(const Match& match) const {
        if (match.ids.size() != items_.size() ||
            std::set(match.ids.begin(), match.ids.end()).size() != items_.size())
            return false;
        std::vector<std::size_t> places;
        for (const std::string& id : match.ids)
            places.push_back(static_cast<std::size_t>(
                std::find_if(events_.begin(), events_.end(),
                             [&](const Event& event) { return event.id == id; }) -
                events_.begin()));
        const std::size_t last = *std::max_element(places.begin(), places.end());
        for (std::size_t i = 0; i < items_.size(); ++i)
            if (last >= events_.size() || !fits(i, match.key, places[i], last))
                return false;
        return true;
    }

  private:
    bool fits(std::size_t item, const Key& key, std::size_t at, std::size_t last) const {
        return has_key(items_[item], events_[at], key) &&
               events_[last].time_ms - events_[at].time_ms <= window_ms_ &&
               matches(*items_[item].query, {events_, at, {}});
    }
    // Can the items from this one on be filled with events of [begin, last] that are not used?
    bool fill(std::size_t item, const Key& key, std::size_t begin, std::size_t last,
              std::set<std::size_t>& used) const {
        if (item == items_.size())
            return true;
        for (std::size_t at = begin; at <= last; ++at) {
            if (used.contains(at) || !fits(item, key, at, last))
                continue;
            used.insert(at);
            if (fill(item + 1, key, begin, last, used))
                return true;
            used.erase(at);
        }
        return false;
    }

    const std::vector<Event>& events_;
    std::int64_t window_ms_;
    std::vector<Item> items_;
};

}  // namespace

std::vector<Match> evaluate(const detect::Query& query, const std::vector<Event>& events,
                            std::int64_t unbounded_ms) {
    if (query.kind == detect::QueryKind::sequence)
        return Sequence(query, events, unbounded_ms).run();
    if (query.kind == detect::QueryKind::sample)
        return Sample(query, events, unbounded_ms).run();
    std::vector<Match> all;
    for (std::size_t at = 0; at < events.size(); ++at)
        if (matches(query.event, {events, at, {}}))
            all.push_back({{events[at].id}, {}});
    return all;
}

bool is_sample(const detect::Query& query, const std::vector<Event>& events,
               std::int64_t unbounded_ms, const Match& match) {
    return Sample(query, events, unbounded_ms).holds(match);
}

}  // namespace audisp_eql::naive
