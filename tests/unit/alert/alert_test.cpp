// SPDX-License-Identifier: Apache-2.0
#include "detect/alert/alert.hpp"

#include "detect/alert/sentence.hpp"
#include "detect/text/utf8.hpp"
#include "tests/unit/alert/story.hpp"

namespace {

using namespace audisp_eql::detect;
namespace json = boost::json;

Alert alert_of(const Rule& rule, const Match& match, const AlertContext& context = {}) {
    return make_alert(rule, {&match, 1}, context);
}

BOOST_AUTO_TEST_SUITE(alert)

BOOST_AUTO_TEST_CASE(an_alert_tells_the_whole_story) {
    const std::vector<Ancestor> ancestry{{"bash", 41, "e41", {"bash"}}, {"sshd", 1, "e1", {}}};
    AlertContext context;
    context.program_version = "0.1.0";
    context.ruleset_digest = "d1";
    context.feeds = {"audit", "proc"};
    context.ancestry = ancestry;
    context.gap = {"audit", 5, true};
    const Alert made = alert_of(story::rule(), story::match(), context);
    const json::value document = story::parsed(made.json);

    struct Row {
        const char* name;
        const char* json;
    };
    const Row rows[] = {
        {"@timestamp", R"("2023-11-14T22:13:20.123000Z")"},
        {"ecs.version", R"("8.11.0")"},
        {"event.kind", R"("alert")"},
        {"event.action", R"(["exec","executed"])"},
        {"event.category", R"(["process"])"},
        {"event.severity", "47"},
        {"event.risk_score", "47"},
        {"kibana.alert.severity", R"("medium")"},
        {"rule.id", R"("fa3a59dc-33c3-43bf-80a9-e8437a922c7f")"},
        {"rule.name", R"("Reverse Shell")"},
        {"rule.description", R"("A program connects out and becomes a shell.")"},
        {"rule.reference", R"("https://example.org/one")"},
        {"rule.version", R"("3")"},
        {"threat.framework", R"("MITRE ATT&CK")"},
        {"threat.tactic.id", R"(["TA0002","TA0011"])"},
        {"threat.tactic.name", R"(["Execution","Command and Control"])"},
        {"threat.technique.id", R"(["T1059"])"},
        {"threat.technique.subtechnique.id", R"(["T1059.004"])"},
        {"related.ip", R"(["192.0.2.1"])"},
        {"related.user", R"(["root"])"},
        {"related.hosts", R"(["web1"])"},
        {"process.name", R"("sh")"},
        {"process.pid", "42"},
        {"process.parent.name", R"("bash")"},
        {"audisp_eql.feeds", R"(["audit","proc"])"},
        {"audisp_eql.join_keys", R"(["e42"])"},
        {"audisp_eql.ruleset", R"("d1")"},
        {"audisp_eql.version", R"("0.1.0")"},
        {"audisp_eql.gap", R"({"at_least":true,"count":5,"source":"audit"})"},
        {"audisp_eql.inferred", "(none)"},
        {"audisp_eql.others", "(none)"},
        {"audisp_eql.trimmed", "(none)"},
        {"audisp_eql.audit", "(none)"},  // internal
    };
    for (const Row& row : rows)
        BOOST_TEST(story::text_at(document, row.name) == row.json, row.name);

    const json::array& sequence = story::at(document, "audisp_eql.sequence")->as_array();
    BOOST_TEST_REQUIRE(sequence.size() == 3u);
    BOOST_TEST(story::text_at(sequence[0], "audit") ==
               R"({"key":["audisp_eql","other"],"serial":7,"time":"2023-11-14T22:13:20.003000Z"})");
    BOOST_TEST(story::text_at(sequence[0], "process.executable") == R"("/tmp/x")");
    BOOST_TEST(story::text_at(sequence[1], "destination") == R"({"ip":"192.0.2.1","port":4444})");
    BOOST_TEST(story::text_at(sequence[2], "audit.serial") == "9");
    const json::array& ancestors = story::at(document, "audisp_eql.ancestry")->as_array();
    BOOST_TEST(json::serialize(ancestors[0]) ==
               R"({"args":["bash"],"entity_id":"e41","name":"bash","pid":41})");
    BOOST_TEST(story::text_at(ancestors[1], "pid") == "1");

    BOOST_TEST(made.rule_name == "Reverse Shell");
    BOOST_TEST(made.wall_us == 1'700'000'000'123'000);
    BOOST_TEST(story::text_at(document, "event.id") == "\"" + made.id + "\"");
    BOOST_TEST(made.json.find('\n') == std::string::npos);
    BOOST_TEST(made.message ==
               "Reverse Shell: sh (pid 42, /tmp/sh) of user root, child of bash (pid 41), "
               "connected to 192.0.2.1:4444, on host web1");
}

// Pinned: an id must not change between versions, or resends become new alerts. Computed with
// python: uuid.uuid5(uuid.UUID(rule), "1700000000.003:7,1700000000.200:8,1700000000.003:9").
BOOST_AUTO_TEST_CASE(ids_are_reproducible) {
    BOOST_TEST(alert_of(story::rule(), story::match()).id ==
               "d888958b-b436-510c-be6c-e9a8168d4bad");
    Rule renamed = story::rule();
    renamed.name = "Other";
    BOOST_TEST(alert_of(renamed, story::match()).id == alert_of(story::rule(), story::match()).id);
    renamed.id = "my rule";
    Match match;
    match.events = {story::fork(123), nullptr, story::exec("sh", 9)};
    // uuid5(uuid5(nil, "my rule"), "proc:123:42,-,1700000000.003:9")
    BOOST_TEST(alert_of(renamed, match).id == "5b3bf60c-8608-5de0-b903-4997aa1032b2");
}

BOOST_AUTO_TEST_CASE(severities) {
    struct Row {
        RuleSeverity severity;
        const char* number;
        const char* name;
    };
    for (const Row& row :
         {Row{RuleSeverity::low, "21", "\"low\""}, Row{RuleSeverity::medium, "47", "\"medium\""},
          Row{RuleSeverity::high, "73", "\"high\""},
          Row{RuleSeverity::critical, "99", "\"critical\""}}) {
        Rule rule = story::rule();
        rule.severity = row.severity;
        const json::value document = story::parsed(alert_of(rule, story::match()).json);
        BOOST_TEST(story::text_at(document, "event.severity") == row.number);
        BOOST_TEST(story::text_at(document, "kibana.alert.severity") == row.name);
    }
}

BOOST_AUTO_TEST_CASE(missing_events_are_holes_and_connector_events_say_when) {
    Match match;
    match.events = {nullptr, story::fork(123), nullptr};
    match.join_keys = {std::monostate{}, std::int64_t{5}, true, 0.5};
    const Alert made = alert_of(story::rule(), match);
    const json::value document = story::parsed(made.json);
    const json::array& sequence = story::at(document, "audisp_eql.sequence")->as_array();
    BOOST_TEST_REQUIRE(sequence.size() == 3u);
    BOOST_TEST(sequence[0].is_null());
    BOOST_TEST(sequence[2].is_null());
    BOOST_TEST(story::text_at(sequence[1], "proc") == R"({"ns":123})");
    BOOST_TEST(story::text_at(document, "event.action") == "\"fork\"");
    BOOST_TEST(story::text_at(document, "audisp_eql.join_keys") == "[null,5,true,5E-1]");
}

BOOST_AUTO_TEST_CASE(an_inferred_event_marks_the_alert) {
    Match match = story::match();
    match.events[0] = story::event(R"({"audisp_eql":{"inferred":true}})", {});
    BOOST_TEST(story::text_at(story::parsed(alert_of(story::rule(), match).json),
                              "audisp_eql.inferred") == "true");
}

BOOST_AUTO_TEST_CASE(other_matches_are_listed) {
    std::vector<Match> matches(3, story::match());
    matches[1].events = {story::fork(1), nullptr, story::exec("sh", 9)};
    matches[1].join_keys = {std::string("e1")};
    matches[2].join_keys.clear();
    const json::value document = story::parsed(make_alert(story::rule(), matches, {}).json);
    BOOST_TEST(story::text_at(document, "audisp_eql.others") ==
               R"([{"events":["proc:1:42","-","1700000000.003:9"],"join_keys":["e1"]},)"
               R"({"events":["1700000000.003:7","1700000000.200:8","1700000000.003:9"]}])");

    const std::vector<Match> many(500, story::match());
    const json::value bounded = story::parsed(make_alert(story::rule(), many, {}).json);
    BOOST_TEST(story::at(bounded, "audisp_eql.others")->as_array().size() == 100u);
    BOOST_TEST(story::text_at(bounded, "audisp_eql.trimmed") == R"(["audisp_eql.others"])");
}

BOOST_AUTO_TEST_CASE(a_rule_that_says_little_makes_a_small_alert) {
    const Alert made = alert_of(Rule{}, story::match());
    const json::value document = story::parsed(made.json);
    BOOST_TEST(!story::at(document, "rule"));
    BOOST_TEST(!story::at(document, "threat"));
    BOOST_TEST(!made.id.empty());
    Rule rule = story::rule();
    rule.references.push_back("https://example.org/two");
    BOOST_TEST(story::at(story::parsed(alert_of(rule, story::match()).json), "rule.reference")
                   ->as_array()
                   .size() == 2u);
}

BOOST_AUTO_TEST_CASE(sentences) {
    struct Row {
        const char* json;
        const char* sentence;
    };
    const Row rows[] = {
        {R"({})", "Reverse Shell: a process"},
        {R"({"process":{"name":["dash","sh"],"pid":5},"user":{"id":"33"}})",
         "Reverse Shell: dash (pid 5) of user 33"},
        {R"({"destination":{"ip":"2001:db8::1","port":443}})",
         "Reverse Shell: a process, connected to [2001:db8::1]:443"},
        {R"({"destination":{"ip":"2001:db8::1"}})",
         "Reverse Shell: a process, connected to 2001:db8::1"},
        {R"({"event":{"action":"connection_accepted"},"source":{"ip":"192.0.2.9","port":5},)"
         R"("destination":{"ip":"192.0.2.1"}})",
         "Reverse Shell: a process, accepted a connection from 192.0.2.9:5"},
        {R"({"event":{"action":["creation","opened-file"]},"file":{"path":"/etc/cron.d/x"}})",
         "Reverse Shell: a process, created /etc/cron.d/x"},
        {R"({"event":{"action":["rename","renamed"]},"file":{"path":"/tmp/b",)"
         R"("Ext":{"original":{"path":"/tmp/a"}}}})",
         "Reverse Shell: a process, renamed /tmp/a to /tmp/b"},
        {R"({"event":{"action":["deletion","deleted"]},"file":{"name":"b"}})",
         "Reverse Shell: a process, deleted b"},
        {R"({"event":{"action":"exec"},"file":{"path":"/tmp/b"}})", "Reverse Shell: a process"},
        {"{\"process\":{\"name\":\"a\\u001b[2J\\n\xff\xe2\x80\xae\"}}",
         "Reverse Shell: a?[2J???"},  // nothing a terminal acts on
    };
    for (const Row& row : rows) {
        Match match;
        match.events = {story::event(row.json, {})};
        BOOST_TEST(alert_sentence(story::rule(), match) == row.sentence);
    }
    std::string cut;
    append_printable(cut, "aaaa\xc3\xa9", 5);
    BOOST_TEST(cut == "aaaa\xe2\x80\xa6");
    BOOST_TEST(alert_sentence(story::rule(), Match{}) == "Reverse Shell");
}

BOOST_AUTO_TEST_CASE(hostile_names_break_nothing) {
    std::string name;
    for (int c = 1; c < 256; ++c)
        name += static_cast<char>(c);
    BlockBuilder builder;
    builder.set_text(FieldId::process_name, name);
    builder.set_integer(FieldId::process_pid, 42);
    Event::Layers layers;
    layers[static_cast<std::size_t>(Layer::image)] = builder.finish();
    Match match;
    match.events = {EventPtr(new Event({1, 1}, {}, layers))};
    const std::vector<Ancestor> ancestry{{name, 1, name, {name}}};
    AlertContext context;
    context.ancestry = ancestry;
    const Alert made = alert_of(story::rule(), match, context);
    const json::value document = story::parsed(made.json);
    BOOST_TEST(story::at(document, "audisp_eql.raw.process.name")->as_string().size() == 510u);
    BOOST_TEST(is_utf8(made.message));
    for (const char c : made.message)
        BOOST_TEST_REQUIRE(static_cast<unsigned char>(c) >= 0x20);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
