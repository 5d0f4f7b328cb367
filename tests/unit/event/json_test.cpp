// SPDX-License-Identifier: Apache-2.0
// The reader and the writer, against each other and against Boost.JSON.
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <boost/test/unit_test.hpp>

#include "detect/event/json_reader.hpp"
#include "detect/event/json_writer.hpp"
#include "detect/text/utf8.hpp"

namespace {

using namespace audisp_eql::detect;
namespace json = boost::json;

std::string written(const Event& event, const FieldNames* fields = nullptr) {
    std::string out;
    append_event_json(out, event, fields);
    return out;
}

EventPtr read_known(std::string_view line) {
    static FieldNames names;
    JsonEventReader reader(names, false);
    std::string error;
    EventPtr event = reader.read(line, error);
    BOOST_TEST_REQUIRE(event, error);
    return event;
}

// What goes in comes out, sorted and nested; read with every name kept.
std::string round_trip(std::string_view line) {
    FieldNames names;
    JsonEventReader reader(names, true);
    std::string error;
    const EventPtr event = reader.read(line, error);
    return event ? written(*event, &names) : "error: " + error;
}

std::string read_error(std::string_view line) {
    FieldNames names;
    JsonEventReader reader(names, true);
    std::string error;
    BOOST_TEST(!reader.read(line, error));
    return error;
}

EventPtr event_of(BlockBuilder& own) {
    Event::Layers layers;
    layers[0] = own.finish();
    return EventPtr(new Event({}, {}, layers));
}

BOOST_AUTO_TEST_SUITE(event)

BOOST_AUTO_TEST_CASE(strings_are_escaped) {
    struct Row {
        std::string_view bytes;
        const char* json;
        bool valid;
    };
    const Row rows[] = {
        {"", R"("")", true},
        {"plain /bin/sh", R"("plain /bin/sh")", true},
        {"a\"b\\c", R"("a\"b\\c")", true},
        {"a\nb\r\t\x01\x1b", R"("a\nb\r\t\u0001\u001b")", true},
        {std::string_view("\0", 1), R"("\u0000")", true},
        {"\x7f\xc2\x9b", R"("\u007f\u009b")", true},  // DEL, and C1's control sequence introducer
        {"\xc2\xa0\xc3\xa9\xf0\x9f\x98\x80", "\"\xc2\xa0\xc3\xa9\xf0\x9f\x98\x80\"", true},
        {"a\xff", "\"a\xef\xbf\xbd\"", false},
        {"\xc0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\"", false},
        {"\xed\xa0\x80x", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdx\"", false},
        {"\xe2\x82", "\"\xef\xbf\xbd\xef\xbf\xbd\"", false},
    };
    for (const Row& row : rows) {
        std::string out;
        BOOST_TEST(append_json_string(out, row.bytes) == row.valid);
        BOOST_TEST(out == row.json);
    }
}

BOOST_AUTO_TEST_CASE(hostile_strings_are_always_one_line_of_valid_json) {
    std::mt19937 random(4);
    for (int i = 0; i < 10'000; ++i) {
        std::string bytes;
        for (std::size_t n = random() % 40; n > 0; --n) {
            // Mostly what is special somewhere.
            static constexpr char kSpecial[] =
                "\"\\\n\r\t\x1b\x7f\xc3\xa9\xe2\x82\xac\xf0\xed\xff{},:";
            bytes += random() % 2 == 0 ? kSpecial[random() % (sizeof kSpecial - 1)]
                                       : static_cast<char>(random() % 256);
        }
        BlockBuilder own;
        own.set_text(FieldId::user_name, bytes);
        const std::vector<std::string_view> both{bytes, "fine"};
        own.set_texts(FieldId::event_action, both);
        const std::string line = written(*event_of(own));
        for (const char c : line)
            BOOST_TEST_REQUIRE(static_cast<unsigned char>(c) >= 0x20);
        boost::system::error_code ec;
        const json::value parsed = json::parse(line, ec);  // refuses what is not UTF-8
        BOOST_TEST_REQUIRE(!ec, line);
        if (is_utf8(bytes)) {
            BOOST_TEST_REQUIRE(std::string_view(parsed.at("user").at("name").as_string()) == bytes);
            BOOST_TEST_REQUIRE(!parsed.as_object().contains("audisp_eql"));
            continue;
        }
        std::string hex;
        for (const char c : bytes) {
            char two[3];
            std::snprintf(two, sizeof two, "%02x", static_cast<unsigned char>(c));
            hex += two;
        }
        const json::value& raw = parsed.at("audisp_eql").at("raw");
        BOOST_TEST_REQUIRE(std::string_view(raw.at("user").at("name").as_string()) == hex);
        BOOST_TEST_REQUIRE(raw.at("event").at("action").as_array().size() == 2u);
        BOOST_TEST_REQUIRE(std::string_view(raw.at("event").at("action").at(0).as_string()) == hex);
    }
}

BOOST_AUTO_TEST_CASE(values) {
    const auto text_of = [](const Value& value) {
        std::string out;
        append_json_value(out, value);
        return out;
    };
    BOOST_TEST(text_of(Value::integer(std::numeric_limits<std::int64_t>::min())) ==
               "-9223372036854775808");
    BOOST_TEST(text_of(Value::real(0.5)) == "0.5");
    BOOST_TEST(text_of(Value::real(3)) == "3.0");
    BOOST_TEST(text_of(Value::real(1e300)) == "1e+300");
    BOOST_TEST(text_of(Value::real(std::numeric_limits<double>::infinity())) == "null");
    BOOST_TEST(text_of(Value::boolean(true)) == "true");
    BOOST_TEST(text_of(Value::date(1'700'000'000'123'456)) == "\"2023-11-14T22:13:20.123456Z\"");
}

BOOST_AUTO_TEST_CASE(an_event_is_nested_and_sorted) {
    BlockBuilder builder;
    builder.set_date(FieldId::timestamp, 0);
    builder.set_literal(FieldId::event_action, "exec");
    builder.set_literal(FieldId::event_category, "process");
    builder.set_literal(FieldId::event_type, "start");
    builder.set_text(FieldId::audit_key, "internal");
    builder.set_text(FieldId::user_id, "0");
    builder.set_integer(FieldId::process_exit_code, 1);
    Event::Layers layers;
    layers[static_cast<std::size_t>(Layer::own)] = builder.finish();
    builder.set_text(FieldId::process_name, "sh");
    const std::vector<std::string_view> args{"sh"};
    builder.set_texts(FieldId::process_args, args);
    layers[static_cast<std::size_t>(Layer::image)] = builder.finish();
    layers[static_cast<std::size_t>(Layer::parent_image)] =
        layers[static_cast<std::size_t>(Layer::image)];
    builder.set_integer(FieldId::process_pid, 7);
    layers[static_cast<std::size_t>(Layer::process)] = builder.finish();
    const EventPtr made(new Event({}, {}, layers));

    BOOST_TEST(written(*made) ==
               R"({"@timestamp":"1970-01-01T00:00:00.000000Z",)"
               R"("event":{"action":"exec","category":["process"],"type":["start"]},)"
               R"("process":{"args":["sh"],"exit_code":1,"name":"sh",)"
               R"("parent":{"args":["sh"],"name":"sh"},"pid":7},"user":{"id":"0"}})");

    // Members of the caller's take their places, within the objects that are there.
    std::string out;
    const std::vector<JsonMember> more{
        {"zone", "1"}, {"audit.serial", "42"}, {"process.code", "{}"}, {"user.id", "\"changed\""}};
    append_event_json(out, *made, nullptr, more);
    const json::value parsed = json::parse(out);
    BOOST_TEST(parsed.at("audit").at("serial").as_int64() == 42);
    BOOST_TEST(parsed.at("process").at("code").is_object());
    BOOST_TEST(parsed.at("process").at("name").as_string() == "sh");
    BOOST_TEST(parsed.at("user").at("id").as_string() == "changed");
    BOOST_TEST(parsed.at("zone").as_int64() == 1);

    const std::vector<JsonMember> members = event_members(*made);
    BOOST_TEST_REQUIRE(members.size() == 11u);
    BOOST_TEST(members.front().name == "@timestamp");
    BOOST_TEST(members[4].name == "process.args");
    BOOST_TEST(members[4].text == R"(["sh"])");
}

BOOST_AUTO_TEST_CASE(the_time_stands_in_for_a_missing_timestamp) {
    const EventPtr made(new Event({5'000, 5}, {}, {}));
    BOOST_TEST(written(*made) == R"({"@timestamp":"1970-01-01T00:00:00.000005Z"})");
    const EventPtr nothing(new Event({}, {}, {}));
    BOOST_TEST(written(*nothing) == "{}");
}

BOOST_AUTO_TEST_CASE(events_go_round) {
    struct Row {
        const char* in;
        const char* out;
    };
    const Row rows[] = {
        {R"({})", R"({})"},
        {R"({"process.name":"sh"})", R"({"process":{"name":"sh"}})"},
        {R"({"process":{"parent.name":"sh"}})", R"({"process":{"parent":{"name":"sh"}}})"},
        {R"({"process":{"name":"a"},"process.name":"b"})", R"({"process":{"name":["a","b"]}})"},
        {R"({"a":[{"b":1},{"b":2}]})", R"({"a":{"b":[1,2]}})"},
        {R"({"a":[[1],[[2,null]],3]})", R"({"a":[1,2,3]})"},
        {R"({"a":null,"b":[],"c":{},"d":[null]})", R"({})"},
        {R"({"a":[1,"x",true]})", R"({"a":["1","x","true"]})"},
        {R"({"a":1.5,"b":true,"c":-3,"d":2.0})", R"({"a":1.5,"b":true,"c":-3,"d":2.0})"},
        {R"({"n":18446744073709551615})", R"({"n":18446744073709551616.0})"},
        {R"({"a":1,"a.b":2,"a.b.c":3,"b":4})", R"({"a":1,"a.b":2,"a.b.c":3,"b":4})"},
        {R"({"x":{"a":1,"a.b":2,"z":3}})", R"({"x":{"a":1,"a.b":2,"z":3}})"},
        {R"({"b-c":1,"b":{"d":2}})", R"({"b":{"d":2},"b-c":1})"},
        {R"({"a\nb":1})", R"({"a\nb":1})"},
        {R"({"":1,".":2,"a..b":3})", R"({"":1,"":{"":2},"a":{"":{"b":3}}})"},
        // Known fields take the type of their row.
        {R"({"user":{"id":0},"process":{"pid":"7","args_count":"x"}})",
         R"({"process":{"args_count":"x","pid":7},"user":{"id":"0"}})"},
        {R"({"process":{"interactive":"true","args":"sh"},"event":{"category":"process"}})",
         R"({"event":{"category":["process"]},"process":{"args":["sh"],"interactive":true}})"},
        {R"({"destination":{"ip":"0:0:0:0:0:0:0:1","port":443},"source":{"ip":"nowhere"}})",
         R"({"destination":{"ip":"::1","port":443},"source":{"ip":"nowhere"}})"},
        {R"({"@timestamp":1700000000123})", R"({"@timestamp":"2023-11-14T22:13:20.123000Z"})"},
        {R"({"@timestamp":"2023-11-14T22:13:20.123456Z"})",
         R"({"@timestamp":"2023-11-14T22:13:20.123456Z"})"},
        {"{\"process\":{\"name\":\"a\xff\"}}",
         "{\"audisp_eql\":{\"raw\":{\"process\":{\"name\":\"61ff\"}}},"
         "\"process\":{\"name\":\"a\xef\xbf\xbd\"}}"},
        {"  {\"a\":1}\r\n", R"({"a":1})"},
    };
    for (const Row& row : rows)
        BOOST_TEST(round_trip(row.in) == row.out);
}

BOOST_AUTO_TEST_CASE(fields_go_to_their_layers) {
    const EventPtr made = read_known(
        R"({"host":{"id":"h"},"process":{"name":"sh","pid":2,"entity_id":"e2",)"
        R"("parent":{"name":"sshd","pid":1,"entity_id":"e1","user":{"id":"0"}}},"user":{"id":"5"}})");
    const auto stored = [&](Layer layer, FieldId field) {
        const BlockPtr& block = made->layer(layer);
        return block ? block->values(field) : Values{};
    };
    BOOST_TEST(stored(Layer::parent_image, FieldId::process_name)[0].as_text() == "sshd");
    BOOST_TEST(stored(Layer::parent, FieldId::process_pid)[0].as_integer() == 1);
    BOOST_TEST(stored(Layer::process, FieldId::process_parent_user_id)[0].as_text() == "0");
    BOOST_TEST(stored(Layer::host, FieldId::host_id)[0].as_text() == "h");
    BOOST_TEST(made->text(FieldId::process_name) == "sh");
    BOOST_TEST(made->text(FieldId::process_parent_name) == "sshd");
    BOOST_TEST(made->text(FieldId::process_parent_entity_id) == "e1");
    BOOST_TEST(made->text(FieldId::user_id) == "5");
}

BOOST_AUTO_TEST_CASE(unknown_names_are_kept_only_if_wanted) {
    FieldNames names;
    const FieldId wanted = names.intern("dns.question.name");
    JsonEventReader reader(names, false);
    std::string error;
    const EventPtr made = reader.read(R"({"dns":{"question":{"name":"x","class":"IN"}}})", error);
    BOOST_TEST(made->text(wanted) == "x");
    BOOST_TEST(!names.find("dns.question.class"));
}

BOOST_AUTO_TEST_CASE(times_and_tiebreakers_come_from_the_named_fields) {
    FieldNames names;
    JsonEventReader reader(names, false, {"event.created", "event.sequence"});
    std::string error;
    const EventPtr made =
        reader.read(R"({"event":{"created":"1970-01-01T00:00:01Z","sequence":9}})", error);
    BOOST_TEST(reader.has_time());
    BOOST_TEST(made->time().wall_us == 1'000'000);
    BOOST_TEST(made->time().engine_ns == 1'000'000'000);
    BOOST_TEST(made->values(*names.find("event.sequence"))[0].as_integer() == 9);
    BOOST_CHECK(made->origin().kind == Origin::Kind::line);
    BOOST_TEST(made->origin().serial == 1u);

    for (const char* line : {R"({"@timestamp":5})", R"({"event":{"created":"soon"}})",
                             R"({"event":{"created":9223372036854775807}})",
                             R"({"event":{"created":1e300}})", R"({"event":{"created":true}})"}) {
        BOOST_TEST(reader.read(line, error), line);
        BOOST_TEST(!reader.has_time(), line);
    }
    // The engine subtracts times from each other.
    const std::int64_t last =
        reader.read(R"({"event":{"created":"9999-12-31"}})", error)->time().engine_ns;
    const std::int64_t first =
        reader.read(R"({"event":{"created":"0001-01-01"}})", error)->time().engine_ns;
    BOOST_TEST(last > 4'000'000'000'000'000'000);
    BOOST_TEST(first == -last);
}

BOOST_AUTO_TEST_CASE(bad_input_is_said_and_survived) {
    BOOST_TEST(read_error("").find("byte 1") != std::string::npos);
    BOOST_TEST(read_error("{\"a\":1").find("not valid JSON") != std::string::npos);
    BOOST_TEST(read_error("{\"a\":1}{").find("byte 8") != std::string::npos);
    BOOST_TEST(read_error("[1]") == "not a JSON object");
    BOOST_TEST(read_error("7") == "not a JSON object");
    BOOST_TEST(read_error("type=SYSCALL msg=audit(1.2:3): x").find("not valid JSON") !=
               std::string::npos);
    std::string deep;
    for (int i = 0; i < 100'000; ++i)
        deep += "{\"a\":";
    BOOST_TEST(read_error(deep).find("deep") != std::string::npos);
    BOOST_TEST(read_error(std::string(100'000, '[')).find("deep") != std::string::npos);
    BOOST_TEST(read_error(std::string(JsonEventReader::kMaxLineBytes + 1, ' ')).find("longer") !=
               std::string::npos);
}

BOOST_AUTO_TEST_CASE(names_are_bounded) {
    FieldNames names;
    JsonEventReader reader(names, true);
    std::string error;
    std::string line = "{";
    for (int i = 0; i < 30'000; ++i)
        line += "\"n" + std::to_string(i) + "\":1,";
    line.back() = '}';
    BOOST_TEST(reader.read(line, error), error);
    BOOST_TEST(names.size() == JsonEventReader::kMaxNames);
    BOOST_TEST(reader.names_dropped() == 30'000 - (JsonEventReader::kMaxNames - kKnownFields));
}

BOOST_AUTO_TEST_CASE(what_is_written_is_not_too_deep_to_be_read) {
    FieldNames names;
    JsonEventReader reader(names, true);
    std::string error;
    std::string name = "a";
    for (std::size_t i = 0; i < JsonEventReader::kMaxDots; ++i)
        name += ".a";
    const EventPtr event =
        reader.read("{\"" + name + "\":[\"\xff\",\"b\"],\"" + name + ".b\":1}", error);
    BOOST_TEST_REQUIRE(event, error);
    BOOST_TEST(reader.names_dropped() == 1u);
    BOOST_TEST(reader.read(written(*event, &names), error), error);
}

BOOST_AUTO_TEST_CASE(lists_are_bounded) {
    std::string line = "{\"process\":{\"args\":[";
    for (int i = 0; i < 10'000; ++i)
        line += "\"a\",";
    line.back() = ']';
    line += "}}";
    BOOST_TEST(read_known(line)->values(FieldId::process_args).size() == BlockBuilder::kMaxValues);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
