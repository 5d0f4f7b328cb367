// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/settings_file.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <unistd.h>

#include <sys/stat.h>

namespace audisp_eql::collector {
namespace {

std::string path_in(const std::string& directory) {
    return directory + "/audit-settings";
}

// A value that the earlier run had already changed: what was there before it counts.
void keep_first(std::optional<ChangedSetting>& now, const std::optional<ChangedSetting>& left) {
    if (now && left && left->now == now->before)
        now->before = left->before;
    else if (!now)
        now = left;
}

}  // namespace

SettingsFile::SettingsFile(const std::string& directory, const AuditSettings& changed) {
    std::error_code error;
    if (directory == "off" || !std::filesystem::is_directory(directory, error))
        return;
    AuditSettings settings = changed;
    const auto left = left_in(directory);
    if (left) {
        keep_first(settings.backlog_limit, left->backlog_limit);
        keep_first(settings.backlog_wait_time, left->backlog_wait_time);
        keep_first(settings.enabled, left->enabled);
    }
    const std::string text = settings.to_text();
    if (text.empty())
        return;
    const std::string path = path_in(directory);
    ::unlink(path.c_str());
    const int file =
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
    const bool written =
        file >= 0 && ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    if (!written)
        trouble_ = path + " cannot be written, so that a crash would leave audit's settings as " +
                   "they are now: " + std::strerror(errno);
    if (file >= 0)
        ::close(file);
    if (written && !left)
        path_ = path;
}

SettingsFile::~SettingsFile() {
    if (!path_.empty())
        ::unlink(path_.c_str());
}

std::optional<AuditSettings> SettingsFile::left_in(const std::string& directory) {
    // The directory is the confined process's too: what that has written there is not believed, nor
    // what it turns to there while we look.
    const int file =
        ::open(path_in(directory).c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (file < 0)
        return std::nullopt;
    struct stat about {};
    std::array<char, 256> text{};  // three settings of two numbers each
    ssize_t size = -1;
    if (::fstat(file, &about) == 0 && S_ISREG(about.st_mode) && about.st_uid == ::geteuid())
        size = ::read(file, text.data(), text.size());
    ::close(file);
    if (size <= 0)
        return std::nullopt;
    return AuditSettings::from_text({text.data(), static_cast<std::size_t>(size)});
}

void SettingsFile::remove_from(const std::string& directory) {
    ::unlink(path_in(directory).c_str());
}

}  // namespace audisp_eql::collector
