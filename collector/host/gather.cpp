// SPDX-License-Identifier: Apache-2.0
#include "collector/host/gather.hpp"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <iterator>
#include <poll.h>
#include <sstream>
#include <stdexcept>
#include <unistd.h>
#include <zlib.h>

#include <fmt/format.h>
#include <libaudit.h>
#include <linux/netlink.h>
#include <sys/prctl.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <system_error>

#include "collector/feed/audit_rules.hpp"
#include "collector/feed/proc_connector.hpp"
#include "collector/host/system_files.hpp"

namespace audisp_eql::collector {
namespace {

// AUDIT_FILTER_URING_EXIT: headers before Linux 5.17 lack it.
constexpr std::uint32_t kIoUringList = 7;

std::int64_t wall_minus_monotonic() {
    timespec wall{}, monotonic{};
    ::clock_gettime(CLOCK_REALTIME, &wall);
    ::clock_gettime(CLOCK_MONOTONIC, &monotonic);
    return (std::int64_t{wall.tv_sec} - monotonic.tv_sec) * 1'000'000'000 + wall.tv_nsec -
           monotonic.tv_nsec;
}

// zlib reads plain files as well.
std::string read_config(const std::string& path) {
    constexpr std::size_t kMaxBytes = std::size_t{4} << 20;  // a distribution's has 300 kB
    gzFile file = ::gzopen(path.c_str(), "rb");
    if (file == nullptr)
        return {};
    std::string text(kMaxBytes, '\0');
    const int got = ::gzread(file, text.data(), static_cast<unsigned>(text.size()));
    ::gzclose(file);
    text.resize(static_cast<std::size_t>(std::max(got, 0)));
    return text;
}

void gather_config(KernelFacts& kernel) {
    for (const std::string& path :
         {std::string("/proc/config.gz"), "/boot/config-" + kernel.release,
          "/lib/modules/" + kernel.release + "/config"}) {
        std::istringstream lines(read_config(path));
        std::vector<std::string> set;
        for (std::string line; std::getline(lines, line);)
            if (line.starts_with("CONFIG_") && line.ends_with("=y"))
                set.push_back(line.substr(0, line.size() - 2));
        if (set.empty())
            continue;
        kernel.config_path = path;
        for (const char* option : {"CONFIG_AUDIT", "CONFIG_AUDITSYSCALL", "CONFIG_PROC_EVENTS"})
            kernel.config[option] = std::find(set.begin(), set.end(), option) != set.end();
        return;
    }
}

KernelFacts gather_kernel() {
    KernelFacts kernel;
    utsname name{};
    if (::uname(&name) == 0)
        kernel.release = name.release;
    std::istringstream words(read_system_file("/proc/cmdline"));
    for (std::string word; words >> word;)
        kernel.command_line.push_back(word);
    gather_config(kernel);
    const std::string disabled = read_system_file("/proc/sys/kernel/io_uring_disabled");
    if (!disabled.empty())
        kernel.io_uring_disabled = disabled[0] - '0';
    return kernel;
}

// A kernel without system call rules knows no exit list. Asked to remove a rule that is not there,
// it says so with another errno than one that knows the list (kernel/auditfilter.c); nothing else
// is asked for, because such a question makes a record.
std::optional<bool> try_syscall_rules(AuditControl& control, const HostState& host) {
    const auto config = host.kernel.config.find("CONFIG_AUDITSYSCALL");
    if (config != host.kernel.config.end())
        return config->second;
    if (host.lines &&
        std::any_of(host.lines->begin(), host.lines->end(),
                    [](const AuditLine& line) { return line.list == AuditLine::List::exit; }))
        return true;
    if (host.audit->enabled == 2)
        return std::nullopt;  // refuses all the same
    const ParsedAuditRules absent =
        parse_audit_rules("-a always,exit -S execve -k audisp-eql-not-there");
    if (absent.rules.empty())
        return std::nullopt;
    const int error = control.delete_rule(absent.rules.front().bytes);
    if (error == ENOENT)
        return true;
    return error == EINVAL ? std::optional<bool>(false) : std::nullopt;
}

void gather_audit(HostState& host) {
    try {
        KernelAuditControl control;
        AuditStatus status;
        host.audit_error = control.status(status);
        if (host.audit_error != 0)
            return;
        host.audit = status;
        if (status.pid != 0)
            host.holder_name = program_name(status.pid);
        std::vector<AuditRuleBytes>& rules = host.kernel_rules;
        if (control.list_rules(rules) == 0) {
            host.lines.emplace();
            std::transform(rules.begin(), rules.end(), std::back_inserter(*host.lines), describe);
        }
        host.kernel.syscall_rules = try_syscall_rules(control, host);
        try_audit_rules(control, status, host.kernel.features);
    } catch (const std::runtime_error&) {
        host.audit_error = errno;
    }
}

bool is_agent(const HostState& host, std::int32_t pid) {
    return pid == ::getpid() ||
           std::any_of(host.agents.begin(), host.agents.end(),
                       [pid](const AgentFacts& agent) { return agent.pid == pid; });
}

void gather_processes(ProcReader& proc, HostState& host) {
    const auto sockets = netlink_sockets(read_system_file("/proc/self/net/netlink"));
    std::vector<std::uint64_t> multicast;
    for (const NetlinkSocket& socket : sockets)
        if (socket.protocol == NETLINK_AUDIT && (socket.groups & 1U) != 0)
            multicast.push_back(socket.inode);
    std::vector<std::pair<std::int64_t, NamedProcess>> older;
    const auto holder = host.audit && host.audit->pid != 0
                            ? proc.read(static_cast<std::int32_t>(host.audit->pid))
                            : std::nullopt;
    for (const std::int32_t pid : proc.pids()) {
        const auto process = proc.read(pid);
        if (!process || process->exe.empty())
            continue;
        const std::string name = std::filesystem::path(process->exe).filename();
        if (name == "auditd" && (host.auditd.pid == 0 || (holder && pid == holder->pid)))
            host.auditd.pid = pid;
        if (is_agent(host, pid))
            continue;
        if (holder && pid != holder->pid && process->start_tick < holder->start_tick)
            older.push_back({process->start_tick, {pid, name}});
        if (multicast.empty())
            continue;
        const auto inodes = socket_inodes(pid);
        if (std::any_of(inodes.begin(), inodes.end(), [&](std::uint64_t inode) {
                return std::find(multicast.begin(), multicast.end(), inode) != multicast.end();
            }))
            host.listeners.push_back({pid, name});
    }
    // The oldest first: those are the host's own services.
    std::sort(older.begin(), older.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    for (auto& program : older)
        host.older_programs.push_back(std::move(program.second));
}

void gather_clock(HostState& host) {
    timex clock{};
    const int state = ::adjtimex(&clock);
    if (state < 0)
        return;
    host.clock_synchronised = state != TIME_ERROR && (clock.status & STA_UNSYNC) == 0;
    host.clock_offset_us = (clock.status & STA_NANO) != 0 ? clock.offset / 1000 : clock.offset;
}

void gather_surroundings(HostState& host) {
    // The first ones have fixed numbers (PROC_PID_INIT_INO, PROC_USER_INIT_INO).
    host.initial_pid_namespace = read_system_link("/proc/self/ns/pid") == "pid:[4026531836]";
    host.initial_user_namespace = read_system_link("/proc/self/ns/user") == "user:[4026531837]";
    const std::string first = host_network_namespace();
    host.same_network_namespace = first.empty() || first == read_system_link("/proc/self/ns/net");
    const std::string enforce = read_system_file("/sys/fs/selinux/enforce");
    if (!enforce.empty())
        host.selinux_enforcing = enforce[0] == '1';
    host.apparmor = read_system_file("/sys/module/apparmor/parameters/enabled").starts_with('Y');
    gather_clock(host);
}

// A plugin of something else than auditd is fed with something else than this host's records: a
// test, a replay. It is not what watches here.
bool watches_this_host(const HostState& host, const AgentFacts& agent) {
    const bool holds = host.audit && host.audit->pid == static_cast<std::uint32_t>(agent.pid);
    return holds || !agent.reads_stdin || agent.parent == host.auditd.pid;
}

}  // namespace

AuditLine describe(const AuditRuleBytes& bytes) {
    AuditLine line;
    if (bytes.size() < sizeof(audit_rule_data))
        return line;
    const auto* rule = reinterpret_cast<const audit_rule_data*>(bytes.data());
    switch (rule->flags & ~std::uint32_t{AUDIT_FILTER_PREPEND}) {
        case AUDIT_FILTER_TASK:
            line.list = AuditLine::List::task;
            break;
        case AUDIT_FILTER_EXIT:
            line.list = AuditLine::List::exit;
            break;
        case AUDIT_FILTER_EXCLUDE:
            line.list = AuditLine::List::exclude;
            break;
        case kIoUringList:
            line.list = AuditLine::List::io_uring;
            break;
        default:
            break;
    }
    line.never = rule->action == AUDIT_NEVER;
    line.key = key_of(bytes);
    line.own = is_own_rule(bytes);
    line.every_process = true;
    const int machine = ::audit_detect_machine();
    const auto own_arch = static_cast<std::uint32_t>(::audit_machine_to_elf(machine));
    bool other_arch = false;
    for (std::uint32_t i = 0; i < std::min<std::uint32_t>(rule->field_count, AUDIT_MAX_FIELDS);
         ++i) {
        const std::uint32_t field = rule->fields[i];
        if (field == AUDIT_ARCH)
            other_arch = rule->values[i] != own_arch;
        else if (field == AUDIT_MSGTYPE && rule->fieldflags[i] == AUDIT_EQUAL)
            line.message_types.push_back(rule->values[i]);
        else if (field != AUDIT_FILTERKEY)
            line.every_process = false;
    }
    const auto asks_for = [&](const char* name) {
        const int number = ::audit_name_to_syscall(name, machine);
        return !other_arch && number >= 0 &&
               (rule->mask[AUDIT_WORD(number)] & AUDIT_BIT(number)) != 0;
    };
    line.exec = asks_for("execve");
    line.connect = asks_for("connect");
    return line;
}

namespace {

// A new name is an event that nobody asked for; its end comes behind it.
pid_t fork_once() {
    const pid_t child = ::fork();
    if (child == 0) {
        ::prctl(PR_SET_NAME, "audisp-eql-try");
        ::_exit(0);
    }
    if (child > 0)
        ::waitpid(child, nullptr, 0);
    return child;
}

// True: that was the last of that process.
bool note(const ProcEvent& event, ConnectorFacts& facts) {
    if (event.what == ProcEvent::What::fork)
        facts.heard = true;
    else if (event.what == ProcEvent::What::comm)
        facts.filtered = false;
    else if (event.what == ProcEvent::What::exit && facts.heard && !facts.filtered)
        facts.filtered = true;
    return event.what == ProcEvent::What::exit;
}

}  // namespace

ConnectorFacts try_connector() {
    ConnectorFacts facts;
    try {
        ProcConnector connector;
        facts.subscribed = true;
        const pid_t child = fork_once();
        if (child < 0)
            return facts;
        const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(500);
        std::vector<ProcEvent> events;
        for (bool over = false; !over && std::chrono::steady_clock::now() < end;) {
            pollfd waiting{connector.descriptor(), POLLIN, 0};
            ::poll(&waiting, 1, 50);
            events.clear();
            connector.drain(ProcConnector::kMaxDrain, events);
            for (const ProcEvent& event : events)
                if (event.tgid == child)
                    over = note(event, facts) || over;
        }
    } catch (const std::runtime_error& error) {
        facts.error = error.what();
    }
    return facts;
}

HostState gather_host_state(ProcReader& proc) {
    HostState host;
    const std::int64_t before = wall_minus_monotonic();
    host.kernel = gather_kernel();
    gather_audit(host);
    host.agents = find_agents(proc);
    gather_processes(proc, host);
    std::erase_if(host.agents,
                  [&](const AgentFacts& agent) { return !watches_this_host(host, agent); });
    host.auditd = gather_auditd(proc, host.auditd.pid);
    host.connector = try_connector();
    host.kernel.features.connector_filter = host.connector->filtered;
    host.kernel.features.multicast = multicast_from(try_multicast());
    if (const auto self = proc.read(::getpid()))
        host.capabilities = self->cap_effective;
    gather_surroundings(host);
    host.clock_step_ns = wall_minus_monotonic() - before;
    return host;
}

}  // namespace audisp_eql::collector
