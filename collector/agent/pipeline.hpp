// SPDX-License-Identifier: Apache-2.0
// Message -> record -> event -> engine -> alert: what the worker does with each message, in plain
// calls. Live runs and replays use the same object; the same messages give the same bytes.
//
// Memory: owns all stages. Threads: one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "collector/feed/message.hpp"
#include "collector/normalize/normalizer.hpp"
#include "detect/alert/alert.hpp"
#include "detect/engine/engine.hpp"

namespace audisp_eql::collector {

struct PipelineOptions {
    std::string default_host_id = "replay";
    // Live only: asked when the connector told of an exec and audit did not.
    ProcReader* proc = nullptr;
    // Live only: every message in the order of consumption, what the agent learned from /proc
    // included, so that a replay repeats the run.
    MessageSink* tee = nullptr;
    // Every event, before the rules see it (golden tests, --events).
    std::function<void(const detect::Event&)> on_event;
};

struct PipelineCounters {
    AssemblerCounters assembler;
    NormalizerCounters normalizer;
    ProcessTableCounters processes;
    detect::EngineCounters engine;
    std::uint64_t messages = 0;
    std::uint64_t alerts = 0;
    std::uint64_t quiet_matches = 0;  // of building-block rules
    std::uint64_t losses = 0;
};

class Pipeline final : public MessageSink {
  public:
    using AlertHandler = std::function<void(const detect::Alert&)>;

    Pipeline(std::shared_ptr<const detect::RuleSet> rules, PipelineOptions options,
             AlertHandler on_alert);
    ~Pipeline() override;

    // Timers due before the message fire first: a run and its replay see the same order.
    void on_message(const Message& message) override;
    // End of input: everything held comes out, the clock runs out.
    void finish();

    PipelineCounters counters() const;

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace audisp_eql::collector
