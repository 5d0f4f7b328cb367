// SPDX-License-Identifier: Apache-2.0
// The kernel's audit settings and rules: reading them, changing them, putting them back.
//
// Audit is shared property: what was changed is remembered and put back, unless somebody else has
// changed it since. The socket is another one than the feed's, so that answers never hide among
// records.
// Memory: owns its socket. Threads: one at a time, never the reader's.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace audisp_eql::collector {

struct AuditStatus {
    std::uint32_t enabled = 0;  // 2: locked until the next boot
    std::uint32_t failure = 0;
    std::uint32_t pid = 0;  // who holds the feed; 0: nobody
    std::uint32_t rate_limit = 0;
    std::uint32_t backlog_limit = 0;
    std::uint32_t lost = 0;
    std::uint32_t backlog = 0;
    std::uint32_t backlog_wait_time = 0;
};

// A rule in the kernel's form (struct audit_rule_data and its strings).
using AuditRuleBytes = std::vector<char>;

// What we ask of the kernel; an interface because a locked kernel (enabled=2) stays so until it
// boots, which a test cannot wait for. Each answers 0 or an errno value.
class AuditControl {
  public:
    virtual ~AuditControl() = default;
    virtual int status(AuditStatus& status) = 0;
    virtual int set_enabled(std::uint32_t value) = 0;
    virtual int set_backlog_limit(std::uint32_t value) = 0;
    virtual int set_backlog_wait_time(std::uint32_t value) = 0;
    // Gives the feed back, if it is ours.
    virtual int release_pid() = 0;
    virtual int add_rule(const AuditRuleBytes& rule) = 0;
    virtual int delete_rule(const AuditRuleBytes& rule) = 0;
    virtual int list_rules(std::vector<AuditRuleBytes>& rules) = 0;
};

class KernelAuditControl final : public AuditControl {
  public:
    // A kernel thread answers within microseconds; a second means that it never will.
    static constexpr int kAnswerMs = 1000;
    // More than any host's rules; bounds the listing.
    static constexpr std::size_t kMaxRules = 100'000;

    // Throws std::runtime_error with the reason if there is no audit socket for us.
    KernelAuditControl();
    ~KernelAuditControl() override;
    KernelAuditControl(const KernelAuditControl&) = delete;
    KernelAuditControl& operator=(const KernelAuditControl&) = delete;

    int status(AuditStatus& status) override;
    int set_enabled(std::uint32_t value) override;
    int set_backlog_limit(std::uint32_t value) override;
    int set_backlog_wait_time(std::uint32_t value) override;
    int release_pid() override;
    int add_rule(const AuditRuleBytes& rule) override;
    int delete_rule(const AuditRuleBytes& rule) override;
    int list_rules(std::vector<AuditRuleBytes>& rules) override;

  private:
    int fd_ = -1;
};

// One value that we changed.
struct ChangedSetting {
    std::uint32_t before = 0;
    std::uint32_t now = 0;
};

struct AuditSettings {
    // 8 records an exec: 4096 execs wait in the kernel (about 30 MB at worst).
    static constexpr std::uint32_t kBacklogLimit = 32'768;
    // A full backlog must cost records, which is said, and never a minute's stall of the host.
    static constexpr std::uint32_t kBacklogWaitTime = 0;

    std::optional<ChangedSetting> backlog_limit;
    std::optional<ChangedSetting> backlog_wait_time;
    std::optional<ChangedSetting> enabled;

    // One line, for a stop command that runs after a crash: "backlog_limit=64>32768 …".
    std::string to_text() const;
    static std::optional<AuditSettings> from_text(std::string_view text);
};

// Sets what a detector needs of a feed that it holds, but for the enabled flag. Appends a line to
// `notes` for each thing the kernel refused.
AuditSettings apply_settings(AuditControl& control, const AuditStatus& status,
                             std::vector<std::string>& notes);
// Turns audit on where it was off.
void enable_audit(AuditControl& control, const AuditStatus& status, AuditSettings& settings,
                  std::vector<std::string>& notes);
// Puts back what still has our value. Appends a line for each thing that could not be put back.
void restore_settings(AuditControl& control, const AuditSettings& settings,
                      std::vector<std::string>& notes);

// The kernel's name of a program that runs ("auditd"); empty: gone.
std::string program_name(std::uint32_t pid);

// "pid 4321 (auditd)": who holds the feed now; "another program" if that cannot be seen.
std::string audit_holder();
std::string audit_holder(const AuditStatus& status);

}  // namespace audisp_eql::collector
