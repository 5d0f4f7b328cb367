// SPDX-License-Identifier: Apache-2.0
#include "tests/conformance/random_case.hpp"

#include <utility>

namespace audisp_eql::naive {

namespace {

const std::vector<std::string> kNames{"bash", "sh", "Bash", "nc", "python3.11", "b*sh", "ba?h"};
const std::vector<std::string> kArgs{"-c", "-e", "-C", "/tmp/x", "id", "*", ""};
const std::vector<std::string> kPatterns{
    "b*",  "*sh", "*as*", "ba?h", "sh",  "BASH", "*",       "p*.1*", "?c",    "-?",     "/tmp/*",
    "*/x", "b*h", "??",   "ba*",  "-c*", "*.11", "*YTHON*", "/tm*",  "*mp/x", "pyth*n*"};
const std::vector<std::string> kKeys{"e1", "e1", "e2", "e3"};
const std::vector<std::string> kIps{"127.0.0.1", "10.1.2.3",        "10.200.0.1",
                                    "::1",       "0:0:0:0:0:0:0:1", "2001:db8::7"};
const std::vector<std::string> kIds{"0", "33", "1000"};
const std::vector<std::string> kKeyFields{
    "process.entity_id",  "process.parent.entity_id", "process.name", "process.args",
    "process.args_count", "process.exit_code",        "user.id",      "destination.ip",
    "custom.score",       "process.interactive"};
const std::vector<std::string> kCategories{"process", "network", "file"};

std::string quoted(const std::string& text) {
    return '"' + text + '"';
}

}  // namespace

Case CaseGenerator::next() {
    Case made;
    const int kind = below(10);
    made.query = kind < 2   ? category() + " where " + condition(3)
                 : kind < 9 ? sequence()
                            : sample();
    constexpr std::int64_t kWindows[] = {500, 1000, 2000, 3'600'000};
    made.unbounded_ms = kWindows[below(4)];
    const int count = 4 + below(18);
    std::int64_t time = 1'700'000'000'000;
    for (int i = 0; i < count; ++i) {
        time += chance(25) ? 0 : below(4) * 250;
        made.events.push_back(event(i + 1, time));
    }
    return made;
}

std::string CaseGenerator::text_values(const std::vector<std::string>& from) {
    const int count = chance(60) ? 1 : 1 + below(3);
    if (count == 1)
        return quoted(one_of(from));
    std::string list = "[";
    for (int i = 0; i < count; ++i)
        list += (i ? "," : "") + quoted(one_of(from));
    return list + "]";
}

std::string CaseGenerator::event(int number, std::int64_t time_ms) {
    std::string json = "{\"id\":\"" + std::to_string(number) +
                       "\",\"@timestamp\":" + std::to_string(time_ms) +
                       ",\"event\":{\"category\":[" + quoted(one_of(kCategories)) +
                       (chance(20) ? "," + quoted("process") : "") + "]}";
    const auto add = [&](int percent, const std::string& name, const std::string& value) {
        if (chance(percent))
            json += ",\"" + name + "\":" + value;
    };
    add(85, "process.name", text_values(kNames));
    add(70, "process.args", text_values(kArgs));
    add(60, "process.args_count", std::to_string(below(5)));
    add(50, "process.exit_code", chance(20) ? "[0,2]" : std::to_string(below(4) - 1));
    add(60, "process.parent.name", text_values(kNames));
    add(85, "process.entity_id", text_values(kKeys));
    add(60, "process.parent.entity_id", text_values(kKeys));
    add(20, "process.Ext.ancestry", text_values(kKeys));
    add(50, "user.id", chance(20) ? one_of(kIds) : quoted(one_of(kIds)));
    add(60, "destination.ip", quoted(one_of(kIps)));
    add(40, "process.interactive", chance(50) ? "true" : "false");
    add(40, "custom.score",
        chance(50) ? one_of(std::vector<std::string>{"2.5", "2.0"}) : std::to_string(below(4)));
    return json + "}";
}

std::string CaseGenerator::category() {
    return chance(20) ? "any" : one_of(kCategories);
}

std::string CaseGenerator::condition(int depth) {
    if (depth == 0 || chance(35))
        return atom();
    switch (below(4)) {
        case 0:
            return condition(depth - 1) + " and " + condition(depth - 1);
        case 1:
            return "(" + condition(depth - 1) + " or " + condition(depth - 1) + ")";
        case 2:
            return "not (" + condition(depth - 1) + ")";
        default:
            return "not " + atom();
    }
}

std::string CaseGenerator::atom() {
    if (!aliases_.empty() && chance(50))
        return alias_atom();
    if (!in_subquery_ && chance(6))
        return descendant_atom();
    switch (below(8)) {
        case 0:
        case 1:
        case 2:
            return text_atom();
        case 3:
            return number_atom();
        case 4:
            return null_atom();
        case 5:
            return function_atom();
        case 6:
            return fields_atom();
        default:
            return id_or_ip_atom();
    }
}

std::string CaseGenerator::text_list(const std::vector<std::string>& from) {
    std::string list = "(";
    const int count = 1 + below(4);
    for (int i = 0; i < count; ++i)
        list += (i ? ", " : "") + quoted(one_of(from));
    return list + ")";
}

std::string CaseGenerator::text_atom() {
    const std::string field =
        one_of(std::vector<std::string>{"process.name", "process.args", "process.parent.name",
                                        "?process.name", "process.entity_id"});
    const auto& values = field == "process.args" ? kArgs : kNames;
    switch (below(8)) {
        case 0:
            return field + " == " + quoted(one_of(values));
        case 1:
            return field + " != " + quoted(one_of(values));
        case 2:
            return field + (chance(50) ? " in " : " not in ") + text_list(values);
        case 3:
            return field + (chance(50) ? " in~ " : " not in~ ") + text_list(values);
        case 4:
            return field + " : " + (chance(50) ? quoted(one_of(kPatterns)) : text_list(kPatterns));
        case 5:
            return field + (chance(50) ? " like " : " like~ ") + text_list(kPatterns);
        case 6:
            return field + (chance(50) ? " regex " : " regex~ ") +
                   one_of(std::vector<std::string>{"\"[a-c]+sh\"", "(\"sh|nc\", \"-.\")",
                                                   "\"ba?s{1,2}h\"", "\"P.*[0-9]\""});
        default:
            return field + one_of(std::vector<std::string>{" < ", " <= ", " > ", " >= "}) +
                   quoted(one_of(values));
    }
}

std::string CaseGenerator::number_atom() {
    const std::string field = one_of(std::vector<std::string>{
        "process.args_count", "process.exit_code", "custom.score", "length(process.name)",
        "process.args_count + 1", "process.exit_code * 2", "-process.exit_code",
        "process.args_count / 2", "process.args_count % 2"});
    return field + one_of(std::vector<std::string>{" == ", " != ", " < ", " <= ", " > ", " >= "}) +
           one_of(std::vector<std::string>{"0", "1", "2", "3", "2.5", "-1"});
}

std::string CaseGenerator::null_atom() {
    const std::string operand =
        one_of(std::vector<std::string>{"process.name", "process.exit_code", "destination.ip",
                                        "(process.exit_code > 0)", "length(process.parent.name)"});
    return operand + (chance(50) ? " == null" : " != null");
}

std::string CaseGenerator::function_atom() {
    switch (below(9)) {
        case 0:
            return "startsWith~(process.name, \"B\")";
        case 1:
            return "endsWith(process.name, \"sh\")";
        case 2:
            return "stringContains(process.args, \"t\")";
        case 3:
            return "indexOf(process.name, \"a\") == 1";
        case 4:
            return "substring(process.name, 0, 2) == \"ba\"";
        case 5:
            return "between(process.name, \"b\", \"h\") : \"?s\"";
        case 6:
            return "concat(process.name, \":\", process.args_count) : \"*:2\"";
        case 7:
            return "process.interactive";
        default:
            return "string(process.args_count) in (\"1\", \"2\")";
    }
}

std::string CaseGenerator::id_or_ip_atom() {
    switch (below(6)) {
        case 0:
            return "user.id == 0";
        case 1:
            return "user.id in (\"33\", \"1000\")";
        case 2:
            return "user.id != \"0\"";
        case 3:
            return "destination.ip == \"::1\"";
        case 4:
            return "cidrmatch(destination.ip, \"10.1.0.0/9\", \"::1\", \"127.0.0.0/8\")";
        default:
            return "destination.ip != \"127.0.0.1\"";
    }
}

// Two fields in one atom: any pair of their values.
std::string CaseGenerator::fields_atom() {
    return one_of(std::vector<std::string>{
        "?process.name == ?process.parent.name", "?process.name != ?process.parent.name",
        "?process.exit_code == ?custom.score", "length(process.name) == process.args_count",
        "startsWith(process.name, process.parent.name)",
        "(process.exit_code > 0) == process.interactive",
        "process.args_count + process.exit_code > 3",
        "stringContains~(process.parent.name, process.name)"});
}

std::string CaseGenerator::alias_atom() {
    const std::string field = one_of(std::vector<std::string>{
        "process.name", "process.args", "process.entity_id", "process.exit_code", "user.id",
        "destination.ip", "process.interactive", "custom.score"});
    const std::string earlier = one_of(aliases_) + ".";
    switch (below(8)) {
        case 0:
        case 1:
            return field + " == " + earlier + field;
        case 2:
            return field + " != " + earlier + field;
        case 3:
            return "process.args_count" +
                   one_of(std::vector<std::string>{" < ", " <= ", " > ", " >= "}) + earlier +
                   "process.args_count";
        case 4:
            return earlier + field + (chance(50) ? " == null" : " != null");
        case 5:
            return "startsWith~(process.name, " + earlier + "process.name)";
        case 6:
            return earlier + "process.name : " + text_list(kPatterns);
        default:
            return "process.args_count == " + earlier + "process.args_count + 1";
    }
}

std::string CaseGenerator::descendant_atom() {
    const std::vector<std::string> aliases = std::exchange(aliases_, {});
    in_subquery_ = chance(70);  // else it may hold another one
    std::string made = "descendant of [" + category() + " where " + condition(1) + "]";
    in_subquery_ = false;
    aliases_ = aliases;
    return made;
}

std::string CaseGenerator::head(int keys) {
    std::vector<std::string> fields{"process.entity_id", "process.parent.entity_id"};
    if (chance(40))
        fields = {one_of(kKeyFields), one_of(kKeyFields)};
    std::string made;
    for (int i = 0; i < keys; ++i)
        made += (i ? ", " : " by ") + std::string(chance(20) ? "?" : "") +
                fields[static_cast<std::size_t>(i)];
    return made;
}

std::vector<int> CaseGenerator::families(int keys) {
    std::vector<int> made;
    for (int i = 0; i < keys; ++i)
        made.push_back(below(10));
    return made;
}

std::string CaseGenerator::item(bool missing, const std::vector<int>& families) {
    // Conditions that seldom hold would make sequences that never end.
    const std::string where =
        chance(40) && (aliases_.empty() || chance(50)) ? "true" : condition(1);
    std::string made =
        (missing ? "![" : "[") + (chance(50) ? "any" : category()) + " where " + where + "]";
    const std::vector<std::string> ids{"process.entity_id", "process.parent.entity_id"};
    const std::vector<std::string> texts{"process.name", "process.args", "process.parent.name",
                                         "user.id"};
    const std::vector<std::string> numbers{"process.args_count", "process.exit_code"};
    const char* separator = " by ";
    for (const int family : families) {
        made += separator;
        made += chance(20) ? "?" : "";
        made += one_of(family < 7 ? ids : family < 9 ? texts : numbers);
        separator = ", ";
    }
    return made;
}

std::string CaseGenerator::sequence() {
    std::string made = "sequence";
    const int keys = below(3);
    const std::vector<int> own = families(keys > 0 && chance(70) ? 0 : below(2));
    made += head(keys);
    const int items = chance(10) ? 1 : 2 + below(chance(30) ? 3 : 2);
    const bool missing = items > 1 && chance(30);
    if (missing || chance(75))
        made += " with maxspan=" +
                one_of(std::vector<std::string>{"250ms", "500ms", "1s", "2s", "10s"});
    const int positive = below(items);  // this one is, whatever the others are
    const int holes = missing ? (chance(70) ? 100 / items : 60) : 0;
    for (int i = 0; i < items; ++i) {
        const bool hole = i != positive && chance(holes);
        std::vector<std::string> aliases = aliases_;
        if (hole)
            aliases_.clear();
        made += " " + item(hole, own);
        aliases_ = aliases;
        if (hole)
            continue;
        if (chance(15))
            made += " with runs=" + std::to_string(1 + below(3));
        if (chance(35)) {
            const std::string alias = "x" + std::to_string(i);
            made += " as " + alias;
            aliases_.push_back(alias);
        }
    }
    if (chance(25))
        made += " until " + item(false, own);
    aliases_.clear();
    return made;
}

std::string CaseGenerator::sample() {
    const int keys = below(3);
    const std::vector<int> own = families(keys > 0 ? below(2) : 1);
    std::string made = "sample" + head(keys);
    const int items = 2 + below(3);
    for (int i = 0; i < items; ++i)
        made += " " + item(false, own);
    return made;
}

}  // namespace audisp_eql::naive
