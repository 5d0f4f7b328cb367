// SPDX-License-Identifier: Apache-2.0
#include "detect/eql/compiler.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "detect/eql/compiler_condition.hpp"
#include "detect/eql/lexer.hpp"

namespace audisp_eql::detect {

namespace {

class QueryCompiler {
  public:
    QueryCompiler(const Query& query, FieldNames& fields, PredicateTable& predicates,
                  Diagnostics& diagnostics, const CompileOptions& options)
        : query_(query),
          fields_(fields),
          conditions_(fields, predicates, diagnostics, options),
          usual_category_(options.category_field == CompileOptions().category_field) {}

    Program compile();

  private:
    void items();
    void until();
    void pipes();
    bool check_size();
    void check_key_types(const std::vector<KeyField>& keys, const SequenceItem& item);
    void declare_aliases();
    std::string category(const EventQuery& query) const;
    std::vector<KeyField> keys(const SequenceItem& item);
    void add_keys(const std::vector<ExprPtr>& by, std::vector<KeyField>& keys);
    void name_keys(const std::vector<ExprPtr>& by);

    const Query& query_;
    const FieldNames& fields_;
    ConditionCompiler conditions_;
    std::vector<KeyField> head_keys_;
    bool usual_category_;
    Program program_;
};

Program QueryCompiler::compile() {
    program_.kind = query_.kind;
    program_.maxspan_ns = query_.maxspan_ns;
    if (query_.kind == QueryKind::event) {
        Stage& stage = program_.stages.emplace_back();
        stage.category = category(query_.event);
        stage.condition = conditions_.compile(query_.event);
    } else {
        // One that is too large is not looked at further: it need not be cheap.
        if (check_size()) {
            declare_aliases();
            items();
            until();
        }
    }
    pipes();
    program_.degraded = conditions_.degraded();
    return std::move(program_);
}

std::string QueryCompiler::category(const EventQuery& query) const {
    return usual_category_ ? query.category : std::string();
}

// The shape of the query (how many keys, where maxspan is needed) is the parser's business.
bool QueryCompiler::check_size() {
    if (query_.kind == QueryKind::sample && query_.items.size() > kMaxSampleItems) {
        conditions_.error(query_.items[kMaxSampleItems].at, "the sample has too many items",
                          "at most " + std::to_string(kMaxSampleItems));
        return false;
    }
    if (query_.items.size() == 1 && query_.items.front().runs == 1)
        conditions_.warn(query_.items.front().at,
                         query_.kind == QueryKind::sample ? "the sample has one event only"
                                                          : "the sequence has one event only",
                         "an event query says the same: process where …");
    std::size_t stages = 0;
    for (const SequenceItem& item : query_.items) {
        stages += item.runs;
        if (stages > kMaxStages) {
            conditions_.error(item.at, "the sequence has too many stages",
                              "at most " + std::to_string(kMaxStages) + ", counting runs");
            return false;
        }
    }
    return true;
}

void QueryCompiler::declare_aliases() {
    for (const SequenceItem& item : query_.items) {
        if (item.alias.empty())
            continue;
        conditions_.declare_alias(item.alias);
        if (item.missing)
            conditions_.error(item.at, "a missing event has no fields to refer to",
                              "remove 'as " + item.alias + "'");
    }
}

void QueryCompiler::name_keys(const std::vector<ExprPtr>& by) {
    for (const ExprPtr& key : by)
        program_.key_names.push_back(key->name);
}

void QueryCompiler::add_keys(const std::vector<ExprPtr>& by, std::vector<KeyField>& keys) {
    for (const ExprPtr& key : by) {
        if (key->kind != ExprKind::field) {
            conditions_.error(key->at, "'by' takes fields, not expressions");
            continue;
        }
        if (!conditions_.is_own_field(*key)) {
            conditions_.error(key->at, "'by' takes fields of the item's own event",
                              "compare with the earlier event in the condition instead");
            continue;
        }
        if (const auto field = conditions_.resolve(*key))
            keys.push_back({*field, key->optional});
    }
}

std::vector<KeyField> QueryCompiler::keys(const SequenceItem& item) {
    std::vector<KeyField> keys = head_keys_;
    add_keys(item.by, keys);
    return keys;
}

namespace {
// What can be equal under a join: Elasticsearch refuses keys of different families.
int family(FieldType type) {
    switch (type) {
        case FieldType::number:
            return 1;
        case FieldType::boolean:
            return 2;
        case FieldType::date:
            return 3;
        case FieldType::keyword:
        case FieldType::ip:
            return 0;
    }
    return 0;
}
}  // namespace

void QueryCompiler::check_key_types(const std::vector<KeyField>& keys, const SequenceItem& item) {
    const std::vector<KeyField>& first = program_.stages.front().keys;
    for (std::size_t i = query_.by.size(); i < keys.size() && i < first.size(); ++i) {
        const FieldRow& a = fields_.row(first[i].field);
        const FieldRow& b = fields_.row(keys[i].field);
        if (is_known(first[i].field) && is_known(keys[i].field) && family(a.type) != family(b.type))
            conditions_.error(item.by[i - query_.by.size()]->at,
                              "'" + std::string(a.name) + "' and '" + std::string(b.name) +
                                  "' can never be equal: their types differ");
    }
}

void QueryCompiler::items() {
    const SequenceItem& first = query_.items.front();
    add_keys(query_.by, head_keys_);
    name_keys(query_.by);
    name_keys(first.by);
    for (std::size_t i = 0; i < query_.items.size(); ++i) {
        const SequenceItem& item = query_.items[i];
        Stage stage;
        stage.category = category(item.query);
        stage.condition = conditions_.compile(item.query);
        stage.uses_aliases = conditions_.used_aliases();
        if (item.missing && stage.uses_aliases)
            conditions_.error(item.at,
                              "a missing event cannot look at other events of the sequence",
                              "join it with 'by' instead");
        stage.keys = keys(item);
        stage.item = static_cast<std::uint32_t>(i);
        stage.missing = item.missing;
        if (i > 0)
            check_key_types(stage.keys, item);
        for (std::uint32_t run = 0; run < item.runs; ++run)
            program_.stages.push_back(stage);
        if (!item.alias.empty())
            conditions_.set_alias(item.alias,
                                  static_cast<std::uint32_t>(program_.stages.size() - 1));
    }
}

void QueryCompiler::until() {
    if (!query_.until)
        return;
    const SequenceItem& item = *query_.until;
    Stage stage;
    stage.category = category(item.query);
    stage.condition = conditions_.compile(item.query);
    stage.uses_aliases = conditions_.used_aliases();
    stage.keys = keys(item);
    check_key_types(stage.keys, item);
    program_.until = std::move(stage);
}

void QueryCompiler::pipes() {
    for (const Pipe& pipe : query_.pipes) {
        const bool head = pipe.name == "head";
        if (!head && pipe.name != "tail") {
            conditions_.error(pipe.at, "there is no pipe '" + pipe.name + "'",
                              "'head N' and 'tail N' are all there are");
            continue;
        }
        const bool one_number = pipe.arguments.size() == 1 &&
                                pipe.arguments[0]->kind == ExprKind::literal &&
                                pipe.arguments[0]->literal.kind == LiteralKind::integer &&
                                pipe.arguments[0]->literal.integer >= 0;
        if (!one_number) {
            conditions_.error(pipe.at, "'" + pipe.name + "' takes one whole number",
                              "write: | " + pipe.name + " 10");
            continue;
        }
        program_.pipes.push_back({head ? PipeStep::Kind::head : PipeStep::Kind::tail,
                                  static_cast<std::uint64_t>(pipe.arguments[0]->literal.integer)});
    }
}

// As the parser stops reading after as many. Warnings must not hide the errors.
void leave_out_what_nobody_reads(Diagnostics& diagnostics, std::size_t before) {
    if (diagnostics.size() - before <= kMaxErrors)
        return;
    const auto first = diagnostics.begin() + static_cast<std::ptrdiff_t>(before);
    diagnostics.erase(
        std::remove_if(first, diagnostics.end(),
                       [](const Diagnostic& one) { return one.severity == Severity::warning; }),
        diagnostics.end());
    if (diagnostics.size() - before <= kMaxErrors)
        return;
    const std::size_t more = diagnostics.size() - before - kMaxErrors;
    diagnostics.resize(before + kMaxErrors);
    diagnostics.push_back({Severity::error, diagnostics.back().at,
                           std::to_string(more) + " more are not listed", "mend these first"});
}

}  // namespace

std::optional<Program> compile_query(const Query& query, FieldNames& fields,
                                     PredicateTable& predicates, Diagnostics& diagnostics,
                                     const CompileOptions& options) {
    const std::size_t before = diagnostics.size();
    Program program = QueryCompiler(query, fields, predicates, diagnostics, options).compile();
    // Types are checked before what they are of: put it in the order of the text.
    std::stable_sort(diagnostics.begin() + static_cast<std::ptrdiff_t>(before), diagnostics.end(),
                     [](const Diagnostic& left, const Diagnostic& right) {
                         return left.at.offset < right.at.offset;
                     });
    const bool failed =
        std::any_of(diagnostics.begin() + static_cast<std::ptrdiff_t>(before), diagnostics.end(),
                    [](const Diagnostic& one) { return one.severity == Severity::error; });
    if (!failed)
        return program;
    leave_out_what_nobody_reads(diagnostics, before);
    return std::nullopt;
}

}  // namespace audisp_eql::detect
