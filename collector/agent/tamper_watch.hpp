// SPDX-License-Identifier: Apache-2.0
// Is audit still as the agent needs it, and who changed it? Values in, findings out: what the
// kernel says of its audit settings and rules every few seconds, and the records that it makes of
// each change (CONFIG_CHANGE, and SYSCALL of the same serial).
//
// What is found is told once; a state that lasts is in the status report, and told again only when
// it was over in between.
//
// Memory: values. Threads: one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "collector/agent/own_alert.hpp"
#include "collector/audit/assembler.hpp"
#include "collector/feed/feeds.hpp"

namespace audisp_eql::collector {

// Who made the system call that an event is of; only `record` where it is of none.
AuditActor actor_of(const AuditEvent& event);

// One record of a change to audit's own configuration.
struct ConfigChange {
    enum class What : std::uint8_t { enabled, feed, backlog, rate_limit, own_rule_removed, other };
    What what = What::other;
    AuditActor actor;
};
// Nullopt: no CONFIG_CHANGE is in it.
std::optional<ConfigChange> config_change(const AuditEvent& event);

struct TamperFinding {
    OwnAlert kind;
    OwnAlertFacts facts;
};

class TamperWatch {
  public:
    // No war with another tool: so often in so long, then it stands down.
    static constexpr std::size_t kRestorations = 3;
    static constexpr std::int64_t kWindowNs = 600LL * 1'000'000'000;
    // auditd's own start loads the host's rules (augenrules --load), which removes all others
    // first: within this time of a plugin's start that is the ordinary course.
    static constexpr std::int64_t kStartNs = 60LL * 1'000'000'000;
    // A change that is older than this is not what was found now.
    static constexpr std::int64_t kActorNs = 60LL * 1'000'000'000;

    // Changes so close to one another are one; but none is waited out for longer than this.
    static constexpr std::int64_t kQuietNs = 1'000'000'000;
    static constexpr std::int64_t kLongestNs = 5'000'000'000;

    // `self`: our process's pids, whose changes are no tampering. `plugin`: auditd holds the feed.
    TamperWatch(std::vector<std::int32_t> self, bool plugin, std::int64_t now_ns);

    void on_change(ConfigChange change, std::int64_t now_ns);
    // A change that matters was recorded since the last look, and is over: a removal of all rules
    // is many records, and one story.
    bool wants_look(std::int64_t now_ns) const { return wants_look_ && !is_changing(now_ns); }
    // More of it may be on its way.
    bool is_changing(std::int64_t now_ns) const {
        return wants_look_ && now_ns - newest_ns_ < kQuietNs && now_ns - oldest_ns_ < kLongestNs;
    }

    // What is there now, against what was there before. Rules are not its matter.
    std::vector<TamperFinding> look(const AuditStatus& status, std::int64_t now_ns);

    // Rules are gone: may they be loaded again? False: the agent has stood down.
    bool may_restore(std::int64_t now_ns);
    // What became of it, at each look; `restored`: how many were loaded again. A removal whose
    // record was not read yet is told at the next look: on a busy host the rules are seen gone
    // before.
    std::vector<TamperFinding> rules_gone(std::size_t gone, std::size_t restored,
                                          std::int64_t now_ns);
    bool stands_down() const { return stands_down_; }
    // Other rules were loaded on the administrator's word: a new start.
    void make_peace();

    struct State {
        bool audit_off = false, feed_taken = false, backlog_shrunk = false, stands_down = false;
    };
    State state() const { return {off_, taken_, shrunk_, stands_down_}; }

  private:
    struct Seen {
        ConfigChange change;
        std::int64_t when_ns;
    };
    struct Removal {
        std::size_t gone, restored;
        bool stood_down;
    };
    std::optional<Removal> removal(std::size_t gone, std::size_t restored, std::int64_t now_ns);
    static TamperFinding told(const Removal& removal, const AuditActor& actor);
    AuditActor actor_of(ConfigChange::What what, std::int64_t now_ns) const;
    bool is_self(const AuditActor& actor) const;

    std::vector<std::int32_t> self_;
    bool plugin_;
    std::int64_t began_ns_;
    std::deque<Seen> changes_;  // newest last
    bool wants_look_ = false;
    std::int64_t oldest_ns_ = 0, newest_ns_ = 0;  // of the changes that want it
    bool was_on_ = false, off_ = false, taken_ = false, shrunk_ = false, stands_down_ = false;
    int without_feed_ = 0;  // looks in a row
    std::uint32_t holder_ = 0, backlog_limit_ = 0, rate_limit_ = 0;
    bool looked_ = false;
    std::deque<std::int64_t> restorations_;
    std::optional<Removal> untold_;  // until its record is read
};

}  // namespace audisp_eql::collector
