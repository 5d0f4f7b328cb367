// SPDX-License-Identifier: Apache-2.0
#include "collector/command/rule_test_stream.hpp"

#include <filesystem>
#include <utility>

#include "collector/agent/pipeline.hpp"
#include "collector/feed/capture.hpp"
#include "collector/feed/log_file.hpp"
#include "detect/event/json_reader.hpp"

namespace audisp_eql::collector {
namespace {

void replay(const std::string& path, Pipeline& pipeline) {
    CaptureReader reader(pipeline);
    read_lines(path, [&](std::string_view line) { reader.line(line); });
    pipeline.finish();
}

}  // namespace

TestStream::TestStream(const detect::RuleTest& test, const std::string& directory) : test_(test) {
    if (!test.capture.empty())
        capture_ = (std::filesystem::path(directory) / test.capture).lexically_normal().string();
}

void TestStream::run(const std::shared_ptr<const detect::RuleSet>& rules, detect::MatchSink& sink) {
    if (!capture_.empty()) {
        PipelineOptions options;
        options.on_matches = [&](const detect::Rule& rule, std::span<const detect::Match> matches) {
            sink.on_matches(rule, matches);
        };
        Pipeline pipeline(rules, std::move(options), [](const detect::Alert&) {});
        return replay(capture_, pipeline);
    }
    detect::Engine engine(rules);
    for (const detect::EventPtr& event : events(rules->fields()))
        engine.on_event(event, sink);
    engine.finish(sink);
}

std::vector<detect::EventPtr> TestStream::events(detect::FieldNames& fields) {
    if (!capture_.empty()) {
        if (captured_.empty()) {
            PipelineOptions options;
            options.on_event = [&](const detect::Event& event) { captured_.emplace_back(&event); };
            Pipeline pipeline(nullptr, std::move(options), [](const detect::Alert&) {});
            replay(capture_, pipeline);
        }
        return captured_;
    }
    std::vector<detect::EventPtr> events;
    detect::JsonEventReader reader(fields, true);
    for (const detect::RuleTest::Line& line : test_.events) {
        std::string error;  // there is none: the line was read before
        const detect::EventPtr read = reader.read(line.json, error);
        detect::Event::Layers layers;
        for (std::size_t i = 0; i < detect::kLayerCount; ++i)
            layers[i] = read->layer(static_cast<detect::Layer>(i));
        events.emplace_back(new detect::Event(line.time, read->origin(), std::move(layers)));
    }
    return events;
}

std::string TestStream::id_of(const detect::Event& event) const {
    const detect::Origin& origin = event.origin();
    switch (origin.kind) {
        case detect::Origin::Kind::line:
            return test_.events.at(origin.serial - 1).id;
        case detect::Origin::Kind::audit:
            return std::to_string(origin.serial);
        case detect::Origin::Kind::proc:
            return "proc:" + std::to_string(origin.time);
        case detect::Origin::Kind::none:
            break;
    }
    return "?";
}

}  // namespace audisp_eql::collector
