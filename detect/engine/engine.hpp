// SPDX-License-Identifier: Apache-2.0
// Runs a rule set on events, one at a time, in order of arrival.
//
// Time is the events' own (EventTime::engine_ns), never a clock: the same events give the same
// matches. The engine's clock is the running maximum of what on_event and advance were told.
// Memory: the engine keeps the events of pending sequences alive (bounded, see EngineLimits).
// Threads: one at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "detect/event/event.hpp"
#include "detect/rule/rule_set.hpp"

namespace audisp_eql::detect {

// The value of one join key; monostate: missing (an optional key).
using JoinKey = std::variant<std::monostate, std::string, std::int64_t, double, bool>;

// One completed rule.
struct Match {
    std::vector<EventPtr> events;  // stage by stage; null in the place of a missing-event clause
    std::vector<JoinKey> join_keys;
};

class MatchSink {
  public:
    virtual ~MatchSink() = default;
    // All matches of one rule that one event (or the passing of time) completed; for a multi-valued
    // key in the order of its values, so the nearest ancestor's first.
    virtual void on_matches(const Rule& rule, std::span<const Match> matches) = 0;
};

struct EngineLimits {
    // A pending match holds a few hundred bytes and its events. 20,000 a rule is what a host sees
    // in ten seconds at 2,000 execs/s; the total bounds memory to some 200 MB at worst.
    std::size_t pending_per_rule = 20'000;
    std::size_t pending_total = 200'000;
    // A sequence without maxspan would wait for ever.
    std::int64_t unbounded_maxspan_ns = 3600LL * 1'000'000'000;
    // A trailing ![…] says that something did not happen. Events are held back for up to a second
    // (ends, forks whose image comes late): so long one that did happen may be on its way.
    std::int64_t lateness_ns = 1'000'000'000;
};

// Events that an exception has kept from rules; one that is kept from two rules counts twice. Of
// several exceptions that hold for one rule, the first counts.
struct SuppressedEvents {
    std::string exception;  // its id
    std::uint64_t count = 0;
};

struct EngineCounters {
    std::uint64_t events = 0;
    std::uint64_t matches = 0;
    std::uint64_t pending = 0;                 // now
    std::uint64_t pending_dropped = 0;         // by a limit, oldest first: evidence lost
    std::uint64_t pending_expired = 0;         // by maxspan
    std::uint64_t epochs = 0;                  // drop_pending calls
    std::uint64_t choices_cut = 0;             // tests of several long lists that were given up
    std::uint64_t keys_cut = 0;                // events with more join keys than are followed
    std::uint64_t lineage_dropped = 0;         // processes that `descendant of` had to forget
    std::vector<SuppressedEvents> suppressed;  // one for each of the rule set's exceptions()
};

// Of one rule. What a reload leaves as it was counts on.
struct RuleCounters {
    std::uint64_t matches = 0;
    std::uint64_t alerts = 0;               // times that one event or the time completed it
    std::uint64_t sampled = 0;              // evaluations that were timed: see Engine::sample_times
    std::uint64_t sampled_ns = 0;           // and how long these took
    std::vector<std::uint32_t> at_stage{};  // pending matches that wait for each stage, now
};

class Engine {
  public:
    // One event in so many has its rules timed: two readings of a clock cost as much as a rule.
    static constexpr std::uint32_t kSampleEvery = 64;

    explicit Engine(std::shared_ptr<const RuleSet> rules, EngineLimits limits = {});
    ~Engine();

    void on_event(const EventPtr& event, MatchSink& sink);
    // `sketch` has an event's kind(), its process and its parent, what they run, and its host.
    // False: it concerns no rule whatever else it says, and is counted as if it had come.
    bool may_concern(const Event& sketch);
    // Time passed without an event: expires, and completes trailing missing-event clauses.
    void advance(std::int64_t engine_ns, MatchSink& sink);
    // End of input: the clock runs out.
    void finish(MatchSink& sink);
    // The input's clock broke: nothing may match across it.
    void drop_pending();
    // Memory is short: the oldest pending matches of all rules go, at most `count`. How many went.
    std::size_t drop_oldest_pending(std::size_t count);
    // Runs these rules from now on. What is pending of a rule whose text is the same in both sets
    // lives on, and so do the processes that `descendant of` knows of; of other rules it is
    // dropped. `rules` must have been built to replace the present set (RuleSet::Options).
    void replace_rules(std::shared_ptr<const RuleSet> rules);

    const EngineCounters& counters() const;
    // By the rule's place in rules().
    RuleCounters counters_of(std::size_t rule) const;
    // From now on some evaluations are timed with this clock (nanoseconds). Matches do not depend
    // on it.
    void sample_times(std::int64_t (*clock)());
    const RuleSet& rules() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace audisp_eql::detect
