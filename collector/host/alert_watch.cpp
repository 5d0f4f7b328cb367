// SPDX-License-Identifier: Apache-2.0
#include "collector/host/alert_watch.hpp"

#include <array>
#include <cstdio>
#include <ctime>
#include <fcntl.h>
#include <memory>
#include <unistd.h>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <boost/system/error_code.hpp>
#include <fmt/format.h>
#include <sys/stat.h>

namespace audisp_eql::collector {

std::optional<std::string> alert_with(std::string_view line, std::string_view word) {
    // Audit's own records, which some hosts log too, hold the word as well: only alerts count.
    constexpr std::string_view kAlert = R"("kind":"alert")";
    if (line.find(word) == std::string_view::npos || line.find(kAlert) == std::string_view::npos)
        return std::nullopt;
    boost::system::error_code error;
    const boost::json::value document =
        boost::json::parse(line.substr(std::min(line.find('{'), line.size())), error);
    if (error)
        return std::string();
    const auto* name = document.find_pointer("/rule/name", error);
    return name != nullptr && name->is_string() ? std::string(name->get_string()) : std::string();
}

AlertWatch::AlertWatch(const std::vector<std::string>& files, bool journal)
    : journal_(journal), since_(std::time(nullptr)) {
    for (const std::string& path : files) {
        File file;
        file.path = path;
        open(file, true);
        files_.push_back(std::move(file));
    }
}

AlertWatch::~AlertWatch() {
    for (const File& file : files_)
        if (file.fd >= 0)
            ::close(file.fd);
}

void AlertWatch::open(File& file, bool at_end) {
    struct stat status {};
    file.fd = ::open(file.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file.fd < 0 || ::fstat(file.fd, &status) != 0)
        return;
    file.inode = status.st_ino;
    if (at_end)
        ::lseek(file.fd, 0, SEEK_END);
}

std::optional<FoundAlert> AlertWatch::look(std::string_view word) {
    for (File& file : files_)
        if (auto found = look_into(file, word))
            return found;
    return journal_ ? look_into_journal(word) : std::nullopt;
}

std::optional<FoundAlert> AlertWatch::look_into(File& file, std::string_view word) {
    if (file.fd < 0)
        open(file, false);
    std::array<char, 65'536> part;
    while (file.fd >= 0) {
        const auto got = ::read(file.fd, part.data(), part.size());
        if (got <= 0)
            break;
        file.rest.append(part.data(), static_cast<std::size_t>(got));
        for (auto end = file.rest.find('\n'); end != std::string::npos;
             end = file.rest.find('\n')) {
            if (const auto rule = alert_with(std::string_view(file.rest).substr(0, end), word))
                return FoundAlert{file.path, *rule};
            file.rest.erase(0, end + 1);
        }
        if (file.rest.size() > kMaxLine)
            file.rest.clear();
    }
    // Rotated meanwhile: the new file from its beginning.
    struct stat status {};
    if (file.fd >= 0 && ::stat(file.path.c_str(), &status) == 0 && status.st_ino != file.inode) {
        ::close(file.fd);
        file.rest.clear();
        open(file, false);
    }
    return std::nullopt;
}

// The journal's files have no stable form but through its library or this program.
std::optional<FoundAlert> AlertWatch::look_into_journal(std::string_view word) {
    const auto now = std::chrono::steady_clock::now();
    if (now < next_question_)
        return std::nullopt;
    next_question_ = now + std::chrono::milliseconds(500);
    const std::string command = fmt::format(
        "journalctl --quiet --no-pager --all -o cat -t audisp-eql --since @{} "
        "2>/dev/null </dev/null",
        since_);
    const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(::popen(command.c_str(), "re"),
                                                               ::pclose);
    if (pipe == nullptr)
        return std::nullopt;
    std::string text;
    std::array<char, 65'536> part;
    while (const std::size_t got = std::fread(part.data(), 1, part.size(), pipe.get())) {
        text.append(part.data(), got);
        for (auto end = text.find('\n'); end != std::string::npos; end = text.find('\n')) {
            if (const auto rule = alert_with(std::string_view(text).substr(0, end), word))
                return FoundAlert{"the journal", *rule};
            text.erase(0, end + 1);
        }
    }
    return std::nullopt;
}

std::string AlertWatch::places() const {
    std::string text;
    for (const File& file : files_)
        if (file.fd >= 0)
            text += (text.empty() ? "" : ", ") + file.path;
    if (journal_)
        text += text.empty() ? "the journal" : ", the journal";
    return text;
}

}  // namespace audisp_eql::collector
