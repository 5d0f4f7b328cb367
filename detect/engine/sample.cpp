// SPDX-License-Identifier: Apache-2.0
#include "detect/engine/sample.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace audisp_eql::detect {

SampleMachine::SampleMachine(const Program& program, PendingStore& store)
    : program_(&program),
      pending_(store),
      window_ns_(program.maxspan_ns.value_or(store.limits().unbounded_maxspan_ns)) {}

void SampleMachine::add_fit(const EncodedKey& key, std::uint32_t item) {
    const auto same = std::find_if(fits_.begin(), fits_.end(), [&](const Fit& fit) {
        return fit.hash == key.hash && fit.key == key.bytes;
    });
    if (same != fits_.end())
        same->items |= 1U << item;
    else
        fits_.push_back({std::string(key.bytes), key.hash, 1U << item});
}

void SampleMachine::on_event(Scene& scene, std::span<const Candidate* const> candidates,
                             std::vector<Match>& matches) {
    fits_.clear();
    for (const Candidate* const each : candidates) {
        const Candidate& candidate = *each;
        if (!scene.holds(candidate.condition))
            continue;
        for (const EncodedKey& key :
             scene.keys.expand(*scene.event, program_->stages[candidate.item].keys))
            add_fit(key, candidate.item);
    }
    const std::int64_t time_ns = scene.event->time().engine_ns;
    for (const Fit& fit : fits_) {
        const EncodedKey key{fit.key, fit.hash};
        PendingMatch* match = pending_.find(0, key);
        if (match) {
            pending_.renew(*match, std::max(match->first_ns, time_ns));
        } else {
            match = pending_.begin(key, time_ns);
            if (!match)
                continue;
            pending_.store(*match, 0, false);
        }
        keep(*match, scene.event, fit.items);
        if (!assign(*match))
            continue;
        Match done;
        for (const std::size_t event : chosen_)
            done.events.push_back(match->events[event]);
        done.join_keys = JoinKeys::decode(match->key);
        matches.push_back(std::move(done));
        pending_.drop(*match);
    }
}

// Adds the event and lets go of what can no longer be part of a sample: events outside the window,
// and of those that fit the same items all but as many of the newest as there are such items.
void SampleMachine::keep(PendingMatch& match, const EventPtr& event, std::uint32_t items) {
    const std::int64_t oldest_ns = event->time().engine_ns - window_ns_;
    int alike = 1;
    for (std::size_t i = match.events.size(); i-- > 0;) {
        const bool too_old = match.events[i]->time().engine_ns < oldest_ns;
        if (too_old || (match.marks[i] == items && ++alike > std::popcount(items)))
            forget(match, i);
    }
    if (match.events.size() >= kMaxEvents)
        forget(match, 0);
    match.events.push_back(event);
    match.marks.push_back(items);
}

void SampleMachine::forget(PendingMatch& match, std::size_t event) {
    match.events.erase(match.events.begin() + static_cast<std::ptrdiff_t>(event));
    match.marks.erase(match.marks.begin() + static_cast<std::ptrdiff_t>(event));
}

// An event for each item, no event twice (augmenting paths). Of several ways the one in which the
// first item has its oldest event, then the second, and so on.
bool SampleMachine::assign(const PendingMatch& match) {
    const auto items = static_cast<std::uint32_t>(program_->stages.size());
    if (match.events.size() < items)
        return false;
    chosen_.assign(items, kNone);
    for (std::uint32_t item = 0; item < items; ++item) {
        std::vector<bool> tried(match.events.size());
        if (!place(match, item, tried))
            return false;
    }
    for (std::uint32_t item = 0; item < items; ++item)
        prefer_oldest(match, item);
    return true;
}

// Gives the item the oldest event that leaves the items before it as they are and the others one.
void SampleMachine::prefer_oldest(const PendingMatch& match, std::uint32_t item) {
    const std::vector<std::size_t> before = chosen_;
    for (std::size_t event = 0; event < before[item]; ++event) {
        const auto holder = static_cast<std::uint32_t>(
            std::find(before.begin(), before.end(), event) - before.begin());
        if (!fits(match, event, item) || holder < item)
            continue;
        chosen_ = before;
        chosen_[item] = event;
        std::vector<bool> tried(match.events.size());
        for (std::uint32_t settled = 0; settled <= item; ++settled)
            tried[chosen_[settled]] = true;
        if (holder == before.size())
            return;
        chosen_[holder] = kNone;
        if (place(match, holder, tried))
            return;
    }
    chosen_ = before;
}

bool SampleMachine::fits(const PendingMatch& match, std::size_t event, std::uint32_t item) {
    return (match.marks[event] & (1U << item)) != 0;
}

bool SampleMachine::place(const PendingMatch& match, std::uint32_t item, std::vector<bool>& tried) {
    for (std::size_t event = 0; event < match.events.size(); ++event) {
        if (!fits(match, event, item) || tried[event])
            continue;
        tried[event] = true;
        const auto holder = std::find(chosen_.begin(), chosen_.end(), event);
        if (holder == chosen_.end() ||
            place(match, static_cast<std::uint32_t>(holder - chosen_.begin()), tried)) {
            chosen_[item] = event;
            return true;
        }
    }
    return false;
}

void SampleMachine::expire(std::int64_t now_ns) {
    pending_.expire(now_ns - window_ns_);
}

void SampleMachine::clear() {
    pending_.clear();
}

}  // namespace audisp_eql::detect
