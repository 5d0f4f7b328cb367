// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/audit_lines.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <tuple>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <libaudit.h>

#include "collector/feed/audit_rules.hpp"

namespace audisp_eql::collector {

namespace {

struct WordSize {
    std::string_view arch;
    int machine;
};

// This machine's own calls, and those of 32-bit programs: any program may make them (int 0x80).
std::vector<WordSize> word_sizes() {
    const int machine = ::audit_detect_machine();
    switch (machine) {
        case MACH_86_64:
            return {{"b64", MACH_86_64}, {"b32", MACH_X86}};
        case MACH_AARCH64:
            return {{"b64", MACH_AARCH64}, {"b32", MACH_ARM}};
        default:
            return {{__SIZEOF_POINTER__ == 8 ? "b64" : "b32", machine}};
    }
}

const Syscall* row_of(std::string_view name) {
    for (const Syscall& call : syscalls())
        if (call.name == name)
            return &call;
    return nullptr;
}

// As -S takes it; empty: there is no such call on this machine. A number, where libaudit is older
// than the call.
std::string call_text(std::string_view name, int machine) {
    if (::audit_name_to_syscall(std::string(name).c_str(), machine) >= 0)
        return std::string(name);
    const Syscall* const row = row_of(name);
    return row && row->common_number >= 0 ? std::to_string(row->common_number) : std::string{};
}

std::string replaced(std::string text, std::string_view word, std::string_view by) {
    for (std::size_t at = 0; (at = text.find(word, at)) != std::string::npos; at += by.size())
        text.replace(at, word.size(), by);
    return text;
}

std::vector<std::string_view> alternatives_of(const Way& way, bool any_family) {
    std::vector<std::string_view> tests;
    for (const std::string_view test : way.tests)
        if (!test.empty() && !(any_family && test.starts_with("saddr_fam")))
            tests.push_back(test);
    if (tests.empty())
        tests.emplace_back();
    return tests;
}

// Calls of one way by the test that their arguments need.
std::map<std::string, std::set<std::string>> by_test(const Way& way, std::string_view test,
                                                     const std::set<std::string_view>& calls,
                                                     int machine) {
    std::map<std::string, std::set<std::string>> groups;
    for (const std::string_view name : calls) {
        const std::string text = call_text(name, machine);
        const Syscall* const row = row_of(name);
        if (text.empty() || !row)
            continue;
        std::string tests(test);
        if (way.flag_bits != 0 && row->flags != Syscall::kNone)
            tests = fmt::format("a{}&{:#x}{}{}", row->flags, way.flag_bits,
                                tests.empty() ? "" : " ", tests);
        tests = replaced(tests, "SIGNAL", fmt::format("a{}", row->value));
        groups[tests].insert(text);
    }
    return groups;
}

class LineMaker {
  public:
    LineMaker(const Demand& demand, std::vector<Line>& lines) : demand_(demand), lines_(lines) {}

    void add(const Way& way, std::size_t order) {
        Line line;
        line.order = order;
        line.heading = way.heading;
        line.key = way.key;
        line.expensive = way.use == Way::Use::expensive;
        line.rules = {demand_.rule};
        if (way.ring_list) {
            line.list = "io_uring";
            line.calls = {"connect"};
            line.optional = true;
            lines_.push_back(line);
            return;
        }
        std::set<std::string_view> calls = calls_that_do(way.operation);
        if (way.use != Way::Use::door)
            std::erase_if(calls, [&](std::string_view name) {
                return std::find(demand_.calls.begin(), demand_.calls.end(), name) ==
                       demand_.calls.end();
            });
        if (calls.empty())
            return;
        const bool any_family = way.kind == EventKind::bind && demand_.any_family;
        for (const std::string_view test : alternatives_of(way, any_family))
            for (const auto& [arch, machine] : word_sizes()) {
                line.arch = arch;
                for (auto& [tests, names] : by_test(way, test, calls, machine)) {
                    line.tests = tests;
                    line.calls = names;
                    lines_.push_back(line);
                }
                if (machine == MACH_X86)
                    add_socketcalls(way, test, line);
            }
    }

  private:
    void add_socketcalls(const Way& way, std::string_view test, Line line) {
        for (const std::uint8_t number : way.socketcalls) {
            if (number == 0)
                continue;
            line.calls = {"socketcall"};
            line.tests = fmt::format("a0={}{}{}", number, test.empty() ? "" : " ", test);
            lines_.push_back(line);
        }
    }
    const Demand& demand_;
    std::vector<Line>& lines_;
};

// Behind the lines of the table.
constexpr std::size_t kOrderOfOthers = 1000, kOrderOfFiles = 2000, kOrderOfDescriptors = 100'000;

void add_other_calls(const Demand& demand, std::vector<Line>& lines) {
    Line line;
    line.order = kOrderOfOthers;
    line.heading = "Calls that rules name.";
    line.key = "call";
    line.rules = {demand.rule};
    std::vector<std::string> tests = demand.arguments;
    if (tests.empty())
        tests.emplace_back();
    for (const auto& [arch, machine] : word_sizes())
        for (const std::string& test : tests)
            for (const bool busy : {false, true}) {
                line.arch = arch;
                line.tests = test;
                line.calls.clear();
                for (const std::string_view name : demand.calls)
                    if (const std::string text = call_text(name, machine);
                        !text.empty() && is_busy_call(name) == busy)
                        line.calls.insert(text);
                line.expensive = busy && test.empty();
                if (!line.calls.empty())
                    lines.push_back(line);
            }
}

// When a watched name goes, the kernel looks at its rules at once and not at the end of the call
// (audit_update_watch() in kernel/audit_watch.c): whether it succeeds is not known then, and a rule
// that asks for that does not match.
bool loses_name(std::string_view name) {
    const Syscall* const row = row_of(name);
    return row && (row->operation == Operation::rename || row->operation == Operation::remove);
}

const Way* way_of_file(EventKind kind, Operation operation) {
    for (const Way& way : ways())
        if (way.kind == kind && way.operation == operation)
            return &way;
    return nullptr;
}

}  // namespace

std::vector<std::string> lines_of_writers(const std::set<std::string>& places) {
    // What is opened to be written, and what gives a name or takes one. Not only what succeeded:
    // see loses_name().
    constexpr std::array<std::string_view, 14> kCalls{
        "creat",    "link",      "linkat",  "open",      "openat",   "openat2", "rename",
        "renameat", "renameat2", "symlink", "symlinkat", "truncate", "unlink",  "unlinkat"};
    std::vector<std::string> lines;
    for (const auto& [arch, machine] : word_sizes()) {
        std::set<std::string> calls;
        for (const std::string_view name : kCalls)
            if (std::string call = call_text(name, machine); !call.empty())
                calls.insert(std::move(call));
        for (const std::string& place : places)
            lines.push_back(fmt::format("-a always,exit -F arch={} -S {} -F {} -F perm=w -k {}",
                                        arch, fmt::join(calls, ","), place, kOwnFilesKey));
    }
    return lines;
}

std::string Line::text() const {
    std::string text = fmt::format("-a always,{}", list);
    if (!arch.empty())
        text += fmt::format(" -F arch={}", arch);
    if (!calls.empty())
        text += fmt::format(" -S {}", fmt::join(calls, ","));
    for (std::string_view rest = tests; !rest.empty();) {
        const std::string_view test = rest.substr(0, rest.find(' '));
        rest.remove_prefix(std::min(rest.size(), test.size() + 1));
        text += fmt::format(" -F {}", test);
    }
    if (!place.empty())
        text += fmt::format(" -F {}", place);
    return text + fmt::format(" -k {}-{}", kRuleKeyPrefix, key);
}

std::string Line::what() const {
    std::string text = fmt::format("{}", fmt::join(calls, ", "));
    if (!tests.empty())
        text += fmt::format(" ({})", tests);
    if (!place.empty())
        text += fmt::format(" in {}", place.substr(place.find('=') + 1));
    if (list != "exit")
        text += " by a ring's kernel thread";
    else if (arch == "b32" && __SIZEOF_POINTER__ == 8)
        text += " of 32-bit programs";
    return text;
}

void add_lines(const Demand& demand, const LineOptions& options, std::vector<Line>& lines) {
    if (demand.kind == EventKind::other_syscall) {
        add_other_calls(demand, lines);
        return;
    }
    if (demand.calls.empty() || is_of_file(demand.kind))
        return;
    const bool told = options.proc_connector && demand.by_connector &&
                      !(demand.kind == EventKind::ptrace && options.trace_by_audit);
    LineMaker maker(demand, lines);
    for (std::size_t i = 0; i < ways().size(); ++i) {
        const Way& way = ways()[i];
        if (way.kind == demand.kind && !(way.use == Way::Use::without_connector && told))
            maker.add(way, i);
    }
}

void add_file_lines(const FileWish& wish, const Place* place, std::vector<Line>& lines) {
    // What opens must have among their flags; 0: any open.
    std::map<std::string_view, std::uint64_t> opens;
    std::set<std::string_view> others;
    for (const auto& [kind, calls] : wish.calls)
        for (const std::string_view name : calls) {
            const Syscall* const row = row_of(name);
            const Way* const way = row ? way_of_file(kind, row->operation) : nullptr;
            if (!way)
                continue;
            if (row->operation != Operation::open) {
                others.insert(name);
                continue;
            }
            // Flags behind a pointer, or given by the call's name, can't be tested.
            const std::uint64_t bits = row->flags == Syscall::kNone ? 0 : way->flag_bits;
            const auto [known, is_new] = opens.try_emplace(name, bits);
            if (!is_new)
                known->second = bits == 0 || known->second == 0 ? 0 : known->second | bits;
        }
    Line line;
    line.order = kOrderOfFiles;
    line.heading = place ? fmt::format("Files: {}{}", place->path, place->tree ? "/*" : "")
                         : std::string("Files, wherever they are.");
    line.key = "file";
    if (place)
        line.place = fmt::format("{}={}", place->tree ? "dir" : "path", place->path);
    line.rules = wish.rules;
    for (const auto& [arch, machine] : word_sizes()) {
        line.arch = arch;
        std::map<std::pair<bool, std::string>, std::set<std::string>> groups;
        for (const auto& [name, bits] : opens) {
            const Syscall* const row = row_of(name);
            std::string test =
                bits == 0 ? "success=1" : fmt::format("a{}&{:#x} success=1", row->flags, bits);
            groups[{!place, std::move(test)}].insert(call_text(name, machine));
        }
        for (const std::string_view name : others)
            groups[{false, loses_name(name) && place && !place->tree ? "" : "success=1"}].insert(
                call_text(name, machine));
        for (auto& [group, calls] : groups) {
            calls.erase("");
            if (calls.empty())
                continue;
            line.expensive = group.first;
            line.tests = group.second;
            line.calls = calls;
            lines.push_back(line);
        }
    }
}

void add_descriptor_lines(const std::set<std::uint32_t>& rules, std::vector<Line>& lines) {
    struct Row {
        std::string_view calls[2];
        std::string_view tests;
    };
    // IPv4 and IPv6 sockets; copies onto the descriptors 0, 1 and 2.
    constexpr Row kRows[] = {{{"socket", ""}, "a0=2 success=1"},
                             {{"socket", ""}, "a0=10 success=1"},
                             {{"dup2", "dup3"}, "a1<=2 success=1"},
                             {{"dup", ""}, "exit<=2 success=1"}};
    Line line;
    line.order = kOrderOfDescriptors;
    line.heading = "What stands on standard descriptors, of programs too quick for /proc.";
    line.key = "stdio";
    line.rules = rules;
    line.expensive = true;
    line.optional = true;
    for (const auto& [arch, machine] : word_sizes())
        for (const Row& row : kRows) {
            line.arch = arch;
            line.tests = row.tests;
            line.calls.clear();
            for (const std::string_view name : row.calls)
                if (const std::string text = name.empty() ? "" : call_text(name, machine);
                    !text.empty())
                    line.calls.insert(text);
            if (!line.calls.empty())
                lines.push_back(line);
        }
}

std::vector<Line> joined(std::vector<Line> lines) {
    std::vector<Line> result;
    std::map<std::tuple<std::size_t, std::string, std::string, std::string, std::string, bool>,
             std::size_t>
        places;
    for (Line& line : lines) {
        const auto [known, is_new] = places.try_emplace(
            {line.order, line.list, line.arch, line.place, line.tests, line.expensive},
            result.size());
        if (is_new) {
            result.push_back(std::move(line));
            continue;
        }
        Line& first = result[known->second];
        first.calls.merge(line.calls);
        first.rules.merge(line.rules);
    }
    std::stable_sort(result.begin(), result.end(),
                     [](const Line& a, const Line& b) { return a.order < b.order; });
    return result;
}

}  // namespace audisp_eql::collector
