// SPDX-License-Identifier: Apache-2.0
#include "collector/normalize/timeline.hpp"

#include <algorithm>
#include <utility>

namespace audisp_eql::collector {

namespace {
constexpr std::int64_t kNsPerMs = 1'000'000;
constexpr std::int64_t kNsPerUs = 1'000;
}  // namespace

void Timeline::reach(std::int64_t engine_ns) {
    engine_ns_ = std::max(engine_ns_, engine_ns);
}

void Timeline::monotonic_moved(std::int64_t ns) {
    if (std::exchange(another_boot_, false) || ns + kMaxBackNs < last_monotonic_ns_) {
        shift_ns_ = engine_ns_ - ns;
        offset_kind_ = Offset::none;
        have_audit_ = false;
        last_monotonic_ns_ = ns;
        suspicious_ = 0;
        epoch_change_ = EpochChange::monotonic;
    }
    last_monotonic_ns_ = std::max(last_monotonic_ns_, ns);
}

// Roughly: one was read after the other.
void Timeline::compare_clocks(std::int64_t wall_ns, std::int64_t mono_ns) {
    offset_kind_ = Offset::provisional;
    offset_ns_ = wall_ns - mono_ns;
}

void Timeline::audit(std::int64_t audit_ms) {
    last_audit_ns_ = audit_ms * kNsPerMs;
    if (have_connector_ && offset_kind_ == Offset::none)
        compare_clocks(last_audit_ns_, last_monotonic_ns_);
}

void Timeline::clock(std::int64_t mono_ns, std::int64_t real_ns) {
    monotonic_moved(mono_ns);
    if (offset_kind_ == Offset::none && have_audit_)
        shift_ns_ = engine_ns_ - mono_ns;  // began as a plain log
    offset_kind_ = Offset::exact;
    offset_ns_ = real_ns - mono_ns;
    reach(mono_ns + shift_ns_);
}

void Timeline::connector(std::int64_t ns) {
    if (offset_kind_ != Offset::exact || another_boot_)
        monotonic_moved(ns);
    have_connector_ = true;
    if (offset_kind_ == Offset::none && have_audit_) {
        // Began as a plain log: from here on the two clocks are compared, and engine time goes on.
        compare_clocks(largest_raw_ns_, ns);
        shift_ns_ = engine_ns_ - ns;
    } else if (offset_kind_ == Offset::none && last_audit_ns_ != 0) {
        compare_clocks(last_audit_ns_, ns);
    }
    reach(ns + shift_ns_);
}

void Timeline::exec_seen(std::int64_t audit_ms, std::int64_t connector_ns) {
    if (offset_kind_ == Offset::exact)
        return;
    // Audit's time is the call's entry on a coarse clock, so never later than the connector's: the
    // least difference is the nearest to the truth.
    const std::int64_t sample = audit_ms * kNsPerMs - connector_ns;
    if (offset_kind_ == Offset::from_execs) {
        const bool strange =
            sample > offset_ns_ + kMaxPairSkewNs || sample < offset_ns_ - kMaxPairSkewNs;
        strange_pairs_ = strange ? strange_pairs_ + 1 : 0;
        if (strange && strange_pairs_ <= kEpochEvents)
            return;
        offset_ns_ = strange ? sample : std::max(offset_ns_, sample);
    } else {
        offset_ns_ = sample;
        offset_kind_ = Offset::from_execs;
    }
    strange_pairs_ = 0;
}

bool Timeline::breaks_epoch(std::int64_t raw_ns) {
    const bool strange = have_audit_ && (raw_ns + kMaxBackNs < largest_raw_ns_ ||
                                         raw_ns > largest_raw_ns_ + kMaxAheadNs);
    if (!strange) {
        suspicious_ = 0;
        return false;
    }
    return ++suspicious_ > kEpochEvents;
}

detect::EventTime Timeline::of_audit(std::int64_t audit_ms, std::int64_t received_ns,
                                     bool blocking) {
    const std::int64_t raw_ns = audit_ms * kNsPerMs;
    if (offset_kind_ == Offset::exact && received_ns > 0) {
        const std::int64_t mono =
            blocking ? received_ns
                     : std::clamp(raw_ns - offset_ns_, received_ns - kMaxAgeNs, received_ns);
        reach(mono + shift_ns_);
        return {mono + shift_ns_, (mono + offset_ns_) / kNsPerUs};
    }
    if (have_connector_ && offset_kind_ < Offset::from_execs) {
        // The two clocks can't be compared yet: it happens when it is read.
        if (offset_kind_ == Offset::none || !blocking)
            compare_clocks(raw_ns, last_monotonic_ns_);
        return {engine_ns_, raw_ns / kNsPerUs};
    }
    if (blocking && engine_ns_ != 0)
        return {engine_ns_, (engine_ns_ - shift_ns_ + offset_ns_) / kNsPerUs};
    if (breaks_epoch(raw_ns)) {
        if (have_connector_)  // its clock goes on, the wall clock was set
            offset_ns_ = raw_ns - last_monotonic_ns_;
        else
            shift_ns_ = engine_ns_ - (raw_ns - offset_ns_);
        largest_raw_ns_ = raw_ns;
        suspicious_ = 0;
        epoch_change_ = EpochChange::wall;
    }
    if (suspicious_ > 0)  // one stray time must not move the clock
        return {engine_ns_, raw_ns / kNsPerUs};
    have_audit_ = true;
    largest_raw_ns_ = std::max(largest_raw_ns_, raw_ns);
    const std::int64_t mono = raw_ns - offset_ns_;
    reach(mono + shift_ns_);
    return {mono + shift_ns_, raw_ns / kNsPerUs};
}

detect::EventTime Timeline::of_connector(std::int64_t ns) const {
    return {ns + shift_ns_, (ns + offset_ns_) / kNsPerUs};
}

std::optional<std::int64_t> Timeline::monotonic_of(std::int64_t audit_ms) const {
    if (!comparable())
        return std::nullopt;
    return audit_ms * kNsPerMs - offset_ns_;
}

std::optional<std::int64_t> Timeline::wall_us_of(std::int64_t mono_ns) const {
    if (offset_kind_ == Offset::none)
        return std::nullopt;
    return (mono_ns + offset_ns_) / kNsPerUs;
}

EpochChange Timeline::take_epoch_change() {
    const EpochChange change = epoch_change_;
    epoch_change_ = EpochChange::none;
    return change;
}

}  // namespace audisp_eql::collector
