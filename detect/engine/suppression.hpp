// SPDX-License-Identifier: Apache-2.0
// Which events a rule must not see, and how often that happened. Asked only for events that meet
// some condition of the rule: hardly any do.
//
// Memory: a few counters; refers to the rule set. Threads: one engine.
#pragma once

#include <cstdint>
#include <vector>

#include "detect/engine/engine.hpp"
#include "detect/eql/predicate.hpp"
#include "detect/event/event.hpp"
#include "detect/rule/rule_set.hpp"

namespace audisp_eql::detect {

class Suppression {
  public:
    // `counts` is made to fit the rules; what an exception of the same id has counted stays.
    Suppression(const RuleSet& rules, std::vector<SuppressedEvents>& counts);

    // Before each event.
    void begin() { asked_ = kNone; }
    bool hides(const Event& event, std::uint32_t rule, PredicateResults& results) {
        if (counts_.empty())
            return false;
        if (rule != asked_) {
            asked_ = rule;
            hidden_ = look(event, rule, results);
        }
        return hidden_;
    }

  private:
    static constexpr std::uint32_t kNone = UINT32_MAX;
    bool look(const Event& event, std::uint32_t rule, PredicateResults& results);

    const RuleSet& rules_;
    std::vector<SuppressedEvents>& counts_;
    std::uint32_t asked_ = kNone;  // the rule that was asked for last, of this event
    bool hidden_ = false;
};

}  // namespace audisp_eql::detect
