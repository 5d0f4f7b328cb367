// SPDX-License-Identifier: Apache-2.0
// Questions to audit logs and captures.
#include <span>
#include <utility>

#include <fmt/core.h>

#include "collector/agent/pipeline.hpp"
#include "collector/command/input_files.hpp"
#include "collector/command/query_input.hpp"
#include "collector/feed/capture.hpp"

namespace audisp_eql::collector {
namespace {

class LogInput final : public QueryInput {
  public:
    explicit LogInput(const QuerySetup& setup)
        : pipeline_(setup.rules, options(setup), nullptr), reader_(pipeline_) {}

    void line(const InputLine& line) override { reader_.line(line.text); }
    bool finish() override {
        pipeline_.finish();
        return true;
    }
    std::string_view text_of(const detect::Event&) const override { return {}; }
    void tell_statistics(std::chrono::nanoseconds took, std::uint64_t matches) const override {
        collector::tell_statistics(pipeline_.counters(), reader_.counters(), took,
                                   fmt::format("matches: {}", matches));
    }

  private:
    static PipelineOptions options(const QuerySetup& setup) {
        PipelineOptions options;
        if (!setup.settings.host_id.empty())
            options.default_host_id = setup.settings.host_id;
        options.on_matches = [&matches = setup.matches](const detect::Rule& rule,
                                                        std::span<const detect::Match> found) {
            matches.on_matches(rule, found);
        };
        options.limits = kQueryLimits;
        return options;
    }

    Pipeline pipeline_;
    CaptureReader reader_;
};

}  // namespace

std::unique_ptr<QueryInput> make_log_input(const QuerySetup& setup) {
    return std::make_unique<LogInput>(setup);
}

}  // namespace audisp_eql::collector
