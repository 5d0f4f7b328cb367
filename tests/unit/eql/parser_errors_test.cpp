// SPDX-License-Identifier: Apache-2.0
// What the parser says to a wrong query, and where: a table of {eql, "line:column message ->
// hint"}, one line for each error.
#include <ostream>
#include <string>
#include <string_view>

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include "detect/eql/parser.hpp"

namespace audisp_eql::detect {
namespace {

struct Case {
    std::string_view eql;
    std::string_view errors;
};
std::ostream& operator<<(std::ostream& out, const Case& row) {
    return out << row.eql;
}

std::string in_short(const Diagnostics& diagnostics, std::string_view source) {
    std::string out;
    for (const Diagnostic& diagnostic : diagnostics) {
        const SourcePosition at = position_of(source, diagnostic.at.offset);
        out += out.empty() ? "" : "\n";
        out += std::to_string(at.line) + ':' + std::to_string(at.column) + ' ' + diagnostic.message;
        out += diagnostic.hint.empty() ? "" : " -> " + diagnostic.hint;
    }
    return out;
}

// clang-format off
const Case kErrors[] = {
{R"q()q",
R"q(1:1 the query is empty -> a query reads: process where …, or: sequence by … […] […])q"},
{R"q(  // only a comment)q",
R"q(1:20 the query is empty -> a query reads: process where …, or: sequence by … […] […])q"},
{R"q(process)q",
R"q(1:8 expected 'where' after the event category, found the end of the query -> an event query reads: process where …, or: any where …)q"},
{R"q(process where)q",
R"q(1:14 expected a condition after 'where', found the end of the query -> 'where true' takes every event)q"},
{R"q(process where ()q",
R"q(1:16 expected a value, found the end of the query)q"},
{R"q(where a == 1)q",
R"q(1:1 expected an event category before 'where', found 'where' -> write 'any where …' for events of every category)q"},
{R"q(process a == 1)q",
R"q(1:9 expected 'where' after the event category, found 'a' -> an event query reads: process where …, or: any where …)q"},
{R"q(process whree a == 1)q",
R"q(1:9 expected 'where' after the event category, found 'whree' -> did you mean 'where'?)q"},
{R"q(PROCESS WHERE a == 1)q",
R"q(1:9 expected 'where' after the event category, found 'WHERE' -> keywords are lower case: write 'where')q"},
{R"q(any.x where true)q",
R"q(1:4 expected 'where' after the event category, found '.' -> an event query reads: process where …, or: any where …)q"},
{R"q(`process` where true)q",
R"q(1:1 expected an event category, found '`process`' -> an event query reads: process where …, or: any where …)q"},
{R"q("" where true)q",
R"q(1:1 the event category is empty -> write 'any where …' for events of every category)q"},
{R"q(process.name == "x")q",
R"q(1:8 expected 'where' after the event category, found '.' -> an event query reads: process where …, or: any where …)q"},
{R"q(process where a == 1 b == 2)q",
R"q(1:22 expected 'and', 'or', '|' or the end of the query, found 'b' -> an 'and' or 'or' is missing before it)q"},
{R"q(process where a == 1 AND b == 2)q",
R"q(1:22 expected 'and', 'or', '|' or the end of the query, found 'AND' -> keywords are lower case: write 'and')q"},
{R"q(process where a == 1 adn b == 2)q",
R"q(1:22 expected 'and', 'or', '|' or the end of the query, found 'adn' -> did you mean 'and'?)q"},
{R"q(process where a = 1)q",
R"q(1:17 '=' does not compare -> write '==' for the very same text, ':' to ignore case and use wildcards)q"},
{R"q(process where a === 1)q",
R"q(1:17 '===' is not an operator -> write '==')q"},
{R"q(process where a == == 1)q",
R"q(1:20 expected a value after '==', found '==' -> one '==' is enough)q"},
{R"q(process where a == 1 == 2)q",
R"q(1:22 comparisons do not chain -> join two comparisons with 'and')q"},
{R"q(process where a < b < c)q",
R"q(1:21 comparisons do not chain -> join two comparisons with 'and')q"},
{R"q(process where a <> 1)q",
R"q(1:17 '<>' is not an operator -> write '!=')q"},
{R"q(process where a == 'x')q",
R"q(1:20 strings stand in double quotes -> write "…")q"},
{R"q(process where a == 'x)q",
R"q(1:20 the string is not closed on its line -> strings stand in double quotes: "…")q"},
{R"q(process where a == ?"x\d" or b == ?'y')q",
R"q(1:20 '?' before a string is no longer part of the language -> write a raw string as """…"""
1:35 '?' before a string is no longer part of the language -> write a raw string as """…""")q"},
{R"q(process where a == "x)q",
R"q(1:20 the string is not closed on its line -> close it with '"'; write a line break inside a string as \n)q"},
{R"q(process where a == """x")q",
R"q(1:20 the raw string is not closed on its line -> close it with '"""'; a raw string holds no line break)q"},
{R"q(process where a == "\w")q",
R"q(1:21 unknown escape '\w' -> write '\\' for a backslash, or use a raw string: """…""")q"},
{R"q(process where a == "\u41" or b == "\u{4}" or c == "\u{d800}" or d == "\u{110000}" or e == "\u{123456789}")q",
R"q(1:21 the escape '\u' needs a code point in braces -> write 2 to 8 hexadecimal digits: \u{00e9}
1:36 the escape '\u' needs a code point in braces -> write 2 to 8 hexadecimal digits: \u{00e9}
1:52 the escape stands for no character -> code points go up to 10ffff, without d800 to dfff
1:71 the escape stands for no character -> code points go up to 10ffff, without d800 to dfff
1:92 the escape '\u' needs a code point in braces -> write 2 to 8 hexadecimal digits: \u{00e9})q"},
{R"q(process where a in ("x", ))q",
R"q(1:26 expected a value after ',', found ')' -> remove the comma after the last value)q"},
{R"q(process where a in ())q",
R"q(1:21 expected a value in the list, found ')')q"},
{R"q(process where a in "x")q",
R"q(1:20 expected '(' after 'in', found the string "x" -> the right side is a list: field in ("a", "b"))q"},
{R"q(process where a in ("x" "y"))q",
R"q(1:25 expected ',' or ')', found the string "y" -> a ',' is missing before it)q"},
{R"q(process where a in ("x", "y" and b == 1)q",
R"q(1:20 this '(' is not closed -> close it with ')')q"},
{R"q(process where a : ("x", b))q",
R"q(1:25 expected a constant or a list of constants, found 'b' -> text stands in double quotes; the right side of ':', 'like' and 'regex' is never a field)q"},
{R"q(process where a : b.c)q",
R"q(1:19 expected a constant or a list of constants, found 'b' -> text stands in double quotes; the right side of ':', 'like' and 'regex' is never a field)q"},
{R"q(process where a : -1)q",
R"q(1:19 expected a constant or a list of constants, found '-' -> compare numbers with '==')q"},
{R"q(process where a like ["x"])q",
R"q(1:22 expected a constant or a list of constants, found '[' -> a list stands in '(' and ')', a subquery after 'descendant of')q"},
{R"q(process where a not like "x")q",
R"q(1:17 'not' cannot stand before 'like' -> only 'not in' is written so: put 'not' before the whole condition)q"},
{R"q(process where a not : "x")q",
R"q(1:17 'not' cannot stand before ':' -> only 'not in' is written so: put 'not' before the whole condition)q"},
{R"q(process where a not == 1)q",
R"q(1:17 'not' cannot stand before a comparison's sign -> write '!=', or put 'not' before the whole condition)q"},
{R"q(process where a !: "x")q",
R"q(1:17 '!:' is not an operator -> write 'not' before the condition: not field : "pattern")q"},
{R"q(process where !a)q",
R"q(1:15 '!' is not an operator -> write 'not')q"},
{R"q(process where a && b || c)q",
R"q(1:17 '&&' is not an operator -> write 'and'
1:22 '||' is not an operator -> write 'or')q"},
{R"q(process where a[0] == "x" and b[1].c == 1)q",
R"q(1:16 array elements cannot be picked by number -> a field stands for all its values: field == "x" holds if any of them is "x"
1:32 array elements cannot be picked by number -> a field stands for all its values: field == "x" holds if any of them is "x")q"},
{R"q(process where sequence == 1 and a.by == 2)q",
R"q(1:15 expected a value, found 'sequence' -> a field named like a keyword stands in back-quotes: `sequence`
1:35 expected a name after '.', found 'by' -> a name that is a keyword stands in back-quotes: `by`)q"},
{R"q(process where a.1 == 2)q",
R"q(1:16 a name cannot begin with a digit -> write it in back-quotes: .`1`)q"},
{R"q(process where a. == 2)q",
R"q(1:18 expected a name after '.', found '==')q"},
{R"q(process where 1a == 2)q",
R"q(1:15 a name cannot begin with a digit -> write it in back-quotes: `1a`)q"},
{R"q(process where my-field == ;)q",
R"q(1:27 unexpected character ';' -> a query has no ';' at its end)q"},
{R"q(process where a == 99999999999999999999)q",
R"q(1:20 the number is too large -> whole numbers go up to 9223372036854775807)q"},
{R"q(process where a == 1e999)q",
R"q(1:20 the number is out of range)q"},
{R"q(process where startsWith~ == 1)q",
R"q(1:27 expected '(' after the function 'startsWith~', found '==')q"},
{R"q(process where a.b(c))q",
R"q(1:15 an operator is missing behind the field 'a.b' -> before a list write ':' or 'in'; a function's name has no dots)q"},
{R"q(process where f(a, ))q",
R"q(1:20 expected a value after ',', found ')' -> remove the comma after the last value)q"},
{R"q(process where f(a b))q",
R"q(1:19 expected ',' or ')', found 'b')q"},
{R"q(process where f(a)q",
R"q(1:16 this '(' is not closed -> close it with ')')q"},
{R"q(process where parent of [any where true])q",
R"q(1:15 unknown relation 'parent' -> write: descendant of [process where …])q"},
{R"q(process where child of any)q",
R"q(1:24 expected '[' after 'of', found 'any' -> write: child of [process where …])q"},
{R"q(process where child of ![any where true])q",
R"q(1:24 a missing event has no relatives -> write 'not' before 'child of')q"},
{R"q(process where child of [any where a = 1 and b == 2)q",
R"q(1:37 '=' does not compare -> write '==' for the very same text, ':' to ignore case and use wildcards
1:51 expected ']', found the end of the query)q"},
{R"q(process where a == 1))q",
R"q(1:21 expected 'and', 'or', '|' or the end of the query, found ')' -> no '(' is open here)q"},
{R"q(process where (a == 1)))q",
R"q(1:23 expected 'and', 'or', '|' or the end of the query, found ')' -> no '(' is open here)q"},
{R"q(process where ((a == 1))q",
R"q(1:15 this '(' is not closed -> close it with ')')q"},
{R"q(process where a == 1 and)q",
R"q(1:25 expected a condition after 'and', found the end of the query)q"},
{R"q(process where and a == 1)q",
R"q(1:15 expected a value, found 'and')q"},
{R"q(process where a or or b)q",
R"q(1:20 expected a condition after 'or', found 'or')q"},
{R"q(process where not)q",
R"q(1:18 expected a condition after 'not', found the end of the query)q"},
{R"q(process where a == 1 /* open)q",
R"q(1:22 the comment is not closed -> close it with '*/')q"},
{R"q(process where a == 1 /* /* */)q",
R"q(1:22 the comment is not closed -> comments nest: each '/*' needs its own '*/')q"},
{R"q(process where a == `b)q",
R"q(1:20 the back-quoted name is not closed on its line -> close it with '`'; a back-quote inside a name is written twice)q"},
{R"q(process where a == `` or b)q",
R"q(1:20 the name between the back-quotes is empty)q"},
{R"q(process where a == “x”)q",
R"q(1:20 unexpected character '“' -> write plain double quotes: "…"
1:22 unexpected character '”' -> write plain double quotes: "…")q"},
{R"q(process where a == 1 # comment)q",
R"q(1:22 unexpected character '#' -> comments begin with '//')q"},
{R"q(process where ?1)q",
R"q(1:16 expected a field's name, found the number 1)q"},
{R"q(process where true | 5)q",
R"q(1:22 expected a pipe's name after '|', found the number 5 -> write: | head 10)q"},
{R"q(process where true |)q",
R"q(1:21 expected a pipe's name after '|', found the end of the query -> write: | head 10)q"},
{R"q(process where true | head ,)q",
R"q(1:27 expected a value, found ','
1:28 expected an argument of the pipe, found the end of the query -> remove the comma after the last one)q"},
{R"q(process where true | head 5 6)q",
R"q(1:29 expected ',', '|' or the end of the query, found the number 6)q"},
{R"q(sequence)q",
R"q(1:9 expected '[' and the sequence's first event query, found the end of the query -> a sequence reads: sequence by … with maxspan=… […] […])q"},
{R"q(sequence by)q",
R"q(1:12 expected a field to join by, found the end of the query)q"},
{R"q(sequence by a)q",
R"q(1:14 expected '[' and the sequence's first event query, found the end of the query -> a sequence reads: sequence by … with maxspan=… […] […])q"},
{R"q(sequence by a, [any where true])q",
R"q(1:16 expected a field to join by, found '[' -> remove the comma after the last one)q"},
{R"q(sequence by a b [any where true])q",
R"q(1:15 expected '[' and the sequence's first event query, found 'b' -> separate the keys with commas: by a, b)q"},
{R"q(sequence by a by b [any where true])q",
R"q(1:15 'by' stands twice -> separate the keys with commas: by a, b)q"},
{R"q(sequence with maxspan=5m by a [any where true])q",
R"q(1:26 'by' stands before 'with maxspan' -> write: sequence by … with maxspan=…)q"},
{R"q(sequence with maxspan=5m with maxspan=6m [any where true])q",
R"q(1:26 maxspan stands twice)q"},
{R"q(sequence with maxspan=5 [any where true])q",
R"q(1:23 maxspan has no unit -> for seconds write 5s; units: ms, s, m, h, d (also micros, nanos))q"},
{R"q(sequence with maxspan=0.5s [any where true])q",
R"q(1:23 maxspan takes whole numbers only -> use a smaller unit: 500ms for 0.5s)q"},
{R"q(sequence with maxspan=2.5 [any where true])q",
R"q(1:23 maxspan has no unit -> for seconds write 2.5s; units: ms, s, m, h, d (also micros, nanos))q"},
{R"q(sequence with maxspan=5y [any where true])q",
R"q(1:24 unknown time unit 'y' -> units: ms, s, m, h, d (also micros, nanos))q"},
{R"q(sequence with maxspan=5M [any where true])q",
R"q(1:24 unknown time unit 'M' -> units: ms, s, m, h, d (also micros, nanos))q"},
{R"q(sequence with maxspan=0s [any where true])q",
R"q(1:23 maxspan must be more than zero)q"},
{R"q(sequence with maxspan=-5s [any where true])q",
R"q(1:23 maxspan cannot be negative)q"},
{R"q(sequence with maxspan=106752d [any where true])q",
R"q(1:23 maxspan is too long -> at most 106751d)q"},
{R"q(sequence with maxspan 5s [any where true])q",
R"q(1:23 expected '=' after 'maxspan', found the number 5 -> write: with maxspan=5m)q"},
{R"q(sequence with maxspan==5s [any where true])q",
R"q(1:22 expected '=' after 'maxspan', found '==' -> write: with maxspan=5m)q"},
{R"q(sequence with maxspan=abc [any where true])q",
R"q(1:23 expected a time span, found 'abc' -> write a whole number and its unit: with maxspan=5m)q"},
{R"q(sequence with maxspam=5s [any where true])q",
R"q(1:15 expected 'maxspan' after 'with', found 'maxspam' -> did you mean 'maxspan'?)q"},
{R"q(sequence with runs=5 [any where true])q",
R"q(1:15 expected 'maxspan' after 'with', found 'runs' -> 'with runs' belongs behind the item that repeats)q"},
{R"q(sequence wiht maxspan=5s [any where true])q",
R"q(1:10 expected '[' and the sequence's first event query, found 'wiht' -> did you mean 'with'?)q"},
{R"q(sequence by a [any where true] with maxspan=5s)q",
R"q(1:37 maxspan belongs to the whole sequence -> write it before the first '[': sequence by … with maxspan=…)q"},
{R"q(sequence by a [any where true] with runs=0)q",
R"q(1:42 runs must lie between 1 and 100)q"},
{R"q(sequence by a [any where true] with runs=101)q",
R"q(1:42 runs must lie between 1 and 100)q"},
{R"q(sequence by a [any where true] with runs=1.5)q",
R"q(1:42 expected a whole number after 'runs=', found the number 1.5)q"},
{R"q(sequence by a [any where true] with runs 5)q",
R"q(1:42 expected '=' after 'runs', found the number 5 -> write: with runs=3)q"},
{R"q(sequence by a [any where true] with 5)q",
R"q(1:37 expected 'runs' after 'with', found the number 5 -> write: with runs=3)q"},
{R"q(sequence by a [any where true] as x by b)q",
R"q(1:37 expected '[', 'until', '|' or the end of the query, found 'by' -> 'by' stands before 'with runs' and 'as')q"},
{R"q(sequence by a [any where true] by b by c [any where true] by d)q",
R"q(1:37 expected '[', 'until', '|' or the end of the query, found 'by' -> separate the keys with commas: by a, b)q"},
{R"q(sequence by a [any where true] as [any where true])q",
R"q(1:35 expected a name after 'as', found '[')q"},
{R"q(sequence by a [any where true] as x [any where true] as x)q",
R"q(1:37 the name 'x' is given to two items)q"},
{R"q(sequence by a [any where true], [any where true])q",
R"q(1:31 expected '[', 'until', '|' or the end of the query, found ',' -> items follow each other without commas)q"},
{R"q(sequence by a [any where true] fork=true [any where true])q",
R"q(1:32 expected '[', 'until', '|' or the end of the query, found 'fork')q"},
{R"q(sequence by a [any where true] [any where true] until)q",
R"q(1:54 expected '[' after 'until', found the end of the query -> write: until [process where …])q"},
{R"q(sequence by a [any where true] [any where true] until ![any where true])q",
R"q(1:55 'until' cannot wait for a missing event -> write: until [process where …])q"},
{R"q(sequence by a [any where true] until [any where true] [any where true])q",
R"q(1:55 expected '|' or the end of the query, found '[' -> 'until' comes after the last item)q"},
{R"q(sequence by a [any where true] untill [any where true])q",
R"q(1:32 expected '[', 'until', '|' or the end of the query, found 'untill' -> did you mean 'until'?)q"},
{R"q(sequence by a [any where true] by b [any where true] until [any where true] by c)q",
R"q(1:37 this item has 0 join keys of its own, the first item has 1 -> keys are matched by position: give each item as many)q"},
{R"q(sequence [any where true] by a, b [any where true] by c, d until [any where true] by e)q",
R"q(1:60 'until' has 1 join key of its own, the first item has 2 -> keys are matched by position: give each item as many)q"},
{R"q(sequence by a ![any where true] [any where true])q",
R"q(1:15 a missing event needs a time to wait for it -> write: sequence by … with maxspan=…)q"},
{R"q(sequence by a with maxspan=5s ![any where true])q",
R"q(1:31 a sequence cannot consist of missing events alone)q"},
{R"q(sequence by a with maxspan=5s ![any where true] with runs=2 [any where true])q",
R"q(1:49 a missing event cannot have runs)q"},
{R"q(sequence by a with maxspan=5s ! [any where true] [any where true])q",
R"q(1:31 '!' and '[' stand together -> write '![')q"},
{R"q(sequence by a [any where true [any where true])q",
R"q(1:31 expected 'and', 'or' or ']', found '[' -> the event query before it is not closed with ']')q"},
{R"q(sequence by a [any where b = 1] [proces wher c == 1] [any where (d == 1] [any where e in ("x",)] [any where true])q",
R"q(1:28 '=' does not compare -> write '==' for the very same text, ':' to ignore case and use wildcards
1:41 expected 'where' after the event category, found 'wher' -> did you mean 'where'?
1:65 this '(' is not closed -> close it with ')'
1:95 expected a value after ',', found ')' -> remove the comma after the last value)q"},
{R"q(sequence by a [] [any where true])q",
R"q(1:16 expected an event category, found ']' -> an event query reads: process where …, or: any where …)q"},
{R"q(sequence by a [any where true] process where true)q",
R"q(1:32 expected '[', 'until', '|' or the end of the query, found 'process' -> the event queries of a sequence stand in '[' and ']')q"},
{R"q(sequence by process.entity_id [any where true] where)q",
R"q(1:48 expected '[', 'until', '|' or the end of the query, found 'where')q"},
{R"q(sample [any where true] [any where true])q",
R"q(1:1 a sample needs something to join by -> write: sample by host.id […] […])q"},
{R"q(sample by a ![any where true] [any where true])q",
R"q(1:13 a sample has no missing events -> use a sequence)q"},
{R"q(sample by a with maxspan=5s [any where true] [any where true])q",
R"q(1:13 expected '[' and the sample's first event query, found 'with' -> a sample has no maxspan: its window is the rule's look-back)q"},
{R"q(sample by a [any where true] until [any where true])q",
R"q(1:30 expected '[', '|' or the end of the query, found 'until' -> only a sequence has 'until' and 'with')q"},
{R"q(sample by a)q",
R"q(1:12 expected '[' and the sample's first event query, found the end of the query -> a sample reads: sample by … […] […])q"},
{R"q(sample by a [any where true] by b [any where true])q",
R"q(1:35 this item has 0 join keys of its own, the first item has 1 -> keys are matched by position: give each item as many)q"},
{R"q(join by a [any where true] [any where true])q",
R"q(1:1 'join' is not supported -> use 'sequence' for events in order, 'sample' for events in any order)q"},
{R"q(process where descendant of [process where a = 1] and b = 2 or (c = 3 and d in (e = 4, f)) and g == "unclosed)q",
R"q(1:46 '=' does not compare -> write '==' for the very same text, ':' to ignore case and use wildcards
1:57 '=' does not compare -> write '==' for the very same text, ':' to ignore case and use wildcards
1:67 '=' does not compare -> write '==' for the very same text, ':' to ignore case and use wildcards
1:83 '=' does not compare -> write '==' for the very same text, ':' to ignore case and use wildcards
1:101 the string is not closed on its line -> close it with '"'; write a line break inside a string as \n)q"},
{R"q(process where NOT a == 1)q",
R"q(1:19 expected 'and', 'or', '|' or the end of the query, found 'a' -> keywords are lower case: write 'not')q"},
{R"q(process where a == 1 OR b == 2)q",
R"q(1:22 expected 'and', 'or', '|' or the end of the query, found 'OR' -> keywords are lower case: write 'or')q"},
{R"q(process where a IN ("x"))q",
R"q(1:17 expected 'and', 'or', '|' or the end of the query, found 'IN' -> keywords are lower case: write 'in')q"},
{R"q(process where a LIKE "x")q",
R"q(1:17 expected 'and', 'or', '|' or the end of the query, found 'LIKE' -> keywords are lower case: write 'like')q"},
{R"q(process where descendant of [])q",
R"q(1:30 expected an event category, found ']' -> an event query reads: process where …, or: any where …)q"},
{R"q(sequence by a [process where] [process where true)q",
R"q(1:29 expected a condition after 'where', found ']' -> 'where true' takes every event
1:31 this '[' is not closed -> close it with ']')q"},
{"process where\n  a == 1 and\n\tb = \xc3\xa9", "3:4 '=' does not compare -> write '==' for the very same text, ':' to ignore case and use wildcards\n3:6 unexpected character '\xc3\xa9'"},
{"process where a == \"line\nbreak\"", "1:20 the string is not closed on its line -> close it with '\"'; write a line break inside a string as \\n\n2:1 expected 'and', 'or', '|' or the end of the query, found 'break'\n2:6 the string is not closed on its line -> close it with '\"'; write a line break inside a string as \\n"},
{"process where a ==\xc2\xa0" "1", "1:19 unexpected character '\xc2\xa0' -> replace it with a plain space"},
{"process where a == \xff", "1:20 unexpected byte that is not UTF-8"},
{"process where a \xe2\x80\x8b== 1", "1:17 unexpected character U+200B -> replace it with a plain space"},
{"process where a \xe2\x80\xae== 1", "1:17 unexpected character U+202E"},
{"process where \x01", "1:15 unexpected character U+0001"},
};
// clang-format on

// The text that an error marks.
struct Range {
    std::string_view eql;
    std::string_view marked;
};
std::ostream& operator<<(std::ostream& out, const Range& row) {
    return out << row.eql;
}

const Range kRanges[] = {
    {R"(process where a = 1)", "="},
    {R"(process where a == 'xy')", "'xy'"},
    {R"(process where a == ?"xy")", R"(?"xy")"},
    {R"(process where a == "x\wy")", R"(\w)"},
    {R"(process where a == "x\u{1}y")", R"(\u{1)"},
    {R"(process where abc[12] == 1)", "[12]"},
    {R"(process where x.lenght(a))", "x.lenght"},
    {R"(process where a == 1 whatever)", "whatever"},
    {R"(process where parent of [any where true])", "parent"},
    {R"(sequence with maxspan=17 [any where true])", "17"},
    {R"(sequence with maxspan=17years [any where true])", "years"},
    {R"(process where a == 12345678901234567890)", "12345678901234567890"},
    {R"(sequence by a [any where true] by b [any where c])", "[any where c]"},
    {R"(process where)", ""},
};

}  // namespace

BOOST_AUTO_TEST_SUITE(eql)

BOOST_DATA_TEST_CASE(errors, boost::unit_test::data::make(kErrors), row) {
    Diagnostics diagnostics;
    BOOST_TEST(!parse_query(row.eql, diagnostics).has_value());
    BOOST_TEST(has_errors(diagnostics));
    BOOST_TEST(in_short(diagnostics, row.eql) == row.errors);
}

BOOST_DATA_TEST_CASE(marked_text, boost::unit_test::data::make(kRanges), row) {
    Diagnostics diagnostics;
    parse_query(row.eql, diagnostics);
    BOOST_REQUIRE(diagnostics.size() == 1U);
    BOOST_TEST(row.eql.substr(diagnostics[0].at.offset, diagnostics[0].at.length) == row.marked);
}

BOOST_AUTO_TEST_CASE(errors_of_conditions) {
    Diagnostics diagnostics;
    BOOST_TEST(!parse_expression("a == 1 | head 5", diagnostics));
    BOOST_TEST(!parse_expression(" ", diagnostics));
    BOOST_TEST(!parse_expression("process where true", diagnostics));
    BOOST_REQUIRE(diagnostics.size() == 3U);
    BOOST_TEST(diagnostics[0].message ==
               "expected 'and', 'or' or the end of the condition, found '|'");
    BOOST_TEST(diagnostics[1].message == "the condition is empty");
    BOOST_TEST(diagnostics[2].message ==
               "expected 'and', 'or' or the end of the condition, found 'where'");
}

BOOST_AUTO_TEST_CASE(errors_are_added_to_those_before) {
    Diagnostics diagnostics = {{Severity::error, {500, 1}, "from somewhere else", ""}};
    BOOST_TEST(parse_query("any where true", diagnostics).has_value());
    BOOST_TEST(!parse_query("any where a = 1", diagnostics).has_value());
    BOOST_REQUIRE(diagnostics.size() == 2U);
    BOOST_TEST(diagnostics[0].message == "from somewhere else");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace audisp_eql::detect
