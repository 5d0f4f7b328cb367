// SPDX-License-Identifier: Apache-2.0
#include "detect/alert/story.hpp"

#include <algorithm>
#include <array>
#include <tuple>

#include <boost/uuid/name_generator_sha1.hpp>
#include <boost/uuid/uuid_io.hpp>

#include "detect/alert/mask.hpp"
#include "detect/text/utf8.hpp"

namespace audisp_eql::detect {

namespace {

// What a step shows: enough to follow the tree, and to find the event.
constexpr std::array kShown{
    FieldId::timestamp,
    FieldId::destination_ip,
    FieldId::destination_port,
    FieldId::event_action,
    FieldId::event_outcome,
    FieldId::file_path,
    FieldId::process_stdio_peer_ip,
    FieldId::process_command_line,
    FieldId::process_entity_id,
    FieldId::process_executable,
    FieldId::process_name,
    FieldId::process_parent_entity_id,
    FieldId::process_parent_pid,
    FieldId::process_pid,
    FieldId::source_ip,
    FieldId::user_id,
    FieldId::user_name,
};

std::string quoted(std::string_view text) {
    std::string out;
    append_json_string(out, text);
    return out;
}

bool has(Values values, std::string_view text) {
    return std::any_of(values.begin(), values.end(), [text](const Value& value) {
        return value.is_text() && value.as_text() == text;
    });
}

// The longest part of `text` that is whole characters and fits.
std::string_view cut(std::string_view text) {
    if (text.size() <= Stories::kMaxText)
        return text;
    std::size_t at = 0;
    for (std::size_t next = 0; next <= Stories::kMaxText; next += character_length(text, next))
        at = next;
    return text.substr(0, at);
}

JsonMembers step_of(const Event& event) {
    JsonMembers step;
    for (const FieldId field : kShown) {
        const Values values = event.values(field);
        if (values.empty())
            continue;
        std::string text;
        if (values.size() == 1 && values[0].is_text())
            append_json_string(text, cut(values[0].as_text()));
        else
            append_json_values(text, values, false);
        step.push_back({std::string(kFieldRows[static_cast<std::size_t>(field)].name), text});
    }
    if (event.origin().kind == Origin::Kind::audit)
        step.push_back({"audit.serial", std::to_string(event.origin().serial)});
    settle(step);
    return step;
}

std::string origin_of(const Event& event) {
    const Origin& origin = event.origin();
    return std::to_string(static_cast<int>(origin.kind)) + ':' + std::to_string(origin.time) + ':' +
           std::to_string(origin.serial) + ':' + std::to_string(origin.pid);
}

bool contains(const std::vector<std::string>& texts, std::string_view text) {
    return std::find(texts.begin(), texts.end(), text) != texts.end();
}

// Alerts tell of what was before them: the steps in order of time, those of one millisecond by
// their serial, which has one number of digits as long as nobody reboots.
bool earlier(const JsonMembers& a, const JsonMembers& b) {
    const auto text = [](const JsonMembers& step, std::string_view name) -> std::string_view {
        for (const JsonMember& member : step)
            if (member.name == name)
                return member.text;
        return {};
    };
    const auto key = [&](const JsonMembers& step) {
        const std::string_view serial = text(step, "audit.serial");
        return std::tuple(text(step, "@timestamp"), serial.size(), serial);
    };
    return key(a) < key(b);
}

// The process is one of these, or descends from one.
bool concerns(const std::vector<std::string>& members, const Event& event) {
    const std::string_view own = event.text(FieldId::process_entity_id);
    if (own.empty())
        return false;
    const Values ancestry = event.values(FieldId::process_ext_ancestry);
    return std::any_of(members.begin(), members.end(), [&](const std::string& member) {
        return member == own || has(ancestry, member);
    });
}

}  // namespace

Stories::Story& Stories::story_of(std::span<const Match> matches, const Alert& alert) {
    for (Story& story : open_)
        for (const Match& match : matches)
            for (const EventPtr& event : match.events)
                if (event && concerns(story.members, *event))
                    return story;
    if (open_.size() == kMaxOpen) {
        ++counters_.ended_early;
        tell(open_.front(), "others");
        open_.erase(open_.begin());
    }
    Story& story = open_.emplace_back();
    story.first_alert = alert.id;
    story.message = alert.message;
    return story;
}

void Stories::on_alert(const Rule& rule, std::span<const Match> matches, const Alert& alert,
                       const AlertContext& context) {
    Story& story = story_of(matches, alert);
    story.mask_secrets = context.mask_secrets;
    if (story.context.empty()) {
        if (!context.ruleset_digest.empty())
            story.context.push_back({"audisp_eql.ruleset", quoted(context.ruleset_digest)});
        if (!context.program_version.empty())
            story.context.push_back({"audisp_eql.version", quoted(context.program_version)});
    }
    const auto fired = std::find_if(story.rules.begin(), story.rules.end(),
                                    [&](const Fired& other) { return other.id == rule.id; });
    if (fired != story.rules.end())
        ++fired->count;
    else if (story.rules.size() < kMaxRules)
        story.rules.push_back({rule.id, rule.name, rule.severity, rule.risk_score, 1});
    ++story.alert_count;
    if (story.alerts.size() < kMaxAlerts)
        story.alerts.push_back(alert.id);
    for (const Match& match : matches) {
        for (const EventPtr& event : match.events) {
            if (!event)
                continue;
            const std::string_view id = event->text(FieldId::process_entity_id);
            if (!id.empty() && !contains(story.members, id)) {
                if (story.members.size() < kMaxMembers)
                    story.members.emplace_back(id);
                else
                    ++counters_.members_dropped;
            }
            add_step(story, event);
        }
    }
}

void Stories::add_event(const EventPtr& event) {
    const bool execution = has(event->values(FieldId::event_action), "exec");
    const Values category = event->values(FieldId::event_category);
    if (!execution && !has(category, "network") && !has(category, "file"))
        return;
    for (Story& story : open_)
        if (concerns(story.members, *event))
            add_step(story, event);
}

void Stories::add_step(Story& story, const EventPtr& event) {
    const EventTime& time = event->time();
    if (story.began_us == 0 || time.wall_us < story.began_us)
        story.began_us = time.wall_us;
    if (story.began_ns == 0)
        story.began_ns = time.engine_ns;
    story.last_ns = std::max(story.last_ns, time.engine_ns);
    story.last_us = std::max(story.last_us, time.wall_us);
    std::string origin = origin_of(*event);
    if (contains(story.seen, origin))
        return;
    if (has(event->values(FieldId::event_action), "exec"))
        ++story.executions;
    const Values category = event->values(FieldId::event_category);
    story.connections += has(category, "network") ? 1 : 0;
    story.files += has(category, "file") ? 1 : 0;
    if (story.steps.size() == kMaxSteps) {
        ++story.dropped;
        ++counters_.steps_dropped;
        return;
    }
    story.seen.push_back(std::move(origin));
    story.steps.push_back(step_of(story.mask_secrets ? *mask_event(event) : *event));
}

void Stories::advance(std::int64_t engine_ns) {
    std::erase_if(open_, [&](const Story& story) {
        const bool quiet = engine_ns - story.last_ns >= kQuietNs;
        if (!quiet && engine_ns - story.began_ns < kLongestNs)
            return false;
        tell(story, quiet ? "quiet" : "long");
        return true;
    });
}

void Stories::finish() {
    for (const Story& story : open_)
        tell(story, "end");
    open_.clear();
}

void Stories::tell(const Story& story, std::string_view reason) {
    const auto strongest = std::max_element(
        story.rules.begin(), story.rules.end(),
        [](const Fired& a, const Fired& b) { return a.risk_score < b.risk_score; });
    std::vector<std::string> names, ids;
    for (const Fired& rule : story.rules) {
        names.push_back(rule.name);
        ids.push_back(rule.id);
    }
    Alert alert;
    alert.id = to_string(
        boost::uuids::name_generator_sha1(boost::uuids::uuid{})("story:" + story.first_alert));
    alert.rule_name = strongest->name;
    alert.severity = strongest->severity;
    alert.wall_us = story.last_us;
    alert.message = "Story of " + std::to_string(story.alert_count) +
                    (story.alert_count == 1 ? " alert by " : " alerts by ") +
                    std::to_string(story.rules.size()) +
                    (story.rules.size() == 1 ? " rule, " : " rules, ") +
                    std::to_string(story.executions) + " programs, " +
                    std::to_string(story.connections) + " connections, " +
                    std::to_string(story.files) + " file changes; it began with: " + story.message;

    JsonMembers& members = alert.document.members;
    members = story.context;
    const auto number = [&members](const char* name, std::uint64_t value) {
        members.push_back({name, std::to_string(value)});
    };
    const auto time = [&members](const char* name, std::int64_t wall_us) {
        std::string text;
        append_json_time(text, wall_us);
        members.push_back({name, text});
    };
    time("@timestamp", story.last_us);
    time("event.start", story.began_us);
    time("event.end", story.last_us);
    members.push_back({"ecs.version", "\"8.11.0\""});
    members.push_back({"event.id", quoted(alert.id)});
    members.push_back({"event.kind", "\"alert\""});
    members.push_back({"event.action", "\"story\""});
    members.push_back({"message", quoted(alert.message)});
    number("event.severity", static_cast<std::uint64_t>(severity_number(strongest->severity)));
    number("event.risk_score", static_cast<std::uint64_t>(strongest->risk_score));
    members.push_back({"kibana.alert.severity", quoted(to_string(strongest->severity))});
    members.push_back({"rule.name", json_list(names)});
    members.push_back({"rule.id", json_list(ids)});
    members.push_back({"audisp_eql.story.alerts", json_list(story.alerts)});
    number("audisp_eql.story.alert_count", story.alert_count);
    members.push_back({"audisp_eql.story.ended_by", quoted(reason)});
    number("audisp_eql.story.programs", story.executions);
    number("audisp_eql.story.connections", story.connections);
    number("audisp_eql.story.file_changes", story.files);
    number("audisp_eql.story.steps_dropped", story.dropped);
    alert.document.sequence = story.steps;
    std::stable_sort(alert.document.sequence.begin(), alert.document.sequence.end(), earlier);
    // As every alert, it shows its last event.
    for (const JsonMember& member : alert.document.sequence.back())
        if (member.name.starts_with("process.") || member.name.starts_with("user.") ||
            member.name.starts_with("destination."))
            members.push_back(member);
    settle(members);
    alert.json = alert.document.text();
    ++counters_.told;
    handler_(alert);
}

}  // namespace audisp_eql::detect
