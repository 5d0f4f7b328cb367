// SPDX-License-Identifier: Apache-2.0
#include "collector/command/rule_test_run.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <set>
#include <stdexcept>
#include <utility>

#include <fmt/core.h>

#include "collector/command/rule_test_story.hpp"
#include "collector/command/rule_test_stream.hpp"
#include "detect/rule/rule_set.hpp"
#include "detect/rule/rule_test.hpp"

namespace fs = std::filesystem;

namespace audisp_eql::collector {
namespace {

using Ids = detect::RuleTest::Ids;

// The rest of a long list of matches tells nothing new.
constexpr std::size_t kShownMatches = 10;

std::string text_of(const Ids& match) {
    std::string text = "[";
    for (const std::string& id : match)
        text += (text.size() > 1 ? ", \"" : "\"") + id + "\"";
    return text + "]";
}

std::string text_of(const std::vector<Ids>& matches) {
    std::string text;
    for (std::size_t i = 0; i < matches.size() && i < kShownMatches; ++i)
        text += (i > 0 ? ", " : "") + text_of(matches[i]);
    return "[" + text + (matches.size() > kShownMatches ? ", …]" : "]");
}

std::string alerts_text(std::size_t count) {
    return count == 0 ? "no alert" : count == 1 ? "1 alert" : fmt::format("{} alerts", count);
}

class MatchedIds final : public detect::MatchSink {
  public:
    explicit MatchedIds(const TestStream& stream) : stream_(stream) {}
    void on_matches(const detect::Rule&, std::span<const detect::Match> matches) override {
        for (const detect::Match& match : matches) {
            Ids& ids = all.emplace_back();
            for (const detect::EventPtr& event : match.events)
                ids.push_back(event ? stream_.id_of(*event) : std::string(detect::kNoEvent));
        }
    }
    std::vector<Ids> all;

  private:
    const TestStream& stream_;
};

// One rule and its tests.
class RuleTester {
  public:
    RuleTester(const detect::RuleSource& source, const detect::RuleSource& tests, TestedRule& out)
        : source_(source), tests_(tests), out_(out) {}

    void run() {
        const detect::RuleTestFile file = detect::load_rule_tests(tests_.text);
        out_.has_tests = true;
        mistakes(file.diagnostics, tests_);
        if (!load_rule())
            return;
        for (const detect::RuleTest& test : file.tests) {
            const auto start = std::chrono::steady_clock::now();
            TestOutcome& outcome = out_.tests.emplace_back();
            outcome.name = test.name;
            outcome.place = place(test.at);
            outcome.wrong = run(test);
            const auto took = std::chrono::steady_clock::now() - start;
            outcome.seconds = std::chrono::duration<double>(took).count();
        }
    }

  private:
    bool load_rule() {
        std::vector<detect::RuleReport> reports;
        detect::RuleSet::Options options;
        options.evaluate_deprecated = true;
        rules_ = detect::RuleSet::build({source_}, options, reports);
        if (!rules_->rules().empty()) {
            rule_ = detect::load_rule(source_.name, source_.text);
            return true;
        }
        mistakes(reports.front().diagnostics, source_);
        return false;
    }

    // What is wrong; nothing if the test passes.
    std::vector<std::string> run(const detect::RuleTest& test) {
        TestStream stream(test, fs::path(tests_.name).parent_path().string());
        MatchedIds found(stream);
        try {
            stream.run(rules_, found);
        } catch (const std::runtime_error& problem) {
            return {place(test.capture_at) + ": " + problem.what()};
        }
        std::vector<std::string> wrong;
        if (test.expect && *test.expect != found.all)
            wrong.push_back("expected " + text_of(*test.expect) + ", got " + text_of(found.all));
        else if (test.matches != found.all.size())
            wrong.push_back("expected " + alerts_text(test.matches) + ", got " +
                            (found.all.empty() ? "none" : text_of(found.all)));
        if (wrong.empty() && !test.stage)
            return wrong;
        RuleTestStory story(rule_, source_.text, stream);
        if (test.stage && *test.stage != story.reached())
            wrong.push_back(fmt::format("expected to get to stage {} of {}, got to stage {}",
                                        *test.stage, story.items(), story.reached()));
        const bool too_far =
            test.matches < found.all.size() || (test.stage && *test.stage < story.reached());
        if (!wrong.empty() && !too_far) {
            for (std::string& line : story.told())
                wrong.push_back(std::move(line));
        }
        return wrong;
    }

    std::string place(detect::SourceRange range) const {
        const auto at = detect::position_of(tests_.text, range.offset);
        return fmt::format("{}:{}:{}", tests_.name, at.line, at.column);
    }

    void mistakes(const detect::Diagnostics& diagnostics, const detect::RuleSource& source) {
        for (const detect::Diagnostic& one : diagnostics) {
            if (one.severity == detect::Severity::error)
                out_.mistakes += detect::render(one, source.name, source.text);
        }
    }

    const detect::RuleSource& source_;
    const detect::RuleSource& tests_;
    TestedRule& out_;
    std::shared_ptr<const detect::RuleSet> rules_;
    detect::RuleFile rule_;
};

}  // namespace

bool TestedRule::good() const {
    return mistakes.empty() && std::all_of(tests.begin(), tests.end(),
                                           [](const TestOutcome& test) { return test.passed(); });
}

bool TestRun::good() const {
    return troubles.empty() && std::all_of(rules.begin(), rules.end(),
                                           [](const TestedRule& rule) { return rule.good(); });
}

TestRun run_rule_tests(const std::vector<std::string>& paths) {
    TestRun run;
    std::vector<std::string> rule_paths;
    for (const std::string& path : paths)
        rule_paths.push_back(is_rule_test(path) ? rule_of_test(path) : path);
    RuleFiles files = read_rule_files(rule_paths);
    run.troubles = std::move(files.troubles);
    std::set<std::string> seen;
    for (const detect::RuleSource& source : files.sources) {
        if (!seen.insert(source.name).second)
            continue;
        std::error_code ignored;
        const std::string test_path = test_of_rule(source.name);
        const bool tested = fs::exists(test_path, ignored);
        const detect::RuleFile rule = detect::load_rule(source.name, source.text);
        if (!tested && rule.status == detect::RuleFile::Status::other_language) {
            ++run.other_languages;
            continue;
        }
        TestedRule& out = run.rules.emplace_back();
        out.file = source.name;
        out.test_file = test_path;
        if (!tested)
            continue;
        RuleFiles test = read_rule_files({test_path});
        run.troubles.insert(run.troubles.end(), test.troubles.begin(), test.troubles.end());
        if (!test.sources.empty())
            RuleTester(source, test.sources.front(), out).run();
    }
    for (const std::string& path : files.tests) {
        if (!seen.contains(rule_of_test(path)))
            run.troubles.push_back({path, "there is no " + rule_of_test(path) + " beside it"});
    }
    return run;
}

}  // namespace audisp_eql::collector
