// SPDX-License-Identifier: Apache-2.0
// The kernel audit rules that our events come from: read from text in auditctl's form, loaded one
// by one, and removed again. Only rules whose key begins with kRuleKeyPrefix are ever touched.
//
// Memory: values. Threads: one at a time.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collector/feed/audit_control.hpp"

namespace audisp_eql::collector {

inline constexpr std::string_view kRuleKeyPrefix = "audisp-eql";

// One line of the text, in the kernel's form.
struct AuditRule {
    int line = 0;  // 0: not from the text
    std::string text;
    AuditRuleBytes bytes;
    // The same without its saddr_fam test, for kernels that do not know that field (before 5.3);
    // only where that is not noisier than a connect.
    std::optional<AuditRuleBytes> without_family;
    // What must be there before the kernel takes the rule: the directory of dir=, or that in which
    // the name of path= lies. Empty: nothing.
    std::string directory;
};

struct ParsedAuditRules {
    std::vector<AuditRule> rules;
    std::vector<std::string> notes;  // lines left out, and why
};

// Understands -a list,action  -F field op value  -S name,name  -k key; comments; and skips -b, -f,
// -D and --backlog_wait_time, which set what is not this text's to set. A line that this machine or
// libaudit does not know is left out and noted.
ParsedAuditRules parse_audit_rules(std::string_view text);

// "never,exit" for one program: for feeds whose reader the kernel does not exempt by itself.
std::optional<AuditRule> exclusion_of(std::string_view executable);

// Fields whose value is a string in the rule's buffer (audit_krule_to_data() in
// kernel/auditfilter.c).
bool has_string(std::uint32_t field);
// The key of a rule as the kernel lists it; empty if it has none.
std::string key_of(const AuditRuleBytes& rule);
bool is_own_rule(const AuditRuleBytes& rule);

struct RuleReport {
    std::size_t loaded = 0;
    std::size_t foreign = 0;  // rules of others, left alone
    std::size_t removed = 0;  // own ones left over from an earlier run
    std::vector<std::string> notes;
    std::vector<AuditRule> absent;  // refused because their directory is not there
};

// Removes what an earlier run left, then adds `rules` in order. What the kernel refuses is left out
// and noted.
RuleReport load_rules(AuditControl& control, const std::vector<AuditRule>& rules);
// For who goes on after another run: from its rules, as the kernel lists them, to `rules`. What is
// there stays, so that no moment is without it.
RuleReport take_over_rules(AuditControl& control, const std::vector<AuditRule>& rules);
// From one set of ours to another: adds what is new, then removes what is not in it any more. What
// both have stays, without a gap.
RuleReport exchange_rules(AuditControl& control, const std::vector<AuditRule>& before,
                          const std::vector<AuditRule>& after);
// How many rules with our key the kernel has now; nullopt if it does not say.
std::optional<std::size_t> count_own_rules(AuditControl& control);
// Removes every rule with our key, and no other. Appends a line to `notes` for each that stays.
std::size_t remove_own_rules(AuditControl& control, std::vector<std::string>& notes);

// rules/audisp-eql.rules, as it was when the program was built.
std::string_view built_in_audit_rules();

}  // namespace audisp_eql::collector
