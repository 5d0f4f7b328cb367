// SPDX-License-Identifier: Apache-2.0
#include "detect/rule/rule_test.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "detect/event/json_reader.hpp"
#include "detect/event/json_writer.hpp"
#include "detect/rule/toml_file.hpp"

namespace audisp_eql::detect {
namespace {

constexpr std::int64_t kNsPerMs = 1'000'000;

class TestReader {
  public:
    TestReader(std::string_view text, RuleTestFile& out)
        : toml_(text, out.diagnostics), out_(out) {}
    void read();

  private:
    void test(const toml::table& table);
    void name(const toml::table& table, RuleTest& test);
    void expectation(const toml::table& table, RuleTest& test);
    void expected_matches(const toml::node& node, RuleTest& test);
    std::optional<RuleTest::Ids> ids(const toml::node& node);
    std::optional<std::size_t> count(const toml::table& table, std::string_view key);
    void input(const toml::table& table, RuleTest& test);
    void events(const toml::node& node, RuleTest& test);
    void event(std::string_view line, SourceRange at, RuleTest& test);
    void check_ids(const toml::table& table, const RuleTest& test);

    std::optional<std::string> text(const toml::node& node, std::string_view key);
    void wrong(SourceRange at, std::string message, std::string hint = {}) {
        sound_ = false;
        toml_.error(at, std::move(message), std::move(hint));
    }

    TomlFile toml_;
    RuleTestFile& out_;
    std::set<std::string> names_;
    bool sound_ = true;  // the test at hand

    // Of the events of the test at hand.
    std::optional<FieldNames> fields_;
    std::optional<JsonEventReader> reader_;
    FieldId id_field_{};
    std::set<std::string> ids_;
};

void TestReader::read() {
    const std::optional<toml::table> file = toml_.parse();
    if (!file)
        return;
    toml_.only(*file, {"test"});
    const toml::node* const node = file->get("test");
    const toml::array* const list = node ? node->as_array() : nullptr;
    if (!list || !list->is_homogeneous<toml::table>()) {
        toml_.error(node ? toml_.at(*node) : SourceRange{}, "the file holds no tests",
                    "each test begins with a line [[test]]");
        return;
    }
    for (const toml::node& entry : *list)
        test(*entry.as_table());
}

void TestReader::test(const toml::table& table) {
    sound_ = true;
    RuleTest test;
    const std::size_t before = out_.diagnostics.size();
    toml_.only(table, {"name", "alerts", "expect", "stage", "events", "capture"});
    sound_ = out_.diagnostics.size() == before;
    name(table, test);
    expectation(table, test);
    input(table, test);
    if (sound_)
        check_ids(table, test);
    if (sound_)
        out_.tests.push_back(std::move(test));
}

std::optional<std::string> TestReader::text(const toml::node& node, std::string_view key) {
    auto value = node.value_exact<std::string>();
    if (!value || value->empty()) {
        wrong(toml_.at(node),
              "'" + std::string(key) + "' must be text" + (value ? ", and not be empty" : ""));
        return std::nullopt;
    }
    return value;
}

void TestReader::name(const toml::table& table, RuleTest& test) {
    const toml::node* const node = table.get("name");
    test.at = toml_.at(node ? *node : static_cast<const toml::node&>(table));
    if (!node)
        return wrong(test.at, "the test has no name", "add: name = \"what happens\"");
    test.name = text(*node, "name").value_or("");
    if (!test.name.empty() && !names_.insert(test.name).second)
        wrong(test.at, "another test of this file has the same name");
}

std::optional<std::size_t> TestReader::count(const toml::table& table, std::string_view key) {
    const toml::node* const node = table.get(key);
    if (!node)
        return std::nullopt;
    const auto value = node->value_exact<std::int64_t>();
    if (value && *value >= 0)
        return static_cast<std::size_t>(*value);
    wrong(toml_.at(*node), "'" + std::string(key) + "' must be a whole number, 0 or more");
    return std::nullopt;
}

void TestReader::expectation(const toml::table& table, RuleTest& test) {
    const toml::node* const expect = table.get("expect");
    const bool counted = table.contains("alerts");
    if (!expect && !counted)
        wrong(test.at, "the test does not say what is expected",
              "add: alerts = 1, or, for a near miss: alerts = 0");
    if (expect && counted)
        wrong(toml_.at(*expect), "the test has both 'alerts' and 'expect'",
              "one of them says it all");
    test.matches = count(table, "alerts").value_or(0);
    if (expect)
        expected_matches(*expect, test);
    test.stage = count(table, "stage");
    if (test.stage && test.matches > 0)
        wrong(toml_.at(*table.get("stage")), "'stage' is for near misses",
              "a test with alerts reaches the last stage");
}

void TestReader::expected_matches(const toml::node& node, RuleTest& test) {
    const toml::array* const list = node.as_array();
    if (!list || (!list->empty() && !list->is_homogeneous<toml::array>()))
        return wrong(toml_.at(node), "'expect' must be a list of matches, each a list of event ids",
                     "write: expect = [[\"1\", \"3\"]]");
    test.expect.emplace();
    for (const toml::node& match : *list) {
        if (auto one = ids(match))
            test.expect->push_back(std::move(*one));
    }
    test.matches = test.expect->size();
}

std::optional<RuleTest::Ids> TestReader::ids(const toml::node& node) {
    RuleTest::Ids found;
    for (const toml::node& id : *node.as_array()) {
        if (const auto text = id.value_exact<std::string>())
            found.push_back(text->empty() ? std::string(kNoEvent) : *text);
        else if (const auto number = id.value_exact<std::int64_t>())
            found.push_back(std::to_string(*number));
        else
            wrong(toml_.at(id), "an event id must be text");
    }
    if (!found.empty())
        return found;
    wrong(toml_.at(node), "a match has one event at least", "no match at all is: alerts = 0");
    return std::nullopt;
}

void TestReader::input(const toml::table& table, RuleTest& test) {
    const toml::node* const lines = table.get("events");
    const toml::node* const capture = table.get("capture");
    if (!lines && !capture)
        wrong(test.at, "the test has no events", "add: events = ''' … ''', or: capture = \"FILE\"");
    if (lines && capture)
        wrong(toml_.at(*capture), "the test has both 'events' and 'capture'",
              "make two tests of it");
    if (lines)
        events(*lines, test);
    if (capture) {
        test.capture = text(*capture, "capture").value_or("");
        test.capture_at = toml_.at(*capture);
    }
}

void TestReader::events(const toml::node& node, RuleTest& test) {
    const std::optional<std::string> value = text(node, "events");
    if (!value)
        return;
    const TextMap map = map_string(toml_.text(), toml_.at(node).offset, *value);
    ids_.clear();
    fields_.emplace();
    reader_.emplace(*fields_, false);
    id_field_ = fields_->intern("event.id");
    const std::string_view all = *value;
    for (std::size_t at = 0; at < all.size();) {
        const std::size_t end = std::min(all.find('\n', at), all.size());
        const std::size_t first = all.find_first_not_of(" \t\r", at);
        if (first < end) {
            const auto length = static_cast<std::uint32_t>(end - first);
            event(all.substr(first, length),
                  to_file(map, {static_cast<std::uint32_t>(first), length}), test);
        }
        at = end + 1;
    }
    if (test.events.empty() && sound_)
        wrong(toml_.at(node), "the test has no events");
}

void TestReader::event(std::string_view line, SourceRange at, RuleTest& test) {
    std::string error;
    const EventPtr event = reader_->read(line, error);
    if (!event)
        return wrong(at, "the event is " + error,
                     "each event stands on one line, as a JSON object");
    EventTime time = event->time();
    const RuleTest::Line* const before = test.events.empty() ? nullptr : &test.events.back();
    if (!reader_->has_time()) {
        if (!event->values(FieldId::timestamp).empty())
            return wrong(at, "the event's @timestamp is no time",
                         "write milliseconds or, for example, \"2026-01-31T02:31:05.120Z\"");
        if (before)
            time = {before->time.engine_ns + kNsPerMs, before->time.wall_us + kNsPerMs / 1000};
    }
    if (before && time.engine_ns < before->time.engine_ns)
        return wrong(at, "the event's time lies before that of the event above",
                     "events stand in the order in which the rule sees them");
    std::string id;
    const Values ids = event->values(id_field_);
    if (ids.empty())
        id = std::to_string(test.events.size() + 1);
    else if (ids[0].is_text())
        id = ids[0].as_text();
    else
        append_json_value(id, ids[0]);
    if (!ids_.insert(id).second)
        return wrong(at, "another event of this test has the id " + id);
    test.events.push_back({std::string(line), time, std::move(id)});
}

// An id that no event has could never be found.
void TestReader::check_ids(const toml::table& table, const RuleTest& test) {
    if (!test.expect || !test.capture.empty())
        return;
    for (const RuleTest::Ids& match : *test.expect) {
        for (const std::string& id : match) {
            if (id != kNoEvent && !ids_.contains(id))
                wrong(toml_.at(*table.get("expect")), "no event has the id " + id);
        }
    }
}

}  // namespace

RuleTestFile load_rule_tests(std::string_view text) {
    RuleTestFile file;
    TestReader(text, file).read();
    return file;
}

}  // namespace audisp_eql::detect
