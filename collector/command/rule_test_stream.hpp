// SPDX-License-Identifier: Apache-2.0
// The events of one rule test, as often as they are asked for.
//
// Memory: refers to the test; keeps a capture's events once it was asked for them. Threads: one.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "detect/engine/engine.hpp"
#include "detect/rule/rule_test.hpp"

namespace audisp_eql::collector {

class TestStream {
  public:
    // `directory`: what the capture's path is relative to.
    TestStream(const detect::RuleTest& test, const std::string& directory);

    // Runs the rules over the events, to the end of the clock. Throws std::runtime_error if the
    // capture cannot be read.
    void run(const std::shared_ptr<const detect::RuleSet>& rules, detect::MatchSink& sink);
    // The events by themselves, with the names of `fields` and those that are added to it.
    std::vector<detect::EventPtr> events(detect::FieldNames& fields);
    // How the test's author calls the event.
    std::string id_of(const detect::Event& event) const;

  private:
    const detect::RuleTest& test_;
    std::string capture_;  // its path; empty: none
    std::vector<detect::EventPtr> captured_;
};

}  // namespace audisp_eql::collector
