// SPDX-License-Identifier: Apache-2.0
#include "collector/agent/capture_file.hpp"

#include <cerrno>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

#include <system_error>

namespace audisp_eql::collector {

CaptureFile::CaptureFile(const std::string& path) : path_(path) {
    fd_ = path == "-" ? ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
                      : ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd_ < 0)
        throw std::system_error(errno, std::generic_category(), "cannot write the capture " + path);
    buffer_.reserve(2 * kBufferBytes);
}

CaptureFile::~CaptureFile() {
    flush();
    ::close(fd_);
}

void CaptureFile::on_message(const Message& message) {
    if (error_ != 0)
        return;
    writer_.write(message, buffer_);
    if (message.kind != MessageKind::clock)
        ++messages_;
    // The reader's clock beats at least four times a second: so old is what a crash may cost.
    if (buffer_.size() >= kBufferBytes || message.kind == MessageKind::clock)
        flush();
}

void CaptureFile::flush() {
    std::size_t written = 0;
    while (written < buffer_.size() && error_ == 0) {
        const ssize_t n = ::write(fd_, buffer_.data() + written, buffer_.size() - written);
        if (n >= 0)
            written += static_cast<std::size_t>(n);
        else if (errno != EINTR)
            error_ = errno;
    }
    bytes_ += written;
    buffer_.clear();
}

}  // namespace audisp_eql::collector
