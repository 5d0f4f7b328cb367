// SPDX-License-Identifier: Apache-2.0
// Programs, shared predicates, and what the compiler says: {query, message, hint, what is marked}.
#include "detect/eql/compiler.hpp"

#include <algorithm>
#include <string>

#include <boost/test/unit_test.hpp>

#include "detect/eql/parser.hpp"
#include "detect/eql/predicate.hpp"

namespace {

using namespace audisp_eql::detect;

struct Compiled {
    explicit Compiled(std::string_view query) : text(query) { again(query); }

    void again(std::string_view query) {
        const auto parsed = parse_query(query, diagnostics);
        BOOST_REQUIRE_MESSAGE(parsed, "does not parse: " << query);
        program = compile_query(*parsed, fields, predicates, diagnostics);
    }

    std::string text;
    FieldNames fields;
    PredicateTable predicates;
    Diagnostics diagnostics;
    std::optional<Program> program;
};

struct Row {
    const char* query;
    Severity severity;
    const char* message;
    const char* hint;
    const char* marked;
};

constexpr Severity kError = Severity::error;
constexpr Severity kWarning = Severity::warning;

const Row kRows[] = {
    {"any where process.nmae == \"a\"", kWarning, "unknown field 'process.nmae'",
     "did you mean 'process.name'?", "process.nmae"},
    {"any where dns.question.type == \"a\"", kWarning, "unknown field", "never have it",
     "dns.question.type"},
    {"any where process.name == \"ba*\"", kWarning, "'*' is an ordinary character", "':'",
     "\"ba*\""},
    {"any where process.name in (\"a\", \"b*\")", kWarning, "'*' is an ordinary character", "':'",
     "\"b*\""},
    {"any where process.pid == \"7\"", kWarning,
     "'process.pid' is a number and is compared with a "
     "string: this never holds",
     "", "\"7\""},
    {"any where process.name == 7", kWarning, "never holds", "in double quotes: \"7\"", "7"},
    {"any where host.os == \"linux\"", kWarning, "unknown field 'host.os'",
     "several fields: host.os.family, host.os.kernel, host.os.type", "host.os"},
    {"any where process.code_signature.status == \"a\"", kWarning, "unknown field", "never have it",
     ""},
    {"any where proces.parent.nme == \"a\"", kWarning, "unknown field", "'process.parent.name'",
     ""},
    {"any where process.parent_name == \"a\"", kWarning, "unknown field", "'process.parent.name'",
     ""},
    {"any where parent.name == \"a\"", kWarning, "unknown field", "'process.parent.name'", ""},
    {"any where process.parent.cmd_line == \"a\"", kWarning, "unknown field",
     "'process.parent.command_line'", ""},
    {"any where a.pod-name == 1", kWarning, "this is 'a.pod' minus 'name'", "`pod-name`",
     "a.pod-name"},
    {"any where event.type == \"Start\"", kWarning, "no event has the event.type 'Start'",
     "did you mean 'start'?", "\"Start\""},
    {"any where event.category in (\"file\", \"proces\")", kWarning, "event.category 'proces'",
     "did you mean 'process'?", "\"proces\""},
    {"any where event.outcome == \"failed\"", kWarning, "event.outcome 'failed'", "'failure'", ""},
    {"any where process.name regex \"^a\"", kWarning, "'^' is an ordinary character",
     "leave it out", "\"^a\""},
    {"any where process.name regex~ (\"a\", \"b$\")", kWarning, "'$' is an ordinary", "", "\"b$\""},
    {"any where process.name regex (\"a\", \"(b\")", kError, "a '(' has no ')'", "", "\"(b\""},
    {"any where process.name == \"a\" or \"b\"", kError, "this is a string", "in (", "\"b\""},
    {"any where process.name == sh", kError, "'sh' is no field", "double quotes: \"sh\"", "sh"},
    {"any where process.name in (sh, \"a\")", kError, "constants", "double quotes: \"sh\"", "sh"},
    {"sequence by host.id [any where true] as event0 [any where process.name == "
     "event1.process.name]",
     kError, "no event of the sequence is named 'event1'", "did you mean 'event0'?",
     "event1.process.name"},
    {"sequence by host.id [any where true] [any where user.id == first.user.id]", kError,
     "no event of the sequence is named 'first'", "as first", "first.user.id"},
    {"sequence by host.id [any where true]", kWarning, "the sequence has one event only", "",
     "[any where true]"},
    {"any where process.interactive == \"true\"", kWarning, "never holds", "", "\"true\""},
    {"any where destination.ip == \"example\"", kWarning, "'example' is none", "", "\"example\""},
    {"any where @timestamp > \"yesterday\"", kWarning, "'yesterday' is none", "", "\"yesterday\""},
    {"any where process.pid : \"7*\"", kWarning, "patterns match strings", "", "process.pid"},
    {"any where process.name", kWarning, "alone means", "process.name != null", "process.name"},
    {"any where process.name < null", kWarning, "null", "", "process.name < null"},
    {"any where length(process.pid) == 1", kWarning, "'length' works on a string", "",
     "process.pid"},
    {"any where process.name + 1 == 2", kWarning, "'+' works on a number", "", "process.name"},
    {"any where length(process.name) == \"1\"", kWarning, "is compared with", "",
     "length(process.name) == \"1\""},
    {"any where lenght(process.name) == 1", kError, "unknown function 'lenght'",
     "did you mean 'length'?", "lenght"},
    {"any where wildcard(process.name, \"a*\")", kError, "unknown function", "field : (",
     "wildcard"},
    {"any where length() == 1", kError, "'length' takes 1 argument, not 0",
     "it reads: length(string)", "length"},
    {"any where substring(process.name) == \"\"", kError, "takes 2 to 3 arguments, not 1",
     "substring(string, number[, number])", "substring"},
    {"any where concat() == \"\"", kError, "at least 1 argument", "concat(value, …)", "concat"},
    {"any where length~(process.name) == 1", kError, "has no form with '~'", "length(string)",
     "length~"},
    {"any where length(\"a\", 1) == 1", kError, "takes 1 argument, not 2", "", "length"},
    {"any where \"a\" * 2 == 2", kError, "'*' works on a number, and this is a string", "",
     "\"a\""},
    {"any where 5", kError, "a condition is true or false, but this is a number", "", "5"},
    {"any where process.pid in (1, process.pid)", kError, "constants",
     "?process.pid == ?process.pid", "process.pid"},
    {"any where process.name in~ (\"a\", 1)", kError, "'in~' compares strings", "'in'", "1"},
    {"any where process.name regex \"(\"", kError, "regular expression", "", ""},
    {"any where cidrmatch(source.ip, \"10.0.0.0/99\")", kError, "is no network", "10.0.0.0/8",
     "\"10.0.0.0/99\""},
    {"any where process.name == process.executable", kError, "two fields are compared", "'by'",
     "process.name == process.executable"},
    {"sequence by length(process.name) [any where true] [any where true]", kError,
     "'by' takes fields", "", "length(process.name)"},
    {"sequence [any where true] by process.pid [any where true] by process.name", kError,
     "their types differ", "", "process.name"},
    {"sequence [any where b.x == 1] as a [any where true] as b", kError, "'b' names an event", "",
     "b.x"},
    {"sequence [any where true] as a [any where true] by a.x", kError, "", "", ""},
    {"any where true | count", kError, "there is no pipe 'count'", "head", ""},
    {"any where true | head \"x\"", kError, "'head' takes one whole number", "head 10", ""},
};

BOOST_AUTO_TEST_SUITE(eql)

BOOST_AUTO_TEST_CASE(the_compiler_says_what_is_wrong_where_and_what_to_do) {
    for (const Row& row : kRows) {
        BOOST_TEST_CONTEXT(row.query) {
            FieldNames fields;
            PredicateTable predicates;
            Diagnostics diagnostics;
            const auto parsed = parse_query(row.query, diagnostics);
            if (parsed) {
                const auto program = compile_query(*parsed, fields, predicates, diagnostics);
                BOOST_TEST(program.has_value() == (row.severity == kWarning));
            }
            BOOST_REQUIRE(!diagnostics.empty());
            const Diagnostic& first = diagnostics.front();
            BOOST_CHECK(first.severity == row.severity);
            BOOST_TEST(first.message.find(row.message) != std::string::npos, first.message);
            BOOST_TEST(first.hint.find(row.hint) != std::string::npos, first.hint);
            const auto marked =
                std::string_view(row.query).substr(first.at.offset, first.at.length);
            if (*row.marked)
                BOOST_TEST(marked == row.marked);
        }
    }
}

BOOST_AUTO_TEST_CASE(sound_queries_are_not_remarked_upon) {
    for (const char* query :
         {R"(any where process.name == "a")", R"(any where user.id == 0 and user.id == "0")",
          R"(any where process.args == "*")", R"(any where ?process.name == ?process.parent.name)",
          R"(any where @timestamp > "2024-01-01" and @timestamp < 1700000000000)",
          R"(any where destination.ip == "::1" and cidrmatch(source.ip, "10.0.0.0/8"))",
          R"(any where process.interactive and not process.parent.interactive)",
          R"(any where length(process.name) > 3 and process.args_count + 1 == 2)",
          R"(any where string(process.pid) : "4*" and process.name != null)",
          R"(any where event.type in ("start", "user") and event.category != "iam")",
          R"(any where event.type == "no such value" and event.action == "Exec")",
          R"(any where process.name regex ("a\\$", "\\^a", "a^b", """[$^]x"""))",
          R"(any where process.pid - process.parent.pid == 1)",
          R"(sequence by host.id [any where true] with runs=2)"}) {
        BOOST_TEST_CONTEXT(query) {
            const Compiled compiled(query);
            BOOST_TEST(compiled.diagnostics.empty());
            BOOST_TEST(!compiled.program->degraded);
        }
    }
}

BOOST_AUTO_TEST_CASE(identical_tests_are_one_predicate) {
    Compiled compiled(R"(any where process.name == "a" and process.name : ("x*", "y"))");
    const std::size_t count = compiled.predicates.size();
    for (const char* same :
         {R"(any where process.name : ("y", "X*"))", R"(any where process.name : ("y", "x*", "y"))",
          R"(any where process.name != "a")", R"(any where not process.name in ("a"))",
          R"(any where "a" == ?process.name)"})
        compiled.again(same);
    BOOST_TEST(compiled.predicates.size() == count);
    for (const char* other :
         {R"(any where process.name == "A")", R"(any where process.name like ("x*", "y"))",
          R"(any where process.parent.name == "a")", R"(any where process.name in~ ("a"))",
          R"(any where process.name > "a")", R"(any where process.name >= "a")",
          R"(any where startsWith(process.name, "a"))", R"(any where endsWith(process.name, "a"))",
          R"(any where startsWith~(process.name, "a"))", R"(any where length(process.name) == 1)",
          R"(any where length(process.name) == 2)", R"(any where process.pid + 1 == 2)",
          R"(any where process.pid - 1 == 2)", R"(any where process.name == null)"}) {
        const std::size_t before = compiled.predicates.size();
        compiled.again(other);
        BOOST_TEST(compiled.predicates.size() == before + 1, other);
    }
}

BOOST_AUTO_TEST_CASE(a_sequence_becomes_stages) {
    const Compiled compiled(R"(sequence by host.id, ?user.id with maxspan=1s
        [process where true] by process.pid with runs=3
        ![file where true] by process.pid
        [network where true] by process.parent.pid
        until [process where event.type == "end"] by process.pid)");
    const Program& program = compiled.program.value();
    BOOST_CHECK(program.kind == QueryKind::sequence);
    BOOST_REQUIRE(program.stages.size() == 5u);
    BOOST_TEST(program.stages[2].category == "process");
    BOOST_TEST(program.stages[2].item == 0u);
    BOOST_TEST(program.stages[3].missing);
    BOOST_TEST(program.stages[4].item == 2u);
    BOOST_TEST(program.maxspan_ns.value() == 1'000'000'000);
    BOOST_REQUIRE(program.until.has_value());
    const auto& keys = program.stages[4].keys;
    BOOST_REQUIRE(keys.size() == 3u);
    BOOST_CHECK(keys[0].field == FieldId::host_id && !keys[0].optional);
    BOOST_CHECK(keys[1].field == FieldId::user_id && keys[1].optional);
    BOOST_CHECK(keys[2].field == FieldId::process_parent_pid);
    BOOST_TEST(program.key_names == (std::vector<std::string>{"host.id", "user.id", "process.pid"}),
               boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(pipes_are_kept_for_whoever_asks) {
    const Compiled compiled("any where true | tail 10 | head 3");
    const auto& pipes = compiled.program->pipes;
    BOOST_REQUIRE(pipes.size() == 2u);
    BOOST_CHECK(pipes[0].kind == PipeStep::Kind::tail && pipes[0].count == 10);
    BOOST_CHECK(pipes[1].kind == PipeStep::Kind::head && pipes[1].count == 3);
}

BOOST_AUTO_TEST_CASE(all_errors_of_a_query_are_reported) {
    FieldNames fields;
    PredicateTable predicates;
    Diagnostics diagnostics;
    const auto parsed = parse_query(
        "any where lenght(process.name) == 1 and 5 and process.name in~ (1) | count", diagnostics);
    BOOST_REQUIRE(parsed.has_value());
    BOOST_CHECK(!compile_query(*parsed, fields, predicates, diagnostics));
    BOOST_TEST(std::count_if(diagnostics.begin(), diagnostics.end(), [](const Diagnostic& one) {
                   return one.severity == Severity::error;
               }) == 4);
}

BOOST_AUTO_TEST_CASE(of_many_errors_the_first_are_listed) {
    std::string query = "process where true";
    for (int i = 0; i < 40; ++i)  // warnings
        query += " and process.nmae" + std::to_string(i) + " == 1";
    for (int i = 0; i < 1000; ++i)
        query += " and lenght(process.name) > 1";
    FieldNames fields;
    PredicateTable predicates;
    Diagnostics diagnostics;
    const auto parsed = parse_query(query, diagnostics);
    BOOST_REQUIRE(parsed.has_value());
    BOOST_CHECK(!compile_query(*parsed, fields, predicates, diagnostics));
    BOOST_REQUIRE(diagnostics.size() == 26u);
    BOOST_TEST(diagnostics[0].message == "unknown function 'lenght'");
    BOOST_TEST(diagnostics[24].message == "unknown function 'lenght'");
    BOOST_TEST(diagnostics[25].message == "975 more are not listed");
}

BOOST_AUTO_TEST_CASE(an_unknown_field_is_warned_of_once_a_query) {
    const Compiled compiled("any where no.such == 1 or no.such == 2 or no.such == 3");
    BOOST_TEST(compiled.diagnostics.size() == 1u);
    BOOST_TEST(compiled.program->degraded);
}

BOOST_AUTO_TEST_CASE(a_field_of_events_that_are_anybodys_is_no_mistake) {
    FieldNames fields;
    PredicateTable predicates;
    Diagnostics diagnostics;
    const auto parsed = parse_query("any where no.such == 1", diagnostics);
    const auto program =
        compile_query(*parsed, fields, predicates, diagnostics, {.any_field = true});
    BOOST_TEST(diagnostics.empty());
    BOOST_TEST(!program->degraded);
}

BOOST_AUTO_TEST_CASE(another_field_can_hold_the_category) {
    FieldNames fields;
    PredicateTable predicates;
    Diagnostics diagnostics;
    const auto parsed = parse_query("process where true", diagnostics);
    const auto program =
        compile_query(*parsed, fields, predicates, diagnostics, {.category_field = "event.knid"});
    BOOST_TEST(program->stages[0].category == "");
    BOOST_REQUIRE(predicates.size() == 1u);
    BOOST_TEST((predicates.fields(PredicateId{0}) == std::vector{*fields.find("event.knid")}));
    BOOST_REQUIRE(diagnostics.size() == 1u);
    BOOST_TEST(diagnostics[0].message == "unknown field 'event.knid'");
    BOOST_TEST(diagnostics[0].at.length >= 7u);  // at the category
    BOOST_TEST(program->degraded);
}

BOOST_AUTO_TEST_CASE(too_many_stages_are_refused) {
    std::string query = "sequence";
    for (int i = 0; i < 11; ++i)
        query += " [any where true] with runs=100";
    FieldNames fields;
    PredicateTable predicates;
    Diagnostics diagnostics;
    const auto parsed = parse_query(query, diagnostics);
    BOOST_REQUIRE(parsed.has_value());
    BOOST_CHECK(!compile_query(*parsed, fields, predicates, diagnostics));
    BOOST_TEST(diagnostics.back().message == "the sequence has too many stages");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
