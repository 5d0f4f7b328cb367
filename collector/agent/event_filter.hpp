// SPDX-License-Identifier: Apache-2.0
// What the loaded rules may look at: which kinds of events are worth making, and which messages of
// the proc connector are worth asking for.
//
// Memory: a filter keeps its rules alive. Threads: the worker's.
#pragma once

#include <cstdint>
#include <memory>

#include "collector/normalize/normalizer.hpp"

namespace audisp_eql::detect {
class RuleSet;
}

namespace audisp_eql::collector {

EventFilter event_filter(std::shared_ptr<const detect::RuleSet> rules);

// Bits of ProcEvent::What, beside ProcConnector::kAlways. Null: all of which events are made.
std::uint32_t proc_events_for(const detect::RuleSet* rules);

}  // namespace audisp_eql::collector
