// SPDX-License-Identifier: Apache-2.0
// Pending matches: what a sequence has so far, found by stage and join key, and let go oldest first
// when there are too many or too old ones.
//
// Memory: the store owns every pending match of an engine and reuses them, with what they have from
// the record pool; each keeps its events alive. Threads: one engine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory_resource>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/container/deque.hpp>
#include <boost/container/options.hpp>
#include <boost/container/small_vector.hpp>
#include <boost/intrusive/list.hpp>
#include <boost/unordered/unordered_flat_set.hpp>

#include "detect/engine/engine.hpp"
#include "detect/engine/join_key.hpp"
#include "detect/event/pool.hpp"

namespace audisp_eql::detect {

class PendingTable;

// What every event that a sequence begins with touches comes first, in as few lines of the cache as
// can be: there are ten thousands of these.
struct PendingMatch {
    using Hook = boost::intrusive::list_member_hook<>;
    // By stage of the program; null where none belongs. Most wait for their second event.
    using Events =
        boost::container::small_vector<EventPtr, 2, std::pmr::polymorphic_allocator<EventPtr>>;

    std::uint64_t hash = 0;
    std::uint32_t stage = UINT32_MAX;  // in no slot
    // A missing-event clause between two events is broken.
    bool refuted = false;
    std::pmr::string key{&record_pool()};
    std::int64_t first_ns = 0;  // its first event's time: age and maxspan count from it
    Events events{Events::allocator_type(&record_pool())};
    Hook in_table, in_store;
    PendingTable* table = nullptr;
    std::uint64_t number = 0;  // never the same for two matches, also in reused memory
    // Neighbours in the same slot, where a rule looks at more than the newest.
    PendingMatch* newer = nullptr;
    PendingMatch* older = nullptr;
    // The newest event of a leading missing-event clause before the first.
    std::optional<std::int64_t> leading_ns;
    // Of a sample: which items each of the events could be, a bit each. Of a missing-event clause,
    // which is no match: when its events came.
    std::pmr::vector<std::int64_t> marks{&record_pool()};
};

// The pending matches of all rules, in the order in which they began.
class PendingStore {
  public:
    PendingStore(const EngineLimits& limits, EngineCounters& counters)
        : limits_(limits), counters_(counters) {}
    PendingStore(const PendingStore&) = delete;
    PendingStore& operator=(const PendingStore&) = delete;
    ~PendingStore() { all_.clear(); }

    const EngineLimits& limits() const { return limits_; }
    EngineCounters& counters() { return counters_; }
    // The oldest of all rules, at most `count`; how many there were.
    std::size_t drop_oldest(std::size_t count);

  private:
    friend class PendingTable;
    PendingMatch* make(PendingTable& table);
    void release(PendingMatch& match);

    EngineLimits limits_;
    EngineCounters& counters_;
    // 64 in one piece of memory.
    boost::container::deque<PendingMatch, void,
                            boost::container::deque_options_t<boost::container::block_size<64>>>
        memory_;
    std::vector<PendingMatch*> unused_;
    std::uint64_t made_ = 0;
    using List = boost::intrusive::list<
        PendingMatch,
        boost::intrusive::member_hook<PendingMatch, PendingMatch::Hook, &PendingMatch::in_store>>;
    List all_;
};

// The pending matches of one rule.
class PendingTable {
  public:
    explicit PendingTable(PendingStore& store) : store_(store) {}
    PendingTable(const PendingTable&) = delete;
    PendingTable& operator=(const PendingTable&) = delete;
    ~PendingTable() { clear(); }

    // The newest pending match in the slot; null if there is none.
    PendingMatch* find(std::uint32_t stage, const EncodedKey& key) const;
    // A new one without events, in no slot. Null if limits allow none.
    PendingMatch* begin(const EncodedKey& key, std::int64_t first_ns);
    // Puts it into the slot of the stage; what lay there is dropped, or lies behind it if `keep`.
    void store(PendingMatch& match, std::uint32_t stage, bool keep);
    // Takes it out of its slot; the pending match lives on.
    void take(PendingMatch& match);
    // Ends it, in a slot or not.
    void drop(PendingMatch& match);
    // The same, because it is too old.
    void drop_expired(PendingMatch& match);
    // Drops those that began before `oldest_ns`.
    void expire(std::int64_t oldest_ns);
    // Drops all that began before the given one in its slot.
    void drop_older(PendingMatch& match);
    // Counts its age from now on.
    void renew(PendingMatch& match, std::int64_t first_ns);
    void clear();

    bool empty() const { return list_.empty(); }
    // Whether any pending match waits in a slot of the stage.
    bool any_at(std::uint32_t stage) const {
        return stage < population_.size() && population_[stage] > 0;
    }

    const std::vector<std::uint32_t>& population() const { return population_; }

  private:
    friend class PendingStore;
    struct Slot {
        std::uint32_t stage;
        std::uint64_t hash;
        std::string_view key;
    };
    static Slot slot_of(const PendingMatch& match) { return {match.stage, match.hash, match.key}; }
    static Slot slot_of(const Slot& slot) { return slot; }
    static Slot slot_of(const PendingMatch* match) { return slot_of(*match); }
    struct Hash {
        using is_transparent = void;
        using is_avalanching = void;
        template <typename T>
        std::size_t operator()(const T& slot) const {
            const Slot s = slot_of(slot);
            // The key's hash is keyed already; the stage only has to spread.
            return s.hash ^ ((s.stage + 1) * 0x9e3779b97f4a7c15ULL);
        }
    };
    struct Equal {
        using is_transparent = void;
        template <typename A, typename B>
        bool operator()(const A& a, const B& b) const {
            const Slot x = slot_of(a);
            const Slot y = slot_of(b);
            return x.stage == y.stage && x.hash == y.hash && x.key == y.key;
        }
    };
    static constexpr std::uint32_t kNoStage = UINT32_MAX;
    void drop_oldest();

    PendingStore& store_;
    std::vector<std::uint32_t> population_;  // by stage
    boost::unordered_flat_set<PendingMatch*, Hash, Equal> slots_;
    using List = boost::intrusive::list<
        PendingMatch,
        boost::intrusive::member_hook<PendingMatch, PendingMatch::Hook, &PendingMatch::in_table>>;
    List list_;  // in the order in which they began
};

}  // namespace audisp_eql::detect
