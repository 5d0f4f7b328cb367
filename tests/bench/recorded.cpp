// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/recorded.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <stdexcept>

#include "collector/agent/rule_loader.hpp"
#include "collector/feed/capture.hpp"
#include "collector/feed/log_file.hpp"
#include "tests/bench/generated_rules.hpp"

namespace audisp_eql::bench {

namespace {

std::vector<std::string> capture_files() {
    if (const char* const named = std::getenv("AUDISP_EQL_BENCH_CAPTURE"))
        return {named};
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(TEST_DATA "/captures")) {
        if (entry.path().extension() == ".gz")
            files.push_back(entry.path().string());
    }
    std::sort(files.begin(), files.end());
    return files;
}

collector::PipelineCounters run(const std::vector<std::string>& lines,
                                std::shared_ptr<const detect::RuleSet> rules,
                                collector::PipelineOptions options) {
    collector::Pipeline pipeline(std::move(rules), std::move(options), [](const detect::Alert&) {});
    collector::CaptureReader reader(pipeline);
    for (const std::string& line : lines)
        reader.line(line);
    pipeline.finish();
    return pipeline.counters();
}

}  // namespace

const std::vector<std::string>& recorded_lines() {
    static const std::vector<std::string> lines = [] {
        std::vector<std::string> all;
        for (const std::string& file : capture_files())
            collector::read_lines(file, [&](std::string_view line) { all.emplace_back(line); });
        return all;
    }();
    return lines;
}

const std::vector<detect::EventPtr>& recorded_events() {
    static const std::vector<detect::EventPtr> events = [] {
        std::vector<detect::EventPtr> all;
        collector::PipelineOptions options;
        options.on_event = [&](const detect::Event& event) { all.emplace_back(&event); };
        run(recorded_lines(), nullptr, std::move(options));
        return all;
    }();
    return events;
}

std::shared_ptr<const detect::RuleSet> rule_set(std::size_t count) {
    if (count == 0)
        return collector::load_rule_set({RULES_DIR}, false).set;
    std::vector<detect::RuleReport> reports;
    auto set = detect::RuleSet::build(generated_rules(count), {}, reports);
    if (set->rules().size() != count)
        throw std::runtime_error("a generated rule does not load");
    return set;
}

collector::PipelineCounters replay(const std::vector<std::string>& lines,
                                   std::shared_ptr<const detect::RuleSet> rules) {
    return run(lines, std::move(rules), {});
}

}  // namespace audisp_eql::bench
