// SPDX-License-Identifier: Apache-2.0
// A sample: one event for each item, all different, in any order, that share a join key and lie
// within the rule's look-back. It is reported when the last of them comes; then the key starts
// anew.
//
// Memory: the program must outlive the machine. Threads: one engine.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "detect/engine/machine.hpp"
#include "detect/eql/compiler.hpp"

namespace audisp_eql::detect {

class SampleMachine final : public Machine {
  public:
    SampleMachine(const Program& program, PendingStore& store);

    void on_event(Scene& scene, std::span<const Candidate* const> candidates,
                  std::vector<Match>& matches) override;
    void expire(std::int64_t now_ns) override;
    bool idle() const override { return pending_.empty(); }
    void clear() override;
    void rebind(const Program& program) override { program_ = &program; }

  private:
    // Of one key no more events are kept, the oldest go first. Five items can make use of 80.
    static constexpr std::size_t kMaxEvents = 128;

    // A key of the event at hand and the items that it may be under this key, a bit each.
    struct Fit {
        std::string key;
        std::uint64_t hash;
        std::uint32_t items;
    };
    void add_fit(const EncodedKey& key, std::uint32_t item);
    void keep(PendingMatch& match, const EventPtr& event, std::uint32_t items);
    void forget(PendingMatch& match, std::size_t event);
    static bool fits(const PendingMatch& match, std::size_t event, std::uint32_t item);
    bool assign(const PendingMatch& match);
    void prefer_oldest(const PendingMatch& match, std::uint32_t item);
    bool place(const PendingMatch& match, std::uint32_t item, std::vector<bool>& tried);

    const Program* program_;
    PendingTable pending_;
    std::int64_t window_ns_;
    std::vector<Fit> fits_;
    std::vector<std::size_t> chosen_;  // by item: which of the match's events; kNone: none yet
    static constexpr std::size_t kNone = SIZE_MAX;
};

}  // namespace audisp_eql::detect
