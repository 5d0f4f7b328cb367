// SPDX-License-Identifier: Apache-2.0
// Syntax tree -> program: names resolved to field ids, literals folded into matchers, identical
// tests shared between rules. What the language accepts and this engine does not evaluate yet is
// an error here, with a reason.
//
// Memory: a Program owns what it refers to, except predicates, which lie in the PredicateTable it
// was compiled against. Threads: read-only once compiled.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "detect/eql/ast.hpp"
#include "detect/event/field_table.hpp"

namespace audisp_eql::detect {

class PredicateTable;

enum class PredicateId : std::uint32_t {};

// A condition over predicates, in prefix order: and/or with `span` nodes below, not with one, leaf.
struct ConditionNode {
    enum class Op : std::uint8_t { always, never, leaf, logical_not, logical_and, logical_or } op;
    PredicateId predicate{};  // leaf
    std::uint32_t span = 1;   // nodes in this subtree, this one included
};
using Condition = std::vector<ConditionNode>;

struct KeyField {
    FieldId field;
    bool optional = false;  // ?field: missing is null, and null equals null
    bool operator==(const KeyField&) const = default;
};

struct Stage {
    std::string category;  // of event.category; empty: any. The condition tests it, too
    Condition condition;
    std::vector<KeyField> keys;  // the head's `by` and the item's own, in order
    std::uint32_t item = 0;      // the item of the query that it comes from: runs=N gives N stages
    bool missing = false;        // ![…]
    bool uses_aliases = false;   // the condition looks at earlier events of the match
};

// "| head 5": what is done with the matches of a query. Rules ignore pipes.
struct PipeStep {
    enum class Kind : std::uint8_t { head, tail } kind;
    std::uint64_t count;
};

struct Program {
    QueryKind kind = QueryKind::event;
    std::vector<Stage> stages;  // one for an event query; runs=N expanded for sequences
    std::optional<Stage> until;
    std::optional<std::int64_t> maxspan_ns;
    std::vector<std::string> key_names;  // as the head and the first item write them
    std::vector<PipeStep> pipes;
    // Some test can never hold on the agent's own events: its field is unknown, or the types
    // differ.
    bool degraded = false;
};

// Stages after runs=N is expanded. The grammar allows runs=100 for each of any number of items;
// more stages than this are an error (the longest public sequence has 60).
inline constexpr std::size_t kMaxStages = 1000;
// Items of a sample: each doubles the ways in which an event can fit. The public ones have two.
inline constexpr std::size_t kMaxSampleItems = 10;

struct CompileOptions {
    // What `process where` tests.
    std::string category_field = "event.category";
    // The events are anybody's: a name that is not in the field table is no mistake.
    bool any_field = false;
};

// Compiles a query. Errors and warnings (unknown fields with a hint, tests that can never hold) go
// to `diagnostics`; nullopt if there was an error. Names that are not in the field table are added.
std::optional<Program> compile_query(const Query& query, FieldNames& fields,
                                     PredicateTable& predicates, Diagnostics& diagnostics,
                                     const CompileOptions& options = {});

}  // namespace audisp_eql::detect
