// SPDX-License-Identifier: Apache-2.0
#include "detect/engine/suppression.hpp"

#include <utility>

namespace audisp_eql::detect {

Suppression::Suppression(const RuleSet& rules, std::vector<SuppressedEvents>& counts)
    : rules_(rules), counts_(counts) {
    const std::vector<SuppressedEvents> before = std::exchange(counts_, {});
    for (const RuleSet::CompiledException& exception : rules.exceptions()) {
        SuppressedEvents& fresh = counts_.emplace_back();
        fresh.exception = exception.id;
        for (const SuppressedEvents& old : before)
            fresh.count += old.exception == exception.id ? old.count : 0;
    }
}

bool Suppression::look(const Event& event, std::uint32_t rule, PredicateResults& results) {
    for (const std::uint32_t index : rules_.rules()[rule].exceptions) {
        const RuleSet::CompiledException& exception = rules_.exceptions()[index];
        if (event.time().wall_us >= exception.expires_us)
            continue;
        if (!holds(exception.condition, [&](PredicateId id) { return results.holds(id); }))
            continue;
        ++counts_[index].count;
        return true;
    }
    return false;
}

}  // namespace audisp_eql::detect
