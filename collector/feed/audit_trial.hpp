// SPDX-License-Identifier: Apache-2.0
// Audit rules for a while only: loaded in front of all others, so that each record is counted for
// the rule that asks for it, and everything put back at the end. Where somebody holds the audit
// feed, the kernel's copies for listeners are read; else the feed itself is held meanwhile.
//
// Memory: owns its sockets. Threads: one.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "collector/feed/audit_control.hpp"
#include "collector/feed/audit_source.hpp"

namespace audisp_eql::collector {

class AuditTrial {
  public:
    // Loads the lines (auditctl's form) with keys of the trial's own: see line_of. Throws
    // std::runtime_error with the reason if that can't be had; what one line is refused for is a
    // note.
    explicit AuditTrial(const std::vector<std::string>& lines);
    // Puts everything back.
    ~AuditTrial();
    AuditTrial(const AuditTrial&) = delete;
    AuditTrial& operator=(const AuditTrial&) = delete;

    // Waits for records, at most so long; false if there were none.
    bool read(int wait_ms, AuditBatch& batch);
    // How many records were lost meanwhile, at least.
    std::uint64_t lost();

    // Which line made the event: the index behind its key; SIZE_MAX for other keys.
    static std::size_t line_of(std::string_view key);

    const std::vector<std::string>& notes() const { return notes_; }
    // Whose feed it is: "held meanwhile", "pid 4321 (auditd) holds it".
    const std::string& feed() const { return feed_; }

  private:
    void load(const std::vector<std::string>& lines);
    void put_back();

    KernelAuditControl control_;
    AuditStatus before_;
    AuditSettings settings_;
    bool registered_ = false;
    std::unique_ptr<AuditSource> source_;
    std::uint64_t overruns_ = 0;
    std::vector<std::string> notes_;
    std::string feed_;
};

}  // namespace audisp_eql::collector
