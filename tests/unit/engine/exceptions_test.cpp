// SPDX-License-Identifier: Apache-2.0
// An excepted event is invisible to its rule before anything is matched.
#include <string>

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include "tests/unit/engine/support.hpp"

namespace audisp_eql::detect {
namespace {

using namespace test;

constexpr std::string_view kTwo =
    "sequence by k with maxspan=10s [any where t == \"a\"] "
    "[any where t == \"b\"]";
// Excepts what has x == "1".
constexpr std::string_view kX = "entries = [{field='x', op='is', value='1'}]";

// Events as "t" or "t!": with x == "1"; one second apart, named by their number.
struct Case {
    std::string_view name, query, exception, events, found;
    std::uint64_t suppressed;
};
std::ostream& operator<<(std::ostream& out, const Case& row) {
    return out << row.name;
}

const Case kCases[] = {
    {"no event is excepted", kTwo, kX, "a b", "1,2", 0},
    {"the first stage", kTwo, kX, "a! b", "", 1},
    {"the second stage", kTwo, kX, "a b!", "", 1},
    {"another event takes the place of an excepted one", kTwo, kX, "a b! b", "1,3", 1},
    {"an excepted event does not displace an older one", kTwo, kX, "a a! b", "1,3", 1},
    {"an event that no stage asks for is not counted", kTwo, kX, "a c! b", "1,3", 0},
    {"an event query", "any where t == \"a\"", kX, "a a! b!", "1", 1},
    {"until",
     "sequence by k with maxspan=10s [any where t == \"a\"] [any where t == \"b\"] "
     "until [any where t == \"u\"]",
     kX, "a u! b", "1,3", 1},
    {"until that is not excepted",
     "sequence by k with maxspan=10s [any where t == \"a\"] "
     "[any where t == \"b\"] until [any where t == \"u\"]",
     kX, "a u b", "", 0},
    {"a missing event in the middle",
     "sequence by k with maxspan=10s [any where t == \"a\"] ![any where t == \"m\"] "
     "[any where t == \"b\"]",
     kX, "a m! b", "1,-,3", 1},
    {"a missing event at the end",
     "sequence by k with maxspan=10s [any where t == \"a\"] ![any where t == \"m\"]", kX, "a m!",
     "1,-", 1},
    {"a missing event at the beginning",
     "sequence by k with maxspan=10s ![any where t == \"m\"] [any where t == \"a\"] "
     "[any where t == \"b\"]",
     kX, "m! a b", "-,2,3", 1},
    {"runs", "sequence by k with maxspan=10s [any where t == \"a\"] with runs=2", kX, "a a! a",
     "1,3", 1},
    {"a stage that looks at an earlier event",
     "sequence by k with maxspan=10s [any where t == \"a\"] as one "
     "[any where t == \"b\" and one.t == \"a\"]",
     kX, "a b! b", "1,3", 1},
    {"a sample", "sample by k [any where t == \"a\"] [any where t == \"b\"]", kX, "a! b a", "3,2",
     1},
    {"all entries must hold", kTwo,
     "entries = [{field='x', op='is', value='1'}, {field='t', op='is', value='a'}]", "a b!", "1,2",
     0},
    {"entries and query must hold", kTwo,
     "entries = [{field='x', op='is', value='1'}]\n"
     "query = 'any where t == \"b\"'",
     "a! b", "1,2", 0},
    {"a query alone", kTwo, "query = 'any where x == \"1\" and t == \"b\"'", "a! b! b", "1,3", 1},
    {"a query's category counts", kTwo, "query = 'file where x == \"1\"'", "a! b!", "1,2", 0},
    {"two exceptions: one is enough", "any where t in (\"a\", \"b\")",
     "entries = [{field='t', op='is', value='b'}]\n[[exception]]\nid = 'second'\n"
     "entries = [{field='x', op='is', value='1'}]",
     "a b a! b! a", "1|5", 3},
    {"is_not: also of a missing field", "any where true",
     "entries = [{field='x', op='is_not', value='1'}]", "a b!", "2", 1},
    {"one_of", "any where true", "entries = [{field='t', op='one_of', value=['a', 'b']}]", "a b c",
     "3", 2},
    {"wildcard", "any where true", "entries = [{field='t', op='wildcard', value=['a*', '?c']}]",
     "a ab bc B", "4", 3},
    {"wildcard heeds case", "any where true", "entries = [{field='t', op='wildcard', value='A*'}]",
     "a", "1", 0},
    {"exists", "any where true", "entries = [{field='x', op='exists'}]", "a b!", "1", 1},
    {"cidr", "any where true", "entries = [{field='t', op='cidr', value=['10.0.0.0/8', '::1']}]",
     "10.1.2.3 11.1.1.1 ::1", "2", 2},
    {"another rule's exception", kTwo,
     "rule = 'other'\nentries = [{field='x', op='is', value='1'}]", "a! b!", "1,2", 0},
    {"this rule's exception", kTwo, "rule = ['other', 'r']\nquery = 'any where x == \"1\"'",
     "a! b!", "", 1},
};

std::shared_ptr<const RuleSet> rules_with(std::string_view query, std::string_view exception) {
    RuleSet::Options options;
    options.exceptions = {{"x.toml", "[[exception]]\nid = 'x'\n" + std::string(exception) + "\n"}};
    std::vector<RuleReport> reports;
    std::vector<ExceptionReport> excepted;
    auto rules = RuleSet::build({rule_source("r.toml", "r", query)}, options, reports, &excepted);
    for (const Diagnostic& one : reports.front().diagnostics)
        BOOST_TEST_MESSAGE(one.message);
    BOOST_REQUIRE(rules->rules().size() == 1U);
    BOOST_REQUIRE(!has_errors(excepted.front().diagnostics));
    return rules;
}

std::uint64_t suppressed(const Engine& engine) {
    std::uint64_t sum = 0;
    for (const SuppressedEvents& one : engine.counters().suppressed)
        sum += one.count;
    return sum;
}

std::string joined(const Lines& lines) {
    std::string all;
    for (const std::string& line : lines)
        all += (all.empty() ? "" : "|") + line.substr(line.find(' ') + 1);
    return all;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(engine)

BOOST_DATA_TEST_CASE(excepted_events_are_invisible, boost::unit_test::data::make(kCases), row) {
    Run run(rules_with(row.query, row.exception));
    std::string_view rest = row.events;
    for (int number = 1; !rest.empty(); ++number) {
        const std::size_t end = std::min(rest.find(' '), rest.size());
        std::string_view type = rest.substr(0, end);
        const bool marked = type.ends_with('!');
        type.remove_suffix(marked ? 1 : 0);
        run.feed(std::to_string(number), number * 1000,
                 "\"k\":\"k\",\"t\":\"" + std::string(type) + (marked ? "\",\"x\":\"1\"" : "\""));
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    run.engine.finish(run.found);
    BOOST_TEST(joined(run.found.take()) == row.found);
    BOOST_TEST(suppressed(run.engine) == row.suppressed);
}

// By the events' own time, so that an old log gives what it gave then.
BOOST_AUTO_TEST_CASE(an_exception_expires_with_its_last_day) {
    Run run(rules_with("any where true", "expires = 1970-01-02\n" + std::string(kX)));
    constexpr std::int64_t kDayMs = 86'400'000;
    run.feed("last", 2 * kDayMs - 1, R"("x":"1")");
    run.feed("after", 2 * kDayMs, R"("x":"1")");
    BOOST_TEST(joined(run.found.take()) == "after");
    BOOST_TEST(suppressed(run.engine) == 1U);
}

BOOST_AUTO_TEST_CASE(suppressions_are_counted_by_exception) {
    Run run(rules_with("any where true",
                       "entries = [{field='x', op='is', value='1'}]\n[[exception]]\nid = 'y'\n"
                       "entries = [{field='t', op='exists'}]"));
    run.feed("1", 0, R"("x":"1","t":"a")");
    run.feed("2", 1, R"("t":"a")");
    run.feed("3", 2, R"("t":"b")");
    const std::vector<SuppressedEvents>& counts = run.engine.counters().suppressed;
    BOOST_REQUIRE(counts.size() == 2U);
    BOOST_TEST(counts[0].exception == "x");
    BOOST_TEST(counts[0].count == 1U);
    BOOST_TEST(counts[1].exception == "y");
    BOOST_TEST(counts[1].count == 2U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace audisp_eql::detect
