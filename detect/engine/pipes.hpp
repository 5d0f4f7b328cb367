// SPDX-License-Identifier: Apache-2.0
// "| head 5 | tail 2": what is left of a query's matches. Questions to logs use it; rules run on
// without end and ignore pipes.
//
// Memory: `tail` keeps the last matches and their events alive. Threads: one at a time.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "detect/engine/engine.hpp"

namespace audisp_eql::detect {

class PipedSink final : public MatchSink {
  public:
    // `pipes` and `sink` must outlive this.
    PipedSink(const std::vector<PipeStep>& pipes, MatchSink& sink);

    void on_matches(const Rule& rule, std::span<const Match> matches) override;
    // After the engine's finish(): hands on what `tail` has kept.
    void finish();
    // Nothing more can come through: the rest of the input need not be read.
    bool is_full() const;

  private:
    struct Step {
        PipeStep pipe;
        std::uint64_t passed = 0;  // head
        std::deque<Match> kept;    // tail
    };
    void pass(std::size_t step, const Match& match);

    MatchSink& sink_;
    std::vector<Step> steps_;
    const Rule* rule_ = nullptr;
};

}  // namespace audisp_eql::detect
