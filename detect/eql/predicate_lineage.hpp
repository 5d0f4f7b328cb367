// SPDX-License-Identifier: Apache-2.0
// `descendant of [query]`: a process is a source once an event of its own matches the query, and
// its descendants are the processes whose chain of parents reaches it. A process is known to
// descend from its first event on that shows its parent or its ancestors (its fork, as a rule).
//
// Memory: entity ids of the processes that count, bounded. Threads: one engine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>

#include "detect/event/event.hpp"

namespace audisp_eql::detect {

class Lineage {
  public:
    // Living processes that descend from a source: a host seldom has more processes than this at
    // all. The oldest is forgotten first, and counted.
    static constexpr std::size_t kMaxProcesses = 100'000;
    // An ended process is remembered for a while: events of its children may come after its end.
    static constexpr std::int64_t kRememberEndedNs = 60'000'000'000;

    // Learns what the event says about its process. Call for every event, in order, before `is_…`.
    void look_at(const Event& event);
    // The event's process is a source from now on.
    void add_source(const Event& event);
    // Whether the process of the event looked at last descends from a source.
    bool is_descendant() const { return is_descendant_; }
    // False: no event says anything to it before the next source.
    bool is_followed() const { return !processes_.empty(); }
    std::uint64_t dropped() const { return dropped_; }
    void clear();

  private:
    // Sources and descendants: what makes a child of it a descendant.
    struct Process {
        bool descendant = false;
    };
    bool counts(std::string_view entity_id) const;
    Process& known(std::string_view entity_id);
    void forget_ended(std::int64_t now_ns);

    struct Ended {
        std::string entity_id;
        std::int64_t at_ns;
    };
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const {
            return std::hash<std::string_view>{}(text);
        }
    };
    std::unordered_map<std::string, Process, Hash, std::equal_to<>> processes_;
    std::deque<std::string> order_;  // in which they were learned; may name forgotten ones
    std::deque<Ended> ended_;
    std::uint64_t dropped_ = 0;
    bool is_descendant_ = false;
};

}  // namespace audisp_eql::detect
