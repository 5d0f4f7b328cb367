// SPDX-License-Identifier: Apache-2.0
// What the parser makes of a query: a table of {eql, tree}. What it says to a wrong one stands in
// parser_errors_test.cpp.
#include "detect/eql/parser.hpp"

#include <string>
#include <string_view>

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include "detect/eql/dump.hpp"

namespace audisp_eql::detect {
namespace {

struct Case {
    std::string_view eql;
    std::string_view tree;
};

std::ostream& operator<<(std::ostream& out, const Case& row) {
    return out << row.eql;
}

void check_query(const Case& row) {
    Diagnostics diagnostics;
    const std::optional<Query> query = parse_query(row.eql, diagnostics);
    for (const Diagnostic& diagnostic : diagnostics) {
        BOOST_TEST_MESSAGE(render(diagnostic, "query", row.eql));
    }
    BOOST_TEST(diagnostics.empty());
    BOOST_REQUIRE(query.has_value());
    BOOST_TEST(dump(*query) == row.tree);
}

// ---- event queries, sequences, samples, pipes
const Case kQueries[] = {
    {R"q(any where true)q", R"q((event any true))q"},
    {R"q(process where process.name == "sh")q", R"q((event process (== process.name "sh")))q"},
    {R"q("odd category" where true)q", R"q((event `odd category` true))q"},
    {R"q("""raw""" where true)q", R"q((event raw true))q"},
    // words that are keywords only in their place
    {R"q(runs where head == tail and as == child and event == descendant and fork == 1)q",
     R"q((event runs (and (== head tail) (== as child) (== event descendant) (== fork 1))))q"},
    {R"q(process where true | head 10 | tail 1)q",
     R"q((event process true) (pipe head 10) (pipe tail 1))q"},
    {R"q(process where true | count)q", R"q((event process true) (pipe count))q"},
    {R"q(process where true | unique process.name, user.id | filter x == 1)q",
     R"q((event process true) (pipe unique process.name user.id) (pipe filter (== x 1)))q"},
    {R"q(sequence [any where true])q", R"q((sequence (item (event any true))))q"},
    {R"q(sequence [any where true] with runs=5)q",
     R"q((sequence (item (event any true) (runs 5))))q"},
    {R"q(sequence [any where true] with runs = 100 [any where true] with runs=1)q",
     R"q((sequence (item (event any true) (runs 100)) (item (event any true))))q"},
    {R"q(sequence by host.id, ?user.id with maxspan=1m [process where a == 1] by x [any where true] by y)q",
     R"q((sequence (by host.id ?user.id) (maxspan 60000000000) (item (event process (== a 1)) (by x)) (item (event any true) (by y))))q"},
    {R"q(sequence with maxspan=1s [any where true] by a, ?b with runs=2 as e0 [any where true] by c, d as e1 until [any where false] by e, f)q",
     R"q((sequence (maxspan 1000000000) (item (event any true) (by a ?b) (runs 2) (as e0)) (item (event any true) (by c d) (as e1)) (until (event any false) (by e f))))q"},
    {R"q(sequence by a with maxspan=1h ![any where b == 1] [any where true] ![any where c == 1])q",
     R"q((sequence (by a) (maxspan 3600000000000) (missing (event any (== b 1))) (item (event any true)) (missing (event any (== c 1)))))q"},
    {R"q(sequence by a [file where true] as event0 [process where process.executable == event0.file.path])q",
     R"q((sequence (by a) (item (event file true) (as event0)) (item (event process (== process.executable event0.file.path)))))q"},
    {R"q(sequence by length(a), b + 1 [any where true] [any where true])q",
     R"q((sequence (by (call length a) (+ b 1)) (item (event any true)) (item (event any true))))q"},
    {R"q(sequence [any where true] [any where true] | tail 1)q",
     R"q((sequence (item (event any true)) (item (event any true))) (pipe tail 1))q"},
    {R"q(sample by host.id [any where a == 1] [any where b == 1])q",
     R"q((sample (by host.id) (item (event any (== a 1))) (item (event any (== b 1)))))q"},
    {R"q(sample by host.id [any where a == 1] by x [any where b == 1] by y)q",
     R"q((sample (by host.id) (item (event any (== a 1)) (by x)) (item (event any (== b 1)) (by y))))q"},
    {R"q(sample [any where a == 1] by x [any where b == 1] by y | head 1)q",
     R"q((sample (item (event any (== a 1)) (by x)) (item (event any (== b 1)) (by y))) (pipe head 1))q"},
    // time spans
    {R"q(sequence with maxspan=7nanos [any where true])q",
     R"q((sequence (maxspan 7) (item (event any true))))q"},
    {R"q(sequence with maxspan=7micros [any where true])q",
     R"q((sequence (maxspan 7000) (item (event any true))))q"},
    {R"q(sequence with maxspan=7ms [any where true])q",
     R"q((sequence (maxspan 7000000) (item (event any true))))q"},
    {R"q(sequence with maxspan=60s [any where true])q",
     R"q((sequence (maxspan 60000000000) (item (event any true))))q"},
    {R"q(sequence with maxspan = 2 h [any where true])q",
     R"q((sequence (maxspan 7200000000000) (item (event any true))))q"},
    {R"q(sequence with maxspan=106751d [any where true])q",
     R"q((sequence (maxspan 9223286400000000000) (item (event any true))))q"},
    // white space and comments
    {"process\twhere\r\n  // a comment\n a == 1 /* b == 2 /* nested */ still */ and c == 3 // end",
     R"q((event process (and (== a 1) (== c 3))))q"},
    {"/**/any where//\ntrue/* */", R"q((event any true))q"},
};

// ---- conditions
const Case kConditions[] = {
    // precedence
    {R"q(a == 1 or b == 2 and c == 3)q", R"q((or (== a 1) (and (== b 2) (== c 3))))q"},
    {R"q((a == 1 or b == 2) and c == 3)q", R"q((and (or (== a 1) (== b 2)) (== c 3)))q"},
    {R"q(a or b or c and d and e)q", R"q((or a b (and c d e)))q"},
    {R"q(not a and b)q", R"q((and (not a) b))q"},
    {R"q(not (a and b))q", R"q((not (and a b)))q"},
    {R"q(not not a)q", R"q((not (not a)))q"},
    {R"q(not a == b)q", R"q((not (== a b)))q"},
    {R"q(a + b * c - d)q", R"q((- (+ a (* b c)) d))q"},
    {R"q(a - b - c / d % e)q", R"q((- (- a b) (% (/ c d) e)))q"},
    {R"q(-a * -1 == +b - +2)q", R"q((== (* (- a) (- 1)) (- b 2)))q"},
    {R"q(- - a == 1)q", R"q((== (- (- a)) 1))q"},
    {R"q((a + b) * c > 4)q", R"q((> (* (+ a b) c) 4))q"},
    // predicates bind tighter than arithmetic and comparison
    {R"q(a + b in (1, 2))q", R"q((+ a (in b 1 2)))q"},
    {R"q(a == b : "x")q", R"q((== a (like~ b "x")))q"},
    {R"q(-a in (1))q", R"q((- (in a 1)))q"},
    {R"q((a + b) in (1, 2))q", R"q((in (+ a b) 1 2))q"},
    // comparison
    {R"q(a == 1)q", R"q((== a 1))q"},
    {R"q(a != 1)q", R"q((!= a 1))q"},
    {R"q(a < 1)q", R"q((< a 1))q"},
    {R"q(a <= 1)q", R"q((<= a 1))q"},
    {R"q(a > 1)q", R"q((> a 1))q"},
    {R"q(a >= 1)q", R"q((>= a 1))q"},
    {R"q("x" == a)q", R"q((== "x" a))q"},
    {R"q(a == null and null != b)q", R"q((and (== a null) (!= null b)))q"},
    {R"q((exit_code > -1) == null)q", R"q((== (> exit_code (- 1)) null))q"},
    {R"q((a == b) == (c == d))q", R"q((== (== a b) (== c d)))q"},
    {R"q(a==1and b==2)q", R"q((and (== a 1) (== b 2)))q"},
    // in
    {R"q(a in ("x"))q", R"q((in a "x"))q"},
    {R"q(a in ("x", 1, true, null, 2.5))q", R"q((in a "x" 1 true null 2.5))q"},
    {R"q(a in~ ("x", "Y"))q", R"q((in~ a "x" "Y"))q"},
    {R"q(a not in ("x"))q", R"q((not (in a "x")))q"},
    {R"q(not a in ("x"))q", R"q((not (in a "x")))q"},
    {R"q(a not in~ ("x") and b)q", R"q((and (not (in~ a "x")) b))q"},
    {R"q(not a not in ("x"))q", R"q((not (not (in a "x"))))q"},
    {R"q(a in (b, length(c), -1, 1 + 2))q", R"q((in a b (call length c) (- 1) (+ 1 2)))q"},
    // match
    {R"q(a : "x*")q", R"q((like~ a "x*"))q"},
    {R"q(a:"x*")q", R"q((like~ a "x*"))q"},
    {R"q(a : ("x*", "?y"))q", R"q((like~ a "x*" "?y"))q"},
    {R"q(a like "x*")q", R"q((like a "x*"))q"},
    {R"q(a like ("x*", "y"))q", R"q((like a "x*" "y"))q"},
    {R"q(a like~ ("x*"))q", R"q((like~ a "x*"))q"},
    {R"q(a regex "[a-z]{2}")q", R"q((regex a "[a-z]{2}"))q"},
    {R"q(a regex ("x", """\d+"""))q", R"q((regex a "x" "\\d+"))q"},
    {R"q(a regex~ ("x"))q", R"q((regex~ a "x"))q"},
    {R"q(a : 1 or a : true or a : null)q", R"q((or (like~ a 1) (like~ a true) (like~ a null)))q"},
    {R"q(concat(a, b) : "x")q", R"q((like~ (call concat a b) "x"))q"},
    // functions
    {R"q(length(a) > 3)q", R"q((> (call length a) 3))q"},
    {R"q(startsWith~(a, "x"))q", R"q((call startsWith~ a "x"))q"},
    {R"q(cidrmatch ( source.ip , "10.0.0.0/8", "::1" ))q",
     R"q((call cidrmatch source.ip "10.0.0.0/8" "::1"))q"},
    {R"q(f())q", R"q((call f))q"},
    {R"q(f(g(h(a == 1 or b)), not c))q", R"q((call f (call g (call h (or (== a 1) b))) (not c)))q"},
    {R"q(not startswith(a, "x") and endsWith(b, "y") == true)q",
     R"q((and (not (call startswith a "x")) (== (call endsWith b "y") true)))q"},
    // fields
    {R"q(a.b.c)q", R"q(a.b.c)q"},
    {"a . b\n.\tc", R"q(a.b.c)q"},
    {R"q(a /* x */ . /* y */ b)q", R"q(a.b)q"},
    {R"q(?a.b)q", R"q(?a.b)q"},
    {R"q(? a.b == null)q", R"q((== ?a.b null))q"},
    {R"q(@timestamp > 1)q", R"q((> @timestamp 1))q"},
    {R"q(_x.Ext.y1_2)q", R"q(_x.Ext.y1_2)q"},
    {R"q(`sequence`.`by` == 1)q", R"q((== sequence.by 1))q"},
    {R"q(`a.b` == a.`b`)q", R"q((== a.b a.b))q"},
    {R"q(`my-field`.`1st`.`two words`)q", R"q(`my-field.1st.two words`)q"},
    {R"q(`a``b`)q", R"q(`a`b`)q"},
    {R"q(?`any`)q", R"q(?any)q"},
    {R"q(inn and nota and android and bye and wheres)q", R"q((and inn nota android bye wheres))q"},
    // numbers
    {R"q(a == 0)q", R"q((== a 0))q"},
    {R"q(a == 9223372036854775807)q", R"q((== a 9223372036854775807))q"},
    {R"q(a == 1.5)q", R"q((== a 1.5))q"},
    {R"q(a == 4.0)q", R"q((== a 4.0))q"},
    {R"q(a == 1.)q", R"q((== a 1.0))q"},
    {R"q(a == .5)q", R"q((== a 0.5))q"},
    {R"q(a == 1e3)q", R"q((== a 1000.0))q"},
    {R"q(a == 1.5E-2)q", R"q((== a 0.015))q"},
    {R"q(a == 2e+1)q", R"q((== a 20.0))q"},
    {R"q(a == 007)q", R"q((== a 7))q"},
    // strings
    {R"q(a == "")q", R"q((== a ""))q"},
    {R"q(a == "it's /* no */ // comment")q", R"q((== a "it's /* no */ // comment"))q"},
    {R"q(a == "\b\t\n\f\r\"\\\'")q", R"q((== a "\x08\x09\x0a\x0c\x0d\"\\'"))q"},
    {R"q(a == "\u{41}\u{00e9}\u{1F600}\u{0010ffff}")q",
     "(== a \"A\xc3\xa9\xf0\x9f\x98\x80\xf4\x8f\xbf\xbf\")"},
    {"a == \"\xc3\xa9\xe2\x82\xac\"", "(== a \"\xc3\xa9\xe2\x82\xac\")"},
    {"a == \"tab\tinside\"", R"q((== a "tab\x09inside"))q"},
    {R"q(a == """C:\temp\new""")q", R"q((== a "C:\\temp\\new"))q"},
    {R"q(a == """say "x" """)q", R"q((== a "say \"x\" "))q"},
    {R"q(a == """x"""")q", R"q((== a "x\""))q"},
    {R"q(a == """x""""")q", R"q((== a "x\"\""))q"},
    {R"q(a == """""")q", R"q((== a ""))q"},
    {R"q(a == """""""")q", R"q((== a "\"\""))q"},
    {R"q(a in ("""x""", """y"""))q", R"q((in a "x" "y"))q"},
    // relations
    {R"q(descendant of [process where process.name == "x"])q",
     R"q((descendant-of (event process (== process.name "x"))))q"},
    {R"q(not child of [any where true] and event of [file where child of [any where false]])q",
     R"q((and (not (child-of (event any true))) (event-of (event file (child-of (event any false))))))q"},
    {R"q(descendant == 1 and child == 2)q", R"q((and (== descendant 1) (== child 2)))q"},
};

void check_condition(const Case& row) {
    Diagnostics diagnostics;
    const ExprPtr expr = parse_expression(row.eql, diagnostics);
    for (const Diagnostic& diagnostic : diagnostics) {
        BOOST_TEST_MESSAGE(render(diagnostic, "condition", row.eql));
    }
    BOOST_TEST(diagnostics.empty());
    BOOST_REQUIRE(expr);
    BOOST_TEST(dump(*expr) == row.tree);
}

// What a node's range marks.
struct Range {
    std::string_view eql;
    std::string_view marked;
};
std::ostream& operator<<(std::ostream& out, const Range& row) {
    return out << row.eql;
}

const Range kRanges[] = {
    {R"q( a . b == 1 )q", R"q(a . b == 1)q"},
    {R"q( ?a )q", R"q(?a)q"},
    {R"q( length( a ) )q", R"q(length( a ))q"},
    {R"q( a not in ("x") )q", R"q(a not in ("x"))q"},
    {R"q( not a // c)q", R"q(not a)q"},
    {R"q( a and b or c )q", R"q(a and b or c)q"},
    {R"q( - 5 )q", R"q(- 5)q"},
    {R"q( child of [any where a] )q", R"q(child of [any where a])q"},
    {R"q( """raw""" )q", R"q("""raw""")q"},
};

}  // namespace

BOOST_AUTO_TEST_SUITE(eql)

BOOST_DATA_TEST_CASE(queries, boost::unit_test::data::make(kQueries), row) {
    check_query(row);
}

BOOST_DATA_TEST_CASE(conditions, boost::unit_test::data::make(kConditions), row) {
    check_condition(row);
}

BOOST_DATA_TEST_CASE(ranges, boost::unit_test::data::make(kRanges), row) {
    Diagnostics diagnostics;
    const ExprPtr expr = parse_expression(row.eql, diagnostics);
    BOOST_REQUIRE(expr);
    BOOST_TEST(row.eql.substr(expr->at.offset, expr->at.length) == row.marked);
}

BOOST_AUTO_TEST_CASE(places_of_sequence_parts) {
    constexpr std::string_view kText =
        "sequence by a with maxspan=5m [ process where b == 1 ] by c as x until [any where d] by e";
    Diagnostics diagnostics;
    const std::optional<Query> query = parse_query(kText, diagnostics);
    BOOST_REQUIRE(query);
    const auto marked = [&](SourceRange at) { return kText.substr(at.offset, at.length); };
    BOOST_TEST(marked(query->maxspan_at) == "with maxspan=5m");
    BOOST_TEST(marked(query->by.at(0)->at) == "a");
    BOOST_TEST(marked(query->items.at(0).at) == "[ process where b == 1 ] by c as x");
    BOOST_TEST(marked(query->items.at(0).query.at) == "process where b == 1");
    BOOST_TEST(marked(query->until->at) == "until [any where d] by e");
}

// A name that an error will mark: where its first byte is.
BOOST_AUTO_TEST_CASE(calls_begin_with_their_name) {
    constexpr std::string_view kText = "a == 1 and lenght (b) > 3";
    Diagnostics diagnostics;
    const ExprPtr expr = parse_expression(kText, diagnostics);
    BOOST_REQUIRE(expr);
    const Expr& call = *expr->operands.at(1)->operands.at(0);
    BOOST_TEST(kText.substr(call.at.offset, call.name.size()) == "lenght");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace audisp_eql::detect
