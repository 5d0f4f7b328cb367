// SPDX-License-Identifier: Apache-2.0
#include "detect/engine/engine.hpp"

#include <algorithm>
#include <limits>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "detect/engine/dispatch.hpp"
#include "detect/engine/machine.hpp"
#include "detect/engine/sample.hpp"
#include "detect/engine/sequence.hpp"

namespace audisp_eql::detect {

namespace {

constexpr std::int64_t kBeginningOfTime = std::numeric_limits<std::int64_t>::min();

// How often pending matches that are too old are let go. Only memory depends on it: the stages test
// maxspan themselves.
constexpr std::int64_t kSweepNs = 100'000'000;

}  // namespace

namespace {

// Of one kind of events: how often a sketch was refused. Where hardly any is, asking costs more
// than it saves, and only now and then one is looked at to see whether that has changed.
class SketchUse {
  public:
    bool pays() { return refused_ * kWorth >= asked_ || ++passed_ % kSampleEvery == 0; }
    void answer(bool refused) {
        ++asked_;
        refused_ += refused ? 1 : 0;
        if (asked_ >= kWindow) {
            asked_ /= 2;
            refused_ /= 2;
        }
    }

  private:
    // A look at a sketch takes about an eighth of what it saves, and often it is the same again.
    static constexpr std::uint32_t kWorth = 8;
    static constexpr std::uint32_t kSampleEvery = 32;
    static constexpr std::uint32_t kWindow = 4096;
    // As if half of those before the first had been refused.
    std::uint32_t asked_ = 256, refused_ = 128, passed_ = 0;
};

}  // namespace

struct Engine::State {
    State(std::shared_ptr<const RuleSet> set, const EngineLimits& limits)
        : store(limits, counters) {
        load(std::move(set));
    }

    void load(std::shared_ptr<const RuleSet> set);
    std::unique_ptr<Machine> make_machine(const Program& program);
    void count();
    void move_clock(std::int64_t now_ns, MatchSink& sink);
    void take_due(std::int64_t until_ns, MatchSink& sink);
    void report(std::size_t rule, MatchSink& sink);
    bool may_concern(const Event& sketch);

    EngineCounters counters;
    EngineCounters replaced;  // what parts that a reload has replaced had counted
    KeyHash hash;
    PendingStore store;
    // Of this rule set; all set once load() has run.
    std::shared_ptr<const RuleSet> rules;
    std::unique_ptr<PredicateResults> results;
    std::optional<JoinKeys> keys;
    std::optional<Dispatcher> dispatcher;
    std::optional<Suppression> suppression;
    std::vector<SketchUse> sketches;                 // by Event::kind()
    std::vector<std::unique_ptr<Machine>> machines;  // one a rule; null for an event query
    NumberSet busy;  // machines that may have something pending: few, however many rules there are
    std::vector<RuleCounters> of_rule;
    std::int64_t (*clock)() = nullptr;  // what evaluations are timed with; null: nothing
    std::uint32_t until_sample = kSampleEvery;
    std::vector<Match> matches;
    std::int64_t clock_ns = kBeginningOfTime;
    std::int64_t next_sweep_ns = kBeginningOfTime;
};

// A rule whose text is the same keeps its machine, and with it what is pending.
void Engine::State::load(std::shared_ptr<const RuleSet> set) {
    const std::shared_ptr<const RuleSet> old_rules = std::exchange(rules, std::move(set));
    std::vector<std::unique_ptr<Machine>> old_machines = std::exchange(machines, {});
    std::vector<RuleCounters> old_counters = std::exchange(of_rule, {});
    std::unordered_map<std::string_view, std::size_t> old_by_text;
    for (std::size_t i = 0; i < old_machines.size(); ++i)
        old_by_text.emplace(old_rules->rules()[i].rule.hash, i);
    for (const RuleSet::CompiledRule& rule : rules->rules()) {
        auto& machine = machines.emplace_back();
        auto& counted = of_rule.emplace_back();
        if (const auto old = old_by_text.find(rule.rule.hash); old != old_by_text.end()) {
            machine = std::move(old_machines[old->second]);
            counted = std::move(old_counters[old->second]);
        }
        if (machine)
            machine->rebind(rule.program);
        else
            machine = make_machine(rule.program);
    }
    busy = {};
    busy.resize(machines.size());
    for (std::uint32_t i = 0; i < machines.size(); ++i) {
        if (machines[i] && !machines[i]->idle())
            busy.add(i);
    }
    auto fresh = std::make_unique<PredicateResults>(rules->predicates());
    if (results)
        fresh->take_over(*results);
    results = std::move(fresh);
    keys.emplace(rules->fields(), hash);
    dispatcher.emplace(*rules);
    suppression.emplace(*rules, counters.suppressed);
    sketches.clear();
    replaced = counters;
    // The lineages that live on count on where they were.
    replaced.lineage_dropped -= std::min(replaced.lineage_dropped, results->lineage_dropped());
}

std::unique_ptr<Machine> Engine::State::make_machine(const Program& program) {
    switch (program.kind) {
        case QueryKind::sequence:
            return std::make_unique<SequenceMachine>(program, store);
        case QueryKind::sample:
            return std::make_unique<SampleMachine>(program, store);
        case QueryKind::event:
            break;
    }
    return nullptr;
}

void Engine::State::count() {
    counters.choices_cut = replaced.choices_cut + results->choices_cut();
    counters.keys_cut = replaced.keys_cut + keys->cut();
    counters.lineage_dropped = replaced.lineage_dropped + results->lineage_dropped();
}

void Engine::State::report(std::size_t rule, MatchSink& sink) {
    counters.matches += matches.size();
    of_rule[rule].matches += matches.size();
    ++of_rule[rule].alerts;
    sink.on_matches(rules->rules()[rule].rule, matches);
    matches.clear();
}

// Matches whose window closed before the given time, in the order in which the windows closed.
void Engine::State::take_due(std::int64_t until_ns, MatchSink& sink) {
    while (true) {
        std::size_t next = machines.size();
        std::int64_t due_ns = until_ns;
        busy.for_each([&](std::size_t i) {
            const std::int64_t due = machines[i]->next_due();
            if (due < due_ns) {
                due_ns = due;
                next = i;
            }
        });
        if (next == machines.size())
            return;
        matches.push_back(machines[next]->take_due());
        report(next, sink);
    }
}

void Engine::State::move_clock(std::int64_t now_ns, MatchSink& sink) {
    clock_ns = std::max(clock_ns, now_ns);
    if (clock_ns < next_sweep_ns)
        return;
    next_sweep_ns = clock_ns + kSweepNs;
    take_due(clock_ns - store.limits().lateness_ns, sink);
    busy.for_each([&](std::size_t i) {
        machines[i]->expire(clock_ns);
        if (machines[i]->idle())
            busy.remove(i);
    });
}

Engine::Engine(std::shared_ptr<const RuleSet> rules, EngineLimits limits)
    : state_(std::make_unique<State>(std::move(rules), limits)) {}

Engine::~Engine() = default;

void Engine::on_event(const EventPtr& event, MatchSink& sink) {
    State& state = *state_;
    ++state.counters.events;
    state.move_clock(event->time().engine_ns, sink);
    state.results->begin(*event);
    state.suppression->begin();
    state.keys->begin();
    Scene scene{event, *state.results, *state.keys, *state.suppression};
    const bool timed = state.clock != nullptr && --state.until_sample == 0;
    if (timed)
        state.until_sample = kSampleEvery;
    for (auto left = state.dispatcher->candidates(*event, *state.results); !left.empty();) {
        const std::uint32_t rule = left.front()->rule;
        if (rule == Candidate::kLineage) {
            if (detect::holds(left.front()->condition,
                              [&](PredicateId id) { return state.results->holds(id); }))
                state.results->add_source(left.front()->item);
            left = left.subspan(1);
            continue;
        }
        std::size_t count = 1;
        while (count < left.size() && left[count]->rule == rule)
            ++count;
        scene.rule = rule;
        const std::int64_t began = timed ? state.clock() : 0;
        if (Machine* const machine = state.machines[rule].get()) {
            machine->on_event(scene, left.first(count), state.matches);
            if (!machine->idle())
                state.busy.add(rule);
        } else if (scene.holds(left.front()->condition)) {
            state.matches.push_back({{event}, {}});
        }
        if (timed) {
            ++state.of_rule[rule].sampled;
            state.of_rule[rule].sampled_ns += static_cast<std::uint64_t>(state.clock() - began);
        }
        if (!state.matches.empty())
            state.report(rule, sink);
        left = left.subspan(count);
    }
    state.count();
}

bool Engine::may_concern(const Event& sketch) {
    State& state = *state_;
    if (sketch.kind() >= state.sketches.size())
        state.sketches.resize(sketch.kind() + std::size_t{1});
    SketchUse& use = state.sketches[sketch.kind()];
    if (!use.pays())
        return true;
    const bool concerns = state.may_concern(sketch);
    use.answer(!concerns);
    state.counters.events += concerns ? 0 : 1;
    return concerns;
}

bool Engine::State::may_concern(const Event& sketch) {
    const auto candidates = dispatcher->candidates_by_sketch(sketch);
    if (!candidates)
        return true;
    results->begin(sketch);
    // What it says of descent is learned from the sketch, but for an end.
    if (results->is_related() && dispatcher->ends_process(sketch.kind()))
        return true;
    const auto known = [&](PredicateId id) {
        if (!dispatcher->decided_by_sketch(id))
            return Truth::unknown;
        return results->holds(id) ? Truth::yes : Truth::no;
    };
    return std::any_of(candidates->begin(), candidates->end(), [&](const Candidate* candidate) {
        const Machine* const machine =
            candidate->rule == Candidate::kLineage ? nullptr : machines[candidate->rule].get();
        return (!machine || machine->may_take(*candidate)) &&
               detect::may_hold(candidate->condition, known) != Truth::no;
    });
}

void Engine::advance(std::int64_t engine_ns, MatchSink& sink) {
    state_->move_clock(engine_ns, sink);
}

void Engine::finish(MatchSink& sink) {
    state_->take_due(Machine::kNever, sink);
    for (const auto& machine : state_->machines) {
        if (machine)
            machine->clear();
    }
}

std::size_t Engine::drop_oldest_pending(std::size_t count) {
    return state_->store.drop_oldest(count);
}

void Engine::drop_pending() {
    ++state_->counters.epochs;
    for (const auto& machine : state_->machines) {
        if (machine)
            machine->clear();
    }
    state_->results->clear();
    state_->clock_ns = kBeginningOfTime;
    state_->next_sweep_ns = kBeginningOfTime;
}

void Engine::replace_rules(std::shared_ptr<const RuleSet> rules) {
    state_->load(std::move(rules));
}

const EngineCounters& Engine::counters() const {
    return state_->counters;
}

RuleCounters Engine::counters_of(std::size_t rule) const {
    RuleCounters counters = state_->of_rule[rule];
    if (state_->machines[rule])
        counters.at_stage = state_->machines[rule]->at_stage();
    return counters;
}

void Engine::sample_times(std::int64_t (*clock)()) {
    state_->clock = clock;
}

const RuleSet& Engine::rules() const {
    return *state_->rules;
}

}  // namespace audisp_eql::detect
