// SPDX-License-Identifier: Apache-2.0
// Audit records from the kernel's netlink socket: as its one registered reader (unicast), or as one
// of any number of listeners beside it (multicast).
//
// Memory: owns the socket and the receive slots. Threads: made and closed by the agent's thread,
// read by the reader's.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>

#include "collector/feed/audit_source.hpp"

namespace audisp_eql::collector {

struct AuditFrame {
    std::uint16_t type;      // nlmsg_type
    std::string_view bytes;  // "audit(…): …"
};
// One datagram as it was received. The header's nlmsg_len is not asked: the kernel leaves its own
// 16 bytes out on unicast and counts them on multicast. nullopt: too short for a header.
std::optional<AuditFrame> parse_audit_datagram(std::string_view datagram);

// True for the types that carry record text; the others are acknowledgements, replies to requests
// and the kernel's question whether its reader lives (AUDIT_REPLACE).
bool is_audit_record(std::uint16_t type);

class AuditNetlink final : public AuditSource {
  public:
    // MAX_AUDIT_MESSAGE_LENGTH in libaudit.h is 8970, the largest seen 7552.
    static constexpr std::size_t kSlotBytes = 16 * 1024;
    // What the kernel's own backlog is for; this only makes the hand-over smooth.
    static constexpr int kReceiveBuffer = 8 << 20;

    // Records of what has just happened wait for the kernel's audit thread: 32 ms at most in 99 of
    // 100 cases on a busy machine.
    static constexpr std::chrono::milliseconds kDrainTime{200};

    // A listener's socket is all there is between the kernel and us: what does not fit is lost. It
    // holds some 37,000 records (887 bytes of it each, measured; the kernel doubles the number).
    static constexpr int kListenBuffer = 16 << 20;

    // To the group that every record is sent to (CAP_AUDIT_READ). Changes nothing of audit. Throws
    // std::runtime_error with the reason.
    static std::unique_ptr<AuditNetlink> listen();

    // Registers this process as the audit reader. Throws std::runtime_error with the reason, which
    // names the holder if there is one.
    AuditNetlink();
    // For tests: reads from any datagram socket, registers nothing; owns the descriptor.
    explicit AuditNetlink(int descriptor);
    ~AuditNetlink() override;
    AuditNetlink(const AuditNetlink&) = delete;
    AuditNetlink& operator=(const AuditNetlink&) = delete;

    int descriptor() const override { return fd_; }
    std::size_t max_record_bytes() const override { return kSlotBytes; }
    void read(std::size_t max_records, AuditBatch& batch) override;
    bool buffered() const override { return false; }
    std::chrono::milliseconds drain_time() const override { return kDrainTime; }

  private:
    struct Slots;
    void register_reader();
    void make_room(int bytes) const;

    int fd_ = -1;
    std::unique_ptr<Slots> slots_;
};

}  // namespace audisp_eql::collector
