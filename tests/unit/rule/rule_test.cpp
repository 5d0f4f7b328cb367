// SPDX-License-Identifier: Apache-2.0
// What load_rule reads from the files of both public families, and how places in a query are found
// again in its file.
#include "detect/rule/rule.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>

#include "detect/eql/dump.hpp"
#include "detect/rule/sha256.hpp"

namespace audisp_eql::detect {
namespace {

constexpr std::string_view kSiemRule = R"([metadata]
creation_date = "2024/01/02"
maturity = "production"

[rule]
author = ["Somebody"]
description = """
Two lines
of text.
"""
false_positives = ["Backups."]
from = "now-9m"
index = ["logs-*"]
language = "eql"
name = "Shell from Temporary Directory"
note = "Look at the parent."
references = ["https://example.org/a", "https://example.org/b"]
risk_score = 73
rule_id = "11111111-2222-3333-4444-555555555555"
severity = "high"
tags = ["OS: Linux"]
type = "eql"
version = 3
query = '''
process where process.executable : "/tmp/*"
'''

[[rule.threat]]
framework = "MITRE ATT&CK"
[[rule.threat.technique]]
id = "T1059"
name = "Command and Scripting Interpreter"
reference = "https://attack.mitre.org/techniques/T1059/"
[[rule.threat.technique.subtechnique]]
id = "T1059.004"
name = "Unix Shell"
reference = "https://attack.mitre.org/techniques/T1059/004/"
[rule.threat.tactic]
id = "TA0002"
name = "Execution"
reference = "https://attack.mitre.org/tactics/TA0002/"
)";

constexpr std::string_view kEndpointRule = R"([rule]
description = "An endpoint rule."
id = "66666666-7777-8888-9999-aaaaaaaaaaaa"
name = "Endpoint Shell"
os_list = ["linux", "macos"]
reference = ["https://example.org/c"]
version = "1.0.7"
query = '''
process where descendant of [process where process.name == "nginx"]
'''

[[actions]]
action = "kill_process"
field = "process.entity_id"
state = 0

[[threat]]
framework = "MITRE ATT&CK"
[[threat.technique]]
id = "T1059"
[[threat.technique.subtechnique]]
id = "T1059.004"
[threat.tactic]
id = "TA0002"
name = "Execution"
)";

std::string minimal(std::string_view lines) {
    return "[rule]\nid = \"a\"\nname = \"b\"\nquery = \"any where true\"\n" + std::string(lines);
}

void show(const RuleFile& file, std::string_view text) {
    for (const Diagnostic& diagnostic : file.diagnostics) {
        BOOST_TEST_MESSAGE(render(diagnostic, "rule.toml", text));
    }
}

struct LookBack {
    std::string_view from;
    std::optional<std::int64_t> seconds;
};
std::ostream& operator<<(std::ostream& out, const LookBack& row) {
    return out << row.from;
}

const LookBack kLookBacks[] = {
    {"now-30s", 30},
    {"now-9m", 540},
    {"now-119m", 7140},
    {"now-1h", 3600},
    {"now-7d", 604'800},
    {"now-2w", 1'209'600},
    {"now", std::nullopt},
    {"now-", std::nullopt},
    {"now-m", std::nullopt},
    {"now-0m", std::nullopt},
    {"now--5m", std::nullopt},
    {"now-5", std::nullopt},
    {"now-5mm", std::nullopt},
    {"now-5y", std::nullopt},
    {"now-9223372036854775807w", std::nullopt},
    {"2024-01-01", std::nullopt},
};

// The text marked in the query must be found at the same text in the file.
struct Place {
    std::string_view what;
    std::string_view file;
};
std::ostream& operator<<(std::ostream& out, const Place& row) {
    return out << row.what;
}

const Place kPlaces[] = {
    {"literal, several lines", "[rule]\nid='a'\nname='b'\nquery = '''\nany where\n  a = 1\n'''\n"},
    {"literal, no first line break", "[rule]\nid='a'\nname='b'\nquery = '''any where a = 1'''\n"},
    {"literal, one line", "[rule]\nid='a'\nname='b'\nquery = 'any where a = 1'\n"},
    {"basic, several lines",
     "[rule]\nid='a'\nname='b'\nquery = \"\"\"\nany where\n  a = 1\n\"\"\"\n"},
    {"basic with escapes before",
     R"([rule]
id='a'
name='b'
query = "any where b == \"\u00e9\\\\x\" and\n\ta = 1"
)"},
    {"basic with a line continued",
     "[rule]\nid='a'\nname='b'\nquery = \"\"\"\nany where \\\n   \n   a = 1\"\"\"\n"},
    {"Windows line ends",
     "[rule]\r\nid='a'\r\nname='b'\r\nquery = '''\r\nany where true and\r\n  a = 1\r\n'''\r\n"},
    {"byte order mark and other scripts",
     "\xef\xbb\xbf[rule]\nname='\xc3\xa9\xe2\x82\xac'\nid='a'\n"
     "query = 'any where b == \"\xf0\x9f\x90\x9a\" and a = 1'\n"},
    {"beside other keys",
     "rule = {name = '\xc3\xa9', id = 'a', query = 'any where a = 1', version = 2}\n"},
};

}  // namespace

BOOST_AUTO_TEST_SUITE(rule)

BOOST_AUTO_TEST_CASE(siem_family) {
    const RuleFile file = load_rule("rules/x.toml", kSiemRule);
    show(file, kSiemRule);
    BOOST_REQUIRE(file.status == RuleFile::Status::ok);
    BOOST_TEST(file.diagnostics.empty());
    const Rule& rule = *file.rule;
    BOOST_TEST(rule.file == "rules/x.toml");
    BOOST_TEST(rule.id == "11111111-2222-3333-4444-555555555555");
    BOOST_TEST(rule.name == "Shell from Temporary Directory");
    BOOST_TEST(rule.description == "Two lines\nof text.\n");
    BOOST_TEST(rule.note == "Look at the parent.");
    BOOST_TEST(rule.references.size() == 2U);
    BOOST_TEST(rule.references.at(1) == "https://example.org/b");
    BOOST_TEST(rule.false_positives.at(0) == "Backups.");
    BOOST_TEST(rule.tags.at(0) == "OS: Linux");
    BOOST_TEST(rule.version == "3");
    BOOST_TEST(to_string(rule.severity) == "high");
    BOOST_TEST(rule.risk_score == 73);
    BOOST_TEST(*rule.look_back_ns == 540'000'000'000);
    BOOST_TEST(!rule.deprecated);
    BOOST_TEST(!rule.building_block);
    BOOST_TEST(rule.actions.empty());
    BOOST_TEST(rule.ignored_keys.empty());
    BOOST_TEST(rule.hash == sha256_hex(kSiemRule));
    BOOST_REQUIRE(rule.threats.size() == 1U);
    const Threat& threat = rule.threats[0];
    BOOST_TEST(threat.framework == "MITRE ATT&CK");
    BOOST_TEST(threat.tactic.id == "TA0002");
    BOOST_TEST(threat.techniques.at(0).name == "Command and Scripting Interpreter");
    BOOST_TEST(threat.techniques.at(0).subtechniques.at(0).id == "T1059.004");
    BOOST_TEST(dump(*file.query) == R"((event process (like~ process.executable "/tmp/*")))");
}

BOOST_AUTO_TEST_CASE(endpoint_family) {
    const RuleFile file = load_rule("x", kEndpointRule);
    show(file, kEndpointRule);
    BOOST_REQUIRE(file.status == RuleFile::Status::ok);
    BOOST_TEST(file.diagnostics.empty());
    BOOST_TEST(file.rule->id == "66666666-7777-8888-9999-aaaaaaaaaaaa");
    BOOST_TEST(file.rule->references.at(0) == "https://example.org/c");
    BOOST_TEST(file.rule->version == "1.0.7");
    BOOST_TEST(file.rule->actions == std::vector<std::string>{"kill_process"});
    BOOST_TEST(to_string(file.rule->severity) == "medium");
    BOOST_TEST(file.rule->risk_score == 47);
    BOOST_TEST(file.rule->threats.at(0).tactic.name == "Execution");
    BOOST_TEST(file.rule->threats.at(0).techniques.at(0).id == "T1059");
    BOOST_TEST(file.rule->threats.at(0).techniques.at(0).subtechniques.at(0).id == "T1059.004");
}

BOOST_AUTO_TEST_CASE(hash_is_sha256_of_the_bytes) {
    // FIPS 180-4, example "abc"
    BOOST_TEST(sha256_hex("abc") ==
               "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    BOOST_TEST(load_rule("x", minimal("")).rule->hash != load_rule("x", minimal(" ")).rule->hash);
}

BOOST_AUTO_TEST_CASE(severities) {
    const std::pair<std::string_view, int> rows[] = {
        {"low", 21}, {"medium", 47}, {"high", 73}, {"critical", 99}};
    for (const auto& [name, number] : rows) {
        const RuleFile file = load_rule("x", minimal("severity = \"" + std::string(name) + "\"\n"));
        BOOST_REQUIRE(file.status == RuleFile::Status::ok);
        BOOST_TEST(to_string(file.rule->severity) == name);
        BOOST_TEST(severity_number(file.rule->severity) == number);
        BOOST_TEST(file.rule->risk_score == number);
    }
}

BOOST_DATA_TEST_CASE(look_back, boost::unit_test::data::make(kLookBacks), row) {
    const std::string text = minimal("from = \"" + std::string(row.from) + "\"\n");
    const RuleFile file = load_rule("x", text);
    BOOST_REQUIRE(file.status == RuleFile::Status::ok);
    BOOST_TEST(file.rule->look_back_ns.has_value() == row.seconds.has_value());
    BOOST_TEST(file.diagnostics.size() == (row.seconds ? 0U : 1U));
    if (row.seconds && file.rule->look_back_ns) {
        BOOST_TEST(*file.rule->look_back_ns == *row.seconds * 1'000'000'000);
    }
}

BOOST_AUTO_TEST_CASE(deprecated_by_maturity_or_name) {
    const auto deprecated = [](std::string_view text) {
        const RuleFile file = load_rule("x", text);
        BOOST_REQUIRE(file.status == RuleFile::Status::ok);
        return file.rule->deprecated;
    };
    BOOST_TEST(!deprecated(minimal("[metadata]\nmaturity = \"production\"\n")));
    BOOST_TEST(deprecated(minimal("[metadata]\nmaturity = \"deprecated\"\n")));
    BOOST_TEST(
        deprecated("[rule]\nid = \"a\"\nname = \"Deprecated - b\"\nquery = \"any where true\"\n"));
    BOOST_TEST(!deprecated(
        "[rule]\nid = \"a\"\nname = \"Deprecated TLS Used\"\nquery = \"any where true\"\n"));
}

BOOST_AUTO_TEST_CASE(building_block) {
    BOOST_TEST(load_rule("x", minimal("building_block_type = \"default\"\n")).rule->building_block);
}

BOOST_AUTO_TEST_CASE(other_languages_and_systems) {
    for (const std::string_view lines :
         {"language = \"kuery\"\n", "type = \"threshold\"\n", "language = \"esql\"\ntype = \"eql\"",
          "type = \"machine_learning\"\n", "language = 5\n", "os_list = [\"windows\"]\n",
          "[metadata]\nos_type_list = [\"macos\", \"windows\"]\n"}) {
        BOOST_TEST_CONTEXT(lines) {
            const RuleFile file = load_rule("x", minimal(lines));
            BOOST_TEST((file.status == RuleFile::Status::other_language));
            BOOST_TEST(!has_errors(file.diagnostics));
        }
    }
    // No query at all: a machine learning job.
    const RuleFile file =
        load_rule("x", "[rule]\nname = \"a\"\nrule_id = \"b\"\ntype = \"machine_learning\"\n");
    BOOST_TEST((file.status == RuleFile::Status::other_language));
}

BOOST_AUTO_TEST_CASE(keys_that_change_what_matches_are_said) {
    const RuleFile file = load_rule(
        "x", minimal("event_category_override = \"kind\"\nfilters = []\nexceptions_list = [1]\n"
                     "alert_suppression = {group_by = [\"host.id\"]}\n"));
    BOOST_TEST((file.status == RuleFile::Status::ok));
    BOOST_TEST(file.diagnostics.empty());
    BOOST_TEST(file.rule->category_field == "kind");
    BOOST_TEST(file.rule->ignored_keys ==
               (std::vector<std::string>{"exceptions_list", "alert_suppression"}));
}

BOOST_AUTO_TEST_CASE(actions_wherever_they_stand) {
    const RuleFile file = load_rule(
        "x", minimal("optional_actions = [\"suspend_process\"]\n"
                     "[[actions]]\naction = \"kill_process\"\nfield = \"process.entity_id\"\n"
                     "[[actions]]\nfield = \"process.entity_id\"\n"));
    BOOST_TEST(file.rule->actions ==
               (std::vector<std::string>{"kill_process", "unnamed", "suspend_process"}));
    BOOST_TEST(load_rule("x", minimal("optional_actions = []\n")).rule->actions.empty());
}

BOOST_DATA_TEST_CASE(errors_point_into_the_file, boost::unit_test::data::make(kPlaces), row) {
    const RuleFile file = load_rule("x", row.file);
    show(file, row.file);
    BOOST_TEST((file.status == RuleFile::Status::broken));
    BOOST_REQUIRE(file.diagnostics.size() == 1U);
    BOOST_TEST(file.diagnostics[0].message == "'=' does not compare");
    BOOST_TEST(file.diagnostics[0].at.offset == row.file.find("a = 1") + 2);
    BOOST_TEST(file.diagnostics[0].at.length == 1U);
    // As the compiler will ask: a range of the query.
    const SourceRange query_place{static_cast<std::uint32_t>(file.rule->query.find("a = 1")), 5};
    const SourceRange place = file.in_file(query_place);
    BOOST_TEST(row.file.substr(place.offset, place.length) == "a = 1");
}

BOOST_AUTO_TEST_CASE(rules_of_the_house) {
    std::vector<std::string> ids;
    for (const auto& entry : std::filesystem::directory_iterator(SOURCE_DIR "/rules")) {
        if (entry.path().extension() != ".toml" || entry.path().native().ends_with(".test.toml")) {
            continue;
        }
        BOOST_TEST_CONTEXT(entry.path()) {
            std::ifstream in(entry.path(), std::ios::binary);
            const std::string text{std::istreambuf_iterator<char>(in), {}};
            const RuleFile file = load_rule(entry.path().string(), text);
            show(file, text);
            BOOST_REQUIRE(file.status == RuleFile::Status::ok);
            BOOST_TEST(file.diagnostics.empty());
            BOOST_TEST(!file.rule->deprecated);
            for (const std::string* filled :
                 {&file.rule->description, &file.rule->note, &file.rule->version}) {
                BOOST_TEST(!filled->empty());
            }
            for (const Threat& threat : file.rule->threats) {
                BOOST_TEST(threat.tactic.id.starts_with("TA"));
                BOOST_TEST(!threat.techniques.empty());
            }
            ids.push_back(file.rule->id);
        }
    }
    for (const std::string_view seed :
         {"fa3a59dc-33c3-43bf-80a9-e8437a922c7f", "4b1a807a-4e7b-414e-8cea-24bf580f6fc5"}) {
        BOOST_TEST(std::count(ids.begin(), ids.end(), seed) == 1);
    }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace audisp_eql::detect
