// SPDX-License-Identifier: Apache-2.0
// Whether what decides about detection can be changed by somebody who should not.
//
// Memory: values. Threads: no state between calls.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "collector/agent/rule_loader.hpp"

namespace audisp_eql::collector {

struct Settings;

class Trust {
  public:
    // Who may own such files beside root.
    explicit Trust(unsigned user);
    // Why somebody else could change what this path leads to, and the command that mends it;
    // nullopt: nobody can. Looked at are the file and every directory above it, through links. A
    // directory that all may write is fine where they cannot remove others' files (mode 1777).
    std::optional<std::string> trouble_with(const std::string& path);

  private:
    std::optional<std::string> look_at(const std::string& path, bool above);

    unsigned user_;
    std::map<std::string, std::optional<std::string>> seen_;  // directories
};

// The configuration, the rules and the exceptions of a live run that are not to be trusted, one
// line each.
std::vector<std::string> untrusted_files(const Settings& settings);

// As read_rule_input(); what is not to be trusted is a trouble, not a rule.
RuleInput read_trusted_rules(const std::vector<std::string>& rules,
                             const std::vector<std::string>& exceptions);

}  // namespace audisp_eql::collector
