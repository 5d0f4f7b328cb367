// SPDX-License-Identifier: Apache-2.0
// Audit records from auditd, whose plugin this program is: lines on standard input
// (format = string), a stream socket whose other end auditd holds.
//
// Memory: owns the line buffer, not the descriptor. Threads: the reader's, except
// unblock_signals().
#pragma once

#include <cstddef>
#include <vector>

#include "collector/feed/audit_source.hpp"

namespace audisp_eql::collector {

// For main, before any thread or handler, when started as a plugin: auditd 3.0 starts plugins with
// nearly every signal ignored, and restarts them with six blocked. All come back to their defaults.
void unblock_signals();

class PluginInput final : public AuditSource {
  public:
    // auditd's socket holds 212,992 bytes; one read takes what came since the last.
    static constexpr std::size_t kBufferBytes = 256 * 1024;
    // A record is at most 8970 bytes, its enriched part and node name come on top.
    static constexpr std::size_t kMaxLine = 32 * 1024;
    // auditd gives a stopping plugin no more time than that.
    static constexpr std::chrono::milliseconds kDrainTime{2000};

    // Makes the descriptor non-blocking. Throws std::runtime_error if it cannot be waited on (a
    // regular file).
    explicit PluginInput(int descriptor);

    int descriptor() const override { return fd_; }
    std::size_t max_record_bytes() const override { return kMaxLine; }
    void read(std::size_t max_records, AuditBatch& batch) override;
    bool buffered() const override { return whole_lines_; }
    // auditd would run into its overflow_action, and other plugins wait behind us.
    bool must_drain() const override { return true; }
    std::chrono::milliseconds drain_time() const override { return kDrainTime; }

  private:
    void fill(AuditBatch& batch);
    // Takes lines out of the buffer; true if it stopped at the limit.
    bool split(std::size_t max_records, AuditBatch& batch);

    int fd_;
    std::vector<char> buffer_;
    std::size_t begin_ = 0, end_ = 0;  // what is in the buffer and not handed out
    std::size_t searched_ = 0;         // up to where there is no newline
    bool whole_lines_ = false;
    bool skipping_ = false;  // inside a line that was too long
    bool at_end_ = false;    // end of input was read
};

}  // namespace audisp_eql::collector
