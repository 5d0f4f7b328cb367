// SPDX-License-Identifier: Apache-2.0
#include "detect/rule/rule_set.hpp"

#include <string>

#include <boost/test/unit_test.hpp>

#include "tests/unit/engine/support.hpp"

namespace {

using namespace audisp_eql::detect;
using test::rule_source;
using Status = RuleReport::Status;

Status status_of(std::string_view query) {
    std::vector<RuleReport> reports;
    RuleSet::build({rule_source("r.toml", "r", query)}, {}, reports);
    return reports.at(0).status;
}

BOOST_AUTO_TEST_SUITE(rule)

BOOST_AUTO_TEST_CASE(what_a_rule_can_see_on_this_agent) {
    struct Row {
        const char* query;
        Status status;
    };
    const Row rows[] = {
        {R"(process where process.name == "a")", Status::ok},
        {R"(process where process.name == "ba*")", Status::ok},  // a warning, but it can hold
        {R"(process where process.name == "a" or dns.x == "b")", Status::degraded},
        {R"(process where process.pid == "a" or process.pid == 1)", Status::degraded},
        {R"(process where process.name == "a" and dns.x == "b")", Status::inert},
        {R"(process where process.name == "a" and dns.x == null)", Status::degraded},
        {R"(process where process.name == "a" and not dns.x == "b")", Status::degraded},
        {R"(process where length(dns.x) > 3)", Status::inert},
        {R"(process where length(dns.x) == null)", Status::degraded},
        {R"(dns where true)", Status::inert},
        {R"(any where event.category == "dns")", Status::inert},
        {R"(any where event.category in ("dns", "process"))", Status::ok},
        {R"(any where event.category != "dns")", Status::ok},
        {R"(sequence by host.id [process where true] [dns where true])", Status::inert},
        {R"(sequence by host.id with maxspan=1s [process where true] ![dns where true])",
         Status::ok},
        {R"(sequence by dns.x [process where true] [process where true])", Status::inert},
        {R"(sequence by ?dns.x [process where true] [process where true])", Status::degraded},
        {R"(process where lenght(process.name) == 1)", Status::error},
        {R"(process where (process.name == "a")", Status::error},
    };
    for (const Row& row : rows) {
        BOOST_TEST_CONTEXT(row.query) {
            BOOST_TEST(to_string(status_of(row.query)) == to_string(row.status));
        }
    }
}

BOOST_AUTO_TEST_CASE(a_rule_may_name_another_category_field) {
    std::vector<RuleReport> reports;
    const auto set = RuleSet::build(
        {rule_source("a", "a", "start where true", "event_category_override = \"event.type\"\n"),
         rule_source("b", "b", "start where true", "event_category_override = \"kind\"\n")},
        {}, reports);
    BOOST_CHECK(reports.at(0).status == Status::ok);
    BOOST_TEST(reports[0].diagnostics.empty());
    BOOST_CHECK(reports.at(1).status == Status::inert);
    BOOST_TEST(reports[1].diagnostics.at(0).message == "unknown field 'kind'");
    test::Run run(set);
    run.feed("1", 1000, R"("event.type":"start","kind":"end")");
    run.feed("2", 2000, R"("event.type":"end","kind":"start")");
    BOOST_TEST(run.found.take() == (test::Lines{"a 1", "b 2"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(one_broken_rule_does_not_take_the_others_along) {
    std::vector<RuleReport> reports;
    const auto set = RuleSet::build({rule_source("a", "a", "any where true"),
                                     rule_source("b", "b", "any where ("),
                                     rule_source("c", "c", "any where lenght(process.name) == 1"),
                                     {"d", "this is no TOML ["},
                                     rule_source("e", "e", "process where true")},
                                    {}, reports);
    BOOST_TEST(set->rules().size() == 2u);
    BOOST_TEST(reports.size() == 5u);
    for (const std::size_t broken : {1U, 2U, 3U}) {
        BOOST_CHECK(reports[broken].status == Status::error);
        BOOST_TEST(has_errors(reports[broken].diagnostics));
    }
    BOOST_TEST(reports[4].id == "e");
}

BOOST_AUTO_TEST_CASE(errors_of_the_compiler_stand_at_their_place_in_the_file) {
    std::vector<RuleReport> reports;
    const RuleSource source =
        rule_source("a", "a", "any where true and\n  lenght(process.name) == 1");
    RuleSet::build({source}, {}, reports);
    const Diagnostic& one = reports.at(0).diagnostics.at(0);
    BOOST_TEST(source.text.substr(one.at.offset, one.at.length) == "lenght");
}

BOOST_AUTO_TEST_CASE(deprecated_rules_are_checked_and_left_out) {
    RuleSource source = rule_source("a", "a", "any where true");
    source.text.replace(source.text.find("production"), 10, "deprecated");
    std::vector<RuleReport> reports;
    BOOST_TEST(RuleSet::build({source}, {}, reports)->rules().empty());
    BOOST_CHECK(reports.at(0).status == Status::deprecated);
    reports.clear();
    RuleSet::Options options;
    options.evaluate_deprecated = true;
    BOOST_TEST(RuleSet::build({source}, options, reports)->rules().size() == 1u);
    BOOST_CHECK(reports.at(0).status == Status::ok);
}

BOOST_AUTO_TEST_CASE(which_categories_the_rules_ask_for) {
    struct Row {
        const char* query;
        bool file;
    };
    const Row rows[] = {
        {R"(file where true)", true},
        {R"(process where file.path == "/x")", false},
        {R"(any where true)", true},
        {R"(any where event.category == "file")", true},
        {R"(any where event.category == "process")", false},
        {R"(any where event.category : ("network", "f*"))", true},
        {R"(any where event.category != "file")", false},
        {R"(any where startsWith(event.category, "fi"))", true},
        {R"(process where event.action == "exec" or event.category == "file")", false},
        {R"(sequence by process.entity_id [process where true] [network where true])", false},
        {R"(sequence by process.entity_id [process where true] [file where true])", true},
        {R"(sequence by process.entity_id [process where true] [network where true] )"
         R"(until [file where true])",
         true},
        {R"(process where descendant of [file where true])", true},
    };
    for (const Row& row : rows) {
        BOOST_TEST_CONTEXT(row.query) {
            Diagnostics diagnostics;
            const auto set = RuleSet::of_query(row.query, diagnostics);
            BOOST_REQUIRE(set);
            BOOST_TEST(set->asks_for("file") == row.file);
        }
    }
    std::vector<RuleReport> reports;
    BOOST_TEST(!RuleSet::build({}, {}, reports)->asks_for("file"));
}

BOOST_AUTO_TEST_CASE(two_rules_with_one_id_are_an_error) {
    std::vector<RuleReport> reports;
    const auto set = RuleSet::build({rule_source("a.toml", "x", "any where true"),
                                     rule_source("b.toml", "x", "process where true")},
                                    {}, reports);
    BOOST_TEST(set->rules().size() == 1u);
    BOOST_CHECK(reports.at(1).status == Status::error);
    BOOST_TEST(reports[1].diagnostics.at(0).message.find("a.toml") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_digest_names_the_rules_and_their_order) {
    const auto digest = [](const std::vector<RuleSource>& sources) {
        std::vector<RuleReport> reports;
        return RuleSet::build(sources, {}, reports)->digest();
    };
    const RuleSource a = rule_source("a", "a", "any where true");
    const RuleSource b = rule_source("b", "b", "process where true");
    BOOST_TEST(digest({a, b}).size() == 64u);
    BOOST_TEST(digest({a, b}) == digest({a, b}));
    BOOST_TEST(digest({a, b}) != digest({b, a}));
    BOOST_TEST(digest({a}) != digest({b}));
}

BOOST_AUTO_TEST_CASE(a_query_is_a_set_of_one) {
    Diagnostics diagnostics;
    const auto set = RuleSet::of_query("any where process.pid == 1", diagnostics);
    BOOST_REQUIRE(set);
    BOOST_TEST(set->rules().size() == 1u);
    BOOST_TEST(!set->digest().empty());
    BOOST_CHECK(!RuleSet::of_query("any where", diagnostics));
    BOOST_TEST(has_errors(diagnostics));
}

BOOST_AUTO_TEST_CASE(which_fields_the_rules_look_at) {
    Diagnostics diagnostics;
    const auto set = RuleSet::of_query(
        "sequence by process.entity_id [process where process.name == \"a\"] by process.pid "
        "[process where length(process.args) > 2 and process.tty.name != null] by process.pid "
        "until [process where process.exit_code == 1] by process.parent.pid",
        diagnostics);
    BOOST_REQUIRE(set);
    const std::pair<FieldId, bool> rows[] = {
        {FieldId::process_entity_id, true},    {FieldId::process_pid, true},
        {FieldId::process_name, true},         {FieldId::process_args, true},
        {FieldId::process_tty_name, true},     {FieldId::process_exit_code, true},
        {FieldId::process_parent_pid, true},   {FieldId::process_executable, false},
        {FieldId::process_parent_name, false}, {FieldId::container_id, false}};
    for (const auto& [field, used] : rows) {
        BOOST_TEST_CONTEXT(set->fields().row(field).name) {
            BOOST_TEST(set->uses(field) == used);
        }
    }
    BOOST_TEST(set->tests_on(FieldId::process_name).size() == 1u);
    BOOST_TEST(matches(*set->tests_on(FieldId::process_name)[0], Value::text("a")));
    BOOST_TEST(set->tests_on(FieldId::process_args).empty());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
