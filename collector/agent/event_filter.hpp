// SPDX-License-Identifier: Apache-2.0
// What the loaded rules may look at: which kinds of events are worth making.
//
// Memory: a filter keeps its rules alive. Threads: the worker's.
#pragma once

#include <memory>

#include "collector/normalize/normalizer.hpp"

namespace audisp_eql::detect {
class RuleSet;
}

namespace audisp_eql::collector {

EventFilter event_filter(std::shared_ptr<const detect::RuleSet> rules);

}  // namespace audisp_eql::collector
