// SPDX-License-Identifier: Apache-2.0
// What many alerts say in few lines: for each rule the count and its commonest groups.
//
// Memory: one entry a rule and group. Threads: one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "detect/alert/alert.hpp"

namespace audisp_eql::collector {

class AlertSummary {
  public:
    static constexpr std::size_t kShownGroups = 5;
    // Of one rule; what comes later is counted as "others". A rule that fires in more ways than
    // this says the same thing with the first thousand.
    static constexpr std::size_t kMaxGroups = 1000;

    void add(const detect::Alert& alert);
    // Rules by their number of alerts, the commonest first:
    //   3 medium Potential Reverse Shell
    //          2 sh, user www-data, parent nc, to 192.0.2.7:4444
    //          1 others
    void append_to(std::string& out) const;

  private:
    struct PerRule {
        detect::RuleSeverity severity = detect::RuleSeverity::medium;
        std::uint64_t alerts = 0;
        std::uint64_t others = 0;
        std::map<std::string, std::uint64_t> groups;
    };
    std::map<std::string, PerRule> rules_;  // by name
};

}  // namespace audisp_eql::collector
