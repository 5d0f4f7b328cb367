// SPDX-License-Identifier: Apache-2.0
// The engine against the naive evaluator, on random queries and streams.
//   conformance_differential [--cases N] [--seed S]
// Prints each disagreement as a conformance case and ends with 1 if there was one.
#include <algorithm>
#include <cstdint>
#include <iostream>
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
using Ids = std::vector<std::string>;

class Collector final : public detect::MatchSink {
  public:
    explicit Collector(detect::FieldId id) : id_(id) {}
    void on_matches(const detect::Rule&, std::span<const detect::Match> matches) override {
        for (const detect::Match& match : matches) {
            Ids ids;
            for (const detect::EventPtr& event : match.events)
                ids.emplace_back(event ? event->text(id_) : std::string_view{});
            found.push_back(std::move(ids));
        }
    }
    std::vector<Ids> found;

  private:
    detect::FieldId id_;
};

// The engine's matches; false with a reason if the query does not load or an event is not read.
bool by_engine(const naive::Case& made, std::vector<Ids>& found, std::string& reason) {
    detect::Diagnostics diagnostics;
    const auto rules = detect::RuleSet::of_query(made.query, diagnostics);
    if (!rules) {
        reason = "the engine does not load it: " +
                 (diagnostics.empty() ? "no reason given" : diagnostics.front().message);
        return false;
    }
    const detect::FieldId id = rules->fields().intern("id");
    detect::JsonEventReader reader(rules->fields(), false);
    detect::Engine engine(rules);
    Collector collector(id);
    for (const std::string& json : made.events) {
        const detect::EventPtr event = reader.read(json, reason);
        if (!event)
            return false;
        engine.on_event(event, collector);
    }
    engine.finish(collector);
    found = std::move(collector.found);
    return true;
}

std::vector<Ids> by_naive(const naive::Case& made) {
    detect::Diagnostics diagnostics;
    const auto query = detect::parse_query(made.query, diagnostics);
    std::vector<naive::Event> events;
    for (const std::string& json : made.events)
        events.push_back(naive::event_from_json(json));
    std::vector<Ids> found;
    for (const naive::Match& match : naive::evaluate(query.value(), events))
        found.push_back(match.ids);
    return found;
}

void print_ids(const char* label, const std::vector<Ids>& all) {
    std::cout << "  " << label << ':';
    for (const Ids& ids : all) {
        std::cout << " [";
        for (std::size_t i = 0; i < ids.size(); ++i)
            std::cout << (i ? "," : "") << (ids[i].empty() ? "-" : ids[i]);
        std::cout << ']';
    }
    std::cout << '\n';
}

void print_case(const naive::Case& made) {
    std::cout << "disagreement on: " << made.query << '\n';
    for (const std::string& event : made.events)
        std::cout << "    " << event << '\n';
}

bool agree(const naive::Case& made, std::uint64_t& matches) {
    std::vector<Ids> engine;
    std::string reason;
    if (!by_engine(made, engine, reason)) {
        print_case(made);
        std::cout << "  " << reason << '\n';
        return false;
    }
    std::vector<Ids> naive = by_naive(made);
    matches += naive.size();
    // Keys are independent machines: matches are compared as a set with repetitions.
    std::sort(engine.begin(), engine.end());
    std::sort(naive.begin(), naive.end());
    if (engine == naive)
        return true;
    print_case(made);
    print_ids("engine", engine);
    print_ids("naive ", naive);
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
    std::uint64_t matches = 0, disagreements = 0;
    constexpr std::uint64_t kShown = 5;  // enough to see what is wrong
    for (std::uint64_t i = 0; i < cases && disagreements < kShown; ++i)
        disagreements += agree(generator.next(), matches) ? 0 : 1;
    std::cout << cases << " cases, " << matches << " matches, "
              << (disagreements ? "disagreements above" : "no disagreement") << '\n';
    // A generator whose queries never match would agree on anything.
    return disagreements == 0 && matches > cases / 10 ? 0 : 1;
}
