// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/generated_rules.hpp"

#include <functional>
#include <string>

#include "tests/bench/rule_words.hpp"

namespace audisp_eql::bench {

namespace {

class RuleWriter {
  public:
    explicit RuleWriter(std::uint64_t seed) : words_(seed) {}

    std::string query();
    // The file around a query: as long as public ones are, with a note and a mapping.
    std::string file(std::size_t number);

  private:
    using Make = std::string (RuleWords::*)();

    std::string list(Make make, std::size_t count);
    std::string test(const std::string& field, Make literal, Make pattern, std::size_t longest);
    std::size_t list_length();
    std::string opening(const std::string& actions);

    // What a rule looks for; without it, what a sequence may begin with.
    std::string process_event(bool specific = true);
    std::string specific_test();
    std::string connection_event(bool specific = true);
    std::string file_event();
    std::string other_event();

    std::string actions_of_start();
    std::string name_test();
    std::string excluded();
    std::string sequence();
    std::string item(std::size_t number, bool alias, bool alone);
    std::string sample();

    RuleWords words_;
    bool common_first_ = false;  // of the sequence at hand: its first stage is ordinary work
};

std::string RuleWriter::list(Make make, std::size_t count) {
    std::string made = "(";
    for (std::size_t i = 0; i < count; ++i)
        made += (i ? ", \"" : "\"") + (words_.*make)() + '"';
    return made + ')';
}

// 26,335 literals in 649 rules, the longest list has 218.
std::size_t RuleWriter::list_length() {
    const std::size_t kind = words_.below(100);
    return kind < 60 ? words_.between(2, 8) : kind < 97 ? words_.between(9, 30) : 80;
}

// Of 649 rules: == 640, in 539, like 368, `:` 184, != 141, like~ 137, regex 46, in~ 4.
std::string RuleWriter::test(const std::string& field, Make literal, Make pattern,
                             std::size_t longest) {
    const std::size_t length = std::min(list_length(), longest);
    const std::size_t kind = words_.below(100);
    if (kind < 30)
        return field + " == \"" + (words_.*literal)() + '"';
    if (kind < 60)
        return field + " in " + list(literal, length);
    if (kind < 80)
        return field + " like " + list(pattern, length);
    if (kind < 90)
        return field + " : " + list(pattern, length);
    if (kind < 97)
        return field + " like~ " + list(pattern, length);
    if (kind < 98)
        return field + " in~ " + list(literal, length);
    return field + " regex \"" + words_.word() + "[0-9a-f]{1,8}\"";
}

// Rules for the endpoint agent (four in ten) say the operating system outside the query.
std::string RuleWriter::opening(const std::string& actions) {
    return (words_.chance(51) ? "host.os.type == \"linux\" and " : "") + actions;
}

// event.type 572 of 649, event.action 569. Of 539 process rules: exec 513, the names of other
// agents 81–152, uid_change 19, fork 7, end 3.
std::string RuleWriter::actions_of_start() {
    const std::size_t kind = words_.below(100);
    if (kind < 45)
        return "event.type == \"start\" and event.action == \"exec\"";
    if (kind < 90)
        return "event.type == \"start\" and event.action in (\"exec\", \"exec_event\", \"start\", "
               "\"ProcessRollup2\", \"executed\", \"process_started\")";
    if (kind < 94)
        return "event.type == \"change\" and event.action in (\"uid_change\", \"guid_change\")";
    if (kind < 96)
        return "event.type == \"start\" and event.action in (\"exec\", \"fork\")";
    if (kind < 97)
        return "event.type == \"end\"";
    return "event.type == \"start\"";
}

// process.name is tested in 528 of 649 rules, process.executable in 212; in one rule of ten the
// two are alternatives.
std::string RuleWriter::name_test() {
    const std::string name =
        test("process.name", &RuleWords::program, &RuleWords::name_pattern, 14);
    const std::size_t kind = words_.below(100);
    if (kind < 62)
        return " and\n  " + name;
    if (kind < 72)
        return " and\n  (" + name + " or process.executable like " +
               list(&RuleWords::path_pattern, words_.between(1, 6)) + ')';
    if (kind < 90)
        return " and\n  " +
               test("process.executable", &RuleWords::program_path, &RuleWords::path_pattern, 20);
    return "";
}

// What follows "and not": 430 of 649 rules have one, 190 on process.parent.executable.
std::string RuleWriter::excluded() {
    std::string made;
    const auto add = [&](std::size_t percent, const std::string& one) {
        if (words_.chance(percent))
            made += (made.empty() ? "" : " or\n    ") + one;
    };
    add(45,
        test("process.parent.executable", &RuleWords::program_path, &RuleWords::path_pattern, 80));
    add(30, test("process.parent.name", &RuleWords::program, &RuleWords::name_pattern, 20));
    add(18, "process.args like " + list(&RuleWords::line_pattern, words_.between(1, 6)));
    add(15,
        "process.parent.command_line like " + list(&RuleWords::line_pattern, words_.between(1, 4)));
    add(12,
        "process.working_directory like " + list(&RuleWords::path_pattern, words_.between(1, 5)));
    add(10, "(process.name == \"" + words_.program() + "\" and process.parent.args == \"" +
                words_.argument() + "\")");
    return made.empty() ? "" : " and not (\n    " + made + ')';
}

// process.args 382 of 649 rules, process.command_line 203.
std::string RuleWriter::specific_test() {
    const std::size_t kind = words_.below(100);
    if (kind < 50)
        return test("process.args", &RuleWords::own_argument, &RuleWords::own_line_pattern, 12);
    if (kind < 75)
        return "process.command_line like~ " +
               list(&RuleWords::own_line_pattern, words_.between(1, 8));
    if (kind < 85)
        return "process.executable like " + list(&RuleWords::own_line_pattern, 3);
    return "process.name in " + list(&RuleWords::word, list_length());
}

std::string RuleWriter::process_event(bool specific) {
    std::string made = opening(actions_of_start()) + name_test();
    const auto add = [&](std::size_t percent, const std::string& one) {
        if (words_.chance(percent))
            made += " and\n  " + one;
    };
    if (specific)
        made += " and\n  " + specific_test();
    add(14, test("process.args", &RuleWords::argument, &RuleWords::line_pattern, 12));
    add(8, "process.command_line like~ " + list(&RuleWords::line_pattern, words_.between(1, 8)));
    add(20, test("process.parent.name", &RuleWords::program, &RuleWords::name_pattern, 14));
    add(10,
        test("process.parent.executable", &RuleWords::program_path, &RuleWords::path_pattern, 20));
    add(15, "process.parent.args in " + list(&RuleWords::argument, words_.between(1, 6)));
    add(12, "process.args_count >= " + std::to_string(words_.between(2, 8)));
    add(7, std::string("user.id ") + (words_.chance(60) ? "==" : "!=") + " \"0\"");
    add(6, "process.working_directory like " + list(&RuleWords::path_pattern, 4));
    add(3, "process.interactive == true");
    add(2, "length(process.name) > " + std::to_string(words_.between(4, 20)));
    add(1, "descendant of [process where process.name == \"" + words_.program() + "\"]");
    return "process where " + made + (words_.chance(60) ? excluded() : "");
}

std::string RuleWriter::connection_event(bool specific) {
    std::string made = opening(words_.chance(80) ? "event.type == \"start\" and event.action == "
                                                   "\"connection_attempted\""
                                                 : "event.type == \"start\" and event.action in "
                                                   "(\"connection_attempted\", "
                                                   "\"connection_accepted\")");
    if (specific)
        made += " and\n  process.name in " + list(&RuleWords::word, 4);
    else if (words_.chance(80))
        made += name_test();
    if (words_.chance(70))
        made +=
            " and\n  destination.ip != null and destination.ip != \"127.0.0.1\" and not\n"
            "  cidrmatch(destination.ip, \"10.0.0.0/8\", \"127.0.0.0/8\", \"169.254.0.0/16\", "
            "\"172.16.0.0/12\", \"192.0.2.0/24\", \"192.168.0.0/16\", \"224.0.0.0/4\", "
            "\"::1\", \"fe80::/10\", \"ff00::/8\")";
    if (words_.chance(15))
        made += " and\n  destination.port in (" + std::to_string(words_.between(1, 1023)) + ", " +
                std::to_string(words_.between(1024, 65535)) + ')';
    return "network where " + made;
}

std::string RuleWriter::file_event() {
    const std::size_t kind = words_.below(100);
    const char* const action = kind < 55   ? "event.action in (\"creation\", \"file_create_event\")"
                               : kind < 85 ? "event.action in (\"creation\", \"rename\")"
                                           : "event.type == \"deletion\"";
    std::string made = opening(action);
    made += " and\n  file.path like " + list(&RuleWords::path_pattern, list_length());
    if (words_.chance(45))
        made += " and\n  file.extension in " + list(&RuleWords::word, words_.between(1, 6));
    if (words_.chance(70))
        made += " and not (\n    " +
                test("process.executable", &RuleWords::program_path, &RuleWords::path_pattern, 80) +
                " or\n    " +
                test("process.name", &RuleWords::program, &RuleWords::name_pattern, 12) + ')';
    return "file where " + made;
}

// dns 8, authentication 7, iam 4, any 9 of 649 rules.
std::string RuleWriter::other_event() {
    switch (words_.below(4)) {
        case 0:
            return "dns where process.name in " + list(&RuleWords::program, 4) +
                   " and dns.question.name like~ " + list(&RuleWords::line_pattern, 6);
        case 1:
            return "authentication where event.action in (\"ssh_login\", \"user_login\") and "
                   "event.outcome == \"failure\" and user.name != \"" +
                   words_.word() + '"';
        case 2:
            return "iam where event.type == \"creation\" and user.name : " +
                   list(&RuleWords::name_pattern, 3);
        default:
            return "any where event.action == \"" + words_.word() + "\" and process.name in " +
                   list(&RuleWords::program, 3);
    }
}

std::string RuleWriter::item(std::size_t number, bool alias, bool alone) {
    // Of 169 sequences: network and process 60, file and process 18, the others process alone. One
    // in four begins with what is common and waits for what is not.
    if (number == 0) {
        common_first_ = !words_.chance(75) && !alone;
        return "  [" + process_event(!common_first_) + ']' + (alias ? " as first" : "");
    }
    const std::size_t kind = words_.below(100);
    std::string event = kind < 55   ? process_event()
                        : kind < 87 ? connection_event(words_.chance(50) || common_first_)
                                    : file_event();
    if (alias)
        event += " and\n  process.executable == first.process.executable";
    return "  [" + event + ']';
}

// 2 stages 148 of 169, 3 stages 11, runs 8; one key 91, two 37, three 11; spans 5s 38, 10s 29, 3s
// 24, 1m 22, 1s 22, 30s 14, 15s 9; `as` 15; one ![…]; two without maxspan.
std::string RuleWriter::sequence() {
    static constexpr const char* kSpans[] = {"5s", "5s", "5s", "10s", "10s", "3s",  "3s",
                                             "1m", "1m", "1s", "1s",  "30s", "15s", "5m"};
    static constexpr const char* kKeys[] = {
        "process.entity_id",           "process.entity_id",
        "process.parent.entity_id",    "host.id",
        "host.id, process.entity_id",  "host.id, process.parent.entity_id",
        "user.id, process.parent.name"};
    std::string made = "sequence";
    const bool own_keys = words_.chance(18);  // an item's own: the child of the one before
    if (!own_keys)
        made += " by " + words_.one_of(kKeys);
    made += " with maxspan=" + words_.one_of(kSpans);
    const std::size_t kind = words_.below(100);
    const std::size_t items = kind < 88 ? 2 : kind < 95 ? 3 : 1;
    const bool alias = !own_keys && items > 1 && words_.chance(9);
    for (std::size_t i = 0; i < items; ++i) {
        made += '\n' + item(i, alias, items == 1);
        if (own_keys)
            made += i == 0 ? " by process.entity_id" : " by process.parent.entity_id";
        if (items == 1)
            made += " with runs=" + std::to_string(words_.between(3, 25));
    }
    return made;
}

std::string RuleWriter::sample() {
    return "sample by host.id\n  [" + process_event() + "]\n  [" + process_event() + ']';
}

std::string RuleWriter::query() {
    // 477 event queries, 169 sequences, 3 samples. Events: process 449, file 71, network 13,
    // others 28 or so.
    const std::size_t kind = words_.below(1000);
    if (kind < 5)
        return sample();
    if (kind < 265)
        return sequence();
    const std::size_t event = words_.below(100);
    return event < 80   ? process_event()
           : event < 93 ? file_event()
           : event < 96 ? connection_event()
                        : other_event();
}

std::string RuleWriter::file(std::size_t number) {
    std::string name = "Generated " + std::to_string(number) + ": " + words_.word();
    std::string note;
    for (int i = 0; i < 20; ++i) {
        for (int j = 0; j < 12; ++j)
            note += words_.word() + ' ';
        note += '\n';
    }
    return "# SPDX-License-Identifier: Apache-2.0\n[metadata]\ncreation_date = \"2026/01/01\"\n"
           "maturity = \"production\"\nupdated_date = \"2026/01/01\"\n\n[rule]\n"
           "author = [\"generated\"]\ndescription = \"\"\"\n" +
           note.substr(0, note.find('\n', 200)) + "\n\"\"\"\nfrom = \"now-9m\"\n" +
           "language = \"eql\"\nlicense = \"Apache-2.0\"\nname = \"" + name +
           "\"\nnote = \"\"\"\n" + note + "\"\"\"\nreferences = [\"https://example.org/" +
           words_.word() + "\"]\nrisk_score = 21\nrule_id = \"" + words_.uuid() +
           "\"\nseverity = \"low\"\ntags = [\"OS: Linux\"]\ntype = \"eql\"\n\nquery = '''\n" +
           query() +
           "\n'''\n\n[[rule.threat]]\nframework = \"MITRE ATT&CK\"\n\n[[rule.threat.technique]]\n"
           "id = \"T1059\"\nname = \"Command and Scripting Interpreter\"\n"
           "reference = \"https://attack.mitre.org/techniques/T1059/\"\n\n[rule.threat.tactic]\n"
           "id = \"TA0002\"\nname = \"Execution\"\n"
           "reference = \"https://attack.mitre.org/tactics/TA0002/\"\n";
}

}  // namespace

std::vector<detect::RuleSource> generated_rules(std::size_t count, std::uint64_t seed) {
    RuleWriter writer(seed);
    std::vector<detect::RuleSource> sources;
    sources.reserve(count);
    for (std::size_t i = 1; i <= count; ++i)
        sources.push_back({"generated_" + std::to_string(i) + ".toml", writer.file(i)});
    return sources;
}

}  // namespace audisp_eql::bench
