// SPDX-License-Identifier: Apache-2.0
// What the loaded rules need of the kernel: which audit rules, so that the events that the rules
// may match are made, and which messages of the proc connector. And the other way round: what each
// rule sees where these audit rules and feeds are in force.
//
// A kind of event is needed if some rule may match an event of which only its kind is known. Kinds
// that would cost much, or are without end (file_open, send, other_syscall), are needed only by
// rules that ask for them by type, action or name of the call.
//
// Memory: values. Threads: no state between calls.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "collector/feed/audit_control.hpp"
#include "collector/feed/message.hpp"

namespace audisp_eql::detect {
class RuleSet;
}

namespace audisp_eql::collector {

struct NeedsOptions {
    // Also the lines that report a call of which hosts make thousands a second: all opens, all
    // sends, each change of a standard descriptor.
    bool expensive = false;
    // Without it, forks and changes of ids are asked of audit.
    bool proc_connector = true;
};

// One kernel audit rule.
struct NeededLine {
    std::string text;     // in auditctl's form
    std::string heading;  // what it is for, one line for people
    // Who needs it: indices into RuleSet::rules(); none: the agent itself.
    std::vector<std::uint32_t> rules;
    // Older auditctl does not know the list (io_uring); the kernel may.
    bool newer_auditctl = false;
};

struct KernelNeeds {
    std::vector<NeededLine> lines;      // in order; none is there twice or lies within another
    std::vector<NeededLine> expensive;  // left out, because NeedsOptions::expensive is off
    std::uint32_t proc_events = 0;      // bits of ProcEvent::What beside ProcConnector::kAlways
};
// All that events are made of, for who has no rules yet.
inline constexpr std::uint32_t kAllProcEvents =
    static_cast<std::uint32_t>(ProcEvent::What::ptrace) |
    static_cast<std::uint32_t>(ProcEvent::What::coredump);
KernelNeeds kernel_needs(const detect::RuleSet& rules, const NeedsOptions& options);

// The lines as one text for auditctl: above each line the rules that need it. What is left out
// stands there as comments.
std::string audit_rules_text(const KernelNeeds& needs, const detect::RuleSet& rules);

// What a rule sees on a host.
enum class Sight : std::uint8_t {
    whole,    // all that it asks for
    partial,  // it can match, but something that it asks for is not seen
    blind,    // it can't match: what some part of it needs is not seen
};
std::string_view to_string(Sight sight);

struct RuleSight {
    Sight sight = Sight::whole;
    // What is missing, one line each: "no kernel audit rule reports rename in /etc (…)",
    // "the proc connector is not read: no end events". For Sight::whole: none.
    std::vector<std::string> missing;
};

// What is in force now.
struct KernelView {
    bool audit = true;  // some audit feed is read, and audit is enabled
    bool proc_connector = true;
    // What the connector was asked for beside ProcConnector::kAlways; all by default.
    std::uint32_t proc_events = UINT32_MAX;
    // As AuditControl::list_rules() gives them; those of others count too.
    std::vector<AuditRuleBytes> audit_rules;
};
// One for each of RuleSet::rules(), in order.
std::vector<RuleSight> sight_of_rules(const detect::RuleSet& rules, const KernelView& view);
// For a log: each blind rule with the reason, up to a dozen, and how many more and how many see
// only a part. Nothing if all see all.
std::vector<std::string> sight_lines(const detect::RuleSet& rules,
                                     const std::vector<RuleSight>& sights);

}  // namespace audisp_eql::collector
