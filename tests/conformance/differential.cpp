// SPDX-License-Identifier: Apache-2.0
// The engine against the naive evaluator, on random queries and streams.
//   conformance_differential [--cases N] [--seed S]
// Prints each disagreement as a conformance case and ends with 1 if there was one.
#include <algorithm>
#include <cstdint>
#include <iostream>
#include <map>
#include <string>
#include <vector>

#include <boost/program_options.hpp>

#include "detect/engine/engine.hpp"
#include "detect/eql/parser.hpp"
#include "detect/event/json_reader.hpp"
#include "detect/rule/rule_set.hpp"
#include "tests/conformance/naive.hpp"
#include "tests/conformance/random_case.hpp"

namespace {

using namespace audisp_eql;
// The ids of a match's events, then its keys.
struct Found {
    std::vector<std::string> ids;
    std::vector<std::string> key;
    auto operator<=>(const Found&) const = default;
};

// A key's value as text that says its type.
struct Shown {
    std::string operator()(std::monostate) const { return "null"; }
    std::string operator()(bool value) const { return value ? "true" : "false"; }
    std::string operator()(std::int64_t value) const { return std::to_string(value); }
    std::string operator()(double value) const { return std::to_string(value); }
    std::string operator()(const std::string& value) const { return '"' + value + '"'; }
};
template <class Values>
std::vector<std::string> shown(const Values& values) {
    std::vector<std::string> texts;
    for (const auto& value : values)
        texts.push_back(std::visit(Shown{}, value));
    return texts;
}

class Collector final : public detect::MatchSink {
  public:
    explicit Collector(detect::FieldId id) : id_(id) {}
    void on_matches(const detect::Rule&, std::span<const detect::Match> matches) override {
        for (const detect::Match& match : matches) {
            Found& one = found.emplace_back();
            for (const detect::EventPtr& event : match.events)
                one.ids.emplace_back(event ? event->text(id_) : std::string_view{});
            one.key = shown(match.join_keys);
        }
    }
    std::vector<Found> found;

  private:
    detect::FieldId id_;
};

// The engine's matches; false with a reason if the query does not load or an event is not read.
bool by_engine(const naive::Case& made, std::vector<Found>& found, std::string& reason) {
    detect::Diagnostics diagnostics;
    const auto rules = detect::RuleSet::of_query(made.query, diagnostics);
    if (!rules) {
        reason = "the engine does not load it: " +
                 (diagnostics.empty() ? "no reason given" : diagnostics.front().message);
        return false;
    }
    const detect::FieldId id = rules->fields().intern("id");
    detect::JsonEventReader reader(rules->fields(), false);
    detect::EngineLimits limits;
    limits.unbounded_maxspan_ns = made.unbounded_ms * 1'000'000;
    detect::Engine engine(rules, limits);
    Collector collector(id);
    for (std::size_t i = 0; i < made.events.size(); ++i) {
        // A reload of the same rule in the middle of the stream is not to be noticed.
        if (i == made.events.size() / 2 && i % 2 == 0)
            engine.replace_rules(detect::RuleSet::of_query(made.query, diagnostics));
        const detect::EventPtr event = reader.read(made.events[i], reason);
        if (!event)
            return false;
        engine.on_event(event, collector);
    }
    engine.finish(collector);
    found = std::move(collector.found);
    return true;
}

// What the naive evaluator knows of a case.
struct Naive {
    detect::Query query;
    std::vector<naive::Event> events;
    std::int64_t unbounded_ms;

    explicit Naive(const naive::Case& made) : unbounded_ms(made.unbounded_ms) {
        detect::Diagnostics diagnostics;
        query = detect::parse_query(made.query, diagnostics).value();
        for (const std::string& json : made.events)
            events.push_back(naive::event_from_json(json));
    }
    std::vector<Found> found() const {
        std::vector<Found> all;
        for (const naive::Match& match : naive::evaluate(query, events, unbounded_ms))
            all.push_back({match.ids, shown(match.key)});
        return all;
    }
    // Of a sample the naive evaluator says which event completes it; the others are the engine's
    // choice, which must be one of those possible.
    bool settle_sample(Found& one) const {
        const auto is_later = [](const std::string& a, const std::string& b) {
            return std::stoi(a) < std::stoi(b);
        };
        for (const naive::Match& match : naive::evaluate(query, events, unbounded_ms)) {
            const std::string& last = *std::max_element(one.ids.begin(), one.ids.end(), is_later);
            if (match.ids.front() == last && shown(match.key) == one.key &&
                naive::is_sample(query, events, unbounded_ms, {one.ids, match.key})) {
                one.ids = match.ids;
                return true;
            }
        }
        return false;
    }
};

void print_found(const char* label, const std::vector<Found>& all) {
    std::cout << "  " << label << ':';
    for (const Found& one : all) {
        std::cout << " [";
        for (std::size_t i = 0; i < one.ids.size(); ++i)
            std::cout << (i ? "," : "") << (one.ids[i].empty() ? "-" : one.ids[i]);
        for (const std::string& value : one.key)
            std::cout << ' ' << value;
        std::cout << ']';
    }
    std::cout << '\n';
}

void print_case(const naive::Case& made) {
    std::cout << "disagreement on: " << made.query << "\n  without maxspan: " << made.unbounded_ms
              << " ms\n";
    for (const std::string& event : made.events)
        std::cout << "    " << event << '\n';
}

// Completion order: what a later event completes comes later. (Trailing missing events complete
// with time, not with an event.)
bool in_order(const std::vector<Found>& all) {
    int before = 0;
    for (const Found& one : all) {
        int last = 0;
        for (const std::string& id : one.ids)
            last = std::max(last, id.empty() ? 0 : std::stoi(id));
        if (last < before && !one.ids.back().empty())
            return false;
        before = last;
    }
    return true;
}

// Cases with a match, by what they show.
struct Tally {
    std::uint64_t matches = 0;
    std::map<std::string, std::uint64_t> cases;

    void add(const naive::Case& made, const detect::Query& query, const std::vector<Found>& found) {
        matches += found.size();
        if (found.empty())
            return;
        const auto names = [&](const char* word) {
            return made.query.find(word) != std::string::npos;
        };
        const bool sequence = query.kind == detect::QueryKind::sequence;
        ++cases[sequence                                 ? "sequence"
                : query.kind == detect::QueryKind::event ? "event"
                                                         : "sample"];
        for (const char* word : {"until", "runs", "![", "descendant of"})
            cases[word] += names(word) ? 1 : 0;
        cases["optional key"] += names("by ?") ? 1 : 0;
        // A condition that looks at an alias: "x0.…".
        cases["alias"] += names("x0.") || names("x1.") || names("x2.") ? 1 : 0;
        cases["long sequence"] += sequence && found.front().ids.size() > 3 ? 1 : 0;
    }
    // A generator whose queries never match would agree on anything.
    bool shows_enough(std::uint64_t all) const {
        return std::all_of(cases.begin(), cases.end(),
                           [&](const auto& one) { return one.second * 200 >= all; });
    }
};

bool agree(const naive::Case& made, Tally& tally) {
    std::vector<Found> engine;
    std::string reason;
    if (!by_engine(made, engine, reason)) {
        print_case(made);
        std::cout << "  " << reason << '\n';
        return false;
    }
    const Naive second(made);
    std::vector<Found> naive = second.found();
    const std::vector<Found> told = engine;
    bool same = in_order(engine);
    if (second.query.kind == detect::QueryKind::sample)
        for (Found& one : engine)
            same = second.settle_sample(one) && same;
    tally.add(made, second.query, naive);
    // Keys are independent machines: matches are compared as a set with repetitions.
    std::sort(engine.begin(), engine.end());
    std::sort(naive.begin(), naive.end());
    if (same && engine == naive)
        return true;
    print_case(made);
    print_found("engine", told);
    print_found("naive ", naive);
    return false;
}

}  // namespace

int main(int argc, char** argv) {
    namespace po = boost::program_options;
    std::uint64_t cases = 5000, seed = 1;
    po::options_description options("Compares the engine with the naive evaluator");
    options.add_options()("help", "this text")("cases", po::value(&cases)->default_value(cases),
                                               "how many random cases")(
        "seed", po::value(&seed)->default_value(seed), "of the random numbers");
    po::variables_map given;
    po::store(po::parse_command_line(argc, argv, options), given);
    po::notify(given);
    if (given.count("help")) {
        std::cout << options;
        return 0;
    }

    naive::CaseGenerator generator(seed);
    Tally tally;
    std::uint64_t disagreements = 0, done = 0;
    constexpr std::uint64_t kShown = 5;  // enough to see what is wrong
    for (; done < cases && disagreements < kShown; ++done) {
        if (agree(generator.next(), tally))
            continue;
        if (++disagreements == 1)
            std::cout << "the first disagreement is case " << done + 1 << '\n';
    }
    std::cout << done << " cases, " << tally.matches << " matches, "
              << (disagreements ? "disagreements above" : "no disagreement")
              << "\ncases that match:";
    for (const auto& [what, count] : tally.cases)
        std::cout << "  " << what << ' ' << count;
    std::cout << '\n';
    if (disagreements > 0)
        return 1;
    if (!tally.shows_enough(done)) {
        std::cout << "some kind of query matches in less than 0.5 % of the cases\n";
        return 1;
    }
    return 0;
}
