// SPDX-License-Identifier: Apache-2.0
#include "detect/engine/sequence.hpp"

#include <algorithm>
#include <utility>

namespace audisp_eql::detect {

namespace {

// Of a missing-event clause's events of one key: how many times are remembered. Two would do if
// events always came in the order of their times; they may step back a little.
constexpr std::size_t kRememberedTimes = 8;

// A time plus the longest window stays a 64 bit number: 126 years.
constexpr std::int64_t kLongestSpanNs = 4'000'000'000'000'000'000;

}  // namespace

SequenceMachine::SequenceMachine(const Program& program, PendingStore& store)
    : program_(&program),
      pending_(store),
      before_(program.stages.size(), kNone),
      after_(program.stages.size(), kNone),
      maxspan_ns_(std::min(program.maxspan_ns.value_or(store.limits().unbounded_maxspan_ns),
                           kLongestSpanNs)),
      lateness_ns_(store.limits().lateness_ns) {
    const auto& stages = program.stages;
    const auto count = static_cast<std::uint32_t>(stages.size());
    std::uint32_t last = kNone;
    for (std::uint32_t i = 0; i < count; ++i) {
        if (i == 0 || stages[i].item != stages[i - 1].item)
            items_.push_back({i, i});
        items_.back().last_stage = i;
        before_[i] = last;
        if (stages[i].missing)
            continue;
        if (last == kNone)
            first_ = i;
        last = i;
    }
    last_ = last;
    for (std::uint32_t i = count, next = kNone; i-- > 0;) {
        after_[i] = next;
        if (!stages[i].missing)
            next = i;
    }
}

bool SequenceMachine::keeps_older(std::uint32_t stage) const {
    return program_->stages[after_[stage]].uses_aliases;
}

// Whether any pending match could take an event of the item.
bool SequenceMachine::can_matter(const Item& item) const {
    if (item.first_stage > last_)  // a trailing clause only refutes
        return pending_.any_at(static_cast<std::uint32_t>(program_->stages.size()));
    if (item.first_stage == first_ || program_->stages[item.first_stage].missing)
        return true;
    for (std::uint32_t stage = item.first_stage; stage <= item.last_stage; ++stage) {
        if (pending_.any_at(before_[stage]))
            return true;
    }
    return false;
}

bool SequenceMachine::may_take(const Candidate& candidate) const {
    return candidate.item == Candidate::kUntil ? !pending_.empty()
                                               : can_matter(items_[candidate.item]);
}

void SequenceMachine::on_event(Scene& scene, std::span<const Candidate* const> candidates,
                               std::vector<Match>& matches) {
    for (const Candidate* const each : candidates) {
        const Candidate& candidate = *each;
        if (candidate.item == Candidate::kUntil) {
            until(scene, candidate.condition);
            continue;
        }
        const Item& item = items_[candidate.item];
        if (!can_matter(item) || !scene.may_hold(candidate.condition))
            continue;
        if (program_->stages[item.first_stage].missing)
            missing(scene, item.first_stage);
        else
            positive(scene, candidate, matches);
    }
}

void SequenceMachine::positive(Scene& scene, const Candidate& candidate,
                               std::vector<Match>& matches) {
    const Item& item = items_[candidate.item];
    const auto keys = scene.keys.expand(*scene.event, program_->stages[item.first_stage].keys);
    for (std::uint32_t stage = item.last_stage + 1; stage-- > item.first_stage;) {
        for (const EncodedKey& key : keys) {
            if (stage == first_)
                begin(scene.event, key, matches);
            else
                advance(scene, candidate, stage, key, matches);
        }
    }
}

void SequenceMachine::begin(const EventPtr& event, const EncodedKey& key,
                            std::vector<Match>& matches) {
    const std::int64_t time_ns = event->time().engine_ns;
    // Most begin what has begun already: what takes the place of the older one takes its memory.
    if (first_ == 0 && first_ != last_ && !keeps_older(first_)) {
        if (PendingMatch* const older = pending_.find(first_, key)) {
            pending_.renew(*older, time_ns);
            older->events[first_] = event;
            return;
        }
    }
    PendingMatch* const match = pending_.begin(key, time_ns);
    if (!match)
        return;
    match->events.resize(first_ + 1);
    match->events[first_] = event;
    if (first_ > 0)
        match->leading_ns = newest_before(0, first_, key, match->first_ns);
    if (first_ == last_)
        complete(*match, matches);
    else
        pending_.store(*match, first_, keeps_older(first_));
}

// The newest pending match that waits for an event of this stage. Older ones that it would also fit
// are dropped: they are what a newer one takes the place of.
PendingMatch* SequenceMachine::take_fitting(Scene& scene, const Candidate& candidate,
                                            std::uint32_t stage, const EncodedKey& key) {
    PendingMatch* match = pending_.find(before_[stage], key);
    if (!match || !program_->stages[stage].uses_aliases) {
        if (match)
            pending_.drop_older(*match);
        return match;
    }
    // One that is too old must not stand in the way of a younger one that has waited longer here.
    const std::int64_t oldest_ns = scene.event->time().engine_ns - maxspan_ns_;
    PendingMatch* fitting = nullptr;
    while (match) {
        PendingMatch* const older = match->older;
        if (match->first_ns < oldest_ns) {
            pending_.drop_expired(*match);
        } else if (scene.holds(candidate.condition, match->events)) {
            if (fitting)
                pending_.drop(*match);
            else
                fitting = match;
        }
        match = older;
    }
    return fitting;
}

void SequenceMachine::advance(Scene& scene, const Candidate& candidate, std::uint32_t stage,
                              const EncodedKey& key, std::vector<Match>& matches) {
    PendingMatch* const match = take_fitting(scene, candidate, stage, key);
    if (!match)
        return;
    pending_.take(*match);
    const std::int64_t time_ns = scene.event->time().engine_ns;
    if (time_ns - match->first_ns > maxspan_ns_) {
        pending_.drop_expired(*match);
        return;
    }
    const std::uint32_t before = before_[stage];
    if (before + 1 < stage) {
        const auto between = newest_before(before + 1, stage, key, time_ns);
        if (between && *between > match->events[before]->time().engine_ns)
            match->refuted = true;
    }
    match->events.resize(stage + 1);
    match->events[stage] = scene.event;
    if (stage == last_)
        complete(*match, matches);
    else
        pending_.store(*match, stage, keeps_older(stage));
}

// All events are there. What is left are the missing ones: see eql's documentation of missing
// events; the window of a leading clause counts back from the last event, that of a trailing one
// from the first, and with both only their distance counts.
void SequenceMachine::complete(PendingMatch& match, std::vector<Match>& matches) {
    const bool leading = first_ > 0;
    const bool trailing = last_ + 1 < program_->stages.size();
    const std::int64_t end_ns = match.events[last_]->time().engine_ns;
    const bool led = match.leading_ns.has_value();
    if (match.refuted ||
        (leading && !trailing && led && end_ns - *match.leading_ns <= maxspan_ns_)) {
        pending_.drop(match);
        return;
    }
    const std::int64_t window_ns = (leading ? match.leading_ns.value_or(0) : match.first_ns);
    const bool refutable = trailing && (!leading || (led && window_ns + maxspan_ns_ > end_ns));
    if (!refutable) {
        matches.push_back(made(match));
        pending_.drop(match);
        return;
    }
    const auto waiting_stage = static_cast<std::uint32_t>(program_->stages.size());
    pending_.store(match, waiting_stage, true);
    waiting_.push({window_ns + maxspan_ns_, match.number, &match});
}

Match SequenceMachine::made(PendingMatch& match) const {
    Match done;
    done.events.assign(match.events.begin(), match.events.end());
    done.events.resize(program_->stages.size());
    done.join_keys = JoinKeys::decode(match.key);
    return done;
}

void SequenceMachine::until(Scene& scene, const Condition& condition) {
    if (pending_.empty() || !scene.may_hold(condition))
        return;
    for (const EncodedKey& key : scene.keys.expand(*scene.event, program_->until->keys)) {
        for (std::uint32_t stage = first_; stage < last_; ++stage) {
            PendingMatch* match = pending_.find(stage, key);
            if (program_->stages[stage].missing)
                continue;
            while (match) {
                PendingMatch* const older = match->older;
                if (!program_->until->uses_aliases || scene.holds(condition, match->events))
                    pending_.drop(*match);
                match = older;
            }
        }
    }
}

// --- missing events ---------------------------------------------------------------------------

void SequenceMachine::missing(Scene& scene, std::uint32_t stage) {
    const std::int64_t time_ns = scene.event->time().engine_ns;
    for (const EncodedKey& key : scene.keys.expand(*scene.event, program_->stages[stage].keys)) {
        if (stage > last_) {
            refute_waiting(key, time_ns);
            continue;
        }
        // Between two events, only what comes after the first of them matters.
        if (stage > first_ && !pending_.find(before_[stage], key))
            continue;
        PendingMatch* memory = pending_.find(stage, key);
        if (!memory) {
            memory = pending_.begin(key, time_ns);
            if (!memory)
                continue;
            pending_.store(*memory, stage, false);
        }
        auto& times = memory->marks;
        const auto place = std::lower_bound(times.begin(), times.end(), time_ns);
        if (place != times.end() && *place == time_ns)
            continue;
        times.insert(place, time_ns);
        if (times.size() > kRememberedTimes)
            times.erase(times.begin());
        pending_.renew(*memory, times.back());
    }
}

// The newest event of the clauses [first, last) that came strictly before the time.
std::optional<std::int64_t> SequenceMachine::newest_before(std::uint32_t first, std::uint32_t last,
                                                           const EncodedKey& key,
                                                           std::int64_t time_ns) const {
    std::optional<std::int64_t> newest;
    for (std::uint32_t stage = first; stage < last; ++stage) {
        const PendingMatch* const memory = pending_.find(stage, key);
        if (!memory)
            continue;
        const auto& times = memory->marks;
        const auto place = std::lower_bound(times.begin(), times.end(), time_ns);
        if (place != times.begin() && (!newest || *newest < *std::prev(place)))
            newest = *std::prev(place);
    }
    return newest;
}

void SequenceMachine::refute_waiting(const EncodedKey& key, std::int64_t time_ns) {
    const auto waiting_stage = static_cast<std::uint32_t>(program_->stages.size());
    PendingMatch* match = pending_.find(waiting_stage, key);
    while (match) {
        PendingMatch* const older = match->older;
        const std::int64_t window_ns = match->leading_ns.value_or(match->first_ns);
        const bool after = time_ns > match->events[last_]->time().engine_ns;
        if (after && time_ns - window_ns <= maxspan_ns_)
            pending_.drop(*match);
        match = older;
    }
}

std::int64_t SequenceMachine::next_due() {
    while (!waiting_.empty() && waiting_.top().match->number != waiting_.top().number)
        waiting_.pop();
    return waiting_.empty() ? kNever : waiting_.top().due_ns;
}

Match SequenceMachine::take_due() {
    PendingMatch& match = *waiting_.top().match;
    waiting_.pop();
    Match done = made(match);
    pending_.drop(match);
    return done;
}

void SequenceMachine::expire(std::int64_t now_ns) {
    // A match that waits for its window to close is let go by take_due, before this.
    pending_.expire(now_ns - maxspan_ns_ - (waiting_.empty() ? 0 : lateness_ns_));
}

void SequenceMachine::clear() {
    pending_.clear();
    waiting_ = {};
}

}  // namespace audisp_eql::detect
