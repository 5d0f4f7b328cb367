// SPDX-License-Identifier: Apache-2.0
#include "collector/feed/feeds.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <poll.h>
#include <stdexcept>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>
#include <sys/socket.h>

#include "collector/feed/audit_netlink.hpp"
#include "collector/feed/plugin.hpp"

namespace audisp_eql::collector {
namespace {

constexpr std::array<std::pair<AuditFeed, std::string_view>, 5> kNames{{
    {AuditFeed::automatic, "auto"},
    {AuditFeed::plugin, "plugin"},
    {AuditFeed::unicast, "unicast"},
    {AuditFeed::multicast, "multicast"},
    {AuditFeed::none, "none"},
}};

bool exists(const char* path) {
    return ::access(path, F_OK) == 0;
}

bool is_hung_up(int fd) {
    pollfd waiting{fd, 0, 0};
    return ::poll(&waiting, 1, 0) > 0 && (waiting.revents & POLLHUP) != 0;
}

bool is_unix_stream(int fd) {
    int domain = 0, type = 0;
    socklen_t size = sizeof domain;
    if (::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0)
        return false;
    size = sizeof type;
    return ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && domain == AF_UNIX &&
           type == SOCK_STREAM;
}

FeedChoice refuse(std::string line) {
    return {AuditFeed::none, true, std::move(line)};
}

FeedChoice choose_unicast(const FeedFacts& facts) {
    if (!facts.status)
        return refuse(
            fmt::format("the kernel's audit feed cannot be had: {}; it needs root on the "
                        "host itself (CAP_AUDIT_CONTROL, no container)",
                        facts.status_error));
    if (facts.status->pid != 0 && facts.status->pid != facts.self)
        return refuse(
            fmt::format("the audit feed is held by {}: let auditd start this program as "
                        "its plugin, or stop that program",
                        facts.holder));
    return {AuditFeed::unicast, false,
            "audit: read from the kernel; as long as this program runs, auditd cannot start"};
}

FeedChoice choose_multicast(const FeedFacts& facts) {
    if (!facts.status)
        return refuse(
            fmt::format("the kernel's audit feed cannot be had: {}; it needs root on the "
                        "host itself (CAP_AUDIT_CONTROL and CAP_AUDIT_READ, no container)",
                        facts.status_error));
    if (facts.status->pid != 0)
        return {AuditFeed::multicast, false,
                fmt::format("audit: read from the kernel beside {}, which holds the feed; nothing "
                            "waits for this program, so a burst may overrun it (each loss is "
                            "said). auditd's plugin loses less",
                            facts.holder)};
    return {AuditFeed::multicast, false,
            "audit: read from the kernel as a listener, nobody holds the feed; the kernel writes "
            "every record to its log, too, and a burst may overrun this program (each loss is "
            "said)"};
}

std::string own_executable() {
    std::array<char, 4096> path{};
    const auto length = ::readlink("/proc/self/exe", path.data(), path.size() - 1);
    return length > 0 ? std::string(path.data(), static_cast<std::size_t>(length)) : std::string{};
}

}  // namespace

std::optional<AuditFeed> audit_feed_from(std::string_view name) {
    for (const auto& [feed, text] : kNames)
        if (text == name)
            return feed;
    return std::nullopt;
}

std::string_view name_of(AuditFeed feed) {
    for (const auto& [value, text] : kNames)
        if (value == feed)
            return text;
    return {};
}

bool auditd_will_start() {
    return exists("/run/systemd/system") &&
           (exists("/usr/sbin/auditd") || exists("/sbin/auditd")) &&
           exists("/etc/systemd/system/multi-user.target.wants/auditd.service");
}

FeedChoice choose_feed(AuditFeed wanted, const FeedFacts& facts) {
    const FeedChoice plugin{AuditFeed::plugin, false,
                            "audit: as auditd's plugin; backlog and loss are as auditd is set"};
    switch (wanted) {
        case AuditFeed::none:
            return {AuditFeed::none, false,
                    "audit: not read (as asked): no exec arguments, no connections"};
        case AuditFeed::plugin:
            return plugin;
        case AuditFeed::unicast:
            return choose_unicast(facts);
        case AuditFeed::multicast:
            return choose_multicast(facts);
        case AuditFeed::automatic:
            break;
    }
    const bool parent_holds = facts.status && facts.status->pid == facts.parent;
    if (facts.stdin_is_socket && (parent_holds || facts.parent_is_auditd || facts.stdin_has_ended))
        return plugin;
    if (facts.status && facts.status->pid == 0 && facts.auditd_will_start)
        return {AuditFeed::multicast, false,
                "audit: read from the kernel as a listener, because auditd is installed and "
                "enabled and could not start if this program took the feed (--feed unicast takes "
                "it); until auditd runs the kernel writes every record to its log, too"};
    if (facts.status && facts.status->pid != 0 && facts.status->pid != facts.self)
        return choose_multicast(facts);
    return choose_unicast(facts);
}

FeedFacts look_at_host() {
    FeedFacts facts;
    facts.stdin_is_socket = is_unix_stream(STDIN_FILENO);
    facts.stdin_has_ended = is_hung_up(STDIN_FILENO);
    facts.self = static_cast<std::uint32_t>(::getpid());
    facts.parent = static_cast<std::uint32_t>(::getppid());
    facts.parent_is_auditd = program_name(facts.parent) == "auditd";
    facts.auditd_will_start = auditd_will_start();
    try {
        KernelAuditControl control;
        AuditStatus status;
        if (const int error = control.status(status); error != 0) {
            facts.status_error = std::strerror(error);
        } else {
            // The kernel notices a holder's death when it has a record to give, and replaces who
            // is gone by who asks (audit_replace() in kernel/audit.c).
            if (status.pid != 0 && ::kill(static_cast<pid_t>(status.pid), 0) != 0 && errno == ESRCH)
                status.pid = 0;
            facts.status = status;
            facts.holder = audit_holder(status);
        }
    } catch (const std::runtime_error& error) {
        facts.status_error = error.what();
    }
    return facts;
}

Feeds Feeds::open(const FeedOptions& options) {
    const FeedFacts facts = look_at_host();
    const FeedChoice choice = choose_feed(options.audit, facts);
    if (choice.refused)
        throw std::runtime_error(choice.line);
    Feeds feeds;
    feeds.feed_ = choice.feed;
    // The kernel exempts its registered reader by itself; a plugin would hear its own connections.
    feeds.exempt_program_ = options.exempt_program || choice.feed == AuditFeed::plugin ||
                            choice.feed == AuditFeed::multicast;
    feeds.lines.push_back(choice.line);
    // First, so that no process is audited whose fork was not seen.
    if (options.proc_connector)
        feeds.open_connector(options);
    else
        feeds.lines.push_back("proc connector: not read (as asked): parents come from audit");
    if (facts.status)
        feeds.control_ = std::make_unique<KernelAuditControl>();
    if (feeds.feed_ == AuditFeed::unicast)
        feeds.open_unicast(*facts.status);
    else if (feeds.feed_ == AuditFeed::multicast)
        feeds.open_multicast(*facts.status);
    else if (feeds.feed_ == AuditFeed::plugin)
        feeds.audit = std::make_unique<PluginInput>(STDIN_FILENO);
    if (feeds.audit && options.load_rules)
        feeds.open_rules(options);
    // After the rules: loading them would make records too.
    if (feeds.feed_ == AuditFeed::unicast)
        enable_audit(*feeds.control_, *facts.status, feeds.settings_, feeds.lines);
    feeds.names_ = feeds.audit ? "audit" : "";
    if (feeds.connector)
        feeds.names_ += feeds.names_.empty() ? "proc" : ",proc";
    return feeds;
}

Feeds::~Feeds() {
    close();
}

void Feeds::open_connector(const FeedOptions& options) {
    if (options.released_connector >= 0) {
        try {
            connector = std::make_unique<ProcConnector>(options.more_proc_events,
                                                        options.released_connector);
            lines.emplace_back("proc connector: read on; parents are exact");
            return;
        } catch (const std::runtime_error& error) {
            lines.push_back(fmt::format("proc connector: {}; opened anew", error.what()));
        }
    }
    try {
        connector = std::make_unique<ProcConnector>(options.more_proc_events);
        lines.emplace_back("proc connector: read; parents are exact");
    } catch (const std::runtime_error& error) {
        lines.push_back(
            fmt::format("proc connector: {}; parents come from audit, forks and ends "
                        "are not seen",
                        error.what()));
    }
}

void Feeds::open_unicast(const AuditStatus& status) {
    audit = std::make_unique<AuditNetlink>();
    registered_ = true;
    audit_was_off_ = status.enabled == 0;
    settings_ = apply_settings(*control_, status, lines);
}

// Audit's settings are its holder's: nothing is set.
void Feeds::open_multicast(const AuditStatus& status) {
    audit = AuditNetlink::listen();
    if (status.enabled == 0)
        lines.emplace_back(
            "audit is off in the kernel, and this feed may not turn it on: no records come until "
            "auditd starts, or 'auditctl -e 1'");
}

void Feeds::open_rules(const FeedOptions& options) {
    if (!control_) {
        lines.emplace_back("audit rules: cannot be loaded here; what the host's own show is seen");
        return;
    }
    rules_ = read_rules(options.rules(connector != nullptr), lines);
    AuditStatus status;
    const bool goes_on =
        options.released_connector >= 0 && control_->status(status) == 0 && status.enabled != 2;
    RuleReport report =
        goes_on ? take_over_rules(*control_, rules_) : load_rules(*control_, rules_);
    rules_loaded_ = true;
    rules_in_force_ = report.loaded;
    lines.push_back(fmt::format("audit rules: {} of ours in force, {} of others left alone",
                                report.loaded, report.foreign));
    if (report.removed != 0)
        lines.push_back(
            fmt::format("audit rules: {} left by an earlier run removed", report.removed));
    take(std::move(report), lines);
}

std::vector<AuditRule> Feeds::read_rules(std::string_view text,
                                         std::vector<std::string>& notes) const {
    ParsedAuditRules parsed = parse_audit_rules(text);
    for (std::string& note : parsed.notes)
        notes.push_back(std::move(note));
    // After the rules of others, so that these keep seeing us, before ours.
    if (exempt_program_)
        if (auto own = exclusion_of(own_executable()))
            parsed.rules.insert(parsed.rules.begin(), std::move(*own));
    return std::move(parsed.rules);
}

// What the kernel had to say of rules that it was given.
void Feeds::take(RuleReport report, std::vector<std::string>& notes) {
    for (std::string& note : report.notes)
        notes.push_back(std::move(note));
    for (AuditRule& rule : report.absent) {
        const auto same = [&](const AuditRule& one) { return one.directory == rule.directory; };
        // Several lines for one directory: said once.
        if (std::none_of(absent_.begin(), absent_.end(), same))
            notes.push_back(
                fmt::format("audit rules: {} is not there; what happens in it is "
                            "watched as soon as it is",
                            rule.directory));
        absent_.push_back(std::move(rule));
    }
}

std::vector<std::string> Feeds::exchange(std::string_view rules) {
    std::vector<std::string> notes;
    if (!rules_loaded_)
        return notes;
    AuditStatus status;
    if (control_->status(status) == 0 && status.enabled == 2) {
        notes.emplace_back(
            "audit is locked (enabled=2): its rules stay as they are until the next boot");
        return notes;
    }
    std::vector<AuditRule> fresh = read_rules(rules, notes);
    RuleReport report = exchange_rules(*control_, rules_, fresh);
    rules_ = std::move(fresh);
    absent_.clear();
    report.absent.clear();
    for (const AuditRule& rule : rules_)
        if (!rule.directory.empty() && ::access(rule.directory.c_str(), F_OK) != 0)
            report.absent.push_back(rule);
    rules_in_force_ = count_own_rules(*control_).value_or(rules_.size());
    notes.push_back(fmt::format("audit rules: {} added, {} removed, {} of ours in force",
                                report.loaded, report.removed, rules_in_force_));
    take(std::move(report), notes);
    return notes;
}

std::vector<AuditRuleBytes> Feeds::rules_in_force() {
    std::vector<AuditRuleBytes> rules;
    if (control_)
        control_->list_rules(rules);
    return rules;
}

void Feeds::look_for_directories(std::vector<std::string>& notes) {
    std::vector<AuditRule> there;
    for (auto at = absent_.begin(); at != absent_.end();) {
        if (::access(at->directory.c_str(), F_OK) != 0) {
            ++at;
            continue;
        }
        notes.push_back(fmt::format("audit rules: {} is there now: {}", at->directory, at->text));
        there.push_back(std::move(*at));
        at = absent_.erase(at);
    }
    if (there.empty())
        return;
    RuleReport report = exchange_rules(*control_, {}, there);
    rules_in_force_ += report.loaded;
    take(std::move(report), notes);
}

AuditView Feeds::look_after(bool restore) {
    AuditView view;
    AuditStatus status;
    if (control_ && control_->status(status) == 0)
        view.status = status;
    if (!rules_loaded_)
        return view;
    look_for_directories(view.lines);
    const auto present = count_own_rules(*control_);
    if (!present || *present >= rules_in_force_)
        return view;
    view.rules_gone = rules_in_force_ - *present;
    if (!restore)
        return view;
    absent_.clear();
    RuleReport report = exchange_rules(*control_, {}, rules_);
    view.rules_restored = report.loaded;
    view.lines.push_back(
        fmt::format("audit rules: {} of ours were gone (somebody removed them, or what they "
                    "watched); {} are in force again, what happened in between was not seen",
                    view.rules_gone, report.loaded));
    // What the kernel refuses now is said once, not every few seconds.
    rules_in_force_ = *present + report.loaded;
    take(std::move(report), view.lines);
    return view;
}

std::vector<std::string> Feeds::retire() {
    std::vector<std::string> notes;
    if (!control_)
        return notes;
    const bool ours = std::exchange(rules_loaded_, false);
    AuditStatus status;
    if (control_->status(status) == 0 && status.enabled == 2)
        return notes;  // locked meanwhile: nothing can be changed back before the next boot
    // Audit off first, where it was off: the removals would be records too.
    restore_settings(*control_, std::exchange(settings_, {}), notes);
    if (ours)
        remove_own_rules(*control_, notes);
    return notes;
}

std::vector<std::string> Feeds::close() {
    std::vector<std::string> notes = retire();
    if (control_ && std::exchange(registered_, false))
        control_->release_pid();
    control_.reset();
    return notes;
}

}  // namespace audisp_eql::collector
