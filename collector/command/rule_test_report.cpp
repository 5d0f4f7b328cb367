// SPDX-License-Identifier: Apache-2.0
#include "collector/command/rule_test_report.hpp"

#include <algorithm>
#include <ostream>
#include <string_view>

#include <fmt/core.h>

#include "collector/command/counted.hpp"
#include "detect/text/utf8.hpp"

namespace audisp_eql::collector {
namespace {

struct Counts {
    std::size_t tests = 0, failed = 0, rules = 0, untested = 0, mistaken = 0;
    explicit Counts(const TestRun& run) {
        for (const TestedRule& rule : run.rules) {
            tests += rule.tests.size();
            failed += failures(rule);
            rules += rule.has_tests ? 1 : 0;
            untested += rule.has_tests ? 0 : 1;
            mistaken += rule.mistakes.empty() ? 0 : 1;
        }
    }
    static std::size_t failures(const TestedRule& rule) {
        return static_cast<std::size_t>(
            std::count_if(rule.tests.begin(), rule.tests.end(),
                          [](const TestOutcome& test) { return !test.passed(); }));
    }
};

std::string result_of(const TestedRule& rule) {
    if (!rule.has_tests)
        return "no tests";
    if (const std::size_t failed = Counts::failures(rule); failed > 0)
        return fmt::format("{} of {} failed", failed, counted(rule.tests.size(), "test"));
    if (!rule.mistakes.empty())
        return "with mistakes";
    return counted(rule.tests.size(), "test") + " passed";
}

std::string summary_of(const TestRun& run) {
    const Counts counts(run);
    std::string text =
        fmt::format("{} of {}: {} passed, {} failed", counted(counts.tests, "test"),
                    counted(counts.rules, "rule"), counts.tests - counts.failed, counts.failed);
    if (counts.untested > 0)
        text += fmt::format("; {} without tests", counted(counts.untested, "rule"));
    if (counts.mistaken > 0)
        text += fmt::format("; {} with mistakes", counted(counts.mistaken, "rule"));
    if (!run.troubles.empty())
        text += fmt::format("; {} not read", counted(run.troubles.size(), "path"));
    if (run.other_languages > 0)
        text +=
            fmt::format("; {} in other languages left out", counted(run.other_languages, "file"));
    return text;
}

// Characters that XML 1.0 can't hold even escaped (section 2.2) become U+FFFD.
std::string escaped(std::string_view text) {
    constexpr std::string_view kReplacement = "\xef\xbf\xbd";
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t length = detect::code_point_length(text, at);
        const auto byte = static_cast<unsigned char>(text[at]);
        const std::string_view character = text.substr(at, length == 0 ? 1 : length);
        if (length == 0 || character == "\xef\xbf\xbe" || character == "\xef\xbf\xbf" ||
            (byte < 0x20 && byte != '\n' && byte != '\t' && byte != '\r'))
            out += kReplacement;
        else if (byte == '&')
            out += "&amp;";
        else if (byte == '<')
            out += "&lt;";
        else if (byte == '>')
            out += "&gt;";
        else if (byte == '"')
            out += "&quot;";
        else if (byte < 0x20)
            out += fmt::format("&#{};", static_cast<unsigned>(byte));  // kept in attributes, too
        else
            out += character;
        at += character.size();
    }
    return out;
}

void junit_problem(std::string_view element, std::string_view message, std::string_view text,
                   std::ostream& out) {
    out << "      <" << element << " message=\"" << escaped(message) << "\">" << escaped(text)
        << "</" << element << ">\n";
}

void junit_case(const TestedRule& rule, const TestOutcome& test, std::ostream& out) {
    out << "    <testcase classname=\"" << escaped(rule.file) << "\" name=\"" << escaped(test.name)
        << "\" time=\"" << fmt::format("{:.6f}", test.seconds) << '"';
    if (test.passed()) {
        out << "/>\n";
        return;
    }
    out << ">\n";
    std::string text = test.place;
    for (const std::string& line : test.wrong)
        text += '\n' + line;
    junit_problem("failure", test.wrong.front(), text, out);
    out << "    </testcase>\n";
}

void junit_load_error(std::string_view file, std::string_view message, std::string_view text,
                      std::ostream& out) {
    out << "    <testcase classname=\"" << escaped(file) << "\" name=\"load\" time=\"0\">\n";
    junit_problem("error", message, text, out);
    out << "    </testcase>\n";
}

void junit_suite(std::string_view name, std::size_t tests, std::size_t failures, std::size_t errors,
                 std::ostream& out) {
    out << "  <testsuite name=\"" << escaped(name) << "\" tests=\"" << tests << "\" failures=\""
        << failures << "\" errors=\"" << errors << "\" skipped=\"0\">\n";
}

}  // namespace

void print_text(const TestRun& run, std::ostream& out) {
    for (const PathTrouble& trouble : run.troubles)
        out << trouble.path << ": error: cannot be tested: " << trouble.message << '\n';
    for (const TestedRule& rule : run.rules) {
        out << rule.file << ": " << result_of(rule) << '\n' << rule.mistakes;
        for (const TestOutcome& test : rule.tests) {
            if (test.passed())
                continue;
            out << "  " << test.place << ": failed: " << test.name << '\n';
            for (const std::string& line : test.wrong)
                out << "    " << line << '\n';
        }
    }
    out << summary_of(run) << '\n';
}

void print_junit(const TestRun& run, std::ostream& out) {
    const Counts counts(run);
    const std::size_t errors = counts.mistaken + run.troubles.size();
    out << "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"audisp-eql\" tests=\""
        << counts.tests + errors << "\" failures=\"" << counts.failed << "\" errors=\"" << errors
        << "\">\n";
    for (const PathTrouble& trouble : run.troubles) {
        junit_suite(trouble.path, 1, 0, 1, out);
        junit_load_error(trouble.path, "cannot be tested", trouble.message, out);
        out << "  </testsuite>\n";
    }
    for (const TestedRule& rule : run.rules) {
        const std::size_t mistaken = rule.mistakes.empty() ? 0 : 1;
        junit_suite(rule.file, rule.tests.size() + mistaken, Counts::failures(rule), mistaken, out);
        if (mistaken != 0)
            junit_load_error(rule.file, "the rule or its tests have mistakes", rule.mistakes, out);
        for (const TestOutcome& test : rule.tests)
            junit_case(rule, test, out);
        out << "  </testsuite>\n";
    }
    out << "</testsuites>\n";
}

}  // namespace audisp_eql::collector
