// SPDX-License-Identifier: Apache-2.0
// Message -> record -> event -> engine -> alert: what the worker does with each message, in plain
// calls. Live runs and replays use the same object; the same messages give the same bytes.
//
// How a replay stays the run's equal:
// - No clock is read. Stream time is the largest monotonic time a message carried; timers due by a
//   message's time fire before the message is looked at.
// - The assembler's time-outs run on receive time where records have one, else on the largest audit
//   time of the file.
// - What a live run asked /proc stands in its recording: see PipelineOptions::tee.
//
// Memory: owns all stages. Threads: one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "collector/agent/gaps.hpp"
#include "collector/feed/message.hpp"
#include "collector/normalize/normalizer.hpp"
#include "detect/alert/alert.hpp"
#include "detect/alert/story.hpp"
#include "detect/engine/engine.hpp"

namespace audisp_eql::collector {

struct PipelineOptions {
    std::string default_host_id = "replay";
    // Live only: asked when the connector told of an exec and audit did not, and about each exec
    // what the rules look at and no record tells.
    ProcReader* proc = nullptr;
    // Live only: every message, after it was worked off; before it, as `process` messages, what
    // /proc answered while it was. Stream time goes on with such a message as with any other, so
    // in the replay it meets the same timers as the question did.
    MessageSink* tee = nullptr;
    // Live only: what loaded rules test for in process.env_vars is read, and kept.
    bool env_vars = false;
    // Live only: each audit event that tells of a change to audit's own configuration.
    std::function<void(const AuditEvent&)> on_config_change;
    // An event that was reported for the key of the agent's own files (lines_of_writers()).
    std::function<void(const AuditEvent&)> on_own_file;
    // Every event, before the rules see it (golden tests, --events).
    std::function<void(const detect::Event&)> on_event;
    // What the rules match, quiet ones too, before it becomes an alert (rule tests, questions).
    std::function<void(const detect::Rule&, std::span<const detect::Match>)> on_matches;
    detect::EngineLimits limits;
    // Bytes of memory that the process may take; 0: no bound but those of the stages.
    std::size_t memory_ceiling = 0;
    // Each alert by itself; and the alerts of one process tree as one, with what it did next.
    bool single_alerts = true;
    bool stories = false;
    bool mask_secrets = true;  // in alerts; see detect/alert/mask.hpp
    // What alerts say made them; empty: this program's version, the rules' digest.
    std::string program_version;
    std::string ruleset_digest;
};

struct PipelineCounters {
    AssemblerCounters assembler;
    NormalizerCounters normalizer;
    ProcessTableCounters processes;
    detect::EngineCounters engine;
    detect::StoryCounters stories;
    std::uint64_t messages = 0;
    std::uint64_t unknown_types = 0;  // audit lines of a type that nobody knows
    std::uint64_t alerts = 0;
    std::uint64_t quiet_matches = 0;  // of building-block rules
    std::uint64_t losses = 0;         // told by the feeds
    std::uint64_t gaps = 0;           // those and what shows in the records
    std::uint64_t own_events = 0;     // of this program, kept from the rules
    std::int64_t stream_ns = 0;       // the monotonic time of what was worked off last
    std::uint64_t resyncs = 0;        // the process table was put right by /proc
    std::uint64_t resync_made = 0;    // processes that were not known
    std::uint64_t resync_ended = 0;   // and those that had ended unseen
    std::uint64_t shed = 0;    // pending matches and processes let go because memory was short
    std::uint64_t epochs = 0;  // breaks of the input's clock
};

class Pipeline final : public MessageSink {
  public:
    using AlertHandler = std::function<void(const detect::Alert&)>;

    // `rules` null: events are made, nothing is evaluated. `on_alert` empty: no alerts are made.
    Pipeline(std::shared_ptr<const detect::RuleSet> rules, PipelineOptions options,
             AlertHandler on_alert);
    ~Pipeline() override;

    void on_message(const Message& message) override;
    // Live only: a message that the run before this one worked off. As on_message, but /proc is not
    // asked (what it answered then is among the messages), and nothing is said of what shows: no
    // alerts, changes of audit or of our files, nor is it recorded. Gaps are new ones all the same.
    void retell(const Message& message);
    // From now on; what is pending of rules whose text is the same lives on (detect/engine).
    // Returns how many pending matches of changed and removed rules were dropped.
    std::uint64_t replace_rules(std::shared_ptr<const detect::RuleSet> rules);

    // One of the two, once, and nothing after it. Everything held comes out.
    // End of input: the clock runs out, too.
    void finish();
    // End of a live run: what may still happen in an open window of a trailing ![…] is not known.
    void stop();

    // What was lost since the last call, one for each source.
    std::vector<Gap> take_new_gaps();
    // The kernel's serial numbers, the first and the newest of this run; 0: none yet.
    std::uint64_t first_serial() const;
    std::uint64_t last_serial() const;

    PipelineCounters counters() const;
    // Of a run with rules; null: none.
    const detect::Engine* engine() const;
    // Times the rules from now on, as Engine::sample_times.
    void sample_times(std::int64_t (*clock)());

  private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace audisp_eql::collector
