// SPDX-License-Identifier: Apache-2.0
#include "detect/rule/rule_set.hpp"

#include <algorithm>
#include <set>
#include <unordered_map>
#include <utility>

#include "detect/eql/compiler_hint.hpp"
#include "detect/eql/parser.hpp"
#include "detect/eql/predicate.hpp"
#include "detect/rule/coverage.hpp"
#include "detect/rule/sha256.hpp"
#include "detect/text/nearest.hpp"

namespace audisp_eql::detect {

namespace {

// Says what is known of tests on the agent's own events: those on what it calls the kinds of its
// events are decided kind by kind, and those on fields that it never fills as for an event without
// them.
class Coverage {
  public:
    Coverage(const PredicateTable& predicates, std::span<const EventPtr> samples)
        : predicates_(predicates), samples_(samples) {}

    // The first stage that no event of the agent meets; null if there is none.
    const Stage* unmet(const Program& program) {
        const auto found =
            std::find_if(program.stages.begin(), program.stages.end(), [&](const Stage& stage) {
                return !stage.missing && (!joins(stage) || !may_hold(stage.condition));
            });
        return found == program.stages.end() ? nullptr : &*found;
    }

  private:
    static bool joins(const Stage& stage) {
        return std::all_of(stage.keys.begin(), stage.keys.end(),
                           [](const KeyField& key) { return key.optional || is_known(key.field); });
    }
    bool may_hold(const Condition& condition) {
        return std::any_of(samples_.begin(), samples_.end(), [&](const EventPtr& sample) {
            return detect::may_hold(
                       condition, [&](PredicateId id) { return known(id, *sample); }) != Truth::no;
        });
    }
    Truth known(PredicateId id, const Event& sample) {
        const auto* const test = std::get_if<FieldTest>(&predicates_.at(id));
        if (test && test->field == FieldId::event_category && !is_kind(sample)) {
            const bool any = std::any_of(kAgentCategories.begin(), kAgentCategories.end(),
                                         [&](std::string_view category) {
                                             return matches(test->test, Value::text(category));
                                         });
            return any ? Truth::unknown : Truth::no;
        }
        if (const auto* const descent = std::get_if<DescendantTest>(&predicates_.at(id)))
            return may_hold(predicates_.lineages()[descent->lineage]) ? Truth::unknown : Truth::no;
        const std::vector<FieldId> fields = predicates_.fields(id);
        const bool decided = std::all_of(fields.begin(), fields.end(), [&](FieldId field) {
            return !is_known(field) || (is_kind(sample) && names_kind(field));
        });
        if (!decided || predicates_.needs_earlier_events(id))
            return Truth::unknown;
        return predicates_.holds(id, {&sample, {}}, scratch_) ? Truth::yes : Truth::no;
    }
    static bool is_kind(const Event& sample) {
        return !sample.values(FieldId::event_category).empty();
    }
    static bool names_kind(FieldId field) {
        return field == FieldId::event_category || field == FieldId::event_type ||
               field == FieldId::event_action;
    }

    const PredicateTable& predicates_;
    std::span<const EventPtr> samples_;
    FormulaScratch scratch_;
};

// An event of each kind; one of no kind if these are not known.
std::vector<EventPtr> samples_of(std::span<const EventShape> made) {
    std::vector<EventPtr> samples;
    for (const EventShape& shape : made) {
        BlockBuilder builder;
        builder.set_literals(FieldId::event_category, shape.category);
        builder.set_literals(FieldId::event_type, shape.type);
        builder.set_literals(FieldId::event_action, shape.action);
        Event::Layers layers;
        layers[static_cast<std::size_t>(Layer::own)] = builder.finish();
        samples.emplace_back(new Event({}, {}, std::move(layers)));
    }
    if (samples.empty())
        samples.emplace_back(new Event({}, {}, {}));
    return samples;
}

// Of a query that asks for a kind of event that there is not: what there is.
void say_unmet(const Query& query, const Stage& stage, std::span<const EventShape> made,
               Diagnostics& diagnostics) {
    const EventQuery& part =
        query.kind == QueryKind::event ? query.event : query.items[stage.item].query;
    const std::string category = part.any ? "" : part.category + " ";
    std::set<std::string_view> actions;
    for (const EventShape& shape : made)
        if (std::any_of(shape.category.begin(), shape.category.end(),
                        [&](const Value& one) { return one.as_text() == part.category; }))
            for (const Value& action : shape.action)
                actions.insert(action.as_text());
    std::string hint;
    for (const std::string_view action : actions)
        hint += (hint.empty() ? "their actions: " : ", ") + std::string(action);
    diagnostics.push_back(
        {Severity::warning,
         {part.at.offset, static_cast<std::uint32_t>(part.category.size())},
         "the agent makes no " + category + "events with such an event.type and event.action",
         std::move(hint)});
}

// Of categories that the agent makes no events of: a word each.
void check_categories(const Query& query, const CompileOptions& options, Diagnostics& diagnostics) {
    if (options.any_field || options.category_field != CompileOptions().category_field)
        return;
    std::set<std::string_view> seen;
    const auto check = [&](const EventQuery& part) {
        if (part.any || is_agent_category(part.category) || !seen.insert(part.category).second)
            return;
        const std::string_view meant = meant_category(part.category);
        diagnostics.push_back({Severity::warning,
                               {part.at.offset, static_cast<std::uint32_t>(part.category.size())},
                               (meant.empty() ? "the agent makes no events of the category '"
                                              : "no event has the category '") +
                                   part.category + "'",
                               meant.empty() ? "" : "did you mean '" + std::string(meant) + "'?"});
    };
    if (query.kind == QueryKind::event)
        check(query.event);
    for (const SequenceItem& item : query.items)
        check(item.query);
    if (query.until)
        check(query.until->query);
}

bool has_expired(const ExceptionItem& item, const RuleSet::Options& options) {
    return item.expires_us && options.now_us && *item.expires_us <= *options.now_us;
}

void check_exception(const ExceptionItem& item, const RuleSet::Options& options,
                     const std::vector<RuleReport>& rules, Diagnostics& diagnostics) {
    for (std::size_t i = 0; i < item.rules.size(); ++i) {
        NearestName search(item.rules[i]);
        bool found = false;
        for (const RuleReport& rule : rules) {
            found = found || rule.id == item.rules[i];
            search.offer(rule.id);
        }
        if (found)
            continue;
        std::string hint;
        if (!search.best().empty())
            hint = "did you mean '" + std::string(search.best()) + "'?";
        diagnostics.push_back({Severity::warning, item.rules_at[i],
                               "no rule has the id '" + item.rules[i] + "'", std::move(hint)});
    }
    if (has_expired(item, options))
        diagnostics.push_back({Severity::warning, item.at,
                               "the exception '" + item.id + "' has expired: it is off",
                               "remove it, or give it a later 'expires'"});
}

}  // namespace

std::string_view to_string(RuleReport::Status status) {
    switch (status) {
        case RuleReport::Status::ok:
            return "ok";
        case RuleReport::Status::degraded:
            return "degraded";
        case RuleReport::Status::inert:
            return "inert";
        case RuleReport::Status::deprecated:
            return "deprecated";
        case RuleReport::Status::error:
            return "error";
        case RuleReport::Status::other_language:
            return "other_language";
    }
    return {};
}

RuleSet::RuleSet(const RuleSet* before)
    : fields_(before ? FieldNames::continuing(before->fields()) : std::make_unique<FieldNames>()),
      predicates_(std::make_unique<PredicateTable>()) {}

RuleSet::~RuleSet() = default;

std::shared_ptr<const RuleSet> RuleSet::build(const std::vector<RuleSource>& sources,
                                              const Options& options,
                                              std::vector<RuleReport>& reports,
                                              std::vector<ExceptionReport>* exceptions) {
    std::shared_ptr<RuleSet> set(new RuleSet(options.replaces.get()));
    PredicateTable unused;  // of rules that are checked only
    std::unordered_map<std::string, std::string> files_by_id;
    std::string hashes;
    const std::vector<EventPtr> samples = samples_of(options.made), any_kind = samples_of({});
    for (const RuleSource& source : sources) {
        RuleFile file = load_rule(source.name, source.text);
        RuleReport& report = reports.emplace_back();
        report.file = source.name;
        report.diagnostics = std::move(file.diagnostics);
        if (file.rule) {
            report.id = file.rule->id;
            report.name = file.rule->name;
        }
        if (file.status == RuleFile::Status::other_language) {
            report.status = RuleReport::Status::other_language;
            continue;
        }
        report.status = RuleReport::Status::error;
        if (file.status == RuleFile::Status::broken || !file.rule || !file.query)
            continue;
        Rule& rule = *file.rule;
        const bool evaluated = !rule.deprecated || options.evaluate_deprecated;
        PredicateTable& predicates = evaluated ? *set->predicates_ : unused;
        const std::size_t before = report.diagnostics.size();
        CompileOptions compiling;
        if (!rule.category_field.empty())
            compiling.category_field = rule.category_field;
        check_categories(*file.query, compiling, report.diagnostics);
        auto program =
            compile_query(*file.query, *set->fields_, predicates, report.diagnostics, compiling);
        for (std::size_t i = before; i < report.diagnostics.size(); ++i)
            report.diagnostics[i].at = file.in_file(report.diagnostics[i].at);
        if (!program)
            continue;
        if (program->kind == QueryKind::sample)
            program->maxspan_ns = rule.look_back_ns;
        if (!evaluated) {
            report.status = RuleReport::Status::deprecated;
            continue;
        }
        const auto [known, is_new] = files_by_id.try_emplace(rule.id, source.name);
        if (!is_new) {
            report.diagnostics.push_back(
                {Severity::error, file.id_at,
                 "the rule id " + rule.id + " is also that of " + known->second,
                 "give one of them an id of its own, or remove it"});
            continue;
        }
        const Stage* const unmet = Coverage(predicates, samples).unmet(*program);
        report.status = unmet               ? RuleReport::Status::inert
                        : program->degraded ? RuleReport::Status::degraded
                                            : RuleReport::Status::ok;
        if (unmet && !options.made.empty() && !Coverage(predicates, any_kind).unmet(*program)) {
            say_unmet(*file.query, *unmet, options.made, report.diagnostics);
            report.diagnostics.back().at = file.in_file(report.diagnostics.back().at);
        }
        hashes += rule.hash;
        set->rules_.push_back({std::move(rule), std::move(*program), {}});
    }
    std::vector<ExceptionReport> unasked;
    set->add_exceptions(options, reports, exceptions ? *exceptions : unasked);
    set->digest_ = sha256_hex(hashes);
    set->note_uses();
    for (RuleReport& report : reports)
        std::stable_sort(report.diagnostics.begin(), report.diagnostics.end(),
                         [](const Diagnostic& left, const Diagnostic& right) {
                             return left.at.offset < right.at.offset;
                         });
    return set;
}

std::shared_ptr<const RuleSet> RuleSet::of_query(std::string_view query, Diagnostics& diagnostics,
                                                 const CompileOptions& options) {
    const auto parsed = parse_query(query, diagnostics);
    if (!parsed)
        return nullptr;
    const auto set = one_query(*parsed, diagnostics, options);
    if (!set)
        return nullptr;
    Rule& rule = set->rules_.front().rule;
    rule.query = query;
    rule.hash = sha256_hex(query);
    set->digest_ = rule.hash;
    return set;
}

std::shared_ptr<const RuleSet> RuleSet::of_query(const Query& query, Diagnostics& diagnostics,
                                                 const CompileOptions& options) {
    return one_query(query, diagnostics, options);
}

std::shared_ptr<RuleSet> RuleSet::one_query(const Query& query, Diagnostics& diagnostics,
                                            const CompileOptions& options) {
    std::shared_ptr<RuleSet> set(new RuleSet());
    check_categories(query, options, diagnostics);
    auto program = compile_query(query, *set->fields_, *set->predicates_, diagnostics, options);
    if (!program)
        return nullptr;
    set->rules_.push_back({Rule{}, std::move(*program), {}});
    set->note_uses();
    return set;
}

void RuleSet::add_exceptions(const Options& options, const std::vector<RuleReport>& rules,
                             std::vector<ExceptionReport>& reports) {
    std::unordered_map<std::string, std::string> files_by_id;
    for (const RuleSource& source : options.exceptions) {
        ExceptionFile file = load_exceptions(source.text);
        ExceptionReport& report = reports.emplace_back();
        report.file = source.name;
        report.diagnostics = std::move(file.diagnostics);
        for (ExceptionItem& item : file.items) {
            const auto [known, is_new] = files_by_id.try_emplace(item.id, source.name);
            if (!is_new) {
                report.diagnostics.push_back(
                    {Severity::error, item.at,
                     "the exception id " + item.id + " is also in " + known->second,
                     "what an exception suppresses is counted under its id: give each its own"});
                continue;
            }
            check_exception(item, options, rules, report.diagnostics);
            add_exception(std::move(item), options, report);
        }
    }
}

void RuleSet::add_exception(ExceptionItem item, const Options& options, ExceptionReport& report) {
    Query query;
    query.event = std::move(item.condition);
    const auto program = compile_query(query, *fields_, *predicates_, report.diagnostics);
    if (!program)
        return;
    const auto index = static_cast<std::uint32_t>(exceptions_.size());
    for (CompiledRule& rule : rules_) {
        const bool meant = item.rules.empty() || std::find(item.rules.begin(), item.rules.end(),
                                                           rule.rule.id) != item.rules.end();
        if (meant)
            rule.exceptions.push_back(index);
    }
    exceptions_.push_back(
        {item.id, item.expires_us.value_or(INT64_MAX), program->stages.front().condition});
    report.items.push_back({std::move(item.id), std::move(item.comment), std::move(item.rules),
                            item.expires_us, has_expired(item, options)});
}

bool RuleSet::asks_for(std::string_view category) const {
    const auto known = [&](PredicateId id) {
        const auto* const test = std::get_if<FieldTest>(&predicates_->at(id));
        if (!test || test->field != FieldId::event_category)
            return Truth::unknown;
        return matches(test->test, Value::text(category)) ? Truth::yes : Truth::no;
    };
    const auto asks = [&](const Condition& condition) {
        return may_hold(condition, known) != Truth::no;
    };
    const auto stage_asks = [&](const Stage& stage) { return asks(stage.condition); };
    const auto rule_asks = [&](const CompiledRule& rule) {
        const Program& program = rule.program;
        return (program.until && stage_asks(*program.until)) ||
               std::any_of(program.stages.begin(), program.stages.end(), stage_asks);
    };
    const std::vector<Condition>& lineages = predicates_->lineages();
    return std::any_of(rules_.begin(), rules_.end(), rule_asks) ||
           std::any_of(lineages.begin(), lineages.end(), asks);
}

void RuleSet::note_uses() {
    used_.assign(fields_->size(), false);
    const auto note = [this](FieldId field) { used_[static_cast<std::size_t>(field)] = true; };
    for (std::size_t i = 0; i < predicates_->size(); ++i)
        for (const FieldId field : predicates_->fields(static_cast<PredicateId>(i)))
            note(field);
    const auto note_keys = [&](const Stage& stage) {
        for (const KeyField& key : stage.keys)
            note(key.field);
    };
    for (const CompiledRule& rule : rules_) {
        for (const Stage& stage : rule.program.stages)
            note_keys(stage);
        if (rule.program.until)
            note_keys(*rule.program.until);
    }
}

bool RuleSet::uses(FieldId field) const {
    const auto index = static_cast<std::size_t>(field);
    return index < used_.size() && used_[index];
}

std::vector<const ValueTest*> RuleSet::tests_on(FieldId field) const {
    std::vector<const ValueTest*> tests;
    for (std::size_t i = 0; i < predicates_->size(); ++i) {
        const auto* const test =
            std::get_if<FieldTest>(&predicates_->at(static_cast<PredicateId>(i)));
        if (test && test->field == field)
            tests.push_back(&test->test);
    }
    return tests;
}

}  // namespace audisp_eql::detect
