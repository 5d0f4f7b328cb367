// SPDX-License-Identifier: Apache-2.0
// What the agent has to say on its own account, not for a rule: somebody tampers with it, evidence
// was lost, it is alive. Such an alert is a document like any other and goes the same way: spool,
// then outputs.
//
// Each kind has a fixed id (rule.id) and name, so that a SIEM can be told about it once. Of each
// kind only so many go out in a window; the rest is counted, and the window's end tells the last of
// them with the count (audisp_eql.held_back). Nothing is held back unsaid.
//
// Memory: values. Threads: one at a time (the worker's).
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "collector/audit/record.hpp"
#include "collector/feed/host_facts.hpp"
#include "detect/alert/alert.hpp"

namespace audisp_eql::collector {

enum class OwnAlert : std::uint8_t {
    // What was lost.
    evidence_gap,
    // Tampering.
    audit_disabled,
    rules_removed,
    feed_taken,
    feed_missing,
    backlog_shrunk,
    stood_down,
    agent_killed,
    host_restarted,
    configuration_changed,
    rule_files_changed,
    // What goes on.
    noisy_rule,
    noisy_rule_over,
    maintenance_began,
    maintenance_ended,
    heartbeat,
};
inline constexpr std::size_t kOwnAlerts = static_cast<std::size_t>(OwnAlert::heartbeat) + 1;

struct OwnAlertKind {
    OwnAlert kind;
    std::string_view id;    // rule.id
    std::string_view name;  // rule.name
    detect::RuleSeverity severity;
    std::string_view event_kind;  // ECS event.kind: alert or event
    std::uint32_t per_window;     // more of it are held back; 0: never
    bool tampering;               // only counted during a declared maintenance
    std::string_view description;
};
const OwnAlertKind& kind_of(OwnAlert kind);

// Who did it, as far as audit's records tell. Bytes are hostile.
struct AuditActor {
    std::optional<std::uint32_t> auid;  // who logged in; nullopt: a service, or not known
    std::optional<std::uint32_t> uid;
    std::optional<std::int32_t> pid;
    std::string executable;
    std::string comm;
    std::optional<EventKey> record;  // ausearch -a SERIAL

    bool known() const { return auid || uid || pid || !executable.empty() || !comm.empty(); }
};
// "/usr/sbin/auditctl (pid 4321, auid 1000)"; "somebody" if nothing is known.
std::string actor_text(const AuditActor& actor);

struct OwnAlertFacts {
    std::string message;            // one sentence for people
    AuditActor actor = {};          // process.*, user.*
    detect::JsonMembers more = {};  // audisp_eql.*; the values are JSON
    // What makes event.id, with the kind and the host: the same occasion, the same id. Empty: the
    // time and a count.
    std::string occasion = {};
};

// Members for OwnAlertFacts::more.
detect::JsonMember json_text(std::string name, std::string_view value);
detect::JsonMember json_number(std::string name, std::uint64_t value);
detect::JsonMember json_time(std::string name, std::int64_t wall_us);

// The document by itself; `wall_us`: @timestamp.
detect::Alert make_own_alert(OwnAlert kind, const OwnAlertFacts& facts, const HostNames& host,
                             std::int64_t wall_us);

struct OwnAlertCounters {
    std::uint64_t raised = 0;     // delivered
    std::uint64_t held_back = 0;  // counted by the bound of a window
    std::uint64_t muted = 0;      // counted by a maintenance
};

class OwnAlerts {
  public:
    static constexpr std::int64_t kWindowNs = 600LL * 1'000'000'000;

    using Deliver = std::function<void(const detect::Alert&)>;
    struct Clock {
        std::function<std::int64_t()> wall_us, mono_ns;
    };

    // `clock` empty: the system's.
    OwnAlerts(HostNames host, Deliver deliver, Clock clock = {});

    // False if it was held back or muted: counted, and told later.
    bool raise(OwnAlert kind, OwnAlertFacts facts);
    // Each second or so: tells what was held back in windows that have ended, and that a
    // maintenance is over.
    void look_after();
    // At the end: everything that was held back.
    void finish();

    // For so long tampering is only counted; one alert says who declared it, another how it went. 0
    // ends a maintenance.
    void maintain(std::chrono::seconds time, const AuditActor& declared_by);
    bool in_maintenance() const { return maintenance_until_ns_ != 0; }
    // Wall time, seconds; 0: none.
    std::int64_t maintenance_until() const { return maintenance_until_s_; }

    const OwnAlertCounters& counters() const { return counters_; }
    std::uint64_t raised(OwnAlert kind) const { return at(kind).raised; }
    const HostNames& host() const { return host_; }

  private:
    struct Window {
        std::int64_t began_ns = 0;
        std::uint32_t sent = 0;
        std::uint64_t held = 0;
        OwnAlertFacts last;  // held back
        std::uint64_t raised = 0;
        std::uint64_t muted = 0;  // in this maintenance
    };
    const Window& at(OwnAlert kind) const { return windows_[static_cast<std::size_t>(kind)]; }
    void send(OwnAlert kind, OwnAlertFacts facts);
    void tell_held(OwnAlert kind);
    void end_maintenance(std::string_view why, const AuditActor& actor);

    HostNames host_;
    Deliver deliver_;
    Clock clock_;
    std::array<Window, kOwnAlerts> windows_;
    std::int64_t maintenance_until_ns_ = 0, maintenance_until_s_ = 0;
    std::uint64_t count_ = 0;
    OwnAlertCounters counters_;
};

}  // namespace audisp_eql::collector
