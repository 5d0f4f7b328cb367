// SPDX-License-Identifier: Apache-2.0
#include "collector/command/switch_steps.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <functional>
#include <pwd.h>
#include <spawn.h>
#include <stdexcept>
#include <thread>
#include <unistd.h>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "collector/command/plugin_file.hpp"
#include "collector/feed/audit_control.hpp"
#include "collector/feed/audit_rules.hpp"
#include "collector/host/gather.hpp"
#include "collector/host/system_files.hpp"

namespace audisp_eql::collector {
namespace {

// Nothing of the caller's environment decides which program that is.
constexpr const char* kEnvironment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", nullptr};
constexpr std::array<const char*, 4> kDirectories = {"/usr/bin", "/bin", "/usr/sbin", "/sbin"};

std::runtime_error failed(const std::string& what, int error) {
    return std::runtime_error(what + ": " + std::strerror(error));
}

std::string path_of(const std::string& program) {
    for (const char* directory : kDirectories) {
        const std::string path = fmt::format("{}/{}", directory, program);
        if (::access(path.c_str(), X_OK) == 0)
            return path;
    }
    return {};
}

void must_run(const std::vector<std::string>& words) {
    const ProgramResult result = run_program(words);
    if (result.code == 0)
        return;
    std::string said = result.output;
    while (!said.empty() && said.back() == '\n')
        said.pop_back();
    throw std::runtime_error(
        fmt::format("'{}' failed{}{}", fmt::join(words, " "), said.empty() ? "" : ": ", said));
}

bool succeeds(const std::vector<std::string>& words) {
    return run_program(words).code == 0;
}

bool plugin_runs(std::int32_t auditd) {
    LinuxProcReader proc;
    const auto agents = find_agents(proc);
    return std::any_of(agents.begin(), agents.end(),
                       [auditd](const AgentFacts& agent) { return agent.parent == auditd; });
}

// Whoever reads the file sees the old text or the new one. auditd leaves hidden files alone.
void replace_file(const std::string& path, const std::string& text) {
    const std::filesystem::path target(path);
    const std::string fresh =
        (target.parent_path() / fmt::format(".{}.new", target.filename().string())).string();
    struct stat before {};
    // auditd's own plugins have 0640.
    mode_t mode = S_IRUSR | S_IWUSR | S_IRGRP;
    if (::stat(path.c_str(), &before) == 0)
        mode = before.st_mode & 07777;
    const int file = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
                            S_IRUSR | S_IWUSR);
    if (file < 0)
        throw failed(fresh + " cannot be written", errno);
    const bool written =
        ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
        ::fchmod(file, mode) == 0 && ::fsync(file) == 0;
    const int error = errno;
    ::close(file);
    if (!written || ::rename(fresh.c_str(), path.c_str()) != 0) {
        const int reason = written ? errno : error;
        ::unlink(fresh.c_str());
        throw failed(path + " cannot be written", reason);
    }
}

std::string write_plugin_file(const SwitchFacts& facts) {
    if (facts.plugin_text) {
        replace_file(facts.plugin_path, with_plugin_active(*facts.plugin_text, true));
        return fmt::format("set 'active = yes' in {}", facts.plugin_path);
    }
    replace_file(facts.plugin_path, new_plugin_file(facts.program, facts.config));
    return fmt::format("made {}", facts.plugin_path);
}

std::string write_boot_rules(const SwitchFacts& facts) {
    replace_file(kBootRulesFile, facts.boot_rules);
    return fmt::format("made {}, for the next boot", kBootRulesFile);
}

std::string remove_boot_rules() {
    if (::unlink(kBootRulesFile) != 0)
        throw failed(fmt::format("{} cannot be removed", kBootRulesFile), errno);
    return fmt::format("removed {}", kBootRulesFile);
}

std::string clear_plugin_file(const SwitchFacts& facts) {
    if (is_own_plugin_file(*facts.plugin_text)) {
        if (::unlink(facts.plugin_path.c_str()) != 0)
            throw failed(facts.plugin_path + " cannot be removed", errno);
        return fmt::format("removed {}", facts.plugin_path);
    }
    replace_file(facts.plugin_path, with_plugin_active(*facts.plugin_text, false));
    return fmt::format("set 'active = no' in {}", facts.plugin_path);
}

// Where systemd forbids to restart auditd by hand (Fedora, RHEL), it does not mind the signal.
std::string reload_auditd(const SwitchFacts& facts) {
    if (::kill(facts.auditd_pid, SIGHUP) != 0)
        throw failed(fmt::format("auditd (pid {}) cannot be told to reload", facts.auditd_pid),
                     errno);
    return fmt::format("told auditd (pid {}) to read its configuration", facts.auditd_pid);
}

std::string await_plugin(const SwitchFacts& facts, bool running) {
    const auto end = std::chrono::steady_clock::now() + kPluginPatience;
    while (plugin_runs(facts.auditd_pid) != running) {
        if (std::chrono::steady_clock::now() > end)
            throw std::runtime_error(fmt::format(
                "auditd (pid {}) has not {} audisp-eql within {} s; its log says why: journalctl "
                "-t auditd, or /var/log/syslog, /var/log/messages",
                facts.auditd_pid, running ? "started" : "ended", kPluginPatience.count()));
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    return running ? "auditd has started audisp-eql" : "auditd has ended audisp-eql";
}

std::string await_audit_rules() {
    KernelAuditControl control;
    const auto end = std::chrono::steady_clock::now() + kPluginPatience;
    std::size_t before = 0;
    for (;;) {
        // They come one by one.
        const std::size_t now = count_own_rules(control).value_or(0);
        if (now != 0 && now == before)
            return fmt::format("audisp-eql has {} audit rules in force", now);
        before = now;
        if (std::chrono::steady_clock::now() > end)
            throw std::runtime_error(
                "audisp-eql has loaded no audit rules; its log says why (it stands with auditd's, "
                "or in journalctl -u audisp-eql)");
        std::this_thread::sleep_for(std::chrono::milliseconds(200));
    }
}

// Its file was installed beside the unit; systemd finds it by its name.
std::string make_user() {
    must_run({"systemd-sysusers", "audisp-eql.conf"});
    if (::getpwnam(kServiceUser) == nullptr)
        throw std::runtime_error(fmt::format(
            "systemd-sysusers has not made the user {}: sysusers.d/audisp-eql.conf is missing",
            kServiceUser));
    return fmt::format("made the user {}", kServiceUser);
}

std::string make_directories() {
    must_run({"systemd-tmpfiles", "--create", "audisp-eql.conf"});
    return "made /var/lib/audisp-eql for the spool, and /var/log/audisp-eql";
}

std::string start_service() {
    must_run({"systemctl", "enable", "--now", kServiceName});
    // Started means ready; it may end at once all the same, because somebody takes the feed.
    std::this_thread::sleep_for(std::chrono::seconds(1));
    if (!succeeds({"systemctl", "--quiet", "is-active", kServiceName}))
        throw std::runtime_error(
            fmt::format("{} was started and has ended; its log says why: journalctl -u audisp-eql",
                        kServiceName));
    return fmt::format("started {}, now and at every boot", kServiceName);
}

std::string stop_service() {
    must_run({"systemctl", "disable", "--now", kServiceName});
    return fmt::format("stopped {}, now and for every boot", kServiceName);
}

void gather_service(SwitchFacts& facts) {
    facts.systemd = ::access("/run/systemd/system", F_OK) == 0;
    facts.user_exists = ::getpwnam(kServiceUser) != nullptr;
    if (!facts.systemd)
        return;
    facts.unit_installed = succeeds({"systemctl", "--quiet", "cat", kServiceName});
    facts.unit_enabled = succeeds({"systemctl", "--quiet", "is-enabled", kServiceName});
    facts.unit_active = succeeds({"systemctl", "--quiet", "is-active", kServiceName});
}

// A package that is removed in a chroot must leave the host's auditd alone.
bool has_our_root(std::int32_t pid) {
    struct stat ours {
    }, theirs{};
    return ::stat("/", &ours) == 0 &&
           ::stat(fmt::format("/proc/{}/root/", pid).c_str(), &theirs) == 0 &&
           ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino;
}

void gather_plugin(const HostState& host, SwitchFacts& facts) {
    const AuditdFacts& auditd = host.auditd;
    facts.auditd_pid = auditd.pid != 0 && has_our_root(auditd.pid) ? auditd.pid : 0;
    facts.auditd_installed = auditd.installed || facts.auditd_pid != 0;
    facts.auditd_enabled = auditd.enabled;
    facts.auditd_takes_plugins = !auditd.plugin_directory.empty();
    facts.plugin_runs = facts.auditd_pid != 0 && plugin_runs(facts.auditd_pid);
    facts.plugin_path =
        auditd.plugin ? auditd.plugin->path : auditd.plugin_directory + "/audisp-eql.conf";
    facts.program_fits =
        auditd.plugin ? auditd.plugin->program_fits : auditd_would_start(facts.program);
    facts.boot_rules_possible =
        ::access(std::filesystem::path(kBootRulesFile).parent_path().c_str(), W_OK) == 0;
    if (::access(kBootRulesFile, F_OK) == 0)
        facts.boot_rules_text = read_system_file(kBootRulesFile);
    if (auditd.plugin)
        facts.plugin_text = read_system_file(facts.plugin_path);
}

}  // namespace

ProgramResult run_program(const std::vector<std::string>& words) {
    ProgramResult result;
    const std::string path = path_of(words.front());
    if (path.empty()) {
        result.code = 127;
        result.output = fmt::format("{} is not installed", words.front());
        return result;
    }
    std::array<int, 2> pipe{};
    if (::pipe2(pipe.data(), O_CLOEXEC) != 0)
        throw failed("no pipe for " + words.front(), errno);
    std::vector<char*> arguments;
    std::transform(words.begin(), words.end(), std::back_inserter(arguments),
                   [](const std::string& word) { return const_cast<char*>(word.c_str()); });
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions, pipe[1], STDOUT_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, pipe[1], STDERR_FILENO);
    pid_t child = 0;
    const int error = ::posix_spawn(&child, path.c_str(), &actions, nullptr, arguments.data(),
                                    const_cast<char**>(kEnvironment));
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(pipe[1]);
    std::array<char, 4096> buffer;
    for (ssize_t got = 0; error == 0 && (got = ::read(pipe[0], buffer.data(), buffer.size())) > 0;)
        result.output.append(buffer.data(), static_cast<std::size_t>(got));
    ::close(pipe[0]);
    if (error != 0)
        throw failed(path + " cannot be started", error);
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    result.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return result;
}

SwitchFacts gather_switch_facts(const std::string& config) {
    LinuxProcReader proc;
    const HostState host = gather_host_state(proc);
    SwitchFacts facts;
    facts.root = ::geteuid() == 0;
    facts.audit_answers = host.audit.has_value();
    facts.audit_locked = host.audit && host.audit->enabled == 2;
    facts.program = read_system_link("/proc/self/exe");
    if (!config.empty())
        facts.config = std::filesystem::absolute(config).string();
    gather_plugin(host, facts);
    gather_service(facts);
    return facts;
}

std::string carry_out(Step step, const SwitchFacts& facts) {
    switch (step) {
        case Step::write_plugin_file:
            return write_plugin_file(facts);
        case Step::write_boot_rules:
            return write_boot_rules(facts);
        case Step::remove_boot_rules:
            return remove_boot_rules();
        case Step::clear_plugin_file:
            return clear_plugin_file(facts);
        case Step::reload_auditd:
            return reload_auditd(facts);
        case Step::await_plugin_start:
            return await_plugin(facts, true);
        case Step::await_audit_rules:
            return await_audit_rules();
        case Step::await_plugin_end:
            return await_plugin(facts, false);
        case Step::make_user:
            return make_user();
        case Step::make_directories:
            return make_directories();
        case Step::start_service:
            return start_service();
        case Step::stop_service:
            return stop_service();
    }
    return {};
}

}  // namespace audisp_eql::collector
