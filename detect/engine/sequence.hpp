// SPDX-License-Identifier: Apache-2.0
// The state machine of a sequence. For each stage and join key there is at most one pending match:
// a newer one takes the place of an older one. An event is offered to the last stage first, so
// that it never fills two stages of the same match.
//
// Missing-event clauses are no stages: the events that they speak of are remembered by key (only
// their times), and a match is judged when its last event is there, or, for a trailing clause, when
// its window has closed.
//
// Memory: the rule must outlive the machine. Threads: one engine.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <queue>
#include <span>
#include <vector>

#include "detect/engine/machine.hpp"
#include "detect/eql/compiler.hpp"

namespace audisp_eql::detect {

class SequenceMachine final : public Machine {
  public:
    SequenceMachine(const Program& program, PendingStore& store);

    void on_event(Scene& scene, std::span<const Candidate* const> candidates,
                  std::vector<Match>& matches) override;
    bool may_take(const Candidate& candidate) const override;
    std::int64_t next_due() override;
    Match take_due() override;
    void expire(std::int64_t now_ns) override;
    std::vector<std::uint32_t> at_stage() const override { return pending_.population(); }
    bool idle() const override { return pending_.empty(); }
    void clear() override;
    void rebind(const Program& program) override { program_ = &program; }

  private:
    static constexpr std::uint32_t kNone = UINT32_MAX;

    // The stages of one item: runs=N gives N in a row.
    struct Item {
        std::uint32_t first_stage = 0;
        std::uint32_t last_stage = 0;
    };
    // A completed match that a trailing clause may still refute.
    struct Waiting {
        std::int64_t due_ns;
        std::uint64_t number;  // of the pending match: another number, and it is gone
        PendingMatch* match;
        bool operator>(const Waiting& other) const {
            return due_ns != other.due_ns ? due_ns > other.due_ns : number > other.number;
        }
    };

    bool can_matter(const Item& item) const;
    void positive(Scene& scene, const Candidate& candidate, std::vector<Match>& matches);
    void begin(const EventPtr& event, const EncodedKey& key, std::vector<Match>& matches);
    void advance(Scene& scene, const Candidate& candidate, std::uint32_t stage,
                 const EncodedKey& key, std::vector<Match>& matches);
    PendingMatch* take_fitting(Scene& scene, const Candidate& candidate, std::uint32_t stage,
                               const EncodedKey& key);
    void complete(PendingMatch& match, std::vector<Match>& matches);
    void until(Scene& scene, const Condition& condition);
    void missing(Scene& scene, std::uint32_t stage);
    void refute_waiting(const EncodedKey& key, std::int64_t time_ns);
    std::optional<std::int64_t> newest_before(std::uint32_t first, std::uint32_t last,
                                              const EncodedKey& key, std::int64_t time_ns) const;
    Match made(PendingMatch& match) const;
    // The stage before which the next pending match of this stage looks at earlier events.
    bool keeps_older(std::uint32_t stage) const;

    const Program* program_;
    PendingTable pending_;
    std::vector<Item> items_;
    std::vector<std::uint32_t> before_;  // by stage: the one before it that is no missing event
    std::vector<std::uint32_t> after_;   // by stage: the one after it
    std::uint32_t first_ = 0;            // first and last stage that is no missing event
    std::uint32_t last_ = 0;
    std::int64_t maxspan_ns_;
    std::int64_t lateness_ns_;
    std::priority_queue<Waiting, std::vector<Waiting>, std::greater<>> waiting_;
};

}  // namespace audisp_eql::detect
