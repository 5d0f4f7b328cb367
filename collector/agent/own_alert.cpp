// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/own_alert.hpp"

#include <chrono>
#include <utility>

#include <boost/uuid/name_generator_sha1.hpp>
#include <boost/uuid/string_generator.hpp>
#include <boost/uuid/uuid_io.hpp>
#include <fmt/format.h>

#include "collector/feed/clock.hpp"

namespace audisp_eql::collector {
namespace {

using enum detect::RuleSeverity;

// Ids are for ever: SIEM rules name them.
constexpr OwnAlertKind kKinds[] = {
    {OwnAlert::evidence_gap, "8dc87657-bb29-4096-8399-a8c1cdbde435", "Evidence was lost", medium,
     "alert", 10, false,
     "Records of the kernel or events did not reach the rules; what happened meanwhile may be "
     "unseen. Alerts whose time it touches say so in audisp_eql.gap."},
    {OwnAlert::audit_disabled, "e49681fb-854f-48fb-9686-b3e5c8418b51", "Audit was switched off",
     critical, "alert", 3, true,
     "The kernel's audit is disabled: nothing but forks and ends is seen until somebody enables it "
     "(auditctl -e 1) or the agent starts anew."},
    {OwnAlert::rules_removed, "a536beeb-447e-4a44-b603-b6285bc4c571", "Our audit rules are gone",
     high, "alert", 3, true,
     "Kernel audit rules with keys of ours were removed by somebody else: what they report went "
     "unseen until they were loaded again."},
    {OwnAlert::feed_taken, "f792387f-595c-461e-8ed9-d5fdea427f22", "The audit feed was taken away",
     critical, "alert", 3, true,
     "Another program holds the kernel's audit feed in place of the agent, or the agent was "
     "unregistered: no audit record comes in any more."},
    {OwnAlert::feed_missing, "c5cd53dd-65a0-4157-8f72-2c0838837026", "A required feed is missing",
     critical, "alert", 3, true,
     "A feed that the option require names could not be read at the start, so that the agent did "
     "not start, or says nothing any more: what only it tells goes unseen."},
    {OwnAlert::backlog_shrunk, "5c589de7-175f-494d-b447-8e4ed77fabfe",
     "The audit backlog was shrunk", high, "alert", 3, true,
     "The kernel's audit queue holds less than the agent had set, or is rate limited: bursts lose "
     "records."},
    {OwnAlert::stood_down, "426af76a-a3b1-46a8-8f34-b4a6df139be1", "The agent stood down", critical,
     "alert", 0, false,
     "Our audit rules are removed again and again: to keep peace with whatever does it, the agent "
     "no longer loads them. What they report is unseen until SIGHUP or its next start."},
    {OwnAlert::agent_killed, "4062a71c-bfcb-426b-a67f-b500db328f01", "The agent was killed", high,
     "alert", 3, true,
     "The agent ended without its orderly stop (killed, or crashed): what happened until its next "
     "start was not seen."},
    {OwnAlert::host_restarted, "07fc4fad-1549-44d6-9fd1-3beed194ec0d",
     "The host went down while the agent ran", low, "event", 3, false,
     "The last run of the agent had no orderly stop, and the host has booted since: a power "
     "failure, a reset, or a shutdown that did not wait."},
    {OwnAlert::configuration_changed, "4803df32-b26c-476e-b31d-5b0f7523906a",
     "The configuration was changed", medium, "alert", 3, true,
     "A configuration file is no longer what the running agent has read; it counts at the next "
     "start."},
    {OwnAlert::rule_files_changed, "6f0ebd4d-231c-4e73-8153-1eaa91267710",
     "Rule files were changed", medium, "alert", 3, true,
     "Rule or exception files are no longer what the running agent has read; they count from the "
     "next reload on."},
    {OwnAlert::noisy_rule, "dc80b1dd-f0a9-4ce5-a227-c9d827a4408e", "A rule is noisy", low, "alert",
     50, false,
     "A rule raises more alerts than its ceiling (alert-ceiling): they are counted, and told one "
     "by one again once it is quieter."},
    {OwnAlert::noisy_rule_over, "1cee6505-9daf-4442-a918-ee0209632b58",
     "A noisy rule is quiet again", low, "event", 50, false,
     "The alerts of this rule are told one by one again; audisp_eql.noisy.counted says how many "
     "were only counted."},
    {OwnAlert::maintenance_began, "f7442262-369a-42a0-b46e-fc04187651a5",
     "A maintenance was declared", low, "event", 0, false,
     "For its time, signs of tampering are counted and told as one alert at its end."},
    {OwnAlert::maintenance_ended, "7dbcd991-dfc1-43be-b490-a59d57f5b097",
     "A declared maintenance is over", low, "event", 0, false,
     "audisp_eql.muted says which signs of tampering were counted meanwhile."},
    {OwnAlert::heartbeat, "a26869e7-682f-4c22-bce9-64fc65cc01b2", "Heartbeat", low, "event", 0,
     false,
     "The agent is alive and its alerts arrive. Where it stays away, the host, the agent or the "
     "way of its alerts is broken."},
};
static_assert(std::size(kKinds) == kOwnAlerts);

constexpr bool in_order() {
    for (std::size_t i = 0; i < std::size(kKinds); ++i)
        if (static_cast<std::size_t>(kKinds[i].kind) != i)
            return false;
    return true;
}
static_assert(in_order());

// Not "quoted": of a std::string that would be std::quoted where <iomanip> comes along.
std::string json_quoted(std::string_view text) {
    std::string out;
    detect::append_json_string(out, text);
    return out;
}

std::string base_name(std::string_view path) {
    return std::string(path.substr(path.rfind('/') + 1));
}

std::string alert_id(const OwnAlertKind& kind, const std::string& occasion, const HostNames& host) {
    const boost::uuids::uuid space = boost::uuids::string_generator()(std::string(kind.id));
    return to_string(boost::uuids::name_generator_sha1(space)(host.machine_id + '\n' + occasion));
}

void add_actor(detect::JsonMembers& members, const AuditActor& actor) {
    if (actor.auid)
        members.push_back({"user.audit.id", json_quoted(std::to_string(*actor.auid))});
    if (actor.uid)
        members.push_back({"user.id", json_quoted(std::to_string(*actor.uid))});
    if (actor.pid)
        members.push_back({"process.pid", std::to_string(*actor.pid)});
    if (!actor.executable.empty())
        members.push_back({"process.executable", json_quoted(actor.executable)});
    const std::string name = actor.executable.empty() ? actor.comm : base_name(actor.executable);
    if (!name.empty())
        members.push_back({"process.name", json_quoted(name)});
    if (actor.record) {
        members.push_back({"audisp_eql.audit.serial", std::to_string(actor.record->serial)});
        members.push_back(json_time("audisp_eql.audit.time", actor.record->time_ms * 1000));
    }
}

}  // namespace

const OwnAlertKind& kind_of(OwnAlert kind) {
    return kKinds[static_cast<std::size_t>(kind)];
}

std::string actor_text(const AuditActor& actor) {
    std::string details;
    const auto detail = [&](std::string_view name, const auto& number) {
        if (number)
            details += fmt::format("{}{} {}", details.empty() ? "" : ", ", name, *number);
    };
    detail("pid", actor.pid);
    detail("auid", actor.auid);
    if (!actor.auid)
        detail("uid", actor.uid);
    std::string who = actor.executable.empty() ? actor.comm : actor.executable;
    if (who.empty())
        return details.empty() ? "somebody" : "a program with " + details;
    return details.empty() ? who : fmt::format("{} ({})", who, details);
}

detect::JsonMember json_text(std::string name, std::string_view value) {
    return {std::move(name), json_quoted(value)};
}

detect::JsonMember json_number(std::string name, std::uint64_t value) {
    return {std::move(name), std::to_string(value)};
}

detect::JsonMember json_time(std::string name, std::int64_t wall_us) {
    std::string text;
    detect::append_json_time(text, wall_us);
    return {std::move(name), std::move(text)};
}

detect::Alert make_own_alert(OwnAlert number, const OwnAlertFacts& facts, const HostNames& host,
                             std::int64_t wall_us) {
    const OwnAlertKind& kind = kind_of(number);
    detect::Alert alert;
    alert.id = alert_id(kind, facts.occasion, host);
    alert.message = facts.message;
    alert.rule_name = kind.name;
    alert.severity = kind.severity;
    alert.wall_us = wall_us;
    detect::JsonMembers& members = alert.document.members;
    members.push_back(json_time("@timestamp", wall_us));
    members.push_back(json_text("ecs.version", "8.11.0"));
    members.push_back(json_text("event.id", alert.id));
    members.push_back(json_text("event.kind", kind.event_kind));
    members.push_back({"event.category", kind.tampering ? R"(["configuration"])" : R"(["host"])"});
    members.push_back({"event.type", kind.tampering ? R"(["change"])" : R"(["info"])"});
    members.push_back(json_text("event.dataset", "audisp_eql.agent"));
    members.push_back(
        json_number("event.severity", static_cast<unsigned>(severity_number(kind.severity))));
    members.push_back(json_text("kibana.alert.severity", to_string(kind.severity)));
    members.push_back(json_text("rule.id", kind.id));
    members.push_back(json_text("rule.name", kind.name));
    members.push_back(json_text("rule.description", kind.description));
    members.push_back(json_text("message", facts.message));
    if (!host.machine_id.empty())
        members.push_back(json_text("host.id", host.machine_id));
    if (!host.hostname.empty()) {
        members.push_back(json_text("host.hostname", host.hostname));
        members.push_back(json_text("host.name", host.hostname));
    }
    members.push_back(json_text("audisp_eql.version", AUDISP_EQL_VERSION));
    add_actor(members, facts.actor);
    members.insert(members.end(), facts.more.begin(), facts.more.end());
    settle(members);
    alert.json = alert.document.text();
    return alert;
}

OwnAlerts::OwnAlerts(HostNames host, Deliver deliver, Clock clock)
    : host_(std::move(host)), deliver_(std::move(deliver)), clock_(std::move(clock)) {
    if (!clock_.wall_us)
        clock_.wall_us = wall_us;
    if (!clock_.mono_ns)
        clock_.mono_ns = monotonic_ns;
}

bool OwnAlerts::raise(OwnAlert number, OwnAlertFacts facts) {
    const OwnAlertKind& kind = kind_of(number);
    Window& window = windows_[static_cast<std::size_t>(number)];
    if (kind.tampering && in_maintenance()) {
        ++window.muted;
        ++counters_.muted;
        return false;
    }
    const std::int64_t now = clock_.mono_ns();
    if (window.held == 0 && now - window.began_ns >= kWindowNs)
        window.sent = 0;
    if (window.sent == 0)
        window.began_ns = now;
    if (kind.per_window != 0 && window.sent >= kind.per_window) {
        ++window.held;
        ++counters_.held_back;
        window.last = std::move(facts);
        return false;
    }
    ++window.sent;
    send(number, std::move(facts));
    return true;
}

void OwnAlerts::send(OwnAlert kind, OwnAlertFacts facts) {
    const std::int64_t wall_us = clock_.wall_us();
    if (facts.occasion.empty())
        facts.occasion = fmt::format("{}.{}", wall_us, ++count_);
    ++counters_.raised;
    ++windows_[static_cast<std::size_t>(kind)].raised;
    deliver_(make_own_alert(kind, facts, host_, wall_us));
}

void OwnAlerts::tell_held(OwnAlert kind) {
    Window& window = windows_[static_cast<std::size_t>(kind)];
    if (window.held == 0)
        return;
    OwnAlertFacts facts = std::exchange(window.last, {});
    const std::uint64_t more = std::exchange(window.held, 0) - 1;
    if (more != 0) {
        facts.message += fmt::format("; {} more like it before", more);
        facts.more.push_back(json_number("audisp_eql.held_back", more));
    }
    // It opens the next window.
    window.began_ns = clock_.mono_ns();
    window.sent = 1;
    send(kind, std::move(facts));
}

void OwnAlerts::look_after() {
    const std::int64_t now = clock_.mono_ns();
    for (const OwnAlertKind& kind : kKinds)
        if (now - at(kind.kind).began_ns >= kWindowNs)
            tell_held(kind.kind);
    if (in_maintenance() && now >= maintenance_until_ns_)
        end_maintenance("its time is over", {});
}

void OwnAlerts::finish() {
    for (const OwnAlertKind& kind : kKinds)
        tell_held(kind.kind);
    if (in_maintenance())
        end_maintenance("the agent stops", {});
}

void OwnAlerts::maintain(std::chrono::seconds time, const AuditActor& declared_by) {
    const std::string who = actor_text(declared_by);
    if (time.count() <= 0) {
        if (in_maintenance())
            end_maintenance("ended by " + who, declared_by);
        return;
    }
    maintenance_until_ns_ =
        clock_.mono_ns() + std::chrono::duration_cast<std::chrono::nanoseconds>(time).count();
    const std::int64_t until_us = clock_.wall_us() + std::chrono::microseconds(time).count();
    maintenance_until_s_ = until_us / 1'000'000;
    send(OwnAlert::maintenance_began,
         {.message = fmt::format("{} declared a maintenance of {} minutes: signs of tampering are "
                                 "only counted meanwhile",
                                 who, (time.count() + 59) / 60),
          .actor = declared_by,
          .more = {json_time("audisp_eql.maintenance_until", until_us)}});
}

void OwnAlerts::end_maintenance(std::string_view why, const AuditActor& actor) {
    maintenance_until_ns_ = maintenance_until_s_ = 0;
    OwnAlertFacts facts;
    facts.actor = actor;
    std::string counted;
    for (const OwnAlertKind& kind : kKinds) {
        const std::uint64_t muted =
            std::exchange(windows_[static_cast<std::size_t>(kind.kind)].muted, 0);
        if (muted == 0)
            continue;
        counted += fmt::format("{}{} x{}", counted.empty() ? "" : ", ", kind.name, muted);
        facts.more.push_back(json_number("audisp_eql.muted." + std::string(kind.id), muted));
    }
    facts.message = fmt::format("the maintenance ended ({}): {}", why,
                                counted.empty() ? "no sign of tampering was seen" : counted);
    send(OwnAlert::maintenance_ended, std::move(facts));
}

}  // namespace audisp_eql::collector
