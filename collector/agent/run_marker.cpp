// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/run_marker.hpp"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <unistd.h>

#include <fmt/format.h>
#include <sys/stat.h>

#include "collector/feed/audit_control.hpp"
#include "collector/feed/clock.hpp"
#include "detect/text/time_text.hpp"

namespace audisp_eql::collector {
namespace {

std::string time_text(std::int64_t us) {
    std::string text;
    detect::append_iso_time(text, us / 1'000'000 * 1'000'000);
    return text.substr(0, text.find('.')) + 'Z';
}

// Nobody else has our name and the number of the earlier run.
bool still_lives(const RunningAgent& agent, std::int32_t pid) {
    return agent.pid > 0 && agent.pid != pid && agent.boot_id == boot_id() &&
           program_name(static_cast<std::uint32_t>(agent.pid)) ==
               program_name(static_cast<std::uint32_t>(::getpid()));
}

}  // namespace

std::string boot_id() {
    std::ifstream file("/proc/sys/kernel/random/boot_id");
    std::string id;
    std::getline(file, id);
    return id;
}

std::optional<RunningAgent> running_agent_from(const std::string& text) {
    const auto boot = find_field(text, "boot");
    const auto pid = find_field(text, "pid"), started = find_field(text, "started");
    if (!boot || !pid || !started)
        return std::nullopt;
    RunningAgent agent;
    agent.boot_id = *boot;
    agent.pid = static_cast<std::int32_t>(parse_decimal(*pid).value_or(0));
    agent.started_us = parse_decimal(*started).value_or(0);
    return agent;
}

RunMarker::RunMarker(const std::string& directory, std::int32_t pid) {
    std::error_code error;
    if (directory == "off" || !std::filesystem::is_directory(directory, error))
        return;
    const std::string path = directory + "/running";
    std::ifstream file(path);
    std::string line;
    if (std::getline(file, line))
        left_ = running_agent_from(line);
    struct stat status {};
    if (left_ && ::stat(path.c_str(), &status) == 0)
        left_->seen_us =
            std::int64_t{status.st_mtim.tv_sec} * 1'000'000 + status.st_mtim.tv_nsec / 1000;
    if (left_ && still_lives(*left_, pid)) {
        left_.reset();
        return;
    }
    // In place of what an earlier run left, as a whole: a crash leaves the one or the other.
    text_ = fmt::format("boot={} pid={} started={}\n", boot_id(), pid, wall_us());
    const std::string fresh = path + ".new";
    file_ = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
                   S_IRUSR | S_IWUSR);
    touch();
    if (file_ < 0 || ::rename(fresh.c_str(), path.c_str()) != 0)
        trouble_ = fmt::format(
            "{} cannot be written, so that a kill of this run would go unsaid at the next start: "
            "{}",
            path, std::strerror(errno));
    else
        path_ = path;
}

RunMarker::~RunMarker() {
    if (file_ >= 0)
        ::close(file_);
}

// The same text again: that needs no other right than the first time.
void RunMarker::touch() {
    if (file_ >= 0 && ::pwrite(file_, text_.data(), text_.size(), 0) < 0)
        trouble_ = std::strerror(errno);
}

void RunMarker::end() {
    if (!path_.empty())
        ::unlink(path_.c_str());
    path_.clear();
}

EndOfRun tell_of(const RunningAgent& left, const std::string& boot_id, std::int64_t now_us) {
    const bool same_boot = left.boot_id == boot_id;
    const std::string seen = time_text(left.seen_us);
    EndOfRun end{same_boot ? OwnAlert::agent_killed : OwnAlert::host_restarted, {}};
    end.facts.message =
        same_boot ? fmt::format(
                        "the agent (pid {}, started {}) ended without an orderly stop: it was "
                        "killed or crashed after {}; what happened until {} was not seen",
                        left.pid, time_text(left.started_us), seen, time_text(now_us))
                  : fmt::format(
                        "the host went down after {} while the agent ran (pid {}, started {}), "
                        "and has booted since",
                        seen, left.pid, time_text(left.started_us));
    end.facts.occasion = fmt::format("{} {} {}", left.boot_id, left.pid, left.started_us);
    end.facts.more = {json_number("audisp_eql.agent.pid", static_cast<std::uint64_t>(left.pid)),
                      json_time("audisp_eql.agent.started", left.started_us),
                      json_time("audisp_eql.agent.last_seen", left.seen_us)};
    return end;
}

}  // namespace audisp_eql::collector
