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
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "detect/event/event.hpp"

namespace audisp_eql::detect {

// What an event says of its process to every lineage, with the hashes that all of them look up. The
// texts are the event's.
class Kinship {
  public:
    struct EntityId {
        std::string_view text;
        std::size_t hash;
    };

    void read(const Event& event);
    const EntityId& process() const { return process_; }  // empty if the event names none
    const std::vector<EntityId>& elders() const { return elders_; }  // the parent, then ancestors
    bool ends() const { return ends_; }                              // its process is at its end

    static EntityId entity_id(std::string_view text) {
        return {text, std::hash<std::string_view>{}(text)};
    }

  private:
    EntityId process_{};
    std::vector<EntityId> elders_;
    bool ends_ = false;
};

class Lineage {
  public:
    // Living processes that descend from a source: a host seldom has more processes than this at
    // all. The oldest is forgotten first, and counted.
    static constexpr std::size_t kMaxProcesses = 100'000;
    // An ended process is remembered for a while: events of its children may come after its end.
    static constexpr std::int64_t kRememberEndedNs = 60'000'000'000;

    // Learns what the event says about its process. Call for every event, in order, before `is_…`.
    // `kinship`: as the event has it; not looked at unless is_followed().
    void look_at(const Event& event, const Kinship& kinship);
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
    bool counts(const Kinship::EntityId& entity_id) const {
        return processes_.find(entity_id) != processes_.end();
    }
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
        std::size_t operator()(const Kinship::EntityId& id) const { return id.hash; }
    };
    struct Equal {
        using is_transparent = void;
        bool operator()(std::string_view a, std::string_view b) const { return a == b; }
        bool operator()(const Kinship::EntityId& a, std::string_view b) const {
            return a.text == b;
        }
        bool operator()(std::string_view a, const Kinship::EntityId& b) const {
            return a == b.text;
        }
    };
    boost::unordered_flat_map<std::string, Process, Hash, Equal> processes_;
    std::deque<std::string> order_;  // in which they were learned; may name forgotten ones
    std::deque<Ended> ended_;
    std::uint64_t dropped_ = 0;
    bool is_descendant_ = false;
};

}  // namespace audisp_eql::detect
