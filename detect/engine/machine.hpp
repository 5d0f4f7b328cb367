// SPDX-License-Identifier: Apache-2.0
// What keeps the state of one rule that matches several events.
//
// Memory: see PendingStore. Threads: one engine.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "detect/engine/engine.hpp"
#include "detect/engine/join_key.hpp"
#include "detect/engine/pending.hpp"
#include "detect/engine/suppression.hpp"
#include "detect/eql/predicate.hpp"

namespace audisp_eql::detect {

// An item of a rule that the event at hand may match: what is left of its condition once the
// tests that the plan knows are taken out. Item number kUntil: the `until` clause. Rule number
// kLineage: a `descendant of` query, the item-th lineage of the rule set.
struct Candidate {
    static constexpr std::uint32_t kUntil = UINT32_MAX;
    static constexpr std::uint32_t kLineage = UINT32_MAX;
    std::uint32_t rule = 0;
    std::uint32_t item = 0;
    Condition condition;
};

// What the machines of an engine share while one event is looked at. An event that is excepted from
// a rule meets none of its conditions.
struct Scene {
    EventPtr event;
    PredicateResults& results;
    JoinKeys& keys;
    Suppression& suppression;
    std::uint32_t rule = 0;  // the one at hand

    // Tests that look at earlier events are taken to hold.
    bool may_hold(const Condition& condition) {
        return detect::may_hold(condition,
                                [&](PredicateId id) {
                                    if (results.table().needs_earlier_events(id))
                                        return Truth::unknown;
                                    return results.holds(id) ? Truth::yes : Truth::no;
                                }) != Truth::no &&
               !suppression.hides(*event, rule, results);
    }
    bool holds(const Condition& condition) {
        return detect::holds(condition, [&](PredicateId id) { return results.holds(id); }) &&
               !suppression.hides(*event, rule, results);
    }
    // After may_hold.
    bool holds(const Condition& condition, std::span<const EventPtr> earlier) {
        return detect::holds(condition, [&](PredicateId id) { return results.holds(id, earlier); });
    }
};

class Machine {
  public:
    static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

    virtual ~Machine() = default;
    // `candidates`: of this rule, later items first, then `until`. Adds what the event completes to
    // `matches`.
    virtual void on_event(Scene& scene, std::span<const Candidate* const> candidates,
                          std::vector<Match>& matches) = 0;
    // False: as things are, it would not look at an event for this candidate.
    virtual bool may_take(const Candidate& candidate) const {
        static_cast<void>(candidate);
        return true;
    }
    // When the next match is complete although no event comes.
    virtual std::int64_t next_due() { return kNever; }
    // Takes that match.
    virtual Match take_due() { return {}; }
    virtual void expire(std::int64_t now_ns) = 0;
    // How many pending matches wait for each stage.
    virtual std::vector<std::uint32_t> at_stage() const { return {}; }
    // Nothing is pending.
    virtual bool idle() const = 0;
    virtual void clear() = 0;
    // Goes on with another program of the same text.
    virtual void rebind(const Program& program) = 0;
};

}  // namespace audisp_eql::detect
