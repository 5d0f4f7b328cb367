// SPDX-License-Identifier: Apache-2.0
#include <random>

#include "detect/alert/alert.hpp"
#include "tests/unit/alert/story.hpp"

namespace {

using namespace audisp_eql::detect;
namespace json = boost::json;

// A story with long command lines of awkward characters.
Alert long_alert(std::size_t argument_bytes, std::size_t arguments) {
    Match match = story::match();
    const char* const awkward[] = {"x", "\\\"", "\\u0001", "\xc3\xa9", "\xe2\x82\xac", ",", "]"};
    std::mt19937 random(5);
    std::string argument;
    while (argument.size() < argument_bytes)
        argument += awkward[random() % std::size(awkward)];
    std::string json =
        R"({"@timestamp":1700000000123,"host":{"name":"web1"},"event":{"action":"exec"},)"
        R"("process":{"name":"sh","pid":42,"command_line":")" +
        argument + R"(","args":["sh")";
    for (std::size_t i = 0; i < arguments; ++i)
        json += ",\"" + argument + "\"";
    json += R"(],"parent":{"name":"bash","pid":41,"args":["bash",")" + argument + R"("]}}})";
    match.events[2] = story::event(json, {Origin::Kind::audit, 1'700'000'000'003, 9, 42});
    match.events[0] = match.events[2];
    const std::vector<Ancestor> ancestry{{"bash", 41, "e41", {"bash", argument}}};
    AlertContext context;
    context.ancestry = ancestry;
    return make_alert(story::rule(), {&match, 1}, context);
}

BOOST_AUTO_TEST_SUITE(alert)

BOOST_AUTO_TEST_CASE(what_fits_is_left_alone) {
    const Match match = story::match();
    const Alert made = make_alert(story::rule(), {&match, 1}, {});
    BOOST_TEST(trim_alert(made, 8000) == made.json);
    BOOST_TEST(trim_alert(made, made.json.size()) == made.json);
    BOOST_TEST(trim_alert(made, made.json.size() - 1) != made.json);
}

BOOST_AUTO_TEST_CASE(trimmed_alerts_are_valid_fit_and_name_what_happened) {
    for (const auto& [bytes, count] : {std::pair<std::size_t, std::size_t>{10, 3},
                                       {300, 5},
                                       {5000, 1},
                                       {40, 500},
                                       {100'000, 2}}) {
        const Alert made = long_alert(bytes, count);
        for (std::size_t limit = kSmallestAlert; limit < 20'000; limit += limit / 9) {
            const std::string text = trim_alert(made, limit);
            BOOST_TEST_CONTEXT("argument of " << bytes << " x " << count << ", limit " << limit) {
                BOOST_TEST_REQUIRE(text.size() <= limit);
                const json::value document = story::parsed(text);
                BOOST_TEST(story::text_at(document, "event.id") == "\"" + made.id + "\"");
                BOOST_TEST(story::text_at(document, "rule.name") == "\"Reverse Shell\"");
                BOOST_TEST(story::at(document, "message"));
                BOOST_TEST((text == made.json) == !story::at(document, "audisp_eql.trimmed"));
            }
        }
        const json::value usual = story::parsed(trim_alert(made, 8000));
        BOOST_TEST(story::text_at(usual, "process.pid") == "42");
        BOOST_TEST(story::text_at(usual, "process.parent.pid") == "41");
        BOOST_TEST(story::at(usual, "process.command_line"));
        const json::array& sequence = story::at(usual, "audisp_eql.sequence")->as_array();
        BOOST_TEST_REQUIRE(sequence.size() == 3u);
        BOOST_TEST(story::text_at(sequence[0], "audit.serial") == "9");
        BOOST_TEST(story::text_at(sequence[1], "destination.ip") == "\"192.0.2.1\"");
    }
}

BOOST_AUTO_TEST_CASE(what_went_is_said_in_the_order_it_went) {
    const Alert made = long_alert(300, 2);
    const json::value document = story::parsed(trim_alert(made, made.json.size() - 200));
    BOOST_TEST(story::text_at(document, "audisp_eql.trimmed") ==
               R"(["rule.description, references",)"
               R"("audisp_eql.sequence: the last event's fields, told above"])");
    BOOST_TEST(!story::at(document, "rule.description"));
    BOOST_TEST(!story::at(document, "threat.tactic.reference"));
    BOOST_TEST(story::at(document, "threat.tactic.name"));
    const json::array& sequence = story::at(document, "audisp_eql.sequence")->as_array();
    BOOST_TEST(story::text_at(sequence[2], "audit.serial") == "9");
    BOOST_TEST(!story::at(sequence[2], "process.command_line"));
    BOOST_TEST(story::at(sequence[0], "process.command_line"));
}

// As the peer of a connection does: it is what the alert is about.
BOOST_AUTO_TEST_CASE(a_file_s_path_stays_to_the_last) {
    const std::string words(6000, 'x');
    Match match = story::match();
    match.events[2] = story::event(
        R"({"@timestamp":1,"event":{"action":["creation","opened-file"]},)"
        R"("file":{"path":"/etc/cron.d/job","owner":"root"},"process":{"name":"sh","pid":42,)"
        R"("command_line":")" +
            words + R"("}})",
        {Origin::Kind::audit, 1'700'000'000'003, 9, 42});
    const Alert made = make_alert(story::rule(), {&match, 1}, {});
    std::size_t trimmed = 0;
    for (std::size_t limit = 1500; limit < made.json.size(); limit += 500, ++trimmed) {
        const json::value document = story::parsed(trim_alert(made, limit));
        BOOST_TEST_REQUIRE(story::text_at(document, "file.path") == "\"/etc/cron.d/job\"");
    }
    BOOST_TEST(trimmed > 5U);
}

BOOST_AUTO_TEST_CASE(holes_stay_holes) {
    Match match = story::match();
    match.events[1] = nullptr;
    const Alert made = make_alert(story::rule(), {&match, 1}, {});
    const json::value document = story::parsed(trim_alert(made, 1100));
    const json::array& sequence = story::at(document, "audisp_eql.sequence")->as_array();
    BOOST_TEST(sequence[0].is_object());
    BOOST_TEST(sequence[1].is_null());
}

BOOST_AUTO_TEST_CASE(an_alert_without_its_parts_is_cut_too) {
    Alert made;
    made.id = "id";
    made.message = std::string(5000, '"');
    made.rule_name = std::string(5000, '\\');
    made.json = std::string(10'000, ' ');
    for (const std::size_t limit : {0, 512, 513, 1000, 8000}) {
        const std::string text = trim_alert(made, limit);
        BOOST_TEST(text.size() <= std::max<std::size_t>(limit, kSmallestAlert));
        BOOST_TEST(story::text_at(story::parsed(text), "event.id") == "\"id\"");
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
