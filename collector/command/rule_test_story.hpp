// SPDX-License-Identifier: Apache-2.0
// How far a rule got with the events of a test, and why not further: found by running parts of its
// query on them (the first items alone, without maxspan, without keys, one test of a condition).
//
// Memory: refers to the rule's file and the stream. Threads: one.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collector/command/rule_test_stream.hpp"
#include "detect/eql/ast.hpp"
#include "detect/rule/rule.hpp"

namespace audisp_eql::collector {

class RuleTestStory {
  public:
    // `rule`: sound, with its rule and query; `text` is its file's.
    RuleTestStory(const detect::RuleFile& rule, std::string_view text, TestStream& stream);

    // Items of the sequence that were reached; of an event query 1 if it matched at all.
    std::size_t reached();
    std::size_t items() const;
    // Where it stopped and why; nothing where the last item was reached. For people, several lines.
    std::vector<std::string> told();

  private:
    struct Part {
        std::shared_ptr<const detect::RuleSet> rules;
        std::vector<detect::EventPtr> events;
        std::vector<detect::Match> matches;
    };
    // One test of an item's condition, and of which events it holds.
    struct Conjunct {
        std::string text;
        std::vector<std::string> fields;
        std::optional<std::vector<bool>> holds;  // nothing: it looks at other events of the match
    };
    struct Progress {
        std::size_t items = 0;
        std::uint32_t runs = 0;  // of the item after them
    };

    detect::Query parsed() const;
    // Nothing where it does not compile by itself.
    std::optional<Part> run(const detect::Query& query);
    std::optional<Part> matching(const detect::Query& query);
    std::optional<detect::Query> first_items(std::size_t items, std::uint32_t runs) const;
    const Progress& progress();

    std::vector<Conjunct> conjuncts(detect::EventQuery query);
    // Events of which every conjunct holds, as far as it can be told.
    std::vector<std::size_t> meeting(const std::vector<Conjunct>& conjuncts) const;

    void tell_item(const detect::SequenceItem& item, std::size_t number);
    void tell_nearest(const std::vector<Conjunct>& conjuncts);
    void tell_refuted(const std::vector<std::size_t>& events);
    void tell_obstacle(const std::vector<std::size_t>& events);
    bool obstacle_is_until();
    bool obstacle_is_maxspan();
    bool obstacle_is_missing();
    bool obstacle_are_keys();
    void tell_keys(const Part& part, const detect::Query& query);
    void tell_sample();

    std::string name_of(const detect::Event& event) const;
    std::string names_of(const std::vector<std::size_t>& events) const;
    std::string place_of(detect::SourceRange in_query) const;
    std::string source(detect::SourceRange in_query) const;
    void tell(std::string line) { lines_.push_back(std::move(line)); }

    const detect::RuleFile& rule_;
    std::string_view text_;
    TestStream& stream_;
    detect::Query query_;
    detect::FieldNames fields_;
    std::vector<detect::EventPtr> events_;  // read with fields_
    std::optional<Progress> progress_;
    std::vector<std::string> lines_;
};

}  // namespace audisp_eql::collector
