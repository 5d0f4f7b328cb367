// SPDX-License-Identifier: Apache-2.0
#include "collector/command/audit_cost_report.hpp"

#include <algorithm>
#include <numeric>
#include <ostream>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "collector/agent/rule_demand.hpp"
#include "collector/command/counted.hpp"
#include "detect/rule/rule_set.hpp"

namespace audisp_eql::collector {
namespace {

// Programs below this part of the whole are not worth an exclusion.
constexpr double kWorthNaming = 0.05;
constexpr std::size_t kMostPrograms = 5;

std::string rate(double bytes) {
    if (bytes >= 1e6)
        return fmt::format("{:.1f} MB/s", bytes / 1e6);
    if (bytes >= 1e3)
        return fmt::format("{:.1f} kB/s", bytes / 1e3);
    return fmt::format("{:.0f} B/s", bytes);
}

class CostReport {
  public:
    CostReport(const MeasuredRun& run, std::ostream& out) : run_(run), out_(out) {}

    void print() {
        print_lines();
        print_room();
        print_programs();
    }

  private:
    double per_second(std::uint64_t count) const {
        return static_cast<double>(count) / run_.seconds;
    }

    void print_lines() {
        const auto& costs = run_.costs.lines();
        std::vector<std::size_t> order(costs.size());
        std::iota(order.begin(), order.end(), 0U);
        std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
            return costs[a].bytes > costs[b].bytes;
        });
        out_ << " records/s      bytes/s  audit rule\n";
        std::size_t silent = 0;
        for (const std::size_t line : order) {
            if (costs[line].events == 0) {
                ++silent;
                continue;
            }
            out_ << fmt::format("{:>10.1f} {:>12}  {}\n", per_second(costs[line].records),
                                rate(per_second(costs[line].bytes)), run_.lines[line].text);
        }
        if (silent != 0)
            out_ << fmt::format(
                "{:>10} {:>12}  {}\n", 0, rate(0),
                fmt::format("{} that reported nothing in this time", counted(silent, "line")));
        out_ << fmt::format("{:>10.1f} {:>12}  all of these\n",
                            per_second(run_.costs.all().records),
                            rate(per_second(run_.costs.all().bytes)));
        out_ << fmt::format("{:>10.1f} {:>12}  what was reported beside\n\n",
                            per_second(run_.costs.others().records),
                            rate(per_second(run_.costs.others().bytes)));
    }

    void print_room() {
        const LogRoom& room = run_.room;
        if (room.bytes == 0) {
            out_ << fmt::format("auditd: {} says nothing of how much is kept\n\n", room.path);
            return;
        }
        const double before = per_second(run_.costs.others().bytes);
        const double after = before + per_second(run_.costs.all().bytes);
        if (room.rotates)
            out_ << fmt::format(
                "auditd keeps {} MB ({}). At this rate that reaches back {} with these lines, {} "
                "without.\n",
                room.bytes / 1024 / 1024, room.path, reach_text(room.bytes, after),
                reach_text(room.bytes, before));
        else
            out_ << fmt::format(
                "auditd does not rotate its files ({}): at this rate {:.0f} MB more a day.\n",
                room.path, per_second(run_.costs.all().bytes) * 86400 / 1e6);
        out_ << "Counted as log_format = RAW writes it; ENRICHED writes more.\n\n";
    }

    void print_programs() {
        std::vector<std::pair<std::string, AuditCosts::Program>> programs(
            run_.costs.programs().begin(), run_.costs.programs().end());
        std::stable_sort(programs.begin(), programs.end(), [](const auto& a, const auto& b) {
            return a.second.cost.bytes > b.second.cost.bytes;
        });
        std::size_t shown = 0;
        for (const auto& [executable, program] : programs) {
            const double part =
                static_cast<double>(program.cost.bytes) /
                static_cast<double>(std::max<std::uint64_t>(1, run_.costs.all().bytes));
            if (part < kWorthNaming || shown++ == kMostPrograms)
                break;
            print_program(executable, program, part);
        }
    }

    void print_program(const std::string& executable, const AuditCosts::Program& program,
                       double part) {
        out_ << fmt::format("{:>3.0f} % {} of it ", part * 100,
                            rate(per_second(program.cost.bytes)));
        if (!executable.starts_with('/') || executable.find(' ') != std::string::npos) {
            out_ << (executable.empty() ? "by programs that the records do not name\n"
                                        : fmt::format("by {}\n", executable));
            return;
        }
        out_ << fmt::format(
            "by {0}. In the host's own audit rules, before these:\n"
            "      -a never,exit -F exe={0}\n"
            "      takes it away, and makes blind to that program: {1}\n",
            executable, blinded(executable, program.lines));
    }

    // Rules that look at this program, and need a line that it set off.
    std::string blinded(const std::string& executable, const std::set<std::size_t>& lines) const {
        std::set<EventKind> kinds;
        for (std::size_t i = 0; i < kEventKinds; ++i)
            kinds.insert(static_cast<EventKind>(i));
        std::set<std::uint32_t> needing;
        for (const std::size_t line : lines)
            needing.insert(run_.lines[line].rules.begin(), run_.lines[line].rules.end());
        constexpr std::size_t kMostNames = 12;
        std::string names;
        std::size_t count = 0;
        for (const std::uint32_t rule : rules_on_program(run_.rules, executable, kinds))
            if (needing.contains(rule) && ++count <= kMostNames)
                names += fmt::format("{}{}", names.empty() ? "" : "; ",
                                     run_.rules.rules()[rule].rule.name);
        if (count > kMostNames)
            names += fmt::format("; and {} more", counted(count - kMostNames, "rule"));
        return names.empty() ? "no rule" : names;
    }

    const MeasuredRun& run_;
    std::ostream& out_;
};

}  // namespace

void print_costs(const MeasuredRun& run, std::ostream& out) {
    CostReport(run, out).print();
}

}  // namespace audisp_eql::collector
