// SPDX-License-Identifier: Apache-2.0
#include "tests/conformance/random_case.hpp"

namespace audisp_eql::naive {

namespace {

const std::vector<std::string> kNames{"bash", "sh", "Bash", "nc", "python3.11", "b*sh", "ba?h"};
const std::vector<std::string> kArgs{"-c", "-e", "-C", "/tmp/x", "id", "*", ""};
const std::vector<std::string> kPatterns{"b*",    "*sh", "*as*", "ba?h",   "sh",  "BASH", "*",
                                         "p*.1*", "?c",  "-?",   "/tmp/*", "*/x", "b*h",  "??"};
const std::vector<std::string> kKeys{"e1", "e2", "e3"};
const std::vector<std::string> kIps{"127.0.0.1", "10.1.2.3",        "10.200.0.1",
                                    "::1",       "0:0:0:0:0:0:0:1", "2001:db8::7"};
const std::vector<std::string> kIds{"0", "33", "1000"};
const std::vector<std::string> kCategories{"process", "network", "file"};

std::string quoted(const std::string& text) {
    return '"' + text + '"';
}

}  // namespace

Case CaseGenerator::next() {
    Case made;
    made.query = chance(40) ? category() + " where " + condition(3) : sequence();
    const int count = 2 + below(16);
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
    add(50, "user.id", quoted(one_of(kIds)));
    add(60, "destination.ip", quoted(one_of(kIps)));
    add(40, "process.interactive", chance(50) ? "true" : "false");
    add(40, "custom.score", chance(50) ? "2.5" : std::to_string(below(4)));
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
    switch (below(7)) {
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

std::string CaseGenerator::item(bool missing, int keys, bool optional) {
    std::string made = (missing ? "![" : "[") + category() + " where " + condition(1) + "]";
    const std::vector<std::string> fields{"process.entity_id", "process.parent.entity_id"};
    for (int i = 0; i < keys; ++i)
        made += (i ? ", " : " by ") + std::string(optional ? "?" : "") + one_of(fields);
    return made;
}

std::string CaseGenerator::sequence() {
    std::string made = "sequence";
    const int head = below(3);
    const int own = head > 0 && chance(70) ? 0 : below(2);
    const bool optional = chance(20);
    const std::vector<std::string> fields{"process.entity_id", "process.parent.entity_id"};
    for (int i = 0; i < head; ++i)
        made += (i ? ", " : " by ") + std::string(optional ? "?" : "") +
                fields[static_cast<std::size_t>(i)];
    const bool missing = chance(30);
    if (missing || chance(75))
        made += " with maxspan=" +
                one_of(std::vector<std::string>{"250ms", "500ms", "1s", "2s", "10s"});
    const int items = 2 + below(2);
    const int hole = missing ? below(items) : -1;
    for (int i = 0; i < items; ++i) {
        made += " " + item(i == hole, own, optional);
        if (i != hole && chance(15))
            made += " with runs=" + std::to_string(1 + below(3));
    }
    if (!missing && chance(25))
        made += " until " + item(false, own, optional);
    return made;
}

}  // namespace audisp_eql::naive
