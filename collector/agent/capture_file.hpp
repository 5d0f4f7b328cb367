// SPDX-License-Identifier: Apache-2.0
// Messages into a capture file, as they are consumed.
//
// Memory: owns the descriptor and a buffer. Threads: the worker's. A slow disk slows the worker:
// a capture is made for a while and on purpose.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "collector/feed/capture.hpp"
#include "collector/feed/message.hpp"

namespace audisp_eql::collector {

class CaptureFile final : public MessageSink {
  public:
    static constexpr std::size_t kBufferBytes = 64 * 1024;

    // Makes the file, readable for its owner only (it holds command lines), or empties it; "-" is
    // standard output. Throws std::system_error with the path.
    explicit CaptureFile(const std::string& path);
    ~CaptureFile() override;
    CaptureFile(const CaptureFile&) = delete;
    CaptureFile& operator=(const CaptureFile&) = delete;

    // After a failed write nothing more is written; see error().
    void on_message(const Message& message) override;
    void flush();

    // For a process that is forked.
    int descriptor() const { return fd_; }
    int error() const { return error_; }  // errno of the write that failed; 0: none
    std::uint64_t messages() const { return messages_; }
    std::uint64_t bytes() const { return bytes_; }
    const std::string& path() const { return path_; }

  private:
    std::string path_;
    int fd_ = -1;
    int error_ = 0;
    std::string buffer_;
    std::uint64_t messages_ = 0;
    std::uint64_t bytes_ = 0;
    CaptureWriter writer_;
};

}  // namespace audisp_eql::collector
