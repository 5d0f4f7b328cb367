// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/tamper_watch.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "collector/feed/audit_rules.hpp"

namespace audisp_eql::collector {
namespace {

// More than any tool changes between two looks, except the removal of all rules: each is a record,
// by the same actor.
constexpr std::size_t kMaxChanges = 64;
constexpr std::uint32_t kUnset = UINT32_MAX;  // auid of what no login began

std::optional<std::uint32_t> id_of(std::string_view body, std::string_view key) {
    const auto text = find_field(body, key);
    const auto number = text ? parse_decimal(*text) : std::nullopt;
    if (!number || *number < 0 || *number >= kUnset)
        return std::nullopt;
    return static_cast<std::uint32_t>(*number);
}

// A value that the kernel writes in quotes or in hex.
std::string untrusted(std::string_view body, std::string_view key) {
    FieldCursor fields(body);
    std::string text;
    while (fields.next()) {
        if (fields.key != key)
            continue;
        append_untrusted(fields.value, fields.quoted, text);
        break;
    }
    return text;
}

// audit_do_config_change() and audit_log_rule_change() of the kernel: "op=set audit_enabled=0
// old=1 auid=…", "auid=… op=remove_rule key=\"…\" list=4 res=1".
ConfigChange::What what_changed(std::string_view body) {
    using enum ConfigChange::What;
    const auto op = find_field(body, "op");
    if (op == "remove_rule")
        return untrusted(body, "key").starts_with(kRuleKeyPrefix) ? own_rule_removed : other;
    if (op != "set")
        return other;
    if (find_field(body, "audit_enabled"))
        return enabled;
    if (find_field(body, "audit_pid"))
        return feed;
    if (find_field(body, "audit_backlog_limit"))
        return backlog;
    if (find_field(body, "audit_rate_limit"))
        return rate_limit;
    return other;
}

std::string plural(std::size_t count, std::string_view what) {
    return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

}  // namespace

std::optional<ConfigChange> config_change(const AuditEvent& event) {
    const std::string_view body = event.body_of(audit_type::kConfigChange);
    if (body.empty())
        return std::nullopt;
    ConfigChange change;
    change.what = what_changed(body);
    change.actor = actor_of(event);
    if (!event.has(audit_type::kSyscall))
        change.actor.auid = id_of(body, "auid");
    return change;
}

AuditActor actor_of(const AuditEvent& event) {
    AuditActor actor;
    actor.record = event.key();
    const std::string_view call = event.body_of(audit_type::kSyscall);
    if (call.empty())
        return actor;
    actor.auid = id_of(call, "auid");
    actor.uid = id_of(call, "uid");
    if (const auto pid = id_of(call, "pid"))
        actor.pid = static_cast<std::int32_t>(*pid);
    actor.executable = untrusted(call, "exe");
    actor.comm = untrusted(call, "comm");
    return actor;
}

TamperWatch::TamperWatch(std::vector<std::int32_t> self, bool plugin, std::int64_t now_ns)
    : self_(std::move(self)), plugin_(plugin), began_ns_(now_ns) {}

bool TamperWatch::is_self(const AuditActor& actor) const {
    return actor.pid && std::find(self_.begin(), self_.end(), *actor.pid) != self_.end();
}

void TamperWatch::on_change(ConfigChange change, std::int64_t now_ns) {
    if (change.what == ConfigChange::What::other || is_self(change.actor))
        return;
    if (!std::exchange(wants_look_, true))
        oldest_ns_ = now_ns;
    newest_ns_ = now_ns;
    changes_.push_back({std::move(change), now_ns});
    if (changes_.size() > kMaxChanges)
        changes_.pop_front();
}

// The newest that names a process, else the newest: our own changes show none, because the kernel
// does not audit who reads its feed.
AuditActor TamperWatch::actor_of(ConfigChange::What what, std::int64_t now_ns) const {
    AuditActor found;
    for (auto seen = changes_.rbegin(); seen != changes_.rend(); ++seen) {
        if (seen->change.what != what || now_ns - seen->when_ns > kActorNs)
            continue;
        if (seen->change.actor.pid)
            return seen->change.actor;
        if (!found.known())
            found = seen->change.actor;
    }
    return found;
}

std::vector<TamperFinding> TamperWatch::look(const AuditStatus& status, std::int64_t now_ns) {
    using What = ConfigChange::What;
    wants_look_ = false;
    std::vector<TamperFinding> findings;
    if (!std::exchange(looked_, true)) {
        holder_ = status.pid;
        backlog_limit_ = status.backlog_limit;
        rate_limit_ = status.rate_limit;
    }
    const auto find = [&](OwnAlert kind, What what, auto message, detect::JsonMembers more = {}) {
        const AuditActor actor = actor_of(what, now_ns);
        findings.push_back(
            {kind,
             {.message = message(actor_text(actor)), .actor = actor, .more = std::move(more)}});
    };

    const bool off = status.enabled == 0;
    if (was_on_ && off && !off_)
        find(OwnAlert::audit_disabled, What::enabled, [](const std::string& who) {
            return fmt::format(
                "{} switched the kernel's audit off: programs and connections go "
                "unseen until 'auditctl -e 1'",
                who);
        });
    off_ = was_on_ && off;
    was_on_ = was_on_ || !off;

    // auditd may be between its end and ours: as a plugin two looks must agree.
    if (holder_ == 0)
        holder_ = status.pid;
    const bool lost = holder_ != 0 && status.pid != holder_;
    without_feed_ = lost ? without_feed_ + 1 : 0;
    const bool taken = without_feed_ >= (plugin_ ? 2 : 1);
    if (taken && !taken_)
        find(OwnAlert::feed_taken, What::feed,
             [&](const std::string& who) {
                 return fmt::format(
                     "{} took the audit feed from pid {}; {} holds it now: no audit record "
                     "comes in any more",
                     who, holder_, status.pid == 0 ? "nobody" : fmt::format("pid {}", status.pid));
             },
             {json_number("audisp_eql.audit.holder", status.pid)});
    taken_ = taken;

    const bool smaller = status.backlog_limit < backlog_limit_;
    const bool limited = status.rate_limit != 0 && rate_limit_ == 0;
    shrunk_ = smaller || limited;
    if (smaller)
        find(OwnAlert::backlog_shrunk, What::backlog,
             [&](const std::string& who) {
                 return fmt::format(
                     "{} shrunk the kernel's audit backlog from {} to {} records: "
                     "bursts lose records",
                     who, backlog_limit_, status.backlog_limit);
             },
             {json_number("audisp_eql.audit.backlog_limit", status.backlog_limit)});
    if (limited)
        find(OwnAlert::backlog_shrunk, What::rate_limit,
             [&](const std::string& who) {
                 return fmt::format(
                     "{} limited the kernel's audit to {} records a second: it "
                     "drops all above",
                     who, status.rate_limit);
             },
             {json_number("audisp_eql.audit.rate_limit", status.rate_limit)});
    backlog_limit_ = status.backlog_limit;
    rate_limit_ = status.rate_limit;
    return findings;
}

bool TamperWatch::may_restore(std::int64_t now_ns) {
    while (!restorations_.empty() && now_ns - restorations_.front() >= kWindowNs)
        restorations_.pop_front();
    return !stands_down_ && restorations_.size() < kRestorations;
}

std::vector<TamperFinding> TamperWatch::rules_gone(std::size_t gone, std::size_t restored,
                                                   std::int64_t now_ns) {
    using What = ConfigChange::What;
    wants_look_ = false;
    std::vector<TamperFinding> findings;
    const AuditActor actor = actor_of(What::own_rule_removed, now_ns);
    // Named once: the next removal may be another's, though its record is not read yet.
    std::erase_if(changes_,
                  [](const Seen& seen) { return seen.change.what == What::own_rule_removed; });
    if (untold_)
        findings.push_back(told(*untold_, actor));
    const bool named = actor.known() && !untold_;
    untold_ = gone == 0 ? std::nullopt : removal(gone, restored, now_ns);
    if (untold_ && named)
        findings.push_back(told(*std::exchange(untold_, std::nullopt), actor));
    return findings;
}

// None: nothing to tell.
std::optional<TamperWatch::Removal> TamperWatch::removal(std::size_t gone, std::size_t restored,
                                                         std::int64_t now_ns) {
    if (!may_restore(now_ns)) {
        if (std::exchange(stands_down_, true))
            return std::nullopt;
        return Removal{gone, 0, true};
    }
    // What it watched is gone with the rule, or auditd has just begun.
    if (restored == 0 || (plugin_ && now_ns - began_ns_ < kStartNs))
        return std::nullopt;
    restorations_.push_back(now_ns);
    return Removal{gone, restored, false};
}

TamperFinding TamperWatch::told(const Removal& removal, const AuditActor& actor) {
    const auto [gone, restored, stood_down] = removal;
    if (stood_down)
        return {OwnAlert::stood_down,
                {.message = fmt::format(
                     "{} removed audit rules of ours again, after {} restorations in ten minutes: "
                     "the agent stands down and loads them no more; {} missing. A restart or "
                     "SIGHUP loads them",
                     actor_text(actor), kRestorations,
                     gone == 1 ? "1 is" : fmt::format("{} are", gone)),
                 .actor = actor,
                 .more = {json_number("audisp_eql.audit.rules_gone", gone)}}};
    return {OwnAlert::rules_removed,
            {.message = fmt::format("{} removed {} of ours; {} loaded again, what happened in "
                                    "between was not seen",
                                    actor_text(actor), plural(gone, "audit rule"),
                                    restored == 1 ? "1 is" : fmt::format("{} are", restored)),
             .actor = actor,
             .more = {json_number("audisp_eql.audit.rules_gone", gone),
                      json_number("audisp_eql.audit.rules_restored", restored)}}};
}

void TamperWatch::make_peace() {
    stands_down_ = false;
    restorations_.clear();
}

}  // namespace audisp_eql::collector
