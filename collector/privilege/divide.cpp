// SPDX-License-Identifier: Apache-2.0
#include "collector/privilege/divide.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <stdexcept>
#include <thread>
#include <unistd.h>
#include <utility>

#include <cap-ng.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <system_error>

#include "collector/agent/log.hpp"
#include "collector/agent/options.hpp"
#include "collector/agent/service_notify.hpp"
#include "collector/agent/settings_file.hpp"
#include "collector/agent/successor.hpp"
#include "collector/feed/feeds.hpp"
#include "collector/privilege/broker_client.hpp"
#include "collector/privilege/broker_server.hpp"
#include "collector/privilege/confine.hpp"
#include "collector/privilege/trusted.hpp"

namespace audisp_eql::collector {
namespace {

constexpr std::string_view kDefaultRunDirectory = "/run/audisp-eql";
// What is passed on to the confined process.
constexpr std::array kSignals{SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2};
// How long the confined process may go on after it closed its socket: it has nothing left to do
// but to leave.
constexpr std::chrono::seconds kLeave{10};

[[noreturn]] void fail(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
}

// Our ends and theirs.
struct Channels {
    int server = -1, client = -1;           // questions
    int notices_in = -1, notices_out = -1;  // numbers of signals
};

Channels make_channels() {
    Channels channels;
    std::array<int, 2> pair{};
    if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair.data()) != 0)
        fail("sockets between the two processes");
    channels.server = pair[0];
    channels.client = pair[1];
    const int size = static_cast<int>(wire::kMaxQuestion);
    for (const int end : pair)
        ::setsockopt(end, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    if (::pipe2(pair.data(), O_CLOEXEC | O_NONBLOCK) != 0)
        fail("a pipe between the two processes");
    channels.notices_in = pair[0];
    channels.notices_out = pair[1];
    return channels;
}

struct ChosenUser {
    std::optional<UserIds> ids;  // nullopt: it stays who it is
    std::string missing;         // why that is not the one that is meant
};

ChosenUser choose_user(const Settings& settings) {
    if (::geteuid() != 0)
        return {};
    ::capng_get_caps_process();
    if (::capng_have_capability(CAPNG_EFFECTIVE, CAP_SETUID) == 0 ||
        ::capng_have_capability(CAPNG_EFFECTIVE, CAP_SETGID) == 0)
        return {std::nullopt, "it stays root (no CAP_SETUID, CAP_SETGID to change that)"};
    if (const auto user = find_user(settings.user))
        return {user, {}};
    return {kNobody, fmt::format("it is nobody, whom other programs may be too (there is no user "
                                 "{}; the option user names another)",
                                 settings.user)};
}

// What an earlier run as root has made in the state directory: the confined process goes on with
// it. The directory may be that user's already, so nothing is followed or taken twice.
void hand_over(int directory, const char* name, const UserIds& user) {
    const int file = ::openat(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (file < 0)
        return;
    struct stat about {};
    if (::fstat(file, &about) == 0 && about.st_uid == 0 &&
        (S_ISDIR(about.st_mode) || (S_ISREG(about.st_mode) && about.st_nlink == 1)) &&
        ::fchownat(file, "", user.uid, user.gid, AT_EMPTY_PATH) != 0)
        log::warning(fmt::format("{}: cannot be handed over to uid {}: {}", name, user.uid,
                                 std::strerror(errno)));
    ::close(file);
}

void hand_over_state(const std::string& path, const UserIds& user) {
    const int state = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (path == "off" || state < 0)
        return;
    hand_over(state, ".", user);
    std::error_code ignored;
    for (const auto& file : std::filesystem::directory_iterator(path, ignored))
        if (file.path().filename() != SettingsFile::kName)
            hand_over(state, file.path().filename().c_str(), user);
    const int spool = ::openat(state, "spool", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (spool >= 0)
        for (const auto& file : std::filesystem::directory_iterator(path + "/spool", ignored))
            hand_over(spool, file.path().filename().c_str(), user);
    ::close(spool);
    ::close(state);
}

// Where the status socket lies; systemd makes it for a service, nobody for a plugin.
void hand_over_run_directory(const std::string& socket, const UserIds& user) {
    if (!socket.starts_with(kDefaultRunDirectory))
        return;
    const std::string directory(kDefaultRunDirectory);
    // Its group finds the socket there; nobody but root puts another in its place.
    if (::mkdir(directory.c_str(), 0750) == 0 &&
        ::chown(directory.c_str(), ::geteuid(), user.gid) != 0)
        log::warning(fmt::format("{}: {}", directory, std::strerror(errno)));
}

std::vector<std::string> writable_directories(const Settings& settings) {
    std::vector<std::string> directories;
    if (settings.state_dir != "off")
        directories.push_back(settings.state_dir);
    if (!settings.json_file.empty()) {
        const auto parent = std::filesystem::path(settings.json_file).parent_path();
        directories.push_back(parent.empty() ? "." : parent.string());
    }
    return directories;
}

// In a directory that only root or this user can change: there nobody plants a link. The confined
// process opens what is in its own by itself.
int open_json_file(const std::string& path) {
    const auto parent = std::filesystem::path(path).parent_path();
    if (Trust(::geteuid()).trouble_with(parent.empty() ? "." : parent.string())) {
        errno = EACCES;
        return -1;
    }
    struct stat about {};
    const bool plain = ::lstat(path.c_str(), &about) != 0 || S_ISREG(about.st_mode);
    // As the output itself does; readable, to see whether the last line is whole.
    return ::open(
        path.c_str(),
        (plain ? O_RDWR : O_WRONLY) | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW,
        S_IRUSR | S_IWUSR | S_IRGRP);
}

// Where signals go, for the handler.
volatile sig_atomic_t notices = -1;

extern "C" void pass_on(int number) {
    const int error = errno;
    if (number == SIGUSR2)
        ask_for_successor();
    const auto byte = static_cast<unsigned char>(number);
    // Full only if nobody listens any more.
    [[maybe_unused]] const auto written = ::write(notices, &byte, 1);
    errno = error;
}

void pass_signals_on(int pipe) {
    notices = pipe;
    struct sigaction action {};
    action.sa_handler = pass_on;
    action.sa_flags = SA_RESTART;
    for (const int number : kSignals)
        ::sigaction(number, &action, nullptr);
}

// ---- the confined process ----

void close_all_but(std::vector<int> keep) {
    std::sort(keep.begin(), keep.end());
    unsigned from = STDERR_FILENO + 1;
    for (const int descriptor : keep) {
        if (descriptor <= STDERR_FILENO)
            continue;
        const auto at = static_cast<unsigned>(descriptor);
        if (at > from)
            ::syscall(__NR_close_range, from, at - 1, 0);
        from = at + 1;
    }
    ::syscall(__NR_close_range, from, ~0U, 0);
}

void say(Confined confined, std::string user_trouble) {
    if (!user_trouble.empty())
        confined.missing.insert(confined.missing.begin(), std::move(user_trouble));
    const std::string in_force = fmt::format("{}", fmt::join(confined.in_force, ", "));
    if (confined.missing.empty())
        log::info(fmt::format("confined process {}: {}", ::getpid(), in_force));
    else
        log::warning(
            fmt::format("confined process {}: not all of it can be had here: {}; in "
                        "force: {}",
                        ::getpid(), fmt::join(confined.missing, "; "), in_force));
}

void become_confined(const Settings& settings, const ChosenUser& user, std::vector<int> keep) {
    // They come as notices; a terminal's Ctrl-C and a service manager's SIGTERM reach both.
    for (const int number : kSignals)
        std::signal(number, SIG_IGN);
    // auditd's stream is the other's.
    const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
    ::dup2(null, STDIN_FILENO);
    // Its socket is opened anew.
    log::start(settings.log_level, settings.syslog);
    close_all_but(std::move(keep));
    // systemd's variable names the process that feeds its watchdog.
    if (::getenv("WATCHDOG_PID") != nullptr)
        ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
    Confinement confinement;
    confinement.user = user.ids;
    confinement.writable = writable_directories(settings);
    Confined confined = confine(confinement);
    const bool whole =
        (confined.missing.empty() || kSanitized) && (user.ids || user.missing.empty());
    say(std::move(confined), user.missing);
    if (!whole && settings.confine == ConfineMode::on)
        throw std::runtime_error("confine = on, and not all of it can be had here");
}

// ---- the privileged process ----

std::string end_of(int status) {
    if (WIFSIGNALED(status))
        return fmt::format("was ended by signal {} ({})", WTERMSIG(status),
                           ::strsignal(WTERMSIG(status)));
    return fmt::format("ended with {}", WEXITSTATUS(status));
}

int wait_for_end(pid_t child) {
    int status = 0;
    const auto end = std::chrono::steady_clock::now() + kLeave;
    while (::waitpid(child, &status, WNOHANG) == 0) {
        if (std::chrono::steady_clock::now() > end) {
            log::error("the confined process does not end, and is killed");
            ::kill(child, SIGKILL);
            ::waitpid(child, &status, 0);
            break;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return status;
}

int stay_privileged(const Settings& settings, LocalFeedHost& feeds, const Channels& channels,
                    pid_t child, bool other_user) {
    std::signal(SIGPIPE, SIG_IGN);
    hide_memory();
    keep_needed_capabilities(choose_feed(settings.feed, look_at_host()).feed == AuditFeed::plugin);
    LinuxProcFiles proc;
    const NotifyRelay notify;
    BrokerMeans means;
    means.feeds = &feeds;
    means.proc = &proc;
    means.environments = settings.env_vars;
    means.read_rules = [&] { return read_trusted_rules(settings.rules, settings.exceptions); };
    means.configuration = [&] { return hash_configuration(settings.config); };
    means.tls_files = [&] {
        return read_tls_files(settings.tls_ca, settings.tls_cert, settings.tls_key);
    };
    means.notify = [&](std::string_view text) { return notify.send(text); };
    if (other_user && !settings.json_file.empty())
        means.open_json_file = [&] { return open_json_file(settings.json_file); };
    BrokerServer server(std::move(means));
    while (server.serve(channels.server)) {
    }
    const bool unfinished = server.feeds_open();
    if (unfinished)
        for (const auto& trouble : feeds.close())
            log::warning(trouble);
    const int status = wait_for_end(child);
    if (WIFEXITED(status) && (WEXITSTATUS(status) != 0 || !unfinished))
        return WEXITSTATUS(status);
    log::error(
        fmt::format("the confined process {}; audit is as it was before, nothing is detected "
                    "until the next start",
                    end_of(status)));
    return EXIT_FAILURE;
}

}  // namespace

Division divide(const Settings& settings, std::vector<int> keep) {
    Division division;
    if (settings.confine == ConfineMode::off) {
        log::warning("confine = off: what parses records has all rights of this process");
        division.access = access_of_this_process(settings);
        division.access.read_rules = [rules = settings.rules, exceptions = settings.exceptions] {
            return read_trusted_rules(rules, exceptions);
        };
        division.access.status = StatusListener(settings.status_socket);
        return division;
    }
    const ChosenUser user = choose_user(settings);
    if (user.ids) {
        hand_over_state(settings.state_dir, *user.ids);
        hand_over_run_directory(settings.status_socket, *user.ids);
    }
    StatusListener status(settings.status_socket,
                          user.ids ? std::optional(user.ids->gid) : std::nullopt);
    LocalFeedHost feeds(settings, true);
    feeds.keep_settings_in(settings.state_dir);
    const Channels channels = make_channels();
    pass_signals_on(channels.notices_out);
    // Ignored by who started us, its end could not be waited for.
    std::signal(SIGCHLD, SIG_DFL);
    const pid_t child = ::fork();
    if (child < 0)
        fail("no second process");
    if (child != 0) {
        ::close(channels.client);
        ::close(channels.notices_in);
        status.close();
        division.exit_code =
            stay_privileged(settings, feeds, channels, child, user.ids.has_value());
        return division;
    }
    status.leave_file();
    keep.insert(keep.end(), {channels.client, channels.notices_in, feeds.ring().wait_descriptor(),
                             status.descriptor()});
    become_confined(settings, user, std::move(keep));
    BrokerOffers offers;
    offers.json_file = user.ids.has_value() && !settings.json_file.empty();
    offers.notifies = ::getenv("NOTIFY_SOCKET") != nullptr;
    division.access = access_through(std::make_shared<BrokerClient>(channels.client), feeds,
                                     channels.notices_in, offers);
    division.access.status = std::move(status);
    return division;
}

}  // namespace audisp_eql::collector
