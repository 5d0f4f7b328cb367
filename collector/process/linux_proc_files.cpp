// SPDX-License-Identifier: Apache-2.0
// The files of /proc/PID (man 5 proc).
#include <array>
#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <filesystem>
#include <unistd.h>

#include <sys/stat.h>
#include <system_error>

#include "collector/process/proc_files.hpp"
#include "collector/process/proc_reader.hpp"

namespace audisp_eql::collector {

namespace {

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
    while (out.size() < ProcFiles::kMaxFileBytes) {
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

}  // namespace

std::vector<std::int32_t> LinuxProcFiles::pids() {
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

std::optional<RawProcess> LinuxProcFiles::process(std::int32_t pid) {
    const std::string base = root_ + "/" + std::to_string(pid) + "/";
    RawProcess raw;
    if (!read_file(base + "stat", raw.stat))
        return std::nullopt;
    raw.exe = read_exe(base + "exe");
    raw.cwd = read_link(base + "cwd");
    const std::pair<const char*, std::string*> texts[] = {
        {"cmdline", &raw.cmdline},     {"status", &raw.status}, {"loginuid", &raw.loginuid},
        {"sessionid", &raw.sessionid}, {"cgroup", &raw.cgroup},
    };
    for (const auto& [name, text] : texts)
        if (!read_file(base + name, *text))
            text->clear();
    read_view(pid, raw.foreign_mounts, raw.own_root);
    if (!read_file(base + "stat", raw.stat_after))
        return std::nullopt;
    return raw;
}

std::optional<DescriptorTarget> LinuxProcFiles::descriptor(std::int32_t pid, std::int32_t fd) {
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
    if (const std::size_t at = text.find(kLabel); at != std::string::npos) {
        const std::size_t digits = text.find_first_not_of(" \t", at + kLabel.size());
        if (digits != std::string::npos)
            std::from_chars(text.data() + digits, text.data() + text.size(), target.inode);
    }
    if (target.path.ends_with(kDeleted) && !target.path.starts_with(kMemfd))
        target.path.resize(target.path.size() - kDeleted.size());
    return target;
}

std::optional<ModuleTaint> LinuxProcFiles::module(std::string_view name) {
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
