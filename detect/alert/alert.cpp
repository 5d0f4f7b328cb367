// SPDX-License-Identifier: Apache-2.0
#include "detect/alert/alert.hpp"

#include <algorithm>

#include <boost/uuid/name_generator_sha1.hpp>
#include <boost/uuid/string_generator.hpp>
#include <boost/uuid/uuid_io.hpp>

#include "detect/alert/mask.hpp"
#include "detect/alert/sentence.hpp"

namespace audisp_eql::detect {

namespace {

// Matches told beside the first; a fork bomb's worth of the same helps nobody.
constexpr std::size_t kMaxOthers = 100;

std::string quoted(std::string_view text) {
    std::string out;
    append_json_string(out, text);
    return out;
}

// "1700000000.123:42", "proc:NS:PID", "line:7": what one event is called wherever it is met.
std::string event_name(const EventPtr& event) {
    if (!event)
        return "-";
    const Origin& origin = event->origin();
    switch (origin.kind) {
        case Origin::Kind::audit: {
            std::string millis = std::to_string(origin.time % 1000);
            millis.insert(0, 3 - std::min<std::size_t>(3, millis.size()), '0');
            return std::to_string(origin.time / 1000) + "." + millis + ":" +
                   std::to_string(origin.serial);
        }
        case Origin::Kind::proc:
            return "proc:" + std::to_string(origin.time) + ":" + std::to_string(origin.pid);
        case Origin::Kind::line:
            return "line:" + std::to_string(origin.serial);
        case Origin::Kind::none:
            break;
    }
    return "?";
}

bool is_uuid(std::string_view text) {
    if (text.size() != 36)
        return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        const char c = text[i];
        const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        if (dash ? c != '-' : !hex)
            return false;
    }
    return true;
}

// UUIDv5 in the rule's own namespace: its id, or for an id that is no UUID one made from it.
std::string alert_id(const Rule& rule, const Match& match) {
    boost::uuids::uuid rule_space{};
    if (is_uuid(rule.id))
        rule_space = boost::uuids::string_generator()(rule.id);
    else
        rule_space = boost::uuids::name_generator_sha1(boost::uuids::uuid{})(rule.id);
    std::string name;
    for (const EventPtr& event : match.events) {
        if (!name.empty())
            name += ',';
        name += event_name(event);
    }
    return to_string(boost::uuids::name_generator_sha1(rule_space)(name));
}

// What an event of the sequence tells beside its fields.
JsonMembers origin_members(const Event& event) {
    JsonMembers added;
    const Origin& origin = event.origin();
    if (origin.kind == Origin::Kind::audit) {
        added.push_back({"audit.serial", std::to_string(origin.serial)});
        std::string time;
        append_json_time(time, origin.time * 1000);
        added.push_back({"audit.time", time});
        if (const Values keys = event.values(FieldId::audit_key); !keys.empty()) {
            std::string text;
            append_json_values(text, keys, false);
            added.push_back({"audit.key", text});
        }
    } else if (origin.kind == Origin::Kind::proc) {
        added.push_back({"proc.ns", std::to_string(origin.time)});
    }
    return added;
}

JsonMembers ancestor_members(const Ancestor& ancestor) {
    JsonMembers members;
    if (!ancestor.args.empty())
        members.push_back({"args", json_list(ancestor.args)});
    if (!ancestor.entity_id.empty())
        members.push_back({"entity_id", quoted(ancestor.entity_id)});
    if (!ancestor.name.empty())
        members.push_back({"name", quoted(ancestor.name)});
    members.push_back({"pid", std::to_string(ancestor.pid)});
    return members;
}

// True if there was a secret.
bool mask_ancestor(Ancestor& ancestor, CleanBlocks& clean) {
    if (clean.has(ancestor.image))
        return false;
    std::vector<std::string> args = mask_args(ancestor.args);
    std::swap(args, ancestor.args);
    if (args != ancestor.args)
        return true;
    clean.add(ancestor.image);
    return false;
}

}  // namespace

std::string join_keys_text(const std::vector<JoinKey>& keys) {
    std::string out = "[";
    for (const JoinKey& key : keys) {
        if (out.size() > 1)
            out += ',';
        if (const auto* text = std::get_if<std::string>(&key))
            append_json_string(out, *text);
        else if (const auto* integer = std::get_if<std::int64_t>(&key))
            append_json_value(out, Value::integer(*integer));
        else if (const auto* real = std::get_if<double>(&key))
            append_json_value(out, Value::real(*real));
        else if (const auto* truth = std::get_if<bool>(&key))
            append_json_value(out, Value::boolean(*truth));
        else
            out += "null";
    }
    return out += ']';
}

namespace {

std::string others_text(std::span<const Match> others, bool mask) {
    std::string out = "[";
    for (const Match& match : others.first(std::min(others.size(), kMaxOthers))) {
        if (out.size() > 1)
            out += ',';
        std::vector<std::string> names;
        for (const EventPtr& event : match.events)
            names.push_back(event_name(event));
        out += "{\"events\":" + json_list(names);
        if (!match.join_keys.empty())
            out += ",\"join_keys\":" +
                   join_keys_text(mask ? mask_keys(match.join_keys) : match.join_keys);
        out += '}';
    }
    return out += ']';
}

// Distinct texts of some fields of all events of a match, in order of appearance.
std::vector<std::string> distinct(const Match& match, std::initializer_list<FieldId> fields) {
    std::vector<std::string> found;
    for (const EventPtr& event : match.events) {
        for (const FieldId field : fields) {
            for (const Value& value : event ? event->values(field) : Values{}) {
                if (value.is_text() &&
                    std::find(found.begin(), found.end(), value.as_text()) == found.end())
                    found.emplace_back(value.as_text());
            }
        }
    }
    return found;
}

void add_related(JsonMembers& members, const Match& match) {
    const auto add = [&](const char* name, const std::vector<std::string>& found) {
        if (!found.empty())
            members.push_back({name, json_list(found)});
    };
    add("related.ip", distinct(match, {FieldId::destination_ip, FieldId::source_ip}));
    std::vector<std::string> users =
        distinct(match, {FieldId::user_name, FieldId::user_ext_real_name});
    if (users.empty())
        users = distinct(match, {FieldId::user_id, FieldId::user_ext_real_id});
    add("related.user", users);
    add("related.hosts", distinct(match, {FieldId::host_name, FieldId::host_hostname}));
}

void add_rule(JsonMembers& members, const Rule& rule) {
    const auto add = [&](const char* name, const std::string& text) {
        if (!text.empty())
            members.push_back({name, quoted(text)});
    };
    members.push_back({"event.severity", std::to_string(severity_number(rule.severity))});
    members.push_back({"event.risk_score", std::to_string(rule.risk_score)});
    members.push_back({"kibana.alert.severity", quoted(to_string(rule.severity))});
    add("rule.id", rule.id);
    add("rule.name", rule.name);
    add("rule.description", rule.description);
    add("rule.version", rule.version);
    add("rule.hash", rule.hash);
    if (rule.references.size() == 1)
        add("rule.reference", rule.references[0]);
    else if (!rule.references.empty())
        members.push_back({"rule.reference", json_list(rule.references)});
}

// The three parallel lists of one kind of ATT&CK entry, without repeats.
struct ThreatLists {
    std::vector<std::string> ids, names, references;

    void add(const ThreatReference& entry) {
        if (entry.id.empty() || std::find(ids.begin(), ids.end(), entry.id) != ids.end())
            return;
        ids.push_back(entry.id);
        names.push_back(entry.name);
        references.push_back(entry.reference);
    }
    void append_to(JsonMembers& members, const std::string& prefix) const {
        if (ids.empty())
            return;
        members.push_back({prefix + ".id", json_list(ids)});
        members.push_back({prefix + ".name", json_list(names)});
        members.push_back({prefix + ".reference", json_list(references)});
    }
};

// ECS: threat.* are lists, entry by entry.
void add_threats(JsonMembers& members, const std::vector<Threat>& threats) {
    ThreatLists tactics, techniques, subtechniques;
    for (const Threat& threat : threats) {
        tactics.add(threat.tactic);
        for (const ThreatTechnique& technique : threat.techniques) {
            techniques.add(technique);
            for (const ThreatReference& subtechnique : technique.subtechniques)
                subtechniques.add(subtechnique);
        }
    }
    if (!threats.empty() && !threats[0].framework.empty())
        members.push_back({"threat.framework", quoted(threats[0].framework)});
    tactics.append_to(members, "threat.tactic");
    techniques.append_to(members, "threat.technique");
    subtechniques.append_to(members, "threat.technique.subtechnique");
}

void add_context(JsonMembers& members, const AlertContext& context) {
    if (!context.feeds.empty())
        members.push_back({"audisp_eql.feeds", json_list(std::vector<std::string>(
                                                   context.feeds.begin(), context.feeds.end()))});
    if (!context.ruleset_digest.empty())
        members.push_back({"audisp_eql.ruleset", quoted(context.ruleset_digest)});
    if (!context.program_version.empty())
        members.push_back({"audisp_eql.version", quoted(context.program_version)});
    if (context.gap.source.empty())
        return;
    members.push_back({"audisp_eql.gap.source", quoted(context.gap.source)});
    members.push_back({"audisp_eql.gap.count", std::to_string(context.gap.count)});
    if (context.gap.at_least)
        members.push_back({"audisp_eql.gap.at_least", "true"});
    if (context.gap.end_us == 0)
        return;
    const auto add_time = [&](const char* name, std::int64_t wall_us) {
        std::string time;
        append_json_time(time, wall_us);
        members.push_back({name, time});
    };
    add_time("audisp_eql.gap.start", context.gap.start_us);
    add_time("audisp_eql.gap.end", context.gap.end_us);
}

bool any_inferred(const Match& match) {
    return std::any_of(match.events.begin(), match.events.end(), [](const EventPtr& event) {
        const auto is_set = [&event](FieldId field) {
            const Values values = event->values(field);
            return !values.empty() && values[0].as_boolean();
        };
        return event && (is_set(FieldId::inferred) || is_set(FieldId::process_resynced));
    });
}

}  // namespace

Alert make_alert(const Rule& rule, std::span<const Match> matches, const AlertContext& context) {
    SecretFree seen;
    SecretFree& clean = context.secret_free ? *context.secret_free : seen;
    // Everything of an event that leaves the host comes from here.
    const Match match = context.mask_secrets
                            ? mask_match(matches.front(), context.fields, clean.events)
                            : matches.front();
    bool masked = match.events != matches.front().events;
    Alert alert;
    alert.id = alert_id(rule, match);
    alert.message = alert_sentence(rule, match);
    alert.rule_name = rule.name;
    alert.severity = rule.severity;

    const auto last = std::find_if(match.events.rbegin(), match.events.rend(),
                                   [](const EventPtr& event) { return event != nullptr; });
    for (const EventPtr& event : match.events) {
        JsonMembers& members = alert.document.sequence.emplace_back();
        if (!event)
            continue;
        members = event_members(*event, context.fields);
        if (last != match.events.rend() && event == *last)
            alert.document.members = members;
        add_members(members, origin_members(*event));
    }
    for (Ancestor ancestor : context.ancestry) {
        if (context.mask_secrets)
            masked |= mask_ancestor(ancestor, clean.ancestors);
        alert.document.ancestry.push_back(ancestor_members(ancestor));
    }

    JsonMembers members;
    members.push_back({"ecs.version", "\"8.11.0\""});
    members.push_back({"event.id", quoted(alert.id)});
    members.push_back({"event.kind", "\"alert\""});
    members.push_back({"message", quoted(alert.message)});
    add_rule(members, rule);
    add_threats(members, rule.threats);
    add_related(members, match);
    add_context(members, context);
    if (!match.join_keys.empty())
        members.push_back({"audisp_eql.join_keys", join_keys_text(match.join_keys)});
    if (masked)
        members.push_back({"audisp_eql.masked", "true"});
    if (any_inferred(match))
        members.push_back({"audisp_eql.inferred", "true"});
    if (matches.size() > 1)
        members.push_back(
            {"audisp_eql.others", others_text(matches.subspan(1), context.mask_secrets)});
    if (matches.size() > 1 + kMaxOthers)
        alert.document.trimmed.push_back("audisp_eql.others");
    if (last != match.events.rend())
        alert.wall_us = (*last)->time().wall_us;
    add_members(alert.document.members, std::move(members));
    alert.json = alert.document.text();
    return alert;
}

}  // namespace audisp_eql::detect
