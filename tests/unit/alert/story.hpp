// SPDX-License-Identifier: Apache-2.0
// A rule and a match to make alerts of: exec, connect, exec of a shell.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <boost/test/unit_test.hpp>

#include "detect/alert/alert.hpp"
#include "detect/event/json_reader.hpp"

namespace audisp_eql::detect::story {

inline Rule rule() {
    Rule rule;
    rule.id = "fa3a59dc-33c3-43bf-80a9-e8437a922c7f";
    rule.name = "Reverse Shell";
    rule.description = "A program connects out and becomes a shell.";
    rule.references = {"https://example.org/one"};
    rule.version = "3";
    rule.hash = std::string(64, 'a');
    ThreatTechnique technique;
    technique.id = "T1059";
    technique.name = "Command and Scripting Interpreter";
    technique.reference = "https://attack.mitre.org/techniques/T1059/";
    technique.subtechniques = {{"T1059.004", "Unix Shell", ""}};
    rule.threats = {{"MITRE ATT&CK", {"TA0002", "Execution", ""}, {technique}},
                    {"MITRE ATT&CK", {"TA0002", "Execution", ""}, {}},
                    {"MITRE ATT&CK", {"TA0011", "Command and Control", ""}, {}}};
    return rule;
}

inline EventPtr event(std::string_view json, Origin origin) {
    FieldNames names;
    JsonEventReader reader(names, false);
    std::string error;
    const EventPtr read = reader.read(json, error);
    BOOST_TEST_REQUIRE(read, error);
    Event::Layers layers;
    for (std::size_t i = 0; i < kLayerCount; ++i)
        layers[i] = read->layer(static_cast<Layer>(i));
    return EventPtr(new Event(read->time(), origin, layers));
}

inline const char* const kProcess =
    R"("process":{"pid":42,"entity_id":"e42","parent":{"pid":41,"name":"bash","entity_id":"e41"},)";

inline EventPtr exec(const char* name, std::uint64_t serial) {
    const std::string json = std::string(R"({"@timestamp":"2023-11-14T22:13:20.123Z",)") +
                             R"("audisp_eql":{"audit":{"key":["audisp_eql","other"]}},)"
                             R"("event":{"category":"process","type":"start","action":["exec",)"
                             R"("executed"]},"host":{"name":"web1"},)" +
                             kProcess + R"("name":")" + name + R"(","executable":"/tmp/)" + name +
                             R"(","args":[")" + name + R"(","-i"],"command_line":")" + name +
                             R"( -i"},"user":{"id":"0","name":"root"}})";
    return event(json, {Origin::Kind::audit, 1'700'000'000'003, serial, 42});
}

inline EventPtr connect(std::uint64_t serial) {
    const std::string json = std::string(R"({"@timestamp":"2023-11-14T22:13:20.2Z",)") +
                             R"("event":{"category":"network","type":["connection","start"],)"
                             R"("action":"connection_attempted"},"host":{"name":"web1"},)"
                             R"("destination":{"ip":"192.0.2.1","port":4444},)" +
                             kProcess + R"("name":"x"},"user":{"id":"0","name":"root"}})";
    return event(json, {Origin::Kind::audit, 1'700'000'000'200, serial, 42});
}

inline EventPtr fork(std::int64_t ns) {
    const std::string json = std::string(R"({"@timestamp":"2023-11-14T22:13:20Z","event":{)") +
                             R"("category":"process","type":"start","action":"fork"},)" + kProcess +
                             R"("name":"bash"}})";
    return event(json, {Origin::Kind::proc, ns, 0, 42});
}

inline Match match() {
    Match match;
    match.events = {exec("x", 7), connect(8), exec("sh", 9)};
    match.join_keys = {std::string("e42")};
    return match;
}

inline boost::json::value parsed(const std::string& json) {
    boost::system::error_code ec;
    boost::json::value value = boost::json::parse(json, ec);
    BOOST_TEST_REQUIRE(!ec, json);
    return value;
}

// The value at a dotted name; null if there is none.
inline const boost::json::value* at(const boost::json::value& document, std::string_view name) {
    const boost::json::value* value = &document;
    while (value && !name.empty()) {
        const std::size_t dot = name.find('.');
        const std::string_view head = name.substr(0, dot);
        name = dot == std::string_view::npos ? std::string_view{} : name.substr(dot + 1);
        value =
            value->is_object()
                ? value->as_object().if_contains(boost::json::string_view(head.data(), head.size()))
                : nullptr;
    }
    return value;
}

inline std::string text_at(const boost::json::value& document, std::string_view name) {
    const boost::json::value* value = at(document, name);
    return value ? boost::json::serialize(*value) : "(none)";
}

}  // namespace audisp_eql::detect::story
