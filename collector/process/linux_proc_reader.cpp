// SPDX-License-Identifier: Apache-2.0
// What /proc/PID shows of a process (man 5 proc).
#include <array>
#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <filesystem>
#include <unistd.h>

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <system_error>

#include "collector/audit/decode.hpp"
#include "collector/process/container.hpp"
#include "collector/process/proc_reader.hpp"

namespace audisp_eql::collector {

namespace {

// An argument list may have megabytes; what is beyond this is not even counted.
constexpr std::size_t kMaxFileBytes = 128 * 1024;

// Behind the path of a removed file; the files of memfd_create(2) are born without a name.
constexpr std::string_view kDeleted = " (deleted)";
constexpr std::string_view kMemfd = "/memfd:";

bool read_file(const std::string& path, std::string& out) {
    out.clear();
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    std::array<char, 4096> part;
    ssize_t got = 0;
    while (out.size() < kMaxFileBytes) {
        got = ::read(fd, part.data(), part.size());
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        out.append(part.data(), static_cast<std::size_t>(got));
    }
    ::close(fd);
    return got >= 0;
}

std::string read_link(const std::string& path) {
    std::array<char, 4096> target;
    const ssize_t size = ::readlink(path.c_str(), target.data(), target.size());
    return size <= 0 ? std::string{} : std::string(target.data(), static_cast<std::size_t>(size));
}

// The link of a file that was removed (an upgraded daemon) says so behind its path. A memfd never
// had another.
std::string read_exe(const std::string& path) {
    std::string exe = read_link(path);
    struct stat file {};
    if (exe.ends_with(kDeleted) && !exe.starts_with(kMemfd) && ::stat(path.c_str(), &file) == 0 &&
        file.st_nlink == 0)
        exe.resize(exe.size() - kDeleted.size());
    return exe;
}

template <typename Number>
bool parse(std::string_view text, Number& number) {
    const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
    return result.ec == std::errc{};
}

// The n-th word of a text, counted from 0.
std::string_view word(std::string_view text, int n) {
    while (true) {
        const std::size_t start = text.find_first_not_of(" \t\n");
        if (start == std::string_view::npos)
            return {};
        text.remove_prefix(start);
        const std::size_t end = std::min(text.find_first_of(" \t\n"), text.size());
        if (n-- == 0)
            return text.substr(0, end);
        text.remove_prefix(end);
    }
}

// As audit names it (the tty driver's name): pts0, tty1, ttyS0.
std::string tty_name(int device) {
    if (device == 0)
        return {};
    const auto number = static_cast<dev_t>(static_cast<unsigned>(device));
    const unsigned major = gnu_dev_major(number);
    const unsigned minor = gnu_dev_minor(number);
    if (major >= 136 && major <= 143)  // UNIX98_PTY_SLAVE_MAJOR and 7 more, 256 terminals each
        return "pts" + std::to_string((major - 136) * 256 + minor);
    if (major == 4)
        return minor < 64 ? "tty" + std::to_string(minor) : "ttyS" + std::to_string(minor - 64);
    return "dev" + std::to_string(major) + ":" + std::to_string(minor);
}

// "Uid:\treal\teffective\t…"
void parse_ids(std::string_view status, std::string_view label, std::uint32_t& real,
               std::uint32_t& effective) {
    const std::size_t at = status.find(label);
    if (at == std::string_view::npos)
        return;
    const std::string_view line = status.substr(at + label.size());
    parse(word(line, 0), real);
    parse(word(line, 1), effective);
}

// "CapEff:\t000001ffffffffff"
void parse_capabilities(std::string_view status, std::string_view label, std::int64_t& mask) {
    const std::size_t at = status.find(label);
    if (at == std::string_view::npos)
        return;
    const std::string_view hex = word(status.substr(at + label.size()), 0);
    std::uint64_t bits = 0;
    if (std::from_chars(hex.data(), hex.data() + hex.size(), bits, 16).ec == std::errc{})
        mask = static_cast<std::int64_t>(bits);
}

void parse_cmdline(std::string_view cmdline, ProcSnapshot& out) {
    std::size_t kept = 0;
    while (!cmdline.empty()) {
        const std::size_t end = std::min(cmdline.find('\0'), cmdline.size());
        ++out.args_count;
        if (out.args.size() < Arguments::kMaxArguments && kept + end <= Arguments::kMaxBytes) {
            out.args.emplace_back(cmdline.substr(0, end));
            kept += end;
        }
        cmdline.remove_prefix(std::min(end + 1, cmdline.size()));
    }
}

}  // namespace

// The name in parentheses is the process's own choice and may hold spaces and parentheses: the
// fields begin behind the last one.
bool LinuxProcReader::parse_stat(std::string_view stat, ProcSnapshot& out) {
    const std::size_t name_end = stat.rfind(')');
    if (name_end == std::string_view::npos)
        return false;
    const std::string_view fields = stat.substr(name_end + 1);
    // Field 3 of proc(5) is word 0.
    int tty = 0;
    const bool ok = parse(word(fields, 4 - 3), out.ppid) && parse(word(fields, 5 - 3), out.pgid) &&
                    parse(word(fields, 6 - 3), out.sid) && parse(word(fields, 7 - 3), tty) &&
                    parse(word(fields, 20 - 3), out.threads) &&
                    parse(word(fields, 22 - 3), out.start_tick);
    out.tty = tty_name(tty);
    return ok;
}

std::vector<std::int32_t> LinuxProcReader::pids() {
    std::vector<std::int32_t> pids;
    std::error_code error;
    for (std::filesystem::directory_iterator at(root_, error), end; !error && at != end;
         at.increment(error)) {
        const std::string name = at->path().filename();
        std::int32_t pid = 0;
        const auto result = std::from_chars(name.data(), name.data() + name.size(), pid);
        if (result.ec == std::errc{} && result.ptr == name.data() + name.size() && pid > 0)
            pids.push_back(pid);
    }
    return pids;
}

std::optional<ProcSnapshot> LinuxProcReader::read(std::int32_t pid) {
    const std::string base = root_ + "/" + std::to_string(pid) + "/";
    ProcSnapshot snapshot;
    snapshot.pid = pid;
    std::string text;
    if (!read_file(base + "stat", text) || !parse_stat(text, snapshot))
        return std::nullopt;
    snapshot.exe = read_exe(base + "exe");
    snapshot.cwd = read_link(base + "cwd");
    if (read_file(base + "cmdline", text))
        parse_cmdline(text, snapshot);
    if (read_file(base + "status", text)) {
        parse_ids(text, "\nUid:", snapshot.uid, snapshot.euid);
        parse_ids(text, "\nGid:", snapshot.gid, snapshot.egid);
        parse_capabilities(text, "\nCapPrm:", snapshot.cap_permitted);
        parse_capabilities(text, "\nCapEff:", snapshot.cap_effective);
    }
    if (read_file(base + "loginuid", text))
        parse(text, snapshot.auid);
    if (read_file(base + "sessionid", text))
        parse(text, snapshot.session);
    read_view(pid, snapshot.foreign_mounts, snapshot.own_root);
    if (read_file(base + "cgroup", text))
        snapshot.cgroup = telling_cgroup(text).substr(0, kMaxCgroupBytes);

    ProcSnapshot after;
    if (!read_file(base + "stat", text) || !parse_stat(text, after) ||
        after.start_tick != snapshot.start_tick)
        return std::nullopt;
    return snapshot;
}

std::optional<DescriptorTarget> LinuxProcReader::descriptor(std::int32_t pid, std::int32_t fd) {
    const std::string base = root_ + "/" + std::to_string(pid);
    const std::string number = std::to_string(fd);
    DescriptorTarget target;
    target.pid = pid;
    target.fd = fd;
    target.path = read_link(base + "/fd/" + number);
    std::string text;
    if (!target.path.starts_with('/') || !read_file(base + "/fdinfo/" + number, text))
        return std::nullopt;
    // Not stat(): that would ask the file system, which may be remote and not answer.
    constexpr std::string_view kLabel = "\nino:";
    if (const std::size_t at = text.find(kLabel); at != std::string::npos)
        parse(word(std::string_view(text).substr(at + kLabel.size()), 0), target.inode);
    if (target.path.ends_with(kDeleted) && !target.path.starts_with(kMemfd))
        target.path.resize(target.path.size() - kDeleted.size());
    return target;
}

std::optional<ModuleTaint> LinuxProcReader::module(std::string_view name) {
    ModuleTaint taint;
    taint.name = name;
    // What a module calls itself is its maker's choice.
    if (name.empty() || name.find('/') != std::string_view::npos ||
        !read_file(modules_ + "/" + taint.name + "/taint", taint.flags))
        return std::nullopt;
    taint.flags.resize(taint.flags.find_last_not_of(" \n") + 1);
    return taint;
}

}  // namespace audisp_eql::collector
