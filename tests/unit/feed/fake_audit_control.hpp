// SPDX-License-Identifier: Apache-2.0
// A kernel's audit settings and rules in memory, for what a real one cannot be asked: being locked,
// being old, refusing.
#pragma once

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <libaudit.h>

#include "collector/feed/audit_control.hpp"

namespace audisp_eql::collector {

class FakeAuditControl final : public AuditControl {
  public:
    AuditStatus state{.enabled = 0, .failure = 1, .backlog_limit = 64, .backlog_wait_time = 15000};
    std::vector<AuditRuleBytes> rules;
    std::vector<AuditRuleBytes> missing;  // rules on directories that are not there
    bool knows_families = true;
    int changes = 0;

    int status(AuditStatus& status) override {
        status = state;
        return 0;
    }
    int set_enabled(std::uint32_t value) override { return set(state.enabled, value); }
    int set_backlog_limit(std::uint32_t value) override { return set(state.backlog_limit, value); }
    int set_backlog_wait_time(std::uint32_t value) override {
        return set(state.backlog_wait_time, value);
    }
    int release_pid() override {
        state.pid = 0;
        return 0;
    }
    int add_rule(const AuditRuleBytes& rule) override {
        if (state.enabled == 2)
            return EPERM;
        if (!knows_families && tests_family(rule))
            return EINVAL;
        if (std::find(missing.begin(), missing.end(), rule) != missing.end())
            return ENOENT;
        if (std::find(rules.begin(), rules.end(), rule) != rules.end())
            return EEXIST;
        rules.push_back(rule);
        return 0;
    }
    int delete_rule(const AuditRuleBytes& rule) override {
        const auto found = std::find(rules.begin(), rules.end(), rule);
        if (state.enabled == 2 || found == rules.end())
            return state.enabled == 2 ? EPERM : ENOENT;
        rules.erase(found);
        return 0;
    }
    int list_rules(std::vector<AuditRuleBytes>& list) override {
        list = rules;
        return 0;
    }

  private:
    int set(std::uint32_t& field, std::uint32_t value) {
        if (state.enabled == 2)
            return EPERM;
        ++changes;
        field = value;
        return 0;
    }
    static bool tests_family(const AuditRuleBytes& rule) {
        const auto* data = reinterpret_cast<const audit_rule_data*>(rule.data());
        return std::find(data->fields, data->fields + data->field_count,
                         std::uint32_t{AUDIT_SADDR_FAM}) != data->fields + data->field_count;
    }
};

}  // namespace audisp_eql::collector
