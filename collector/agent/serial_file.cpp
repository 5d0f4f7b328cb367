// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/serial_file.hpp"

#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <unistd.h>
#include <utility>

#include <fmt/format.h>
#include <sys/stat.h>

#include "collector/audit/record.hpp"
#include "collector/feed/loss.hpp"

namespace audisp_eql::collector {

SerialFile::SerialFile(const std::string& directory, std::string boot_id)
    : boot_id_(std::move(boot_id)) {
    std::error_code error;
    if (directory == "off" || boot_id_.empty() || !std::filesystem::is_directory(directory, error))
        return;
    path_ = directory + "/last-serial";
    std::ifstream file(path_);
    std::string text;
    if (!std::getline(file, text) || find_field(text, "boot") != boot_id_)
        return;
    const auto number = [&](std::string_view key) {
        const std::optional<std::string_view> value = find_field(text, key);
        return value ? parse_decimal(*value).value_or(0) : 0;
    };
    if (const std::int64_t serial = number("serial"); serial > 0)
        last_ = Last{static_cast<std::uint64_t>(serial), number("ns"), number("ended") == 1};
}

std::optional<std::string> SerialFile::loss_before(std::uint64_t first_serial) {
    if (first_serial == 0 || !last_)
        return std::nullopt;
    const Last last = *std::exchange(last_, std::nullopt);
    if (first_serial <= last.serial + 1)
        return std::nullopt;
    // After a proper end our rules were gone: what happened then has no number. After a crash the
    // newest numbers may have been read.
    return loss_text(gap_source::kRestart, first_serial - last.serial - 1, last.ended, last.ns);
}

void SerialFile::keep(std::uint64_t serial, std::int64_t now_ns, bool ended) {
    if (path_.empty() || serial == 0 || (serial == kept_ && !ended))
        return;
    const std::string text =
        fmt::format("boot={} serial={} ns={} ended={}\n", boot_id_, serial, now_ns, ended ? 1 : 0);
    // Anew each time and then renamed: half a file is never there.
    const std::string fresh = path_ + ".new";
    const int file = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
                            S_IRUSR | S_IWUSR);
    const bool written =
        file >= 0 && ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    if (file >= 0)
        ::close(file);
    if (written && ::rename(fresh.c_str(), path_.c_str()) == 0)
        kept_ = serial;
    else
        path_.clear();
}

std::string boot_id_of_host() {
    std::ifstream file("/proc/sys/kernel/random/boot_id");
    std::string id;
    std::getline(file, id);
    return id;
}

}  // namespace audisp_eql::collector
