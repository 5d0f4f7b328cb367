// SPDX-License-Identifier: Apache-2.0
// Which live feeds this host gives us, opened and set up; and everything put back at the end.
//
// Memory: owns the control socket; audit and connector are moved into the reader.
// Threads: the agent's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "collector/feed/audit_control.hpp"
#include "collector/feed/audit_rules.hpp"
#include "collector/feed/audit_source.hpp"
#include "collector/feed/proc_connector.hpp"

namespace audisp_eql::collector {

enum class AuditFeed : std::uint8_t { automatic, plugin, unicast, multicast, none };
// "auto", "plugin", "unicast", "multicast", "none"; nullopt: no such feed.
std::optional<AuditFeed> audit_feed_from(std::string_view name);
std::string_view name_of(AuditFeed feed);

// What the choice depends on.
struct FeedFacts {
    bool stdin_is_socket = false;       // fd 0 is a stream socket of the unix family
    std::optional<AuditStatus> status;  // nullopt: the kernel did not answer
    std::string status_error;           // why not
    std::uint32_t self = 0;             // our pid
    std::uint32_t parent = 0;           // our parent's
    // auditd started it and has ended since: the feed is not taken from the next one.
    bool stdin_has_ended = false;
    // auditd starts its plugins before it takes the feed: until then only its name tells.
    bool parent_is_auditd = false;
    std::string holder;              // "pid 4321 (auditd)", if the feed is held
    bool auditd_will_start = false;  // auditd is installed and enabled
};

struct FeedChoice {
    AuditFeed feed = AuditFeed::none;
    bool refused = false;  // nothing can be read: `line` says why and what to do
    std::string line;      // what it is, and what that costs
};
// `wanted`: automatic, or what the user forces.
FeedChoice choose_feed(AuditFeed wanted, const FeedFacts& facts);
FeedFacts look_at_host();
// systemd will start it, now or at the next boot. Without systemd nothing tells; whoever starts
// auditd by hand sees who holds the feed.
bool auditd_will_start();

struct FeedOptions {
    AuditFeed audit = AuditFeed::automatic;
    bool proc_connector = true;
    // Messages to ask the connector for beside ProcConnector::kAlways: bits of ProcEvent::What.
    std::uint32_t more_proc_events = 0;
    // A subscription to go on with, as ProcConnector::release() gave it away; -1: a new one.
    int released_connector = -1;
    bool load_rules = true;
    // This program is not to be audited: what hears of it is not what the kernel exempts by itself,
    // the process that holds the feed.
    bool exempt_program = false;
    // Kernel audit rules in auditctl's form; what they must tell depends on the connector.
    std::function<std::string(bool proc_connector)> rules;
};

// What the kernel has now.
struct AuditView {
    std::optional<AuditStatus> status;  // nullopt: it does not say
    std::uint64_t rules_gone = 0;       // of ours
    std::uint64_t rules_restored = 0;   // of these
    std::vector<std::string> lines;     // for the log
};

class Feeds {
  public:
    // Throws std::runtime_error with the reason if there is no audit feed. A missing proc connector
    // or refused rules are lines, not errors.
    static Feeds open(const FeedOptions& options);
    ~Feeds();
    Feeds(Feeds&&) noexcept = default;
    Feeds& operator=(Feeds&&) = delete;

    std::unique_ptr<AuditSource> audit;
    std::unique_ptr<ProcConnector> connector;
    // What was got and what it costs, one line each, for the log.
    std::vector<std::string> lines;
    // "audit,proc": for the host message.
    std::string names() const { return names_; }
    AuditFeed feed() const { return feed_; }
    // Audit was not enabled before we did it: older programs are blind spots.
    bool audit_was_off() const { return audit_was_off_; }
    // For a state file that a stop command reads after a crash.
    const AuditSettings& settings() const { return settings_; }

    // Loads other rules of ours in place of those in force. Lines for the log; not from the
    // reader's thread.
    std::vector<std::string> exchange(std::string_view rules);
    // What the kernel has now, others' rules too; empty where it does not say.
    std::vector<AuditRuleBytes> rules_in_force();

    // Loads rules whose directory is there now, and looks at what the kernel has of what we need.
    // With `restore`, our rules that are gone are put in again: a host that loads its rules file
    // after auditd (augenrules --load, at every start) removes all rules first. Every few seconds,
    // not from the reader's thread.
    AuditView look_after(bool restore);

    // The first half of the end, while the reader still reads: own rules removed, settings put
    // back. What the kernel had still to say then reaches the reader, and not the kernel's log.
    std::vector<std::string> retire();
    // Somebody goes on with our audit rules: they are not taken away.
    void leave_rules() { rules_loaded_ = false; }
    // The rest: the feed is given up. After the reader was joined. Both return what did not work.
    std::vector<std::string> close();

  private:
    Feeds() = default;
    void open_connector(const FeedOptions& options);
    void open_unicast(const AuditStatus& status);
    void open_multicast(const AuditStatus& status);
    void open_rules(const FeedOptions& options);

    std::unique_ptr<AuditControl> control_;
    AuditFeed feed_ = AuditFeed::none;
    AuditSettings settings_;
    std::string names_;
    bool audit_was_off_ = false;
    bool rules_loaded_ = false;
    std::vector<AuditRule> read_rules(std::string_view text, std::vector<std::string>& notes) const;
    void take(RuleReport report, std::vector<std::string>& notes);
    void look_for_directories(std::vector<std::string>& notes);

    std::vector<AuditRule> rules_;
    std::vector<AuditRule> absent_;  // of these, what waits for its directory
    bool exempt_program_ = false;
    std::size_t rules_in_force_ = 0;  // what the kernel took
    bool registered_ = false;
};

}  // namespace audisp_eql::collector
