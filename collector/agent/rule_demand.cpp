// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/rule_demand.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include <libaudit.h>

#include "detect/engine/clue.hpp"
#include "detect/engine/dispatch.hpp"
#include "detect/eql/predicate.hpp"
#include "detect/rule/rule_set.hpp"

namespace audisp_eql::collector {

namespace {

using detect::Condition;
using detect::ConditionNode;
using detect::FieldId;
using detect::PredicateId;
using detect::Truth;

// What nobody calls a kind of event or a system call.
constexpr std::string_view kNothing = "(none)";
// More alternatives of one argument are not worth a line each.
constexpr std::size_t kMaxArguments = 8;

bool is_of_audit(FieldId field) {
    return field >= FieldId::auditd_a0 && field <= FieldId::auditd_result;
}

// An event of which some fields are known.
struct Sample {
    detect::EventPtr event;
    std::vector<FieldId> known;
    bool no_audit_fields = false;  // the others of auditd.* are known to be missing

    bool decides(const std::vector<FieldId>& fields) const {
        return std::all_of(fields.begin(), fields.end(), [&](FieldId field) {
            return (no_audit_fields && is_of_audit(field)) ||
                   std::find(known.begin(), known.end(), field) != known.end();
        });
    }
};

struct SampleShape {
    EventKind kind;
    std::string_view syscall = {};  // empty: not known
    bool no_action = false;         // an action and, below, a type that no event has
    bool no_type = false;
    bool no_audit_fields = false;
    std::string_view executable = {};
};

Sample make_sample(const SampleShape& shape) {
    Sample sample;
    sample.known = {FieldId::event_category, FieldId::event_type, FieldId::event_action,
                    FieldId::host_os_type};
    sample.no_audit_fields = shape.no_audit_fields;
    detect::BlockBuilder builder;
    const EventShape& kind = shape_of(shape.kind);
    builder.set_literals(FieldId::event_category, kind.category);
    if (shape.no_type)
        builder.set_literal(FieldId::event_type, kNothing);
    else
        builder.set_literals(FieldId::event_type, kind.type);
    if (shape.no_action)
        builder.set_literal(FieldId::event_action, kNothing);
    else
        builder.set_literals(FieldId::event_action, kind.action);
    if (!shape.syscall.empty()) {
        builder.set_text(FieldId::auditd_syscall, shape.syscall);
        sample.known.push_back(FieldId::auditd_syscall);
    }
    if (!shape.executable.empty()) {
        builder.set_text(FieldId::process_executable, shape.executable);
        builder.set_text(FieldId::process_name,
                         shape.executable.substr(shape.executable.rfind('/') + 1));
        sample.known.insert(sample.known.end(),
                            {FieldId::process_executable, FieldId::process_name});
    }
    detect::Event::Layers layers;
    layers[static_cast<std::size_t>(detect::Layer::own)] = builder.finish();
    builder.set_literal(FieldId::host_os_type, "linux");
    layers[static_cast<std::size_t>(detect::Layer::host)] = builder.finish();
    sample.event = detect::EventPtr(new detect::Event({}, {}, std::move(layers)));
    return sample;
}

// What is known of the rules' tests on one sample.
class Probe {
  public:
    Probe(const detect::RuleSet& rules, const Sample& sample)
        : table_(rules.predicates()), sample_(sample), truths_(table_.size()) {}

    Truth operator()(PredicateId id) {
        std::optional<Truth>& truth = truths_[static_cast<std::size_t>(id)];
        if (!truth)
            truth = find_out(id);
        return *truth;
    }
    bool may_hold(const Condition& condition) {
        return detect::may_hold(condition, *this) != Truth::no;
    }

  private:
    Truth find_out(PredicateId id) {
        if (table_.needs_earlier_events(id) ||
            std::holds_alternative<detect::DescendantTest>(table_.at(id)) ||
            !sample_.decides(table_.fields(id)))
            return Truth::unknown;
        return table_.holds(id, {sample_.event.get(), {}}, scratch_) ? Truth::yes : Truth::no;
    }
    const detect::PredicateTable& table_;
    const Sample& sample_;
    std::vector<std::optional<Truth>> truths_;
    detect::FormulaScratch scratch_;
};

// ---- places ----

// What must be watched so that nothing is missed that the pattern matches; nullopt: everything.
// Empty: it matches no path.
std::optional<std::set<Place>> place_of(std::string_view pattern, bool of_directory) {
    const std::size_t wild = pattern.find_first_of("*?");
    if (!pattern.starts_with('/')) {
        // Paths begin with a slash; "C:\…" and "?:\…" are no paths of this system.
        const bool any = wild == 0 && !pattern.starts_with("?:");
        return any ? std::nullopt : std::optional(std::set<Place>{});
    }
    std::string path(pattern.substr(0, wild));
    bool tree = of_directory;
    if (wild != std::string_view::npos) {
        path.resize(path.rfind('/'));
        tree = true;
    }
    // The kernel's rules are split at spaces.
    if (const std::size_t space = path.find_first_of(" \t\n"); space != std::string::npos) {
        path.resize(path.rfind('/', space));
        tree = true;
    }
    while (path.ends_with('/'))
        path.pop_back();
    if (path.empty() || path.size() >= 4096 /* PATH_MAX */)
        return std::nullopt;
    return std::set<Place>{{std::move(path), tree}};
}

using Places = std::optional<std::set<Place>>;

class PlaceSearch {
  public:
    PlaceSearch(const detect::PredicateTable& table, Probe& known) : table_(table), known_(known) {}

    Places of(const ConditionNode* node) {
        using Op = ConditionNode::Op;
        const ConditionNode* const end = node + node->span;
        switch (node->op) {
            case Op::leaf:
                return of_test(node->predicate);
            case Op::never:
                return std::set<Place>{};
            case Op::logical_and: {
                Places best;
                for (const ConditionNode* child = node + 1; child < end; child += child->span) {
                    Places one = of(child);
                    if (one && (!best || one->size() < best->size()))
                        best = std::move(one);
                }
                return best;
            }
            case Op::logical_or: {
                std::set<Place> all;
                for (const ConditionNode* child = node + 1; child < end; child += child->span) {
                    Places one = of(child);
                    if (!one)
                        return std::nullopt;
                    all.merge(*one);
                }
                return all;
            }
            case Op::logical_not: {
                const bool impossible =
                    detect::condition_walk::may_hold(node + 1, known_) == Truth::yes;
                return impossible ? Places(std::set<Place>{}) : std::nullopt;
            }
            case Op::always:
                break;
        }
        return std::nullopt;
    }

  private:
    Places of_test(PredicateId id) {
        if (known_(id) == Truth::no)
            return std::set<Place>{};
        const auto* const test = std::get_if<detect::FieldTest>(&table_.at(id));
        const std::vector<std::string>& patterns = table_.spelling(id);
        if (!test || patterns.empty())
            return std::nullopt;
        std::set<Place> all;
        for (const std::string& pattern : patterns) {
            Places one = place_of(pattern, test->field == FieldId::file_directory);
            if (!one)
                return std::nullopt;
            all.merge(*one);
        }
        return all;
    }
    const detect::PredicateTable& table_;
    Probe& known_;
};

// "a0=0xf", if the condition holds only for some values of one argument.
std::vector<std::string> arguments_of(const Condition& condition, Probe& known,
                                      const detect::PredicateTable& table) {
    Condition left;
    if (detect::simplify(condition.data(), known, left) != Truth::unknown)
        return {};
    for (const detect::Clues& clues : detect::clues_of(left, table)) {
        const bool narrow = std::all_of(clues.begin(), clues.end(), [&](const detect::Clue& clue) {
            return clue.field == clues.front().field && clue.field >= FieldId::auditd_a0 &&
                   clue.field <= FieldId::auditd_a3 &&
                   clue.required.where == detect::RequiredText::Where::whole &&
                   !clue.required.text.empty() && clue.required.text.size() <= 16 &&
                   clue.required.text.find_first_not_of("0123456789abcdef") == std::string::npos;
        });
        if (!narrow || clues.empty() || clues.size() > kMaxArguments)
            continue;
        const int number =
            static_cast<int>(clues.front().field) - static_cast<int>(FieldId::auditd_a0);
        std::vector<std::string> tests;
        for (const detect::Clue& clue : clues)
            tests.push_back("a" + std::to_string(number) + "=0x" + clue.required.text);
        return tests;
    }
    return {};
}

// ---- parts of rules ----

struct Part {
    std::uint32_t rule, part;
    bool vital;
    const Condition* condition;
    bool tests_calls;     // looks at auditd.data.syscall
    bool tests_families;  // looks at what kind of socket it is
};

class Parts {
  public:
    explicit Parts(const detect::RuleSet& rules) : table_(rules.predicates()) {
        for (std::uint32_t i = 0; i < rules.rules().size(); ++i) {
            const detect::Program& program = rules.rules()[i].program;
            rule_ = i;
            part_ = 0;
            lineages_.clear();
            for (std::size_t stage = 0; stage < program.stages.size(); ++stage) {
                // runs=N are N equal stages.
                const bool first =
                    stage == 0 || program.stages[stage - 1].item != program.stages[stage].item;
                if (first)
                    add(program.stages[stage].condition, !program.stages[stage].missing);
            }
            if (program.until)
                add(program.until->condition, false);
            for (std::size_t n = 0; n < lineages_.size(); ++n)
                add(table_.lineages()[lineages_[n]], true);
        }
    }
    const std::vector<Part>& list() const { return list_; }

  private:
    void add(const Condition& condition, bool vital) {
        Part part{rule_, part_++, vital, &condition, false, false};
        for (const ConditionNode& node : condition) {
            if (node.op != ConditionNode::Op::leaf)
                continue;
            if (const auto* const descent =
                    std::get_if<detect::DescendantTest>(&table_.at(node.predicate)))
                if (std::find(lineages_.begin(), lineages_.end(), descent->lineage) ==
                    lineages_.end())
                    lineages_.push_back(descent->lineage);
            for (const FieldId field : table_.fields(node.predicate)) {
                part.tests_calls |= field == FieldId::auditd_syscall;
                part.tests_families |=
                    field == FieldId::auditd_socket_family || field == FieldId::auditd_socket_path;
            }
        }
        list_.push_back(part);
    }
    const detect::PredicateTable& table_;
    std::uint32_t rule_ = 0, part_ = 0;
    std::vector<std::uint32_t> lineages_;
    std::vector<Part> list_;
};

// The calls by which audit tells of a kind, without the side entrances.
std::set<std::string_view> calls_of(EventKind kind) {
    std::set<std::string_view> calls;
    for (const Way& way : ways())
        if (way.kind == kind && way.use != Way::Use::door)
            calls.merge(calls_that_do(way.operation));
    // It makes what is not there, and opens nothing to read.
    if (kind == EventKind::file_open)
        calls.erase("creat");
    // The file was opened for writing before, and in the records of these it has no name.
    calls.erase("ftruncate");
    calls.erase("ftruncate64");
    return calls;
}

// Every other call that this machine's audit knows, in either word size.
std::set<std::string_view> other_calls() {
    std::set<std::string_view> calls;
    const int machine = ::audit_detect_machine();
    for (const int one : {machine, machine == MACH_86_64 ? int{MACH_X86} : machine})
        for (int number = 0; number < 1024; ++number)
            if (const char* const name = ::audit_syscall_to_name(number, one))
                calls.insert(name);
    for (const Syscall& call : syscalls())
        if (call.operation != Operation::other)
            calls.erase(call.name);
    return calls;
}

class DemandSearch {
  public:
    explicit DemandSearch(const detect::RuleSet& rules)
        : rules_(rules), parts_(rules), found_(parts_.list().size() * kEventKinds) {}

    std::vector<Demand> run() {
        for (std::size_t i = 0; i < kEventKinds; ++i) {
            const auto kind = static_cast<EventKind>(i);
            if (kind == EventKind::other_syscall)
                continue;
            by_connector_or_report(kind);
            for (const std::string_view call : calls_of(kind))
                by_call(kind, call);
        }
        const auto tests_calls = [](const Part& part) { return part.tests_calls; };
        if (std::any_of(parts_.list().begin(), parts_.list().end(), tests_calls))
            for (const std::string_view call : other_calls())
                by_call(EventKind::other_syscall, call);
        std::vector<Demand> demands;
        for (std::optional<Demand>& demand : found_)
            if (demand && (!demand->places || !demand->places->empty()))
                demands.push_back(std::move(*demand));
        return demands;
    }

  private:
    Demand& demand(std::size_t part, EventKind kind) {
        std::optional<Demand>& place = found_[part * kEventKinds + static_cast<std::size_t>(kind)];
        if (!place) {
            const Part& of = parts_.list()[part];
            place.emplace();
            place->rule = of.rule;
            place->part = of.part;
            place->vital = of.vital;
            place->kind = kind;
        }
        return *place;
    }

    void by_connector_or_report(EventKind kind) {
        const bool connector = connector_message(kind) != ProcEvent::What::none;
        if (!connector && !is_reported(kind))
            return;
        const Sample sample = make_sample({.kind = kind, .no_audit_fields = connector});
        Probe probe(rules_, sample);
        // Refusals and crashes stand beside what processes do: only for rules that mean them.
        const bool by_name = !connector && kind <= EventKind::seccomp;
        const Sample nameless = make_sample({.kind = kind, .no_action = true, .no_type = true});
        Probe unnamed(rules_, nameless);
        for (std::size_t i = 0; i < parts_.list().size(); ++i)
            if (const Condition& condition = *parts_.list()[i].condition;
                probe.may_hold(condition) && !(by_name && unnamed.may_hold(condition)))
                (connector ? demand(i, kind).by_connector : demand(i, kind).by_report) = true;
    }

    void by_call(EventKind kind, std::string_view call) {
        const Sample sample = make_sample({.kind = kind, .syscall = call});
        Probe probe(rules_, sample);
        // Costly, or without end: only for rules that would not match an event of no such name.
        SampleShape other{.kind = kind, .syscall = call};
        const bool by_name = kind == EventKind::file_open || kind == EventKind::send ||
                             kind == EventKind::other_syscall;
        other.no_action = kind != EventKind::other_syscall;
        other.no_type = kind == EventKind::file_open;
        if (kind == EventKind::other_syscall)
            other.syscall = kNothing;
        const Sample nameless = make_sample(other);
        Probe unnamed(rules_, nameless);
        for (std::size_t i = 0; i < parts_.list().size(); ++i) {
            const Part& part = parts_.list()[i];
            if (kind == EventKind::other_syscall && !part.tests_calls)
                continue;
            if (!probe.may_hold(*part.condition) || (by_name && unnamed.may_hold(*part.condition)))
                continue;
            ask(i, kind, call, probe);
        }
    }

    void ask(std::size_t index, EventKind kind, std::string_view call, Probe& probe) {
        const Part& part = parts_.list()[index];
        Demand& one = demand(index, kind);
        const bool first = one.calls.empty();
        one.calls.push_back(call);
        one.any_family = part.tests_families;
        if (is_of_file(kind)) {
            Places places = PlaceSearch(rules_.predicates(), probe).of(part.condition->data());
            if (first)
                one.places = std::move(places);
            else if (places && one.places)
                one.places->merge(*places);
            else
                one.places.reset();
        } else if (kind == EventKind::other_syscall) {
            auto arguments = arguments_of(*part.condition, probe, rules_.predicates());
            if (first)
                one.arguments = std::move(arguments);
            else if (one.arguments != arguments)
                one.arguments.clear();
        }
    }

    const detect::RuleSet& rules_;
    Parts parts_;
    std::vector<std::optional<Demand>> found_;  // by part and kind
};

}  // namespace

bool Place::lies_within(const Place& other) const {
    if (*this == other)
        return true;
    return other.tree && path.starts_with(other.path) &&
           (path.size() == other.path.size() || path[other.path.size()] == '/');
}

std::vector<Demand> demands_of(const detect::RuleSet& rules) {
    return DemandSearch(rules).run();
}

std::vector<std::uint32_t> rules_on_program(const detect::RuleSet& rules,
                                            std::string_view executable,
                                            const std::set<EventKind>& kinds) {
    const Parts parts(rules);
    std::set<std::uint32_t> found;
    for (const EventKind kind : kinds) {
        const Sample sample = make_sample({.kind = kind, .executable = executable});
        Probe probe(rules, sample);
        for (const Part& part : parts.list())
            if (probe.may_hold(*part.condition))
                found.insert(part.rule);
    }
    return {found.begin(), found.end()};
}

}  // namespace audisp_eql::collector
