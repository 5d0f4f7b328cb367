// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/kernel_needs.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "collector/agent/audit_lines.hpp"
#include "collector/feed/audit_rules.hpp"
#include "detect/eql/predicate.hpp"
#include "detect/rule/rule_set.hpp"

namespace audisp_eql::collector {

namespace {

using detect::FieldId;

// Who a process is, for every other event of it.
void add_exec_for_all(const detect::RuleSet& rules, const std::vector<Demand>& demands,
                      const LineOptions& options, std::vector<Line>& lines) {
    Demand exec;
    exec.kind = EventKind::exec;
    for (const Syscall& call : syscalls())
        if (call.operation == Operation::exec)
            exec.calls.push_back(call.name);
    std::set<std::uint32_t> active;
    for (const Demand& demand : demands)
        active.insert(demand.rule);
    for (const std::uint32_t rule : active)
        if (rule < rules.rules().size()) {
            exec.rule = rule;
            add_lines(exec, options, lines);
        }
}

// Takes from `wish` what a wider one has, which then is there for those rules, too.
void leave_to(FileWish& wider, FileWish& wish, bool opens) {
    const auto is_there = [&](const std::set<std::string_view>& there, std::string_view name) {
        const auto row = std::find_if(syscalls().begin(), syscalls().end(),
                                      [&](const Syscall& call) { return call.name == name; });
        return there.contains(name) && (opens || row->operation != Operation::open);
    };
    for (auto& [kind, calls] : wish.calls) {
        const auto found = wider.calls.find(kind);
        if (found != wider.calls.end() && std::erase_if(calls, [&](std::string_view name) {
                                              return is_there(found->second, name);
                                          }) != 0)
            wider.rules.insert(wish.rules.begin(), wish.rules.end());
    }
}

// Everywhere first, then places; what a wider place already has is not asked again.
void add_all_files(const std::vector<Demand>& demands, bool expensive, std::vector<Line>& lines) {
    FileWish everywhere;
    std::map<Place, FileWish> by_place;
    for (const Demand& demand : demands) {
        if (!is_of_file(demand.kind))
            continue;
        const auto add = [&](FileWish& wish) {
            wish.rules.insert(demand.rule);
            wish.calls[demand.kind].insert(demand.calls.begin(), demand.calls.end());
        };
        if (!demand.places) {
            add(everywhere);
            continue;
        }
        for (const Place& place : *demand.places)
            add(by_place[place]);
    }
    for (auto& [place, wish] : by_place) {
        // Opens everywhere may be left out, because they are expensive.
        leave_to(everywhere, wish, expensive);
        for (auto& [other, wider] : by_place)
            if (other != place && place.lies_within(other))
                leave_to(wider, wish, true);
    }
    add_file_lines(everywhere, nullptr, lines);
    for (const auto& [place, wish] : by_place)
        add_file_lines(wish, &place, lines);
}

std::set<std::uint32_t> rules_on_descriptors(const detect::RuleSet& rules) {
    const detect::PredicateTable& table = rules.predicates();
    std::set<std::uint32_t> found;
    const auto looks = [&](const detect::Condition& condition) {
        return std::any_of(condition.begin(), condition.end(), [&](const auto& node) {
            if (node.op != detect::ConditionNode::Op::leaf)
                return false;
            const std::vector<FieldId> fields = table.fields(node.predicate);
            return std::any_of(fields.begin(), fields.end(), [](FieldId field) {
                return field >= FieldId::process_stdio_peer_ip &&
                       field <= FieldId::process_stdio_type;
            });
        });
    };
    for (std::uint32_t i = 0; i < rules.rules().size(); ++i)
        for (const detect::Stage& stage : rules.rules()[i].program.stages)
            if (looks(stage.condition))
                found.insert(i);
    return found;
}

bool needs_trace_records(const std::vector<Demand>& demands) {
    return std::any_of(demands.begin(), demands.end(), [](const Demand& demand) {
        return demand.kind == EventKind::ptrace && !demand.by_connector;
    });
}

// "# " and words, broken at the width of the tree's other texts.
void append_comment(std::string& text, std::string_view words) {
    constexpr std::size_t kWidth = 100;
    std::size_t column = 0;
    while (!words.empty()) {
        const std::string_view word = words.substr(0, words.find(' '));
        words.remove_prefix(std::min(words.size(), word.size() + 1));
        if (column == 0 || column + 1 + word.size() > kWidth) {
            text += column == 0 ? "#" : "\n#";
            column = 1;
        }
        text += ' ';
        text += word;
        column += 1 + word.size();
    }
    text += '\n';
}

std::string names_of_rules(const std::vector<std::uint32_t>& needed, const detect::RuleSet& rules) {
    std::string names;
    for (const std::uint32_t rule : needed) {
        const detect::Rule& one = rules.rules()[rule].rule;
        names +=
            fmt::format("{}{}", names.empty() ? "" : "; ", one.name.empty() ? one.id : one.name);
    }
    return names;
}

}  // namespace

KernelNeeds kernel_needs(const detect::RuleSet& rules, const NeedsOptions& options) {
    const std::vector<Demand> demands = demands_of(rules);
    const LineOptions how{options.proc_connector, needs_trace_records(demands)};
    std::vector<Line> lines;
    add_exec_for_all(rules, demands, how, lines);
    for (const Demand& demand : demands)
        add_lines(demand, how, lines);
    add_all_files(demands, options.expensive, lines);
    if (const auto looking = rules_on_descriptors(rules); !looking.empty())
        add_descriptor_lines(looking, lines);
    KernelNeeds needs;
    for (const Line& line : joined(std::move(lines))) {
        NeededLine needed{line.text(),
                          line.heading,
                          {line.rules.begin(), line.rules.end()},
                          line.list == "io_uring"};
        (line.expensive && !options.expensive ? needs.expensive : needs.lines)
            .push_back(std::move(needed));
    }
    for (const Demand& demand : demands)
        if (demand.by_connector && !(demand.kind == EventKind::ptrace && how.trace_by_audit))
            needs.proc_events |= static_cast<std::uint32_t>(connector_message(demand.kind));
    return needs;
}

std::string audit_rules_text(const KernelNeeds& needs, const detect::RuleSet& rules) {
    std::string text;
    append_comment(text, fmt::format("Kernel audit rules for {} EQL rule{}, by 'audisp-eql "
                                     "audit-rules'. The program loads these lines itself, one by "
                                     "one, and removes them when it ends; by their keys, which "
                                     "begin with {}, it knows its own, and touches no others.",
                                     rules.rules().size(), rules.rules().size() == 1 ? "" : "s",
                                     kRuleKeyPrefix));
    append_comment(text,
                   "32-bit calls stand beside the 64-bit ones: any program may make them (int "
                   "0x80). Forks, ends and changes of ids come from the proc connector.");
    const auto append = [&](const std::vector<NeededLine>& lines, bool left_out) {
        const NeededLine* before = nullptr;
        for (const NeededLine& line : lines) {
            if (!before || before->heading != line.heading || before->rules != line.rules) {
                text += '\n';
                append_comment(text, line.heading);
                if (left_out)
                    append_comment(text, "Expensive, so only with expensive-audit-rules = on.");
                if (line.newer_auditctl)
                    append_comment(text,
                                   "The program loads this line where the kernel knows the list; "
                                   "auditctl before 3.1 does not know its name.");
                if (!line.rules.empty())
                    append_comment(text, "For: " + names_of_rules(line.rules, rules));
            }
            text += (left_out || line.newer_auditctl ? "#" : "") + line.text + '\n';
            before = &line;
        }
    };
    append(needs.lines, false);
    append(needs.expensive, true);
    return text;
}

}  // namespace audisp_eql::collector
