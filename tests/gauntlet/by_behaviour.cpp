// SPDX-License-Identifier: Apache-2.0
// by_behaviour RULE...: no rule that alerts lives by program names alone.
//
// Definition, on the syntax tree. A test is a name test if it compares a field that says which
// program a process runs (name, executable, args, command line, title; of the process, its parent,
// leaders or previous image) with a text that names a program or what it is called with. Texts that
// do not: options ("-i"), directories (patterns whose last component is "*": "/tmp/*") and texts
// without a letter or digit (a line end), since they say how and where from, whatever the program.
// Take every name test for false (its negation for true) and every other test for what is wanted,
// true or false. Then each event that the query needs must still be possible. Where it is not, the
// rule can match only through names, and renaming the program goes past it. The seeds are exempt:
// they are as they were given.
#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <string_view>

#include "detect/rule/rule.hpp"

namespace {

using namespace audisp_eql::detect;

constexpr std::array<std::string_view, 2> kSeeds{"fa3a59dc-33c3-43bf-80a9-e8437a922c7f",
                                                 "4b1a807a-4e7b-414e-8cea-24bf580f6fc5"};

bool names_program(const Expr& field) {
    if (field.kind != ExprKind::field || !field.name.starts_with("process."))
        return false;
    const std::string_view last =
        std::string_view(field.name).substr(field.name.find_last_of('.') + 1);
    return last == "name" || last == "executable" || last == "args" || last == "command_line" ||
           last == "title";
}

bool is_program(const Expr& constant) {
    if (constant.kind != ExprKind::literal || constant.literal.kind != LiteralKind::text)
        return false;
    const std::string_view text = constant.literal.text;
    if (text.starts_with('-') || std::none_of(text.begin(), text.end(), [](char c) {
            return std::isalnum(static_cast<unsigned char>(c)) != 0;
        }))
        return false;
    const std::string_view last = text.substr(text.find_last_of('/') + 1);
    return !(text.find('/') != std::string_view::npos && last == "*");
}

// A list that also holds something else than programs may match without them.
bool is_name_test(const Expr& test) {
    bool field = false, program = false, other = false;
    for (const ExprPtr& operand : test.operands) {
        // startswith(process.name, "x") == true, length(process.name) > 3
        const bool inner = operand->kind == ExprKind::call && is_name_test(*operand);
        field |= inner || names_program(*operand);
        program |= inner || is_program(*operand);
        other |= operand->kind == ExprKind::literal && operand->literal.kind == LiteralKind::text &&
                 !is_program(*operand);
    }
    return field && program && !other;
}

struct Possible {
    bool truth = true, falsehood = true;
};

Possible possible(const Expr& expr);

Possible possible_together(const Expr& expr, bool all) {
    Possible result{all, !all};
    for (const ExprPtr& operand : expr.operands) {
        const Possible part = possible(*operand);
        if (all) {
            result.truth = result.truth && part.truth;
            result.falsehood = result.falsehood || part.falsehood;
        } else {
            result.truth = result.truth || part.truth;
            result.falsehood = result.falsehood && part.falsehood;
        }
    }
    return result;
}

Possible possible(const Expr& expr) {
    switch (expr.kind) {
        case ExprKind::logical_and:
            return possible_together(expr, true);
        case ExprKind::logical_or:
            return possible_together(expr, false);
        case ExprKind::logical_not: {
            const Possible inner = possible(*expr.operands[0]);
            return {inner.falsehood, inner.truth};
        }
        case ExprKind::of_query:
            return {possible(*expr.subquery->where).truth, true};
        case ExprKind::compare:
            if (is_name_test(expr) && expr.compare == CompareOp::not_equal)
                return {true, false};
            [[fallthrough]];
        default:
            return is_name_test(expr) ? Possible{false, true} : Possible{};
    }
}

bool lives_by_names(const Query& query) {
    const auto impossible = [](const EventQuery& event) { return !possible(*event.where).truth; };
    if (query.kind == QueryKind::event)
        return impossible(query.event);
    for (const SequenceItem& item : query.items)
        if (!item.missing && impossible(item.query))
            return true;
    return false;
}

// The definition itself, on queries whose answer is plain.
bool holds_itself() {
    struct Case {
        bool by_names;
        const char* query;
    };
    constexpr std::array kCases{
        Case{true, R"(process where process.name == "nc")"},
        Case{true, R"(process where process.name in ("sh", "bash") and process.args_count == 1)"},
        Case{true, R"(process where process.executable : "/usr/bin/nc*" or process.args == "sh")"},
        Case{true, R"(process where not process.name != "nc")"},
        Case{true, R"(process where startsWith(process.name, "py"))"},
        Case{true,
             R"(sequence by host.id [network where true] [process where process.name == "sh"])"},
        Case{false, R"(process where process.name == "nc" or process.interactive == true)"},
        Case{false, R"(process where not process.name == "sshd" and process.args_count == 1)"},
        Case{false, R"(process where process.executable : "/tmp/*")"},
        Case{false, R"(process where process.args == "-i")"},
        Case{
            false,
            R"(sequence by host.id with maxspan=1s [process where true] ![process where process.name == "sh"] [network where true])"},
    };
    bool holds = true;
    for (const Case& each : kCases) {
        std::string file = "[rule]\nname = \"x\"\ntype = \"eql\"\nlanguage = \"eql\"\nquery = '''";
        const RuleFile loaded = load_rule("x", file + each.query + "'''\n");
        if (loaded.query && lives_by_names(*loaded.query) == each.by_names)
            continue;
        std::cerr << (loaded.query ? "wrong answer for: " : "not parsed: ") << each.query << '\n';
        holds = false;
    }
    return holds;
}

}  // namespace

int main(int argc, char** argv) {
    bool fine = holds_itself();
    int checked = 0;
    for (int i = 1; i < argc; ++i) {
        std::ifstream in(argv[i]);
        const std::string text{std::istreambuf_iterator<char>(in), {}};
        const RuleFile file = load_rule(argv[i], text);
        if (!file.rule || !file.query) {
            std::cerr << argv[i] << ": cannot be read as a rule\n";
            fine = false;
            continue;
        }
        const Rule& rule = *file.rule;
        const bool seed = rule.id == kSeeds[0] || rule.id == kSeeds[1];
        if (seed || rule.building_block || rule.severity < RuleSeverity::medium)
            continue;
        ++checked;
        if (lives_by_names(*file.query)) {
            std::cerr << argv[i] << ": can match only through program names\n";
            fine = false;
        }
    }
    std::cout << checked << " rules checked\n";
    return fine && checked > 0 ? 0 : 1;
}
