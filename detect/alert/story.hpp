// SPDX-License-Identifier: Apache-2.0
// Several alerts about one process tree, and what the tree did afterwards, as one alert: which
// rules fired, and the programs, connections and files of the processes that they speak of and of
// their descendants, until the tree is quiet.
//
// A story begins with an alert whose processes belong to no open story; every further alert about
// them or their descendants folds into it. Time is the events', so that a replay tells the same.
// Memory: owns what it collects, within the bounds below. Threads: one.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "detect/alert/alert.hpp"

namespace audisp_eql::detect {

struct StoryCounters {
    std::uint64_t told = 0;
    std::uint64_t steps_dropped = 0;    // beyond kMaxSteps of a story
    std::uint64_t ended_early = 0;      // the oldest, because kMaxOpen others were open
    std::uint64_t members_dropped = 0;  // processes beyond kMaxMembers of a story
};

class Stories {
  public:
    // Somebody who types pauses for minutes; a story that waits for hours tells nobody anything.
    static constexpr std::int64_t kQuietNs = 60'000'000'000;
    static constexpr std::int64_t kLongestNs = 900'000'000'000;
    // A host with more shells to tell of than this is lost already.
    static constexpr std::size_t kMaxOpen = 32;
    // What a person reads; with kMaxText, a story takes some 100 kB at most.
    static constexpr std::size_t kMaxSteps = 100;
    static constexpr std::size_t kMaxText = 512;  // bytes of one value
    static constexpr std::size_t kMaxMembers = 64;
    static constexpr std::size_t kMaxRules = 32;
    static constexpr std::size_t kMaxAlerts = 100;

    using Handler = std::function<void(const Alert&)>;
    explicit Stories(Handler handler) : handler_(std::move(handler)) {}

    // An alert was made of these matches. `context`: for what the story says of the run.
    void on_alert(const Rule& rule, std::span<const Match> matches, const Alert& alert,
                  const AlertContext& context);
    // Every event, after the rules have seen it.
    void on_event(const EventPtr& event) {
        if (!open_.empty())
            add_event(event);
    }
    // Tells the stories that are quiet or too long.
    void advance(std::int64_t engine_ns);
    // Tells all.
    void finish();
    std::size_t open() const { return open_.size(); }
    const StoryCounters& counters() const { return counters_; }

  private:
    struct Fired {
        std::string id, name;
        RuleSeverity severity;
        int risk_score;
        std::uint64_t count;
    };
    struct Story {
        std::string first_alert, message;
        std::vector<std::string> members;  // entity ids
        std::vector<Fired> rules;
        std::vector<std::string> alerts;  // their event.id
        std::vector<std::string> seen;    // events that are among the steps
        std::vector<JsonMembers> steps;
        std::uint64_t alert_count = 0, dropped = 0;
        std::uint64_t executions = 0, connections = 0, files = 0;
        std::int64_t began_ns = 0, last_ns = 0, began_us = 0, last_us = 0;
        JsonMembers context;
        bool mask_secrets = true;
    };

    void add_event(const EventPtr& event);
    void add_step(Story& story, const EventPtr& event);
    Story& story_of(std::span<const Match> matches, const Alert& alert);
    void tell(const Story& story, std::string_view reason);

    Handler handler_;
    std::vector<Story> open_;  // oldest first
    StoryCounters counters_;
};

}  // namespace audisp_eql::detect
