// SPDX-License-Identifier: Apache-2.0
#include "detect/engine/pipes.hpp"

#include <algorithm>
#include <utility>

namespace audisp_eql::detect {

PipedSink::PipedSink(const std::vector<PipeStep>& pipes, MatchSink& sink) : sink_(sink) {
    for (const PipeStep& pipe : pipes)
        steps_.push_back({pipe, 0, {}});
}

void PipedSink::on_matches(const Rule& rule, std::span<const Match> matches) {
    rule_ = &rule;
    if (steps_.empty()) {
        sink_.on_matches(rule, matches);
        return;
    }
    for (const Match& match : matches)
        pass(0, match);
}

void PipedSink::pass(std::size_t step, const Match& match) {
    if (step == steps_.size()) {
        sink_.on_matches(*rule_, {&match, 1});
        return;
    }
    Step& here = steps_[step];
    if (here.pipe.kind == PipeStep::Kind::head) {
        if (here.passed < here.pipe.count) {
            ++here.passed;
            pass(step + 1, match);
        }
        return;
    }
    here.kept.push_back(match);
    if (here.kept.size() > here.pipe.count)
        here.kept.pop_front();
}

void PipedSink::finish() {
    for (std::size_t i = 0; i < steps_.size(); ++i) {
        for (const Match& match : std::exchange(steps_[i].kept, {}))
            pass(i + 1, match);
    }
}

bool PipedSink::is_full() const {
    // A `tail` before it may still change what `head` lets through.
    for (const Step& step : steps_) {
        if (step.pipe.kind == PipeStep::Kind::tail)
            return false;
        if (step.passed >= step.pipe.count)
            return true;
    }
    return false;
}

}  // namespace audisp_eql::detect
