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
#include <utility>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "detect/event/event.hpp"

namespace audisp_eql::detect {

// What an event says of its process to the lineages, with the hashes that they look up. The texts
// are the event's.
class Kinship {
  public:
    struct EntityId {
        std::string_view text;
        std::size_t hash;
    };

    void read(const Event& event);
    // The event tells of the end of its process.
    static bool is_end(const Event& event);
    const EntityId& process() const { return process_; }  // empty if the event names none
    const std::vector<EntityId>& elders() const { return elders_; }  // the parent, then ancestors
    bool ends() const { return ends_; }                              // its process is at its end

    static EntityId entity_id(std::string_view text) { return {text, hash_of(text)}; }
    // Entity ids are UUIDs that are made of a hash (version 5): their first and last digits are as
    // good as all of them.
    static std::size_t hash_of(std::string_view text);

  private:
    EntityId process_{};
    std::vector<EntityId> elders_;
    bool ends_ = false;
};

// All lineages of a rule set; each process is kept and looked up once for all of them.
class Lineages {
  public:
    // Living processes that are a source or descend from one: a host seldom has more processes than
    // this at all. The oldest is forgotten first, and counted.
    static constexpr std::size_t kMaxProcesses = 100'000;
    // An ended process is remembered for a while: events of its children may come after its end.
    static constexpr std::int64_t kRememberEndedNs = 60'000'000'000;

    explicit Lineages(std::size_t count)
        : words_((count + kWordBits - 1) / kWordBits), descends_(words_), elders_(words_) {}

    // Learns what the event says about its process. Call for every event, in order, before `is_…`.
    // `kinship`: as the event has it; not looked at unless is_followed().
    void look_at(const Event& event, const Kinship& kinship);
    // The event's process is a source from now on.
    void add_source(const Event& event, std::size_t lineage);
    // Whether the process of the event looked at last descends from a source.
    bool is_descendant(std::size_t lineage) const {
        return (descends_[lineage / kWordBits] & bit_of(lineage)) != 0;
    }
    // The process is a source or a descendant in some lineage.
    bool knows(const Kinship::EntityId& process) const { return processes_.contains(process); }
    // False: no event says anything to them before the next source.
    bool is_followed() const { return !processes_.empty(); }
    std::uint64_t dropped() const { return dropped_; }
    void clear();
    // Goes on with what `old` has learned; `places`: pairs of a lineage here and the same one
    // there.
    void take_over(const Lineages& old,
                   const std::vector<std::pair<std::size_t, std::size_t>>& places);

  private:
    static constexpr std::size_t kWordBits = 64;
    static constexpr std::uint64_t bit_of(std::size_t lineage) {
        return std::uint64_t{1} << (lineage % kWordBits);
    }
    using Bits = std::vector<std::uint64_t>;  // words_ of them, a bit for each lineage
    struct Process {
        std::uint32_t row;
    };
    struct Ended {
        std::string entity_id;
        std::int64_t at_ns;
    };
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const { return Kinship::hash_of(text); }
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

    // Of a known process: in which lineages it counts (a child of it descends), and in which of
    // them as a descendant itself.
    std::uint64_t* counts(std::uint32_t row) { return &rows_[row * 2 * words_]; }
    std::uint64_t* descends(std::uint32_t row) { return counts(row) + words_; }
    std::uint32_t known(std::string_view entity_id);
    bool forget(std::string_view entity_id);
    void forget_ended(std::int64_t now_ns);

    std::size_t words_;
    boost::unordered_flat_map<std::string, Process, Hash, Equal> processes_;
    Bits rows_;                             // counts and descends of each row
    std::vector<std::uint32_t> free_rows_;  // of processes that were forgotten
    std::deque<std::string> order_;         // in which they were learned; may name forgotten ones
    std::deque<Ended> ended_;
    std::uint64_t dropped_ = 0;
    Bits descends_;  // of the process of the event at hand
    Bits elders_;    // where some elder of it counts; working memory
};

}  // namespace audisp_eql::detect
