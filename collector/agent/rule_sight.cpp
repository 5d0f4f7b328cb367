// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "collector/agent/audit_lines.hpp"
#include "collector/agent/kernel_needs.hpp"
#include "collector/feed/audit_rule_cover.hpp"
#include "collector/feed/audit_rules.hpp"
#include "collector/feed/proc_connector.hpp"
#include "detect/rule/rule_set.hpp"

namespace audisp_eql::collector {

namespace {

// What a rule calls the kind; its category where it has no action.
std::string name_of(EventKind kind) {
    const EventShape& shape = shape_of(kind);
    const detect::Values& words = shape.action.empty() ? shape.category : shape.action;
    return std::string(words.front().as_text());
}

class Judge {
  public:
    Judge(const KernelView& view, const LineOptions& options) : view_(view), options_(options) {}

    // Some of what is demanded is seen. What is not goes to `missing`.
    bool sees(const Demand& demand, std::vector<std::string>& missing) {
        if (demand.by_connector && connector_tells(demand.kind))
            return true;
        if (demand.by_report)
            return seen_by_report(missing);
        if (demand.calls.empty()) {
            missing.push_back(
                fmt::format("the proc connector is not read: no {} events", name_of(demand.kind)));
            return false;
        }
        if (!view_.audit) {
            missing.push_back(fmt::format("audit is not read: no {} events", name_of(demand.kind)));
            return false;
        }
        return seen_by_lines(demand, missing);
    }

    bool sees_execs() {
        if (!view_.audit)
            return false;
        Demand exec;
        exec.kind = EventKind::exec;
        exec.calls = {"execve", "execveat"};
        std::vector<std::string> ignored;
        return seen_by_lines(exec, ignored) && ignored.empty();
    }

  private:
    bool connector_tells(EventKind kind) const {
        const auto bit = static_cast<std::uint32_t>(connector_message(kind));
        if (kind == EventKind::ptrace && options_.trace_by_audit)
            return false;
        return view_.proc_connector && ((view_.proc_events | ProcConnector::kAlways) & bit) != 0;
    }

    bool seen_by_report(std::vector<std::string>& missing) {
        if (!view_.audit)
            missing.emplace_back("audit is not read: nothing that programs report to it is seen");
        return view_.audit;
    }

    bool seen_by_lines(const Demand& demand, std::vector<std::string>& missing) {
        std::vector<Line> lines;
        add_lines(demand, options_, lines);
        if (is_of_file(demand.kind))
            add_files(demand, lines);
        bool some = false;
        // One gap is said once, not for each word size and each of many places.
        std::string first;
        std::size_t gaps = 0;
        for (const Line& line : joined(std::move(lines))) {
            if (line.optional)
                continue;
            if (is_in_force(line.text())) {
                some = true;
                continue;
            }
            if (gaps++ == 0)
                first = line.what();
        }
        if (gaps != 0)
            missing.push_back(
                fmt::format("no audit rule reports {}{}: {} {} events", first,
                            gaps == 1 ? "" : fmt::format(" (and {} more such)", gaps - 1),
                            some ? "not all" : "no", name_of(demand.kind)));
        return some;
    }

    static void add_files(const Demand& demand, std::vector<Line>& lines) {
        FileWish wish;
        wish.calls[demand.kind].insert(demand.calls.begin(), demand.calls.end());
        if (!demand.places) {
            add_file_lines(wish, nullptr, lines);
            return;
        }
        for (const Place& place : *demand.places)
            add_file_lines(wish, &place, lines);
    }

    bool is_in_force(const std::string& text) {
        const auto [known, is_new] = in_force_.try_emplace(text, false);
        if (is_new) {
            const ParsedAuditRules parsed = parse_audit_rules(text);
            known->second = !parsed.rules.empty() && present(parsed.rules.front());
        }
        return known->second;
    }
    bool present(const AuditRule& rule) const {
        return std::any_of(view_.audit_rules.begin(), view_.audit_rules.end(),
                           [&](const AuditRuleBytes& one) { return covers(one, rule.bytes); });
    }

    const KernelView& view_;
    const LineOptions options_;
    std::map<std::string, bool> in_force_;  // by the line's text
};

}  // namespace

std::string_view to_string(Sight sight) {
    switch (sight) {
        case Sight::whole:
            return "whole";
        case Sight::partial:
            return "partial";
        case Sight::blind:
            return "blind";
    }
    return {};
}

std::vector<RuleSight> sight_of_rules(const detect::RuleSet& rules, const KernelView& view) {
    const std::vector<Demand> demands = demands_of(rules);
    const bool traces = std::any_of(demands.begin(), demands.end(), [](const Demand& demand) {
        return demand.kind == EventKind::ptrace && !demand.by_connector;
    });
    Judge judge(view, {view.proc_connector, traces});
    const bool execs = judge.sees_execs();
    std::vector<RuleSight> sights(rules.rules().size());
    std::map<std::pair<std::uint32_t, std::uint32_t>, bool> vital_parts;  // seen, by rule and part
    for (const Demand& demand : demands) {
        RuleSight& sight = sights[demand.rule];
        const bool seen = judge.sees(demand, sight.missing);
        if (demand.vital)
            vital_parts[{demand.rule, demand.part}] |= seen;
        if (!execs && sight.missing.empty())
            sight.missing.emplace_back(
                "executions are not all reported: names and arguments of some processes are not "
                "known");
    }
    for (RuleSight& sight : sights)
        if (!sight.missing.empty())
            sight.sight = Sight::partial;
    for (const auto& [part, seen] : vital_parts)
        if (!seen)
            sights[part.first].sight = Sight::blind;
    return sights;
}

std::vector<std::string> sight_lines(const detect::RuleSet& rules,
                                     const std::vector<RuleSight>& sights) {
    constexpr std::size_t kMost = 12;
    std::vector<std::string> lines;
    std::size_t blind = 0, partial = 0;
    for (std::size_t i = 0; i < sights.size(); ++i) {
        partial += sights[i].sight == Sight::partial ? 1 : 0;
        if (sights[i].sight == Sight::blind && ++blind <= kMost)
            lines.push_back(fmt::format("rule '{}' is blind here: {}", rules.rules()[i].rule.name,
                                        sights[i].missing.front()));
    }
    if (blind > kMost)
        lines.push_back(fmt::format("and {} more rules are blind here", blind - kMost));
    if (partial != 0)
        lines.push_back(fmt::format("{} rule{} not see all that {} for", partial,
                                    partial == 1 ? " does" : "s do",
                                    partial == 1 ? "it asks" : "they ask"));
    return lines;
}

}  // namespace audisp_eql::collector
