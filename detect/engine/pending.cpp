// SPDX-License-Identifier: Apache-2.0
#include "detect/engine/pending.hpp"

namespace audisp_eql::detect {

std::size_t PendingStore::drop_oldest(std::size_t count) {
    std::size_t dropped = 0;
    for (; dropped < count && !all_.empty(); ++dropped) {
        ++counters_.pending_dropped;
        PendingMatch& oldest = all_.front();
        oldest.table->drop(oldest);
    }
    return dropped;
}

PendingMatch* PendingStore::make(PendingTable& table) {
    while (counters_.pending >= limits_.pending_total && !all_.empty()) {
        ++counters_.pending_dropped;
        PendingMatch& oldest = all_.front();
        oldest.table->drop(oldest);
    }
    if (counters_.pending >= limits_.pending_total)
        return nullptr;
    PendingMatch* match = nullptr;
    if (unused_.empty()) {
        match = &memory_.emplace_back();
    } else {
        match = unused_.back();
        unused_.pop_back();
    }
    match->table = &table;
    match->number = ++made_;
    all_.push_back(*match);
    ++counters_.pending;
    return match;
}

void PendingStore::release(PendingMatch& match) {
    match.events.clear();
    match.key.clear();
    match.marks.clear();
    match.number = 0;
    match.refuted = false;
    match.leading_ns.reset();
    match.table = nullptr;
    all_.erase(all_.iterator_to(match));
    unused_.push_back(&match);
    --counters_.pending;
}

PendingMatch* PendingTable::find(std::uint32_t stage, const EncodedKey& key) const {
    if (slots_.empty())
        return nullptr;
    const auto found = slots_.find(Slot{stage, key.hash, key.bytes});
    return found == slots_.end() ? nullptr : *found;
}

PendingMatch* PendingTable::begin(const EncodedKey& key, std::int64_t first_ns) {
    while (list_.size() >= store_.limits().pending_per_rule && !list_.empty())
        drop_oldest();
    PendingMatch* const match = store_.limits().pending_per_rule > 0 ? store_.make(*this) : nullptr;
    if (!match) {
        ++store_.counters().pending_dropped;
        return nullptr;
    }
    match->key.assign(key.bytes);
    match->hash = key.hash;
    match->first_ns = first_ns;
    list_.push_back(*match);
    return match;
}

void PendingTable::drop_oldest() {
    ++store_.counters().pending_dropped;
    drop(list_.front());
}

void PendingTable::store(PendingMatch& match, std::uint32_t stage, bool keep) {
    match.stage = stage;
    if (stage >= population_.size())
        population_.resize(stage + 1);
    ++population_[stage];
    const auto [place, is_new] = slots_.insert(&match);
    if (is_new)
        return;
    PendingMatch* const before = *place;
    // The same slot for the set's purposes: the key's bytes are those of the newest.
    slots_.erase(place);
    slots_.insert(&match);
    match.older = before;
    before->newer = &match;
    if (!keep)
        drop_older(match);
}

void PendingTable::take(PendingMatch& match) {
    if (match.stage == kNoStage)
        return;
    --population_[match.stage];
    if (match.older)
        match.older->newer = match.newer;
    if (match.newer) {
        match.newer->older = match.older;
    } else {
        slots_.erase(slots_.find(slot_of(match)));
        if (match.older)
            slots_.insert(match.older);
    }
    match.newer = nullptr;
    match.older = nullptr;
    match.stage = kNoStage;
}

void PendingTable::drop(PendingMatch& match) {
    take(match);
    list_.erase(list_.iterator_to(match));
    store_.release(match);
}

void PendingTable::drop_older(PendingMatch& match) {
    while (match.older)
        drop(*match.older);
}

void PendingTable::drop_expired(PendingMatch& match) {
    ++store_.counters().pending_expired;
    drop(match);
}

void PendingTable::expire(std::int64_t oldest_ns) {
    // Their times may step back a little from one to the next, so that one may stay until those
    // before it go. The stages test maxspan themselves.
    while (!list_.empty() && list_.front().first_ns < oldest_ns)
        drop_expired(list_.front());
}

void PendingTable::renew(PendingMatch& match, std::int64_t first_ns) {
    match.first_ns = first_ns;
    list_.splice(list_.end(), list_, list_.iterator_to(match));
    store_.all_.splice(store_.all_.end(), store_.all_, store_.all_.iterator_to(match));
}

void PendingTable::clear() {
    while (!list_.empty())
        drop(list_.front());
}

}  // namespace audisp_eql::detect
