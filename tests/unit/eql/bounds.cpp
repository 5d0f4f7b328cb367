// SPDX-License-Identifier: Apache-2.0
// Queries and rule sets as large as somebody can make them, from text to the engine's verdict: each
// loads or is refused with a diagnostic, in bounded memory and time, and none is a crash. Each runs
// in a process of its own with a limited address space.
//   eql_bounds [NAME]   prints what each came to, its time and its peak of memory
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

#include <sys/resource.h>
#include <sys/wait.h>

#include "detect/engine/engine.hpp"
#include "detect/eql/parser.hpp"
#include "detect/event/json_reader.hpp"
#include "detect/rule/rule_set.hpp"

namespace {

using namespace audisp_eql::detect;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kLimited = false;
#else
constexpr bool kLimited = true;
#endif

// A thousand times 1 MB of query, and ten thousand rules fit, too. (The largest here takes 126 MB.)
// A sanitizer's shadow needs terabytes of addresses.
constexpr rlim_t kAddressSpace = rlim_t{1} << 30;
// Of the processor's time. The slowest takes 2 s on one core of 2020; a sanitizer ten times that.
constexpr rlim_t kSeconds = kLimited ? 20 : 200;

enum class Wanted { loads, refused, either };

std::string repeat(std::string_view text, std::size_t count) {
    std::string out;
    out.reserve(text.size() * count);
    for (std::size_t i = 0; i < count; ++i)
        out += text;
    return out;
}

// As many numbered parts as the bytes allow.
std::string numbered(std::size_t bytes, const std::function<std::string(std::size_t)>& part) {
    std::string out;
    for (std::size_t i = 0;; ++i) {
        const std::string next = part(i);
        if (out.size() + next.size() > bytes)
            return out;
        out += next;
    }
}

std::string quoted(const std::string& text) {
    return '"' + text + '"';
}

std::string list(std::size_t count, const std::string& before, const std::string& after) {
    std::string out = "(";
    for (std::size_t i = 0; i < count; ++i)
        out += (i > 0 ? "," : "") + quoted(before + std::to_string(i) + after);
    return out + ")";
}

class Count final : public MatchSink {
  public:
    void on_matches(const Rule&, std::span<const Match> matches) override { all += matches.size(); }
    std::size_t all = 0;
};

// Two events with something in every field that the cases name.
std::size_t matches_of(std::shared_ptr<const RuleSet> rules) {
    const std::string json =
        R"({"@timestamp":1,"event":{"category":["process"]},"process":{"name":"name7","args":["a",")" +
        std::string(1000, 'x') +
        R"("],"args_count":2,"entity_id":"e"},"destination.ip":"10.0.0.7"})";
    JsonEventReader reader(rules->fields(), false);
    Engine engine(std::move(rules));
    Count count;
    std::string error;
    for (int i = 0; i < 2; ++i) {
        const EventPtr event = reader.read(json, error);
        if (!event)
            return 0;
        engine.on_event(event, count);
    }
    engine.finish(count);
    return count.all;
}

struct Outcome {
    bool loads = false;
    std::string text;
};

Outcome one_query(const std::string& query) {
    Diagnostics diagnostics;
    const auto rules = RuleSet::of_query(query, diagnostics);
    if (rules)
        return {true, "loads, " + std::to_string(matches_of(rules)) + " matches"};
    for (const Diagnostic& one : diagnostics) {
        if (one.severity == Severity::error)
            return {false, "refused: " + one.message +
                               (render(one, "query", query).size() < 2000 ? "" : " (at length)")};
    }
    return {false, ""};
}

std::string rule_file(std::size_t number, const std::string& query) {
    const std::string name = std::to_string(number);
    return "[rule]\nrule_id = \"" + name + "\"\nname = \"rule " + name +
           "\"\nlanguage = \"eql\"\ntype = \"eql\"\nrisk_score = 47\nseverity = \"medium\"\n"
           "query = '''\n" +
           query + "\n'''\n";
}

Outcome rule_set(std::size_t count, const std::function<std::string(std::size_t)>& query) {
    std::vector<RuleSource> sources;
    for (std::size_t i = 0; i < count; ++i)
        sources.push_back({"r" + std::to_string(i) + ".toml", rule_file(i, query(i))});
    std::vector<RuleReport> reports;
    const auto rules = RuleSet::build(sources, {}, reports);
    const std::size_t loaded = rules->rules().size();
    for (const RuleReport& report : reports) {
        const bool broken = report.status == RuleReport::Status::error;
        if (broken == !has_errors(report.diagnostics))
            return {false, ""};
    }
    return {loaded == count, std::to_string(loaded) + " of " + std::to_string(count) + " load, " +
                                 std::to_string(matches_of(rules)) + " matches"};
}

struct Case {
    const char* name;
    Wanted wanted;
    std::function<Outcome()> run;
};

Case nest(const char* name, const char* before, const char* core, const char* after) {
    return {name, Wanted::refused, [=] {
                return one_query("any where " + repeat(before, 100'000) + core +
                                 repeat(after, 100'000));
            }};
}

// The query that this makes has 1,000,000 bytes, or as many of its parts as fit.
constexpr std::size_t kMegabyte = 1'000'000;
Case large(const char* name, Wanted wanted, const std::string& before,
           const std::function<std::string(std::size_t)>& part, const std::string& after) {
    return {name, wanted, [=] {
                std::string query =
                    before + numbered(kMegabyte - before.size() - after.size(), part) + after;
                query.resize(kMegabyte, ' ');
                return one_query(query);
            }};
}

std::vector<Case> nests() {
    return {
        nest("100,000 parentheses", "(", "true", ")"),
        nest("100,000 not", "not ", "true", ""),
        nest("100,000 minus", "-", "1", ""),
        nest("100,000 calls", "length(", "process.name", ")"),
        nest("100,000 descendant of", "descendant of [any where ", "true", "]"),
        nest("100,000 sums", "1 + ", "1", ""),
        nest("100,000 lists", "true in (", "true", ")"),
        nest("100,000 comparisons", "true == (", "true", ")"),
    };
}

std::vector<Case> large_queries() {
    const auto number = [](std::size_t i) { return std::to_string(i); };
    const auto repeated = [](const char* text) {
        return [text](std::size_t) { return std::string(text); };
    };
    return {
        large("1 MB of spaces", Wanted::loads, "any where true", repeated(" "), ""),
        large("1 MB of comment", Wanted::loads, "any where true /*", repeated("*"), "*/"),
        large(
            "1 MB of or", Wanted::loads, "any where true",
            [=](std::size_t i) { return " or process.name == \"n" + number(i) + '"'; }, ""),
        large(
            "1 MB of and not", Wanted::loads, "any where true",
            [=](std::size_t i) { return " and not process.args : \"*n" + number(i) + "?*\""; }, ""),
        large(
            "1 MB of formulas", Wanted::loads, "any where false",
            [=](std::size_t i) { return " or process.args_count + " + number(i) + " == 7"; }, ""),
        large(
            "1 MB of field names", Wanted::either, "any where false",
            [=](std::size_t i) { return " or f" + number(i) + " == 1"; }, ""),
        large("1 MB of one string", Wanted::loads, "any where process.args == \"", repeated("x"),
              "\""),
        large("1 MB of escapes", Wanted::loads, "any where process.args == \"",
              repeated("\\u{10FFFF}"), "\""),
        large("1 MB of one pattern", Wanted::loads, "any where process.args : \"", repeated("x*?"),
              "\""),
        large("1 MB of stars", Wanted::loads, "any where process.args : \"", repeated("*x"), "y\""),
        large("1 MB of one regex", Wanted::either, "any where process.args regex \"",
              repeated("(x|y)*"), "\""),
        large("1 MB of repeats in a regex", Wanted::either, "any where process.args regex \"",
              repeated("[a-z]{1,999}"), "\""),
        large("1 MB of brackets in a regex", Wanted::either, "any where process.args regex \"",
              repeated("("), "\""),
        large("1 MB of one field name", Wanted::loads, "any where a", repeated(".a"), " == 1"),
        large("1 MB of arguments", Wanted::either, "any where concat(process.name", repeated(",1"),
              ") == \"x\""),
        large(
            "1 MB of networks", Wanted::loads, "any where cidrmatch(destination.ip",
            [=](std::size_t i) { return ",\"10." + number(i % 256) + ".0.0/16\""; }, ")"),
        large("1 MB of items", Wanted::refused, "sequence by process.entity_id with maxspan=1s",
              repeated(" [any where true]"), ""),
        large("1 MB of runs", Wanted::refused, "sequence with maxspan=1s",
              repeated(" [any where true] with runs=100"), ""),
        large("1 MB of samples", Wanted::refused, "sample by process.entity_id",
              repeated(" [any where true]"), ""),
        large(
            "1 MB of aliases", Wanted::refused, "sequence with maxspan=1s",
            [=](std::size_t i) { return " [any where true] as a" + number(i); }, ""),
        large("1 MB of keys", Wanted::either, "sequence by process.entity_id",
              repeated(",process.name"), " [any where true] [any where true]"),
        large("1 MB of pipes", Wanted::either, "any where true", repeated("|head 1"), ""),
        large(
            "1 MB of lineages", Wanted::either, "any where false",
            [=](std::size_t i) {
                return " or descendant of [any where process.args_count==" + number(i) + "]";
            },
            ""),
        {"1 MB and a byte too many", Wanted::refused,
         [] { return one_query("any where true" + std::string(kMaxQueryBytes, ' ')); }},
    };
}

Case in_list(const char* name, const std::string& test, const std::string& before,
             const std::string& after) {
    return {name, Wanted::loads,
            [=] { return one_query("any where " + test + list(50'000, before, after)); }};
}

std::vector<Case> lists_and_rules() {
    return {
        in_list("50,000 in", "process.name in ", "name", ""),
        in_list("50,000 in~", "process.name in~ ", "NAME", ""),
        in_list("50,000 prefixes", "process.name : ", "name", "*"),
        in_list("50,000 suffixes", "process.name like ", "*name", ""),
        in_list("50,000 contained", "process.args like~ ", "*n", "*"),
        in_list("50,000 patterns", "process.args : ", "*n?", "e*"),
        {"50,000 regular expressions", Wanted::either,
         [] { return one_query("any where process.args regex " + list(50'000, "n[a-c]", ".")); }},
        {"50,000 numbers", Wanted::loads,
         [] {
             return one_query(
                 "any where process.args_count in (0" +
                 numbered(kMegabyte / 2, [](std::size_t i) { return "," + std::to_string(i); }) +
                 ")");
         }},
        {"10,000 rules", Wanted::loads,
         [] {
             return rule_set(10'000, [](std::size_t i) {
                 return "process where event.action == \"exec\" and process.name in (\"name" +
                        std::to_string(i % 100) + "\", \"x" + std::to_string(i) + "\")";
             });
         }},
        {"10,000 sequences", Wanted::loads,
         [] {
             return rule_set(10'000, [](std::size_t i) {
                 return "sequence by process.entity_id with maxspan=1m\n"
                        "[process where process.name : (\"name*\", \"*" +
                        std::to_string(i) + "\")]\n[network where process.args_count > " +
                        std::to_string(i) + "]";
             });
         }},
        {"10,000 rules with names of their own", Wanted::either,
         [] {
             return rule_set(10'000, [](std::size_t i) {
                 std::string query = "any where false";
                 for (int field = 0; field < 5; ++field)
                     query +=
                         " or own" + std::to_string(i) + ".f" + std::to_string(field) + " == \"x\"";
                 return query;
             });
         }},
        {"10,000 broken rules", Wanted::refused,
         [] { return rule_set(10'000, [](std::size_t) { return "process where name = 'x'"; }); }},
    };
}

// In the child: what became of it as text, and how it ends: 0 as wanted, 1 not.
int settle(const Case& one) {
    const Outcome outcome = one.run();
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const double took = static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                        static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    const bool told = !outcome.text.empty();
    const bool wanted =
        one.wanted == Wanted::either || outcome.loads == (one.wanted == Wanted::loads);
    std::printf("%-40s %s; %.2f s, %ld MB%s\n", one.name,
                told ? outcome.text.substr(0, 120).c_str() : "refused without a diagnostic", took,
                usage.ru_maxrss / 1024, told && wanted ? "" : "  <- NOT AS WANTED");
    return told && wanted ? 0 : 1;
}

bool holds(const Case& one) {
    std::fflush(stdout);
    const pid_t child = fork();
    if (child < 0) {
        std::perror("fork");
        return false;
    }
    if (child == 0) {
        if (kLimited) {
            const rlimit space{kAddressSpace, kAddressSpace};
            setrlimit(RLIMIT_AS, &space);
        }
        const rlimit time{kSeconds, kSeconds};
        setrlimit(RLIMIT_CPU, &time);
        const int code = settle(one);
        std::fflush(stdout);
        _exit(code);
    }
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status))
        std::printf("%-40s ended by signal %d  <- NOT AS WANTED\n", one.name, WTERMSIG(status));
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

int main(int argc, char** argv) {
    std::vector<Case> all = nests();
    for (auto& more : {large_queries(), lists_and_rules()})
        all.insert(all.end(), more.begin(), more.end());
    std::size_t run = 0, failed = 0;
    for (const Case& one : all) {
        if (argc > 1 && one.name != std::string_view(argv[1]))
            continue;
        ++run;
        failed += holds(one) ? 0 : 1;
    }
    std::printf("%zu cases, %zu failed\n", run, failed);
    return run > 0 && failed == 0 ? 0 : 1;
}
