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
};

struct Stage {
    std::string category;  // empty: any
    Condition condition;
    std::vector<KeyField> keys;  // the head's `by` and the item's own, in order
    bool missing = false;        // ![…]
};

struct Program {
    QueryKind kind = QueryKind::event;
    std::vector<Stage> stages;  // one for an event query; runs=N expanded for sequences
    std::optional<Stage> until;
    std::optional<std::int64_t> maxspan_ns;
    std::vector<std::string> key_names;  // as written at the head, for join_keys
};

// Compiles a query. Errors and warnings (unknown fields with a hint, tests that can never hold) go
// to `diagnostics`; nullopt if there was an error. Names that are not in the field table are added.
std::optional<Program> compile_query(const Query& query, FieldNames& fields,
                                     PredicateTable& predicates, Diagnostics& diagnostics);

}  // namespace audisp_eql::detect
