// SPDX-License-Identifier: Apache-2.0
#include "collector/feed/plugin.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <stdexcept>
#include <unistd.h>

#include <sys/stat.h>

namespace audisp_eql::collector {

void unblock_signals() {
    for (int number = 1; number < NSIG; ++number)
        // KILL, STOP and the C library's own refuse, which is right.
        std::signal(number, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

PluginInput::PluginInput(int descriptor) : fd_(descriptor), buffer_(kBufferBytes) {
    struct stat status {};
    if (::fstat(fd_, &status) != 0 || S_ISREG(status.st_mode) || S_ISDIR(status.st_mode))
        throw std::runtime_error(
            "standard input is no socket or pipe: as a plugin this program is "
            "started by auditd; use replay for files");
    const int flags = ::fcntl(fd_, F_GETFL);
    if (flags < 0 || ::fcntl(fd_, F_SETFL, flags | O_NONBLOCK) != 0)
        throw std::runtime_error("standard input cannot be read");
}

void PluginInput::fill(AuditBatch& batch) {
    if (begin_ != 0) {
        std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
        searched_ -= begin_;
        end_ -= begin_;
        begin_ = 0;
    }
    while (!at_end_ && end_ < buffer_.size()) {
        const auto got = ::read(fd_, buffer_.data() + end_, buffer_.size() - end_);
        if (got > 0) {
            end_ += static_cast<std::size_t>(got);
        } else if (got == 0) {
            at_end_ = true;
        } else if (errno == ECONNRESET) {
            at_end_ = true;  // auditd died with something unread on its side
        } else if (errno != EINTR) {
            if (errno != EAGAIN && errno != EWOULDBLOCK)
                batch.error = errno;
            return;
        }
    }
}

bool PluginInput::split(std::size_t max_records, AuditBatch& batch) {
    for (;;) {
        const char* from = buffer_.data() + searched_;
        const auto* newline = static_cast<const char*>(std::memchr(from, '\n', end_ - searched_));
        const bool last = newline == nullptr && at_end_ && end_ > begin_;
        if (newline == nullptr && !last) {
            searched_ = end_;
            if (end_ - begin_ > kMaxLine) {
                batch.cut += skipping_ ? 0 : 1;
                skipping_ = true;
                begin_ = end_;
            }
            return false;
        }
        if (batch.records.size() == max_records)
            return true;
        const char* line_end = last ? buffer_.data() + end_ : newline;
        const std::string_view line(buffer_.data() + begin_,
                                    static_cast<std::size_t>(line_end - buffer_.data()) - begin_);
        begin_ = searched_ = static_cast<std::size_t>(line_end - buffer_.data()) + (last ? 0 : 1);
        if (skipping_)
            skipping_ = false;
        else if (line.size() > kMaxLine)
            ++batch.cut;
        else if (!line.empty())
            batch.records.push_back({MessageKind::audit_line, 0, line});
    }
}

void PluginInput::read(std::size_t max_records, AuditBatch& batch) {
    // Records handed out are views on the buffer: it moves only when the next read begins.
    if (!whole_lines_)
        fill(batch);
    whole_lines_ = split(std::min(max_records, kMaxBatch), batch);
    batch.ended = at_end_ && !whole_lines_;
}

}  // namespace audisp_eql::collector
