// SPDX-License-Identifier: Apache-2.0
// What is left of a condition once some of its tests are known.
#include "detect/engine/dispatch.hpp"

#include <string>

#include <boost/test/unit_test.hpp>

namespace {

using namespace audisp_eql::detect;
using Op = ConditionNode::Op;

// "&(a|(bc)!d)": & and | with operands in parentheses, ! with one, a letter is a test, 1 and 0
// always and never.
std::size_t parse(const std::string& text, std::size_t at, Condition& out) {
    const std::size_t node = out.size();
    const char c = text[at];
    if (c == '&' || c == '|') {
        out.push_back({c == '&' ? Op::logical_and : Op::logical_or, {}, 1});
        at += 2;
        while (text[at] != ')')
            at = parse(text, at, out);
        ++at;
    } else if (c == '!') {
        out.push_back({Op::logical_not, {}, 1});
        at = parse(text, at + 1, out);
    } else {
        const Op op = c == '1' ? Op::always : c == '0' ? Op::never : Op::leaf;
        out.push_back({op, static_cast<PredicateId>(c), 1});
        ++at;
    }
    out[node].span = static_cast<std::uint32_t>(out.size() - node);
    return at;
}

std::string print(const ConditionNode* node) {
    const auto operands = [&] {
        std::string all;
        for (const ConditionNode* child = node + 1; child < node + node->span; child += child->span)
            all += print(child);
        return all;
    };
    switch (node->op) {
        case Op::always:
            return "1";
        case Op::never:
            return "0";
        case Op::leaf:
            return std::string(1, static_cast<char>(node->predicate));
        case Op::logical_not:
            return '!' + operands();
        case Op::logical_and:
            return "&(" + operands() + ')';
        case Op::logical_or:
            return "|(" + operands() + ')';
    }
    return {};
}

// Upper-case letters are known: T and U hold, F and G do not.
Truth known(PredicateId id) {
    const char c = static_cast<char>(id);
    return c == 'T' || c == 'U' ? Truth::yes : c == 'F' || c == 'G' ? Truth::no : Truth::unknown;
}

std::string simplified(const std::string& text) {
    Condition condition, left;
    parse(text, 0, condition);
    const Truth truth = simplify(condition.data(), known, left);
    if (truth != Truth::unknown)
        return left.empty() ? (truth == Truth::yes ? "yes" : "no") : "rests left";
    return left.front().span == left.size() ? print(left.data()) : "wrong span";
}

struct Row {
    const char* condition;
    const char* left;
};

BOOST_AUTO_TEST_SUITE(engine)

BOOST_AUTO_TEST_CASE(known_tests_are_taken_out_of_a_condition) {
    const Row rows[] = {
        {"a", "a"},
        {"T", "yes"},
        {"F", "no"},
        {"1", "yes"},
        {"0", "no"},
        {"!T", "no"},
        {"!F", "yes"},
        {"!a", "!a"},
        {"!!a", "!!a"},
        {"&(Ta)", "a"},
        {"&(aT)", "a"},
        {"&(Fa)", "no"},
        {"&(aF)", "no"},
        {"&(TU)", "yes"},
        {"&(abT)", "&(ab)"},
        {"|(Ta)", "yes"},
        {"|(aFb)", "|(ab)"},
        {"|(FG)", "no"},
        {"|(Fa)", "a"},
        {"&(T|(F&(aT))b)", "&(ab)"},
        {"&(a!|(bF)c)", "&(a!bc)"},
        {"&(a!&(bF)c)", "&(ac)"},
        {"|(&(aF)&(bT)!T)", "b"},
        {"&(|(ab)|(cT))", "|(ab)"},
        {"!&(T|(aF)b)", "!&(ab)"},
    };
    for (const Row& row : rows) {
        BOOST_TEST_CONTEXT(row.condition) {
            BOOST_TEST(simplified(row.condition) == row.left);
        }
    }
}

// Every condition over a, b (unknown) and T, F: what is left means the same.
BOOST_AUTO_TEST_CASE(what_is_left_means_the_same) {
    const std::string leaves = "abTF";
    std::vector<std::string> conditions;
    for (const char x : leaves)
        for (const char y : leaves)
            for (const char z : leaves)
                for (const char* shape : {"&(x|(yz))", "|(x&(yz))", "!&(x!|(yz))", "&(!x|(y!z))"}) {
                    std::string text;
                    for (const char* c = shape; *c; ++c)
                        text += *c == 'x' ? x : *c == 'y' ? y : *c == 'z' ? z : *c;
                    conditions.push_back(text);
                }
    for (const std::string& text : conditions) {
        Condition condition, left;
        parse(text, 0, condition);
        const Truth truth = simplify(condition.data(), known, left);
        for (int values = 0; values < 4; ++values) {
            const auto leaf = [&](PredicateId id) {
                const char c = static_cast<char>(id);
                return c == 'a' ? (values & 1) != 0 : c == 'b' ? (values & 2) != 0 : c == 'T';
            };
            const bool whole = holds(condition, leaf);
            const bool rest = truth == Truth::unknown ? holds(left, leaf) : truth == Truth::yes;
            BOOST_TEST_CONTEXT(text << " with " << values) {
                BOOST_TEST(whole == rest);
            }
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
