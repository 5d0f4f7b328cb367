// SPDX-License-Identifier: Apache-2.0
// Which texts a condition asks for, and which conditions the texts of an event lead to.
#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include <boost/test/unit_test.hpp>

#include "detect/engine/clue_index.hpp"
#include "detect/event/json_reader.hpp"
#include "detect/rule/rule_set.hpp"

namespace {

using namespace audisp_eql::detect;

std::vector<Clues> clues_of_query(const std::string& condition) {
    Diagnostics diagnostics;
    const auto rules = RuleSet::of_query("any where " + condition, diagnostics);
    BOOST_TEST_REQUIRE((rules != nullptr), condition);
    return clues_of(rules->rules().front().program.stages.front().condition, rules->predicates());
}

// "name=a|name~b*; args=c": lists parted by ';', clues sorted.
std::string print(const std::vector<Clues>& lists) {
    std::string all;
    for (const Clues& clues : lists) {
        std::vector<std::string> texts;
        for (const Clue& clue : clues) {
            const std::string& text = clue.required.text;
            const std::string name(FieldNames().row(clue.field).name);
            using Where = RequiredText::Where;
            const std::string shown = clue.required.where == Where::whole    ? text
                                      : clue.required.where == Where::prefix ? text + '*'
                                      : clue.required.where == Where::suffix ? '*' + text
                                                                             : '*' + text + '*';
            texts.push_back(name.substr(name.rfind('.') + 1) + '=' + shown);
        }
        std::sort(texts.begin(), texts.end());
        all += all.empty() ? "" : "; ";
        for (std::size_t i = 0; i < texts.size(); ++i)
            all += (i ? "|" : "") + texts[i];
    }
    return all;
}

BOOST_AUTO_TEST_SUITE(engine)

BOOST_AUTO_TEST_CASE(conditions_give_clues) {
    struct Row {
        const char* condition;
        const char* clues;
    };
    const Row rows[] = {
        {R"(process.name == "a")", "name=a"},
        {R"(process.name in ("a", "b"))", "name=a|name=b"},
        {R"(process.name in~ ("A", "b"))", "name=a|name=b"},
        {R"(process.name : ("A", "b*", "*c", "*d*", "e*fgh*"))",
         "name=*c|name=*d*|name=*fgh*|name=a|name=b*"},
        {R"(process.name like "x??yz")", "name=*yz*"},
        {R"(process.name : ("a", "*"))", ""},
        {R"(startsWith~(process.name, "Ab"))", "name=Ab*"},
        {R"(process.name regex "a")", ""},
        {R"(process.name > "a")", ""},
        {R"(process.name != "a")", ""},
        {R"(not process.name == "a")", ""},
        {R"(not not process.name == "a")", ""},
        {R"(process.name == null)", ""},
        {R"(length(process.name) > 1)", ""},
        {R"(process.pid == 1)", ""},
        {R"(user.id == "0")", ""},
        {R"(destination.ip == "10.0.0.1")", ""},
        {R"(process.name == "a" and process.args == "b")", "name=a; args=b"},
        {R"(process.name == "a" and not process.args == "b" and process.pid > 1)", "name=a"},
        {R"(process.name == "a" or process.args in ("b", "c"))", "args=b|args=c|name=a"},
        {R"(process.name == "a" or process.pid == 1)", ""},
        {R"(process.name == "a" or (process.args in ("b", "c") and process.executable == "d"))",
         "executable=d|name=a"},
    };
    for (const Row& row : rows) {
        BOOST_TEST_CONTEXT(row.condition) {
            BOOST_TEST(print(clues_of_query(row.condition)) == row.clues);
        }
    }
}

BOOST_AUTO_TEST_CASE(events_lead_to_the_conditions_that_ask_for_their_texts) {
    const std::vector<std::string> conditions{
        R"(process.name == "bash")",
        R"(process.name : "py*")",
        R"(process.name : "*.so")",
        R"(process.args : "*secret*")",
        R"(process.name == "bash" and process.args == "--rare")",
        R"(process.name == "bash" or process.executable like "/opt/*")",
        R"(process.name != "bash")",
    };
    std::vector<std::vector<Clues>> candidates;
    for (const std::string& condition : conditions)
        candidates.push_back(clues_of_query(condition));
    const ClueIndex index(candidates, {});
    const std::array shared{Layer::image};
    const ClueIndex sharing_index(candidates, shared);
    FoundInBlocks in_blocks;

    struct Row {
        const char* event;
        std::string found;  // numbers of the conditions
    };
    const Row rows[] = {
        {R"({"@timestamp":1})", "6"},
        {R"({"@timestamp":1,"process":{"name":"BASH"}})", "056"},
        {R"({"@timestamp":1,"process":{"name":["zsh","bash"]}})", "056"},
        {R"({"@timestamp":1,"process":{"name":"python3"}})", "16"},
        {R"({"@timestamp":1,"process":{"name":"p"}})", "6"},
        {R"({"@timestamp":1,"process":{"name":"x.so"}})", "26"},
        {R"({"@timestamp":1,"process":{"args":["a","the SECRET of"]}})", "36"},
        {R"({"@timestamp":1,"process":{"args":["--rare"],"name":"x"}})", "46"},
        {R"({"@timestamp":1,"process":{"executable":"/opt/x"}})", "56"},
        {R"({"@timestamp":1,"process":{"executable":"/op"}})", "6"},
        {R"({"@timestamp":1,"process":{"name":1}})", "6"},
    };
    FieldNames fields;
    JsonEventReader reader(fields, false);
    NumberSet found;
    for (const Row& row : rows) {
        BOOST_TEST_CONTEXT(row.event) {
            std::string error;
            const EventPtr event = reader.read(row.event, error);
            BOOST_TEST_REQUIRE((event != nullptr), error);
            // The second time with what was found in the image.
            for (const ClueIndex* const one : {&index, &sharing_index, &sharing_index}) {
                one->find(*event, in_blocks, found);
                std::string numbers;
                found.for_each([&](std::size_t number) { numbers += std::to_string(number); });
                BOOST_TEST(numbers == row.found);
            }
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
