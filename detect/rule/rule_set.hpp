// SPDX-License-Identifier: Apache-2.0
// The immutable set of compiled rules that an engine runs: rules, programs, shared predicates, and
// an index from what an event is to the rules that could match it.
//
// Memory: shared and immutable; reload builds a new one and swaps. Threads: read-only after build.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "detect/eql/compiler.hpp"
#include "detect/eql/predicate_value.hpp"
#include "detect/event/field_table.hpp"
#include "detect/rule/coverage.hpp"
#include "detect/rule/exceptions.hpp"
#include "detect/rule/rule.hpp"

namespace audisp_eql::detect {

struct RuleSource {
    std::string name;  // the file's path, for messages
    std::string text;
};

// What became of one file; same order as the sources.
struct RuleReport {
    enum class Status : std::uint8_t { ok, degraded, inert, deprecated, error, other_language };
    std::string file;
    std::string id;
    std::string name;
    Status status = Status::ok;
    Diagnostics diagnostics;  // ranges are offsets into the file's text
};
std::string_view to_string(RuleReport::Status status);

// What became of one file of exceptions; same order as Options::exceptions.
struct ExceptionReport {
    struct Item {
        std::string id;
        std::string comment;
        std::vector<std::string> rules;          // as written; empty: every rule
        std::optional<std::int64_t> expires_us;  // see ExceptionItem
        bool expired = false;                    // by Options::now_us
    };
    std::string file;
    std::vector<Item> items;  // those in force or expired, not those with errors
    Diagnostics diagnostics;  // ranges are offsets into the file's text
};

class RuleSet {
  public:
    struct Options {
        bool evaluate_deprecated = false;
        // The set that the new one is to replace: field names keep the ids they have there, so that
        // an engine can go on with what it holds. Must not get names meanwhile.
        std::shared_ptr<const RuleSet> replaces = nullptr;
        std::vector<RuleSource> exceptions = {};  // see exceptions.hpp
        // Wall time, microseconds: what has expired by then is said. It is in the set all the same:
        // events of an old log may be older.
        std::optional<std::int64_t> now_us = {};
        // What kinds of events there will be: a rule that none of them can match is inert. Empty:
        // events of any kind.
        std::span<const EventShape> made = {};
    };
    struct CompiledRule {
        Rule rule;
        Program program;
        std::vector<std::uint32_t> exceptions;  // indices into exceptions()
    };
    struct CompiledException {
        std::string id;
        std::int64_t expires_us;  // holds for events before that, wall time
        Condition condition;
    };

    // Builds a set of all rules that are sound; what is wrong with the others stands in `reports`.
    static std::shared_ptr<const RuleSet> build(const std::vector<RuleSource>& sources,
                                                const Options& options,
                                                std::vector<RuleReport>& reports,
                                                std::vector<ExceptionReport>* exceptions = nullptr);
    // One query as a nameless rule: `query` and tests. Null if it is wrong.
    static std::shared_ptr<const RuleSet> of_query(std::string_view query, Diagnostics& diagnostics,
                                                   const CompileOptions& options = {});
    // The same for a query that is parsed, or put together of parts of one.
    static std::shared_ptr<const RuleSet> of_query(const Query& query, Diagnostics& diagnostics,
                                                   const CompileOptions& options = {});
    ~RuleSet();

    const std::vector<CompiledRule>& rules() const { return rules_; }
    const std::vector<CompiledException>& exceptions() const { return exceptions_; }
    // The names that the rules use. Who reads events for an engine of this set may add names (they
    // get new ids, those of the rules stay), on the engine's thread.
    FieldNames& fields() const { return *fields_; }
    const PredicateTable& predicates() const { return *predicates_; }
    // Some rule could match an event of this category, as far as its tests on the category say.
    bool asks_for(std::string_view category) const;
    // True if some rule looks at this field, in a test or as a key: what costs something to fill
    // need not be filled otherwise.
    bool uses(FieldId field) const;
    // The tests of single values of a field, for a source that keeps only what some test is for.
    std::vector<const ValueTest*> tests_on(FieldId field) const;
    // SHA-256 over the rules' hashes in order, hex: which rule set raised an alert.
    const std::string& digest() const { return digest_; }

  private:
    explicit RuleSet(const RuleSet* before = nullptr);
    static std::shared_ptr<RuleSet> one_query(const Query& query, Diagnostics& diagnostics,
                                              const CompileOptions& options);
    void add_exceptions(const Options& options, const std::vector<RuleReport>& rules,
                        std::vector<ExceptionReport>& reports);
    void add_exception(ExceptionItem item, const Options& options, ExceptionReport& report);
    std::unique_ptr<FieldNames> fields_;
    std::unique_ptr<PredicateTable> predicates_;
    std::vector<CompiledRule> rules_;
    std::vector<CompiledException> exceptions_;
    std::string digest_;

    void note_uses();
    std::vector<bool> used_;  // by field id
};

}  // namespace audisp_eql::detect
